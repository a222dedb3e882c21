"""A part of the campaign of checkpoints (``checkpoint_campaign.py``): the right logits, or one line with the cause."""

import pickle
import random
import sys

import pytest
import torch

from models import checkpoint_campaign as campaign
from tradeoffs.models import state_dict
from tradeoffs.step.errors import InputError

CASES = dict(campaign.cases())
# All kinds of files, every wrapping undamaged, and of the others enough to meet every damage.
WHOLE = [name for name in CASES if name.partition(": ")[2] in ("", "none", "other mean", "same mean")]
OTHERS = random.Random(0).sample(sorted(CASES.keys() - set(WHOLE)), 25)


@pytest.mark.parametrize("name", [*WHOLE, *OTHERS])
def test_a_checkpoint_keeps_its_logits_or_is_refused_by_its_cause(name, tmp_path):
    assert CASES[name](tmp_path) in ("right", "named")


def test_no_pickle_runs_code_unless_it_is_unpickled_carelessly(tmp_path):
    pickle.loads(pickle.dumps(campaign.Code(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()  # so the campaign would see it
    (tmp_path / "ran").unlink()
    assert CASES["plain: code"](tmp_path) == "named"


def test_a_tensor_beside_the_network_is_not_taken_for_one_of_its_own(tmp_path):
    tensors = campaign.original()[0]
    content = campaign.under("model.")(tensors) | {"fc.weight": torch.zeros(10, 1024)}
    torch.save(content, tmp_path / "w.pt")
    assert campaign.outcome(tmp_path / "w.pt", r"surplus: fc\.weight \(beside ") == "named"


def test_pixels_of_another_range_ask_for_mean_and_std(tmp_path):
    own = {
        "pixel_mean": torch.tensor(campaign.MEAN).mul(255)[:, None, None],
        "pixel_std": torch.tensor(campaign.STD).mul(255)[:, None, None],
    }
    torch.save(own | campaign.under("net.")(campaign.original()[0]), tmp_path / "w.pt")
    null = {"mean": None, "std": None}
    assert (
        campaign.outcome(tmp_path / "w.pt", r"not in units of pixels in \[0, 1\]; give mean and std", **null) == "named"
    )
    assert campaign.outcome(tmp_path / "w.pt", None) == "right"


@pytest.mark.parametrize("names", [("mean", "std"), ("Mean", "Std"), ("MEAN", "STD")])
def test_a_normaliser_is_found_however_its_names_are_written(names, tmp_path):
    mean, std = (torch.tensor(found)[:, None, None] for found in (campaign.MEAN, campaign.STD))
    own = dict(zip(names, (mean, std), strict=True))
    torch.save(own | campaign.under("net.")(campaign.original()[0]), tmp_path / "w.pt")
    assert campaign.outcome(tmp_path / "w.pt", None, mean=None, std=None) == "right"


def test_two_normalisers_that_differ_are_refused(tmp_path):
    content = campaign.robustness(campaign.original()[0])
    content["model"]["module.attacker.normalize.new_mean"] = torch.tensor(campaign.MEAN) + 0.1
    torch.save(content, tmp_path / "w.pt")
    null = {"mean": None, "std": None}
    assert campaign.outcome(tmp_path / "w.pt", "two normalisers with other values", **null) == "named"


def test_safetensors_without_the_library_that_reads_it_names_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "w.safetensors").write_bytes(campaign.safetensors())
    for name in ("safetensors", "safetensors.torch"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"w\.safetensors: safetensors is not installed.*pip install safetensors"):
        state_dict.read(tmp_path / "w.safetensors")
