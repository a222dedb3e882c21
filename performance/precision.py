"""Does training in bfloat16 change what is concluded? Two finished runs of the same models, metric by metric.

    uv run python performance/precision.py FLOAT32 BFLOAT16

Each is a folder in which the workflow has run, with equal configs but for ``training.precision``, and replicates. Every
model is paired with that of the same seed. Printed are, for clean accuracy, for accuracy under attack and for the
measures that claims have a margin of: the mean in the first run, the difference with 95 % t intervals over pairs, and
over replicates (as the worlds are what differs), how far two trainings of a pair lie apart and how far replicates do
(standard deviations), the difference that adversarial training makes in each, and the margin of the shipped config.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tradeoffs.claims.variance import quantile
from tradeoffs.cost.table import aligned

SUMMARY = Path("results/miniature/summary.csv")
# Accuracies, in benchmarks: three images in a hundred, as of a gap.
OTHERS = {"imagenet accuracy": 0.03, "shifted_correlation adversarial_accuracy_preserved": 0.03}


def half_width(values: pd.Series) -> float:
    """Return half the width of the 95 % t interval of a mean."""
    return quantile(0.975, len(values) - 1) * float(values.sem())


def pairs(first: Path, second: Path) -> pd.DataFrame:
    """Return a row for each model and metric that both runs have, with ``value`` and ``difference``."""
    keys = ["model", "benchmark", "metric"]
    one, two = (pd.read_csv(folder / SUMMARY, keep_default_na=False) for folder in (first, second))
    found = one.merge(two[[*keys, "value"]], on=keys, suffixes=("", "_second")).astype({"value": float})
    found["difference"] = found["value_second"].astype(float) - found["value"]
    found["training"] = np.where(found["norm"] == "none", "standard", "adversarial")
    found["alike"] = found["model"].str.replace(r"_rep\d+$", "", regex=True)
    return found


def row(metric: str, found: pd.DataFrame, margin: float) -> tuple[str, ...]:
    """Return the row of a metric."""
    groups = [found["architecture"], found["replicate"]]
    effects = []
    for value in ("value", "difference"):
        means = found.pivot_table(value, groups, found["training"])
        effects.append(means["adversarial"] - means["standard"])
    of_replicates = found.groupby("replicate")["difference"].mean()
    apart = found.groupby("alike")["value"].var().mean() ** 0.5
    return (
        metric,
        str(len(found)),
        f"{found['value'].mean():.3f}",
        f"{found['difference'].mean():+.4f} ± {half_width(found['difference']):.4f}",
        f"± {half_width(of_replicates):.4f}",
        f"{found['difference'].std():.4f}",
        f"{apart:.4f}",
        f"{effects[0].mean():+.3f}",
        f"{effects[1].mean():+.4f} ± {half_width(effects[1]):.4f}",
        f"{margin:g}",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("float32", type=Path, help="folder of the run in float32")
    parser.add_argument("bfloat16", type=Path, help="folder of the run in bfloat16")
    given = parser.parse_args()
    found = pairs(given.float32, given.bfloat16)
    config = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text())
    head = ("metric", "pairs", "mean", "difference, over pairs", "over replicates", "sd of pairs", "of replicates")
    rows: list[tuple[str, ...]] = [(*head, "effect", "difference of effects", "margin")]
    named = found["benchmark"] + " " + found["metric"]
    for metric, margin in (OTHERS | config["claims"]["margins"]).items():
        if len(own := found[(named == metric) | (found["metric"] == metric)]):
            rows.append(row(metric, own, margin))
    print(aligned(rows))


if __name__ == "__main__":
    main()
