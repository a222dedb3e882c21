"""``replicates: auto``: one more replicate is planned where a look says so, and nothing is ever made twice."""

import json
import shutil

import pandas as pd
import pytest

from workflow.test_reruns import clone, edit_config, planned, snakemake

# So few images are no regime for a verdict, and a headline that can have none asks for no replicate.
LENIENT = {"chance_margin": 0, "standard_errors": 0, "ceiling": 1, "convergence": 1}
TABLES = [f"results/miniature/{name}.csv" for name in ("summary", "claims")]  # pictures are drawn from these
FEWEST = {
    "budgets": {"linf": [4], "l2": []},
    "controls": {"images": [], "epochs": []},
    "benchmarks": {"imagenet9": {"challenge_foregrounds": 5, "challenge_backgrounds": 5}},
    "sweeps": {"background_scale": {"values": []}},
    "training": {"images": None, "epochs": 12, "monitor_images": 20},
    "replicates": "auto",
    "most_replicates": 2,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study in which nothing is decided by the first look: it goes on to the second, the last."""
    folder = clone(tmp_path_factory.mktemp("auto"))
    edit_config(folder, lambda config: config["miniature"].update(FEWEST))
    edit_config(folder, lambda config: config.update(claims={"criteria": LENIENT}))
    first, _, trained = planned(folder, *TABLES)
    assert trained == {"basic_standard", "basic_standard_copy2", "basic_linf_eps4"}
    assert {"summary", "claims"} <= set(first)
    done = snakemake(folder, "--cores", "2", *TABLES)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def look(folder, number):
    return json.loads((folder / f"results/miniature/looks/{number}.json").read_text())


def test_an_undecided_look_adds_a_replicate_until_the_last(finished):
    assert [look(finished, number)["decided"] for number in (1, 2)] == [False, False]
    assert [look(finished, number)["replicates"] for number in (1, 2)] == [1, 2]
    assert set(look(finished, 1)["headlines"]) == {"background_reliance.imagenet9.bg_gap"}
    summary = pd.read_csv(finished / "results/miniature/summary.csv")
    assert set(summary["replicate"]) == {1, 2}
    told = json.loads((finished / "results/miniature/cards/claims.json").read_text())["spec"]
    assert told["level"] == look(finished, 2)["level"]
    assert {model["replicate"] for model in told["models"]} == {1, 2}


def test_a_second_run_and_a_dry_run_have_nothing_to_do(finished):
    for arguments in (["--cores", "2"], ["-n"]):
        done = snakemake(finished, *arguments, *TABLES)
        assert "Nothing to be done" in done.stdout + done.stderr


def test_the_number_that_was_reached_given_as_a_number_recomputes_verdicts_only(finished, tmp_path):
    folder = copy(finished, tmp_path)
    edit_config(folder, lambda config: config["miniature"].update(replicates=2))
    rules, evaluations, trained = planned(folder, *TABLES)
    assert not trained
    assert not evaluations
    assert set(rules) == {"claims"}


def test_where_everything_is_decided_no_replicate_is_added(finished, tmp_path):
    """The look is put in place by hand: what a look finds is for the tests of claims."""
    folder = copy(finished, tmp_path)
    shutil.rmtree(folder / "results/miniature/models/basic_linf_eps4_rep2")
    path = folder / "results/miniature/looks/1.json"
    path.write_text(json.dumps(look(folder, 1) | {"decided": True}))
    rules, evaluations, trained = planned(folder, *TABLES)
    assert not trained
    assert not evaluations
    assert {"summary", "claims"} <= set(rules)  # of one replicate


def test_a_higher_limit_looks_again_and_repeats_no_training(finished, tmp_path):
    folder = copy(finished, tmp_path)
    edit_config(folder, lambda config: config["miniature"].update(most_replicates=3))
    rules, evaluations, trained = planned(folder, *TABLES)
    assert not trained
    assert not evaluations
    assert "look" in checkpoints(folder)
    assert {"summary", "claims"} <= set(rules)


def checkpoints(folder):
    done = snakemake(folder, "-n", *TABLES)
    return [line.split()[-1].rstrip(":") for line in done.stdout.splitlines() if "checkpoint " in line]


def copy(finished, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(finished, folder, symlinks=True, ignore=shutil.ignore_patterns("warm*.sock"))
    return folder
