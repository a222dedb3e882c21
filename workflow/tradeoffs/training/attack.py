"""The inner maximisation of a training step, on the network as it stands."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tradeoffs.attacks import pgd, random_start, step
from tradeoffs.training.distributed import ALONE, Group, share

_BOUNDS = (0.0, 1.0)


def perturb(
    network: nn.Module,
    x: Tensor,
    labels: Tensor,
    spec: dict[str, Any],
    generator: torch.Generator,
    group: Group = ALONE,
    images: int | None = None,
) -> Tensor:
    """Attack a batch at the training budget, with batch statistics frozen and no gradient for the weights.

    ``x`` is this process's share of a batch of ``images``. Every process draws the random starts of the whole batch
    from an equal ``generator``, so that an image starts from the same point whoever attacks it.
    """

    def loss(inputs: Tensor) -> Tensor:
        return F.cross_entropy(network(inputs), labels, reduction="none")

    norm, epsilon = spec["norm"], spec["epsilon"]
    size = spec["attack_step_size"] * epsilon
    network.eval().requires_grad_(False)
    try:
        if group.size == 1:
            return pgd(
                loss, x, norm=norm, epsilon=epsilon, steps=spec["attack_steps"], step_size=size, generator=generator
            )
        centre = x.new_zeros((images or len(x), *x.shape[1:]))
        starts = random_start(centre, norm=norm, epsilon=epsilon, generator=generator, bounds=None)
        x_adv = (x + share(starts, group)).clamp_(*_BOUNDS)
        for _ in range(spec["attack_steps"]):
            x_adv.requires_grad_(True)
            (gradient,) = torch.autograd.grad(loss(x_adv).sum(), x_adv)
            x_adv = step(x_adv.detach(), x, gradient, norm=norm, epsilon=epsilon, step_size=size, bounds=_BOUNDS)
        return x_adv.detach()
    finally:
        network.requires_grad_(True)
