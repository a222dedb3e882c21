"""The l1 ball inside the pixel range: uniform points, the sparse step, the projection.

An attacker of budget epsilon may change an example by at most epsilon, summed over all pixels and channels. The ball is
so spiky that it is not enough to project on it and to clip to the pixel range after: most of the budget would be lost
(Croce and Hein 2021, "Mind the box"). The projection here is exact in the intersection of the two.
"""

import torch
from torch import Tensor

Bounds = tuple[float, float] | None
STRIDE = 0.25  # of a coordinate, in a step; by trial on the miniature's models: 1 and 0.1 leave more images standing


def uniform(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return one point of the unit ball for each example of ``x`` [n, ...], uniformly distributed, shaped alike."""
    # Exponentials over their sum, with one more that is left out, are uniform in the ball's positive part.
    drawn = torch.rand((len(x), x[0].numel() + 1), generator=generator, device=x.device, dtype=x.dtype)
    parts = -torch.log1p(-drawn)
    signs = torch.randint(0, 2, parts.shape, generator=generator, device=x.device).to(x.dtype).mul_(2).sub_(1)
    return (signs * parts / parts.sum(1, keepdim=True))[:, :-1].reshape(x.shape)


def sparse_step(x: Tensor, gradient: Tensor, length: float, bounds: Bounds) -> Tensor:
    """Return ``x`` [n, ...] moved by ``length`` in l1, by the same amount in the coordinates of the largest gradients.

    As many move, of those that are not at their bound already, as can go ``STRIDE`` each; at least one (the sparse step
    of Tramer and Boneh 2019). It may lead out of the bounds: :func:`project` brings it back. A coordinate without a
    gradient stays.
    """
    slope = gradient.nan_to_num().flatten(1)
    slope = slope.masked_fill(_room(x.flatten(1), slope, bounds) <= 0, 0)
    count = min(slope.shape[1], max(1, round(length / STRIDE)))
    order = slope.abs().topk(count, 1).indices
    signs = slope.gather(1, order).sign()
    share = length / signs.abs().sum(1, keepdim=True).clamp_(min=1)
    return x + torch.zeros_like(slope).scatter_(1, order, signs * share).view_as(x)


def project(moved: Tensor, x: Tensor, epsilon: float, bounds: Bounds) -> Tensor:
    """Return the nearest point to ``moved`` in the ball around ``x``, both [n, ...], that lies in the bounds.

    In l2, exactly: every coordinate is brought nearer to ``x`` by the same amount and then clipped, and the amount is
    found among the points where one of the coordinates reaches its bound or ``x`` (Croce and Hein 2021, proposition 1).
    """
    delta = (moved - x).flatten(1)
    away = delta.abs()
    room = _room(x.flatten(1), delta, bounds)
    inside = torch.minimum(away, room)
    if not (inside.sum(1) > epsilon).any():
        return x + (delta.sign() * inside).view_as(x)
    # Attacks leave most coordinates where they are: those need no sorting.
    moves = int((away > 0).sum(1).max())
    largest, which = away.topk(moves, 1)
    limits = room.gather(1, which)
    # What is left of all coordinates falls with the amount as the sum of (away - amount)+ - (away - room - amount)+.
    points = torch.cat([largest, (largest - limits).clamp_(min=0)], 1).double()
    points, order = points.sort(1, descending=True)
    counted = torch.where(order < moves, 1.0, -1.0).double()
    total, slope = (counted * points).cumsum(1), counted.cumsum(1)
    last = ((total - points * slope) < epsilon).sum(1, keepdim=True).clamp(min=1) - 1
    amount = (total.gather(1, last) - epsilon) / slope.gather(1, last).clamp(min=1)
    nearer = (away.double() - amount.clamp_(min=0)).clamp_(min=0).to(x.dtype)
    return x + (delta.sign() * torch.minimum(nearer, room)).view_as(x)


def _room(x: Tensor, direction: Tensor, bounds: Bounds) -> Tensor:
    """Return how far each coordinate may go in the sign of ``direction``."""
    if bounds is None:
        return torch.full_like(x, torch.inf)
    low, high = bounds
    return torch.where(direction > 0, high - x, x - low).clamp_(min=0)
