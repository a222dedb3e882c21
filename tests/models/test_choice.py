"""A checkpoint with more than one set of weights asks which; tensors of a type that weights are not are refused."""

import json

import pytest
import torch

from models import converting
from models.published_format import checkpoint_of
from tradeoffs.models import state_dict
from tradeoffs.models.networks import build
from tradeoffs.models.sources import released
from tradeoffs.runner import commands
from tradeoffs.step.errors import InputError

SMALL = "torchvision/shufflenet_v2_x0_5"
SPEC = {
    "source": "state_dict",
    "name": SMALL,
    "classes": 10,
    "pretrained": None,
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.3, 0.25],
    "input_size": None,
    "weights": None,
}


def shifted(tensors, by):
    """The same network with other weights."""
    return {name: tensor + by if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def prefixed(tensors, prefix):
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def averaged(tensors):
    """What torch's AveragedModel saves."""
    return {"n_averaged": torch.tensor(7)} | prefixed(tensors, "module.")


# Ways in which training scripts keep two sets of weights: raw and averaged -> the file's content.
WAYS = {
    "timm": lambda raw, ema: {"arch": "x", "state_dict": raw, "state_dict_ema": ema, "optimizer": {"state": {}}},
    "torchvision": lambda raw, ema: {"model": prefixed(raw, "module."), "model_ema": averaged(ema), "epoch": 3},
    "averaged first": lambda raw, ema: {"ema": ema, "model": raw},
    "restoration": lambda raw, ema: {"params": raw, "params_ema": ema},
    "self-supervised": lambda raw, ema: {"student": raw, "teacher": prefixed(ema, "module.")},
    "stochastic averaging": lambda raw, ema: {"net": raw, "swa_model": averaged(ema)},
    "camel case": lambda raw, ema: {"model": raw, "modelEMA": ema},
    "nested": lambda raw, ema: {"state": {"model": raw}, "ema": {"state_dict": ema, "decay": 0.999}},
    "compiled": lambda raw, ema: {
        "model": prefixed(raw, "_orig_mod."),
        "ema_model": prefixed(ema, "module._orig_mod."),
    },
    "prefixes": lambda raw, ema: {"state_dict": prefixed(raw, "model.") | prefixed(ema, "ema_model.module.")},
    "plain and prefixed": lambda raw, ema: raw | prefixed(ema, "ema."),
    "in a list": lambda raw, ema: {"state_dict": raw, "averages": [{"decay": 0.9}, {"params": ema}]},
    "plain and nested": lambda raw, ema: raw | {"ema": ema},
    "parameters only": lambda raw, ema: {
        "state_dict": raw,
        "ema": {name: item for name, item in ema.items() if not name.endswith(("mean", "var", "tracked"))},
    },
    "without names": lambda raw, ema: {"model": raw, "ema": {"shadow_params": list(parameters(ema))}},
}


def parameters(tensors):
    return [item for name, item in tensors.items() if not name.endswith(("running_mean", "running_var", "tracked"))]


@pytest.fixture(scope="module")
def pair():
    """Raw and averaged weights of one network."""
    torch.manual_seed(0)
    raw = build("basic", 10).state_dict()
    return raw, shifted(raw, 0.01)


OWN = SPEC | {"name": "basic", "mean": None, "std": None}


def converted(content, tmp_path, **changes):
    torch.save(content, tmp_path / "user.pt")
    return converting.converted(OWN | changes, tmp_path / "user.pt")


def assert_same(tensors, expected):
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in tensors.items())


@pytest.mark.parametrize("way", WAYS)
def test_two_sets_of_weights_ask_which(way, pair, tmp_path):
    content = WAYS[way](*pair)
    with pytest.raises(InputError, match=r"user.pt: holds more than one set .*weights: ema .*weights: raw") as raised:
        converted(content, tmp_path)
    assert "\n" not in str(raised.value)
    raw = converted(content, tmp_path, weights="raw")
    assert_same(raw.tensors, pair[0])
    assert len(raw.source["weights"]["left"]) == 1
    if way in ("parameters only", "without names"):  # no whole network can be made of them
        with pytest.raises(InputError, match=r"user.pt: not weights of"):
            converted(content, tmp_path, weights="ema")
        return
    ema = converted(content, tmp_path, weights="ema")
    assert_same(ema.tensors, pair[1])
    assert ema.source["weights"]["left"] == (raw.source["weights"]["taken"],)
    assert raw.source["weights"]["left"] == (ema.source["weights"]["taken"],)


def test_names_of_a_library_are_told_apart_too(torchvision_network, tmp_path):
    own = torchvision_network().state_dict()
    torch.save({"state_dict": own, "state_dict_ema": shifted(own, 0.01)}, tmp_path / "user.pt")
    with pytest.raises(InputError, match=r"state_dict, state_dict_ema"):
        converting.tensors_of(SPEC, tmp_path / "user.pt")
    for wanted, by in (("raw", 0), ("ema", 0.01)):
        tensors = converting.tensors_of(SPEC | {"weights": wanted}, tmp_path / "user.pt")
        assert torch.equal(tensors["backbone.conv1.0.weight"], own["conv1.0.weight"] + by)


@pytest.mark.parametrize("wanted", [None, "ema", "raw"])
@pytest.mark.parametrize(
    "way",
    [
        lambda raw, ema: {"model": raw, "best_model": ema},
        lambda raw, ema: {"teacher": raw, "ema": ema},
        lambda raw, ema: {"model": raw, "ema": ema, "ema_slow": shifted(ema, 1), "best": shifted(ema, 2)},
    ],
)
def test_sets_that_the_choice_does_not_tell_apart_are_refused(way, wanted, pair, tmp_path):
    with pytest.raises(InputError, match=r"more than one set|does not say which"):
        converted(way(*pair), tmp_path, weights=wanted)


@pytest.mark.parametrize(
    "content",
    [
        lambda raw: raw,
        lambda raw: {"state_dict": raw},
        lambda raw: {"params_ema": raw},
        lambda raw: {"state_dict": raw, "teacher": torch.nn.Linear(3, 2).state_dict()},
        lambda raw: {"model": raw, "optimizer": {"exp_avg": dict(raw)}},
    ],
    ids=["plain", "one key", "averaged only", "another network", "optimiser"],
)
@pytest.mark.parametrize("wanted", ["ema", "raw"])
def test_a_choice_where_there_is_none_is_refused(content, wanted, pair, tmp_path):
    with pytest.raises(InputError, match=f"weights: {wanted}, but .*no more than one set.*use null"):
        converted(content(pair[0]), tmp_path, weights=wanted)
    assert_same(converted(content(pair[0]), tmp_path).tensors, pair[0])


def test_equal_sets_need_no_choice_and_are_named(pair, tmp_path):
    found = converted({"last": pair[0], "best": dict(pair[0])}, tmp_path)
    assert_same(found.tensors, pair[0])
    assert (found.source["weights"]["taken"], found.source["weights"]["left"]) == ("last", ("best",))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": "best"}, r"weights: 'best'; expected one of ema, raw"),
        ({"weights": "ema", "source": "torchscript", "name": None}, r"weights: ema, but only a file of tensors"),
    ],
)
def test_a_choice_without_meaning_is_one_line(changes, said, pair, tmp_path):
    with pytest.raises(InputError, match=said):
        converted(pair[0], tmp_path, **changes)


def test_the_card_says_what_was_taken_and_what_was_left(pair, tmp_path):
    raw, ema = pair
    torch.save({"model": raw, "model_ema": {name: tensor.half() for name, tensor in ema.items()}}, tmp_path / "user.pt")
    spec = json.dumps({key: value for key, value in OWN.items() if key != "source"} | {"weights": "ema"})
    files = ["--checkpoint", tmp_path / "user.pt", "--weights", tmp_path / "w.pt", "--card", tmp_path / "w.json"]
    assert commands.main(["convert", OWN["source"], "--spec", spec, *map(str, files)]) == 0
    said = json.loads((tmp_path / "w.json").read_text())["source"]["weights"]
    assert said == {"taken": "model_ema", "left": ["model"], "stored_as": ["float16"]}


def test_a_released_checkpoint_with_a_second_set_is_refused(torchvision_network, tmp_path):
    content = checkpoint_of(torchvision_network())
    for damage in (
        lambda: content | {"model_ema": shifted(content["model"], 0.1)},
        lambda: (
            content | {"model": {name: item + ("attacker.model" in name) for name, item in content["model"].items()}}
        ),
    ):
        torch.save(damage(), tmp_path / "x.ckpt")
        with pytest.raises(InputError, match=r"x.ckpt: holds more than one set of weights"):
            released.read(released.Settings(SMALL, 10), tmp_path / "x.ckpt")
    torch.save(content, tmp_path / "x.ckpt")
    assert released.read(released.Settings(SMALL, 10), tmp_path / "x.ckpt")


FLOATS = [torch.float64, torch.float16, torch.bfloat16]
OTHERS = [torch.int64, torch.int32, torch.int8, torch.uint8, torch.bool, torch.complex64]


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_of_any_width_are_taken(dtype, pair, tmp_path):
    given = {name: item.to(dtype) if item.is_floating_point() else item for name, item in pair[1].items()}
    network = build("basic", 10)
    state_dict.fit(network, given, tmp_path, "a basic")
    assert_same(network.state_dict(), {name: item.to(pair[1][name].dtype) for name, item in given.items()})


@pytest.mark.parametrize("dtype", OTHERS)
@pytest.mark.parametrize("of", ["weight", "running_var"])
def test_weights_of_another_type_are_refused_by_name(dtype, of, pair, tmp_path):
    name = next(name for name in pair[0] if name.endswith(of))
    kind = str(dtype).removeprefix("torch.")
    with pytest.raises(InputError, match=f"user.pt: {name} is {kind} instead of floating point") as raised:
        converted(pair[0] | {name: pair[0][name].to(dtype)}, tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda item: torch.quantize_per_tensor(item, 0.1, 0, torch.qint8), "quantised"),
        (lambda item: item.to_sparse(), "sparse"),
    ],
)
def test_a_tensor_that_is_not_stored_plainly_is_refused(change, said, pair, tmp_path):
    name = next(name for name in pair[0] if name.endswith("weight"))
    with pytest.raises(InputError, match=f"{name} is .*{said}"):
        state_dict.fit(build("basic", 10), pair[0] | {name: change(pair[0][name])}, tmp_path, "a basic")


def test_the_batch_counter_may_be_a_number_of_any_kind(pair, tmp_path):
    name = next(name for name in pair[0] if name.endswith("num_batches_tracked"))
    for value in (torch.tensor(3, dtype=torch.int32), torch.tensor(2.5), torch.tensor(2.0, dtype=torch.float16)):
        assert converted(pair[0] | {name: value}, tmp_path)


class Indexed(torch.nn.Module):
    """A network with a table of positions, as Swin transformers have."""

    def __init__(self):
        super().__init__()
        self.register_buffer("index", torch.arange(4))


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (torch.tensor([0.0, 1, 2, 3]), None),
        (torch.tensor([0, 1, 2, 3], dtype=torch.int16), None),
        (torch.tensor([0, 1, 2.5, 3]), "index is float32 with values that int64 does not hold"),
        (torch.tensor([True] * 4), "index is bool instead of int64"),
    ],
)
def test_whole_numbers_stay_what_they_are(index, said, tmp_path):
    network = Indexed()
    if said is None:
        state_dict.fit(network, {"index": index}, tmp_path, "a table")
        assert network.index.tolist() == [0, 1, 2, 3]
    else:
        with pytest.raises(InputError, match=said):
            state_dict.fit(network, {"index": index}, tmp_path, "a table")
