"""How near ``tradeoffs cost`` is on the replica of the published data sets: their formats, few images, 224 px.

    uv run python performance/cost_replica.py FOLDER [--images 20]

Makes in FOLDER what the tests download from (``tests/replica``), serves it, runs the ``imagenet`` study on three
ResNet-18 and a network of somebody's own in FOLDER/project, and compares as ``performance/cost.py`` does. Settings are
the shipped ones but for how many images are attacked. A quarter of an hour on two cores, and 4 GB.
"""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Build, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder that is not there yet")
    parser.add_argument("--images", type=int, default=20, help="attacked by the benchmark adversarial")
    options = parser.parse_args()
    folder = options.folder.absolute()
    if folder.exists():
        raise SystemExit(f"{folder}: is there already; expected a new folder")
    published, run = folder / "published", folder / "project"
    published.mkdir(parents=True)
    run.mkdir()
    sys.path.append(str(ROOT / "tests"))
    world: Any = importlib.import_module("replica.world")
    project: Any = importlib.import_module("replica.project")
    world.build(published)
    with world.serve(published) as server:
        made = project.made(
            run,
            project.local_settings(published, server),
            project.accepted(*project.ARCHIVED) | {"imagenet": {"path": str(published / "imagenet")}},
            architectures=["resnet18"],
            budgets={"linf": [4], "l2": [3]},
            extra=[project.own_model(published)],
            controls=[],
            benchmarks={"adversarial": {"images": options.images}},
        )
        subprocess.run(**made.command("--cores", "all"), check=True)
    words = [sys.executable, ROOT / "performance/cost.py", "--results", run, "--configfile", run / "overrides.yaml"]
    subprocess.run(words, check=True)


if __name__ == "__main__":
    main()
