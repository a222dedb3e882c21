"""Which figures a study has, and what each is told: the catalogue of figures, met with the config."""

from typing import Any

from tradeoffs.figures.catalogue import Entry, catalogue
from tradeoffs.results.standard import is_standard
from tradeoffs.step.declared_benchmarks import benchmarks
from tradeoffs.step.declared_data import data
from tradeoffs.study import pictures, plan, specification

THEORY = (  # tables that no study has of its own
    *("curves", "risks", "phase", "simulation", "pgd_simulation"),
    *("anticausal_curves", "anticausal_phase", "anticausal_simulation"),
)


def figures(config: dict[str, Any]) -> dict[str, Entry]:
    """Return the study's figures by name, those of a family one by one, in the order of the catalogue.

    A report is passed on, so that figures of pictures that may not be are none of the study's.
    """
    here = facts(config)
    at_hand = {name for benchmark in plan.available_benchmarks(config) for name in plan.read_by(benchmark)}
    found = [
        figure
        for entry in catalogue()
        if (entry.when is None or entry.when in here)
        and at_hand.issuperset(entry.data)
        and pictures.may_embed(config["study"], entry.data)
        for figure in (_family(entry, config) if entry.family else [entry])
    ]
    return {entry.name: entry._replace(label=entry.label or data()[entry.data[0]].title) for entry in found}


def facts(config: dict[str, Any]) -> set[str]:
    """Return what the ``when`` of a figure may ask for.

    The study, its benchmarks, the roles and sources of its models that are put through any; ``compared``, where
    anything stands beside the standard models: an attack's budget, or a model of the user's own; and ``published``,
    where others published numbers: of the imagenet study's grid, of models of the zoo.
    """
    models = [model for model in plan.models(config).values() if model.benchmarks]
    compared = any(not is_standard(model) or model.role == "extra" for model in models)
    known = config["study"] == "imagenet" and any(model.role == "main" or model.source == "zoo" for model in models)
    return {
        f"{config['study']}_study",
        *plan.available_benchmarks(config),
        *(model.role for model in models),
        *(model.source for model in models),
        *(["compared"] if compared else []),
        *(["published"] if known else []),
    }


def tables(figure: Entry, study: str) -> dict[str, str]:
    """Return where what a figure reads lies, by name: tables, and the folder of the models' cards."""
    places = {name: f"results/theory/{name}.csv" for name in THEORY}
    places |= {"theory_claims": "results/theory/claims.csv", "models": f"results/{study}/models"}
    return {name: places.get(name, f"results/{study}/{name}.csv") for name in figure.reads}


def told(config: dict[str, Any], figure: Entry) -> dict[str, Any] | None:
    """Return the settings of a figure; None for one that has none."""
    if figure.told == "simulation":
        return {"scale": config["theory"]["simulation"]["scale"]}
    if figure.told == "benchmark":
        return {
            "benchmarks": [
                each for each in specification.declared(config) if f"benchmark_{each['name']}" == figure.name
            ]
        }
    if figure.told is None:
        return None
    criteria = {"ceiling": config["claims"]["criteria"]["ceiling"]} if figure.told == "ceiling" else {}
    return {"benchmarks": specification.declared(config)} | criteria


def _family(entry: Entry, config: dict[str, Any]) -> list[Entry]:
    """Return the figure of each benchmark at hand that has metrics to draw."""
    known = benchmarks()
    return [
        entry.member(name, title=known[name].title, caption=known[name].caption)
        for name in plan.available_benchmarks(config)
        if any(metric.get("label") for metric in specification.told(name, known[name], config["study"])["metrics"])
    ]
