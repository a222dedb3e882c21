"""Where the response causes both features: the scale at which adversarial training begins to raise reliance.

y ~ N(0, 1), x_C = y + sigma_c z, x_S = a (r y + sqrt(1 - r^2) z'), with 0 < r < 1. Least squares gives the spurious
feature the share r sigma_c^2 / (r sigma_c^2 + sqrt(1 + sigma_c^2) (1 - r^2)) of the prediction, whatever its scale a.
With a larger budget the share moves, always in one direction, to its limit at the budget of collapse, where

    p = 1     both weights are equal,        p = 2     they are as Cov(x_C, y) = 1 to Cov(x_S, y) = a r,
    p = inf   the feature of the larger covariance has all weight.

It rises where a is above the turning scale, falls where it is below, and is constant at it.
"""

import math

import numpy as np

from tradeoffs.theory.bisection import FURTHEST, bisected
from tradeoffs.theory.curves import reliance
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import GaussianModel, anticausal_model
from tradeoffs.theory.risk import collapse_budget

_PROBE = 0.3  # share of the budget of collapse at which the search looks


def turning_scale(p: float, correlation: float, core_noise: float) -> float:
    """Scale a of the spurious feature at which no budget changes its share, for p = 1, 2 or inf and 0 < r < 1.

    p = 1: least squares gives both features equal weights, a (1 - r^2) = r sigma_c^2. p = 2: their variances given y
    are equal, a sqrt(1 - r^2) = sigma_c, so that ridge shrinks both alike. p = inf: their covariances with y are equal,
    a r = 1, so that the lasso's path begins with both.
    """
    if p == 1:
        return correlation * core_noise**2 / (1 - correlation**2)
    return core_noise / math.sqrt(1 - correlation**2) if p == 2 else 1 / correlation


def searched_turning_scale(p: float, correlation: float, core_noise: float, nothing: float) -> tuple[float, float]:
    """Find the same scale by bisection, to a relative 1e-8, as far as changes of a share can be told from ``nothing``.

    Return the scales up to which a budget lowers the share by more than ``nothing`` and from which it raises it by
    more, between which it is: one and the same but where the share hardly moves, and where no scale from 1e-9 to 1e9
    does the first (0) or the second (inf).
    """

    def change(scale: float) -> float:
        return float(share_change(anticausal_model(scale, correlation, core_noise), p, np.array([_PROBE]))[0])

    lowers, raises = bisected(lambda scale: change(scale) >= -nothing), bisected(lambda scale: change(scale) > nothing)
    return 0.0 if lowers < 2 / FURTHEST else min(lowers, FURTHEST), raises


def share_change(model: GaussianModel, p: float, fractions: np.ndarray) -> np.ndarray:
    """Reliance [m] at ``fractions`` of the budget of collapse, less that of standard training (budget 0)."""
    collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
    shares = reliance(model, minimise(model, p, np.append(0.0, collapse * fractions)).theta)
    return np.asarray(shares[1:] - shares[0])
