"""One figure per benchmark: its metrics against the training budget, the standard models as level lines."""

import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tradeoffs.errors import exit_code
from tradeoffs.results.figures.command import read_table, run
from tradeoffs.results.figures.curves import BUDGET_LABELS, budget_panel
from tradeoffs.results.metrics import TITLES
from tradeoffs.results.table import SUMMARY_COLUMNS

MORE, LESS = "higher = more reliance", "lower = more reliance"
# benchmark -> metric -> axis label
PANELS = {
    "rival10": {
        "rfs_linf": f"RFS, noise of fixed sigma\n({LESS})",
        "rfs_l2": f"RFS, noise of fixed norm\n({LESS})",
        "accuracy": "clean accuracy\n(fraction)",
    },
    "salient_imagenet": {
        "rcs": f"RCS\n({LESS})",
        "core_accuracy": "accuracy, noise outside\nthe core (fraction)",
        "spurious_accuracy": "accuracy, noise inside\nthe core (fraction)",
    },
    "imagenet9": {
        "bg_gap": f"BG-gap\n({MORE})",
        "accuracy_mixed_same": "accuracy, background of\nthe class (fraction)",
        "accuracy_mixed_rand": "accuracy, random\nbackground (fraction)",
    },
    "waterbirds": {
        "background_swap_gap": f"background-swap gap\n({MORE})",
        "worst_group_accuracy": f"worst-group accuracy\n({LESS})",
        "adjusted_average_accuracy": "adjusted average\naccuracy (fraction)",
    },
    "objectnet": {
        "relative_drop_official": f"relative drop\n({MORE})",
        "effective_robustness_official": f"effective robustness\n({LESS})",
        "objectnet_accuracy_official": "ObjectNet accuracy\n(fraction)",
    },
}


def draw(paths: dict[str, Path]) -> dict[str, Figure]:
    """Draw the figure of every benchmark in the summary."""
    table = read_table(paths["summary"], SUMMARY_COLUMNS)
    architectures = list(dict.fromkeys(table["architecture"]))
    norms = [norm for norm in dict.fromkeys(table["norm"]) if norm != "none"]
    figures = {}
    for benchmark, panels in PANELS.items():
        own = table[table["benchmark"] == benchmark]
        shown = {metric: label for metric, label in panels.items() if (own["metric"] == metric).any()}
        if not shown:
            continue
        figure = Figure(figsize=(7.2, 0.9 + 1.75 * len(shown)))
        grid = figure.subplots(len(shown), len(norms), sharex="col", sharey="row", squeeze=False)
        for row, (metric, label) in zip(grid, shown.items(), strict=True):
            rows = own[own["metric"] == metric]
            for axes, norm in zip(row, norms, strict=True):
                budget_panel(axes, rows[rows["norm"] == norm], norm, architectures, rows[rows["norm"] == "none"])
            row[0].set_ylabel(label)
        for axes, norm in zip(grid[-1], norms, strict=True):
            axes.set_xlabel(BUDGET_LABELS[norm])
        handles = grid[0][0].get_legend_handles_labels()[0]
        level = Line2D([], [], color="#555555", linewidth=0.9, label="standard training (level line, band: interval)")
        figure.legend(handles=[*handles, level], loc="outside lower center", ncols=len(handles) + 1)
        figure.suptitle(f"{TITLES[benchmark]}: metrics against the budget of adversarial training", fontsize=10.5)
        figures[f"benchmark_{benchmark}"] = figure
    return figures


def main() -> None:
    """Command line of the step."""
    run("tradeoffs.results.figures.benchmarks", {"summary": "summary.csv"}, draw)


if __name__ == "__main__":
    sys.exit(exit_code(main))
