"""A linear classifier on frozen features, solved to convergence: one convex problem, one answer."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

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
