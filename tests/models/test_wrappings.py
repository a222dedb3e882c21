"""A part of the campaign of checkpoints (``checkpoint_campaign.py``): the right logits, or one line with the cause."""

import pickle
import random
import sys

import pytest
import torch
from safetensors.torch import save_file

from models import checkpoint_campaign as campaign
from models.converting import converted, tensors_of
from models.published_format import trained_like
from tradeoffs.models import state_dict
from tradeoffs.models.networks import unwrapped
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


def test_code_among_the_settings_of_a_training_is_refused_and_not_run(tmp_path):
    content = campaign.timm(campaign.original()[0])
    content["args"].run = campaign.Code(tmp_path / "ran")
    torch.save(content, tmp_path / "w.pt")
    assert campaign.outcome(tmp_path / "w.pt", "holds more than tensors .* could run code") == "named"
    assert not (tmp_path / "ran").exists()


SOURCES = {
    "state_dict": {"source": "state_dict", "name": campaign.NAME},
    "torchvision": {"source": "torchvision", "name": campaign.NAME.partition("/")[2]},
    "timm": {"source": "timm", "name": "test_resnet"},
    "python": {"source": "python", "factory": "torchvision.models:shufflenet_v2_x0_5"},
}
SOURCES["python"]["arguments"] = {"num_classes": campaign.CLASSES}


@pytest.mark.parametrize("source", SOURCES)
def test_safetensors_are_read_in_every_way_in_and_one_that_is_cut_or_holds_nan_is_named(source, tmp_path):
    settings = SOURCES[source]
    name = settings["name"] if source == "timm" else campaign.NAME.partition("/")[2]
    network = unwrapped(f"{'timm' if source == 'timm' else 'torchvision'}/{name}", campaign.CLASSES)
    tensors = {name: tensor.contiguous() for name, tensor in trained_like(network).state_dict().items()}
    path, spec = tmp_path / "w.safetensors", campaign.SPEC | {"name": None} | settings
    save_file(tensors, path)
    found = {name.rpartition(".")[2]: item for name, item in tensors_of(spec, path).items() if "classifier" in name}
    last = max((name for name in tensors if name.endswith(".weight")), key=list(tensors).index).removesuffix(".weight")
    assert torch.equal(found["weight"], tensors[f"{last}.weight"])
    whole = path.read_bytes()
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"w\.safetensors: .*get (it|the file) again") as raised:
            tensors_of(spec, path)
        assert "\n" not in str(raised.value)
    save_file(tensors | {f"{last}.bias": torch.full_like(tensors[f"{last}.bias"], torch.nan)}, path)
    with pytest.raises(InputError, match=rf"w\.safetensors: {last}\.bias is not finite"):
        tensors_of(spec, path)


def test_a_tensor_beside_the_network_is_not_taken_for_one_of_its_own(tmp_path):
    tensors = campaign.original()[0]
    content = campaign.under("model.")(tensors) | {"fc.weight": torch.zeros(10, 1024)}
    torch.save(content, tmp_path / "w.pt")
    assert campaign.outcome(tmp_path / "w.pt", r"surplus: fc\.weight \(beside ") == "named"


def test_a_head_beside_an_encoder_does_not_complete_it(tmp_path):
    tensors = campaign.original()[0]
    encoder = {name: tensor for name, tensor in tensors.items() if not name.startswith("fc.")}
    head = {name: torch.randn_like(tensors[name]) for name in ("fc.weight", "fc.bias")}
    torch.save(campaign.under("encoder.")(encoder) | head, tmp_path / "w.pt")
    said = r"missing: fc\.weight, fc\.bias; surplus: fc\.weight \(beside \[encoder\.\*\]\)"
    assert campaign.outcome(tmp_path / "w.pt", said) == "named"


@pytest.mark.parametrize("prefix", ["", "backbone.", "module.backbone."])
def test_a_prefix_is_taken_off_a_network_without_a_linear_head(prefix, tmp_path):
    name = "torchvision/squeezenet1_1"
    tensors = unwrapped(name, campaign.CLASSES).state_dict()
    torch.save(campaign.under(prefix)(tensors), tmp_path / "w.pt")
    found = tensors_of(campaign.SPEC | {"name": name}, tmp_path / "w.pt")
    assert all(torch.equal(found[f"backbone.{key}"], tensor) for key, tensor in tensors.items())
    torch.save(found, tmp_path / "again.pt")
    again = tensors_of(
        campaign.SPEC | {"name": name} | dict.fromkeys(("mean", "std", "input_size")), tmp_path / "again.pt"
    )
    assert again.keys() == found.keys()


def test_three_numbers_among_results_are_no_normaliser(tmp_path):
    results = {"mean": [0.81, 0.80, 0.79], "std": [0.01, 0.02, 0.03]}
    torch.save({"state_dict": campaign.original()[0], "results": results} | results, tmp_path / "w.pt")
    assert campaign.outcome(tmp_path / "w.pt", "mean: null, but", mean=None, std=None) == "named"
    assert campaign.outcome(tmp_path / "w.pt", None) == "right"


def test_what_is_given_counts_more_than_settings_of_a_training_and_the_card_says_so(tmp_path):
    content = campaign.lightning(campaign.original()[0], mean=[0.5] * 3, std=[0.5] * 3)
    torch.save(content, tmp_path / "w.pt")
    assert campaign.outcome(tmp_path / "w.pt", None) == "right"
    said = converted(campaign.SPEC, tmp_path / "w.pt").source["weights"]
    assert said["normalisers_left"] == ["hyper_parameters.mean"]


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
