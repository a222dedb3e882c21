"""What the commands of all figures share: arguments, tables, files, the card."""

import argparse
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from tradeoffs.figures.style import save, use_style
from tradeoffs.step.cards import write_card
from tradeoffs.step.code_id import code_id

Draw = Callable[[dict[str, Path]], dict[str, Figure]]


def run(module: str, inputs: dict[str, str], draw: Draw, *, optional: Collection[str] = ()) -> None:
    """Command line of a figure: ``--<input>`` for each of ``inputs`` (name -> help), ``--out`` folder, ``--card``.

    ``draw`` turns the paths of the inputs into figures by name; each becomes <out>/<name>.svg and .png. Of the
    ``optional`` inputs it gets only those that were given.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="Draw figures from the result tables")
    for name, text in inputs.items():
        parser.add_argument(f"--{name}", type=Path, required=name not in optional, help=text)
    parser.add_argument("--out", type=Path, required=True, help="folder to write <figure>.svg and <figure>.png into")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    use_style()
    given = {name: getattr(arguments, name) for name in inputs}
    figures = draw({name: path for name, path in given.items() if path is not None})
    for name, figure in figures.items():
        save(figure, arguments.out / name)
    write_card(
        arguments.card,
        kind="figures",
        spec={},
        code=code_id(module),
        data={},
        started=started,
        figures=sorted(figures),
    )


def note(title: str, why: str) -> Figure:
    """Return what stands in place of a figure that has nothing to show: its title, and the reason."""
    figure = Figure(figsize=(11, 0.9))
    figure.suptitle(f"{title}\n\n{why}", fontsize=10.5)
    return figure


def over_seeds(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Mean over seeds of value, ci_low and ci_high for each combination of the columns ``by``, in ascending order."""
    means: pd.DataFrame = table.groupby(list(by), sort=True)[["value", "ci_low", "ci_high"]].mean().reset_index()
    return means
