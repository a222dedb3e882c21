"""A test domain beside validation images makes stale what is attacked, and neither trainings nor other benchmarks."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from project_root import copy_project
from tradeoffs.data.names import PUBLISHED

MODEL = "resnet18_standard"
WEIGHTS = f"results/imagenet/models/{MODEL}/weights.pt"
CLEAN, ATTACKED = (f"results/imagenet/evaluations/{name}/{MODEL}.json" for name in ("imagenet", "adversarial"))
BENCHMARKS, ATTACKS = (f"resources/imagenet/{world}/imagenet" for world in ("default", "attacked"))  # what they read


def picture(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(path)


def snakemake(folder, *arguments):
    command = [Path(sys.executable).with_name("snakemake"), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def configure(folder, images, domains):
    study = {
        "source": "train",
        "architectures": ["resnet18"],
        "budgets": {"linf": [], "l2": []},
        "controls": [],
        "training": {"image_size": 8, "epochs": 1, "batch_size": 250, "monitor_images": 1000},
        "data": {"imagenet": {"path": str(images)}},
        "benchmarks": {"imagenet": {"resize": 8, "crop": 8}, "adversarial": {"domains": domains}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump({"study": "imagenet", "imagenet": study}))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("ILSVRC")
    for number, wnid in enumerate(PUBLISHED):
        for split in ("train", "val"):
            picture(root / split / wnid / f"{wnid}_1.JPEG", number % 256)
    shutil.copytree(root / "val", root / "dark")
    return root


def test_a_domain_more_makes_attacks_stale_alone_and_other_training_images_a_training(images, tmp_path):
    copy_project(tmp_path)
    configure(tmp_path, images, {"val": "val"})
    snakemake(tmp_path, "--cores", "1", WEIGHTS, CLEAN)
    assert "Nothing to be done" in snakemake(tmp_path, "-n", WEIGHTS, CLEAN)
    configure(tmp_path, images, {"val": "val", "dark": "dark"})
    assert "Nothing to be done" in snakemake(tmp_path, "-n", WEIGHTS, CLEAN)
    planned = snakemake(tmp_path, "-n", ATTACKED)
    assert f"{ATTACKS}/fingerprint.json" in planned
    snakemake(tmp_path, "--cores", "1", f"{ATTACKS}/fingerprint.json")
    assert {path.name for path in (tmp_path / ATTACKS).iterdir() if path.is_dir()} == {"val", "dark"}
    assert {path.name for path in (tmp_path / BENCHMARKS).iterdir() if path.is_dir()} == {"val"}
    assert "Nothing to be done" in snakemake(tmp_path, "-n", WEIGHTS, CLEAN)
    picture(images / "train" / PUBLISHED[0] / f"{PUBLISHED[0]}_1.JPEG", 200)
    assert "rule train:" in snakemake(tmp_path, "-n", WEIGHTS)
