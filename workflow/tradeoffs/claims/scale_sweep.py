"""Claim: how adversarial training changes background reliance depends on the background's scale, and on the norm.

In worlds whose photographs have less and less contrast against the same digits, adversarially trained models are
compared with the standard model of their own world on ImageNet-9's gap (mixed_same - mixed_rand;
:mod:`tradeoffs.claims.scale_effects`). Two linear models are read against it: one whose features cause the response,
as in the paper, and one whose response causes the features, so that standard training uses the background already
(:mod:`tradeoffs.theory`). Neither says where a scale lies for a network; what they do say is tested:

* l2 raises reliance at every scale: the first;
* l2 raises it at the largest scale and lowers it at the smallest: the second;
* linf raises it at the largest scale and not at the smallest: both. Supported only where linf is seen to lower it
  there, as in the second; in the first nothing changes below the threshold;
* linf's effect grows with the scale: the change along the line through all scales.

No verdict is drawn where the standard models' gap is at its floor, or their accuracies say nothing
(:mod:`tradeoffs.claims.regime`).
"""

from tradeoffs.claims import regime
from tradeoffs.claims.row import CONCLUSION, Claim, Said
from tradeoffs.claims.scale_effects import BENCHMARK, KEY, METRIC, ROLE, Effects, effects
from tradeoffs.claims.sweep_rows import OF_ALL, all_of, single
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import Rule
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.standard import is_standard
from tradeoffs.results.study import Model, Study

STATISTIC = f"mean over budgets of {METRIC} - standard at that scale; p: t test"
Warnings = dict[float, str | None]


def claims(measured: Measurements, study: Study) -> list[Claim]:
    """Return the combined rows, then one row per norm and scale."""
    combined: list[Claim] = []
    single: list[Claim] = []
    warned = {scale: regime.warning(found) for scale, found in regime.of_scales(measured, study).items()}
    for norm in ("linf", "l2"):
        found = effects(measured, study.models, norm, study.unseen_variance)
        if not found.scales:
            continue
        combined += (_linf if norm == "linf" else _l2)(found, study, warned)
        single += [_at_scale(found, study, norm, scale, warned.get(scale)) for scale in found.scales]
    return combined + single


def _l2(found: Effects, study: Study, warned: Warnings) -> list[Claim]:
    """Return a combined row for each linear model; for one scale that of the first alone."""
    statement = (
        "l2 training raises reliance on the background at every background scale, as in the linear model whose "
        "features cause the response."
    )
    parts, warning = [found.at(scale) for scale in found.scales], _together(warned, found.scales)
    every = _all_of(found, study, "l2", "l2", statement, parts, warning)
    if len(found.scales) < 2:
        return [every]
    smallest, largest = found.scales[0], found.scales[-1]
    statement = (
        f"l2 training raises reliance on the background at the largest scale ({largest:g}) and lowers it at the "
        f"smallest ({smallest:g}), as in the linear model whose response causes the features."
    )
    ends, warning = [found.at(largest), found.at(smallest, -1)], _together(warned, [smallest, largest])
    return [every, _all_of(found, study, "l2", "l2.turns", statement, ends, warning)]


def _linf(found: Effects, study: Study, warned: Warnings) -> list[Claim]:
    """Return the two combined rows of linf: both ends of the sweep, and the change between them; none for one scale."""
    if len(found.scales) < 2:
        return []
    smallest, largest = found.scales[0], found.scales[-1]
    statement = (
        f"linf training raises reliance on the background at the largest scale ({largest:g}) and not at the smallest "
        f"({smallest:g}), as in both linear models."
    )
    growth = Said(
        f"{KEY}.linf.growth",
        f"linf training's effect on reliance on the background is larger, or less negative, at scale {largest:g} "
        f"than at scale {smallest:g}.",
        f"the change of the effect ({METRIC} - standard) along the line through {len(found.scales)} scales; p: t test",
        _evidence(study, "linf"),
        CONCLUSION,
        "linf",
        benchmarks=BENCHMARK,
        metric=METRIC,
        models=_ids(study, "linf"),
    )
    ends = [found.at(largest), found.at(smallest, -1)]
    warning = _together(warned, [smallest, largest])
    return [
        _all_of(found, study, "linf", "linf", statement, ends, warning),
        single(growth, _missing(found), found.growth, _rule(study), _together(warned, found.scales)),
    ]


def _all_of(
    found: Effects,
    study: Study,
    norm: str,
    name: str,
    statement: str,
    parts: list[Estimate | None],
    warning: str | None,
) -> Claim:
    said = Said(
        f"{KEY}.{name}",
        statement,
        OF_ALL,
        _evidence(study, norm),
        CONCLUSION,
        norm,
        benchmarks=BENCHMARK,
        metric=METRIC,
        models=_ids(study, norm),
    )
    return all_of(said, _missing(found), parts, _rule(study), warning)


def _at_scale(found: Effects, study: Study, norm: str, scale: float, warning: str | None) -> Claim:
    said = Said(
        f"{KEY}.{norm}.scale{scale:g}",
        f"{norm} training raises reliance on the background at background scale {scale:g}.",
        STATISTIC,
        _evidence(study, norm, scale),
        norm=norm,
        background_scale=scale,
        benchmarks=BENCHMARK,
        metric=METRIC,
        models=_ids(study, norm, scale),
    )
    return single(said, _missing(found), found.at(scale), _rule(study), warning)


def _missing(found: Effects) -> str:
    """Say what is missing where nothing can be said of an effect."""
    count = len(found.scales)
    return (
        f"{count} scale{'s' if count > 1 else ''} in one replicate: nothing says how much a gap varies from one "
        "training to another; expected three scales, or two replicates"
    )


def _rule(study: Study) -> Rule:
    return Rule(study.level, study.margin(METRIC))


def _together(warned: Warnings, scales: list[float]) -> str | None:
    """Return what the warnings at several scales say; None where there is none."""
    return regime.joined(warned.get(scale) for scale in scales)


def _evidence(study: Study, norm: str, scale: float | None = None) -> str:
    ids = [m.id for m in _models(study, scale) if m.norm == norm]
    return f"{BENCHMARK}: {', '.join(ids)} against the standard models of their worlds"


def _ids(study: Study, norm: str, scale: float | None = None) -> str:
    return " ".join(m.id for m in _models(study, scale) if m.norm == norm or is_standard(m))


def _models(study: Study, scale: float | None) -> list[Model]:
    """Return the models of the sweep, or those at one scale."""
    return [m for m in study.models if m.role == ROLE and scale in (None, m.background_scale)]
