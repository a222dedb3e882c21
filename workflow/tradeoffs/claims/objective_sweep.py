"""Whether what is found of adversarial training rests on how it is done: other trainings at the same budgets.

For the first measure of each benchmark, each training and each norm a row against the standard models
(``objectives.<training>.<norm>.<benchmark>.<metric>``) and one against the plain adversarial training of the same norm
and budget (``..._than_plain``). Of a norm that the main grid does not have, the plain training is a training of the
sweep. All are exploratory (:mod:`tradeoffs.claims.objective_effects`).
"""

from collections.abc import Sequence

from tradeoffs.claims import regime
from tradeoffs.claims.contrasts import effect
from tradeoffs.claims.measures import direction, oriented, sources
from tradeoffs.claims.objective_effects import contrasts, others, swept_models
from tradeoffs.claims.row import Claim, Said, not_tested
from tradeoffs.claims.verdicts import Rule, findings
from tradeoffs.models.ids import PLAIN
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Benchmark
from tradeoffs.results.study import Model, Study

KEY = "objectives"


def claims(measured: Measurements, study: Study) -> list[Claim]:
    """Return the rows, benchmark by benchmark; none without such models."""
    cells: dict[tuple[str, str], list[Model]] = {}
    for model in swept_models(study.models):
        cells.setdefault((model.objective or PLAIN, model.norm), []).append(model)
    return [
        row
        for benchmark in study.benchmarks
        if benchmark.reliance
        for (name, norm), members in cells.items()
        if all(benchmark.name in model.benchmarks for model in members)
        for plain in ([False] if name == PLAIN else [False, True])
        for row in [_row(measured, study, benchmark, name, norm, members, plain=plain)]
    ]


def _row(
    measured: Measurements,
    study: Study,
    benchmark: Benchmark,
    name: str,
    norm: str,
    members: Sequence[Model],
    *,
    plain: bool,
) -> Claim:
    metric = benchmark.reliance[0]
    compared = [m for model in members for m in others(study.models, model, plain=plain)]
    ids = list(dict.fromkeys(m.id for m in compared))
    than = f"plain adversarial training against {norm}" if plain else "standard training"
    words = (
        f"{KEY}.{name}.{norm}.{benchmark.name}.{metric.name}" + ("_than_plain" if plain else ""),
        f"On {benchmark.title}, training {name} at a budget of {norm} makes networks rely on backgrounds more than "
        f"{than} ({direction(metric)}).",
        f"{oriented(metric)}mean over budgets of {metric.name} - {'plain' if plain else 'standard'}; p: Student's t, "
        "two-sided",
    )
    evidence = f"{benchmark.name}: {', '.join(m.id for m in members)} against {', '.join(ids) or 'none'}"
    behind = " ".join([m.id for m in members] + ids)
    said = Said(*words, evidence, norm=norm, benchmarks=benchmark.name, metric=metric.name, models=behind)
    found = contrasts(measured, study.models, members, metric, plain=plain)
    estimate = effect(found, study.unseen_variance) if found else None
    if estimate is None:
        missing = "nothing to compare with, or nothing says how much a value varies from one training to another"
        return not_tested(said, missing)
    (finding,) = findings([estimate], [Rule(study.level, study.margin(metric.name))])
    gap = [] if plain else regime.of_gap(measured, study, metric)
    warning = regime.warning([*regime.of_objectives(measured, study, benchmark, [*members, *compared]), *gap])
    noise = "noise of training: that of the study's grid"
    return finding.claim(
        said._replace(evidence=f"{evidence}; {noise}; {sources(found, study.unseen_variance)}"), warning
    )
