"""What summary, claims and figures are told: made by the rules from the validated config and the declarations.

Imports only what the Snakefile may import at every start; the steps themselves do not import this module.
"""

from typing import Any

from tradeoffs.claims import reference_run
from tradeoffs.step.declared_benchmarks import Benchmark, benchmarks
from tradeoffs.step.settings import canonical
from tradeoffs.study import examples, miniature, plan
from tradeoffs.study.replicates import headlines, most, until


def specification(config: dict[str, Any], replicates: int | None = None) -> str:
    """One canonical string: the study's name, the fields of :class:`.results.study.Model` of each, its benchmarks.

    ``replicates``: those that there are, where not all that there may be.
    """
    return canonical(_told(config, replicates))


def of_claims(config: dict[str, Any], replicates: int | None = None, level: float | None = None) -> str:
    """As :func:`specification`, with what verdicts depend on beside it: margins, criteria and, of a look, its level."""
    rules = config["claims"] | ({} if level is None else {"level": level})
    return canonical(_told(config, replicates) | rules | _on_noise(config))


def of_page(config: dict[str, Any], replicates: int | None = None) -> str:
    """As :func:`specification`, with where each model's weights come from and whose pictures are shown."""
    told = _told(config, replicates)
    models = plan.models(config)
    sources = {row["id"]: models[row["id"]].source for row in told["models"]}
    return canonical(told | {"sources": sources, "pictures": examples.shown(config)})


def of_look(config: dict[str, Any], number: int) -> str:
    """What the look after a replicate is told: as claims, and which look of how many it is, at how many headlines.

    Of benchmarks whose data are at hand: no replicate decides a headline of another.
    """
    study, at_hand = config[config["study"]], plan.available_benchmarks(config)
    told = _told(config, number)
    told["benchmarks"] = [benchmark for benchmark in told["benchmarks"] if benchmark["name"] in at_hand]
    planned = {"look": number, "looks": most(study), "hypotheses": headlines(at_hand)}
    return canonical(told | config["claims"] | planned | _on_noise(config))


def of_reference(config: dict[str, Any]) -> str:
    """What the comparison with the reference run is told: the settings that verdicts depend on, by dotted name."""
    return canonical({"settings": reference_run.flat(config), "reference": reference_run.digest()})


def _told(config: dict[str, Any], replicates: int | None) -> dict[str, Any]:
    models = plan.models(config)
    listed = until(models, replicates) if replicates is not None else models
    rows = [
        row | {"images": models[row["id"]].spec.get("images")} | _knobs(config, row)
        for row in plan.model_table(listed.values())
    ]
    return {"study": config["study"], "models": rows, "benchmarks": declared(config)}


def _on_noise(config: dict[str, Any]) -> dict[str, list[str]]:
    """Return the ids of models that claims take to be adversarially trained and that have no adversary; {}: none."""
    listed = [model for model in plan.models(config).values() if model.role not in (miniature.OBJECTIVES, "extra")]
    found = [model.id for model in listed if model.spec.get("objective") == "noise" and model.norm != "none"]
    return {"on_noise": found} if found else {}


def declared(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the fields of :class:`.results.metrics.Benchmark` of the study's benchmarks, in its order.

    Lists, because the order counts: the first measure of reliance is a benchmark's headline. All that the config lists,
    so that those whose data are missing can be called by their titles too.
    """
    known = benchmarks()
    return [told(name, known[name], config["study"]) for name in config[config["study"]]["benchmarks"]]


def told(name: str, declaration: Benchmark, study: str) -> dict[str, Any]:
    """Return the fields of :class:`.results.metrics.Benchmark`; families of metrics (accuracy_{group}) are left out.

    So is ``when``, which says in which cards a metric is: no table asks.
    """
    metrics = [
        {"name": metric} | {key: value for key, value in said.items() if key != "when"}
        for metric, said in declaration.metrics.items()
        if "{" not in metric
    ]
    return {
        "name": name,
        "title": declaration.title,
        "metrics": metrics,
        "rests_on": declaration.rests_on,
        "chance": declaration.chance_in(study),
    }


def _knobs(config: dict[str, Any], row: dict[str, Any]) -> dict[str, float | None]:
    """Return the settings of the model's training world; only the miniature's worlds have any."""
    if config["study"] != "miniature":
        return dict.fromkeys(miniature.KNOBS)
    world = miniature.worlds(config["miniature"])[row["world"]]
    return {knob: getattr(world, knob) for knob in miniature.KNOBS}
