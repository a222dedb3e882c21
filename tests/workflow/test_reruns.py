"""The workflow as a user runs it: a small study from start to end, then one change after the other."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import psutil
import pytest
import torch
import yaml

from project_root import ROOT, copy_project

SNAKEMAKE = Path(sys.executable).parent / "snakemake"
STANDARD = ("standard", "standard_copy2")
GRID = {"basic_standard", "basic_standard_copy2", "basic_linf_eps4", "basic_l2_eps0.5"}
CONTROLS = {"basic_standard_images50", "basic_standard_epochs1"}
DOWNSTREAM = {"summary", "claims"}
BENCHMARKS = {"rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet", "adversarial"}


def clone(folder):
    """Copy what a clone of the repository holds that the workflow needs, with the small config as its config."""
    copy_project(folder)
    shutil.copy(ROOT / "tests/small.yaml", folder / "config.yaml")
    return folder


def environment(**extra):
    """A user's shell: this environment is not activated, no GPU is visible."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TRADEOFFS", "OMP", "MKL"))}
    kept["PATH"] = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if Path(p) != SNAKEMAKE.parent)
    return kept | {"CUDA_VISIBLE_DEVICES": ""} | extra


def snakemake(folder, *arguments, **extra):
    return subprocess.run(
        [SNAKEMAKE, *arguments], cwd=folder, env=environment(**extra), capture_output=True, text=True, check=False
    )


def planned(folder, *arguments):
    """Jobs that a dry run would run, by rule, with the models and benchmarks of evaluations."""
    done = snakemake(folder, "-n", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    text = done.stdout + done.stderr
    rules = Counter(re.findall(r"^(?:local)?rule (\w+):", text, re.MULTILINE))
    for target in ("all", "default"):
        rules.pop(target, None)
    evaluations = set(re.findall(r"output: results/miniature/evaluations/(\w+)/([\w.]+)\.json", text))
    trained = set(re.findall(r"output: results/miniature/models/([\w.]+)/weights.pt", text))
    return rules, evaluations, trained


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = clone(tmp_path_factory.mktemp("study"))
    done = snakemake(folder, "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout + done.stderr


@pytest.fixture
def study(finished):
    """Return the finished study; whatever the test changes is put back."""
    folder, _ = finished
    sources = [path for suffix in ("py", "yaml") for path in (folder / "workflow").rglob(f"*.{suffix}")]
    kept = {path: path.read_bytes() for path in [folder / "config.yaml", *sources]}
    yield folder
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


def test_the_study_has_all_its_outputs(finished):
    folder, _ = finished
    results = folder / "results/miniature"
    columns = [
        "study",
        "model",
        "role",
        "architecture",
        "norm",
        "epsilon",
        "seed",
        "benchmark",
        "metric",
        "value",
        "ci_low",
        "ci_high",
        "n",
        "replicate",
        "objective",
    ]
    summary = pd.read_csv(results / "summary.csv", keep_default_na=False)
    assert list(summary.columns) == columns
    assert set(summary["benchmark"]) == BENCHMARKS
    for benchmark, rows in summary.groupby("benchmark"):
        copies = {model for model in GRID if "copy" in model}  # which differ by their seeds alone: one is attacked
        assert set(rows["model"]) == GRID - (copies if benchmark == "adversarial" else set()), benchmark
    standard = summary[summary["model"] == "basic_standard"]
    assert set(standard["norm"]) == {"none"}
    assert set(standard["epsilon"]) == {0}
    claims = pd.read_csv(results / "claims.csv")
    assert list(claims.columns) == [
        *("claim", "statement", "statistic", "value", "ci_low", "ci_high", "p_value", "verdict"),
        *("p_adjusted", "df", "replicates", "rerun", "margin", "level"),
        *("subject", "scope", "norm", "background_scale", "warning", "evidence"),
        *("benchmarks", "metric", "models", "at_equal_accuracy", "missing"),
    ]
    assert set(claims["verdict"]) <= {"supported", "contradicted", "equivalent", "undecided"}
    assert len(pd.read_csv(results / "sweeps.csv")) > 0
    assert list((folder / "results/theory").glob("*.csv"))
    figures = results / "figures"
    assert {path.stem for path in figures.glob("*.svg")} == {path.stem for path in figures.glob("*.png")}
    assert len(list(figures.glob("*.svg"))) >= 12
    assert "data-leaderboard" in (results / "index.html").read_text()
    for weights in results.glob("models/*/weights.pt"):
        assert torch.load(weights, weights_only=True)


def test_the_end_of_a_run_says_what_went_to_overhead(finished):
    _, output = finished
    assert re.search(r"\d+ s of work in \d+ s on 2 cores: \d+% went to start-up", output)


def test_a_second_run_has_nothing_to_do(study):
    done = snakemake(study, "--cores", "2")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def append(path, text):
    path.write_text(path.read_text() + text)


def edit_config(folder, change):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    change(config)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def test_comments_docstrings_times_and_key_order_rerun_nothing(study):
    for path in (study / "workflow").rglob("*.py"):
        path.touch()
    append(study / "workflow/tradeoffs/attacks/pgd.py", "\n# a comment\n")
    train = study / "workflow/tradeoffs/training/train.py"
    docstring = '"""Return the training and validation images'
    assert docstring in train.read_text()
    train.write_text(train.read_text().replace(docstring, '"""Another docstring of the training and validation images'))
    text = yaml.safe_load((study / "config.yaml").read_text())
    (study / "config.yaml").write_text(yaml.safe_dump(dict(reversed(text.items())), sort_keys=False))
    rules, _, _ = planned(study)
    assert not rules


def test_a_figures_module_reruns_its_figures_only(study):
    append(study / "workflow/tradeoffs/figures/style.py", "\nUNUSED = 1\n")
    rules, evaluations, trained = planned(study)
    assert rules
    assert not evaluations
    assert not trained
    assert set(rules) - {"figures"} == {"figure"}, rules


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("benchmarks/waterbirds.yaml", "background-swap gap", "gap", {*DOWNSTREAM, "figure", "page", "reference"}),
        ("benchmarks/waterbirds.yaml", "Linear head", "A linear head", {"figure"}),
        ("figures/catalogue.yaml", "Main models under attack", "Models under attack", set()),
        ("figures/catalogue.yaml", "darker is higher", "the darker the higher", {"figure"}),
        ("page/static/page.css", "max-width: 100rem", "max-width: 90rem", {"page"}),
    ],
)
def test_a_reworded_label_or_caption_reruns_no_evaluation_and_no_training(study, file, old, new, expected):
    path = study / "workflow/tradeoffs" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    rules, evaluations, trained = planned(study)
    assert set(rules) - {"figures"} == expected
    assert not evaluations
    assert not trained


def results_rules(rules):
    return {rule for rule in rules if rule not in ("train", "evaluate", "miniature_data")}


@pytest.mark.parametrize("how", ["module", "setting"])
def test_one_benchmark_reruns_its_evaluations_summary_and_figures(study, how):
    if how == "module":
        append(study / "workflow/tradeoffs/benchmarks/waterbirds.py", "\nUNUSED = 1\n")
    else:
        edit_config(study, lambda c: c["miniature"]["benchmarks"].update(waterbirds={"l2_penalty": 0.01}))
    rules, evaluations, trained = planned(study)
    assert evaluations == {("waterbirds", m) for m in GRID | CONTROLS}
    assert not trained
    assert "miniature_data" not in rules
    assert results_rules(rules) >= DOWNSTREAM


def test_the_networks_module_reruns_all_from_training_on(study):
    append(study / "workflow/tradeoffs/models/small_resnet.py", "\nUNUSED = 1\n")
    rules, evaluations, trained = planned(study)
    assert len(trained) == rules["train"] == len(list((study / "results/miniature/models").iterdir()))
    assert len(evaluations) == len(list((study / "results/miniature/evaluations").rglob("*.json")))
    assert "miniature_data" not in rules


def test_one_models_epochs_rerun_that_model(study):
    def change(config):
        config["miniature"]["training"]["overrides"] = {"basic_l2_eps0.5": {"epochs": 3}}

    edit_config(study, change)
    rules, evaluations, trained = planned(study)
    assert trained == {"basic_l2_eps0.5"}
    assert evaluations == {(benchmark, "basic_l2_eps0.5") for benchmark in BENCHMARKS}
    assert results_rules(rules) >= DOWNSTREAM


def test_a_model_added_is_trained_and_evaluated_and_nothing_else(study):
    edit_config(study, lambda c: c["miniature"]["budgets"]["l2"].append(2))
    rules, evaluations, trained = planned(study)
    assert trained == {"basic_l2_eps2"}
    assert evaluations == {(benchmark, "basic_l2_eps2") for benchmark in BENCHMARKS}
    assert results_rules(rules) >= DOWNSTREAM


def test_a_model_removed_reruns_summary_and_figures_only(study):
    edit_config(study, lambda c: c["miniature"]["budgets"].update(l2=[]))
    rules, evaluations, trained = planned(study)
    assert not trained
    assert not evaluations
    assert results_rules(rules) >= DOWNSTREAM


def test_another_replicate_is_all_that_is_trained_and_evaluated(study):
    edit_config(study, lambda c: c["miniature"].update(replicates=2))
    rules, evaluations, trained = planned(study)
    done = {path.name for path in (study / "results/miniature/models").iterdir()}
    assert trained == {f"{model}_rep2" for model in done}
    evaluated = {(path.parent.name, path.stem) for path in (study / "results/miniature/evaluations").rglob("*.json")}
    # Attacks on the main grid, on which no claim rests, are of the first replicate alone.
    again = {(of, model) for of, model in evaluated if of != "adversarial" or model not in GRID}
    assert evaluations == {(of, f"{model}_rep2") for of, model in again}
    assert rules["miniature_data"] == len(list((study / "resources/miniature").glob("*/*")))
    assert not {rule for rule in rules if rule.startswith("theory")}


def test_a_margin_reruns_claims_only(study):
    rules, evaluations, trained = planned(study, "--config", 'claims={"margins": {"bg_gap": 0.01}}')
    assert set(rules) - {"figures"} == {"claims", "figure", "page", "reference"}
    assert not evaluations
    assert not trained


def test_theory_settings_rerun_theory_only(study):
    edit_config(study, lambda c: c["theory"]["curves"].update(largest_budget=1.5))
    rules, evaluations, trained = planned(study)
    assert "theory_curves" in rules
    assert not evaluations
    assert not trained


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(studdy="miniature"), "unknown key studdy"),
        (
            lambda c: c["miniature"]["budgets"].update(l2=[-0.5]),
            "miniature.budgets.l2.0 = '-0.5'; expected more than 0",
        ),
        (lambda c: c["miniature"]["budgets"].update(l3=[1]), "unknown key l3; expected linf, l2"),
        (lambda c: c["miniature"]["training"].update(epochs="two"), "epochs = 'two'; expected a value of type integer"),
        (lambda c: c["miniature"]["budgets"].update(l2=[1, 1.0000001]), "1 and 1.0000001 are both 1"),
    ],
)
def test_a_wrong_config_is_refused_in_one_line_before_anything_runs(study, change, message):
    edit_config(study, change)
    done = snakemake(study, "--cores", "2")
    assert done.returncode != 0
    output = (done.stdout + done.stderr).strip()
    assert len(output.splitlines()) == 1, output
    assert message in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("given", "trained"),
    [
        (
            'miniature={"replicates": 2, "budgets": {"linf": [], "l2": [0.5]}}',
            {f"basic_{training}{rep}" for training in (*STANDARD, "l2_eps0.5") for rep in ("", "_rep2")},
        ),
        (
            'miniature={"training": {"learning_rate": 5e-4, "image_size": null}, "budgets": {"l2": []}}',
            {*(f"basic_{copy}" for copy in STANDARD), "basic_linf_eps4"},
        ),
    ],
)
def test_the_command_line_takes_what_the_config_does(tmp_path, given, trained):
    _, _, found = planned(clone(tmp_path), "--config", given)
    assert {model for model in found if not re.search("images|epochs|correlation|scale", model)} == trained


def test_a_wrong_number_on_the_command_line_is_one_line(tmp_path):
    done = snakemake(clone(tmp_path), "-n", "--quiet", "all", "--config", 'miniature={"replicates": "x"}')
    assert done.returncode != 0
    assert "error: config: miniature.replicates = 'x'; expected text that matches ^auto$" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_given_twice_in_a_config_file_is_one_line(tmp_path):
    folder = clone(tmp_path)
    append(folder / "config.yaml", "theory:\n  curves: {budgets: 31}\n")
    (folder / "lab.yaml").write_text("miniature:\n  replicates: 1\n  replicates: 2\n")
    done = snakemake(folder, "-n")
    assert re.search(
        r"error: config: .*config.yaml, line \d+: key theory is given twice, first in line \d+", done.stderr
    )
    shutil.copy(ROOT / "tests/small.yaml", folder / "config.yaml")
    done = snakemake(folder, "-n", "--configfile", "lab.yaml")
    assert "lab.yaml, line 3: key replicates is given twice, first in line 2" in done.stderr


def weights_of(folder):
    files = sorted((folder / "results/miniature/models").glob("*/weights.pt"))
    return {path.parent.name: torch.load(path, weights_only=True) for path in files}


def test_after_kill_9_the_same_command_ends_with_the_same_results(finished, tmp_path):
    """Without pictures, which are drawn from these tables."""
    undisturbed, _ = finished
    folder = clone(tmp_path)
    tables = [f"results/miniature/{name}.csv" for name in ("summary", "sweeps", "claims")]
    command = [SNAKEMAKE, "--cores", "2", *tables]
    process = subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while not list(folder.glob("results/miniature/models/*/weights.pt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(folder.glob("results/miniature/models/*/weights.pt"))
    assert not (folder / "results/miniature/summary.csv").exists()
    done = snakemake(folder, "--cores", "2", *tables)
    assert done.returncode == 0, done.stdout + done.stderr
    for table in tables:
        assert (folder / table).read_text() == (undisturbed / table).read_text()
    before, after = weights_of(undisturbed), weights_of(folder)
    assert before.keys() == after.keys()
    for model, state in before.items():
        assert all(torch.equal(tensor, after[model][key]) for key, tensor in state.items()), model
    assert not list(folder.glob("results/**/checkpoint.pt"))


def results_of(folder):
    """Content of everything that is the same in every run: cards hold times."""
    return {
        path: path.read_bytes()
        for kind in ("*.csv", "*.npz", "weights.pt")
        for path in (folder / "results").rglob(kind)
    }


def change_unseen(path, change):
    """Change a file's content and nothing that a look at the folder shows."""
    times = path.stat()
    content = change(path.read_bytes())
    assert content != path.read_bytes()
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def flip_a_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def change_a_digit(content):
    return re.sub(
        rb'("value": 0\.\d)(\d)', lambda found: found[1] + (b"1" if found[2] != b"1" else b"2"), content, count=1
    )


def test_what_is_damaged_on_disk_is_noticed_by_what_reads_it_and_made_again_by_the_same_command(study):
    (study / "profiles").symlink_to("workflow/profiles")  # quiet: what a step says when it fails is shown all the same
    before = results_of(study)
    results = study / "results/miniature"
    weights = results / "models/basic_standard_images50/weights.pt"
    evaluation = results / "evaluations/objectnet/basic_standard_images50.json"
    card = results / "evaluations/rival10/basic_standard.json"
    table = study / "results/theory/claims.csv"
    change_unseen(weights, flip_a_bit)
    change_unseen(card, change_a_digit)
    change_unseen(table, flip_a_bit)
    for path in (evaluation, results / "summary.csv", results / "claims.csv"):
        path.unlink()  # so that somebody reads the others
    runs = []
    for _ in range(4):
        done = snakemake(study, "--cores", "2", "results/miniature/summary.csv", "results/miniature/claims.csv")
        runs.append(done.stdout + done.stderr)
        if done.returncode == 0:
            break
    assert done.returncode == 0, runs[-1]
    assert len(runs) > 1
    for path in (weights, card, table):
        assert any(re.search(rf"error: \S*{path.name}: damaged.*run the same command again", text) for text in runs)
        assert path.with_name(f"{path.name}.damaged").exists()
        assert path.exists()
    assert results_of(study) == before


def test_a_second_snakemake_in_the_folder_is_refused_while_the_first_runs(finished, tmp_path):
    """Stale locks are removed, those of a living run are not."""
    folder = clone(tmp_path)
    process = psutil.Popen(
        [SNAKEMAKE, "--cores", "1"], cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 120
        while not list(folder.glob(".snakemake/locks/*.lock")) and time.monotonic() < deadline:
            time.sleep(0.02)
        done = snakemake(folder, "--cores", "1")
        assert done.returncode != 0
        assert "cannot be locked" in done.stdout + done.stderr
    finally:
        family = [process, *process.children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()


GPU_PROBE = """
include: "Snakefile"
rule probe_all:
    input: expand("probe/{n}", n=range(6))
rule probe:
    output: "probe/{n}"
    resources: gpu=1
    shell: "mkdir -p probe/now; touch probe/now/{wildcards.n}; ls probe/now | wc -l > {output}; sleep 1;"
           " rm probe/now/{wildcards.n}"
"""


@pytest.mark.parametrize(
    ("study", "devices", "arguments", "most"),
    [
        ("imagenet", "0,1", [], 2),
        ("imagenet", "0", [], 1),
        ("imagenet", "", [], 6),
        ("miniature", "0,1", [], 6),  # on the cores
        ("miniature", "0,1", ["--resources", "gpu=1"], 1),
    ],
)
def test_never_more_gpu_jobs_than_gpus(tmp_path, study, devices, arguments, most):
    folder = clone(tmp_path)
    (folder / "probe.smk").write_text(GPU_PROBE)
    arguments = [*arguments, "--config", f"study={study}"]
    done = snakemake(folder, "-s", "probe.smk", "--cores", "6", "probe_all", *arguments, CUDA_VISIBLE_DEVICES=devices)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = max(int(path.read_text()) for path in (folder / "probe").glob("[0-9]"))
    assert seen == most if most < 6 else 1 < seen <= most
    told = "no GPU is used: cores train the miniature sooner; --resources gpu=1 to use one" in done.stdout + done.stderr
    assert told is (study == "miniature" and not arguments[0].startswith("--resources"))


@pytest.mark.parametrize(("limit", "seen"), [("0", ""), (None, ""), ("1", "0,1")])
def test_a_limit_of_no_gpus_hides_them_from_the_steps(tmp_path, limit, seen):
    folder = clone(tmp_path)
    rule = (
        'rule probe:\n    output: "probe"\n    resources: gpu=1\n    shell: "echo $CUDA_VISIBLE_DEVICES > {output}"\n'
    )
    (folder / "probe.smk").write_text(f'include: "Snakefile"\n{rule}')
    arguments = ["-s", "probe.smk", "--cores", "1", "probe", *(["--resources", f"gpu={limit}"] if limit else [])]
    done = snakemake(folder, *arguments, CUDA_VISIBLE_DEVICES="0,1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "probe").read_text().strip() == seen
