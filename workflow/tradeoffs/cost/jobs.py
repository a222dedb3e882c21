"""The jobs of a study that put images through networks, and what each of them does."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tradeoffs.benchmarks import work as benchmark_work
from tradeoffs.benchmarks.work import Estimate, Images
from tradeoffs.cost import decoded
from tradeoffs.data import imagenet_sizes
from tradeoffs.models import zoo
from tradeoffs.step.errors import InputError
from tradeoffs.study import plan
from tradeoffs.study.model import Config, Model
from tradeoffs.training import work as training_work


class Job(NamedTuple):
    """One training or evaluation; ``part``: its benchmark; ``done``: whether its result is there, stale or not.

    ``side``: pixels along each side of the images that its network sees; None: of whatever size they are stored in.
    """

    rule: str
    part: str
    model: Model
    estimate: Estimate
    done: bool
    side: int | None


class Listed(NamedTuple):
    """The jobs whose work is known, and a line for each thing that is not in their sum.

    ``decoded``: bytes of the images that are decoded once for all models.
    """

    jobs: list[Job]
    unknown: list[str]
    decoded: float


def listed(config: Config, models: Iterable[Model], *, counting: bool = False) -> Listed:
    """Return the trainings and evaluations of a study, all of them, finished or not.

    Numbers of images are those of the config in the miniature, and those published of published data sets; with
    ``counting`` those of the data that are assembled here already are counted instead.
    """
    found, unknown = [], dict[str, None]()
    known: dict[tuple[str, str], Images] = {}
    trained: dict[str, tuple[int, int]] = {}
    study = config["study"]
    for model in models:
        if model.source == "train":
            world = plan.training_world(config, model)
            if world not in trained:
                trained[world] = training_images(config, world, counting)
            estimate = Estimate(*training_work.estimate(model.spec, *trained[world]))
            card = Path(f"results/{study}/models/{model.id}/card.json")
            found.append(Job("train", "", model, estimate, card.is_file(), _side_of_training(config, model)))
        for benchmark in model.benchmarks:
            try:
                settings = plan.evaluation_spec(config, model, benchmark)
                place = benchmark, model.world
                if place not in known:
                    known[place] = images(config, model, benchmark, settings, counting)
                estimate = benchmark_work.find(benchmark).estimate(settings, known[place])
            except InputError as error:
                unknown[str(error)] = None
                continue
            card = Path(f"results/{study}/evaluations/{benchmark}/{model.id}.json")
            side = _side_of_evaluation(config, model, settings)
            found.append(Job("evaluate", benchmark, model, estimate, card.is_file(), side))
    names = [(job.part, job.model.world) for job in found]
    estimates, size = decoded.shared(
        zip(names, (job.estimate for job in found), strict=True), plan.decoded_gigabytes(config) * 1e9
    )
    found = [job._replace(estimate=estimate) for job, estimate in zip(found, estimates, strict=True)]
    return Listed(found, list(unknown), size)


def images(config: Config, model: Model, benchmark: str, settings: Config, counting: bool) -> Images:
    """Return the numbers of images that a benchmark's work is counted from, in a model's world."""
    module = benchmark_work.find(benchmark)
    world = plan.evaluation_world(config, model, benchmark)
    roots = {name: Path("resources", config["study"], world, name) for name in plan.read_by(benchmark)}
    found: Images
    if counting and all((root / "fingerprint.json").is_file() for root in roots.values()):
        found = module.counted(settings, roots)
    elif config["study"] == "miniature":
        found = module.miniature(config["miniature"]["data"]["images"])
    else:
        found = module.PUBLISHED
    return found


def training_images(config: Config, world: str, counting: bool) -> tuple[int, int]:
    """Return the numbers of images that trainings in a world have at hand: to train on, and to validate."""
    root = Path("resources", config["study"], world, "imagenet")
    if counting and (root / "fingerprint.json").is_file() and (root / "train").is_dir():
        from tradeoffs.data import imagenet

        return len(imagenet.read(root, "train").paths), len(imagenet.read(root, "val").paths)
    if config["study"] == "miniature":
        said = config["miniature"]["data"]["images"]
        return said["train"], said["val"]
    return imagenet_sizes.TRAIN, imagenet_sizes.VALIDATION


def usual_side(config: Config) -> int:
    """Return the side, in pixels, of the images of a study where nothing else is said."""
    side: int = config["miniature"]["data"]["image_size"] if config["study"] == "miniature" else 224
    return side


def _side_of_training(config: Config, model: Model) -> int | None:
    said: int | None = model.spec["image_size"]
    return usual_side(config) if said is None and config["study"] == "miniature" else said


def _side_of_evaluation(config: Config, model: Model, settings: Config) -> int:
    """Return the side to which a network of one size resizes, else that of the benchmark's images.

    An own model's size counts where the config says it: what a library published is not looked up.
    """
    published = zoo.find(model.spec["name"]).input_size if model.source == "zoo" else model.spec.get("input_size")
    said = (published, settings.get("crop"), settings.get("size"))
    return next((side for side in said if isinstance(side, int)), usual_side(config))
