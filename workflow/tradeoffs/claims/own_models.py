"""Rows of models of the user's own, one by one: each against its standard model, and those that have none.

Such a model was trained once. How much its value would vary from one training to another is taken to be what the
study's grid shows; where there is no grid, no verdict is drawn.
"""

from collections.abc import Sequence

from tradeoffs.claims import regime
from tradeoffs.claims.contrasts import Difference, contrast, effect
from tradeoffs.claims.headlines import name, rule
from tradeoffs.claims.measures import Measure, direction, oriented, remarks, said_of, sources
from tradeoffs.claims.reliance_effects import baseline, compare, is_compared, noise_of
from tradeoffs.claims.row import RELIANCE, Claim, Said, not_tested
from tradeoffs.claims.verdicts import findings
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.standard import training
from tradeoffs.results.study import Study


def own_rows(measured: Measurements, study: Study, measure: Measure, warning: str | None) -> list[Claim]:
    """Return a row for each model of the user's own that is compared with a standard one.

    ``warning``: that of the grid, which says how much a model varies.
    """
    rows = []
    for found in measure.compared.own:
        model = found.model
        standard = measure.others if measure.beyond else _standard_name(found)
        words = (
            f"{name(measure.metric)}.{model.id}",
            f"On {measure.title}, {model.id} ({training(model)}, a model of your own) relies on backgrounds more "
            f"than {standard} ({direction(measure.raw)}).",
            f"{oriented(measure.raw)}({measure.raw.name} - standard); p: Student's t, two-sided",
        )
        single = contrast([found], noise_of(measure.compared, model))
        estimate = effect([single], study.unseen_variance)
        named = f"{measure.raw.benchmark}: {model.id} against {', '.join(found.standard)}"
        ids = " ".join([model.id, *found.standard])
        if estimate is None:
            rows.append(not_tested(said_of(measure, words, named, ids, norm=model.norm), _TRAINED_ONCE))
            continue
        (finding,) = findings([estimate], [rule(study, measure.raw)])
        evidence = f"{named}; noise of training: that of the study's grid; {sources([single], study.unseen_variance)}"
        evidence += remarks(measured, measure, [model.id, *found.standard])
        warned = regime.joined([warning, _own_warning(measured, study, measure, [model.id, *found.standard])])
        rows.append(finding.claim(said_of(measure, words, evidence, ids, norm=model.norm), warned))
    return rows


def _own_warning(measured: Measurements, study: Study, measure: Measure, ids: Sequence[str]) -> str | None:
    """Say which criteria fail of those of the models that are the user's own; None where none does."""
    (benchmark,) = (each for each in study.benchmarks if each.name == measure.raw.benchmark)
    own = [model for model in study.models if model.role == "extra" and model.id in ids]
    checks = regime.of_models(measured, study, benchmark, own)
    return regime.warning([*checks, *regime.of_own_saturation(measured, study, measure.raw, own)])


_TRAINED_ONCE = (
    "trained once, and nothing says how much a value varies from one training to another; that is learnt from the "
    "study's own grid, of three budgets or more of one architecture and norm, measured on the same benchmark; "
    "differences.csv has its interval over images alone"
)


def not_compared(measured: Measurements, study: Study) -> list[Claim]:
    """Return an undecided row, without a number, for each own model that was measured beside no standard one.

    Its evidence names the benchmarks, what is missing there, and the key of the config that says what to compare with.
    """
    pairs = {
        (found.model.id, metric.benchmark)
        for metric in study.reliance
        for found in compare(measured, study.models, metric).own
    }
    about = {metric.benchmark for metric in study.reliance}
    rows = []
    for model in study.models:
        if model.role != "extra" or not is_compared(model):
            continue
        of_model = dict.fromkeys(benchmark for name, benchmark, _ in measured if name == model.id)
        lonely = [name for name in of_model if name in about and (model.id, name) not in pairs]
        if not lonely:
            continue
        names = baseline(study.models, model)
        if names:
            why = f"its standard model {', '.join(names)} was not measured there; add them to the benchmarks of both"
        else:
            why = (
                f"no standard model of architecture {model.architecture} is in the study; name one by the "
                f"key reference in the entry of {model.id} under imagenet.extra"
            )
        said = Said(
            f"{RELIANCE}.{model.id}",
            f"{model.id} ({training(model)}, a model of your own) relies on backgrounds more than a standard "
            f"one: not compared on {', '.join(study.titles[name] for name in lonely)}.",
            "none: no standard model to compare with",
            ", ".join(lonely),
            norm=model.norm,
            benchmarks=" ".join(lonely),
            models=" ".join([model.id, *names]),
        )
        rows.append(not_tested(said, why))
    return rows


def _standard_name(found: Difference) -> str:
    reference = found.model.reference
    return f"the standard {found.model.architecture}" if reference is None else f"its reference {reference}"
