"""Which published models of the zoo (:mod:`tradeoffs.models.zoo`) the imagenet study has beside its grid."""

from pathlib import Path
from urllib.parse import urlsplit

from tradeoffs.models import released_files, zoo
from tradeoffs.models.zoo import Entry
from tradeoffs.step.errors import InputError
from tradeoffs.study.model import DEFAULT_WORLD, Config, Model, grid
from tradeoffs.study.published_data import DOWNLOADS

SOURCE = "zoo"
_WITH = ("zoo", "benchmarks", "reference")  # keys of an entry of imagenet.extra that go with a name of the zoo


def split(extra: list[Config], absent: Config) -> tuple[list[Config], list[Config]]:
    """Return the entries of ``imagenet.extra`` that are the user's own models, and those that name one of the zoo.

    ``absent``: what every key of an entry is where nothing is said. InputError for an entry that says both, or neither.
    """
    own, named = [], []
    for number, entry in enumerate(extra):
        where = f"config: imagenet.extra.{number}"
        if entry["zoo"] is None:
            if missing := [key for key in ("id", "source") if entry[key] is None]:
                raise InputError(f"{where}: {', '.join(missing)} is missing; or name a model of the zoo as zoo: ...")
            own.append(entry)
            continue
        if given := [key for key, value in entry.items() if key not in _WITH and value != absent.get(key)]:
            raise InputError(
                f"{where}: {', '.join(given)} beside zoo: {entry['zoo']}, whose entry says that; leave it out "
                "(benchmarks and reference may be given)"
            )
        if zoo.is_group(entry["zoo"]):
            raise InputError(f"{where}: zoo: {entry['zoo']!r} is many models; list it under imagenet.zoo")
        named.append(entry)
    return own, named


def models(study: Config, named: list[Config], benchmarks: tuple[str, ...], classes: int) -> list[Model]:
    """Return the models of ``imagenet.zoo`` and those that ``imagenet.extra`` names.

    InputError for an unknown name, one that is listed twice or is in the grid, and a file that must be got by hand and
    is not there. Of a group what the study has already, or what is not there, is left out.
    """
    wanted: dict[str, Config] = {}
    for place, entry in _listed(study, named):
        found = _found(place, entry["zoo"])
        if found.name in wanted:
            raise InputError(f"{place}: {entry['zoo']} is listed twice; remove one")
        if found.file in _grid_files(study):
            raise InputError(f"{place}: {entry['zoo']} is in the study's grid already; leave it out")
        if (reason := by_hand(found)) is not None:
            raise InputError(f"{place}: {found.name}: {reason}")
        wanted[found.name] = entry
    for name in filter(zoo.is_group, study["zoo"]):
        for member in _members("config: imagenet.zoo", name):
            if member.file not in _grid_files(study) and by_hand(member) is None:
                wanted.setdefault(member.name, {"benchmarks": None, "reference": None})
    return [_model(zoo.find(name), entry, benchmarks, classes) for name, entry in wanted.items()]


def downloads(study: Config, listed: list[Model]) -> dict[str, Config]:
    """Return the settings of :mod:`tradeoffs.acquisition.download` for the files of the zoo, by file name.

    A file that is got by hand is at its place; the download verifies it there. The address of the released checkpoints
    in the config is that of all at the same host.
    """
    found = {}
    for model in listed:
        if model.source == SOURCE:
            entry = zoo.find(model.spec["name"])
            sha256 = entry.sha256
            address = entry.address
            if entry.collection == released_files.COLLECTION:
                address = study["checkpoints"]["address"] or address
                sha256 = study["checkpoints"]["sha256"].get(entry.file, sha256)
            url = address.replace("{file}", entry.file) if address else entry.page
            found[entry.file] = {"urls": [url], "sha256": sha256, "md5": None, "size": None}
    return found


def left_out(study: Config) -> dict[str, str]:
    """Return the models of the groups in ``imagenet.zoo`` whose files must be got by hand and are not there."""
    names = [name for name in study["zoo"] if zoo.is_group(name)]
    found = {entry.name: by_hand(entry) for name in names for entry in _members("config: imagenet.zoo", name)}
    return {name: reason for name, reason in found.items() if reason is not None}


def by_hand(entry: Entry) -> str | None:
    """Say where to get a file whose host asks for a browser, and where to put it; None where it is there or fetched."""
    place = Path(DOWNLOADS, entry.file)
    if entry.url is not None or place.is_file():
        return None
    host = urlsplit(str(entry.page)).hostname
    return f"{host} asks for a browser: get {entry.page} by hand and put it at {place}, where it is verified"


def _listed(study: Config, named: list[Config]) -> list[tuple[str, Config]]:
    """Return place in the config and entry of each single model."""
    rest: Config = {"benchmarks": None, "reference": None}
    single = [rest | {"zoo": name} for name in study["zoo"] if not zoo.is_group(name)]
    return [("config: imagenet.zoo", entry) for entry in single] + [("config: imagenet.extra", each) for each in named]


def _members(place: str, name: str) -> tuple[Entry, ...]:
    try:
        return zoo.members(name)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _found(place: str, name: str) -> Entry:
    return _members(place, name)[0]


def _grid_files(study: Config) -> set[str]:
    """Return the files of the released checkpoints that are the study's grid."""
    if study["source"] != "released":
        return set()
    return {
        released_files.find(name, norm, epsilon).file
        for name in study["architectures"]
        for norm, epsilon in grid(study["budgets"])
    }


def _model(entry: Entry, said: Config, benchmarks: tuple[str, ...], classes: int) -> Model:
    wanted = said["benchmarks"]
    return Model(
        entry.id,
        "extra",
        entry.architecture.rsplit("/")[-1],
        entry.norm,
        entry.epsilon,
        0,
        DEFAULT_WORLD,
        {"name": entry.name, "classes": classes},
        tuple(name for name in benchmarks if wanted is None or name in wanted),
        SOURCE,
        entry.architecture,
        f"{DOWNLOADS}/{entry.file}",
        said["reference"],
        downloaded=True,
        objective=entry.objective,
    )
