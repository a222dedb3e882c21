"""The miniature study: two small ResNets in the main grid, and the models of the sweeps, all trained here."""

from tradeoffs.models.ids import model_id, pixel_epsilon
from tradeoffs.study.model import DEFAULT_WORLD, Config, Model, grid

CLASSES = 10


def models(study: Config, benchmarks: tuple[str, ...]) -> list[Model]:
    """All models, for every seed; those of the main grid go through all ``benchmarks``.

    A sweep whose benchmark is not among them has no models.
    """
    return [model for seed in study["seeds"] for model in _models_of_seed(study, seed, benchmarks)]


def _models_of_seed(study: Config, seed: int, everything: tuple[str, ...]) -> list[Model]:
    suffix = f"seed{seed}" if len(study["seeds"]) > 1 else ""
    training = {key: value for key, value in study["training"].items() if key != "overrides"}

    def model(
        role: str,
        architecture: str,
        norm: str,
        epsilon: float,
        *,
        benchmarks: tuple[str, ...],
        world: str = DEFAULT_WORLD,
        images: int | None = None,
        label: str = "",
    ) -> Model:
        name = model_id(architecture, norm, epsilon, label, suffix)
        spec = training | {
            "architecture": architecture,
            "norm": norm,
            "epsilon": pixel_epsilon(norm, epsilon),
            "seed": seed,
            "images": images or study["data"]["images"]["train"],
        }
        spec |= study["training"]["overrides"].get(name, {})
        return Model(
            name, role, architecture, norm, epsilon, seed, world, spec, benchmarks, "train", architecture, None
        )

    result = [
        model("main", architecture, norm, epsilon, benchmarks=everything)
        for architecture in study["architectures"]
        for norm, epsilon in grid(study["budgets"])
    ]
    sweeps = study["sweeps"]
    sweep = sweeps["correlation"]
    result += [
        model(
            "correlation_sweep",
            sweep["architecture"],
            "none",
            0.0,
            benchmarks=("adversarial",),
            world=f"correlation{value:g}",
            images=sweep["images"],
            label=f"correlation{value:g}",
        )
        for value in sweep["values"]
        if "adversarial" in everything
    ]
    sweep = sweeps["background_scale"]
    result += [
        model(
            "background_scale_sweep",
            sweep["architecture"],
            norm,
            epsilon,
            benchmarks=("imagenet9",),
            world=f"background_scale{value:g}",
            images=sweep["images"],
            label=f"background_scale{value:g}",
        )
        for value in sweep["values"]
        for norm, epsilon in grid(sweep["budgets"])
    ]
    sweep = sweeps["reference"]
    result += [
        model(
            "reference",
            architecture,
            "none",
            0.0,
            benchmarks=("objectnet",),
            images=value,
            label=f"images{value}",
        )
        for architecture in study["architectures"]
        for value in sweep["images"]
    ]
    return result


def world_spec(config: Config, world: str, dataset: str) -> Config:
    """Settings of a miniature data set in a world: the study's own, with one of its knobs at a sweep's value."""
    data = config["miniature"]["data"]
    spec = {key: value for key, value in data.items() if key != "images"}
    sizes = data["images"]
    train = sizes["train"]
    for knob in ("correlation", "background_scale"):
        sweep = config["miniature"]["sweeps"][knob]
        for value in sweep["values"]:
            if world == f"{knob}{value:g}":
                spec[knob] = float(value)
                train = sweep["images"]  # no more than its models are trained on
    if dataset == "imagenet":
        return spec | {"images": train, "test_images": sizes["val"]}
    return spec | {"images": sizes[dataset]}
