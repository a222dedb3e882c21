"""Time the exact frontier solver against cvxpy with Clarabel: 200 budgets, three sizes, three norms, in one run.

    uv run --group bench python performance/solver_speed.py [--sizes 20 100 500] [--budgets 200] [--quiet]

cvxpy is used at its best: one parametrised problem per norm, compiled once and solved again for every budget (DPP).
Our time includes checking the model, and is the median of nine calls. For every budget one line gives the risks of
both minimisers, by the closed form and by one function for both, and which is the larger; a summary follows. Exits
with 1 if any risk of ours is larger than cvxpy's by more than 1e-12 of itself.
"""

import argparse
import math
import statistics
import sys
import time
import warnings
from pathlib import Path

import cvxpy as cp
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from tradeoffs.theory.certificate import evaluate
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import GaussianModel, gaussian_model
from tradeoffs.theory.risk import MEAN_ABSOLUTE, dual_exponent

ROUNDING = 1e-12
REPEATS = 9  # ours takes milliseconds, so that one hiccup of the machine would decide; cvxpy's seconds are one run
NORMS = (1.0, 2.0, math.inf)


def random_model(d: int, rng: np.random.Generator) -> GaussianModel:
    """Return a dense covariance with condition number of about 100, and random true weights."""
    factor = rng.standard_normal((d, d)) / math.sqrt(d)
    return gaussian_model(factor @ factor.T + 0.05 * np.eye(d), rng.standard_normal(d), 0.5)


def cvxpy_weights(model: GaussianModel, p: float, budgets: np.ndarray) -> np.ndarray:
    """Minimisers [m, d] by cvxpy: the risk is (1 - c)(s^2 + (epsilon n)^2) + c (s + epsilon n)^2; NaN if it fails."""
    theta, epsilon = cp.Variable(len(model.theta)), cp.Parameter(nonneg=True)
    factor = np.linalg.cholesky(model.covariance)
    residual = cp.norm(cp.hstack([factor.T @ (theta - model.theta), np.array([model.noise])]), 2)
    q = dual_exponent(p)
    attack = epsilon * cp.norm(theta, "inf" if math.isinf(q) else q)
    c = MEAN_ABSOLUTE
    risk = (1 - c) * (cp.square(residual) + cp.square(attack)) + c * cp.square(residual + attack)
    problem = cp.Problem(cp.Minimize(risk))
    found = []
    for value in budgets:
        epsilon.value = value
        try:
            problem.solve(solver="CLARABEL")
            found.append(theta.value)
        except cp.SolverError:  # it gives up at some budgets; these count as failures, with the time they took
            found.append(np.full(len(model.theta), np.nan))
    return np.array(found)


def main() -> int:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 100, 500])
    parser.add_argument("--budgets", type=int, default=200)
    parser.add_argument("--quiet", action="store_true", help="no line per budget")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="Solution may be inaccurate")
    rng = np.random.default_rng(0)
    for p in NORMS:  # first calls load libraries
        minimise(random_model(3, rng), p, [0.1])
    summary, worst = [], 0.0
    for d in arguments.sizes:
        model = random_model(d, rng)
        for p in NORMS:
            budgets = np.linspace(0, 2, arguments.budgets)
            repeats = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                ours = minimise(gaussian_model(model.covariance, model.theta, model.noise), p, budgets)
                repeats.append(time.perf_counter() - start)
            middle = time.perf_counter()
            theirs = evaluate(model, cvxpy_weights(model, p, budgets), p, budgets)
            seconds = (statistics.median(repeats), time.perf_counter() - middle)
            excess = ours.risk / theirs.risk - 1
            if not arguments.quiet:
                for epsilon, a, b, e in zip(budgets, ours.risk, theirs.risk, excess, strict=True):
                    larger = "equal" if abs(e) <= ROUNDING else "ours" if e > 0 else "cvxpy" if e < 0 else "no answer"
                    risks = f"ours={a:.15g} cvxpy={b:.15g} larger={larger} ({e:+.1e})"
                    print(f"d={d} p={p:g} epsilon={epsilon:.4f} {risks}")
            above, below = float(np.nanmax(excess)), float(-np.nanmin(excess))
            worst = max(worst, above)
            failures = int(np.isnan(excess).sum())
            summary.append((d, p, *seconds, seconds[1] / seconds[0], above, below, failures))
            print(_line(summary[-1]), file=sys.stderr, flush=True)
    titles = ("ours, s", "cvxpy, s", "ratio", "ours above", "cvxpy above", "cvxpy failed")
    print(f"\n{'d':>4} {'p':>4} " + " ".join(f"{title:>12}" for title in titles))
    for row in summary:
        print(_line(row))
    print("above: largest relative excess of the risk over the other's, over all budgets")
    return 0 if worst <= ROUNDING else 1


def _line(row: tuple[float, ...]) -> str:
    d, p, ours, theirs, ratio, above, below, failures = row
    times = f"{d:>4} {p:>4g} {ours:>12.4f} {theirs:>12.2f} {ratio:>12.0f}"
    return f"{times} {above:>12.1e} {below:>12.1e} {failures:>12}"


if __name__ == "__main__":
    sys.exit(main())
