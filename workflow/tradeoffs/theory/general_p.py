"""Adversarial minimisers for any p between 1 and inf, by Newton's method along the budgets.

On the Pareto frontier b - Sigma theta = lambda y, where b = Sigma theta* and y is the gradient of ||theta||_q: with
x = theta / n, |y_j| = |x_j|^(q-1). The pairs (x_j, y_j) lie on a monotone curve that is steep on one side of every q;
z = x + y parametrises it with both x(z) and y(z) smooth and of slope at most 1 (Minty's parametrisation, the proximal
map of |.|^q / q), so one Newton system serves q near 1 and q near infinity alike. Unknowns are z, n and lambda:

    Lambda U_r' (n x) + lambda U_r' y = U_r' b,    U_0' y = 0,    ||x||_q = 1,    balance(epsilon, s, n, lambda) = 0,

in the eigenbasis (U_r, U_0) of Sigma, which keeps the system well-posed where Sigma is singular and lambda goes to 0.
The budgets are followed downwards from the one at which theta = 0, close to which x and y are known.
"""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgWarning, lu_factor, lu_solve

from tradeoffs.theory.risk import MEAN_ABSOLUTE, collapse_budget, dual_exponent, vector_norm

Array = NDArray[np.float64]

_CONVERGED = 1e-12  # size of the last correction; the one after it would be its square
_SETTLED = 1e-14  # residual of the system, relative to its terms: the conditions hold, though some z_j is ill-defined
_NEWTON_STEPS = 25
_LEAST_DAMPING = 0.02
_START = 0.02  # share of Sigma theta in b at the first guess


class _State(NamedTuple):
    """A point of the frontier: z [d], dual norm n, multiplier lambda."""

    z: Array
    norm: float
    multiplier: float


class _Problem(NamedTuple):
    """The model in the eigenbasis of its covariance, in units that make the largest eigenvalue and ||theta*|| one."""

    q: float
    noise: float
    eigenvalues: Array  # the r positive ones
    basis: Array  # [d, r]
    null_basis: Array  # [d, d - r]
    cross: Array  # [r], U_r' b


def general_weights(covariance: Array, theta_star: Array, noise: float, p: float, epsilon: Array) -> Array:
    """Minimisers [m, d] for 1 < p < inf; ``covariance`` [d, d] PSD, ``epsilon`` [m] >= 0 in any order.

    Raises ArithmeticError where Newton's method fails even in tiny steps: for one in a thousand of
    singular covariances with many ties at p = 1.05, for none of the others tried with p in [1.001, 1000].
    """
    collapse = collapse_budget(covariance, theta_star, noise, p)
    if collapse == 0:
        return np.zeros((len(epsilon), len(theta_star)))
    eigenvalues, basis = np.linalg.eigh(covariance)
    unit, length = np.sqrt(eigenvalues[-1]), float(np.linalg.norm(theta_star))
    kept = eigenvalues > len(eigenvalues) * np.finfo(float).eps * eigenvalues[-1]
    problem = _Problem(
        dual_exponent(p),
        noise / (unit * length),
        eigenvalues[kept] / unit**2,
        basis[:, kept],
        basis[:, ~kept],
        eigenvalues[kept] / unit**2 * (theta_star / length @ basis[:, kept]),
    )
    try:
        return length * _descend(problem, _near_collapse(problem, p, _START), epsilon / unit, collapse / unit)
    except ArithmeticError:  # the other first guess is the better one for p in the hundreds
        return length * _descend(problem, _near_collapse(problem, p, 0.0), epsilon / unit, collapse / unit)


def _descend(problem: _Problem, start: _State, epsilon: Array, collapse: float) -> Array:
    """Weights [m, d] in the problem's units, following the budgets downwards from ``start``, near ``collapse``."""
    weights = np.zeros((len(epsilon), len(start.z)))
    state, at, kept_exact = start, collapse, 0.0
    if problem.noise == 0 or not epsilon.all():
        exact = _follow(problem, start, start.multiplier, 0.0, along_multiplier=True)
        # Without noise budgets up to lambda / s, as s goes to 0, do not move the weights away from zero residual.
        if problem.noise == 0:
            along = _curve(exact.z, problem.q)[1] @ problem.basis
            kept_exact = MEAN_ABSOLUTE / float(np.sqrt((along**2 / problem.eigenvalues).sum()))
    for index in np.argsort(-epsilon):
        if epsilon[index] >= collapse:
            continue
        if epsilon[index] <= kept_exact:
            weights[index] = exact.norm * _curve(exact.z, problem.q)[0]
        else:
            state, at = _follow(problem, state, at, epsilon[index]), epsilon[index]
            weights[index] = state.norm * _curve(state.z, problem.q)[0]
    return weights


def _near_collapse(problem: _Problem, p: float, share: float) -> _State:
    """Guess a point of the frontier close to theta = 0, where lambda y = b; at it for ``share`` = 0.

    A coordinate with b_j = 0 leaves zero like a root of n, with infinite slope, so y is corrected for the first bit of
    theta, which makes up ``share`` of b.
    """

    def dual_point(y: Array) -> Array:
        return np.asarray(np.sign(y) * np.abs(y) ** (p - 1))

    cross = problem.basis @ problem.cross
    multiplier = float(vector_norm(cross, p))
    pull = problem.basis @ (problem.eigenvalues * (dual_point(cross / multiplier) @ problem.basis))
    norm = share * multiplier / float(vector_norm(pull, p))
    y = (cross - norm * pull) / multiplier
    return _State(y + dual_point(y), norm, multiplier)


def _follow(problem: _Problem, state: _State, start: float, target: float, *, along_multiplier: bool = False) -> _State:
    """Move a solution from budget (or multiplier) ``start`` to ``target``, in shorter steps where Newton fails."""
    at, step = start, target - start
    while at != target:
        reach = at + step if abs(step) < abs(target - at) else target
        found = _newton(problem, state, reach, along_multiplier)
        if found is not None:
            state, at, step = found, reach, 2 * step
        elif abs(step) > 1e-9 * abs(start):
            step /= 4
        else:
            raise ArithmeticError("Newton steps do not converge; use p = 1, 2 or inf, or another p")
    return state


def _newton(problem: _Problem, state: _State, target: float, along_multiplier: bool) -> _State | None:
    """Solve the frontier system at one budget (or one multiplier) from a nearby solution; None if it fails.

    Damped by the natural monotonicity test of Deuflhard, "Newton methods for nonlinear problems" (2004), ch. 3: the
    size of the next correction, with the old Jacobian, must fall. It does not depend on how equations are scaled.
    """
    d = len(state.z)
    unknown = np.concatenate([state.z, [state.norm, state.multiplier]])
    scale = np.ones(d + 2)
    scale[d + 1] = max(abs(state.multiplier), 1e-300)
    residual, jacobian = _system(problem, unknown, target, along_multiplier)
    for _ in range(_NEWTON_STEPS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LinAlgWarning)
            factors = lu_factor(jacobian, check_finite=False)
            step = lu_solve(factors, -residual, check_finite=False)
        size = float(np.abs(step / scale).max())
        if not size < 1e8:
            return None
        damping = 1.0
        while True:
            trial = unknown + damping * step
            residual, jacobian = _system(problem, trial, target, along_multiplier)
            next_size = float(np.abs(lu_solve(factors, residual, check_finite=False) / scale).max())
            settled = float(np.abs(residual).max()) <= _SETTLED
            if settled or next_size <= (1 - damping / 4) * size or size <= _CONVERGED:
                break
            damping /= 2
            if damping < _LEAST_DAMPING:
                return None
        unknown = trial
        if settled or (damping == 1 and next_size <= _CONVERGED):
            if unknown[d + 1] < 0:
                return None
            return _State(unknown[:d], float(unknown[d]), float(unknown[d + 1]))
    return None


def _system(problem: _Problem, unknown: Array, target: float, along_multiplier: bool) -> tuple[Array, Array]:
    """Residual [d + 2] and Jacobian of the frontier system at the budget, or multiplier, ``target``."""
    z, norm, multiplier = unknown[:-2], unknown[-2], unknown[-1]
    x, y, x_slope, y_slope = _curve(z, problem.q)
    # A weight that is zero for all budgets has slope 0 where q > 2: the floor keeps the Jacobian regular.
    y_slope = np.maximum(y_slope, 1e-9)
    values, basis, null_basis = problem.eigenvalues, problem.basis, problem.null_basis
    r, d = len(values), len(z)
    jacobian = np.zeros((d + 2, d + 2))
    residual = np.empty(d + 2)

    size = 1 / (values + abs(multiplier))  # rows of small eigenvalues weigh as much as the others
    x_along, y_along = x @ basis, y @ basis
    residual[:r] = size * (norm * values * x_along + multiplier * y_along - problem.cross)
    jacobian[:r, :d] = size[:, None] * (basis.T * (x_slope * norm)) * values[:, None]
    jacobian[:r, :d] += size[:, None] * basis.T * (multiplier * y_slope)
    jacobian[:r, d], jacobian[:r, d + 1] = size * values * x_along, size * y_along
    residual[r:d] = y @ null_basis
    jacobian[r:d, :d] = null_basis.T * y_slope
    residual[d] = x @ y - 1
    jacobian[d, :d] = x_slope * y + x * y_slope
    if along_multiplier:
        residual[d + 1] = multiplier - target
        jacobian[d + 1, d + 1] = 1
        return residual, jacobian

    # On the frontier theta* - theta = lambda Sigma^+ y, so s^2 = noise^2 + lambda^2 y' Sigma^+ y, smooth at s = 0.
    inverse_y = basis @ (y_along / values)
    curvature, curvature_slope = float(y @ inverse_y), 2 * inverse_y * y_slope
    if problem.noise > 0:
        scale = np.hypot(problem.noise, multiplier * np.sqrt(curvature))
        scale_by = (multiplier * curvature / scale, multiplier**2 / (2 * scale))
        ratio, ratio_by = multiplier / scale, (problem.noise**2 / scale**3, -(multiplier**3) / (2 * scale**3))
    else:
        root = np.sqrt(curvature)
        scale, scale_by = multiplier * root, (root, multiplier / (2 * root))
        ratio, ratio_by = 1 / root, (0.0, -1 / (2 * root**3))
    c, epsilon = MEAN_ABSOLUTE, target
    residual[d + 1] = ratio * (scale + c * epsilon * norm) - epsilon * (c * scale + epsilon * norm)
    by_scale, by_ratio = ratio - c * epsilon, scale + c * epsilon * norm
    jacobian[d + 1, :d] = (by_ratio * ratio_by[1] + by_scale * scale_by[1]) * curvature_slope
    jacobian[d + 1, d] = c * epsilon * ratio - epsilon**2
    jacobian[d + 1, d + 1] = by_ratio * ratio_by[0] + by_scale * scale_by[0]
    return residual, jacobian


def _curve(z: Array, q: float) -> tuple[Array, Array, Array, Array]:
    """x(z), y(z) and their slopes on the curve z = x + y, y = sign(x) |x|^(q - 1)."""
    power = q - 1 if q >= 2 else 1 / (q - 1)
    size = np.abs(z)
    w = np.minimum(size, size ** (1 / power))
    for _ in range(100):  # Newton from above on a convex function: monotone
        change = (w + w**power - size) / (1 + power * w ** (power - 1))
        w = np.maximum(w - change, 0.0)
        if np.all(change <= 1e-16 + 4e-16 * w):
            break
    steep, flat = w**power, w
    flat_slope = 1 / (1 + power * w ** (power - 1))
    steep_slope = power * w ** (power - 1) * flat_slope
    sign = np.sign(z)
    if q >= 2:
        return sign * flat, sign * steep, flat_slope, steep_slope
    return sign * steep, sign * flat, steep_slope, flat_slope
