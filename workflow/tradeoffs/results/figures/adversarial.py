"""Adversarial accuracy of the main models: one cell per model, attack norm and budget, for each domain."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tradeoffs.errors import InputError, exit_code
from tradeoffs.results.figures.command import over_seeds, read_table, run
from tradeoffs.results.style import NORM_LABELS
from tradeoffs.results.table import SUMMARY_COLUMNS

PATTERN = r"(?P<adversarial>adversarial_)?accuracy_(?P<domain>.+?)(?:_(?P<attack>l2|linf)_eps(?P<attacked>[0-9.]+))?$"


def attacks(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the adversarial benchmark with columns domain, attack (none, linf, l2) and attacked (its budget)."""
    own: pd.DataFrame = table[table["benchmark"] == "adversarial"].reset_index(drop=True)
    parts = own["metric"].str.extract(PATTERN)
    own["domain"] = parts["domain"]
    own["attack"] = parts["attack"].fillna("none")
    own["attacked"] = parts["attacked"].fillna("0").astype(float)
    return own


def draw(paths: dict[str, Path]) -> dict[str, Figure]:
    """Draw one map per domain and architecture."""
    table = attacks(read_table(paths["summary"], SUMMARY_COLUMNS))
    if table.empty:
        raise InputError(f"{paths['summary']}: has no rows of benchmark adversarial; make it again")
    architectures = list(dict.fromkeys(table["architecture"]))
    domains = sorted(table["domain"].unique(), key=lambda domain: (domain != "preserved", domain))
    figure = Figure(figsize=(1.2 + 4.3 * len(architectures), 0.8 + 3.3 * len(domains)))
    grid = figure.subplots(len(domains), len(architectures), squeeze=False)
    for row, domain in zip(grid, domains, strict=True):
        for axes, architecture in zip(row, architectures, strict=True):
            cells(axes, table[(table["domain"] == domain) & (table["architecture"] == architecture)])
            axes.set_title(f"{architecture}, domain: {domain}")
        row[0].set_ylabel("training: norm and budget")
    for axes in grid[-1]:
        axes.set_xlabel("attack: norm and budget")
    linf, l2 = NORM_LABELS["linf"], NORM_LABELS["l2"]
    title = f"Accuracy under attack (fraction; {linf} budgets in 1/255, {l2} budgets in pixel units)"
    figure.suptitle(title, fontsize=10.5)
    return {"adversarial": figure}


def cells(axes: Axes, table: pd.DataFrame) -> None:
    """Draw a map of one domain and architecture, darker for a higher accuracy, with the numbers in it."""
    means = over_seeds(table, ["norm", "epsilon", "attack", "attacked"])
    order = ["none", "linf", "l2"]
    rows = _ordered(means, "norm", "epsilon", order)
    columns = _ordered(means, "attack", "attacked", order)
    values = np.full((len(rows), len(columns)), np.nan)
    for _, cell in means.iterrows():
        at = rows.index((cell["norm"], cell["epsilon"])), columns.index((cell["attack"], cell["attacked"]))
        values[at] = cell["value"]
    axes.imshow(values, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if value > 0.55 else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_yticks(range(len(rows)), ["standard" if n == "none" else f"{NORM_LABELS[n]} {e:g}" for n, e in rows])
    axes.set_xticks(
        range(len(columns)), ["clean" if n == "none" else f"{NORM_LABELS[n]} {e:g}" for n, e in columns], rotation=45
    )
    axes.grid(visible=False)


def _ordered(means: pd.DataFrame, norm: str, budget: str, order: list[str]) -> list[tuple[str, float]]:
    pairs = means[[norm, budget]].drop_duplicates().itertuples(index=False, name=None)
    return sorted(((str(n), float(e)) for n, e in pairs), key=lambda pair: (order.index(pair[0]), pair[1]))


def main() -> None:
    """Command line of the step."""
    run("tradeoffs.results.figures.adversarial", {"summary": "summary.csv"}, draw)


if __name__ == "__main__":
    sys.exit(exit_code(main))
