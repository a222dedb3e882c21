"""``tradeoffs list`` says what there is, one line each, without importing torch."""

import subprocess
import sys

import pytest

from project_root import ROOT
from tradeoffs.runner import commands, listing
from tradeoffs.step.declared_benchmarks import benchmarks
from tradeoffs.step.declared_data import data

SOME = {
    "benchmarks": ("waterbirds ", "Waterbirds ", "features"),
    "data": ("objectnet ", "ObjectNet licence"),
    "models": ("resnet18_linf_eps4 ", "52.49%"),
    "zoo": ("Mo2022When_ViT-B ", "timm/vit_base_patch16_224", "68.38%", "34.40%", "drive.google.com, by hand"),
    "ways": ("torchvision/<name>", "published weights"),
    "sources": ("torchscript ", "its file", "no"),
    "figures": ("overview ", "summary"),
    "claims": ("correlation_sweep ",),
}


@pytest.mark.parametrize("what", listing.LISTS)
def test_each_list_has_a_line_for_each_thing(what, capsys):
    assert commands.main(["list", what]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(all(part in f"{line} " for part in SOME[what]) for line in lines)
    known = {"benchmarks": benchmarks(), "data": data()}.get(what, {})
    assert set(known) <= {line.split()[0] for line in lines}


def test_nothing_heavy_is_imported():
    code = "import sys; from tradeoffs.runner import commands; commands.main(['list', 'benchmarks']); "
    code += "sys.exit(any(name in sys.modules for name in ('torch', 'pandas', 'matplotlib', 'scipy')))"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "workflow")}, check=True)
