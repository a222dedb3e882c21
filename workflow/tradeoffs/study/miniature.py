"""The miniature study: two small ResNets in the main grid, and the models of the sweeps, all trained here."""

from typing import NamedTuple

from tradeoffs.models.ids import model_id, pixel_epsilon
from tradeoffs.study.model import DEFAULT_WORLD, Config, Model, grid

CLASSES = 10
# A point of a sweep: architecture, norm and budget of a model, and where it differs from the main grid's.
Point = tuple[tuple[str, str, float], Config]
KNOBS = ("correlation", "background_scale")  # of a world; sweeps turn one of them


class World(NamedTuple):
    """What worlds differ in; the name is that of their folder. ``images``: of training, no more than its models see."""

    name: str
    correlation: float
    background_scale: float
    images: int


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
    for role, benchmark, points in _sweeps(study):
        if benchmark in everything:
            result += [model(role, *point, benchmarks=(benchmark,), **beside) for point, beside in points]
    return result


def _sweeps(study: Config) -> list[tuple[str, str, list[Point]]]:
    """Return each sweep: the role of its models, the benchmark that they go through, and its points."""
    sweeps = study["sweeps"]
    standard = [("none", 0.0)]
    scales = sweeps["background_scale"]
    reference = [
        ((architecture, "none", 0.0), {"images": images, "label": f"images{images}"})
        for architecture in study["architectures"]
        for images in sweeps["reference"]["images"]
    ]
    return [
        ("correlation_sweep", "adversarial", _over_worlds("correlation", sweeps["correlation"], standard)),
        ("background_scale_sweep", "imagenet9", _over_worlds("background_scale", scales, grid(scales["budgets"]))),
        ("reference", "objectnet", reference),
    ]


def _over_worlds(knob: str, sweep: Config, trainings: list[tuple[str, float]]) -> list[Point]:
    """Return the points of a sweep over a knob of the world: each value with each norm and budget."""
    return [
        ((sweep["architecture"], norm, epsilon), {"world": name, "images": sweep["images"], "label": name})
        for name in (_world_name(knob, value) for value in sweep["values"])
        for norm, epsilon in trainings
    ]


def worlds(study: Config) -> dict[str, World]:
    """Return the study's worlds by name: that of the main grid, and one for each value of a sweep over worlds."""
    data = study["data"]
    main = World(DEFAULT_WORLD, data["correlation"], data["background_scale"], data["images"]["train"])
    swept = [
        main._replace(name=_world_name(knob, value), images=study["sweeps"][knob]["images"], **{knob: float(value)})
        for knob in KNOBS
        for value in study["sweeps"][knob]["values"]
    ]
    return {world.name: world for world in (main, *swept)}


def _world_name(knob: str, value: float) -> str:
    return f"{knob}{value:g}"


def world_spec(config: Config, name: str, dataset: str) -> Config:
    """Settings of a miniature data set in a world: the study's own, with what is the world's. KeyError for no world."""
    data = config["miniature"]["data"]
    world = worlds(config["miniature"])[name]
    sizes = data["images"]
    spec = {key: value for key, value in data.items() if key != "images"}
    spec |= {knob: getattr(world, knob) for knob in KNOBS}
    if dataset == "imagenet":
        return spec | {"images": world.images, "test_images": sizes["val"]}
    return spec | {"images": sizes[dataset]}
