"""A study as the steps that summarise it see it: its models and its benchmarks, told by their settings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from tradeoffs.models.ids import is_grid_name
from tradeoffs.results.metrics import Benchmark, Metric, benchmarks_of
from tradeoffs.step.errors import InputError
from tradeoffs.step.ranges import POSITIVE, Range

LEVEL = 0.05
NORMS = ("none", "l1", "l2", "linf")
CRITERIA = {"chance_margin", "standard_errors", "ceiling", "convergence"}


class Model(NamedTuple):
    """One model of the study. ``correlation``, ``background_scale``: of its training world; None where unknown."""

    id: str
    # main, control, correlation_sweep, background_scale_sweep, objective_sweep or extra (a model of the user's own)
    role: str
    architecture: str
    norm: str  # none, l1, l2 or linf
    epsilon: float  # as in the id: l1 and l2 in pixel units, linf in 1/255
    seed: int
    world: str
    benchmarks: tuple[str, ...]
    images: int | None  # training images
    correlation: float | None
    background_scale: float | None
    reference: str | None = None  # id of the standard model it is compared with; None: those of its architecture
    replicate: int = 1
    objective: str | None = None  # the name of its training, where that is its own: of a sweep, or of an own model


class Settings(NamedTuple):
    """Settings of summary and claims; what verdicts depend on is told to the claims alone."""

    study: str
    models: list[dict[str, Any]]  # of the fields of Model
    benchmarks: list[dict[str, Any]]  # of the fields of Benchmark
    margins: Annotated[Mapping[str, float], "smallest relevant difference of each measure, and of any other"] = {}
    criteria: Annotated[Mapping[str, float], "of a regime in which verdicts can be reached"] = {}
    level: Annotated[float, "of the tests: 0.05, or that of a look"] = LEVEL
    unseen_variance: Annotated[float, "what one replicate cannot see of another, as a share of its variance"] = 0.0
    on_noise: Annotated[Sequence[str], "ids of models of the grid and its sweeps that are trained on random noise"] = ()


class Study(NamedTuple):
    """A study's name, its models and its benchmarks, both in the study's order, and what verdicts depend on.

    ``margins``: the smallest relevant difference of a measure, by name (:meth:`margin`). ``criteria``: of the regime,
    as in the config. ``level``: of the tests. ``unseen_variance``: what one replicate cannot see of another, as a share
    of the variance that it does. ``on_noise``: ids of models that stand where adversarially trained ones are expected,
    and are trained on random noise.
    """

    name: str
    models: list[Model]
    benchmarks: list[Benchmark]
    margins: Mapping[str, float] = {}
    criteria: Mapping[str, float] = {}
    level: float = LEVEL
    unseen_variance: float = 0.0
    on_noise: Sequence[str] = ()

    def margin(self, metric: str) -> float | None:
        """Return the smallest relevant difference of a measure; None where nobody has fixed one."""
        return self.margins.get(metric, self.margins.get("other"))

    @property
    def reliance(self) -> list[Metric]:
        """All measures of reliance, the first of each benchmark its headline."""
        return [metric for benchmark in self.benchmarks for metric in benchmark.reliance]

    @property
    def titles(self) -> dict[str, str]:
        """What each benchmark is called."""
        return {benchmark.name: benchmark.title for benchmark in self.benchmarks}


def study_of(settings: Settings) -> Study:
    """Return the study of the settings. InputError names a missing or unknown key, and a model called like another."""
    models = [_model(position, row) for position, row in enumerate(settings.models)]
    listed = benchmarks_of(settings.benchmarks)
    for key, names in (("models", [model.id for model in models]), ("benchmarks", [each.name for each in listed])):
        if repeated := [name for name, times in Counter(names).items() if times > 1]:
            raise InputError(f"--spec: {key}: {repeated[0]} is there twice; name each once")
    _check_rules(settings)
    rules = (settings.margins, settings.criteria, settings.level, settings.unseen_variance, settings.on_noise)
    return Study(settings.study, models, listed, *rules)


def _check_rules(settings: Settings) -> None:
    """Raise InputError for rules of verdicts that make no sense."""
    if settings.criteria and settings.criteria.keys() != CRITERIA:
        odd = ", ".join(sorted(settings.criteria.keys() ^ CRITERIA))
        raise InputError(f"--spec: criteria: {odd} missing or unknown; expected {', '.join(sorted(CRITERIA))}")
    _check("level", settings.level, Range(0, 1, above=True, below=True))
    _check("unseen_variance", settings.unseen_variance, Range(0))
    for name, margin in settings.margins.items():
        _check(f"margins.{name}", margin, POSITIVE)
    for name, limit in settings.criteria.items():
        _check(f"criteria.{name}", limit, Range(0))


def _check(name: str, value: object, expected: Range) -> None:
    if not expected.holds(value):
        raise InputError(f"--spec: {name} = {str(value)[:80]}; expected {expected}")


def _model(position: int, row: Any) -> Model:
    optional = Model._field_defaults
    if not isinstance(row, dict) or (optional | row).keys() != set(Model._fields):
        keys = sorted((optional | row).keys() ^ set(Model._fields)) if isinstance(row, dict) else repr(row)
        raise InputError(f"--spec: models[{position}]: missing or unknown {keys}; expected {', '.join(Model._fields)}")
    model = Model(**row | {"benchmarks": tuple(row["benchmarks"])})
    if model.norm not in NORMS:
        raise InputError(f"--spec: {model.id}: norm = {model.norm!r}; expected one of {', '.join(NORMS)}")
    _check(f"{model.id}: epsilon", model.epsilon, Range(0) if model.norm == "none" else POSITIVE)
    if model.role == "extra" and is_grid_name(model.id, model.architecture, model.norm, model.epsilon):
        raise InputError(
            f"--spec: {model.id}, a model of your own, has a name that belongs to the study's grid, where it would "
            f"be taken for another replicate; give it another id, e.g. my_{model.id}"
        )
    return model
