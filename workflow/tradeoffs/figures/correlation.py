"""Standard models against the strength of the spurious correlation they were trained under.

The four quantities that the claims are about, in each domain: clean accuracy, accuracy under attack, the share of the
first that is left of it, and the distance to the decision boundary. Budgets count as in
:mod:`tradeoffs.claims.correlation_effects`: those that leave something standing and not everything.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tradeoffs.benchmarks.attack_metrics import margin_name
from tradeoffs.claims import correlation_effects
from tradeoffs.claims.regime import Check
from tradeoffs.figures.adversarial import attacks
from tradeoffs.figures.drawing import NUMBERS, averaged, over_replicates
from tradeoffs.figures.style import NORM_LABELS, NORM_UNITS, LineStyle
from tradeoffs.figures.sweep_curves import curve, failing, hollow_note
from tradeoffs.results.metrics import benchmarks_of
from tradeoffs.results.reading import read_table
from tradeoffs.results.table import SWEEP_COLUMNS
from tradeoffs.step.errors import InputError

DOMAINS = {"preserved": LineStyle("#0072b2", "-", "o"), "broken": LineStyle("#d55e00", "--", "s")}
OTHERS = (LineStyle("#009e73", "-.", "^"), LineStyle("#000000", ":", "D"))  # domains of other names, in turn
PLACE = ["correlation", "replicate", "model"]


class Settings(NamedTuple):
    """The study's benchmarks, and the accuracy above which claims count no budget of an attack."""

    benchmarks: list[dict[str, Any]]  # of the fields of tradeoffs.results.metrics.Benchmark
    ceiling: float  # a fraction


def draw(
    settings: Settings,
    *,
    sweeps: Annotated[Path, "sweeps.csv of the summary step"],
    regime: Annotated[Path, "regime.csv of the claims step"],
) -> Figure:
    """Draw a panel for each quantity that was measured, a curve for each domain."""
    table = read_table(sweeps, SWEEP_COLUMNS)
    table = table[table["sweep"] == "correlation"]
    measured = attacks(table)
    if measured.empty:
        raise InputError(f"{sweeps}: has no rows of the correlation sweep; make it again")
    checks = read_table(regime, Check._fields, may_be_empty=True)
    chance = next((b.chance for b in benchmarks_of(settings.benchmarks) if b.name == "adversarial"), None)
    counted, shown = counting(measured, chance or 0.0, settings.ceiling)
    domains = styles(list(dict.fromkeys(measured["domain"])))
    failed = failing(checks, correlation_effects.KEY)
    panels = quantities(table, measured, counted, list(domains))
    figure = Figure(figsize=(7.6, 3.3 if len(panels) <= 2 else 5.9))
    grid = figure.subplots(1 if len(panels) <= 2 else 2, min(len(panels), 2), sharex=True, squeeze=False)
    for axes, (title, found) in zip(grid.flat, panels.items(), strict=False):
        panel(axes, title, found, domains, failed)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes in grid[-1]:
        axes.set_xlabel("spurious correlation in training")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    under = f"Under attack: mean over {shown}" if shown else "No attack leaves something standing and not everything"
    title = f"Standard models, by spurious correlation in training\n{under}{averaged(measured)}{hollow_note(failed)}"
    figure.suptitle(title, fontsize=10.5)
    return figure


def counting(measured: pd.DataFrame, chance: float, ceiling: float) -> tuple[pd.DataFrame, str]:
    """Return the rows of attacks whose accuracy, mean over all of them, is off chance and ceiling, and their names."""
    attacked = measured[measured["attack"] != "none"]
    kept: pd.DataFrame = attacked.groupby(["attack", "attacked"]).filter(
        lambda own: correlation_effects.counts(own["value"].mean(), chance, ceiling)
    )
    listed = {norm: sorted(kept.loc[kept["attack"] == norm, "attacked"].unique()) for norm in NORM_UNITS}
    said = [
        f"{NORM_LABELS[norm]} {', '.join(f'{budget:g}' for budget in found)}{'/255' if norm == 'linf' else ''}"
        for norm, found in listed.items()
        if found
    ]
    return kept, " and ".join(said)


def quantities(
    table: pd.DataFrame, measured: pd.DataFrame, counted: pd.DataFrame, domains: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Return the rows of each quantity by its name, one for each model and domain.

    The interval of a mean over attacks is the mean of theirs, which is the widest it can be; a share's is that of the
    accuracy under attack over the clean one.
    """
    by = ["domain", *PLACE]
    clean = measured[measured["attack"] == "none"].set_index(by)[list(NUMBERS)]
    found = {"clean accuracy (fraction)": clean}
    if not counted.empty:
        under = counted.groupby(by)[list(NUMBERS)].mean()
        found["accuracy under attack (fraction)"] = under
        found["share retained under attack"] = under.div(clean["value"].where(clean["value"] > 0), axis=0).fillna(0)
    names = {margin_name(domain): domain for domain in domains}
    margins = table[(table["benchmark"] == "adversarial") & table["metric"].isin(list(names))]
    if not margins.empty:
        found["distance to the boundary\n(pixel units)"] = margins.assign(
            domain=margins["metric"].map(names)
        ).set_index(by)[list(NUMBERS)]
    return {title: rows.reset_index() for title, rows in found.items()}


def styles(domains: Sequence[str]) -> dict[str, tuple[str, LineStyle]]:
    """Return label and look of each domain, those that the claims are about first."""
    found = {name: (f"correlation {name} at test", style) for name, style in DOMAINS.items() if name in domains}
    others = [name for name in domains if name not in DOMAINS]
    return found | {name: (f"domain {name}", OTHERS[i % len(OTHERS)]) for i, name in enumerate(others)}


def panel(
    axes: Axes, title: str, table: pd.DataFrame, domains: dict[str, tuple[str, LineStyle]], failed: set[float]
) -> None:
    """Draw one quantity in each domain, with intervals."""
    for position, (domain, (label, style)) in enumerate(domains.items()):
        own = over_replicates(table[table["domain"] == domain], ["correlation"])
        x = own["correlation"] + 0.008 * (position - (len(domains) - 1) / 2)
        axes.fill_between(x, own["ci_low"], own["ci_high"], color=style.colour, alpha=0.12, linewidth=0)
        curve(axes, x, own, style, label, own["correlation"].isin(failed))
    axes.set_ylabel(title)
    if (table["ci_low"] >= 0).all():  # a distance may be negative
        axes.set_ylim(bottom=0)
    axes.set_xlim(-0.05, 1.05)
