"""The jobs of a study that put images through networks, and what each of them does."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tradeoffs.benchmarks import work as benchmark_work
from tradeoffs.benchmarks.work import Estimate, Images
from tradeoffs.cost import decoded
from tradeoffs.step.errors import InputError
from tradeoffs.study import plan
from tradeoffs.study.model import Config, Model
from tradeoffs.training import work as training_work

TRAIN = 1_281_167  # images of ImageNet's training set; of its validation set:
VAL = 50_000


class Job(NamedTuple):
    """One training or evaluation; ``part``: its benchmark; ``done``: whether its result is there, stale or not."""

    rule: str
    part: str
    model: Model
    estimate: Estimate
    done: bool


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
    study = config["study"]
    for model in models:
        if model.source == "train":
            most = training(config, model)
            found.append(Job("train", "", model, most, Path(f"results/{study}/models/{model.id}/card.json").is_file()))
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
            found.append(Job("evaluate", benchmark, model, estimate, card.is_file()))
    names = [(job.part, job.model.world) for job in found]
    estimates, size = decoded.shared(
        zip(names, (job.estimate for job in found), strict=True), plan.decoded_gigabytes(config) * 1e9
    )
    found = [job._replace(estimate=estimate) for job, estimate in zip(found, estimates, strict=True)]
    return Listed(found, list(unknown), size)


def images(config: Config, model: Model, benchmark: str, settings: Config, counting: bool) -> Images:
    """Return the numbers of images that a benchmark's work is counted from, in a model's world."""
    module = benchmark_work.find(benchmark)
    roots = {name: Path("resources", config["study"], model.world, name) for name in plan.read_by(benchmark)}
    found: Images
    if counting and all((root / "fingerprint.json").is_file() for root in roots.values()):
        found = module.counted(settings, roots)
    elif config["study"] == "miniature":
        found = module.miniature(config["miniature"]["data"]["images"])
    else:
        found = module.PUBLISHED
    return found


def training(config: Config, model: Model) -> Estimate:
    """Return what a training does."""
    train, val = TRAIN, VAL
    if config["study"] == "miniature":
        train, val = (config["miniature"]["data"]["images"][split] for split in ("train", "val"))
    return Estimate(*training_work.estimate(model.spec, train, val))
