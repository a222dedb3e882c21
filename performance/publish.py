"""Publish a finished run of the miniature: what the documentation shows, and what later runs are compared with.

    python performance/publish.py --results results/miniature --machine "2 cores of an AMD EPYC" --hours 2.5

Writes claims/reference_run.csv and .yaml of the package, the findings of README.md between its markers, and the
pictures of docs/images. Sentences and tables of docs/results.md are made of the first when the site is built.
"""

import argparse
import datetime
import shutil
import subprocess
from pathlib import Path

import yaml

from tradeoffs.claims import findings, reference_run
from tradeoffs.claims.row import Claim
from tradeoffs.cost import study
from tradeoffs.results.rows import rows
from tradeoffs.results.table import write_csv
from tradeoffs.step.cards import read_card

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs/images"
START, END = "<!-- findings -->", "<!-- end of findings -->"


def main() -> None:
    """Write them all."""
    parser = argparse.ArgumentParser(description="Publish a finished run of the miniature")
    parser.add_argument("--results", type=Path, required=True, help="results/miniature of the run")
    parser.add_argument("--config", type=Path, nargs="*", default=[], help="config files given to it")
    parser.add_argument("--machine", required=True, help="what it ran on, in words")
    parser.add_argument("--hours", type=float, required=True, help="how long it took")
    options = parser.parse_args()
    table = rows(options.results / "claims.csv", Claim._fields)
    columns = reference_run.COLUMNS
    write_csv(reference_run.TABLE, columns, [[row[column] for column in columns] for row in table])
    spec = read_card(options.results / "cards/claims.json")["spec"]
    config = study.read(options.config, [], complete=False).config
    commit = subprocess.run(
        ["git", "-C", options.results, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    facts = {
        "date": datetime.date.fromtimestamp((options.results / "claims.csv").stat().st_mtime).isoformat(),
        "commit": commit.stdout.strip(),
        "machine": options.machine,
        "hours": options.hours,
        "replicates": max(model["replicate"] for model in spec["models"]),
        "models": len(spec["models"]),
        "settings": reference_run.flat(config),
    }
    reference_run.FACTS.write_text(
        "# How reference_run.csv was made; written by performance/publish.py.\n"
        + yaml.safe_dump(facts, sort_keys=False, width=120)
    )
    for picture in PICTURES.glob("*.png"):
        if (made := options.results / "figures" / picture.name).is_file():
            shutil.copyfile(made, picture)
    readme = ROOT / "README.md"
    text = readme.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    lead = f"Of the miniature ({reference_run.in_words(facts)}):\n"
    listed = "\n".join([lead, *(f"* {sentence}" for sentence in findings.in_short(reference_run.published()))])
    readme.write_text(f"{before}{START}\n{listed}\n{END}{after}")


if __name__ == "__main__":
    main()
