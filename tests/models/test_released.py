"""Released checkpoints, in the published format with random weights, become plain weights with the same logits."""

import hashlib
import json

import pytest
import torch

from models.published_format import checkpoint_of
from models.published_format import write as write_released
from tradeoffs.models.networks import load
from tradeoffs.models.released_files import RELEASED, find
from tradeoffs.models.sources.released import Settings, read
from tradeoffs.runner import commands
from tradeoffs.step.errors import InputError

SMALL = "torchvision/shufflenet_v2_x0_5"
CPU = torch.device("cpu")


@pytest.fixture
def command(tmp_path):
    """Return a function that runs the command and returns its exit status and the two files it writes."""

    def run(checkpoint, architecture=SMALL, classes=10):
        weights, card = tmp_path / "weights.pt", tmp_path / "card.json"
        spec = json.dumps({"architecture": architecture, "classes": classes})
        arguments = ["--spec", spec, "--checkpoint", checkpoint, "--weights", weights, "--card", card]
        return commands.main(["convert", "released", *map(str, arguments)]), weights, card

    return run


def test_the_command_gives_torchvisions_logits_and_a_card(torchvision_network, by_hand, images, command, tmp_path):
    own = torchvision_network("resnet18", 1000)
    checkpoint = write_released(tmp_path / "resnet18_linf_eps1.0.ckpt", own)
    status, weights, card = command(checkpoint, "resnet18", 1000)
    assert status == 0
    network = load(weights, "resnet18", 1000, CPU)
    torch.testing.assert_close(network(images), by_hand(own, images), rtol=1e-3, atol=1e-3)

    # Half the file is the optimiser's state; none of it is kept, and nothing is kept twice.
    assert weights.stat().st_size < 0.51 * checkpoint.stat().st_size
    written = json.loads(card.read_text())
    assert written["kind"] == "model"
    assert written["source"]["file"] == checkpoint.name
    assert written["source"]["sha256"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert written["source"]["published_sha256"].startswith("b4980011")
    assert written["source"]["address"].endswith("/resolve/main/resnet18_linf_eps1.0.ckpt")
    assert written["published_clean_accuracy"] == 0.6346
    assert written["mean"] == pytest.approx([0.485, 0.456, 0.406])


def test_the_same_checkpoint_gives_the_same_bytes(torchvision_network, command, tmp_path):
    checkpoint = write_released(tmp_path / "x.ckpt", torchvision_network())
    first = command(checkpoint)[1].read_bytes()
    _, weights, card = command(checkpoint)
    assert weights.read_bytes() == first
    assert json.loads(card.read_text())["weights_sha256"] == hashlib.sha256(first).hexdigest()


def test_batchnorm_statistics_arrive_unchanged(torchvision_network, command, tmp_path):
    own = torchvision_network()
    before = {name: tensor.clone() for name, tensor in own.state_dict().items()}
    _, weights, _ = command(write_released(tmp_path / "x.ckpt", own))
    tensors = torch.load(weights, weights_only=True)
    statistics = [name for name in before if "running_" in name]
    assert len(statistics) > 50
    assert all(torch.equal(tensors[f"backbone.{name}"], before[name]) for name in statistics)


def test_the_checkpoints_own_normaliser_is_taken_over(torchvision_network, by_hand, images, command, tmp_path):
    own = torchvision_network()
    mean, std = [0.4717, 0.4499, 0.3837], [0.26, 0.2516, 0.2575]
    _, weights, _ = command(write_released(tmp_path / "x.ckpt", own, mean, std))
    logits = load(weights, SMALL, 10, CPU)(images)
    torch.testing.assert_close(logits, by_hand(own, images, mean, std), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(logits, by_hand(own, images), atol=1e-3)


def test_the_old_file_format_of_torch_is_read(torchvision_network, by_hand, images, command, tmp_path):
    own = torchvision_network()
    path = tmp_path / "x.ckpt"
    torch.save(checkpoint_of(own), path, _use_new_zipfile_serialization=False)
    status, weights, card = command(path)
    assert status == 0
    torch.testing.assert_close(load(weights, SMALL, 10, CPU)(images), by_hand(own, images), rtol=1e-3, atol=1e-3)
    assert json.loads(card.read_text())["published_clean_accuracy"] is None  # not a published name


def without(prefix):
    def damage(checkpoint):
        model = checkpoint["model"]
        checkpoint["model"] = {name: tensor for name, tensor in model.items() if not name.startswith(prefix)}

    return damage


def changed(name, value):
    return lambda checkpoint: checkpoint["model"].update({name: torch.tensor(value)})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without("module.normalizer"), "module.normalizer.new_mean is missing"),
        (without("module.model.fc.bias"), "missing: fc.bias"),
        (without("module.model"), "missing: .* more"),
        (changed("module.model.fc2.weight", [1.0]), "surplus: fc2.weight"),
        (changed("module.head.weight", [1.0]), "unexpected tensors .module.head.weight"),
        (changed("module.normalizer.new_std", [0.2, 0.0, 0.2]), "expected three positive values"),
        (changed("module.normalizer.new_mean", [0.5]), "expected three values"),
        (changed("module.normalizer.new_mean", [0.5, float("nan"), 0.5]), "expected three values"),
        (lambda checkpoint: checkpoint.pop("model"), "expected a dict with 'model', found keys optimizer"),
        (lambda checkpoint: checkpoint.update(model="resnet18"), "expected a dict with 'model'"),
    ],
)
def test_a_checkpoint_with_something_wrong_is_one_line_and_writes_nothing(
    damage, said, torchvision_network, command, tmp_path, capsys
):
    checkpoint = checkpoint_of(torchvision_network())
    damage(checkpoint)
    path = tmp_path / "x.ckpt"
    torch.save(checkpoint, path)
    with pytest.raises(InputError, match=said):
        read(Settings(SMALL, 10), path)
    status, weights, card = command(path)
    assert status == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not weights.exists()
    assert not card.exists()


@pytest.mark.parametrize(("architecture", "classes"), [("resnet18", 10), (SMALL, 9)])
def test_another_architecture_or_number_of_classes_is_one_line(architecture, classes, torchvision_network, tmp_path):
    path = write_released(tmp_path / "x.ckpt", torchvision_network())
    with pytest.raises(InputError, match=rf"x\.ckpt: not weights of a {architecture} with {classes} classes"):
        read(Settings(architecture, classes), path)


def test_a_file_that_is_no_checkpoint_is_one_line(no_weights, torchvision_network):
    path, said = no_weights(checkpoint_of(torchvision_network()))
    with pytest.raises(InputError, match=said) as raised:
        read(Settings(SMALL, 10), path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_twenty_models_have_files_and_names_as_published():
    budgets = {"l2": [0.25, 0.5, 1, 3, 5], "linf": [0.5, 1, 2, 4, 8]}
    found = [
        find(architecture, norm, epsilon)
        for architecture in ("resnet18", "resnet50")
        for norm, epsilons in budgets.items()
        for epsilon in epsilons
    ]
    assert len({entry.file for entry in found}) == 20
    assert find("resnet18", "l2", 1).file == "resnet18_l2_eps1.ckpt"
    assert find("resnet50", "linf", 1).file == "resnet50_linf_eps1.0.ckpt"
    assert find("resnet50", "linf", 1).model == "resnet50_linf_eps1"
    assert find("resnet18", "none", 0).file == "resnet18_l2_eps0.ckpt"
    assert find("resnet18", "none", 0).model == "resnet18_standard"


def test_the_table_is_consistent():
    known = [entry.sha256 for entry in RELEASED if entry.sha256]
    assert len(set(known)) == len(known)
    assert all(len(value) == 64 and set(value) <= set("0123456789abcdef") for value in known)
    for architecture in ("resnet18", "resnet50"):
        for norm in ("l2", "linf"):
            # From a budget of 0.1 on, a larger one costs clean accuracy (smaller ones differ by noise).
            rows = [e for e in RELEASED if (e.architecture, e.norm) == (architecture, norm) and e.epsilon >= 0.1]
            accuracies = [entry.clean_accuracy for entry in sorted(rows, key=lambda entry: entry.epsilon)]
            assert accuracies == sorted(accuracies, reverse=True)
            assert all(0.4 < accuracy < 0.8 for accuracy in accuracies)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (("resnet18", "l2", 2), "budgets 0.01, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 3, 5 were released"),
        (("vgg16", "l2", 3), "only resnet18 and resnet50"),
    ],
)
def test_a_model_that_was_not_released_is_one_line(wanted, said):
    with pytest.raises(InputError, match=said):
        find(*wanted)
