"""A study as the steps that summarise it see it: its models and its benchmarks, told by their settings."""

from typing import Any, NamedTuple

from tradeoffs.models.ids import is_grid_name
from tradeoffs.results.metrics import Benchmark, Metric, benchmarks_of
from tradeoffs.step.errors import InputError


class Model(NamedTuple):
    """One model of the study. ``correlation``, ``background_scale``: of its training world; None where unknown."""

    id: str
    role: str  # main, correlation_sweep, background_scale_sweep, reference or extra (a model of the user's own)
    architecture: str
    norm: str  # none, l2 or linf
    epsilon: float  # as in the id: l2 in pixel units, linf in 1/255
    seed: int
    world: str
    benchmarks: tuple[str, ...]
    images: int | None  # training images
    correlation: float | None
    background_scale: float | None
    reference: str | None = None  # id of the standard model it is compared with; None: that of its architecture
    replicate: int = 1


class Settings(NamedTuple):
    """Settings of summary and claims."""

    study: str
    models: list[dict[str, Any]]  # of the fields of Model
    benchmarks: list[dict[str, Any]]  # of the fields of Benchmark


class Study(NamedTuple):
    """A study's name, its models and its benchmarks, both in the study's order."""

    name: str
    models: list[Model]
    benchmarks: list[Benchmark]

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
    return Study(settings.study, models, benchmarks_of(settings.benchmarks))


def _model(position: int, row: Any) -> Model:
    optional = Model._field_defaults
    if not isinstance(row, dict) or (optional | row).keys() != set(Model._fields):
        keys = sorted((optional | row).keys() ^ set(Model._fields)) if isinstance(row, dict) else repr(row)
        raise InputError(f"--spec: models[{position}]: missing or unknown {keys}; expected {', '.join(Model._fields)}")
    model = Model(**row | {"benchmarks": tuple(row["benchmarks"])})
    if model.role == "extra" and is_grid_name(model.id, model.architecture, model.norm, model.epsilon, model.seed):
        raise InputError(
            f"--spec: {model.id}, a model of your own, has a name that belongs to the study's grid, where it would "
            f"be taken for another seed; give it another id, e.g. my_{model.id}"
        )
    return model
