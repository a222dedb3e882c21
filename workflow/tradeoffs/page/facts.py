"""All that a page is made from: the study, its tables, its cards."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.claims.reference_run import Compared
from tradeoffs.claims.regime import Check
from tradeoffs.claims.row import NETWORKS, Claim
from tradeoffs.page.rows import rows
from tradeoffs.results import missing
from tradeoffs.results.rows import Row
from tradeoffs.results.study import Study
from tradeoffs.results.table import SUMMARY_COLUMNS, SWEEP_COLUMNS
from tradeoffs.step.cards import check, read_card
from tradeoffs.step.errors import InputError

Card = dict[str, Any]


class Places(NamedTuple):
    """Where the tables and cards of a study lie; None: it has none.

    ``models`` holds ``<model>/card.json``, ``evaluations`` ``<benchmark>/<model>.json``, ``theory`` cards of curves.
    """

    summary: Path
    sweeps: Path | None = None
    claims: Path | None = None
    differences: Path | None = None
    regime: Path | None = None
    missing: Path | None = None
    models: Path | None = None
    evaluations: Path | None = None
    theory: Path | None = None
    reference: Path | None = None


class Facts(NamedTuple):
    """What was read. Rows are text, as in the tables; ``cards`` by model, ``evaluations`` by (model, benchmark).

    ``sources``: where the weights of each model come from, by id. ``theory``: the cards of both families of curves.
    ``no_claims``: why there are none, where there are none. ``reference``: the verdicts beside those of the reference
    run, and ``other_settings`` than it had, in words by name.
    """

    study: Study
    sources: Mapping[str, str]
    summary: Sequence[Row]
    sweeps: Sequence[Row] = ()
    claims: Sequence[Row] = ()
    differences: Sequence[Row] = ()
    regime: Sequence[Row] = ()
    missing: Sequence[Row] = ()
    cards: Mapping[str, Card] = {}
    evaluations: Mapping[tuple[str, str], Card] = {}
    theory: Mapping[str, Card] = {}
    no_claims: str = "no table of claims was given to this page; the claims step makes it"
    reference: Sequence[Row] = ()
    other_settings: Mapping[str, str] = {}

    @property
    def networks(self) -> list[Row]:
        """The claims about networks."""
        return [row for row in self.claims if row["subject"] == NETWORKS]

    @property
    def replicates(self) -> int:
        """How many replicates there are."""
        return max((model.replicate for model in self.study.models), default=1)


def read(study: Study, sources: Mapping[str, str], places: Places) -> Facts:
    """Read all of it. InputError for a table without its columns, DamagedError for what is not as it was written."""
    swept = [column for column in SWEEP_COLUMNS if column != "objective"]  # absent where no such sweep is asked for
    return Facts(
        study,
        sources,
        rows(places.summary, SUMMARY_COLUMNS),
        rows(places.sweeps, swept),
        rows(places.claims, Claim._fields),
        rows(places.differences, SUMMARY_COLUMNS),
        rows(places.regime, Check._fields),
        rows(places.missing, missing.COLUMNS),
        {m.id: card for m in study.models if (card := _card(places.models, f"{m.id}/card.json")) is not None},
        {
            (model.id, name): card
            for model in study.models
            for name in model.benchmarks
            if (card := _card(places.evaluations, f"{name}/{model.id}.json")) is not None
        },
        {
            name: card
            for name in ("curves", "anticausal_curves")
            if (card := _card(places.theory, f"{name}.json")) is not None
        },
        reference=rows(places.reference, Compared._fields),
        other_settings=_other_settings(places.reference),
        **({"no_claims": "one model alone is compared with nothing"} if len(study.models) < 2 else {}),
    )


def _other_settings(reference: Path | None) -> dict[str, str]:
    """Return what the card beside the comparison says of settings; none of a table that came without one."""
    if reference is None or (place := check(reference)[1]) is None:
        return {}
    said = read_card(place).get("other_settings")
    if not isinstance(said, dict):
        raise InputError(f"{place}: no other_settings; make {reference.name} again")
    return {str(name): str(value) for name, value in said.items()}


def _card(folder: Path | None, name: str) -> Card | None:
    """Return a card; None where there is none."""
    if folder is None or not (folder / name).is_file():
        return None
    card = read_card(folder / name)
    if not isinstance(card, dict):
        raise InputError(f"{folder / name}: no card; make it again")
    return card
