"""Which models are shown with test images, and of which benchmarks: a rule, which looks at no result."""

from collections.abc import Iterable
from itertools import chain

from tradeoffs.results.standard import is_standard
from tradeoffs.step.declared_benchmarks import benchmarks, with_images
from tradeoffs.study import pictures, plan
from tradeoffs.study.model import Config, Model

MOST = 6  # models on a page
_NORMS = ("none", "linf", "l2")


def chosen(models: Iterable[Model]) -> list[Model]:
    """Return at most six models of the first replicate.

    Of each architecture of the main grid, in its order, the first standard model and those of the largest budget of
    linf and l2. Where the grid has no adversarially trained one, or there is none, the user's own follow in turn.
    """
    first = [model for model in models if model.replicate == 1 and model.benchmarks]
    main = [model for model in first if model.role == "main"]
    architectures = dict.fromkeys(model.architecture for model in main)
    found = list(chain.from_iterable(_of_architecture(main, name) for name in architectures))[:MOST]
    if all(is_standard(model) for model in found):
        found += [model for model in first if model.role == "extra"]
    return found[:MOST]


def _of_architecture(main: list[Model], architecture: str) -> list[Model]:
    own = [model for model in main if model.architecture == architecture]
    by_norm = ([model for model in own if model.norm == norm] for norm in _NORMS)
    return [max(listed, key=lambda model: model.epsilon) for listed in by_norm if listed]  # the first of equal ones


def shown(config: Config) -> list[str]:
    """Return the study's benchmarks whose images are shown, in its order: those with a module of their name for it."""
    through = {name for model in chosen(plan.models(config).values()) for name in model.benchmarks}
    return [name for name in plan.available_benchmarks(config) if name in with_images() and name in through]


def through(models: Iterable[Model], benchmark: str) -> list[Model]:
    """Return the chosen models that are put through a benchmark."""
    return [model for model in chosen(models) if benchmark in model.benchmarks]


def told(config: Config, benchmark: str) -> Config:
    """Return the settings of :mod:`tradeoffs.examples.command`."""
    keys = ("id", "role", "architecture", "norm", "epsilon", "objective")
    models = through(plan.models(config).values(), benchmark)
    return {
        "title": benchmarks()[benchmark].title,
        "models": [{key: getattr(model, key) for key in keys} for model in models],
        "pictures": pictures.rule(config["study"], plan.read_by(benchmark)[0])._asdict(),
    }
