"""``tradeoffs cost``: of any config, counts without torch, what is missing from the sum, one line for a mistake."""

import contextlib
import importlib.util
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from project_root import ROOT, copy_project
from tradeoffs.compute.work import Work
from tradeoffs.cost import files, here, jobs, networks, probe, short, slurm, study, table
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


BENCHMARKS = ("imagenet", "rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet", "adversarial")
SPEC = importlib.util.spec_from_file_location("cores", ROOT / "performance/cores.py")
cores = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(cores)
GPU = ["--images-per-second", "resnet50=2500"]


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


def test_training_images_at_hand_are_counted_too(folder, miniature):
    config = study.read([], [], complete=False).config
    said = config["miniature"]["data"]["images"]
    assert jobs.training_images(config, "default", counting=True) == (said["train"], said["val"])
    (folder / "resources/miniature").mkdir(parents=True)
    (folder / "resources/miniature/default").symlink_to(miniature)
    there = tuple(len(list((miniature / "imagenet" / split).rglob("*.JPEG"))) for split in ("train", "val"))
    assert jobs.training_images(config, "default", counting=True) == there
    assert jobs.training_images(config, "default", counting=False) == (said["train"], said["val"])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("imagenet={training: {overrides: {nope: {epochs: 2}}}}", "imagenet.training.overrides names nope"),
        ("imagenet={benchmarks: {imagenet: {resize: 100}}}", "imagenet.benchmarks.imagenet.crop = 224"),
    ],
)
def test_a_study_that_would_not_run_has_no_price(folder, said, message, capsys):
    assert commands.main(["cost", "--counts", "--complete", "--config", "study=imagenet", said]) == 2
    assert message in capsys.readouterr().err


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
    gpu = GPU
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


def test_what_lies_at_a_path_is_never_downloaded(folder, capsys):
    words = ["--counts", "--complete", "--config", "study=imagenet"]
    without = said(capsys, *words, "imagenet={controls: []}")
    for place, unknown in (("mine", False), ("nowhere", True)):
        (folder / "mine").mkdir(exist_ok=True)
        found = said(capsys, *words, f"imagenet={{controls: [], data: {{rival10: {{path: {place}}}}}}}")
        assert rows(found) == rows(without)
        assert ("rival10: the size of its archive" in found) is unknown


def test_without_the_workflow_beside_it_one_line_says_where_it_works(folder, monkeypatch, capsys):
    monkeypatch.setattr(study.hooks, "SCHEMA", folder / "schemas/config.schema.yaml")
    assert commands.main(["cost", "--counts"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "installed without the workflow" in line


@pytest.mark.parametrize("said", ["[1]", "{data: [1]}", "{data: {rival10: [1]}}"])
def test_a_config_of_another_shape_is_one_line_with_all_data_too(folder, capsys, said):
    words = ["--complete", "--config", "study=imagenet", f"imagenet={said}"]
    assert commands.main(["cost", "--counts", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith("error: config: imagenet")


def test_what_is_missing_from_a_printed_sum_is_said_whatever_was_asked(folder, capsys):
    text = said(capsys, "--counts", "--complete", "--config", "study=imagenet", "imagenet={controls: []}")
    assert "not in the sum: bytes of the weights of 22 model(s): resnet18, resnet50" in text
    assert "not in the sum: rival10: the size of its archive" in text


def test_as_many_replicates_as_headlines_need_are_at_most_so_many(folder, capsys):
    (folder / "auto.yaml").write_text("miniature: {replicates: auto, most_replicates: 3}")
    text = said(capsys, "--counts", "--configfile", "auto.yaml")
    assert "replicates: auto: all is at most, of 3" in text
    found = study.read([folder / "auto.yaml"], [], complete=False)
    assert short.line(found.config, found.models).startswith("cost: at most ")
    assert "at most " not in short.line(*study.read([], [], complete=False)[:2])


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
        return Rates(1e-3, 2e-3, 3e-3, width=64)

    monkeypatch.setattr(probe, "evaluation", rates)
    monkeypatch.setattr(probe, "training", lambda *given: (3e-3, 4e-3))
    text = said(capsys)
    assert "not in the sum: hours of bottleneck, which could not be timed (CUDA error: out of memory)" in text
    assert "images/s of basic: forward 1 k, gradients 500; in trainings gradients 250, updates 333" in text
    assert float([cell for cell in rows(text)["all"] if cell][-1]) > 0
    # Hours of cores are no GPU hours.
    assert re.search(
        r"^SLURM: \d+ jobs, and \d of examples without a GPU; --images-per-second says the hours$", text, re.M
    )
    assert "GPU hours" not in text


def test_what_a_machine_is_too_full_for_costs_nothing_but_its_line(folder, capsys, monkeypatch):
    def full(*given, **named):
        raise OSError(28, "No space left on device")

    for name in ("reading", "drawing", "making", "arithmetic", "logistic", "training"):
        monkeypatch.setattr(probe, name, full)
    monkeypatch.setattr(probe, "evaluation", lambda *given: Rates(1e-3, 2e-3, 3e-3, width=64))
    text = said(capsys)
    why = "which could not be timed ([Errno 28] No space left on device)"
    for what in ("decoding files", "drawing noise", "putting noise on images", "fitting linear heads"):
        assert f"not in the sum: hours of {what}, {why}" in text
    assert f"not in the sum: hours of trainings of basic, {why}" in text
    assert float([cell for cell in rows(text)["imagenet"] if cell][-1]) > 0
    assert [cell for cell in rows(text)["train"] if cell][-1].strip() == "?"


def test_the_miniature_is_timed_on_cores_beside_a_gpu_and_the_published_study_on_one_that_is_leased(
    folder, capsys, monkeypatch
):
    used, leases = [], []

    def rates(name, classes, side, device):
        used.append(device.type)
        raise RuntimeError("enough")

    def lease():
        leases.append(1)
        return here.torch.device("meta")

    monkeypatch.setattr(here.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(here, "choose_device", lease)
    monkeypatch.setattr(here, "attacked_together", lambda *given: 250)
    monkeypatch.setattr(probe, "evaluation", rates)
    for name in ("reading", "drawing", "making", "arithmetic", "logistic"):
        monkeypatch.setattr(probe, name, lambda *given, **named: 1.0)
    said(capsys)
    assert (set(used), leases) == ({"cpu"}, [])
    used.clear()
    monkeypatch.setattr(here.precision, "decided", lambda device: contextlib.nullcontext())
    said(capsys, "--config", "study=imagenet", "imagenet={controls: []}")
    assert (set(used), leases) == ({"meta"}, [1])


def test_a_gpu_that_cannot_be_used_is_named_and_the_counts_remain(folder, capsys, monkeypatch):
    def refused():
        raise jobs.InputError("GPU 0 cannot be used by torch")

    monkeypatch.setattr(here, "choose_device", refused)
    text = said(capsys, "--config", "study=imagenet", "imagenet={controls: []}")
    assert "not in the sum: hours: GPU 0 cannot be used by torch" in text
    assert rows(text)["step"][-1].strip() == "at most"


def test_a_network_that_is_not_trained_is_not_timed_in_training(folder, capsys, monkeypatch):
    def training(*given):
        raise AssertionError("no training of it is in the study")

    monkeypatch.setattr(probe, "training", training)
    monkeypatch.setattr(probe, "evaluation", lambda *given: Rates(1e-3, 2e-3, 3e-3))
    monkeypatch.setattr(here, "choose_device", lambda: here.torch.device("cpu"))
    text = said(capsys, "--config", "study=imagenet", "imagenet={controls: []}")
    assert "could not be timed" not in text
    assert "images/s of resnet50: forward 1 k, gradients 500\n" in text


@pytest.mark.parametrize(("precision", "named"), [("float32", True), ("bfloat16", False)])
def test_trainings_in_another_precision_than_what_was_timed_are_named(folder, capsys, precision, named):
    (folder / "own.yaml").write_text(
        f"miniature: {{training: {{overrides: {{basic_linf_eps8: {{precision: {precision}}}}}}}}}"
    )
    text = said(capsys, "--configfile", "own.yaml", "--images-per-second", "basic=2500")
    assert ("not in the sum: by how much longer or shorter 1 training(s)" in text) is named


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
        (
            "--config study=2026-13-45",
            "config: study = '2026-13-45'; expected one of miniature, imagenet (Which study runs.)",
        ),
        ("--config st-=3", "--config: 'st-=3'; expected KEY=VALUE, as study=imagenet"),
        (
            "--counts --images-per-second a=1",
            "--images-per-second: says hours, of which --counts prints none; leave one of them out",
        ),
        ("--images-per-second a=1 a=2", "--images-per-second: a is given twice; expected each network once"),
        (
            "--images-per-second basic=1 botleneck=2",
            "--images-per-second: 'botleneck' is no network of the study; did you mean bottleneck?; it has basic, "
            "bottleneck",
        ),
        (
            "--images-per-second nosuchnet=2500",
            "--images-per-second: 'nosuchnet' is no network of the study; it has basic, bottleneck",
        ),
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
    assert asked.gpu_hours == pytest.approx(3 + 13 / 60)  # of one GPU: two take half the time
    assert (asked.longest_training, asked.longest_group) == (1, pytest.approx(0.1))
    assert slurm.jobs(2, 13, 6) == 5
    assert slurm.evaluations_in_a_job(slurm.profile()) == 6


def test_what_is_submitted_beside_trainings_and_evaluations_is_counted(folder, capsys):
    text = said(capsys, *GPU, "--complete", "--config", "study=imagenet", "imagenet={controls: []}")
    submitted = [
        rule
        for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
        for rule in re.findall(r"^rule (\w+):(?:\n(?!    localrule|rule ).*)*?\n        mem_mb", path.read_text(), re.M)
    ]
    assert sorted(submitted) == ["evaluate", "examples", "train", "unpack"]
    assert (
        f"GPU hours in 26 jobs, and 5 of unpack, {len(BENCHMARKS)} of examples without a GPU; the longest evaluation"
        in text
    )


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
    cpu = here.torch.device("cpu")
    assert min(probe.evaluation("basic", 10, 32, cpu)[:3]) > 0
    settings = {"batch_size": 32, "attack_steps": 1, "precision": "auto"}
    assert min(probe.training("basic", 10, 32, settings, cpu)) > 0
    assert probe.reading(32, photographs=False) > 0
    assert probe.arithmetic() > 1e6
    assert 1e-12 < probe.logistic() < 1e-5


@pytest.mark.parametrize(
    ("each", "start", "most"),
    [
        (0.5, 0.0, 31),  # seconds of an image, and of a call whatever is in it
        (0.001, 0.05, 250),
        (3.0, 0.0, 31),
    ],
)
def test_no_call_is_expected_to_take_longer_than_two_seconds(monkeypatch, each, start, most):
    clock, calls = [0.0], []

    def act(number):
        calls.append(number)
        clock[0] += start + each * number
        return number

    monkeypatch.setattr(probe.time, "perf_counter", lambda: clock[0])
    found = probe._seconds(act, 0.0, here.torch.device("cpu"), most)
    assert found == pytest.approx(each + start / calls[-1])
    assert max(calls) == max(1, min(most, int(2 / each)))
    assert clock[0] <= probe.LONGEST + 3.0


def test_what_the_command_line_says_is_read_as_snakemake_reads_it(folder):
    given = ['theory={"curves": {"norms": [1, 2, inf]}}', 'miniature={"replicates": 010}']
    found = study.read([], given, complete=False).config
    assert found["theory"]["curves"]["norms"] == ["1", "2", "inf"]
    assert found["miniature"]["replicates"] == 10


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


def test_the_hours_of_the_published_study_are_what_the_command_says(folder, capsys):
    page = (ROOT / "docs/explanation/cost.md").read_text()
    words = ["--complete", "--config", "study=imagenet", "imagenet={controls: []}", "--by", "architecture", *GPU]
    told = said(capsys, *words)
    found = {name: float(cells[-1]) for name, cells in rows(told).items() if name != "step"}
    shown = {
        f"{name} {architecture}": float(cells[place])
        for line in page.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 7 and (name := cells[0]) in BENCHMARKS
        for place, architecture in ((5, "resnet18"), (6, "resnet50"))
    }
    assert shown == pytest.approx({name: value for name, value in found.items() if name != "all"}, rel=0.02, abs=0.005)
    assert f"{found['all']:.3g} GPU hours in 26 SLURM jobs, and 12 jobs" in page.replace("\n", " ")
    listed = cores.cluster([22, 500], 6.0, 8.0, cores.hours_of_a_model(), 7).splitlines()[1:]
    printed = [line.split() for line in listed]
    rounded = [[*cells[:5], f"{float(cells[6].rstrip('%')):.1f}"] for cells in printed]
    assert rounded == [
        [cell.strip(" %").replace(",", "") for cell in line.strip("|").split("|")]
        for line in page.partition("--cluster 22 500")[2].splitlines()
        if re.match(r"\| [0-9]", line)
    ]


@pytest.mark.parametrize("name", files.MINIATURE)
def test_the_bytes_of_the_miniatures_images_are_about_what_the_disk_holds(miniature, name):
    written = [
        path.stat().st_size for path in (miniature / name).rglob("*") if path.is_file() and path.suffix != ".json"
    ]
    there = sum(4096 * math.ceil(size / 4096) for size in written)
    sizes = {"images": 60, "image_size": 32} | ({"test_images": 40} if name == "imagenet" else {})
    assert files.made(name, sizes) == pytest.approx(there, rel=0.2)


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
