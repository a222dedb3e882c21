"""Adversarial accuracy of the main models: one cell per model, attack norm and budget, for each domain."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from tradeoffs.benchmarks.attack_metrics import read_name
from tradeoffs.figures import forest, own
from tradeoffs.figures.drawing import averaged, over_replicates
from tradeoffs.figures.style import NORM_LABELS, NORM_UNITS
from tradeoffs.results.reading import read_table
from tradeoffs.results.table import SUMMARY_COLUMNS
from tradeoffs.step.errors import InputError

OWN = "models of your own"
TRAINING = ["norm", "epsilon", "own"]


def attacks(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the adversarial benchmark with columns domain, attack (none, linf, l2, l1) and attacked (its budget)."""
    rows: pd.DataFrame = table[table["benchmark"] == "adversarial"].reset_index(drop=True)
    found = [read_name(name) for name in rows["metric"]]
    rows["domain"] = [attack.domain if attack else None for attack in found]
    rows["attack"] = [attack.norm if attack else None for attack in found]
    rows["attacked"] = [attack.epsilon if attack else None for attack in found]
    kept: pd.DataFrame = rows[rows["domain"].notna()].reset_index(drop=True)
    return kept


def draw(*, summary: Annotated[Path, "summary.csv"]) -> Figure:
    """Draw one map per domain and architecture of the grid, and one per domain for the user's own models."""
    table = attacks(read_table(summary, SUMMARY_COLUMNS))
    if table.empty:
        raise InputError(f"{summary}: has no rows of benchmark adversarial; make it again")
    grid, owned = own.split(table)
    blocks = {name: grid[grid["architecture"] == name] for name in dict.fromkeys(grid["architecture"])}
    domains = sorted(table["domain"].unique(), key=lambda domain: (domain != "preserved", domain))
    named = forest.labels(owned) if len(owned) else {}
    if blocks and len(named) <= forest.BESIDE:
        blocks |= {OWN: owned} if named else {}
        figure = Figure(figsize=grid_size(blocks, len(domains)))
        draw_grid(figure, blocks, domains)
    elif not blocks:
        figure = Figure(figsize=own_size(owned, len(domains)))
        draw_own(figure, owned, domains)
    else:
        figure, above, below = forest.parts(grid_size(blocks, len(domains)), own_size(owned, len(domains)))
        draw_grid(above, blocks, domains)
        draw_own(below, owned, domains)
    norms = [norm for norm in NORM_UNITS if (table["attack"] == norm).any()]
    units = ["fraction", ", ".join(f"{NORM_LABELS[norm]} budgets in {NORM_UNITS[norm]}" for norm in norms)]
    title = f"Accuracy under attack ({'; '.join(filter(None, units))}){averaged(grid)}"
    figure.suptitle(title, fontsize=10.5)
    return figure


def grid_size(blocks: dict[str, pd.DataFrame], domains: int) -> tuple[float, float]:
    """Return the width and height of a map per block and domain, in inches."""
    tallest = max(3.0, 0.27 * max(len(block["model"].unique()) for block in blocks.values()))
    return 1.2 + 4.3 * len(blocks), 0.8 + (tallest + 0.3) * domains


def draw_grid(figure: FigureBase, blocks: dict[str, pd.DataFrame], domains: Sequence[str]) -> None:
    """Draw a column of maps per block into a figure or a part of one."""
    panels = figure.subplots(len(domains), len(blocks), squeeze=False)
    for row, domain in zip(panels, domains, strict=True):
        for axes, (name, block) in zip(row, blocks.items(), strict=True):
            cells(axes, block[block["domain"] == domain])
            axes.set_title(f"{name}, domain: {domain}")
            if name == OWN:
                axes.set_aspect(0.55, anchor="N")  # cells of about the grid's size, however few rows there are
        row[0].set_ylabel("training: norm and budget")
    for axes in panels[-1]:
        axes.set_xlabel("attack: norm and budget")


def own_size(owned: pd.DataFrame, domains: int) -> tuple[float, float]:
    """Return the width and height of a map per domain of the user's own models, in inches."""
    named = forest.labels(owned)
    attacked = len(owned[["attack", "attacked"]].drop_duplicates())
    wide, _ = forest.size(named, 0)
    labels = 0.4 + 0.07 * max(map(len, named.values()))
    return max(wide, (labels + 0.36 * attacked) * domains), 1.5 + forest.LINE * len(named)


def draw_own(figure: FigureBase, owned: pd.DataFrame, domains: Sequence[str]) -> None:
    """Draw a map per domain of the user's own models into a figure or a part of one, a line each."""
    for axes, domain in zip(figure.subplots(1, len(domains), squeeze=False)[0], domains, strict=True):
        cells(axes, owned[owned["domain"] == domain])
        axes.set_title(f"{OWN}, domain: {domain}")
        axes.set_xlabel("attack: norm and budget")


def cells(axes: Axes, table: pd.DataFrame) -> None:
    """Draw a map of one domain, darker for a higher accuracy, with the numbers in it.

    A row is a model, the mean of its seeds in the grid: the user's own models are told apart by their ids.
    """
    named = own.names(own.split(table)[1])
    means = over_replicates(
        table.assign(own=[named.get(m, "").replace("\n", ", ") for m in table["model"]]),
        [*TRAINING, "attack", "attacked"],
    )
    order = ["none", "linf", "l2", "l1"]
    rows = _ordered(means[TRAINING], order)
    columns = _ordered(means[["attack", "attacked"]], order)
    values = np.full((len(rows), len(columns)), np.nan)
    for _, cell in means.iterrows():
        at = rows.index(tuple(cell[TRAINING])), columns.index((cell["attack"], cell["attacked"]))
        values[at] = cell["value"]
    axes.imshow(values, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if value > 0.55 else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_yticks(
        range(len(rows)),
        [name or ("standard" if n == "none" else f"{NORM_LABELS[n]} {e:g}") for n, e, name in rows],
        fontsize=7.5 if named else None,
    )
    axes.set_xticks(
        range(len(columns)), ["clean" if n == "none" else f"{NORM_LABELS[n]} {e:g}" for n, e in columns], rotation=45
    )
    axes.grid(visible=False)


def _ordered(pairs: pd.DataFrame, order: list[str]) -> list[tuple[Any, ...]]:
    """Return the distinct rows by norm, budget and what follows."""
    found = pairs.drop_duplicates().itertuples(index=False, name=None)
    return sorted(found, key=lambda row: (order.index(row[0]), *row[1:]))
