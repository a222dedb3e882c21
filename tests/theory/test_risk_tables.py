"""Every number of the tables of risks, by formulas of their own."""

import json
import math

import numpy as np
import pytest

from tradeoffs.results.theory_tables import read_table
from tradeoffs.runner import commands

C = math.sqrt(2 / math.pi)
NOISE, CORRELATION, CORE_NOISE, SCALES = 0.5, 0.7, 0.5, [0.5, 2.0]
DUAL = {1: math.inf, 2: 2, 3: 1.5, math.inf: 1}


def anticipated(theta, covariance, response, variance, p, epsilon):
    """E y^2 - 2 theta' E xy + theta' Sigma theta, and with an attack within epsilon on top of it."""
    clean = variance - 2 * theta @ response + theta @ covariance @ theta
    attack = epsilon * float(np.linalg.norm(theta, DUAL[p]))
    return clean, clean + 2 * C * attack * math.sqrt(clean) + attack**2


def causal(scale, correlation):
    """The first feature has weight 1, the second none: covariance, that with the response, and its variance."""
    covariance = np.array([[1, scale * correlation], [scale * correlation, scale**2]])
    return covariance, covariance[:, 0], 1 + NOISE**2


def caused(scale, correlation):
    both = scale * correlation
    return np.array([[1 + CORE_NOISE**2, both], [both, scale**2]]), np.array([1.0, both]), 1.0


def written(folder, *words):
    assert commands.main(["theory", *map(str, words)]) == 0
    return {path.stem: read_table(path) for path in folder.glob("*.csv")}


def check(tables, weights_of, domains):
    """Compare each row of the risks with what its weights, and those of budget 0, give in its domain."""
    assert {row["domain"] for row in tables["risks"]} == domains.keys()
    for row in tables["risks"]:
        theta, plain = (weights_of[row.get("scale"), row["p"], epsilon] for epsilon in (row["epsilon"], 0.0))
        world = domains[row["domain"]](row.get("scale"))
        risks = (
            *anticipated(theta, *world, row["p"], row["epsilon"]),
            *anticipated(plain, *world, row["p"], row["epsilon"]),
        )
        names = ("clean_risk", "adversarial_risk", "standard_clean_risk", "standard_adversarial_risk")
        for name, expected in zip(names, risks, strict=True):
            assert row[name] == pytest.approx(expected, rel=1e-7, abs=1e-9), (name, row)


@pytest.mark.parametrize(("part", "world"), [("curves", causal), ("anticausal_curves", caused)])
def test_risks_of_both_families_in_every_domain(tmp_path, part, world):
    spec = {"correlation": CORRELATION, "scales": SCALES, "norms": ["1", "2", "inf"], "test_correlations": [0, -0.7]}
    spec |= {"noise": NOISE, "largest_budget": 1.0} if part == "curves" else {"core_noise": CORE_NOISE}
    words = ["--spec", json.dumps(spec | {"budgets": 7}), "--out", tmp_path / "weights.csv"]
    tables = written(tmp_path, part, *words, "--risks", tmp_path / "risks.csv", "--card", tmp_path / "card.json")
    # Both weights are positive where anything is learnt here: their sizes are their values, but for p = 1's.
    weights_of = {}
    for row in tables["weights"]:
        covariance, response, variance = world(row["scale"], CORRELATION)
        sizes = np.array([row["core_weight"], row["spurious_weight"]])
        signed = min(
            (np.array([sizes[0], sign * sizes[1]]) for sign in (1, -1)),
            key=lambda theta: anticipated(theta, covariance, response, variance, row["p"], row["epsilon"])[1],
        )
        weights_of[row["scale"], row["p"], row["epsilon"]] = signed
        if part == "anticausal_curves":
            assert row["budget_fraction"] == pytest.approx(row["epsilon"] / row["collapse_budget"])
    domains = {"training": lambda scale: world(scale, CORRELATION)}
    domains |= {f"correlation {rho:g}": lambda scale, rho=rho: world(scale, rho) for rho in (0, -0.7)}
    check(tables, weights_of, domains)


def test_risks_of_a_model_of_one_s_own_in_domains_whose_correlation_is_removed_and_reversed(tmp_path):
    model, out = tmp_path / "model.csv", tmp_path / "out"
    model.write_text("feature,group,theta,shape,colour\nshape,core,1,1,1.4\ncolour,spurious,0,1.4,4\nnoise,,0.5\n")
    tables = written(out, "model", "--model", model, "--norms", "1", "inf", "3", "--budgets", 11, "--out", out)
    weights_of = {
        (None, row["p"], row["epsilon"]): np.array([row["theta_shape"], row["theta_colour"]])
        for row in tables["weights"]
    }
    domains = {"training": 0.7, "removed": 0.0, "reversed": -0.7}
    check(tables, weights_of, {name: lambda _, rho=rho: causal(2.0, rho) for name, rho in domains.items()})
    ends = {p: [theta for (_, norm, _), theta in weights_of.items() if norm == p] for p in (1, 3, math.inf)}
    assert all((of_norm[-1] == 0).all() and of_norm[0].any() for of_norm in ends.values())
    assert any(of_norm[-2].any() for of_norm in ends.values())  # the grid ends just beyond the last collapse


def test_a_spurious_feature_with_a_weight_of_its_own_has_no_threshold(tmp_path):
    model, out = tmp_path / "model.csv", tmp_path / "out"
    model.write_text("feature,group,theta,shape,colour\nshape,core,1,1,0.7\ncolour,spurious,0.1,0.7,1\nnoise,,0.5\n")
    written(out, "model", "--model", model, "--budgets", 3, "--out", out)
    assert json.loads((out / "model.json").read_text())["spurious_scale_threshold"] is None
