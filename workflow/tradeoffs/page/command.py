"""The results page of a study: one file of HTML, which opens without a network.

    tradeoffs page --spec SPEC --summary summary.csv --claims claims.csv ... --out index.html --card page.json

What there is no table of is said on the page to be missing.
"""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tradeoffs.page import facts, render
from tradeoffs.page.images import images as pictures_of
from tradeoffs.results import study
from tradeoffs.step.command import Written


class Settings(NamedTuple):
    """The study's name, models and benchmarks; by model where its weights come from; whose pictures are shown."""

    study: str
    models: list[dict[str, Any]]  # of the fields of tradeoffs.results.study.Model
    benchmarks: list[dict[str, Any]]  # of the fields of tradeoffs.results.metrics.Benchmark
    sources: dict[str, str]
    pictures: list[str]  # benchmarks


def run(
    settings: Settings,
    *,
    summary: Annotated[Path, "summary.csv of the summary step"],
    out: Annotated[Path, "HTML to write"],
    sweeps: Annotated[Path | None, "sweeps.csv of the summary step"] = None,
    claims: Annotated[Path | None, "claims.csv"] = None,
    differences: Annotated[Path | None, "differences.csv of the claims step"] = None,
    regime: Annotated[Path | None, "regime.csv of the claims step"] = None,
    missing: Annotated[Path | None, "missing.csv, where a study has one"] = None,
    reference: Annotated[Path | None, "reference.csv, where a study has one"] = None,
    models: Annotated[Path | None, "folder with <model>/card.json"] = None,
    evaluations: Annotated[Path | None, "folder with <benchmark>/<model>.json"] = None,
    theory: Annotated[Path | None, "folder with the cards of the theory's curves"] = None,
    images: Annotated[Path | None, "folder with <benchmark>.json of the pictures"] = None,
) -> Written:
    """Write the page. InputError for a table without its columns and a damaged card."""
    told = study.study_of(study.Settings(settings.study, settings.models, settings.benchmarks))
    places = facts.Places(summary, sweeps, claims, differences, regime, missing, models, evaluations, theory, reference)
    known = facts.read(told, settings.sources, places)
    size = render.write(out, known, pictures_of(images, settings.pictures))
    return Written("page", [out], {"bytes": size, "models": len(told.models), "claims": len(known.claims)})
