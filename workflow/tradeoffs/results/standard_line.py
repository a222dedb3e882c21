"""Lines through the standard models, by which other models are judged at their accuracy: plain functions of arrays.

The line is y = a_g + b x, with x = logit(accuracy), by least squares over the standard models: one slope b, and an
intercept a_g for each group of models. Standard models of very different accuracy lie close to such a line (Miller et
al., ICML 2021).

Arrays are [models, b]: a column is the measurement itself or one bootstrap draw, and each has a line of its own.
``group`` [models] numbers the groups from 0 without a gap; every one has a standard model.
"""

import numpy as np
from numpy.typing import NDArray

from tradeoffs.results.evaluations import Array

Labels = NDArray[np.int64]
Marks = NDArray[np.bool_]
FEWEST_STANDARD_MODELS = 3  # of different accuracy: two always lie on a line


def logit(accuracy: Array, n: int) -> Array:
    """log(a / (1 - a)); accuracies of 0 and 1 are moved by half an image of ``n``."""
    clipped = np.clip(accuracy, 0.5 / n, 1 - 0.5 / n)
    result: Array = np.log(clipped / (1 - clipped))
    return result


def differing(accuracy: Array) -> int:
    """Return how many different values there are, but for rounding."""
    return len(np.unique(np.round(accuracy, 9)))


def residuals(x: Array, y: Array, is_standard: Marks, group: Labels) -> Array:
    """Return what each model's y is above the line of its group at its x: [models, b].

    ``is_standard`` [models] marks the models that the line is fitted to. Where x does not differ within any group the
    line is level.
    """
    dx, dy = _from_group(x, is_standard, group), _from_group(y, is_standard, group)
    spread = (dx[is_standard] ** 2).sum(0)
    products = (dx[is_standard] * dy[is_standard]).sum(0)
    slope = np.divide(products, spread, out=np.zeros_like(spread), where=spread > 1e-12)
    result: Array = dy - slope * dx
    return result


def weights(x: Array, is_standard: Marks, group: Labels) -> Array:
    """Return how much each standard model's y counts in what the line gives at each model's x: [models, standard].

    ``x`` [models] is of one column. What the line gives is linear in the standard models' y, so that a contrast of
    residuals with weights c [models] is ``c @ y - (c @ weights) @ y[is_standard]``.
    """
    dx = _from_group(x[:, None], is_standard, group)[:, 0]
    own = dx[is_standard]
    spread = float(own @ own)
    along = np.outer(dx, own) / spread if spread > 1e-12 else np.zeros((len(x), len(own)))
    shared = group[:, None] == group[is_standard][None, :]
    result: Array = shared / shared.sum(1, keepdims=True) + along
    return result


def _from_group(values: Array, is_standard: Marks, group: Labels) -> Array:
    """Return values minus the mean of the standard models of the same group."""
    means = np.stack([values[is_standard & (group == g)].mean(0) for g in range(group.max() + 1)])
    result: Array = values - means[group]
    return result
