"""What takes the place of a training step's images: the inner maximisation on the network as it stands, or noise."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tradeoffs.attacks.folding import folded
from tradeoffs.attacks.pgd import ascend, pgd, random_start
from tradeoffs.compute.precision import autocast
from tradeoffs.training.objectives import divergence
from tradeoffs.training.processes import ALONE, Group, share
from tradeoffs.training.settings import Settings

_BOUNDS = (0.0, 1.0)


def perturb(
    network: nn.Module,
    x: Tensor,
    labels: Tensor,
    settings: Settings,
    generator: torch.Generator,
    group: Group = ALONE,
    images: int | None = None,
) -> Tensor:
    """Attack a batch at the training budget, with batch statistics frozen and no gradient for the weights.

    With the objective ``noise`` it is the random start alone.

    ``x`` is this process's share of a batch of ``images``. Every process draws the random starts of the whole batch
    from an equal ``generator``, so that an image starts from the same point whoever attacks it.
    """
    attacked = folded(network, x)

    trades = settings.objective == "trades"
    if trades:
        with torch.no_grad(), autocast(x.device, settings.precision):
            natural = attacked(x)

    def loss(inputs: Tensor) -> Tensor:
        with autocast(x.device, settings.precision):
            if trades:
                return divergence(natural, attacked(inputs))
            return F.cross_entropy(attacked(inputs), labels, reduction="none")

    ball: dict[str, Any] = {"norm": settings.norm, "epsilon": settings.epsilon}
    steps = 0 if settings.objective == "noise" else settings.attack_steps
    ascent = ball | {"steps": steps, "step_size": settings.attack_step_size * settings.epsilon}
    network.requires_grad_(False)
    try:
        if group.size == 1:
            return pgd(loss, x, generator=generator, **ascent)
        centre = x.new_zeros((images or len(x), *x.shape[1:]))
        starts = random_start(centre, generator=generator, bounds=None, **ball)
        return ascend(loss, x, (x + share(starts, group)).clamp_(*_BOUNDS), bounds=_BOUNDS, **ascent)
    finally:
        network.requires_grad_(True)
