"""Claim: adversarially trained models rely on backgrounds more than standardly trained ones.

The effects are those of :mod:`tradeoffs.claims.reliance_effects`, and verdicts follow by
:mod:`tradeoffs.claims.verdicts`. Every measure has two rows: against the standard models, and beyond accuracy, against
standard models of equal accuracy. The first measure of each benchmark is a headline
(:mod:`tradeoffs.claims.headlines`), and an overall row rests on the headlines. All other measures, the rows of one
architecture and norm, and models of the
user's own (:mod:`tradeoffs.claims.own_models`) are exploratory: they show where an effect comes from.

What cannot be tested has a row too: undecided, without numbers, with what is missing.
"""

from collections.abc import Sequence

from tradeoffs.claims import regime
from tradeoffs.claims.contrasts import effect
from tradeoffs.claims.headlines import Tested, family, name, overall, rule, warnings_of
from tradeoffs.claims.measures import (
    Measure,
    compared_ids,
    direction,
    measures,
    remarks,
    said_of,
    sources,
    statistic,
)
from tradeoffs.claims.own_models import not_compared, own_rows
from tradeoffs.claims.reliance_effects import contrasts, with_standard
from tradeoffs.claims.row import EXPLORATORY, HEADLINE, RELIANCE, Claim, not_tested
from tradeoffs.claims.verdicts import findings
from tradeoffs.results import beyond_accuracy as lines
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Metric
from tradeoffs.results.standard import is_standard
from tradeoffs.results.study import Study


def claims(measured: Measurements, study: Study) -> list[Claim]:
    """Return the overall row, then per measure its row, one per architecture and norm, and one per own model."""
    listed = measures(measured, study)
    tested = tested_by_metric(measured, study, listed)
    raw = [measure for measure in listed if measure.headline and measure.of_grid and not measure.beyond]
    rows = [overall_row(measured, study, raw, [tested[measure.metric] for measure in raw])] if raw else []
    for measure in listed:
        found = tested[measure.metric]
        if measure.of_grid:
            rows.append(measure_row(measured, study, measure, found))
        rows += cell_rows(measured, study, measure, found.warning)
        rows += own_rows(measured, study, measure, found.warning)
    return [*rows, *not_compared(measured, study)]


def tested_by_metric(measured: Measurements, study: Study, listed: Sequence[Measure]) -> dict[Metric, Tested]:
    """Test the headlines as a family, those beyond accuracy as another, every other measure by itself."""
    warnings = warnings_of(measured, study)
    headlines = [measure for measure in listed if measure.headline and measure.of_grid]
    families = [[m for m in headlines if not m.beyond], [m for m in headlines if m.beyond]]
    families += [[measure] for measure in listed if measure not in headlines]
    return {
        measure.metric: tested
        for members in families
        for measure, tested in zip(
            members, family(study, [(each.raw, each.compared) for each in members], warnings), strict=True
        )
    }


def overall_row(measured: Measurements, study: Study, headlines: Sequence[Measure], parts: Sequence[Tested]) -> Claim:
    """Return the row over all benchmarks, from the headline of each."""
    found = overall(parts)
    verdicts = [f"{part.metric.benchmark} {part.metric.name}: {part.verdict}" for part in parts]
    titles = ", ".join(measure.title for measure in headlines)
    models = " ".join(compared_ids(measure.compared) for measure in headlines)
    warning, missing = None, ""
    if found.replicates is None:  # no part says anything
        warning = regime.joined(part.warning for part in parts if part.finding)
        unknown = [measure for measure, part in zip(headlines, parts, strict=True) if part.finding is None]
        missing = "; ".join(dict.fromkeys(why_not(measured, study, measure) for measure in unknown))
    return Claim(
        RELIANCE,
        f"Adversarially trained models rely on backgrounds more than standard ones on every benchmark ({titles}).",
        "share of headlines supported, each by itself; p: the largest of theirs; rerun: as if they were independent",
        *(found.share if found.replicates else None, None, None, found.p_value, found.verdict),
        replicates=found.replicates,
        rerun=found.rerun if found.replicates else None,
        level=study.level if found.replicates else None,
        scope=HEADLINE,
        evidence="; ".join(verdicts),
        benchmarks=" ".join(measure.raw.benchmark for measure in headlines),
        models=" ".join(dict.fromkeys(models.split())),
        warning=warning,
        missing=missing,
    )


def measure_row(measured: Measurements, study: Study, measure: Measure, tested: Tested) -> Claim:
    """Return the row of one measure over all architectures and norms."""
    scope = HEADLINE if measure.headline else EXPLORATORY
    words = (
        name(measure.metric),
        f"On {measure.title}, adversarially trained models rely on backgrounds more than {measure.others} "
        f"({direction(measure.raw)}).",
        statistic(measure),
    )
    ids = compared_ids(measure.compared)
    if tested.finding is None:
        said = said_of(measure, words, measure.raw.benchmark, ids, scope)
        return not_tested(said, why_not(measured, study, measure))
    cells = measure.compared.cells
    models = with_standard(study.models, [model for listed in cells.values() for model in listed])
    named = ", ".join(f"{architecture} {norm} ({len(listed)} models)" for (architecture, norm), listed in cells.items())
    evidence = f"{measure.raw.benchmark}: mean of {named}; {sources(tested.contrasts, study.unseen_variance)}"
    evidence += remarks(measured, measure, models)
    return tested.finding.claim(said_of(measure, words, evidence, ids, scope), tested.warning)


def cell_rows(measured: Measurements, study: Study, measure: Measure, warning: str | None) -> list[Claim]:
    """Return the rows of one measure for each architecture and norm; none where nothing says how it varies."""
    rows = []
    for (architecture, norm), models in measure.compared.cells.items():
        found = contrasts(measure.compared, (architecture, norm))
        estimate = effect(found, study.unseen_variance)
        if estimate is None:
            continue
        (finding,) = findings([estimate], [rule(study, measure.raw)])
        standard = measure.others if measure.beyond else f"the standard {architecture}"
        evidence = (
            f"{measure.raw.benchmark}: {', '.join(models)} against {standard}; {sources(found, study.unseen_variance)}"
        )
        evidence += remarks(measured, measure, with_standard(study.models, models))
        words = (
            f"{name(measure.metric)}.{architecture}.{norm}",
            f"On {measure.title}, {norm}-trained {architecture} networks rely on backgrounds more than "
            f"{measure.others} ({direction(measure.raw)}).",
            statistic(measure),
        )
        ids = compared_ids(measure.compared, (architecture, norm))
        rows.append(finding.claim(said_of(measure, words, evidence, ids, norm=norm), warning))
    return rows


def why_not(measured: Measurements, study: Study, measure: Measure) -> str:
    """Say what is missing for a verdict on the grid."""
    key = (measure.raw.benchmark, measure.raw.name)
    there = [model for model in study.models if model.role == "main" and (model.id, *key) in measured]
    if measure.beyond and not measure.compared.grid:
        reasons = lines.left_out(measured, study.models, [measure.raw])
        return reasons.get(f"{measure.metric.benchmark}.{measure.metric.name}", "no line through standard models")
    if all(is_standard(model) for model in there):
        return "no adversarially trained model of a grid was measured; list architectures and budgets"
    if not measure.compared.grid:
        return "no standard model was measured beside the adversarially trained ones; measure one"
    cells = ", ".join(f"{a} {norm} {len(models)}" for (a, norm), models in measure.compared.cells.items())
    return (
        f"nothing says how much a value varies from one training to another; three budgets or more of one "
        f"architecture and norm do, or two replicates; there are {cells}"
    )
