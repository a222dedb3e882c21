"""What several figures share: a note in place of a figure, means over replicates."""

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


NUMBERS = ("value", "ci_low", "ci_high")


def over_replicates(table: pd.DataFrame, by: Sequence[str], numbers: Sequence[str] = NUMBERS) -> pd.DataFrame:
    """Mean of ``numbers`` over copies and replicates for each combination of the columns ``by``, in ascending order.

    Ends of intervals are averaged too, so that an interval is as wide as that of one model: how far one could have come
    out otherwise, and not their mean. An effect over replicates and its interval are a matter of the claims.
    """
    means: pd.DataFrame = table.groupby(list(by), sort=True)[list(numbers)].mean().reset_index()
    return means


def averaged(table: pd.DataFrame) -> str:
    """Say in a line of its own that means over replicates are drawn, and what their intervals are; "" where of one."""
    count = table["replicate"].nunique()
    return f"\n(means over {count} replicates; an interval is that of one model)" if count > 1 else ""


def wrapped(text: str, width: int) -> str:
    """Return a label in lines of at most ``width`` characters."""
    return "\n".join(textwrap.wrap(text, width))
