"""Draws from the model, and adversarial training on a finite sample by the exact pointwise worst case."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from tradeoffs.theory.model import GaussianModel
from tradeoffs.theory.one_thread import on_one_thread
from tradeoffs.theory.risk import dual_exponent, vector_norm

Array = NDArray[np.float64]

_SMOOTHING = 1e-4


def draw(model: GaussianModel, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw x [n, d] and y [n] from the model."""
    eigenvalues, basis = np.linalg.eigh(model.covariance)
    root = basis * np.sqrt(np.maximum(eigenvalues, 0.0))
    x = rng.standard_normal((n, len(model.theta))) @ root.T
    return x, x @ model.theta + model.noise * rng.standard_normal(n)


def sample_risk(theta: Array, x: Array, y: Array, p: float, epsilon: float) -> float:
    """Mean over the sample of the worst case (|y - <theta, x>| + epsilon ||theta||_q)^2, 1/p + 1/q = 1."""
    attack = epsilon * float(vector_norm(theta, dual_exponent(p)))
    return float(np.mean((np.abs(y - x @ theta) + attack) ** 2))


@on_one_thread()
def sample_minimiser(x: Array, y: Array, p: float, epsilon: float) -> Array:
    """Weights [d] that minimise :func:`sample_risk` for p in {1, 2, inf}; x [n, d], y [n].

    |r| is replaced by sqrt(r^2 + h^2) with h = 1e-4 of the scale of y, which moves the risk by less than
    2 epsilon ||theta||_q h. The dual norm becomes smooth by a change of variables: theta = a - b with a, b >= 0 for
    p = inf, theta = t u with |u_j| <= 1 for p = 1. Minimised by L-BFGS-B from the least-squares solution, or (p = 1) a
    better point. Raises ArithmeticError if that does not converge.
    """
    scale = float(np.sqrt(np.mean(y**2)))
    start = np.linalg.lstsq(x, y, rcond=None)[0]
    d = x.shape[1]

    def risk(theta: Array, norm: float) -> tuple[float, Array, float]:
        """Smoothed risk, its gradient in theta at fixed norm, and its derivative in the norm."""
        residual = y - x @ theta
        size = np.sqrt(residual**2 + (_SMOOTHING * scale) ** 2)
        mean_size = float(size.mean())
        value = float((residual**2).mean()) + 2 * epsilon * norm * mean_size + (epsilon * norm) ** 2
        slope = residual * (2 + 2 * epsilon * norm / size)
        return value, -(slope @ x) / len(y), 2 * epsilon * mean_size + 2 * epsilon**2 * norm

    bounds: list[tuple[float, float | None]] | None = None
    if p == 2:

        def objective(z: Array) -> tuple[float, Array]:
            norm = math.sqrt(float(z @ z) + 1e-30)
            value, by_theta, by_norm = risk(z, norm)
            return value, by_theta + by_norm * z / norm

        begin = start
    elif math.isinf(p):

        def objective(z: Array) -> tuple[float, Array]:
            value, by_theta, by_norm = risk(z[:d] - z[d:], float(z.sum()))
            return value, np.concatenate([by_theta + by_norm, by_norm - by_theta])

        begin = np.concatenate([np.maximum(start, 0), np.maximum(-start, 0)])
        bounds = [(0.0, None)] * (2 * d)
    else:

        def objective(z: Array) -> tuple[float, Array]:
            value, by_theta, by_norm = risk(z[0] * z[1:], float(z[0]))
            return value, np.concatenate([[by_theta @ z[1:] + by_norm], z[0] * by_theta])

        # t = 0 is stationary whatever u: the search must begin below the risk there, along u = sign of x' y if need be.
        largest = float(np.abs(start).max())
        signs = np.where(x.T @ y >= 0, 1.0, -1.0)
        sizes = largest * np.geomspace(1e-6, 1, 25)
        begins: Array = np.vstack([[largest, *(start / largest)], np.column_stack([sizes, np.tile(signs, (25, 1))])])
        begin = begins[np.argmin([objective(z)[0] for z in begins])]
        bounds = [(0.0, None), *([(-1.0, 1.0)] * d)]
    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 20}
    found = minimize(objective, begin, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    if found.nit >= 5000:
        raise ArithmeticError(f"no convergence on {len(y)} draws at budget {epsilon:g}, p = {p:g}")
    z = np.asarray(found.x, dtype=float)
    if p == 2:
        return z
    return z[:d] - z[d:] if math.isinf(p) else np.asarray(z[0] * z[1:])
