"""What a benchmark is, reads, needs and measures: YAML beside its module, which is read and not imported.

A reworded title or meaning changes no code: code ids see Python only.
"""

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.step.declared_data import data
from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import read_text
from tradeoffs.step.yaml_files import ROOT, read


class Benchmark(NamedTuple):
    """What a benchmark is, reads, needs and measures.

    ``settings``: JSON Schema of each, with the default of each study. ``metrics``: what is said of each, the headline
    first: ``direction`` (``more`` where high values mean much reliance on the background, ``less`` where low ones do),
    ``meaning`` in claims, ``label`` of its axis in the figure of the benchmark (none: it has no row there),
    ``normalised`` where it is a gap of two accuracies over the largest possible, ``gap`` where it is an accuracy lost
    with the background and 0 its floor, ``when`` where not every card has it.
    A name with a part in braces is that of a family. ``rests_on``: the accuracies without which its measures of
    reliance say nothing: where the largest of them is near chance the network has not seen the object, where the least
    is near 1 there is nothing to lose. ``chance``: the accuracy of the best answer that is the same for all
    images, in each study or in both; none: nothing rests on it.
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
        """Return the accuracy of the best constant answer in a study."""
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
        raise InputError(
            f"{path}: chance is missing; expected the accuracy of the best constant answer, beside rests_on"
        )
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
