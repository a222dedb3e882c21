"""Published ImageNet models by name: each file beside this one is a collection, and says where its models come from.

What all models of a collection share stands at its top, what one of them has otherwise beside its name. A new entry is
data alone; ``tests/models/test_zoo.py`` says what it must hold to.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.step.errors import InputError
from tradeoffs.step.similar import did_you_mean
from tradeoffs.step.yaml_files import read

FOLDER = Path(__file__).parent
ALL = "all"


class Accuracy(NamedTuple):
    """A published accuracy (fraction), the number of validation images behind it, and who published it."""

    accuracy: float
    images: int
    source: str


class Entry(NamedTuple):
    """One model.

    ``also``: other names of the same weights. ``architecture``: as ``networks.build`` takes it. ``address``: None where
    the host asks for a browser, and ``page`` says where the file is. ``sha256``: None where nobody published one; it is
    recorded at first use. ``keys``: the rule of ``key_rules.yaml``. ``mean``, ``std``: of channels of pixels in [0, 1];
    None: in the file. ``input_size``: pixels that the network takes; None: any. ``resize``, ``crop`` (pixels; resize
    None: not resized) and ``interpolation``: of the images that the accuracies were measured on. ``epsilon``: linf in
    1/255, l2 in pixel units, 0 with norm none. ``objective``: what its training is called where norm and budget do not
    say how it was trained; None: they do.
    """

    name: str
    collection: str
    architecture: str
    file: str
    address: str | None
    norm: str
    epsilon: float
    keys: str
    mean: list[float] | None
    std: list[float] | None
    input_size: int | None
    resize: int | None
    crop: int
    interpolation: str
    clean: Accuracy
    autoattack: Accuracy | None
    source: str
    licence: str
    sha256: str | None = None
    page: str | None = None
    also: tuple[str, ...] = ()
    note: str | None = None
    objective: str | None = None

    @property
    def id(self) -> str:
        """What the model is called in a study, whose ids have no hyphen."""
        return self.name.replace("-", "_")

    @property
    def url(self) -> str | None:
        """Address of the file; None where it is got by hand."""
        return self.address.replace("{file}", self.file) if self.address else None


@cache
def titles() -> dict[str, str]:
    """Return what each collection is called, by its name in the config."""
    return {path.stem: str(read(path).get("title")) for path in sorted(FOLDER.glob("*.yaml"))}


@cache
def collection(name: str) -> tuple[Entry, ...]:
    """Return the models of a collection; InputError names the file and the key that is wrong."""
    path = FOLDER / f"{name}.yaml"
    content = read(path)
    rows = content.pop("models", None)
    content.pop("title", None)
    if not isinstance(rows, list):
        raise InputError(f"{path}: models: missing; expected a list of entries")
    return tuple(_entry(path, number, content, row) for number, row in enumerate(rows))


@cache
def listed() -> tuple[Entry, ...]:
    """Return all models; InputError, as :func:`collection`, and for two of one name."""
    found = tuple(entry for name in titles() for entry in collection(name))
    seen: set[str] = set()
    for entry in found:
        for name in (entry.name, *entry.also):
            if name in seen:
                raise InputError(f"{FOLDER / entry.collection}.yaml: {name}: a second model of this name; rename one")
            seen.add(name)
    return found


def find(name: str) -> Entry:
    """Return the model of a name; InputError, with the names that come close, for an unknown one."""
    known = _by_name()
    if name not in known:
        raise InputError(f"{name!r} is no model of the zoo{did_you_mean(name, known)}; tradeoffs list zoo names them")
    return known[name]


def is_group(name: str) -> bool:
    """Whether a name stands for several models: ``all``, ``all linf``, ``all salman2020``."""
    return name.partition(" ")[0] == ALL


def members(name: str) -> tuple[Entry, ...]:
    """Return the models that a name stands for, one or a group; InputError for an unknown one."""
    if not is_group(name):
        return (find(name),)
    which = name.removeprefix(ALL).strip()
    if not which:
        return listed()
    norms = list(dict.fromkeys(entry.norm for entry in listed()))
    if which not in norms and which not in titles():
        choice = ", ".join(f"{ALL} {each}" for each in (*norms, *titles()))
        raise InputError(f"{name!r} is no part of the zoo; expected {ALL}, {choice}, or the name of a model")
    return tuple(entry for entry in listed() if which in (entry.norm, entry.collection))


@cache
def _by_name() -> dict[str, Entry]:
    return {name: entry for entry in listed() for name in (entry.name, *entry.also)}


def _entry(path: Path, number: int, shared: dict[str, Any], row: Any) -> Entry:
    """Return an entry, completed by what its collection says of all."""
    where = f"{path}: models[{number}]"
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected keys and their values, not {str(row)[:80]!r}")
    where = f"{where} ({row.get('name', 'no name')})"
    accuracies = {key: _accuracy(f"{where}: {key}", shared.get(key), row.get(key)) for key in ("clean", "autoattack")}
    values = {"collection": path.stem} | shared | row | accuracies
    unknown = values.keys() - set(Entry._fields)
    missing = set(Entry._fields) - values.keys() - Entry._field_defaults.keys()
    for kind, keys in (("unknown", unknown), ("missing", missing)):
        if keys:
            raise InputError(f"{where}: {kind} {', '.join(sorted(keys))}; an entry has {', '.join(Entry._fields)}")
    if values["clean"] is None:
        raise InputError(f"{where}: clean: null; expected the published accuracy, a fraction")
    return Entry(**values | {"epsilon": float(values["epsilon"]), "also": tuple(values.get("also", ()))})


def _accuracy(where: str, shared: Any, own: Any) -> Accuracy | None:
    """Return an accuracy: a fraction beside what the collection says of all, or all that there is to say of it."""
    if own is None:
        return None
    said = (shared or {}) | (own if isinstance(own, dict) else {"accuracy": own})
    if said.keys() != set(Accuracy._fields):
        raise InputError(f"{where}: {own!r}; expected a fraction, or {', '.join(Accuracy._fields)}")
    return Accuracy(**said)
