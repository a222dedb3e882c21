"""Training curves of the main models: loss, clean and adversarial accuracy on the validation images, per epoch.

The adversarial accuracy begins where the training's budget has grown to all of it.
"""

import math
from pathlib import Path
from typing import Annotated

from matplotlib.figure import Figure

from tradeoffs.figures import own
from tradeoffs.figures.style import NORM_LABELS, NORM_STYLES, NORM_UNITS
from tradeoffs.results.reading import read_table
from tradeoffs.results.table import SUMMARY_COLUMNS
from tradeoffs.step.cards import read_card
from tradeoffs.step.errors import InputError

CURVES = {
    "loss": "training loss\n(nats)",
    "validation_accuracy": "clean accuracy,\nvalidation",
    "validation_adversarial_accuracy": "accuracy at the\ntraining budget",
}

TRAINED = ("linf", "l2")  # norms that networks are trained against


def history(path: Path) -> list[dict[str, float]]:
    """Read the learning curve of a model card; InputError for a card without one."""
    rows: list[dict[str, float]] = read_card(path).get("history") or []
    columns = ("epoch", *CURVES)
    needed = [(row, name) for row in rows for name in columns if name in row or name != columns[-1]]
    needed += [(row, columns[-1]) for row in (rows or [{}])[-1:]]
    if any(not isinstance(row.get(name), int | float) for row, name in needed):
        raise InputError(f"{path}: no history of {', '.join(columns)} per epoch; train the model again")
    return rows


def draw(
    *,
    summary: Annotated[Path, "summary.csv, which names the models"],
    models: Annotated[Path, "folder with <model>/card.json"],
) -> Figure:
    """Draw a column per architecture and norm; darker lines are larger budgets, the dotted one is standard training."""
    table, _ = own.split(read_table(summary, SUMMARY_COLUMNS))
    trained = table[["model", "architecture", "norm", "epsilon", "replicate"]].drop_duplicates()
    trained = trained[trained["replicate"] == 1].drop_duplicates(["architecture", "norm", "epsilon"])
    norms = [norm for norm in TRAINED if (trained["norm"] == norm).any()] or ["none"]
    pairs = [(architecture, norm) for architecture in dict.fromkeys(trained["architecture"]) for norm in norms]
    figure = Figure(figsize=(max(0.8 + 2.1 * len(pairs), 5.2), 6.2))
    grid = figure.subplots(len(CURVES), len(pairs), sharex=True, sharey="row", squeeze=False)
    last = 2  # epoch of all curves; they share one axis
    for column, (architecture, norm) in enumerate(pairs):
        shown = trained[(trained["architecture"] == architecture) & trained["norm"].isin(["none", norm])]
        shown = shown.sort_values("epsilon")
        for position, row in enumerate(shown.itertuples()):
            curve = history(models / str(row.model) / "card.json")
            standard = row.norm == "none"
            strength = position / max(1, len(shown) - 1)
            look = NORM_STYLES["none"].line if standard else "-"
            colour = "black" if standard else str(round(0.78 * (1 - strength), 3))
            name = "standard" if standard else f"{row.epsilon:g}"
            for axes, quantity in zip(grid[:, column], CURVES, strict=True):
                x = [point["epoch"] for point in curve if quantity in point]
                y = [point[quantity] for point in curve if quantity in point]
                axes.plot(x, y, linestyle=look, color=colour, linewidth=1.2 + strength, label=name)
            last = max(last, math.ceil(curve[-1]["epoch"]))
        grid[0][column].set_title(f"{architecture}, {NORM_LABELS[norm]}")
        grid[0][column].legend(fontsize=6.5, ncols=2, handlelength=1.4, columnspacing=0.8)
        grid[-1][column].set_xlabel("epoch")
    grid[0][0].set_xlim(1, last)
    for axes, label in zip(grid[:, 0], CURVES.values(), strict=True):
        axes.set_ylabel(label)
    figure.suptitle(
        "Training curves by budget (" + ", ".join(f"{NORM_LABELS[n]} in {NORM_UNITS[n]}" for n in TRAINED) + ")",
        fontsize=10.5,
    )
    return figure
