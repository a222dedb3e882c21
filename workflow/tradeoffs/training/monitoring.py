"""What is measured between epochs: clean accuracy, and accuracy under a stronger attack than that of training."""

import torch
from torch import Tensor, nn

from tradeoffs.attacks.folding import folded
from tradeoffs.attacks.strong import accuracy_curve
from tradeoffs.data.listing import spread
from tradeoffs.models.answers import answers
from tradeoffs.training.attack import perturb
from tradeoffs.training.data import Source
from tradeoffs.training.processes import ALONE, Group, add_up
from tradeoffs.training.settings import Settings

MONITOR_STEPS = 10


@torch.no_grad()
def evaluate(
    network: nn.Module, source: Source, batch_size: int, group: Group = ALONE, images: int | None = None
) -> float:
    """Clean accuracy, a fraction, on ``images`` of them, spread evenly over the classes, or on all.

    Each process of ``group`` takes its share of the batches, which are no larger than its share of a training's.
    """
    network.eval()
    chosen = torch.from_numpy(spread(source.size, images or source.size))
    parts = chosen.split(-(-batch_size // group.size))[group.rank :: group.size]
    hits = [(answers(network(x)) == labels).sum() for x, labels in source.batches(parts, 0)]
    device = next(network.parameters()).device
    total = torch.stack(hits).sum().float() if hits else torch.zeros((), device=device)
    add_up([total], group)
    return total.item() / len(chosen)


def monitor(
    network: nn.Module, source: Source, settings: Settings, generator: torch.Generator, group: Group = ALONE
) -> dict[str, float]:
    """Accuracy of the monitor images at the training budget, under ten steps and under the training's own attack.

    Both are clean accuracy where the budget is 0. The first process measures, and tells the others.
    """
    measured = torch.zeros(2, device=next(network.parameters()).device)
    if group.rank == 0:
        chosen = torch.from_numpy(spread(source.size, settings.monitor_images))
        ((x, labels),) = source.batches([chosen], 0)
        own = settings._replace(batch_size=-(-settings.batch_size // group.size))  # what its GPU has room for
        measured[0] = ten_steps(network, x, labels, own, generator)
        measured[1] = measured[0] if settings.norm == "none" else own_attack(network, x, labels, own, generator)
    add_up([measured], group)
    robust, own = measured.tolist()
    return {"validation_adversarial_accuracy": robust, "validation_training_attack_accuracy": own}


def ten_steps(network: nn.Module, x: Tensor, labels: Tensor, settings: Settings, generator: torch.Generator) -> float:
    """Accuracy under a 10-step attack that ascends the margin, stronger than what single-step training sees."""
    network.requires_grad_(False)
    robust = accuracy_curve(
        folded(network, x),
        x,
        labels,
        norm="linf" if settings.norm == "none" else settings.norm,
        epsilons=[settings.epsilon],
        steps=MONITOR_STEPS,
        restarts=1,
        generator=generator,
        batch_size=settings.batch_size,
    )
    network.requires_grad_(True)
    return robust.float().mean().item()


def own_attack(network: nn.Module, x: Tensor, labels: Tensor, settings: Settings, generator: torch.Generator) -> float:
    """Accuracy under the very attack that the network is trained on."""
    hits = 0
    for images, truth in zip(x.split(settings.batch_size), labels.split(settings.batch_size), strict=True):
        attacked = perturb(network, images, truth, settings, generator)
        with torch.no_grad():
            hits += int((answers(network(attacked)) == truth).sum())
    return hits / len(x)
