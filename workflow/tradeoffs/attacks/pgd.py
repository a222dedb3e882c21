"""Projected gradient ascent in l1, l2 and linf balls: training, evaluation and the theory's simulation build on it.

A threat model is a norm and a budget epsilon: the attacker may move each example anywhere within a ball of radius
epsilon (linf: per coordinate; l2: Euclidean, l1: the sum of what coordinates change by, over all pixels and channels of
the example), inside ``bounds``. What is particular to l1 is in :mod:`tradeoffs.attacks.l1`.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from tradeoffs.attacks import l1
from tradeoffs.step.errors import InputError

NORMS = ("l1", "l2", "linf")
Loss = Callable[[Tensor], Tensor]
_SMALL, _LARGE = 1e-12, 1e12  # of float32 and wider, whose squares and sums of squares are exact far beyond


def pgd(
    loss: Loss,
    x: Tensor,
    *,
    norm: str,
    epsilon: float,
    steps: int,
    step_size: float,
    generator: torch.Generator,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> Tensor:
    """Projected gradient ascent with a random start (Madry et al. 2018); return the last iterate.

    ``loss`` maps examples like ``x`` [n, ...] to n losses. ``epsilon`` and ``step_size`` are in units of ``x``.
    Only gradients with respect to the input are computed; the parameters' ``.grad`` stay untouched.
    Raises InputError for an unknown norm.
    """
    start = random_start(x, norm=norm, epsilon=epsilon, generator=generator, bounds=bounds)
    return ascend(loss, x, start, norm=norm, epsilon=epsilon, steps=steps, step_size=step_size, bounds=bounds)


def ascend(
    loss: Loss,
    x: Tensor,
    start: Tensor,
    *,
    norm: str,
    epsilon: float,
    steps: int,
    step_size: float,
    bounds: tuple[float, float] | None,
) -> Tensor:
    """The ascent of :func:`pgd` from a given ``start`` in the ball around ``x``; return the last iterate."""
    x_adv = start
    limits = box(x, epsilon, bounds) if norm == "linf" else None
    for _ in range(steps):
        x_adv.requires_grad_(True)
        (gradient,) = torch.autograd.grad(loss(x_adv).sum(), x_adv)
        x_adv = step(
            x_adv.detach(),
            x,
            gradient,
            norm=norm,
            epsilon=epsilon,
            step_size=step_size,
            bounds=bounds,
            limits=limits,
        )
    return x_adv.detach()


def random_start(
    x: Tensor, *, norm: str, epsilon: float, generator: torch.Generator, bounds: tuple[float, float] | None
) -> Tensor:
    """Return a point drawn uniformly from the ball around each example, clipped to ``bounds``."""
    if norm == "linf":
        noise = torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype).mul_(2).sub_(1)
    elif norm == "l2":
        # A normal direction times u^(1/d) is uniform in the d-dimensional ball.
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        radius = torch.rand(len(x), generator=generator, device=x.device, dtype=x.dtype) ** (1 / x[0].numel())
        noise *= _per_example(radius, x) / l2_norm(noise)
    elif norm == "l1":
        noise = l1.uniform(x, generator)
    else:
        raise _unknown(norm)
    return _clip(x + epsilon * noise, bounds)


def step(
    x_adv: Tensor,
    x: Tensor,
    gradient: Tensor,
    *,
    norm: str,
    epsilon: float,
    step_size: float,
    bounds: tuple[float, float] | None,
    limits: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Move by ``step_size`` in the steepest direction of the norm, project on the ball around ``x``, clip to bounds.

    In l1 it is a sparse direction (:mod:`tradeoffs.attacks.l1`), in place of the one coordinate that is the steepest.
    The direction is found whatever the gradient's size. A coordinate whose gradient is NaN is not moved; an infinite
    gradient counts as the largest number. ``limits`` is the :func:`box` of a linf ball, for callers who make many steps
    in the same one.
    """
    # In place where the numbers are our own: on a CPU a new tensor of a batch's size costs as much as the operation.
    if norm == "linf":
        lower, upper = limits or box(x, epsilon, bounds)
        return torch.add(x_adv, gradient.sign().nan_to_num_(0), alpha=step_size).clamp_(lower, upper)
    if norm == "l2":
        size = _norm(gradient)
        if not ordinary(size):
            gradient = moderate(gradient.nan_to_num())[0]
            size = _norm(gradient)
        delta = (x_adv - x).addcdiv_(gradient, size, value=step_size)
        return _clip(delta.mul_((epsilon / _norm(delta)).clamp_(max=1)).add_(x), bounds)
    if norm == "l1":
        return l1.project(l1.sparse_step(x_adv, gradient, step_size, bounds), x, epsilon, bounds)
    raise _unknown(norm)


def box(x: Tensor, epsilon: float, bounds: tuple[float, float] | None) -> tuple[Tensor, Tensor]:
    """Return the least and the greatest value of each coordinate in a linf ball inside ``bounds``."""
    return _clip(x - epsilon, bounds), _clip(x + epsilon, bounds)


def l2_norm(x: Tensor) -> Tensor:
    """Euclidean norm of each example of ``x`` [n, ...], shaped [n, 1, ...]; at least the smallest normal number.

    No square overflows or underflows.
    """
    size = _norm(x)
    if ordinary(size):
        return size
    moderated, factor = moderate(x)
    return (_norm(moderated) / factor).clamp_(min=torch.finfo(x.dtype).tiny)


def moderate(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``x`` [n, ...] with the largest number of each example brought near 1, and by which factor, [n, 1, ...].

    Factors are powers of two: sums of squares of the result, scaled back, are the same to the last bit, and exist where
    those of ``x`` would overflow or underflow.
    """
    limits = torch.finfo(x.dtype)
    largest = torch.linalg.vector_norm(x.flatten(1), torch.inf, dim=1).clamp_(limits.tiny, limits.max / 4)
    factor = _per_example(torch.frexp(largest).mantissa / largest, x)
    return x * factor, factor


def ordinary(sizes: Tensor) -> bool:
    """Whether all ``sizes`` are known to be those of numbers whose squares neither overflow nor underflow.

    Then :func:`moderate` would change no bit, and cost as much as all the rest of a step. A GPU is not asked: it would
    have to stop for the answer.
    """
    return sizes.device.type == "cpu" and bool(((sizes > _SMALL) & (sizes < _LARGE)).all())


def _norm(x: Tensor) -> Tensor:
    flat = torch.linalg.vector_norm(x.flatten(1), dim=1).clamp_(min=torch.finfo(x.dtype).tiny)
    return _per_example(flat, x)


def _clip(x: Tensor, bounds: tuple[float, float] | None) -> Tensor:
    return x if bounds is None else x.clamp_(*bounds)


def _per_example(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.dim() - 1))


def _unknown(norm: str) -> InputError:
    return InputError(f"norm: {norm!r} is unknown; choose one of {', '.join(NORMS)}")
