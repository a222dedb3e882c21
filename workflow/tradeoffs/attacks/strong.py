"""Adversarial accuracy: which examples withstand a strong white-box attack, at several budgets at once.

Each attack is projected gradient ascent from a random start with a falling step size, on the margin of the wrong
classes over the true one. Five things make it strong for its cost:

- the margin is soft at first and hard at the end. At first all wrong classes pull, each as near as it is, so that the
  attack does not settle on the class that happens to lead at the start; the scale is that of the example's own
  logits, so that a confident network does not flatten the loss (what cross-entropy suffers from; Carlini and Wagner
  2017, Croce and Hein 2020);
- the ball is too wide at first and shrinks to its size: the way to a misclassified point of a small ball often leads
  around a hill, outside it (Croce and Hein 2021, of l1 balls). Only points in the ball itself count;
- the first step follows the gradient at the example itself, which one pass gives for all budgets;
- examples that came near the boundary are attacked again for longer, from new random starts: first as before, then, the
  nearest of them, towards each of the nearer wrong classes at once, as in the targeted attacks of AutoAttack (Croce and
  Hein 2020). From half way on, those that are still far leave;
- budgets are taken from the largest down, and an example leaves once it is fooled, or once it has withstood: balls are
  nested, so what withstands a budget withstands the smaller ones.

To withstand is said positively: at every point of the ball that an attack visits, all logits are finite and the true
one alone is the largest. Where they are not the network gives no valid answer, and the adversary has found that point.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from tradeoffs.attacks.effort import LONGER, TARGETED, targets_of
from tradeoffs.attacks.pgd import Loss, moderate, ordinary, random_start, step
from tradeoffs.models.answers import finite
from tradeoffs.step.errors import InputError

# By trial on the miniature's models: the fewest examples that withstand, for the time it takes.
SOFTNESS = 0.4  # of the margin at an attack's first step, in standard deviations of the example's logits
SOFTER = 0.6  # the same, of the second attack
# Largest and smallest step, in units of epsilon: far across the ball, and back on its edge. In l1, where a step moves
# few coordinates, not as far.
STRIDE = {"linf": 3.0, "l2": 3.0, "l1": 0.7}
LAST = {"linf": 0.1, "l2": 0.1, "l1": 0.05}
WIDE = 2.5  # radius of the ball at the start, in units of epsilon
SHRUNK = 0.4  # share of the steps after which its radius is epsilon
REACH = 1.0  # of the margin gained so far: an example that lacks more than this share of it is not attacked again
NARROWING = 0.5  # of the reach, from one further attack to the next
HOPE = 0.4  # as REACH, half way through a further attack, falling to 0 at its end: an example that lacks more leaves


class Attempt(NamedTuple):
    """The best point that an attack visited, for each example: its :func:`margin` [n] and logits [n, classes]."""

    margins: Tensor
    logits: Tensor


def accuracy_curve(
    logits: Loss,
    x: Tensor,
    labels: Tensor,
    *,
    norm: str,
    epsilons: list[float],
    steps: int,
    restarts: int,
    generator: torch.Generator,
    batch_size: int,
) -> Tensor:
    """Whether each example withstands all attacks at each budget: bool [len(epsilons), n].

    The result never rises with the budget. A budget of 0 is clean accuracy. ``restarts`` counts the attacks at each
    budget, as in :func:`fooled`. ``logits`` maps x [n, ...] in [0, 1] to [n, classes], of ``batch_size`` examples at a
    time. Raises InputError for an unknown norm, and for a network without gradients or of one class.
    """
    descending = sorted(epsilons, reverse=True)
    robust = torch.zeros(len(epsilons), len(x), dtype=torch.bool, device=x.device)
    sizes = torch.tensor(epsilons, device=x.device)
    for part in _parts(len(x), batch_size):
        clean, gradient = clean_pass(logits, x[part], labels[part])
        if clean.shape[1] < 2:
            raise InputError("the network gives one logit; expected those of two classes or more: it cannot be fooled")
        margins = margin(clean, labels[part])
        fallen = torch.arange(len(x), device=x.device)[part][margins < 0]
        for epsilon in descending:
            if not len(fallen):
                break
            stands = torch.ones_like(fallen, dtype=torch.bool)
            if epsilon > 0:
                stands = ~fooled(
                    logits,
                    x[fallen],
                    labels[fallen],
                    margins[fallen - part.start],
                    gradient[fallen - part.start],
                    norm=norm,
                    epsilon=epsilon,
                    steps=steps,
                    restarts=restarts,
                    generator=generator,
                    batch_size=batch_size,
                )
            robust[:, fallen[stands]] |= (sizes <= epsilon)[:, None]
            fallen = fallen[~stands]
    return robust


def fooled(
    logits: Loss,
    x: Tensor,
    labels: Tensor,
    clean: Tensor,
    gradient: Tensor,
    *,
    norm: str,
    epsilon: float,
    steps: int,
    restarts: int,
    generator: torch.Generator,
    batch_size: int,
) -> Tensor:
    """Whether any of ``restarts`` attacks finds a point that is not classified correctly, bool [n].

    Given the margins and the soft margins' ``gradient`` at ``x``, [n] and [n, ...]. The first attack takes ``steps``
    steps, on all examples; the others more, each on fewer of those that are near the boundary by then. From the third
    on it is one attack towards each of the nearest wrong classes.
    """
    first = attack(logits, x, labels, norm=norm, epsilon=epsilon, steps=steps, generator=generator, gradient=gradient)
    best = first.margins
    wrong = first.logits.scatter(1, labels[:, None], -torch.inf)
    nearest = wrong.topk(targets_of(wrong.shape[1])).indices
    for number in range(2, restarts + 1):
        reach = REACH * NARROWING ** (number - 2)
        again = ((best < 0) & near(best, clean, reach)).nonzero()[:, 0]
        if not len(again):
            break
        targeted = number > 2
        copies = nearest.shape[1] if targeted else 1
        for part in again.split(max(1, batch_size // copies)):
            copied = part.repeat_interleave(copies)  # indexed by, images stay as they lie in memory (channels_last)
            longer = attack(
                logits,
                x[copied],
                labels[copied],
                norm=norm,
                epsilon=epsilon,
                steps=(TARGETED if targeted else LONGER)[norm] * steps,
                generator=generator,
                clean=clean[copied],
                targets=nearest[part].flatten() if targeted else None,
                softness=SOFTER,
            )
            best[part] = best[part].maximum(longer.margins.view(len(part), copies).amax(1))
    return ~(best < 0)


def attack(
    logits: Loss,
    x: Tensor,
    labels: Tensor,
    *,
    norm: str,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
    gradient: Tensor | None = None,
    clean: Tensor | None = None,
    targets: Tensor | None = None,
    softness: float = SOFTNESS,
) -> Attempt:
    """Ascend the soft margin, or that of class ``targets`` [n], from a random start; return the best point visited.

    The step size falls along :func:`stride`, so that early steps cross the ball and late ones settle; the ball shrinks
    along :func:`width`; the ``softness`` falls to 0. The point returned, and all that count, lie within epsilon.
    An example leaves the batch once it is fooled, and from half way on if it is far from that, given ``clean`` margins
    [n] at ``x``. Given the ``gradient`` there too, [n, ...], the first of the ``steps`` follows it, which saves a pass.
    """

    def moved(x_adv: Tensor, x: Tensor, gradient: Tensor, i: int) -> Tensor:
        size, radius = epsilon * stride(i, steps, norm), epsilon * width(i + 1, steps)
        return step(x_adv, x, gradient, norm=norm, epsilon=radius, step_size=size, bounds=(0.0, 1.0))

    x_adv = random_start(x, norm=norm, epsilon=epsilon, generator=generator, bounds=(0.0, 1.0))
    if gradient is not None:
        x_adv = moved(x_adv, x, gradient, 0)
    standing = torch.arange(len(x), device=x.device)
    best: Attempt | None = None
    for i in range(0 if gradient is None else 1, steps + 1):
        x_adv.requires_grad_(i < steps)
        output = _wide(logits(x_adv))
        left: Tensor | None = None  # positions of those that stay
        if width(i, steps) == 1:
            seen = output.detach()
            margins = margin(seen, labels)
            best = improved(best, standing, margins, seen)
            stays = margins < 0
            if clean is not None and 2 * i >= steps:
                stays &= near(best.margins[standing], clean[standing], 2 * HOPE * (1 - i / steps))
            left = stays.nonzero()[:, 0]  # the one question to the device in a step
            if i == steps or not len(left):
                break
        if targets is None:
            objective = soft_margin(output, labels, softness * (1 - i / max(1, steps - 1)))
        else:
            objective = _at(output, targets) - _at(output, labels)
        gradient = input_gradient(objective, x_adv)
        x_adv = x_adv.detach()
        if left is not None and len(left) < len(x):
            x_adv, x, labels, gradient, standing = (t[left] for t in (x_adv, x, labels, gradient, standing))
            targets = None if targets is None else targets[left]
        x_adv = moved(x_adv, x, gradient, i)
    assert best is not None
    return best


def improved(best: Attempt | None, standing: Tensor, margins: Tensor, logits: Tensor) -> Attempt:
    """Return the better of the points kept and those just visited by the examples ``standing`` [m] of n, in place."""
    if best is None:
        return Attempt(margins, logits.clone())
    kept = best.margins[standing]
    better = margins > kept  # which ones is not asked: nobody waits for a GPU to say
    best.margins[standing] = torch.where(better, margins, kept)
    best.logits[standing] = torch.where(better[:, None], logits, best.logits[standing])
    return best


def stride(i: int, steps: int, norm: str) -> float:
    """Size of step ``i`` of ``steps``, in units of epsilon: from STRIDE to LAST of the norm, along half a cosine."""
    return LAST[norm] + (STRIDE[norm] - LAST[norm]) * 0.5 * (1 + math.cos(math.pi * i / steps))


def width(i: int, steps: int) -> float:
    """Radius of the ball that holds the point after ``i`` of ``steps``, in units of epsilon: falls from WIDE to 1."""
    return 1 + (WIDE - 1) * max(0.0, 1 - i / (SHRUNK * steps)) if i > 0 else 1.0


def near(best: Tensor, clean: Tensor, reach: float) -> Tensor:
    """Whether the ``best`` margin lacks at most ``reach`` times what was gained over the ``clean`` one: bool [n].

    Also where the margins are too large for the computer to compare.
    """
    return ~(-best > reach * (best - clean))


def clean_pass(logits: Loss, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits at ``x`` and the gradient of the soft margin there, where an attack's first step begins."""
    x = x.detach().requires_grad_(True)
    output = _wide(logits(x))
    return output.detach(), input_gradient(soft_margin(output, labels, SOFTNESS), x)


def input_gradient(objective: Tensor, x: Tensor) -> Tensor:
    """Gradient of each example's ``objective`` [n] at ``x``. Raises InputError if the network lets none through."""
    found: Tensor | None = None
    if objective.requires_grad:
        (found,) = torch.autograd.grad(objective.sum(), x, allow_unused=True)
    if found is None:
        raise InputError(
            "the network's logits have no gradient with respect to its input (a forward pass under no_grad, or through "
            "integers), and white-box attacks follow it; leave the benchmarks out of this model that attack it"
        )
    return found


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Largest wrong logit minus the true one, [n]: negative where the example is classified correctly, never NaN.

    0 where the two are equal, infinite where a logit is not finite: neither is a correct answer.
    """
    lead = logits.scatter(1, labels[:, None], -torch.inf).amax(1) - _at(logits, labels)
    return lead.masked_fill(~finite(logits), torch.inf)


def soft_margin(logits: Tensor, labels: Tensor, softness: float) -> Tensor:
    """Soft maximum of the wrong logits minus the true one, [n]; at a ``softness`` of 0 the :func:`margin`.

    The soft maximum is t log sum exp(logit / t), t = ``softness`` times the standard deviation of the example's logits.
    """
    if softness == 0:
        return margin(logits, labels)
    deviation = logits.detach().std(1, correction=0, keepdim=True)
    if not ordinary(deviation):
        moderated, factor = moderate(logits.detach())  # whose squares neither overflow nor underflow
        deviation = moderated.std(1, correction=0, keepdim=True) / factor
    temperature = softness * deviation.clamp_(min=torch.finfo(logits.dtype).tiny)
    wrong = logits.scatter(1, labels[:, None], -torch.inf)
    # The largest is taken out, so that a quotient by a tiny temperature cannot overflow; it bears no gradient.
    top = wrong.detach().amax(1, keepdim=True)
    softly = temperature[:, 0] * torch.logsumexp((wrong - top) / temperature, 1)
    return top[:, 0] + softly - _at(logits, labels)


def _wide(logits: Tensor) -> Tensor:
    """Logits of 16 bits as float32: margins are differences of theirs."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def _at(logits: Tensor, classes: Tensor) -> Tensor:
    return logits.gather(1, classes[:, None]).squeeze(1)


def _parts(n: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, n, size))
