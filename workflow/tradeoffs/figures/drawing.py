"""What several figures share: a note in place of a figure, means over seeds and replicates."""

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure


def note(title: str, why: str) -> Figure:
    """Return what stands in place of a figure that has nothing to show: its title, and the reason."""
    lines = textwrap.wrap(why, 130)
    figure = Figure(figsize=(11, 0.72 + 0.18 * len(lines)))
    figure.suptitle("\n".join([title, "", *lines]), fontsize=10.5)
    return figure


def over_seeds(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Mean over seeds of value, ci_low and ci_high for each combination of the columns ``by``, in ascending order."""
    means: pd.DataFrame = table.groupby(list(by), sort=True)[["value", "ci_low", "ci_high"]].mean().reset_index()
    return means


def over_replicates(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Mean over replicates for each combination of the columns ``by``, in ascending order, with its own interval.

    Replicates have images of their own, so the distances from value to ends add in squares.
    """
    count = table.groupby(list(by), sort=True)["value"].count()
    means = table.groupby(list(by), sort=True)["value"].mean()
    low, high = (
        (table["value"] - table[end]).pow(2).groupby([table[name] for name in by]).sum().pow(0.5) / count
        for end in ("ci_low", "ci_high")
    )
    return pd.DataFrame({"value": means, "ci_low": means - low, "ci_high": means + high}).reset_index()


def wrapped(text: str, width: int) -> str:
    """Return a label in lines of at most ``width`` characters."""
    return "\n".join(textwrap.wrap(text, width))
