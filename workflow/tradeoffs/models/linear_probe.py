"""A linear classifier on frozen features, solved to convergence: one convex problem, one answer."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

from tradeoffs.step.errors import InputError

Array = NDArray[np.float64]

_TOLERANCE = 1e-7  # largest component of the gradient
_RESTARTS = 10
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
    scale = np.where(scale > 1e-12, scale, 1.0)
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
    """Return the heads that :func:`fit` would find were each training image there as often as its weight, about.

    ``head`` is what :func:`fit` found from ``features`` [n, d], ``labels`` [n] in 0, 1 and the penalty; ``weights``
    [draws, n] have mean 1. One Newton step from there towards the minimum of each draw's own loss, with the Hessian of
    the fit (Davidson and MacKinnon 1999, one step; the infinitesimal jackknife of all draws at once), so that draws
    cost a matrix product each; the standardisation stays that of the fit. What two logits share changes no answer and
    no loss but through the penalty, which makes the two weight vectors opposite: so the problem is one of their
    difference, with half the penalty, and nothing is left undetermined.
    """
    n, d = features.shape
    x = np.ones((n, d + 1))
    x[:, :d] = (features - head.mean) / head.scale
    now = np.append(head.weight[:, 1] - head.weight[:, 0], head.bias[1] - head.bias[0])
    chance = expit(x @ now)
    hessian = (x * (chance * (1 - chance) / n)[:, None]).T @ x
    hessian[np.arange(d), np.arange(d)] += l2_penalty / 2
    gradient = ((weights - 1.0) * ((chance - labels) / n)) @ x  # that of weights 1 is 0
    found = now - cho_solve(cho_factor(hessian), gradient.T).T
    return Margins(head.mean, head.scale, found[:, :d], found[:, d])
