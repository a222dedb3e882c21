"""Folded networks: the same function, whatever becomes of the weights; what cannot be folded is left alone."""

import copy
import gc
import weakref

import pytest
import torch
from torch import Tensor, nn

from tradeoffs.attacks.folding import folded, stand_in
from tradeoffs.models.networks import build


def lived_in(network: nn.Module) -> nn.Module:
    """Give batch normalisations other statistics and weights than those they start with, where they have any."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                if tensor is not None:
                    tensor.data.add_(0.5 * torch.rand(tensor.shape, generator=generator))
    return network


def logits_and_gradient(network: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_(True)
    logits = network(x)
    return logits.detach(), torch.autograd.grad(logits.logsumexp(1).sum(), x)[0]


def normalisations(network: nn.Module, x: Tensor) -> int:
    """Count the batch normalisations that a pass goes through."""
    with torch.profiler.profile(acc_events=True) as profile, torch.no_grad():
        network(x)
    return sum(event.count for event in profile.key_averages() if event.key == "aten::batch_norm")


@pytest.mark.parametrize(
    "architecture",
    [
        "basic",
        "bottleneck",
        "resnet18",
        "torchvision/mobilenet_v3_small",
        "torchvision/densenet121",
        "timm/resnet10t",
        "timm/mobilenetv3_small_050",
    ],
)
def test_folded_is_the_same_function(architecture: str) -> None:
    network = lived_in(build(architecture, 10)).double().eval().requires_grad_(False)
    x = torch.rand(2, 3, 64, 64, dtype=torch.double)
    for ours, theirs in zip(logits_and_gradient(folded(network, x), x), logits_and_gradient(network, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("architecture", ["basic", "bottleneck", "resnet18"])
def test_no_normalisation_is_left(architecture: str) -> None:
    network, x = build(architecture, 10).eval(), torch.rand(1, 3, 64, 64)
    assert normalisations(network, x) > 0
    assert normalisations(folded(network, x), x) == 0


@pytest.mark.parametrize(("architecture", "seed"), [*(("resnet18", seed) for seed in range(3)), ("resnet50", 0)])
def test_a_large_network_is_folded_although_rounding_turns_single_relus(architecture: str, seed: int) -> None:
    """In single precision the gradients of most such networks and their doubles differ, of some pixels, visibly."""
    torch.manual_seed(seed)
    network, x = lived_in(build(architecture, 1000)).eval().requires_grad_(False), stand_in(224, torch.device("cpu"))
    both = folded(network, x)
    assert both is not network
    ours, theirs = (logits_and_gradient(each, x) for each in (both, network))
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-4, atol=1e-4 * float(theirs[0].std()))
    assert (ours[1] - theirs[1]).norm() < 0.05 * theirs[1].norm()


def test_folded_follows_the_weights() -> None:
    network = build("basic", 10)
    x = torch.rand(4, 3, 32, 32)
    folded(network, x)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    network.train()
    network(x).logsumexp(1).sum().backward()
    optimizer.step()
    before = copy.deepcopy(network.state_dict())
    after = folded(network, x)(x)
    torch.testing.assert_close(after, network.eval()(x))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_the_gradient_reaches_no_weight() -> None:
    network = build("basic", 10).requires_grad_(False)
    x = torch.rand(1, 3, 32, 32, requires_grad=True)
    folded(network, x)(x).sum().backward()
    assert all(weight.grad is None for weight in folded(network, x).parameters())


def test_a_convolution_used_twice_is_not_folded() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 3, 1)
            self.normalisation = nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.convolution(self.normalisation(self.convolution(x)))
            return out

    network = lived_in(Twice())
    x = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(folded(network, x)(x), network(x))


class Skipped(nn.Module):
    """What the convolution finds goes on beside its normalisation as well."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.normalisation = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        found = self.convolution(x)
        out: Tensor = self.normalisation(found).relu() + found
        return out


class Activated(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


class Centred(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = super().forward(x - 0.5)
        return out


class Reversed(nn.Module):
    """The normalisation comes first, though the convolution was named first."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.normalisation = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.convolution(self.normalisation(x))
        return out


OTHERS = {  # a network, and how many normalisations are left of it
    "skip connection": (Skipped(), 1),
    "normalisation first": (Reversed(), 1),
    "statistics of the batch": (nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)), 1),
    "normalisation with an activation": (nn.Sequential(nn.Conv2d(3, 3, 1), Activated(3)), 1),
    "convolution of its own kind": (nn.Sequential(Centred(3, 3, 1), nn.BatchNorm2d(3)), 1),
    "transposed": (nn.Sequential(nn.ConvTranspose2d(3, 3, 1), nn.BatchNorm2d(3)), 1),
    "activation between": (nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.BatchNorm2d(3)), 1),
    "two after each other": (nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)), 1),
    "before and after": (nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)), 1),
    "no weights": (nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.BatchNorm2d(4, affine=False)), 0),
    "groups": (nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6, eps=0.3)), 0),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_only_a_normalisation_right_after_a_convolution_of_its_own_is_folded(kind: str) -> None:
    network, left = OTHERS[kind]
    network = lived_in(network).eval().requires_grad_(False)
    x = torch.rand(2, 3, 4, 4)
    for ours, theirs in zip(logits_and_gradient(folded(network, x), x), logits_and_gradient(network, x), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert normalisations(folded(network, x), x) == left


def test_a_network_that_looks_at_its_input_is_left_as_it_is() -> None:
    class Looking(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    network = Looking().train()
    assert folded(network, stand_in(8, torch.device("cpu"))) is network
    assert not network.training


@pytest.mark.parametrize("what", ["kind", "gradients", "half its gradients"])
def test_a_network_whose_code_does_what_tracing_does_not_see_is_left_as_it_is(what: str) -> None:
    class Unseen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.normalisation = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)

        def forward(self, x: Tensor) -> Tensor:
            if what == "kind" and isinstance(x, Tensor):  # what traces hands over something else
                x = 1 - x
            with torch.set_grad_enabled(what == "kind"):
                out: Tensor = self.normalisation(self.convolution(x)).mean((2, 3))
            return out + x.mean((2, 3))[:, :1] if what == "half its gradients" else out

    network = lived_in(Unseen()).eval()
    assert folded(network, stand_in(8, torch.device("cpu"))) is network
    assert folded(network, stand_in(8, torch.device("cpu"))) is network


def test_a_network_that_is_no_longer_used_is_forgotten() -> None:
    network = build("basic", 10)
    folded(network, stand_in(32, torch.device("cpu")))
    watched = weakref.ref(network)
    del network
    gc.collect()
    assert watched() is None


class Skip(nn.Module):
    """A convolution whose output is normalised and also taken as it is, as in pre-activation networks."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.normalisation = nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(x)
        out: Tensor = x + torch.relu(self.normalisation(x))
        return out


def test_a_convolution_that_feeds_a_skip_as_well_is_not_folded() -> None:
    network = lived_in(Skip()).double().eval().requires_grad_(False)
    x = torch.rand(2, 3, 8, 8, dtype=torch.double)
    for ours, theirs in zip(logits_and_gradient(folded(network, x), x), logits_and_gradient(network, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    assert folded(network, x) is network


def test_normalisation_by_the_batch_itself_is_not_folded() -> None:
    """Without running statistics there is nothing to fold: in evaluation mode too the batch is normalised by itself."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2)
    )
    lived_in(network[2:])
    network.double().eval().requires_grad_(False)
    x = torch.rand(4, 3, 8, 8, dtype=torch.double)
    ours, theirs = (
        torch.autograd.grad(f(y).square().sum(), y)[0]
        for f, y in ((folded(network, x), x.clone().requires_grad_(True)), (network, x.clone().requires_grad_(True)))
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(folded(network, x)(x), network(x), rtol=1e-9, atol=1e-12)
    assert normalisations(folded(network, x), x) == 1
