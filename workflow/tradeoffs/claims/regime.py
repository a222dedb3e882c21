"""Whether a study is in a regime where its numbers can say something: criteria that do not look at the claims.

The limits are the config's (``claims.criteria``), fixed before any run:

* **converged**: what twice the training would still lower a network's loss by, as a share of knowing nothing
  (:func:`tradeoffs.training.soundness.convergence`), mean over the replicates of a training; beyond the limit it shows
  how long it was trained, not what it was trained for. Controls are trained otherwise on purpose;
* **a measurement**: of the models of a cell no more than half have a value at the end of its scale because an accuracy
  is 0 or 1 (:func:`tradeoffs.results.metrics.saturated`). Where one has, a row says so;
* **an adversary**: what claims call adversarially trained is not trained on random noise. Where it is, a row says so;
* **off chance**: of the accuracies that a benchmark's measures rest on, the largest is above chance by
  ``chance_margin``, and by ``standard_errors`` of its own;
* **below the ceiling**: the least of them is not above ``ceiling``;
* **room to fall**: a gap of the standard models, at each scale in the sweep of the background's, is above 0 by
  ``standard_errors`` of its own;
* **object is read** (the sweep of the correlation): where the correlation is broken at test, clean accuracy is off
  chance. Where it is not, the networks read the photograph alone: a dead regime.

Off chance and below the ceiling are asked of the standard models, of the mean of each architecture and norm, and of
its largest budget, at each scale in the sweep of the background's too; of each model of the user's own, and of each
that is trained otherwise. Standard errors are those of images. Where a criterion fails, the rows that rest on it have a
warning and are undecided. A failure is *final* where more replicates would not change it: it is of one recipe, and
larger than what an estimate may be off by.

All are asked of means over replicates, as the rows are means over them: were every single training asked, one of
hundreds would fail sooner or later, and more replicates would decide less.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.benchmarks.attack_metrics import Attack, metric_name
from tradeoffs.claims import correlation_effects, objective_effects, scale_effects
from tradeoffs.claims.reliance_effects import no_measurements
from tradeoffs.claims.row import RELIANCE
from tradeoffs.results.measurements import CONVERGENCE, Measurements
from tradeoffs.results.metrics import Benchmark, Metric
from tradeoffs.results.standard import is_standard
from tradeoffs.results.study import Model, Study

BROKEN = "broken"
CONVERGED, OFF_CHANCE, BELOW_CEILING = "converged", "off chance", "below the ceiling"
ROOM, READ, MEASUREMENT, ADVERSARY = "room to fall", "object is read", "a measurement", "an adversary"
# What is said where one fails.
FAILURES = {
    CONVERGED: "not converged",
    OFF_CHANCE: "at chance",
    BELOW_CEILING: "at the ceiling",
    ROOM: "no room to fall",
    READ: "object is not read",
    MEASUREMENT: "saturated",
    ADVERSARY: "no adversary",
}
UNDER_ATTACK = "adversarial_"  # how accuracies under attack are called, beside the clean ones
_FAR = 2  # multiples of the limit of convergence: trainings of one recipe differ in it by a third (ten replicates)
_SAID = 3  # criteria that a warning names


class Check(NamedTuple):
    """One criterion for one subject: a row of regime.csv, whose columns are the fields.

    ``concerns``: how the names of the claims begin that rest on it. ``value`` is compared with ``limit``. ``place``:
    the correlation or the background's scale that it is about, in the checks of a sweep. ``final``: whether it fails,
    and more replicates would not change that.
    """

    criterion: str
    concerns: str
    subject: str
    value: float
    limit: float
    passed: bool
    meaning: str
    place: float | None = None
    final: bool = False


class Mean(NamedTuple):
    """The mean of a metric over models, and its standard error by images."""

    value: float
    error: float


def checks(measured: Measurements, study: Study) -> list[Check]:
    """Return every check of a study: its benchmarks, its sweeps; none where it was told no criteria."""
    found = [
        check
        for benchmark in study.benchmarks
        for kind in ("", UNDER_ATTACK)
        for check in of_benchmark(measured, study, benchmark, kind)
    ]
    found += [
        check
        for benchmark in study.benchmarks
        for m in benchmark.metrics
        for check in (*of_gap(measured, study, m), *of_saturation(measured, study, m))
    ]
    found += _of_trainings(measured, study)
    found += of_correlation_sweep(measured, study)
    swept = objective_effects.swept_models(study.models)
    found += [check for benchmark in study.benchmarks for check in of_objectives(measured, study, benchmark, swept)]
    own = [model for model in study.models if model.role == "extra"]
    found += [check for benchmark in study.benchmarks for check in of_models(measured, study, benchmark, own)]
    found += [check for metric in study.reliance for check in of_own_saturation(measured, study, metric, own)]
    return list(dict.fromkeys([*found, *(check for own in of_scales(measured, study).values() for check in own)]))


def warnings(measured: Measurements, study: Study) -> dict[tuple[str, str], str]:
    """Return what fails for each measure of reliance, by benchmark and name; nothing for those that may be judged."""
    found = {key: warning(each) for key, each in _of_measures(measured, study).items()}
    return {key: said for key, said in found.items() if said is not None}


def final(measured: Measurements, study: Study) -> set[tuple[str, str]]:
    """Return the measures of reliance, by benchmark and name, that no further replicate brings a verdict."""
    return {key for key, each in _of_measures(measured, study).items() if any(check.final for check in each)}


def _of_measures(measured: Measurements, study: Study) -> dict[tuple[str, str], list[Check]]:
    found = {}
    for benchmark in study.benchmarks:
        of_all = _checks_of_grid(measured, study, benchmark)
        for metric in benchmark.reliance:
            own = [*of_gap(measured, study, metric), *of_saturation(measured, study, metric)]
            found[benchmark.name, metric.name] = [*of_all, *own]
    return found


def warning_on(measured: Measurements, study: Study, benchmark: Benchmark, kind: str = "") -> str | None:
    """Say which checks fail for what a benchmark measures of the grid; None where none does. ``kind``: as below."""
    return warning(_checks_of_grid(measured, study, benchmark, kind))


def _checks_of_grid(measured: Measurements, study: Study, benchmark: Benchmark, kind: str = "") -> list[Check]:
    return [*of_benchmark(measured, study, benchmark, kind), *_of_trainings(measured, study)]


def _of_trainings(measured: Measurements, study: Study) -> list[Check]:
    return [*_converged(measured, study, ("main",), RELIANCE).values(), *_adversary(study, "main", RELIANCE)]


def warning(found: Iterable[Check]) -> str | None:
    """Say which checks fail; None where none does."""
    failed = list(dict.fromkeys(check for check in found if not check.passed))
    said = [f"{FAILURES[c.criterion]}: {c.subject} {c.value:.3g} (limit {c.limit:.3g})" for c in failed[:_SAID]]
    more = [f"{len(failed) - _SAID} more in regime.csv"] if len(failed) > _SAID else []
    return "; ".join([*said, *more]) or None


def joined(warnings: Iterable[str | None]) -> str | None:
    """Return what several warnings say, each once; None where there is none."""
    return "; ".join(dict.fromkeys(each for each in warnings if each)) or None


def of_benchmark(measured: Measurements, study: Study, benchmark: Benchmark, kind: str = "") -> list[Check]:
    """Check the accuracies that a benchmark's measures rest on, in each cell of the grid.

    ``kind``: ``adversarial_``, those under attack, of a benchmark that has them.
    """
    names = tuple(kind + name for name in benchmark.rests_on)
    if kind and not {metric.name for metric in benchmark.metrics}.issuperset(names):
        return []
    concerns = f"{RELIANCE}.{benchmark.name}" if benchmark.reliance else benchmark.name
    concerns += f".{kind.removesuffix('_')}" * bool(kind)
    members = [model for model in study.models if model.role == "main" and benchmark.name in model.benchmarks]
    return [
        check
        for subject, models in _subjects(members).items()
        for check in _accuracies(measured, study, benchmark._replace(rests_on=names), models, concerns, subject)
    ]


def _cells(models: Iterable[Model]) -> dict[str, list[Model]]:
    """Return the models of each architecture and norm, by what they are called."""
    found: dict[str, list[Model]] = {}
    for model in models:
        found.setdefault(f"{model.architecture} {_trained(model.norm)}", []).append(model)
    return found


def _subjects(models: Iterable[Model]) -> dict[str, list[Model]]:
    """Return the same, and after each those of its largest budget, where there are smaller ones."""
    found = {}
    for subject, own in _cells(models).items():
        found[subject] = own
        largest = max(model.epsilon for model in own)
        if any(model.epsilon < largest for model in own):
            found[f"{subject} at {largest:g}"] = [model for model in own if model.epsilon == largest]
    return found


def of_saturation(measured: Measurements, study: Study, metric: Metric) -> list[Check]:
    """Name the cells of the grid in which a normalised gap is no measurement of some model; nothing where of none."""
    return _saturated(measured, study, metric, _cells(model for model in study.models if model.role == "main"))


def of_own_saturation(measured: Measurements, study: Study, metric: Metric, models: Iterable[Model]) -> list[Check]:
    """Name those of the models of which it is no measurement."""
    return _saturated(measured, study, metric, {model.id: [model] for model in models})


def _saturated(
    measured: Measurements, study: Study, metric: Metric, cells: Mapping[str, Sequence[Model]]
) -> list[Check]:
    found = []
    for subject, listed in cells.items() if study.criteria else ():
        models = [model for model in listed if (model.id, metric.benchmark, metric.name) in measured]
        if not models:
            continue
        share = len(no_measurements(measured, metric, [model.id for model in models])) / len(models)
        concerns, meaning = f"{RELIANCE}.{metric.benchmark}.{metric.name}", "share of models with an accuracy of 0 or 1"
        if share > 0:
            said = Check(MEASUREMENT, concerns, f"{subject}, {metric.name}", share, 0.5, share <= 0.5, meaning)
            found.append(said._replace(final=not said.passed))
    return found


def of_gap(measured: Measurements, study: Study, metric: Metric) -> list[Check]:
    """Check that a gap of the grid's standard models is off its floor; nothing for what is no gap."""
    standard = [
        m
        for m in study.models
        if m.role == "main" and is_standard(m) and (m.id, metric.benchmark, metric.name) in measured
    ]
    if not (metric.gap and standard and study.criteria):
        return []
    concerns = f"{RELIANCE}.{metric.benchmark}.{metric.name}"
    return [
        _room(measured, study, standard, metric.benchmark, metric.name, concerns, f"{metric.name}, standard models")
    ]


def _room(
    measured: Measurements,
    study: Study,
    models: Sequence[Model],
    benchmark: str,
    name: str,
    concerns: str,
    subject: str,
) -> Check:
    """Check that the mean gap of standard models is above 0 by standard errors."""
    gap = mean(measured, models, benchmark, name)
    limit = study.criteria["standard_errors"] * gap.error
    meaning = "a gap within so many standard errors of 0 is at its floor: no training can be seen to lower it"
    return Check(ROOM, concerns, subject, gap.value, limit, gap.value > limit, meaning, final=gap.value + limit < 0)


def of_correlation_sweep(measured: Measurements, study: Study) -> list[Check]:
    """Check that the object is read at each correlation, and that the networks of the sweep have converged."""
    swept = correlation_effects.swept_models(study.models)
    benchmark, name = correlation_effects.BENCHMARK, metric_name(Attack(BROKEN))
    chance = next((b.chance for b in study.benchmarks if b.name == benchmark), None)
    read = [m for m in swept if (m.id, benchmark, name) in measured]  # none where the broken domain is not attacked
    found = []
    for correlation in sorted({m.correlation for m in read if m.correlation is not None}):
        if not study.criteria or chance is None:
            break
        accuracy = mean(measured, [m for m in read if m.correlation == correlation], benchmark, name)
        limit = _off_chance(study, chance, accuracy)
        found.append(
            Check(
                READ,
                correlation_effects.KEY,
                f"correlation {correlation:g}, {name}",
                accuracy.value,
                limit,
                accuracy.value >= limit,
                "clean accuracy where the correlation is broken: at chance, networks read the photograph alone",
                correlation,
                _stays_at_chance(study, chance, accuracy),
            )
        )
    trained = _converged(measured, study, (correlation_effects.ROLE,), correlation_effects.KEY)
    return found + [trained[m.id]._replace(place=m.correlation) for m in swept if m.id in trained]


def of_scales(measured: Measurements, study: Study) -> dict[float, list[Check]]:
    """Check at each scale of the background that standard models have a gap that can fall, and say something."""
    swept = scale_effects.swept_models(study.models)
    benchmark = next((b for b in study.benchmarks if b.name == scale_effects.BENCHMARK), None)
    if not study.criteria or benchmark is None:
        return {}
    trained = _converged(measured, study, (scale_effects.ROLE,), scale_effects.KEY)
    found = {}
    for scale in sorted({m.background_scale for m in swept if m.background_scale is not None}):
        standard = [m for m in swept if m.background_scale == scale and is_standard(m)]
        if not standard:
            continue
        said = f"scale {scale:g}, {scale_effects.METRIC} of standard models"
        room = _room(measured, study, standard, benchmark.name, scale_effects.METRIC, scale_effects.KEY, said)
        subject = f"scale {scale:g}, standard models"
        of_accuracies = _accuracies(measured, study, benchmark, standard, scale_effects.KEY, subject)
        robust = [m for m in swept if m.background_scale == scale and not is_standard(m)]
        for cell, models in _subjects(robust).items():
            said = f"scale {scale:g}, {cell}"
            of_accuracies += _accuracies(measured, study, benchmark, models, scale_effects.KEY, said)
        of_trainings = [trained[m.id] for m in swept if m.background_scale == scale and m.id in trained]
        of_scale = [*of_accuracies, *of_trainings, *_adversary(study, scale_effects.ROLE, scale_effects.KEY)]
        found[scale] = [check._replace(place=scale) for check in (room, *of_scale)]
    return found


def of_objectives(measured: Measurements, study: Study, benchmark: Benchmark, models: Sequence[Model]) -> list[Check]:
    """Check each of these models, which are trained otherwise: its accuracies on a benchmark, and its convergence."""
    concerns = "objectives"
    trained = _converged(measured, study, ("main", objective_effects.ROLE), concerns)
    of_accuracies = of_models(measured, study, benchmark, models, concerns)
    return [*of_accuracies, *(trained[model.id] for model in models if model.id in trained)]


def of_models(
    measured: Measurements, study: Study, benchmark: Benchmark, models: Sequence[Model], concerns: str = RELIANCE
) -> list[Check]:
    """Check the accuracies of each of these models by itself."""
    return [
        check
        for model in models
        if benchmark.name in model.benchmarks
        for check in _accuracies(measured, study, benchmark, [model], f"{concerns}.{benchmark.name}", model.id)
    ]


def mean(measured: Measurements, models: Sequence[Model], benchmark: str, metric: str) -> Mean:
    """Return the mean of a metric over the models of each world, and over these: models of one saw the same images."""
    by_world: dict[str, list[Model]] = {}
    for model in models:
        by_world.setdefault(model.world, []).append(model)
    found = [[measured[m.id, benchmark, metric] for m in own] for own in by_world.values()]
    draws = [np.mean([each.draws for each in own], axis=0) for own in found]
    value = float(np.mean([np.mean([each.value for each in own]) for own in found]))
    return Mean(value, float(np.sqrt(np.mean([each.var() for each in draws]) / len(draws))))


def _accuracies(
    measured: Measurements, study: Study, benchmark: Benchmark, models: Sequence[Model], concerns: str, subject: str
) -> list[Check]:
    """Check that the largest of the accuracies is off chance and the least below the ceiling, mean over models."""
    if not (study.criteria and benchmark.rests_on and benchmark.chance is not None):
        return []
    if not all((m.id, benchmark.name, name) in measured for m in models for name in benchmark.rests_on):
        return []
    means = {name: mean(measured, models, benchmark.name, name) for name in benchmark.rests_on}
    largest, least = (pick(means, key=lambda name: means[name].value) for pick in (max, min))
    limit, ceiling = _off_chance(study, benchmark.chance, means[largest]), study.criteria["ceiling"]
    value, lowest = means[largest].value, means[least].value
    return [
        Check(
            OFF_CHANCE,
            concerns,
            f"{subject}, {largest}",
            value,
            limit,
            value >= limit,
            "the largest of the accuracies that the measure rests on: at chance there is nothing to lose",
            final=_stays_at_chance(study, benchmark.chance, means[largest]),
        ),
        Check(
            BELOW_CEILING,
            concerns,
            f"{subject}, {least}",
            lowest,
            ceiling,
            lowest <= ceiling,
            "the least of the accuracies that the measure rests on: above the limit nothing tells networks apart",
            final=lowest - study.criteria["standard_errors"] * means[least].error > ceiling,
        ),
    ]


def _off_chance(study: Study, chance: float, accuracy: Mean) -> float:
    """Return the least accuracy that is off chance."""
    return chance + max(study.criteria["chance_margin"], study.criteria["standard_errors"] * accuracy.error)


def _stays_at_chance(study: Study, chance: float, accuracy: Mean) -> bool:
    """Whether an accuracy is by more than its error below the least that is off chance, however sure one is of it."""
    doubt = study.criteria["standard_errors"] * accuracy.error
    return accuracy.value + doubt < chance + study.criteria["chance_margin"]


def _converged(measured: Measurements, study: Study, roles: Sequence[str], concerns: str) -> dict[str, Check]:
    """Check the models of some roles that were trained here: by id the check of its training, over all replicates."""
    if not study.criteria:
        return {}
    limit = study.criteria["convergence"]
    trained = [m for m in study.models if m.role in roles and (m.id, *CONVERGENCE) in measured]
    found: dict[str, Check] = {}
    for models in _replicates(trained):
        value = float(np.mean([measured[(m.id, *CONVERGENCE)].value for m in models]))
        check = Check(
            CONVERGED,
            concerns,
            models[0].id,
            value,
            limit,
            value <= limit,
            "guess at what twice its training would lower its loss by, as a share of the loss of knowing nothing",
            final=value > _FAR * limit,
        )
        found |= {m.id: check for m in models}
    return found


def _adversary(study: Study, role: str, concerns: str) -> list[Check]:
    """Name the models of a role that stand for adversarially trained ones and are not; nothing where all are."""
    found = [model.id for model in study.models if model.id in study.on_noise and model.role == role]
    if not (found and study.criteria):
        return []
    subject = f"{found[0]}{f' and {len(found) - 1} more' * (len(found) > 1)}, trained on random noise"
    meaning = "models trained on random noise of their budget, where a claim is about adversarially trained ones"
    return [Check(ADVERSARY, concerns, subject, len(found), 0, False, meaning, final=True)]


def _replicates(models: Iterable[Model]) -> list[list[Model]]:
    """Return models that are trained alike, one of each replicate; of copies within one the first with the first."""
    found: dict[tuple[object, ...], list[Model]] = {}
    seen: Counter[tuple[object, ...]] = Counter()
    for m in models:
        alike = (m.role, m.architecture, m.norm, m.epsilon, m.images, m.correlation, m.background_scale, m.objective)
        copy = seen[*alike, m.replicate]
        seen[*alike, m.replicate] += 1
        found.setdefault((*alike, copy), []).append(m)
    return list(found.values())


def _trained(norm: str) -> str:
    return "standard" if norm == "none" else f"{norm}-trained"
