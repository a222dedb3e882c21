"""What is said of an evaluation's passes before it runs is what it then does, counted."""

import inspect
from collections import Counter

import numpy as np
import pytest
import torch

from counted import Counted
from tradeoffs.attacks import gradient_masking, strong
from tradeoffs.benchmarks import (
    adversarial,
    imagenet,
    imagenet9,
    objectnet,
    rival10,
    salient_imagenet,
    shifted_correlation,
    waterbirds,
    work,
)
from tradeoffs.benchmarks.work import adversarial as adversarial_work
from tradeoffs.benchmarks.work import attack
from tradeoffs.benchmarks.work import imagenet9 as imagenet9_work
from tradeoffs.cost import decoded as cost_decoded
from tradeoffs.data import decoded, decoded_folder, images
from tradeoffs.step import declared_benchmarks, declared_data
from tradeoffs.step.errors import InputError

EXACT = [imagenet, objectnet, waterbirds, rival10, salient_imagenet]


@pytest.fixture
def reads(monkeypatch):
    """Return a list that grows by one for every file decoded."""
    found = []
    for name in ("colours", "_open_mask"):
        plain = getattr(images, name)
        monkeypatch.setattr(images, name, lambda *given, plain=plain: found.append(given) or plain(*given))
    return found


def done_and_said(world, benchmark, **changes):
    """Count an evaluation; return what was done, and the estimate of it."""
    name = benchmark.__name__.rpartition(".")[2]
    counted = Counted(world.network)
    world._replace(network=counted).evaluate(benchmark, **changes)
    settings = {"classes": 10, "bootstrap": 100} | world.specs[name] | changes
    roots = {data: world.root / data for data in declared_benchmarks.benchmarks()[name].data}
    module = work.find(name)
    return counted.count, module.estimate(settings, module.counted(settings, roots))


def test_every_benchmark_says_what_it_does_without_torch():
    for name in declared_benchmarks.benchmarks():
        module = work.find(name)
        assert list(inspect.signature(module.estimate).parameters) == ["settings", "images"]
        assert "torch" not in vars(module)


def test_a_benchmark_of_which_nobody_says_it_is_named():
    with pytest.raises(InputError, match=r"benchmarks/work/tilings\.py: there is none"):
        work.find("tilings")


@pytest.mark.parametrize("benchmark", EXACT)
def test_passes_that_no_answer_changes_are_exact(small, benchmark, reads):
    done, said = done_and_said(small, benchmark)
    assert said.expected == said.most
    assert (done["forward"], done["gradients"]) == (said.expected.forward, said.expected.gradients)
    assert len(reads) == pytest.approx(said.expected.read, rel=0.01, abs=6)


@pytest.mark.parametrize("benchmark", EXACT)
def test_what_is_decoded_once_for_all_models_is_exact(small, benchmark, reads, tmp_path, monkeypatch):
    monkeypatch.setenv(decoded_folder.FOLDER, str(tmp_path))
    monkeypatch.setenv(decoded_folder.GIGABYTES, "1")
    counts = []
    for _ in range(3):
        reads.clear()
        with decoded.kept({small.root / data: data for data in declared_data.data()}):
            _, said = done_and_said(small, benchmark)
        counts.append(len(reads))
    several = cost_decoded.shared([("one", said), ("one", said), ("another", said)], 1e9)
    first, second, of_another = several.estimates
    assert counts[0] == pytest.approx(first.expected.read, rel=0.01, abs=6)
    assert counts[1] == counts[2] == pytest.approx(second.expected.read, rel=0.01, abs=6)
    assert of_another == first
    assert several.size == 2 * sum(path.stat().st_size for path in tmp_path.iterdir())
    for estimate in several.estimates:
        assert estimate.expected.read + estimate.expected.kept == said.expected.read
    assert cost_decoded.shared([("one", said)] * 2, 0).estimates == [said] * 2


def test_passes_of_imagenet9_are_exact_without_the_challenge_and_bounded_with_it(small, reads):
    done, fixed = done_and_said(small, imagenet9, challenge_foregrounds=0, challenge_backgrounds=0)
    assert fixed.expected == fixed.most
    assert (done["forward"], done["gradients"]) == (fixed.expected.forward, fixed.expected.gradients)
    assert len(reads) == pytest.approx(fixed.expected.read, rel=0.01, abs=6)
    done, said = done_and_said(small, imagenet9, challenge_foregrounds=20, challenge_backgrounds=20)
    assert fixed.most.forward + 20 <= done["forward"] <= said.most.forward
    assert fixed.most.forward + 20 < said.expected.forward < said.most.forward
    assert done["gradients"] == said.most.gradients


def test_the_challenge_stands_as_published_on_one_background_and_on_all():
    assert imagenet9_work.tried(1) == 1
    assert imagenet9_work.tried(2) - imagenet9_work.tried(1) == pytest.approx(0.789)
    assert imagenet9_work.tried(4051) - imagenet9_work.tried(4050) == pytest.approx(0.223)


@pytest.mark.parametrize("restarts", [1, 2, 3])
def test_attacks_are_within_their_bound(small, restarts):
    done, said = done_and_said(small, adversarial, restarts=restarts)
    assert done["gradients"] <= said.most.gradients
    assert done["forward"] + done["gradients"] <= said.most.forward + said.most.gradients
    passes = done["forward"] + done["gradients"]
    assert passes / 5 < said.expected.forward + said.expected.gradients < 5 * passes


def test_attacks_of_shifted_correlation_are_within_their_bound(small):
    done, said = done_and_said(small, shifted_correlation)
    assert done["gradients"] <= said.most.gradients
    assert done["forward"] + done["gradients"] <= said.most.forward + said.most.gradients
    passes = done["forward"] + done["gradients"]
    assert passes / 5 < said.expected.forward + said.expected.gradients < 5 * passes


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_the_bound_of_an_attack_is_reached_where_nothing_falls_and_all_is_near(norm):
    """A network that answers by one pixel's sign, far from 0: its margin is always gained, never enough."""

    class Near(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.count = Counter()

        def forward(self, x):
            self.count["forward"] += len(x)
            lead = 1 + x.flatten(1).mean(1)
            out = torch.stack([lead, *(0 * lead + 0.001 * k * x[:, 0, 0, 0] for k in range(9))], 1)
            if out.requires_grad:
                out.register_hook(lambda _: self.count.update(gradients=len(x), forward=-len(x)))
            return out

    network = Near()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strong, "near", lambda best, clean, reach: torch.ones_like(best, dtype=torch.bool))
        strong.accuracy_curve(
            network,
            torch.full((3, 3, 4, 4), 0.5),
            torch.zeros(3, dtype=torch.long),
            norm=norm,
            epsilons=[0.0, 0.1],
            steps=5,
            restarts=4,
            generator=torch.Generator().manual_seed(0),
            batch_size=100,
        )
    most = attack.most({norm: [0.1]}, steps=5, restarts=4, classes=10)
    assert network.count == {"forward": 3 * most.forward, "gradients": 3 * most.gradients}


def test_what_is_said_twice_is_said_alike():
    """The formulas import no torch, and what they count does."""
    assert (adversarial_work.CHECKED, adversarial_work.QUERIES) == (gradient_masking.IMAGES, gradient_masking.QUERIES)
    assert imagenet9_work._AT_ONCE == imagenet9._FOREGROUNDS


def test_numbers_of_the_miniature_are_those_of_what_it_writes(small):
    sizes = dict.fromkeys(declared_data.data(), 60) | {"train": 60, "val": 40}
    for name, declared in declared_benchmarks.benchmarks().items():
        module, settings = work.find(name), {"classes": 10} | small.specs[name]
        counted = module.counted(settings, {data: small.root / data for data in declared.data})
        said = module.miniature(sizes)
        for key in said.keys() & counted.keys():
            assert said[key] == pytest.approx(counted[key], rel=0.06), (name, key)


def test_numbers_are_of_images_and_no_torch_scalars(small):
    for name, declared in declared_benchmarks.benchmarks().items():
        counted = work.find(name).counted(
            {"classes": 10} | small.specs[name], {data: small.root / data for data in declared.data}
        )
        assert all(type(value) is int for value in counted.values()), name
        assert not any(isinstance(value, np.generic) for value in counted.values())
