"""The imagenet study as a lab runs it, with the internet replaced: only addresses, checksums and sizes differ.

Of its settings some are not the shipped ones: how many images are attacked (10, the fewest, instead of 1,000) and in
how many steps (3 instead of 10), the trials of noise on Salient ImageNet (2 instead of 10), the levels of noise on
RIVAL10 (one of each norm instead of fifteen), and the crop of validation images for clean accuracy, as there is one of
each of the thousand classes (112 px, all others 224); and the theory's grids are coarse. The published data sets are
replaced by few images in the published formats, the twenty checkpoints by two.
"""

import json
import subprocess
import threading
import time

import numpy as np
import pandas as pd
import psutil
import pytest

from acquisition.faulty_server import cut
from replica import classes, datasets, reference, world
from replica.project import ARCHIVED, accepted, own_model
from tradeoffs.claims.row import Claim

BENCHMARKS = {"imagenet", "rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet", "adversarial"}
FEWER = {
    "adversarial": {"images": 10, "steps": 3},
    "salient_imagenet": {"trials": 2},
    "rival10": {"linf_levels": [0.25], "l2_levels": [5.0]},
    "imagenet": {"resize": 128, "crop": 112},
}
RESNETS = {"resnet18_standard", "resnet18_linf_eps4"}
STALLED, RECEIVED = "resnet18_linf_eps4.0.ckpt", 30_000_000
# A control whose weights are on the internet, which is not there: all else does without it.
UNREACHABLE = {"id": "tv_alexnet", "source": "torchvision", "name": "alexnet", "pretrained": "IMAGENET1K_V1"}
ROUNDING = 1e-6  # of the summary


@pytest.fixture(scope="module")
def killed(make_project, published, server):
    """Return a project whose first run was killed, with all its processes, in the middle of a download."""
    project = make_project(
        accepted(*ARCHIVED) | {"imagenet": {"path": str(published / "imagenet")}},
        architectures=["resnet18"],
        budgets={"linf": [4], "l2": []},
        extra=[own_model(published)],
        controls=[UNREACHABLE],
        benchmarks=FEWER,
    )
    over = threading.Event()
    server.site.faults[server.path(world.ADDRESSES[STALLED])].append(cut(RECEIVED, over.wait))
    with subprocess.Popen(
        **project.command("--cores", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        part = project.folder / "resources/downloads" / f"{STALLED}.part"
        deadline = time.monotonic() + 900  # on a busy machine it begins after minutes; nothing else ends this wait
        while (not part.exists() or part.stat().st_size < RECEIVED) and time.monotonic() < deadline:
            assert process.poll() is None, "the run ended by itself"
            time.sleep(0.05)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            member.kill()
        psutil.wait_procs(family)
    over.set()
    assert part.stat().st_size == RECEIVED
    assert not part.with_suffix("").exists()
    return project


@pytest.fixture(scope="module")
def finished(killed):
    """Return the project after the same command has run again, to its end, and what it printed.

    On one core: beside other tests, two threads of a network spend most of their time waiting for each other.
    """
    done = killed.snakemake("--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    return killed, done.stdout + done.stderr


@pytest.fixture(scope="module")
def summary(finished):
    return pd.read_csv(finished[0].folder / "results/imagenet/summary.csv", keep_default_na=False)


def test_after_kill_9_the_download_went_on_where_it_was(finished, server):
    path = server.path(world.ADDRESSES[STALLED])
    asked = [wanted for requested, wanted, _ in server.site.requests if requested == path]
    assert asked == [None, f"bytes={RECEIVED}-"]


def test_every_model_has_every_benchmark(summary):
    columns = (
        "study,model,role,architecture,norm,epsilon,seed,benchmark,metric,value,ci_low,ci_high,n,replicate,objective"
    )
    assert list(summary.columns) == columns.split(",")
    assert set(summary["study"]) == {"imagenet"}
    for model in {*RESNETS, "mine"}:
        assert set(summary["benchmark"][summary["model"] == model]) == BENCHMARKS, model
    described = summary.set_index("model")[["architecture", "norm", "epsilon"]].drop_duplicates()
    assert tuple(described.loc["resnet18_linf_eps4"]) == ("resnet18", "linf", 4)
    assert tuple(described.loc["resnet18_standard"]) == ("resnet18", "none", 0)
    values = summary["value"].astype(float)
    relative = summary["metric"].str.startswith("relative_drop")  # a small accuracy can be exceeded many times
    assert relative.any()
    assert values[~relative].between(-1, 1).all()
    assert values[relative].le(1).all()
    assert np.isfinite(values).all()


def test_the_networks_are_told_apart(summary):
    """A replica on which every model scores alike, or not at all, would show nothing."""
    clean = summary[(summary["benchmark"] == "imagenet") & (summary["metric"] == "accuracy")]
    assert clean["n"].eq(1000).all()
    for benchmark, metric in [
        ("objectnet", "validation_accuracy_official"),
        ("objectnet", "objectnet_accuracy_official"),
        ("imagenet9", "accuracy_original"),
        ("salient_imagenet", "accuracy"),
        ("rival10", "accuracy"),
        ("waterbirds", "adjusted_average_accuracy"),
    ]:
        found = summary[(summary["benchmark"] == benchmark) & (summary["metric"] == metric)].set_index("model")["value"]
        assert (found.loc[list(RESNETS)].astype(float) > 0.1).all(), (benchmark, metric, found)
    assert len(set(summary["value"][summary["metric"] == "validation_accuracy_official"])) > 1


def test_claims_figures_and_the_comparison_with_published_numbers_are_there(finished):
    results = finished[0].folder / "results/imagenet"
    claims = pd.read_csv(results / "claims.csv")
    assert list(claims.columns) == list(Claim._fields)
    assert set(claims["verdict"]) <= {"supported", "contradicted", "equivalent", "undecided"}
    figures = results / "figures"
    # What kill -9 may have cut short has a hidden name.
    assert {path.stem for path in figures.glob("[!.]*.svg")} == {path.stem for path in figures.glob("[!.]*.png")}
    assert len(list(figures.glob("*.svg"))) >= 12
    (missing,) = pd.read_csv(results / "missing.csv").itertuples()
    assert (missing.model, "could not be downloaded" in missing.reason) == (UNREACHABLE["id"], True)


def test_a_second_run_has_nothing_to_do(finished):
    done = finished[0].snakemake("--cores", "2")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def test_images_were_decoded_once_and_how_many_are_kept_reruns_nothing(finished):
    project, _ = finished
    kept = {path.name.split("-")[0] for path in (project.folder / "resources/decoded").iterdir()}
    assert kept == {"imagenet", "rival10", "waterbirds", "objectnet"}
    logs = [path.read_text() for path in (project.folder / "logs/imagenet/evaluate").rglob("*.log")]
    assert logs
    assert not [text for text in logs if "not kept" in text or "decoded again" in text]
    for gigabytes in (0, 1.5):
        project.overrides["imagenet"]["decoded_gigabytes"] = gigabytes
        done = project.snakemake("-n")
        assert done.returncode == 0
        assert "Nothing to be done" in done.stdout + done.stderr
    del project.overrides["imagenet"]["decoded_gigabytes"]


def measured(summary, model, benchmark):
    rows = summary[(summary["model"] == model) & (summary["benchmark"] == benchmark)]
    return dict(zip(rows["metric"], rows["value"].astype(float), strict=True))


@pytest.fixture(scope="module")
def logits(published):
    return reference.released(published / "site" / STALLED, "resnet18")


def test_imagenet9_equals_plain_loops_over_the_published_files(summary, published, logits):
    site = published / "site"
    expected = reference.imagenet9(site / "backgrounds_challenge_data.tar.gz", site / "in_to_in9.json", logits)
    found = measured(summary, "resnet18_linf_eps4", "imagenet9")
    assert {metric: found[metric] for metric in expected} == pytest.approx(expected, abs=ROUNDING)


def test_objectnet_equals_plain_loops_over_the_published_files(summary, published, logits):
    archive = published / "site/objectnet-1.0.zip"
    expected = reference.objectnet(archive, world.PASSWORD, published / "imagenet", logits)
    found = measured(summary, "resnet18_linf_eps4", "objectnet")
    assert {metric: found[metric] for metric in expected} == pytest.approx(expected, abs=ROUNDING)


def test_only_the_overlapping_classes_of_objectnet_were_unpacked(finished):
    images = finished[0].folder / "resources/unpacked/objectnet/objectnet-1.0/images"
    assert len(list(images.iterdir())) == classes.OBJECTNET_SHARED


def test_a_user_with_two_of_the_five_data_sets_and_only_own_models_gets_these(make_project, published):
    """One of the models is the other once more, as what a Python function makes: its numbers are the same."""
    mine = own_model(published)
    function = {"source": "python", "trust": True, "factory": "nets.py:build", "arguments": {"classes": 1000}}
    made = mine | function | {"id": "made", "name": None, "norm": "linf", "epsilon": 4, "reference": "mine"}
    project = make_project(accepted("waterbirds"), architectures=[], extra=[mine, made])
    network = f"torchvision.models.{world.EXTRA.removesuffix('.pt')}(num_classes=classes)"
    (project.folder / "nets.py").write_text(f"import torchvision.models\n\ndef build(classes):\n    return {network}\n")
    done = project.snakemake("--cores", "2")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    results = project.folder / "results/imagenet"
    summary = pd.read_csv(results / "summary.csv", keep_default_na=False)
    assert set(summary["benchmark"]) == {"imagenet9", "waterbirds"}
    values = summary.pivot_table(index=["benchmark", "metric"], columns="model", values="value")
    assert list(values) == ["made", "mine"]
    assert (values["made"] == values["mine"]).all()
    differences = pd.read_csv(results / "differences.csv")
    assert set(differences["model"]) == {"made"}
    assert (differences["value"] == 0).all()
    claims = pd.read_csv(results / "claims.csv")
    headlines = claims[(claims["subject"] == "networks") & (claims["scope"] == "headline")]
    assert set(headlines["verdict"]) == {"undecided"}
    assert headlines["missing"].str.contains("no adversarially trained model").all()
    figures = {path.stem for path in (results / "figures").glob("*.png")}
    assert {"overview", "claims", "benchmark_imagenet9", "benchmark_waterbirds"} <= figures
    assert "published" not in figures  # nobody published anything of these models
    assert set(differences["interval_over"]) == {"images"}
    assert set(differences["reference"]) <= {"mine", "standard models at equal accuracy"}
    missing = pd.read_csv(results / "missing.csv")
    assert set(missing["benchmark"]) == BENCHMARKS - {"imagenet9", "waterbirds"}
    for row in missing.itertuples():
        assert f"{row.benchmark}" in output
        assert row.reason in output
    refused = project.snakemake("--cores", "2", "resources/imagenet/default/objectnet/fingerprint.json")
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert "ObjectNet licence" in said
    assert "tuning the parameters of any model" in said
    assert "Traceback (most recent call last)" not in said


def test_ones_own_copy_gives_the_numbers_of_the_download(finished, tmp_path):
    """Last: the finished project reads another folder from here on."""
    project, _ = finished
    card = project.folder / "results/imagenet/evaluations/waterbirds/resnet18_standard.json"
    downloaded = json.loads(card.read_text())
    world.unpack(tmp_path, datasets.waterbirds(0, None))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    project.overrides["imagenet"]["data"]["waterbirds"] |= {"path": str(tmp_path), "accept_licence": False}
    done = project.snakemake("--cores", "1", str(card.relative_to(project.folder)))
    assert done.returncode == 0, done.stdout + done.stderr
    own = json.loads(card.read_text())
    assert own["metrics"] == downloaded["metrics"]
    assert own["data"] != downloaded["data"]  # another source, said in the card
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
