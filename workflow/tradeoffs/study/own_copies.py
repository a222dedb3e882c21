"""What the user keeps elsewhere, data at a ``path:`` and weights at a ``file:``, is looked at before every run.

First that it is what it should be, by name (:mod:`tradeoffs.data.names`), so that ``snakemake -n`` says what is wrong;
then whether it is what it was (:mod:`tradeoffs.acquisition.observed`), so that what depends on it is stale when it
is not, and only then: what counts is the content, not its time.
"""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tradeoffs.acquisition import observed
from tradeoffs.data import names
from tradeoffs.models import user_code
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json, sha256
from tradeoffs.study import imagenet, published_data
from tradeoffs.study.model import ATTACKED_WORLD, DEFAULT_WORLD, TRAINING_WORLD, Config, Model

RECORDS = Path("resources/observed")


class Seen(NamedTuple):
    """``data``: data set -> place -> '' or, once it has changed, its content id; ``weights``: model -> content id.

    A factory's code belongs to the content of its model.
    """

    data: dict[str, dict[str, str]]
    weights: dict[str, str]


def look(config: Config, models: dict[str, Model], *, again: bool = True) -> Seen:
    """Check and look at what the study takes from the user.

    Not ``again``: what was seen before, for the processes of a run that has begun. InputError for a copy that is not
    what was published, a part of it that cannot be read, and weights that are not there.
    """
    own = [model for model in models.values() if model.role == "extra"]
    weights = {model.id: Path(model.file) for model in own if model.file and not model.downloaded}
    if again:
        check(config)
        for name, file in weights.items():
            if not file.is_file():
                raise InputError(f"config: imagenet.extra, {name}: file = {str(file)!r}; no such file; correct it")
    found = {
        name: (observed.content if again else observed.recorded)(file, RECORDS).id for name, file in weights.items()
    }
    for name, digest in (imagenet.checksums(config["imagenet"]) if again and own else {}).items():
        file = weights[name]
        if found[name] != observed.of_file(digest, file.stat().st_size).id:
            raise InputError(
                f"config: imagenet.extra, {name}: file = {str(file)!r}; its SHA-256 is {sha256(file)}, expected "
                f"{digest} (sha256): get the file again, or correct that"
            )
    code = {model.id: _code(model) for model in own if model.spec.get("factory")}
    return Seen(
        {
            name: {
                place: observed.token(path, RECORDS, _assembled(name, place) if again else (), look=again)
                for place, path in places.items()
            }
            for name, places in _places(config).items()
        },
        found | {name: f"{found.get(name, '')} {digest}".strip() for name, digest in code.items()},
    )


def _assembled(name: str, place: str) -> set[str]:
    """Return the ids of what a place held when a data set was assembled from it, in any of its folders."""
    found = set()
    for world in (DEFAULT_WORLD, TRAINING_WORLD, ATTACKED_WORLD):
        fingerprint = Path("resources/imagenet", world, name, "fingerprint.json")
        with suppress(InputError, LookupError, TypeError):  # none, a broken one, or one of an older version
            found.add(str(read_json(fingerprint)["own"][place]))
    return found


def _code(model: Model) -> str:
    """Return the digest of the code of a model's factory; InputError where there is none."""
    try:
        return user_code.digest(model.spec["factory"])
    except InputError as error:
        raise InputError(f"config: imagenet.extra, {model.id}: {error}") from None


def check(config: Config) -> None:
    """Check the names in the user's copies of published data sets; InputError as :mod:`tradeoffs.data.names`."""
    if config["study"] != "imagenet":
        return
    study = config["imagenet"]
    for name, places in _places(config).items():
        if name == published_data.IMAGENET:
            names.check_imagenet(Path(study["data"][name]["path"]), places)
        elif (path := study["data"][name]["path"]) is not None and published_data.has_published_layout(name, path):
            names.check_copy(name, Path(path))
        if name != published_data.IMAGENET and "train" in places:
            names.check_train_folder(places["train"])


def _places(config: Config) -> dict[str, dict[str, Path]]:
    """Return, for each data set at hand, the places in it that come from the user's own files and folders."""
    if config["study"] != "imagenet":
        return {}
    study = config["imagenet"]
    absent = published_data.missing(study)
    found = {
        name: {
            place: Path(part)
            for place, part in published_data.parts(study, name).items()
            if not part.startswith(published_data.OURS)
        }
        for name in study["data"]
        if name not in absent
    }
    if published_data.IMAGENET in found:
        further = published_data.attacked_parts(study)
        further |= published_data.training_parts(study) if study["source"] == "train" else {}
        found[published_data.IMAGENET] |= {split: Path(path) for split, path in further.items()}
    return {name: places for name, places in found.items() if places}
