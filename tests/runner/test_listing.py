"""``tradeoffs list`` says what there is, one line each, without importing torch."""

import subprocess
import sys

import pytest

from project_root import ROOT
from tradeoffs.runner import commands, listing
from tradeoffs.step.declarations import benchmarks, data

SOME = {
    "benchmarks": "waterbirds: Waterbirds; reads waterbirds; needs features",
    "data": "objectnet: ObjectNet; ObjectNet licence (CC BY 4.0 and two conditions); forbids tuning the parameters",
    "models": "resnet18_linf_eps4: clean accuracy 0.5249; https://",
    "sources": "torchscript: own True, name none",
    "figures": "overview: ",
    "claims": "",
}


@pytest.mark.parametrize("what", listing.LISTS)
def test_each_list_has_a_line_for_each_thing(what, capsys):
    assert commands.main(["list", what]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(SOME[what]) for line in lines)
    known = {"benchmarks": benchmarks(), "data": data()}.get(what, {})
    assert set(known) <= {line.partition(":")[0] for line in lines}


def test_every_setting_is_named_with_its_defaults(capsys):
    commands.main(["list", "benchmarks"])
    assert "    trials: Noise draws per image; 10 as published. (miniature 3, imagenet 10)" in capsys.readouterr().out


def test_what_is_unknown_names_what_there_is(capsys):
    assert commands.main(["list", "papers"]) == 2
    said = capsys.readouterr().err
    assert said == f"error: what: 'papers' is unknown; choose one of {', '.join(listing.LISTS)}\n"


def test_nothing_heavy_is_imported():
    code = "import sys; from tradeoffs.runner import commands; commands.main(['list', 'benchmarks']); "
    code += "sys.exit(any(name in sys.modules for name in ('torch', 'pandas', 'matplotlib', 'scipy')))"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "workflow")}, check=True)
