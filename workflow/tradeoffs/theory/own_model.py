"""Curves, risks, threshold and figures for a model of your own.

    tradeoffs theory model --model model.csv --out results/my_model
    tradeoffs theory model --model model.npz --norms 1 2 inf 3 --largest-budget 1.5 --budgets 301 --out results/my_model

``model.csv`` has the header feature,group,theta,<feature names>; one row per feature with its name, core or spurious,
its true weight theta* and its row of the covariance; and a row noise,,<standard deviation>. For example

    feature,group,theta,shape,colour
    shape,core,1,1,0.7
    colour,spurious,0,0.7,1
    noise,,0.5

Where the response causes the features: response in the place of theta, the covariance with it, and a row
response,,<variance> in the place of noise.

``model.npz`` holds covariance [d, d], theta [d], noise (a number) and, optionally, spurious [d] of 0 and 1; or
response [d] and variance in the place of theta and noise.

Written to the folder ``--out``: curves.csv (as the workflow's results/theory/curves.csv), weights.csv (the weight of
every feature at every budget), risks.csv (training domain, and test domains with the covariance between core and
spurious features removed and reversed), theory_weights.svg and .png, and model.json: the budget from which all weights
are zero for each norm and, where theta* is 0 on the spurious features, the factor by which they must be scaled for
p = inf to begin to rely on them (null: no factor; at or below 1: it does already).
"""

import math
import time
from pathlib import Path
from typing import Annotated, Any

from tradeoffs.figures.style import save, use_style  # before matplotlib

# isort: split

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from tradeoffs.figures.theory_drawing import DASHES, norm_label
from tradeoffs.results.theory_tables import stack, write_table
from tradeoffs.step.cards import digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError
from tradeoffs.theory.curves import curve, norm_name, parse_norm
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import GaussianModel, read_model, shifted
from tradeoffs.theory.risk import Minimisers, collapse_budget
from tradeoffs.theory.threshold import scale_threshold

Array = NDArray[np.float64]

_LARGEST = 1e100  # budget; what is larger has no square
_MOST = 100_000  # budgets, of which each has its minimiser solved and its rows written


def budget_grid(model: GaussianModel, norms: list[float], largest: float | None, count: int) -> Array:
    """``count`` budgets from 0 to ``largest``, or to just beyond the last collapse; InputError for bad values."""
    if not 2 <= count <= _MOST:
        raise InputError(f"--budgets: {count}; expected 2 to {_MOST}")
    if largest is not None and not 0 < largest <= _LARGEST:
        raise InputError(f"--largest-budget: {largest:g}; expected a positive number, at most {_LARGEST:g}")
    if largest is None:
        last = max(collapse_budget(model.covariance, model.theta, model.noise, p) for p in norms)
        largest = 1.05 * last if last > 0 else 1.0
    return np.linspace(0, largest, count)


def features_figure(model: GaussianModel, found: dict[float, Minimisers], budgets: Array) -> Figure:
    """Weight of every feature against the budget: core solid, spurious dashed; one panel per norm."""
    size = (3.6 * len(found), 3.6)
    figure, axes = plt.subplots(1, len(found), figsize=size, sharex=True, sharey=True, squeeze=False)
    shades = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(model.names)))
    drawn: dict[str, Line2D] = {}
    for axis, (p, minimisers) in zip(axes[0], found.items(), strict=True):
        for j, name in enumerate(model.names):
            style: dict[str, Any] = {"color": shades[j], "linestyle": DASHES[1 if model.spurious[j] else 0]}
            group = "spurious" if model.spurious[j] else "core"
            plain = name.replace("$", r"\$")  # two of them would begin and end a formula
            (line,) = axis.plot(budgets, minimisers.theta[:, j], **style)
            drawn.setdefault(f"{plain} ({group})", line)
        axis.set_title(f"attack norm {norm_label(p)}")
        axis.set_xlabel("budget $\\epsilon$")
    axes[0, 0].set_ylabel("weight")
    if len(model.names) <= 12:
        # Told, not gathered: a label that begins with an underscore is none to matplotlib.
        ncols = min(len(drawn), 6)
        figure.legend(list(drawn.values()), list(drawn), ncols=ncols, loc="outside lower center", handlelength=3.2)
    return figure


def run(
    *,
    model: Annotated[Path, "model as .csv or .npz"],
    norms: Annotated[tuple[str, ...], "attack norms p: numbers >= 1, or inf"] = ("1", "2", "inf"),
    largest_budget: Annotated[float | None, "end of the budget grid (default: beyond every collapse)"] = None,
    budgets: Annotated[int, "number of budgets, from 0"] = 201,
    out: Annotated[Path, "folder to write into"],
) -> None:
    """Write tables, figure and model.json. InputError for a model, norm or budget that makes no sense."""
    started = time.perf_counter()
    powers = list(dict.fromkeys(parse_norm(text) for text in norms))
    given = read_model(model)
    grid = budget_grid(given, powers, largest_budget, budgets)

    domains = {"removed": shifted(given, 0.0), "reversed": shifted(given, -1.0)}
    curves = [curve(given, p, grid, domains) for p in powers]
    found = {p: minimise(given, p, grid) for p in powers}
    weights = [
        {"p": [norm_name(p)] * len(grid), "epsilon": grid.tolist()}
        | {f"theta_{name}": minimisers.theta[:, j].tolist() for j, name in enumerate(given.names)}
        for p, minimisers in found.items()
    ]
    write_table(out / "curves.csv", stack([each.weights for each in curves]))
    write_table(out / "risks.csv", stack([each.risks for each in curves]))
    write_table(out / "weights.csv", stack(weights))
    use_style()
    save(features_figure(given, found, grid), out / "theory_weights")
    written = [out / name for name in ("curves.csv", "risks.csv", "weights.csv")]
    factor = math.inf if given.theta[given.spurious].any() else scale_threshold(given)
    write_card(
        out / "model.json",
        spec={
            "model": str(model),
            "norms": [norm_name(p) for p in powers],
            "largest_budget": largest_budget,
            "budgets": budgets,
        },
        code=code_id("tradeoffs.theory.own_model"),
        data={},
        started=started,
        files=digests(*written),
        collapse_budget={norm_name(p): collapse_budget(given.covariance, given.theta, given.noise, p) for p in powers},
        spurious_scale_threshold=factor if math.isfinite(factor) else None,
    )
