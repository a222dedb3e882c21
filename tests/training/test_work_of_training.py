"""What is said of a training's passes before it runs is what it then does, counted."""

from collections import Counter

import pytest
import torch

from tradeoffs.training import data as training_data
from tradeoffs.training import loop, monitoring, run, smallest_batch, work
from tradeoffs.training.settings import Settings
from tradeoffs.training.train import sources


@pytest.fixture
def count(monkeypatch):
    """Count the images that go through the networks that trainings build."""
    found = Counter()

    def building(build):
        def built(*given):
            network = build(*given)

            def counted(module, inputs, out):
                found["forward"] += len(out)
                if out.requires_grad:
                    kind = "updates" if network.training else "gradients"
                    out.register_hook(lambda _: found.update({kind: len(out), "forward": -len(out)}))

            network.fc.register_forward_hook(counted)
            return network

        return built

    for module in (run, smallest_batch):
        monkeypatch.setattr(module, "build", building(module.build))
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": "linf", "epsilon": 0.03, "attack_steps": 2},
        {"norm": "l2", "epsilon": 0.5, "objective": "trades", "attack_warm_up": 0.5},
        {"norm": "linf", "epsilon": 0.03, "objective": "noise", "batch_size": 16},
    ],
    ids=["standard", "pgd", "trades", "noise"],
)
def test_passes_of_a_training_are_what_was_said(count, miniature, training, changes):
    settings = Settings(**training | {"epochs": 3} | changes)
    device = torch.device("cpu")
    loop.train(settings, *sources(settings, miniature / "imagenet", device), device)
    expected, most = work.estimate(settings._asdict(), train=60, val=40)
    assert count["updates"] == most.updates == expected.updates
    count["gradients"] -= 4  # two images through the network and its folded double, once: of no weight
    assert count["gradients"] <= most.gradients
    assert count["forward"] + count["gradients"] <= most.forward + most.gradients
    # Only the attacks of the monitor may end early.
    attacked = settings.norm != "none"
    assert count["gradients"] >= most.gradients - attacked * 3 * 20 * (work.MONITOR_STEPS - 1)
    if not attacked:
        assert (count["forward"], count["gradients"]) == (most.forward, most.gradients)


def test_what_is_said_twice_is_said_alike():
    assert work.MONITOR_STEPS == monitoring.MONITOR_STEPS
    assert work._HELD == training_data._LARGEST
