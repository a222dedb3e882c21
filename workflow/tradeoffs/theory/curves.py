"""Weights and risks of adversarially trained linear regression, against the budget.

    tradeoffs theory curves --spec '{"noise": 0.5, "correlation": 0.7, "scales": [1.0], "norms": ["1", "inf"],
        "largest_budget": 2.0, "budgets": 201, "test_correlations": [0.0, -0.7]}' \
        --out curves.csv --risks risks.csv --card curves.json

One core feature of scale 1, one spurious feature of each scale. ``curves.csv`` has one row per scale, norm and budget:
weights, reliance, residual scale, dual norm, adversarial risk and its duality gap, relative to the risk. ``risks.csv``
has one row more per test domain.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.results.theory_tables import stack, write_table
from tradeoffs.step.command import Written
from tradeoffs.step.errors import InputError
from tradeoffs.theory.minimise import check_norm, minimise
from tradeoffs.theory.model import GaussianModel, two_feature_model
from tradeoffs.theory.risk import Minimisers, adversarial_risk, collapse_budget, residual_scale

Array = NDArray[np.float64]
Table = dict[str, list[Any]]


class Settings(NamedTuple):
    """Standard deviation of the noise, correlation of core and spurious feature, and the grid."""

    noise: float
    correlation: float
    scales: list[float]  # of the spurious feature
    norms: list[str]  # numbers >= 1, or inf
    largest_budget: float
    budgets: int  # from 0 to the largest
    test_correlations: list[float]


class Curve(NamedTuple):
    """Two tables for one model and one norm, over m budgets: ``weights`` (m rows), ``risks`` (m rows per domain)."""

    weights: Table
    risks: Table


def curve(model: GaussianModel, p: float, budgets: Array, domains: Mapping[str, GaussianModel], **labels: Any) -> Curve:
    """Minimise at every budget [m] and judge the minimisers in the training domain and in ``domains``.

    ``domains`` maps names of test domains to models. ``labels`` become constant columns in front. Core and spurious
    weight are the Euclidean norms of the two blocks of theta.
    """
    found = minimise(model, p, budgets)
    m = len(budgets)
    fixed = {name: [value] * m for name, value in (labels | {"p": norm_name(p)}).items()}
    at = [float(epsilon) for epsilon in budgets]
    weights: Table = fixed | {
        "epsilon": at,
        "collapse_budget": [collapse_budget(model.covariance, model.theta, model.noise, p)] * m,
        "core_weight": np.linalg.norm(found.theta[:, ~model.spurious], axis=1).tolist(),
        "spurious_weight": np.linalg.norm(found.theta[:, model.spurious], axis=1).tolist(),
        "reliance": reliance(model, found.theta).tolist(),
        "residual_scale": found.residual_scale.tolist(),
        "dual_norm": found.dual_norm.tolist(),
        "adversarial_risk": found.risk.tolist(),
        "duality_gap": found.gap.tolist(),
    }
    judged = {"training": model} | dict(domains)
    standard = minimise(model, p, [0.0])
    risks = [
        fixed | {"epsilon": at, "domain": [name] * m} | _risks(domain, found, standard, budgets)
        for name, domain in judged.items()
    ]
    return Curve(weights, stack(risks))


def _risks(domain: GaussianModel, found: Minimisers, standard: Minimisers, budgets: Array) -> Table:
    """Clean and adversarial risk in one domain, of adversarial training and of standard training (budget 0)."""
    trained = residual_scale(found.theta, domain.covariance, domain.theta, domain.noise)
    plain = np.repeat(residual_scale(standard.theta, domain.covariance, domain.theta, domain.noise), len(budgets))
    return {
        "clean_risk": (trained**2).tolist(),
        "adversarial_risk": adversarial_risk(trained, found.dual_norm, budgets).tolist(),
        "standard_clean_risk": (plain**2).tolist(),
        "standard_adversarial_risk": adversarial_risk(plain, standard.dual_norm, budgets).tolist(),
    }


def reliance(model: GaussianModel, theta: Array) -> Array:
    """Share of the spurious part in the prediction, for weights [m, d]: in [0, 1], 0 where theta is zero.

    The part of a block is the standard deviation of its contribution, sd(theta_S' x_S); the share is that of S over
    the sum for C and S. Unlike a weight, it does not change when a feature is measured in other units.
    """
    parts = []
    for block in (~model.spurious, model.spurious):
        weights = theta[:, block]
        parts.append(np.einsum("mi,ij,mj->m", weights, model.covariance[np.ix_(block, block)], weights))
    core, spurious = np.sqrt(np.maximum(parts, 0.0))
    total = core + spurious
    return np.asarray(np.divide(spurious, total, out=np.zeros_like(total), where=total > 0))


def norm_name(p: float) -> str:
    """Name of a norm in tables: 1, 2, inf, 1.5; as long as it takes to be of this norm alone."""
    return f"{p:g}" if float(f"{p:g}") == p else repr(float(p))


def parse_norm(text: str) -> float:
    """Read a norm written as a number >= 1 or as inf; InputError otherwise."""
    try:
        p = float(text)
    except (TypeError, ValueError):
        raise InputError(f"norm: {text!r}; expected a number >= 1, or inf") from None
    check_norm(p)
    return p


def run(
    settings: Settings,
    *,
    out: Annotated[Path, "CSV to write: weights against the budget"],
    risks: Annotated[Path, "CSV to write: risks per test domain"],
) -> Written:
    """Write both tables for every scale and norm. InputError for a norm below 1."""
    norms = [parse_norm(name) for name in settings.norms]
    budgets = np.linspace(0, settings.largest_budget, settings.budgets)
    found = []
    for scale in settings.scales:
        model = two_feature_model(scale, settings.correlation, settings.noise)
        domains = {
            f"correlation {rho:g}": two_feature_model(scale, rho, settings.noise) for rho in settings.test_correlations
        }
        found += [curve(model, p, budgets, domains, scale=scale, correlation=settings.correlation) for p in norms]
    write_table(out, stack([each.weights for each in found]))
    write_table(risks, stack([each.risks for each in found]))
    return Written("theory", [out, risks])
