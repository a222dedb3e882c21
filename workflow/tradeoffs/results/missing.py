"""What a study leaves out, with the reason and what to do: benchmarks without their data, models without weights."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tradeoffs.results.table import write_csv
from tradeoffs.step.cards import read_card
from tradeoffs.step.command import Written
from tradeoffs.step.errors import InputError

COLUMNS = ("benchmark", "dataset", "model", "reason")
TOLD = ("benchmark", "dataset", "reason")


class Settings(NamedTuple):
    """One row per benchmark that is left out; published models that are left out, with the reason."""

    missing: list[dict[str, Any]]  # of TOLD
    models: dict[str, str] = {}  # noqa: RUF012 (never written)


def run(
    settings: Settings,
    *,
    out: Annotated[Path, "CSV to write"],
    controls: Annotated[tuple[Path, ...], "cards of the controls, each in the folder of its model"] = (),
) -> Written:
    """Write the table. InputError for a row with other keys, and for a card that is missing or damaged."""
    for row in settings.missing:
        if not isinstance(row, dict) or row.keys() != set(TOLD):
            raise InputError(f"--spec: missing holds {row!r}; expected the keys {', '.join(TOLD)}")
    rows = [[row.get(column) for column in COLUMNS] for row in settings.missing]
    rows += [[None, None, name, reason] for name, reason in settings.models.items()]
    cards = {path.parent.name: read_card(path) for path in controls}
    rows += [[None, None, name, card["unavailable"]] for name, card in cards.items() if "unavailable" in card]
    write_csv(out, COLUMNS, rows)
    return Written("missing", [out])
