"""The end of a run says what it cost, whatever lies in the folders of results."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from project_root import ROOT
from tradeoffs.compute import processor
from tradeoffs.runner import messages
from tradeoffs.study.plan import models


def test_files_that_are_no_cards_do_not_fail_a_successful_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results"
    folder.mkdir()
    odd = {
        "card": '{"seconds": 12.5}',
        "broken": '{"seconds": 1',
        "empty": "",
        "list": "[1, 2]",
        "none": '{"seconds": null}',
        "text": '{"seconds": "soon"}',
        "nan": '{"seconds": NaN}',
        "huge": '{"seconds": 1' + 400 * "0" + "}",
        "deep": 100_000 * "[",
        "nested": '{"seconds": {"a": 1}}',
    }
    for name, content in odd.items():
        (folder / f"{name}.json").write_text(content)
    (folder / "binary.json").write_bytes(b"\xff\x00{")
    (folder / "folder.json").mkdir()
    (folder / "link.json").symlink_to("nowhere.json")
    (folder / "circle.json").symlink_to("circle.json")
    monkeypatch.setattr(messages.time, "time", lambda: 100.0)
    messages.print_cost(SimpleNamespace(resource_settings=SimpleNamespace(nodes=None), cores=1), {}, 1, 1, 0.0)
    assert capsys.readouterr().err.startswith("12 s of work in 100 s on 1 cores: 88% went")


def test_what_a_run_took_counts_all_cores_of_a_job(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for place, seconds in (("models/a", 10), ("models/b", 7), ("evaluations/imagenet", 20), ("cards", 5)):
        card = tmp_path / "results/imagenet" / place / "card.json"
        card.parent.mkdir(parents=True)
        card.write_text(f'{{"seconds": {seconds}}}')
    (tmp_path / "results/card.json").write_text('{"seconds": 1}')
    monkeypatch.setattr(messages.time, "time", lambda: 100.0)
    settings = SimpleNamespace(nodes=None)
    listed = {name: SimpleNamespace(id=name, source=source) for name, source in (("a", "train"), ("b", "torchvision"))}
    messages.print_cost(SimpleNamespace(resource_settings=settings, cores=4), listed, 4, 2, 0.0)
    assert capsys.readouterr().err.startswith("93 s of work in 100 s on 4 cores: 77% went")
    settings.nodes = 5
    messages.print_cost(SimpleNamespace(resource_settings=settings, cores=4), listed, 4, 2, 0.0)
    assert capsys.readouterr().err == "43 s of work on the cluster and here in 100 s\n"


def test_the_end_of_a_run_says_which_criteria_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "regime.csv"
    messages.print_regime(table)
    header = "criterion,concerns,subject,value,limit,passed,meaning"
    table.write_text(f"{header}\nconverged,all,a,0.01,0.05,True,loss\n")
    messages.print_regime(table)
    assert capsys.readouterr().err == ""
    failed = "".join(f"converged,all,{name},0.1,0.05,False,loss\n" for name in "bcd")
    table.write_text(table.read_text() + failed)
    messages.print_regime(table)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    assert said[0].startswith("3 of 4 criteria fail")
    assert said[1:3] == ["  converged: b", "  converged: c"]
    assert str(table) in said[3]


@pytest.mark.parametrize(
    ("precision", "gpus", "nodes", "lines"),
    [("bfloat16", 0, None, 1), ("auto", 0, None, 0), ("bfloat16", 1, None, 0), ("bfloat16", 0, 4, 0)],
)
def test_a_run_on_cores_that_have_no_bfloat16_says_once_that_it_takes_long(
    precision: str,
    gpus: int,
    nodes: int | None,
    lines: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "cpuinfo").write_text("flags : avx2\n")
    monkeypatch.setattr(processor, "_DESCRIPTION", tmp_path / "cpuinfo")
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["miniature"]["training"]["precision"] = precision
    workflow = SimpleNamespace(
        resource_settings=SimpleNamespace(nodes=nodes), global_resources={"gpu": SimpleNamespace(value=gpus)}
    )
    messages.print_slow_training(workflow, models(config))
    assert len(capsys.readouterr().err.splitlines()) == lines
