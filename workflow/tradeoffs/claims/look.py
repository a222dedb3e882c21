"""A look at the headline claims after a replicate: is every one decided, or is another replicate worth it?

The card is what the workflow asks: ``replicates`` there are, the ``level`` of this look's tests, the verdict on each
headline (``headlines``), and whether all are ``decided`` that replicates can decide. After the last look there is no
further replicate, decided or not.

A headline with a warning has no verdict because a criterion of the regime fails: a network was trained too short, or
reads everything, or nothing. Where it fails by more than an estimate may be off by, another replicate, which is of the
same recipe, cures nothing, and such a headline asks for none (``no_verdict``: its warning); any other is undecided.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tradeoffs.claims import regime
from tradeoffs.claims.headlines import headlines
from tradeoffs.claims.row import UNDECIDED
from tradeoffs.claims.sequential import levels
from tradeoffs.results.evaluations import read
from tradeoffs.results.measurements import measure
from tradeoffs.results.study import Settings as Told
from tradeoffs.results.study import study_of
from tradeoffs.step.command import Written
from tradeoffs.step.errors import InputError


class Settings(NamedTuple):
    """Settings of a look: those of claims, and which look it is."""

    study: str
    models: list[dict[str, Any]]  # of the replicates there are
    benchmarks: list[dict[str, Any]]
    margins: Annotated[Mapping[str, float], "smallest relevant difference of each measure, and of any other"]
    criteria: Annotated[Mapping[str, float], "of a regime in which verdicts can be reached"]
    look: Annotated[int, "number of this look, from 1: as many replicates there are"]
    looks: Annotated[int, "number of looks that there may be"]
    hypotheses: Annotated[int, "number of headline claims"]
    unseen_variance: Annotated[float, "what one replicate cannot see of another, as a share of its variance"] = 0.0
    on_noise: Annotated[Sequence[str], "ids of models of the grid and its sweeps that are trained on random noise"] = ()


def run(
    settings: Settings, *, evaluations: Annotated[Path, "folder with <benchmark>/<model>.json and .npz"]
) -> Written:
    """Look. InputError for a look that there is not, and for a card that is missing, broken or not comparable."""
    look, looks = settings.look, settings.looks
    if not 1 <= look <= looks or settings.hypotheses < 1:
        raise InputError(
            f"--spec: look {look} of {looks} at {settings.hypotheses} headline claims; expected look 1 to the last, "
            "and at least one claim"
        )
    level = levels(looks, settings.hypotheses)[look - 1]
    told = (settings.study, settings.models, settings.benchmarks, settings.margins, settings.criteria)
    study = study_of(Told(*told, level, settings.unseen_variance, settings.on_noise))
    measured = measure(read(evaluations, study.models), study.models, study.reliance)
    found = headlines(measured, study, level)
    lasting = regime.final(measured, study)
    no_verdict = {
        name: each.warning
        for name, each in found.items()
        if each.warning is not None and (each.metric.benchmark, each.metric.name) in lasting
    }
    open_ones = [name for name, each in found.items() if each.verdict == UNDECIDED and name not in no_verdict]
    print(f"look {look} of {looks}, level {level:.4f}: undecided {', '.join(open_ones) or 'none'}")
    for name, warning in no_verdict.items():
        print(f"no verdict, however many replicates there are: {name} ({warning})")
    content = {"replicates": look, "level": level, "decided": not open_ones, "no_verdict": no_verdict}
    return Written("look", [], content | {"headlines": {name: each.verdict for name, each in found.items()}})
