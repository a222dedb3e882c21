"""What there is: ``tradeoffs list benchmarks``, and so on. Read from the declarations; nothing heavy is imported."""

from collections.abc import Callable, Iterator
from functools import partial

from tradeoffs.claims import catalogue as claims
from tradeoffs.figures import catalogue as figures
from tradeoffs.models import released_files, sources
from tradeoffs.step.command import Step
from tradeoffs.step.declarations import benchmarks, data
from tradeoffs.step.errors import InputError


def step(what: str) -> Step:
    """Return the step that lists one kind of thing; InputError for an unknown kind."""
    if what not in LISTS:
        raise InputError(f"what: {what!r} is unknown; choose one of {', '.join(LISTS)}")
    return Step(f"List the {what}.", None, {}, partial(run, what), (__name__,), carded=False)


def run(what: str) -> None:
    """Print one line for each thing, and below it one for each of its settings."""
    for line in LISTS[what]():
        print(line)


def _benchmarks() -> Iterator[str]:
    for name, declared in benchmarks().items():
        needs = f"; needs {', '.join(declared.needs)}" if declared.needs else ""
        yield f"{name}: {declared.title}; reads {', '.join(declared.data)}{needs}"
        for key, setting in declared.settings.items():
            defaults = ", ".join(f"{study} {setting[study]}" for study in ("miniature", "imagenet") if study in setting)
            yield f"    {key}: {setting['description']} ({defaults})"


def _data() -> Iterator[str]:
    for name, declared in data().items():
        address = declared.archive.urls[0] if declared.archive else "never downloaded"
        yield f"{name}: {declared.title}; {declared.licence}; forbids {declared.forbids}; {address}"


def _models() -> Iterator[str]:
    for entry in released_files.RELEASED:
        yield f"{entry.model}: clean accuracy {entry.clean_accuracy}; {entry.address}"


def _sources() -> Iterator[str]:
    for name, source in sources.listed().items():
        yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in source._asdict().items())


def _figures() -> Iterator[str]:
    for entry in figures.catalogue():
        yield f"{entry.name}: {entry.category}{f'; {entry.label}' if entry.label else ''}"


def _claims() -> Iterator[str]:
    for name, about in claims.catalogue().items():
        yield f"{name}: {about}"


LISTS: dict[str, Callable[[], Iterator[str]]] = {
    "benchmarks": _benchmarks,
    "data": _data,
    "models": _models,
    "sources": _sources,
    "figures": _figures,
    "claims": _claims,
}
