"""What summary and claims are told about the models: made by the rules from the validated config.

Imports only what the Snakefile may import at every start; the steps themselves do not import this module.
"""

from typing import Any

from tradeoffs.step.settings import canonical
from tradeoffs.study import miniature, plan

KNOBS = ("correlation", "background_scale")


def specification(config: dict[str, Any]) -> str:
    """One canonical string: the study's name and, for each model, the fields of :class:`.table.Model`."""
    models = plan.models(config)
    rows = [
        row | {"images": models[row["id"]].spec.get("images")} | _knobs(config, row)
        for row in plan.model_table(models.values())
    ]
    return canonical({"study": config["study"], "models": rows})


def _knobs(config: dict[str, Any], row: dict[str, Any]) -> dict[str, float | None]:
    """Return the settings of the model's training world; only the miniature's worlds have any."""
    if config["study"] != "miniature":
        return dict.fromkeys(KNOBS)
    world = miniature.world_spec(config, row["world"], "imagenet")
    return {knob: world[knob] for knob in KNOBS}
