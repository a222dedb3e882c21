"""What there is, and what each needs: read from the declarations beside the code, which is not imported."""

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from tradeoffs.claims import catalogue as claims
from tradeoffs.figures import catalogue as figures
from tradeoffs.models import catalogue, released_files, sources, zoo
from tradeoffs.step.command import Step
from tradeoffs.step.declared_benchmarks import benchmarks
from tradeoffs.step.declared_data import data
from tradeoffs.step.errors import InputError
from tradeoffs.step.yaml_files import ROOT

Rows = Iterable[tuple[str, ...]]
_PACKAGES = {"open_clip": "open-clip-torch"}  # that are called otherwise than what is imported


def _benchmarks() -> Rows:
    yield "benchmark", "title", "reads", "needs of the network", "measures first"
    for name, each in benchmarks().items():
        yield name, each.title, ", ".join(each.data), ", ".join(each.needs) or "logits", next(iter(each.metrics))


def _data() -> Rows:
    yield "data set", "title", "licence", "to have it"
    for name, each in data().items():
        fetched = "downloaded" if each.conditions == "none" else "accept the licence"
        how = f"{fetched}, or give a path" if each.archive else "give a path"
        yield name, each.title, each.licence, how


def _models() -> Rows:
    yield "released model", "architecture", "norm", "budget", "published clean accuracy"
    for each in released_files.RELEASED:
        yield each.model, each.architecture, each.norm, f"{each.epsilon:g}", f"{each.clean_accuracy:.2%}"


def _zoo() -> Rows:
    yield "model", "architecture", "norm", "budget", "published clean accuracy", "AutoAttack", "from"
    for each in zoo.listed():
        attacked = f"{each.autoattack.accuracy:.2%}" if each.autoattack else ""
        host = urlsplit(each.url or str(each.page)).hostname or ""
        fetched = host if each.url else f"{host}, by hand"
        budget = f"{each.epsilon:g}"
        yield each.name, each.architecture, each.norm, budget, f"{each.clean.accuracy:.2%}", attacked, fetched


def _sources() -> Rows:
    yield "source", "a model is named by", "file", "gives features"
    for name, each in sources.listed().items():
        file = "not needed" if each.pretrained else "needed"
        yield name, f"the {each.name}" if each.name != "none" else "its file", file, "yes" if each.features else "no"


def _ways() -> Rows:
    """What a model may be, as ``tradeoffs evaluate`` and ``tradeoffs.evaluate`` take it."""
    yield "model", "is", "needs"
    yield "torch.nn.Module", "in Python: what maps images to logits", "mean and std, unless it normalises by itself"
    for name, each in sources.listed().items():
        if each.own and each.pretrained:
            count = len(catalogue.names(name) or ())
            there = f"{count} networks" if count else f"not installed: pip install {_PACKAGES.get(name, name)}"
            weights = ".<weights>" if name == "open_clip" else "[.<weights>]"
            yield f"{name}/<name>{weights}", f"published weights ({there})", "nothing; the library fetches them"
    yield "zoo/<name>", f"one of {len(zoo.listed())} published models (tradeoffs list zoo)", "nothing; it is downloaded"
    yield (
        "<tensors>.pt",
        "a file of tensors, also .pth or .safetensors",
        "architecture; mean and std, unless the file brings them",
    )
    yield "<torchscript>.pt", "code with its weights", "trust; mean and std; shows no features"
    yield "<file.py>:<function>", "a function that makes the network", "trust; mean and std"


def _figures() -> Rows:
    yield "figure", "category", "reads", "drawn where the study has"
    for each in _drawn():
        yield each.name, each.category, ", ".join([*each.reads, *each.data]), each.when or "anything"


def _drawn() -> Iterator[figures.Entry]:
    """Yield all figures, those of a family one by one."""
    for each in figures.catalogue():
        if each.family:
            for name, declared in benchmarks().items():
                yield each.member(name, title=declared.title, caption=declared.caption)
        else:
            yield each


def _claims() -> Rows:
    yield "claim", "is about"
    yield from claims.catalogue().items()


LISTS: dict[str, Callable[[], Rows]] = {
    "benchmarks": _benchmarks,
    "data": _data,
    "models": _models,
    "zoo": _zoo,
    "ways": _ways,
    "sources": _sources,
    "figures": _figures,
    "claims": _claims,
}


def miniature() -> list[str]:
    """Return the names of the data sets that the miniature has."""
    return [name for name in data() if (ROOT / "miniature" / f"{name}.py").is_file()]


def names(what: str) -> list[str]:
    """Return the names of what a list is about."""
    return [row[0] for row in LISTS[what]()][1:]


def step(what: str) -> Step:
    """Return the command that prints a list; InputError for one that there is not."""
    if what not in LISTS:
        raise InputError(f"list {what}: no such list; expected one of {', '.join(LISTS)}")
    return Step(f"List {what}", None, {}, lambda: print(table(LISTS[what]())), (), carded=False)


def table(rows: Rows) -> str:
    """Return rows as text, their columns aligned; the first row is the header."""
    listed = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in listed)
