"""Independent checks of a minimiser: nothing here is used by the solver."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
C = math.sqrt(2 / math.pi)


def dual(p: float) -> float:
    if p == 1:
        return math.inf
    return 1.0 if math.isinf(p) else p / (p - 1)


def parts(theta: Array, covariance: Array, theta_star: Array, noise: float, p: float) -> tuple[float, float]:
    """Residual scale and dual norm, by the textbook formulas."""
    error = theta - theta_star
    s = math.sqrt(noise**2 + max(float(error @ covariance @ error), 0.0))
    return s, float(np.linalg.norm(theta, dual(p)))


def risk(theta: Array, covariance: Array, theta_star: Array, noise: float, p: float, epsilon: float) -> float:
    s, n = parts(theta, covariance, theta_star, noise, p)
    return s**2 + 2 * C * epsilon * s * n + (epsilon * n) ** 2


def first_order_gap(
    theta: Array, covariance: Array, theta_star: Array, noise: float, p: float, epsilon: float
) -> float:
    """How far 0 is from the subdifferential of the risk, relative to ||Sigma theta*||_p; needs s > 0.

    0 lies in it iff g = Sigma (theta* - theta) is lambda times a subgradient of the dual norm at theta, with
    lambda = epsilon s (c s + epsilon n) / (s + c epsilon n). The risk is convex: a gap of 0 proves a minimum.
    """
    g = covariance @ (theta_star - theta)
    s, n = parts(theta, covariance, theta_star, noise, p)
    lam = epsilon * s * (C * s + epsilon * n) / (s + C * epsilon * n)
    gaps = [float(np.linalg.norm(g, p)) - lam]
    if n > 0:
        used = np.abs(theta) > 1e-9 * np.abs(theta).max()
        if math.isinf(p):
            gaps += list(np.abs(g[used] - lam * np.sign(theta[used])))
        elif p == 1:
            inside = np.abs(theta) < n * (1 - 1e-9)
            gaps += [*np.abs(g[inside]), *(-g[~inside] * np.sign(theta[~inside])), abs(np.abs(g).sum() - lam)]
        else:
            gaps += list(np.abs(g - lam * np.sign(theta) * (np.abs(theta) / n) ** (dual(p) - 1)))
    return max(gaps) / float(np.linalg.norm(covariance @ theta_star, p))
