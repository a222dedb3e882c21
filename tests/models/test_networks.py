"""Any network is loaded one way, equals its library's own, and nothing wrong with a weights file gets past."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from tradeoffs.models.networks import build, load
from tradeoffs.models.normalised import Wrapped, wrap
from tradeoffs.step.errors import InputError

CPU = torch.device("cpu")


def saved(path, tensors):
    torch.save(tensors, path)
    return path


@pytest.mark.parametrize(("name", "features"), [("resnet18", 512), ("resnet50", 2048)])
def test_resnets_equal_torchvisions_own_with_normalisation_by_hand(
    name, features, torchvision_network, by_hand, images, tmp_path
):
    own = torchvision_network(name, 9)
    expected = by_hand(own, images)
    pooled = {}
    own.avgpool.register_forward_hook(lambda module, inputs, output: pooled.update(value=output.flatten(1)))
    by_hand(own, images)
    network = load(saved(tmp_path / "w.pt", wrap(own, 9).state_dict()), name, 9, CPU)
    torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-3)
    assert expected.std(0).min() > 0.1  # not the same answer for every image, with which any network would agree
    assert network.features(images).shape == (3, features)
    torch.testing.assert_close(network.features(images), pooled["value"], rtol=1e-3, atol=1e-3)


def test_a_name_of_torchvision_is_the_same_network(torchvision_network, images, tmp_path):
    weights = saved(tmp_path / "w.pt", wrap(torchvision_network("resnet18"), 10).state_dict())
    one, other = (load(weights, name, 10, CPU) for name in ("resnet18", "torchvision/resnet18"))
    assert torch.equal(one(images), other(images))


def test_the_normalisation_of_the_weights_is_used(torchvision_network, by_hand, images, tmp_path):
    own = torchvision_network("resnet18")
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    expected = by_hand(own, images, mean, std)
    usual = by_hand(own, images)
    network = load(saved(tmp_path / "w.pt", wrap(own, 10, mean, std).state_dict()), "resnet18", 10, CPU)
    torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(expected, usual, atol=1e-3)


def test_weights_without_normalisation_are_refused(torchvision_network, tmp_path):
    tensors = wrap(torchvision_network(), 10).state_dict()
    del tensors["mean"]
    with pytest.raises(InputError, match="missing: mean"):
        load(saved(tmp_path / "w.pt", tensors), "torchvision/shufflenet_v2_x0_5", 10, CPU)


def test_a_fixed_input_size_is_kept_with_the_weights(torchvision_network, by_hand, images, tmp_path):
    own = torchvision_network()
    larger = nn.functional.interpolate(images, (96, 96), mode="bilinear", antialias=True)
    expected = by_hand(own, larger)
    weights = saved(tmp_path / "w.pt", wrap(own, 10, input_size=96).state_dict())
    network = load(weights, "torchvision/shufflenet_v2_x0_5", 10, CPU)
    torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(network(larger), expected, rtol=1e-3, atol=1e-3)


def test_evaluation_changes_no_tensor_and_batches_do_not_matter(torchvision_network, images, tmp_path):
    weights = saved(tmp_path / "w.pt", wrap(torchvision_network("resnet18"), 10).state_dict())
    network = load(weights, "resnet18", 10, CPU)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    together = network(images)
    alone = torch.cat([network(image[None]) for image in images])
    network.features(images)
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)
    assert not together.requires_grad
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_gradients_reach_the_pixels(torchvision_network, images, tmp_path):
    weights = saved(tmp_path / "w.pt", wrap(torchvision_network(), 10).state_dict())
    x = images.clone().requires_grad_()
    load(weights, "torchvision/shufflenet_v2_x0_5", 10, CPU)(x).sum().backward()
    assert x.grad.abs().sum() > 0


def test_a_trained_network_learns_all_its_layers():
    network = build("resnet18", 3).train()
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    nn.functional.cross_entropy(network(torch.rand(4, 3, 64, 64)), torch.tensor([0, 1, 2, 0])).backward()
    optimizer.step()
    assert all(not torch.equal(before[name], parameter) for name, parameter in network.named_parameters())
    assert before.keys() >= {"classifier.weight", "backbone.conv1.weight"}


def test_a_network_without_a_linear_head_has_logits_and_says_what_needs_features(images):
    network = build("torchvision/squeezenet1_1", 10).eval()
    assert network(images).shape == (3, 10)
    with pytest.raises(InputError, match="fits a linear head on its features"):
        network.features(images)


def test_the_miniature_never_imports_torchvision():
    program = (
        "import sys; from tradeoffs.models.networks import build; build('basic', 10); build('bottleneck', 10); "
        "sys.exit('torchvision' in sys.modules)"
    )
    path = ":".join(entry for entry in sys.path if entry)
    done = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": path}, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ("resnet19", "'resnet19' is unknown; choose one of basic, bottleneck, resnet18, resnet50"),
        ("torchvision/resnet19", "torchvision has no classifier 'resnet19'; did you mean resnet18"),
        ("torchvision/fasterrcnn_resnet50_fpn", "torchvision has no classifier"),
        ("torchscript", "can only be loaded, not trained"),
        ("other/resnet18", "is unknown"),
    ],
)
def test_an_unknown_architecture_is_one_line(architecture, said):
    with pytest.raises(InputError, match=said) as raised:
        build(architecture, 10)
    assert "\n" not in str(raised.value)


def test_timm_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match="timm is not installed"):
        build("timm/resnet18", 10)


def test_a_file_that_is_no_weights_is_one_line(no_weights):
    path, said = no_weights(build("basic", 10).state_dict())
    with pytest.raises(InputError, match=said) as raised:
        load(path, "basic", 10, CPU)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda tensors: tensors.pop("fc.bias"), "missing: fc.bias"),
        (lambda tensors: tensors.update(extra=torch.zeros(1)), "surplus: extra"),
        (lambda tensors: tensors.update({"fc.bias": torch.zeros(9)}), r"fc.bias is \[9\] instead of \[10\]"),
        (lambda tensors: tensors["fc.bias"].fill_(torch.nan), "fc.bias is not finite"),
        (lambda tensors: tensors.update(epoch=3), "expected a state_dict"),
    ],
    ids=["missing", "surplus", "shape", "not finite", "not only tensors"],
)
def test_tensors_that_do_not_fit_are_named(damage, said, tmp_path):
    tensors = build("basic", 10).state_dict()
    damage(tensors)
    path = saved(tmp_path / "w.pt", dict(tensors))
    with pytest.raises(InputError, match=said) as raised:
        load(path, "basic", 10, CPU)
    assert str(path) in str(raised.value)


def test_another_number_of_classes_is_named(tmp_path):
    path = saved(tmp_path / "w.pt", build("basic", 10).state_dict())
    with pytest.raises(InputError, match=r"basic with 9 classes .*check the architecture and the number of classes"):
        load(path, "basic", 9, CPU)


def test_weights_older_than_the_batch_counter_load(torchvision_network, by_hand, images, tmp_path):
    own = torchvision_network()
    expected = by_hand(own, images)
    tensors = {n: t for n, t in wrap(own, 10).state_dict().items() if not n.endswith("num_batches_tracked")}
    network = load(saved(tmp_path / "w.pt", tensors), "torchvision/shufflenet_v2_x0_5", 10, CPU)
    torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-3)


def test_a_torchscript_file_in_place_of_weights_is_named(torchvision_network, script):
    with pytest.raises(InputError, match="TorchScript file, not a state_dict; give it as source: torchscript"):
        load(script(torchvision_network()), "basic", 10, CPU)


def test_the_last_linear_layer_of_the_right_width_is_the_head(torchvision_network):
    wrapped = wrap(torchvision_network("resnet18", 512), 512)  # as wide as the features
    assert isinstance(wrapped, Wrapped)
    assert wrapped.classifier is not None
    assert isinstance(wrapped.backbone.fc, nn.Identity)
