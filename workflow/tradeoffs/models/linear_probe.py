"""A linear classifier on frozen features, solved to convergence: one convex problem, one answer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

from tradeoffs.step.errors import InputError

Array = NDArray[np.float64]
Narrow = NDArray[np.float32]

_TOLERANCE = 1e-7  # largest component of the gradient
_RESTARTS = 10
_NEWTON_TOLERANCE = 1e-5  # the same of a draw's head, whose part in an interval needs no more
_AT_ONCE = 4_000_000  # weights of draws that are solved at once: 32 MB, some ten times over within it
_OPTIONS = {"maxiter": 20_000, "maxfun": 40_000, "gtol": 1e-8, "ftol": 0, "maxcor": 20}


class LinearHead(NamedTuple):
    """Logits are ``(features - mean) / scale @ weight + bias``."""

    mean: Array
    scale: Array
    weight: Array
    bias: Array

    def logits(self, features: Array) -> Array:
        """Map features [n, d] to logits [n, classes]."""
        result: Array = (features - self.mean) / self.scale @ self.weight + self.bias
        return result


_KEPT = "head/"


def as_arrays(head: LinearHead) -> dict[str, Array]:
    """Return a head as arrays to keep beside its answers: with the network's features it gives them again."""
    return {f"{_KEPT}{name}": array for name, array in head._asdict().items()}


def from_arrays(arrays: Mapping[str, Any]) -> LinearHead:
    """Return the head that :func:`as_arrays` put among arrays; KeyError names one that is missing."""
    return LinearHead(*(np.asarray(arrays[f"{_KEPT}{name}"], dtype=np.float64) for name in LinearHead._fields))


def fit(features: Array, labels: NDArray[np.int64], num_classes: int, l2_penalty: float) -> LinearHead:
    """Minimise mean cross-entropy + l2_penalty / 2 * |weight|^2 on standardised features, from zero.

    ``features`` [n, d], ``labels`` [n] in 0..num_classes - 1. With a positive penalty the problem is strictly convex
    in the weights (the bias is not penalised). L-BFGS runs until the gradient is below 1e-7; InputError if it cannot
    get there, or if a feature is not finite.
    """
    if not np.isfinite(features).all():
        raise InputError("features for the linear head are not finite; the network's weights are damaged or diverged")
    n, d = features.shape
    mean, scale = features.mean(0), features.std(0)
    # What a feature of single precision varies by rounding alone is none of its information.
    scale = np.where(scale > np.maximum(1e-12, 1e-6 * np.abs(mean)), scale, 1.0)
    x = (features - mean) / scale
    target = np.eye(num_classes)[labels]

    def objective(flat: Array) -> tuple[float, Array]:
        weight, bias = flat[: d * num_classes].reshape(d, num_classes), flat[d * num_classes :]
        log_p = log_softmax(x @ weight + bias, axis=1)
        loss = -(target * log_p).sum() / n + 0.5 * l2_penalty * (weight**2).sum()
        error = (np.exp(log_p) - target) / n
        return loss, np.concatenate([(x.T @ error + l2_penalty * weight).ravel(), error.sum(0)])

    solution = np.zeros((d + 1) * num_classes)
    slope = np.inf
    for _ in range(_RESTARTS):
        # A line search can stop short of the optimum by rounding; a fresh start from there goes on.
        solution = minimize(objective, solution, jac=True, method="L-BFGS-B", options=_OPTIONS).x
        slope = float(np.abs(objective(solution)[1]).max())
        if slope <= _TOLERANCE:
            break
    else:
        raise InputError(
            f"linear head did not converge (gradient {slope:.1e} > {_TOLERANCE:.0e}); raise l2_penalty = {l2_penalty}"
        )
    return LinearHead(mean, scale, solution[: d * num_classes].reshape(d, num_classes), solution[d * num_classes :])


class Margins(NamedTuple):
    """Heads of two classes, one for each draw: an image is of class 1 where ``features @ slope + offset`` is above 0.

    ``slope`` [draws, d] is for standardised features, (features - mean) / scale, and ``offset`` [draws].
    """

    mean: Array
    scale: Array
    slope: Array
    offset: Array

    def of(self, features: Array, draws: slice) -> Array:
        """Map features [n, d] to the margins of some of the draws, [draws, n]."""
        result: Array = self.slope[draws] @ ((features - self.mean) / self.scale).T + self.offset[draws, None]
        return result


def refitted(
    head: LinearHead, features: Array, labels: NDArray[np.int64], l2_penalty: float, weights: NDArray[np.uint8]
) -> Margins:
    """Return the head that :func:`fit` would find in each draw, were each training image there as often as its weight.

    ``head`` is what :func:`fit` found from ``features`` [n, d], ``labels`` [n] in 0, 1 and the penalty; ``weights``
    [draws, n] have mean 1. The standardisation stays that of the fit.

    What the two logits share changes no answer, and the loss through the penalty alone, which makes the two weight
    vectors opposite: so the problem is one of their difference, with half the penalty, and has no undetermined
    direction. All draws are solved at once by matrix products: Newton steps from the fitted head, each by conjugate
    gradients with the Hessian of the fit as preconditioner, halved where the loss would rise. (A single step with the
    Hessian of the fit, the infinitesimal jackknife, is a sixth of the cost; where classes are nearly separable, as
    those of many features are, its heads vary a third to a half as much as those of the refits.)
    """
    n, d = features.shape
    x = np.ones((n, d + 1))
    x[:, :d] = (features - head.mean) / head.scale
    start = np.append(head.weight[:, 1] - head.weight[:, 0], head.bias[1] - head.bias[0])
    penalty = np.append(np.full(d, l2_penalty / 2), 0.0)
    chance = expit(x @ start)
    hessian = (x * (chance * (1 - chance) / n)[:, None]).T @ x
    hessian[np.arange(d + 1), np.arange(d + 1)] += penalty
    factor = cho_factor(hessian)
    found = np.tile(start, (len(weights), 1))
    each = max(1, _AT_ONCE // n)
    for first in range(0, len(weights), each):
        block = slice(first, first + each)
        found[block] = _newton(x, labels, weights[block] / n, found[block], penalty, factor)
    return Margins(head.mean, head.scale, found[:, :d], found[:, d])


def _newton(x: Array, y: NDArray[np.int64], weights: Array, start: Array, penalty: Array, factor: Any) -> Array:
    """Minimise the weighted logistic loss of each draw from ``start`` [draws, d]; ``factor`` is the preconditioner's.

    At most 20 steps: a draw without one of the classes has no minimum, and its offset is soon so large that it answers
    with the other. Gradients and losses, which say when a draw is done, are in double precision; steps need less.
    """
    narrow = x.astype(np.float32), penalty.astype(np.float32), (factor[0].astype(np.float32), factor[1])
    found = start.copy()
    active = np.arange(len(found))
    theta, w, margin = start, weights, start @ x.T
    chance = expit(margin)
    loss = _loss(margin, chance, y, w, theta, penalty)
    for _ in range(20):
        gradient = (w * (chance - y)) @ x + penalty * theta
        moving = np.abs(gradient).max(1) > _NEWTON_TOLERANCE
        if not moving.any():
            break
        if not moving.all():
            active, theta, w, margin, loss, chance, gradient = (
                part[moving] for part in (active, theta, w, margin, loss, chance, gradient)
            )
        curvature = (w * chance * (1 - chance)).astype(np.float32)
        step = _conjugate_gradients(*narrow, curvature, gradient.astype(np.float32)).astype(np.float64)
        change, length, before = step @ x.T, np.ones((len(theta), 1)), (theta, margin)
        for _ in range(10):
            theta, margin = before[0] - length * step, before[1] - length * change
            chance = expit(margin)
            after = _loss(margin, chance, y, w, theta, penalty)
            if not (worse := after > loss).any():
                break
            length[worse] /= 2
        found[active], loss = theta, after
    return found


def _loss(margin: Array, chance: Array, y: NDArray[np.int64], weights: Array, theta: Array, penalty: Array) -> Array:
    """Return the loss of each draw; ``chance`` is the logistic function of ``margin``."""
    soft = np.maximum(margin, 0) - np.log(np.maximum(chance, 1 - chance))  # log(1 + exp(margin)), as exactly, sooner
    loss: Array = (weights * (soft - y * margin)).sum(1) + (penalty * theta**2).sum(1) / 2
    return loss


def _conjugate_gradients(x: Narrow, penalty: Narrow, factor: Any, curvature: Narrow, gradient: Narrow) -> Narrow:
    """Solve, for each draw, Hessian @ step = gradient, to a tenth of the gradient's size: enough for a Newton step."""
    step, left = np.zeros_like(gradient), gradient.copy()
    better = cho_solve(factor, left.T).T
    direction, size = better.copy(), (left * better).sum(1)
    goal = 0.01 * size
    for _ in range(40):
        bent = (curvature * (direction @ x.T)) @ x + penalty * direction
        along = (direction * bent).sum(1)
        length = np.divide(size, along, out=np.zeros_like(size), where=along > 0)[:, None]
        step += length * direction
        left -= length * bent
        better = cho_solve(factor, left.T).T
        size, last = (left * better).sum(1), size
        if (size <= goal).all():
            break
        direction = better + np.divide(size, last, out=np.zeros_like(size), where=last > 0)[:, None] * direction
    return step
