"""float32 is float32 on a processor too, whatever an environment or a notebook says.

On processors without instructions for less these switches change nothing, and the tests hold as well.
"""

import os
import subprocess
import sys

import pytest
import torch

from project_root import ROOT
from tradeoffs.compute import precision
from tradeoffs.compute.processor import NARROWING

CPU = torch.device("cpu")
ERROR = """
import torch
x, weight = torch.rand(8, 64, 16, 16), torch.rand(64, 64, 3, 3)
wide = torch.nn.functional.conv2d(x.double(), weight.double())
print(float((torch.nn.functional.conv2d(x, weight) - wide).abs().max() / wide.abs().max()))
"""
SMALL = 1e-5  # bfloat16's is 100 times that


def python(folder, code, *arguments, **environment):
    (folder / "measured.py").write_text(code)
    there = os.environ | {"PYTHONPATH": f"{ROOT / 'workflow'}:{folder}"} | environment
    return subprocess.run([sys.executable, *arguments], env=there, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", NARROWING)
def test_what_an_environment_says_is_taken_from_steps_and_named_to_a_notebook(tmp_path, name):
    step = python(tmp_path, ERROR, "-m", "tradeoffs.runner.fork_server", "measured", **{name: "BF16"})
    assert float(step.stdout) < SMALL, step.stderr
    decided = "import torch\nfrom tradeoffs.compute import precision\nprecision.decide(torch.device('cpu'))"
    notebook = python(tmp_path, f"{decided}\n{ERROR}", "-m", "measured", **{name: "BF16"})
    if notebook.returncode:
        assert f"InputError: {name}=BF16: this process computes float32 with less; take it out" in notebook.stderr
    else:
        assert float(notebook.stdout) < SMALL


def test_what_a_notebook_has_switched_counts_afterwards_alone():
    part = torch.backends.mkldnn.conv
    before = part.fp32_precision
    try:
        part.fp32_precision = "bf16"
        with precision.decided(CPU):
            x, weight = torch.rand(8, 64, 16, 16), torch.rand(64, 64, 3, 3)
            wide = torch.nn.functional.conv2d(x.double(), weight.double())
            error = (torch.nn.functional.conv2d(x, weight) - wide).abs().max() / wide.abs().max()
        assert error < SMALL
        assert part.fp32_precision == "bf16"
    finally:
        part.fp32_precision = before
