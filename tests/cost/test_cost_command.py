"""``tradeoffs cost``: of any config, counts without torch, what is missing from the sum, one line for a mistake."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from project_root import ROOT, copy_project
from tradeoffs.compute.work import Work
from tradeoffs.cost import hours, jobs, networks, probe, short, slurm, study, table
from tradeoffs.cost.seconds import Rates
from tradeoffs.runner import commands, fork_server

OWN = {
    "study": "imagenet",
    "imagenet": {
        "architectures": [],
        "controls": [],
        "extra": [
            {
                "id": "mine",
                "source": "python",
                "factory": "mine.py:make",
                "trust": True,
                "mean": [0] * 3,
                "std": [1] * 3,
            }
        ],
    },
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder without results, in which the project's own config counts."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys, *words):
    assert commands.main(["cost", *words]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def rows(text):
    """The rows of the table by their first word."""
    return {line.split("  ")[0]: line.split("  ") for line in text.split("\n\n")[0].splitlines()}


def test_counts_are_of_all_jobs_that_snakemake_would_run(folder, capsys):
    found = rows(said(capsys, "--counts", "--configfile", str(ROOT / "tests/small.yaml")))
    small = study.read([ROOT / "tests/small.yaml"], [], complete=False)
    evaluations = sum(len(model.benchmarks) for model in small.models.values())
    assert list(found) == ["step", "train", *small.config["miniature"]["benchmarks"], "all"]
    cells = [cell for cell in found["all"] if cell]
    assert cells[1].strip() == str(len(small.models) + evaluations)
    assert [cell for cell in found["rival10"] if cell][-1].strip() == "exact"


def test_data_at_hand_are_counted_in_place_of_what_the_config_says(folder, capsys, miniature):
    (folder / "resources/miniature").mkdir(parents=True)
    (folder / "resources/miniature/default").symlink_to(miniature)
    (folder / "more.yaml").write_text("miniature: {data: {images: {rival10: 90, val: 90}}}")
    config = study.read([folder / "more.yaml"], [], complete=False)
    model = config.models["basic_standard"]
    spec = {"classes": 10, "domains": {"preserved": "val"}}
    for benchmark, key, there in (("rival10", "test", 60), ("imagenet", "val", 40), ("adversarial", "val", 40)):
        said, counted = (jobs.images(config.config, model, benchmark, spec, counting) for counting in (False, True))
        assert (said[key], counted[key]) == (90, there)


def test_what_has_a_result_is_not_to_do(folder, capsys):
    card = folder / "results/miniature/evaluations/rival10/basic_standard.json"
    card.parent.mkdir(parents=True)
    card.write_text("{}")
    found = rows(said(capsys, "--counts"))
    _, all_jobs, to_do, *_ = (cell.strip() for cell in found["rival10"] if cell)
    assert int(to_do) == int(all_jobs) - 1


def test_counts_import_nothing_slow(folder):
    code = "import sys; from tradeoffs.runner import commands; commands.main(['cost', '--counts']);"
    code += "from tradeoffs.cost import short; print(set(sys.modules) & {'torch', 'numpy', 'scipy', 'pandas'})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=fork_server.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    assert done.stdout.splitlines()[-1] == "set()"


def test_the_published_study_is_counted_without_any_of_its_data(folder, capsys):
    found = rows(said(capsys, "--counts", "--complete", "--config", "study=imagenet"))
    listed = study.read([], ["study=imagenet"], complete=True).config["imagenet"]["benchmarks"]
    assert set(found) == {"step", *listed, "all"}
    assert len(listed) == 7
    without = rows(said(capsys, "--counts", "--config", "study=imagenet"))
    assert set(without) == {"step", "imagenet9", "all"}


def test_images_are_decoded_once_as_far_as_the_bound_allows(folder, capsys):
    words = ["--counts", "--complete", "--config", "study=imagenet"]
    found = {}
    for gigabytes in (0, 7.6, 20):
        (folder / "own.yaml").write_text(f"imagenet: {{controls: [], decoded_gigabytes: {gigabytes}}}")
        found[gigabytes] = said(capsys, *words, "--configfile", "own.yaml")
    cells = {
        bound: {name: [c.strip() for c in row if c.strip()] for name, row in rows(text).items()}
        for bound, text in found.items()
    }
    files = {bound: [cells[bound][name][3] for name in ("imagenet", "objectnet")] for bound in found}
    assert files == {0: ["1.1 M", "546 k"], 7.6: ["50 k", "546 k"], 20: ["50 k", "24.8 k"]}
    assert "not decoded again" not in found[0]
    assert "17 GB of them for 2.72 M images that are not decoded again" in found[20]


def test_hours_on_a_gpu_scale_with_multiplications(folder, capsys):
    (folder / "few.yaml").write_text("study: imagenet\nimagenet: {controls: []}\n")
    words = ["--complete", "--configfile", "few.yaml", "--by", "model"]
    gpu = ["--images-per-second", "resnet50=2500"]
    text = said(capsys, *words, *gpu)
    found = {name: float(cells[-1]) for name, cells in rows(text).items() if name not in ("step", "all")}
    assert 0.2 < found["resnet18_standard"] / found["resnet50_standard"] < 1
    assert "GPU hours in" in text
    assert "to do: " not in text
    card = folder / "results/imagenet/evaluations/salient_imagenet/resnet50_standard.json"
    card.parent.mkdir(parents=True)
    card.write_text("{}")
    left, whole = re.search(r"^to do: (\S+) of (\S+) hours", said(capsys, *words, *gpu), re.MULTILINE).groups()
    assert float(left) < float(whole)
    assert "rival10: the size of its archive" in text


def test_a_network_that_cannot_be_known_is_named_and_costs_only_its_line(folder, capsys):
    (folder / "own.yaml").write_text(yaml.safe_dump(OWN))
    (folder / "mine.py").write_text("def make():\n    return None\n")
    text = said(capsys, "--complete", "--configfile", "own.yaml", "--images-per-second", "resnet50=2500")
    assert "not in the sum: hours of 1 model(s) whose network is python" in text
    assert "imagenet9" in rows(text)
    known = said(capsys, "--complete", "--configfile", "own.yaml", "--images-per-second", "python=100")
    assert "hours of 1 model(s)" not in known


def test_a_probe_that_fails_costs_nothing_but_its_line(folder, capsys, monkeypatch):
    def rates(name, *given):
        if name == "bottleneck":
            raise RuntimeError("CUDA error: out of memory\nand more")
        return Rates(1e-3, 2e-3, 3e-3, 64)

    monkeypatch.setattr(probe, "rates", rates)
    text = said(capsys)
    assert "not in the sum: hours of bottleneck, which could not be timed (CUDA error: out of memory)" in text
    assert "images/s of basic: forward 1 k, gradients 500, updates 333" in text
    assert float([cell for cell in rows(text)["all"] if cell][-1]) > 0


def test_a_benchmark_without_a_formula_is_named(folder, capsys, monkeypatch):
    monkeypatch.setattr(jobs.benchmark_work, "find", _without("rival10", jobs.benchmark_work.find))
    text = said(capsys, "--counts")
    assert "not in the sum: rival10: nothing is known" in text
    found = study.read([], [], complete=False)
    assert "1 benchmark(s) not counted" in short.line(found.config, found.models)


def _without(name, plain):
    def find(benchmark):
        if benchmark == name:
            raise jobs.InputError(f"{name}: nothing is known")
        return plain(benchmark)

    return find


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--by colour", "--by: 'colour'; expected benchmark, architecture, model"),
        ("--config study", "--config: 'study'; expected KEY=VALUE, as study=imagenet"),
        ("--images-per-second 2500", "--images-per-second: '2500'; expected NETWORK=NUMBER, as resnet50=2500"),
        (
            "--images-per-second a=-1",
            "--images-per-second: 'a=-1'; expected NETWORK=NUMBER, as resnet50=2500",
        ),
    ],
)
def test_a_mistake_is_one_line(folder, capsys, words, message):
    assert commands.main(["cost", *words.split()]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {message}"


def test_the_line_of_a_dry_run_counts_what_has_no_result(folder):
    found = study.read([ROOT / "tests/small.yaml"], [], complete=False)
    whole = short.line(found.config, found.models)
    assert "without a result" not in whole
    card = folder / "results/miniature/models/basic_standard/card.json"
    card.parent.mkdir(parents=True)
    card.write_text("{}")
    assert "without a result yet: " in short.line(found.config, found.models)


def test_jobs_of_a_cluster():
    asked = slurm.asked([7200, 3600], [60.0] * 13, gpus=2, grouped=6)
    assert asked.gpu_hours == pytest.approx(2 * 3 + 13 / 60)
    assert (asked.jobs, asked.longest_training, asked.longest_group) == (5, 2, pytest.approx(0.1))
    assert slurm.evaluations_in_a_job(slurm.profile()) == 6


def test_a_pass_to_the_image_is_two_and_to_the_weights_three():
    assert table.passes(Work(read=9, forward=1, gradients=1, updates=1)) == 6
    assert [table.shown(n) for n in (0, 999, 999.7, 12_345, 16_402_500)] == ["0", "999", "1 k", "12.3 k", "16.4 M"]


def test_a_network_is_known_without_being_run():
    found = networks.facts("resnet18", 1000, 224)
    assert found.operations == pytest.approx(2 * 1.814e9, rel=0.01)  # multiply-adds that torchvision states
    assert found.weights == pytest.approx(46.8e6, rel=0.01)
    assert found.width == 512


def test_a_network_is_timed(monkeypatch):
    monkeypatch.setattr(probe, "_EACH", 0.01)
    found = probe.rates("basic", 10, 32, 32, "auto", hours.torch.device("cpu"))
    assert min(found) > 0
    assert probe.reading(32, photographs=False) > 0
    assert probe.arithmetic() > 1e6


def test_the_table_of_the_published_study_is_what_the_command_counts(folder, capsys):
    (folder / "lab.yaml").write_text("study: imagenet\nimagenet: {controls: []}\n")
    text = said(capsys, "--counts", "--complete", "--configfile", "lab.yaml")
    page = (ROOT / "docs/explanation/cost.md").read_text().partition("## The published study")[2]
    shown = {
        cells[0]: cells[1:5]
        for row in page.partition("\n## ")[0].splitlines()
        if row.startswith("| ") and (cells := [cell.strip() for cell in row.strip("|").split("|")])[1][:1].isdigit()
    }
    counted = {name: [cell.strip() for cell in cells if cell.strip()] for name, cells in rows(text).items()}
    listed = counted.keys() - {"step", "all"}
    assert shown == {name: [*counted[name][3:6], counted[name][7]] for name in listed}
    assert re.search(r"17 GB of them for 2\.72 M images", text)
    assert "17 GB" in page


def test_a_dry_run_says_the_counts_in_one_line(folder):
    copy_project(folder)
    shutil.copy(ROOT / "tests/small.yaml", folder / "config.yaml")
    snakemake = Path(sys.executable).parent / "snakemake"
    told = [
        subprocess.run([snakemake, *words, "--quiet"], cwd=folder, capture_output=True, text=True, check=True).stderr
        for words in (["-n"], ["--list"])
    ]
    dry, listed = ([line for line in text.splitlines() if line.startswith("cost: ")] for text in told)
    found = study.read([], [], complete=False)
    assert dry == [short.line(found.config, found.models)]
    assert listed == []
