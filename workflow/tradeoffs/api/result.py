"""What an evaluation found, to look at: the card, a table of the metrics, what was said of each image."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tradeoffs.api import markup
from tradeoffs.step.cards import check, read_card
from tradeoffs.step.declared_benchmarks import benchmarks
from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import opened

if TYPE_CHECKING:
    import pandas as pd

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """One model in one benchmark.

    ``card``: metrics with intervals, settings, and where they come from, as the workflow writes it. ``outcomes``: by
    name, arrays over images: whether each was classified correctly, its label, its group. ``draws`` [draws]: of the
    bootstrap, by metric, paired between models on the same data.
    """

    card: dict[str, Any]
    outcomes: Arrays
    draws: Arrays

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.card["model"])

    @property
    def benchmark(self) -> str:
        """The benchmark's name."""
        return str(self.card["benchmark"])

    @cached_property
    def table(self) -> "pd.DataFrame":
        """The metrics: ``metric``, ``value``, ``ci_low`` and ``ci_high`` (95 %, over images), ``n`` images."""
        import pandas as pd

        rows = [{"metric": name, **self.card["metrics"][name]} for name in _in_order(self.card)]
        return pd.DataFrame(rows, columns=["metric", "value", "ci_low", "ci_high", "n"])

    @property
    def remarks(self) -> list[str]:
        """What to know before these numbers are believed: images without an answer, gaps that are no measurement."""
        lost = self.card.get("unanswered", {})
        found = [
            f"{lost[kind]} of {lost['images']} images without an answer ({what}), counted as wrong"
            for kind, what in (("not_finite", "logits that are not finite"), ("tied", "a tie of the largest logits"))
            if lost.get(kind)
        ]
        found += [f"no measurement: {said}" for said in self.card.get("saturated", [])]
        found += [f"not to be believed: {said}" for said in self.card.get("suspicion", [])]
        found += self.card.get("pixels", [])
        if skipped := self.card.get("skipped"):
            found.append(f"{len(skipped)} images that cannot be read were left out")
        if "zoo" in self.card.get("source", {}) and self.benchmark == "imagenet":
            found.append(_beside_published(self.card))
        library = str(self.card["spec"]["architecture"]).partition(".")[0]
        if library in ("torchvision", "timm") and self.card.get("preprocessing", {}).get("std") == [1.0] * 3:
            found.append(f"no mean and std were given, and networks of {library} do not normalise images themselves")
        return found

    def __repr__(self) -> str:
        """The declared metrics, a line each; those of families where there are no others."""
        there = list(self.table.metric)
        declared = [name for name in there if name in benchmarks()[self.benchmark].metrics]
        shown = self.table[self.table.metric.isin(declared or there)]
        width = max(map(len, shown.metric), default=0)
        rows = [
            f"  {row.metric:{width}}  {row.value:7.4f}  [{row.ci_low:.4f}, {row.ci_high:.4f}]  n = {row.n}"
            for row in shown.itertuples()
        ]
        return "\n".join([self._title(), *rows, *(f"  {said}" for said in self.remarks)])

    def _repr_html_(self) -> str:
        """The same for a notebook, with all metrics."""
        rows = [
            (name, f"{one['value']:.4f}", markup.interval(one["ci_low"], one["ci_high"], ".4f"), str(one["n"]))
            for name, one in ((name, self.card["metrics"][name]) for name in _in_order(self.card))
        ]
        return markup.shown(self._title(), ("metric", "value", "95 % interval", "n"), rows, 1, self.remarks)

    def _title(self) -> str:
        return f"{benchmarks()[self.benchmark].title}: {self.model} (95 % intervals over images)"


def read(folder: Path, benchmark: str) -> Result:
    """Return the result that :func:`tradeoffs.evaluate` wrote; InputError for one that is missing or damaged."""
    card = read_card(folder / f"{benchmark}.json", ours=False)
    if card.get("kind") != "evaluation" or card.get("benchmark") != benchmark:
        raise InputError(f"{folder / benchmark}.json: not a result of {benchmark}; evaluate again")
    path = folder / f"{benchmark}.npz"
    check(path, ours=False)
    with opened(path) as file, np.load(file) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    draws = {name.removeprefix("draws/"): array for name, array in found.items() if name.startswith("draws/")}
    return Result(card, {name: array for name, array in found.items() if not name.startswith("draws/")}, draws)


def _beside_published(card: dict[str, Any]) -> str:
    """Say how far the accuracy of a model of the zoo is from what was published, and whether that is explained."""
    from tradeoffs.models import zoo
    from tradeoffs.results import published, published_numbers

    entry = published_numbers.of_zoo(zoo.find(card["source"]["zoo"]))
    ours = card["metrics"][entry.metric]
    within, remark = published.judged(entry, ours["value"], ours["n"])
    said = {"yes": "as near as other libraries explain", "no": f"more than is explained ({entry.why})", "": remark}
    return f"published accuracy {entry.value:.4f}, difference {ours['value'] - entry.value:+.4f}: {said[within]}"


def _in_order(card: dict[str, Any]) -> list[str]:
    """Return the metrics of a card: those that are declared by name first, the headline at the top."""
    declared = [name for name in benchmarks()[card["benchmark"]].metrics if name in card["metrics"]]
    return [*declared, *sorted(card["metrics"].keys() - set(declared))]
