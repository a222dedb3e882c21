"""Declarations: YAML beside the Python that says what a benchmark or a data set is, read without importing either.

A reworded title or another address changes no code: code ids see Python only.
"""

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import read_text
from tradeoffs.step.yaml_files import read

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Archive:
    """The archive of a data set as published: addresses of one and the same file, mirrors after the first.

    ``members``: globs of those to unpack, the name of a rule, or None for all. Checksums are lower-case hex, ``size``
    is in bytes; None where nobody published one.
    """

    file: str
    kind: str  # zip or tar.gz
    urls: list[str]
    members: list[str] | str | None = None
    password: str | None = None
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class DataSet:
    """What a data set is and where it comes from; ``archive`` None: never downloaded.

    ``folder``: what the archive, and a user's own copy, holds. ``files``: published beside the archive, by their place
    in the data set, with their addresses. ``layouts``: other folders of a user's copy that hold the same (``.``: the
    copy itself), each with a file in it that tells. ``imagenet``: the split of ImageNet whose images it describes.
    ``miniature``: the number of images of the miniature's and what they are. ``embed``: whether its pictures may stand
    in a page or report that is passed on, and ``embed_why`` or why not; where nothing is said they may not.
    """

    title: str
    licence: str
    forbids: str
    conditions: str | None = None  # "none": nothing is to be accepted
    folder: str | None = None
    archive: Archive | None = None
    files: dict[str, list[str]] = field(default_factory=dict)
    imagenet: str | None = None
    miniature: dict[str, Any] = field(default_factory=dict)
    layouts: dict[str, str] = field(default_factory=dict)
    embed: bool = False
    embed_why: str = "its declaration does not say that its pictures may be passed on"


@cache
def data(folder: Path = ROOT / "data") -> Mapping[str, DataSet]:
    """Return the declared data sets by name, in alphabetical order; InputError names file and key of a mistake."""
    return {path.stem: _data_set(path) for path in sorted(folder.glob("*.yaml"))}


def _data_set(path: Path) -> DataSet:
    found = _checked(read(path), DataSet, path, "")
    if (given := found.get("archive")) is not None:
        found["archive"] = archive = Archive(**_checked(given, Archive, path, "archive."))
        if archive.kind not in ("zip", "tar.gz"):
            raise InputError(f"{path}: archive.kind = {archive.kind!r}; expected zip or tar.gz")
        if archive.kind != "zip" and archive.password is not None:
            raise InputError(f"{path}: archive.password: a {archive.kind} archive has none; leave it out")
        if not found.get("folder"):
            raise InputError(f"{path}: folder is missing; expected the name of the folder that the archive holds")
    if found.get("conditions") not in (None, "none"):
        raise InputError(f"{path}: conditions = {found['conditions']!r}; expected none, or leave it out")
    miniature = found.get("miniature", {})
    if miniature and (miniature.keys() != {"images", "description"} or not isinstance(miniature["images"], int)):
        raise InputError(f"{path}: miniature = {miniature!r}; expected images (a number) and their description")
    return DataSet(**found)


def _checked(content: Any, kind: type[Any], path: Path, where: str) -> dict[str, Any]:
    """Return the keys of a part of a declaration; InputError for unknown, missing and mistyped ones."""
    if not isinstance(content, dict):
        raise InputError(f"{path}: {where.rstrip('.')} = {content!r}; expected keys and their values")
    names = [part.name for part in fields(kind)]
    optional = {p.name for p in fields(kind) if p.default is not MISSING or p.default_factory is not MISSING}
    for key in content:
        if key not in names:
            raise InputError(f"{path}: {where}{key}: unknown key; expected {', '.join(names)}")
    for key in names:
        if key not in content and key not in optional:
            raise InputError(f"{path}: {where}{key} is missing; expected {', '.join(names)}")
    for key, value in content.items():
        if not _is(value, key):
            expected = _EXPECTED.get(key, "text")
            raise InputError(f"{path}: {where}{key} = {str(value)[:80]!r}; expected {expected}")
    return dict(content)


_EXPECTED = {
    "urls": "a list of addresses that start with http:// or https://",
    "members": "a list of globs, the name of a rule, or null for all",
    "files": "places in the data set and, for each, a list of addresses",
    "size": "a number of bytes",
    "sha256": "64 lower-case hex digits",
    "md5": "32 lower-case hex digits",
    "file": "the name of a file: letters, digits and _ . + -",
    "archive": "keys and their values",
    "miniature": "keys and their values",
    "layouts": "folders, or a dot, and for each the name of a file in it",
    "embed": "true or false",
}
_PLAIN = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"


def _is(value: Any, key: str) -> bool:
    """Whether a value is what a key of :class:`DataSet` or :class:`Archive` may say."""
    if key in ("archive", "miniature"):
        return isinstance(value, dict)
    if key == "embed":
        return isinstance(value, bool)
    if key == "layouts":
        return isinstance(value, dict) and all(
            re.fullmatch(rf"\.|{_PLAIN}", str(folder)) and re.fullmatch(_PLAIN, str(file))
            for folder, file in value.items()
        )
    if key == "urls":
        return _addresses(value)
    if key == "files":
        places = isinstance(value, dict) and all(re.fullmatch(f"{_PLAIN}(/{_PLAIN})*", str(place)) for place in value)
        return places and all(_addresses(listed) for listed in value.values())
    if value is None:
        return key in ("members", "password", "sha256", "md5", "size")
    if key == "members" and isinstance(value, list):
        return bool(value) and all(isinstance(glob, str) for glob in value)
    if key == "size":
        return isinstance(value, int) and value > 0
    if not isinstance(value, str) or not value:
        return False
    pattern = {"sha256": "[0-9a-f]{64}", "md5": "[0-9a-f]{32}", "file": _PLAIN}.get(key)
    return pattern is None or re.fullmatch(pattern, value) is not None


def _addresses(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(re.fullmatch(r"https?://[^/\s]+/\S*", str(x)) for x in value)


class Benchmark(NamedTuple):
    """What a benchmark is, reads, needs and measures.

    ``settings``: JSON Schema of each, with the default of each study. ``metrics``: what is said of each, the headline
    first: ``direction`` (``more`` where high values mean much reliance on the background, ``less`` where low ones do),
    ``meaning`` in claims, ``label`` of its axis in the figure of the benchmark (none: it has no row there),
    ``normalised`` where it is a gap of two accuracies over the largest possible, ``gap`` where it is an accuracy lost
    with the background and 0 its floor, ``when`` where not every card has it.
    A name with a part in braces is that of a family. ``rests_on``: the accuracies without which its measures of
    reliance say nothing: where the largest of them is near chance the network has not seen the object, where the least
    is near 1 there is nothing to lose. ``chance``: accuracy of a guess, in each study or in both; none: nothing rests
    on it.
    """

    title: str
    caption: str
    data: list[str]
    needs: list[str]
    settings: dict[str, dict[str, Any]]
    metrics: dict[str, dict[str, Any]]
    rests_on: list[str] = []  # noqa: RUF012 (never written)
    chance: float | dict[str, float] | None = None

    def chance_in(self, study: str) -> float | None:
        """Return the accuracy of a guess in a study."""
        return self.chance.get(study) if isinstance(self.chance, dict) else self.chance


# What may be said of a metric, and the values it may have; none: any text.
_METRIC: dict[str, tuple[object, ...]] = {
    "direction": ("more", "less"),
    "normalised": (True, False),
    "gap": (True, False),
    "label": (),
    "meaning": (),
    "when": (),
}
# What a benchmark may need of a network beyond logits.
NEEDS = ("features", "gradients")
STUDIES = ("miniature", "imagenet")


@cache
def benchmarks(folder: Path = ROOT / "benchmarks") -> Mapping[str, Benchmark]:
    """Return the declared benchmarks by name, in alphabetical order; InputError names file and key of a mistake."""
    return {path.stem: _benchmark(path) for path in sorted(folder.glob("*.yaml"))}


def benchmark(name: str, folder: Path = ROOT / "benchmarks") -> Benchmark | None:
    """Return the declaration of one benchmark, for which no other is read; None where there is none of that name."""
    path = folder / f"{name}.yaml"
    return _benchmark(path) if name.isidentifier() and path.is_file() else None


@cache
def _benchmark(path: Path) -> Benchmark:
    found = read(path)
    if wrong := (found.keys() ^ set(Benchmark._fields)) - (Benchmark._field_defaults.keys() - found.keys()):
        names = ", ".join(Benchmark._fields)
        raise InputError(f"{path}: missing or unknown key {', '.join(sorted(map(str, wrong)))}; expected {names}")
    for key in ("title", "caption"):
        if not isinstance(found[key], str) or not found[key].strip():
            raise InputError(f"{path}: {key} = {found[key]!r}; expected text")
    _listed(
        path, "data", found["data"], list(data(path.parents[1] / "data")) if path.parent.name == "benchmarks" else None
    )
    _listed(path, "needs", found["needs"], NEEDS)
    if not found["data"]:
        raise InputError(f"{path}: data = []; expected the data sets that it reads, its own first")
    if len(set(found["data"])) < len(found["data"]):
        raise InputError(f"{path}: data = {found['data']!r}; expected each data set once")
    _check_settings(path, found["settings"])
    _check_said_of_metrics(path, found["metrics"])
    _check_rests_on(path, found)
    _check_module(path, found["settings"])
    return Benchmark(**found)


def _check_settings(path: Path, settings: Any) -> None:
    """Raise InputError for settings that are not described; their schemas are checked with the config's."""
    if not isinstance(settings, dict) or not all(isinstance(part, dict) for part in settings.values()):
        raise InputError(f"{path}: settings = {str(settings)[:80]!r}; expected names and the schema of each, or {{}}")
    for name, schema in settings.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise InputError(f"{path}: settings.{name}: no name of a field of Settings; expected letters, digits, _")
        if not isinstance(schema.get("description"), str):
            raise InputError(f"{path}: settings.{name}.description is missing; expected what the setting means")


def _check_said_of_metrics(path: Path, metrics: Any) -> None:
    """Raise InputError for metrics without a proper name, and for what cannot be said of one."""
    if not isinstance(metrics, dict) or not metrics:
        raise InputError(f"{path}: metrics = {metrics!r}; expected names and what is said of each")
    for metric, said in metrics.items():
        if not isinstance(metric, str) or not re.fullmatch(r"(\w|{[A-Za-z_]\w*})+", metric):
            raise InputError(f"{path}: metrics: {metric!r}; expected letters, digits, _ and parts in braces")
        if not isinstance(said, dict):
            raise InputError(f"{path}: metrics.{metric} = {said!r}; expected keys and their values, or {{}}")
        for key, value in said.items():
            if key not in _METRIC:
                raise InputError(f"{path}: metrics.{metric}.{key}: unknown key; expected any of {', '.join(_METRIC)}")
            if value not in _METRIC[key] if _METRIC[key] else not isinstance(value, str):
                expected = " or ".join(map(str, _METRIC[key])) or "text"
                raise InputError(f"{path}: metrics.{metric}.{key} = {value!r}; expected {expected}")
        if "direction" in said and not said.get("meaning"):
            raise InputError(f"{path}: metrics.{metric}.meaning is missing; claims say it of a measure of reliance")


def _check_rests_on(path: Path, found: dict[str, Any]) -> None:
    """Raise InputError where measures rest on what is no metric of the benchmark, or on accuracies without chance."""
    rests_on, chance = found.get("rests_on", []), found.get("chance")
    _listed(path, "rests_on", rests_on, [metric for metric in found["metrics"] if "{" not in metric])
    if chance is None and rests_on:
        raise InputError(f"{path}: chance is missing; expected the accuracy of a guess, beside rests_on")
    given = chance if isinstance(chance, dict) else {study: chance for study in STUDIES if chance is not None}
    for study, value in given.items():
        if study not in STUDIES or not isinstance(value, float) or not 0 < value < 1:
            raise InputError(
                f"{path}: chance = {chance!r}; expected a number between 0 and 1, or one for each of "
                f"{' and '.join(STUDIES)}"
            )


def _check_module(path: Path, settings: dict[str, Any]) -> None:
    """Raise InputError where no module fits the declaration: it is read, not imported, so that this takes no torch."""
    module = path.with_suffix(".py")
    if not module.is_file():
        raise InputError(f"{path}: there is no {module.name} beside it; write it, or remove this file")
    if not re.fullmatch("[a-z_][a-z0-9_]*", path.stem):
        raise InputError(f"{path}: {path.stem!r} names no benchmark; expected lower-case letters, digits and _")
    try:
        written = {
            node.name: node
            for node in ast.parse(read_text(module)).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
        }
    except SyntaxError as error:
        raise InputError(f"{module}, line {error.lineno}: not valid Python ({error.msg}); correct it") from None
    for name in ("Settings", "evaluate"):
        if name not in written:
            raise InputError(f"{module}: there is no {name}; expected class Settings and def evaluate, as the others")
    of_class = written["Settings"]
    if not isinstance(of_class, ast.ClassDef) or [ast.unparse(b) for b in of_class.bases] != ["EvaluationSettings"]:
        return  # with fields from elsewhere: compared when the module is imported
    own = {n.target.id for n in of_class.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    if wrong := sorted(own ^ settings.keys()):
        raise InputError(
            f"{path}: settings: {', '.join(wrong)} in one of the declaration and Settings of {module.name} only; "
            "expected the same in both"
        )


def _listed(path: Path, key: str, given: Any, known: Collection[str] | None) -> None:
    """Raise InputError for what is no list of the known names."""
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise InputError(f"{path}: {key} = {given!r}; expected a list of names")
    for name in given:
        if known is not None and name not in known:
            raise InputError(f"{path}: {key}: {name!r} is unknown; expected any of {', '.join(known)}")


def check_metrics(name: str, declared: Benchmark, measured: Iterable[str]) -> None:
    """Raise InputError where the metrics of a benchmark's result are not those that its declaration names."""
    left = dict.fromkeys(declared.metrics)
    for metric in measured:
        found = metric if metric in declared.metrics else family(metric, declared.metrics)
        if found is None:
            raise InputError(
                f"benchmarks/{name}.yaml: metrics: {metric} is not declared, but {name}.py measures it; add it"
            )
        left.pop(found, None)
    for metric in left:
        if "when" not in declared.metrics[metric]:
            raise InputError(
                f"benchmarks/{name}.yaml: metrics.{metric}: {name}.py does not measure it; remove it, or say when"
            )


def family(metric: str, declared: Iterable[str]) -> str | None:
    """Return the declared family that a metric belongs to; the first that fits."""
    for name in declared:
        parts = re.split(r"({\w+})", name)
        pattern = "".join(".+" if part.startswith("{") else re.escape(part) for part in parts)
        if len(parts) > 1 and re.fullmatch(pattern, metric):
            return name
    return None


def with_images() -> list[str]:
    """Return the benchmarks whose images a page shows, in alphabetical order: those with a module for it."""
    return sorted(path.stem for path in (ROOT / "examples" / "sets").glob("*.py") if path.stem != "__init__")


def meaning(setting: Mapping[str, Any]) -> str:
    """Return what a declared setting of a benchmark means, and its default in each study."""
    defaults = ", ".join(f"{study} {setting[study]}" for study in STUDIES if study in setting)
    return f"{setting['description']} ({defaults})"
