"""A function that makes a network, by its name: for the command line, where no module can be given."""

import numpy as np
import pytest

import tradeoffs
from benchmarks.conftest import SMALL

CODE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv2d(3, 8, 3, 2), nn.Linear({inner}, 10)

    def forward(self, x):
        return self.head({pooled})


def make():
    torch.manual_seed(0)
    return Net()
"""
KINDS = {
    "pooled": (8, "torch.relu(self.first(x)).mean((2, 3))"),
    "viewing": (8 * 15 * 15, "torch.relu(self.first(x)).view(x.size(0), -1)"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_network_that_it_makes(kind, miniature, tmp_path):
    inner, pooled = KINDS[kind]
    code = CODE.format(inner=inner, pooled=pooled)
    (tmp_path / "nets.py").write_text(code)
    names = {}
    exec(code, names)
    told = {"settings": SMALL["rival10"] | {"bootstrap": 50}, "study": "miniature", "progress": False}
    told |= {"mean": [0.5] * 3, "std": [0.25] * 3, "input_size": 32}
    expected = tradeoffs.evaluate(names["make"](), "rival10", miniature / "rival10", **told)
    model = f"{tmp_path / 'nets.py'}:make"
    with pytest.raises(tradeoffs.InputError, match="is code; if you trust it, say trust"):
        tradeoffs.evaluate(model, "rival10", miniature / "rival10", **told)
    found = tradeoffs.evaluate(model, "rival10", miniature / "rival10", trust=True, classes=10, **told)
    assert found.card["metrics"] == expected.card["metrics"]
    for name, outcome in expected.outcomes.items():
        np.testing.assert_array_equal(found.outcomes[name], outcome)
    assert 0 < found.card["metrics"]["accuracy"]["value"] < 1
