"""The commands: what each verb of ``tradeoffs`` is, and which module does it. Nothing is imported before it is known.

    tradeoffs --help
    tradeoffs evaluate waterbirds --help

A step is a module with ``run`` (:mod:`tradeoffs.step.command`); a verb with a part (a benchmark, a figure) has a module
with ``step(part)``.
"""

import importlib
import io
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from tradeoffs.step.command import Step, execute, parser, step_of
from tradeoffs.step.declared_benchmarks import benchmarks, with_images
from tradeoffs.step.errors import InputError, exit_code
from tradeoffs.step.similar import similar


class Verb(NamedTuple):
    """One verb: what it does; its module below ``tradeoffs``; what its part is called, if it has one.

    ``whole``: the module of the same without a part, which options say.
    """

    text: str
    module: str
    part: str | None = None
    whole: str | None = None


VERBS = {
    "evaluate": Verb(
        "put a model through a benchmark", "benchmarks.evaluate", "benchmark", whole="api.evaluate_command"
    ),
    "compare": Verb("paired differences of models on the same images", "api.compare_command"),
    "fetch": Verb("fetch a published data set, once its licence is accepted", "api.fetch", "dataset"),
    "train": Verb("train a model, standard or adversarially", "training.train"),
    "convert": Verb("make weights of this workflow from a model of another source", "models.convert", "source"),
    "download": Verb("fetch a file, verified and resumed", "acquisition.download"),
    "unpack": Verb("unpack an archive", "acquisition.unpack"),
    "assemble": Verb("assemble a published data set from its parts", "acquisition.assemble"),
    "fingerprint": Verb("verify a data folder", "acquisition.fingerprint"),
    "miniature": Verb("make a data set of the miniature", "miniature.make", "dataset"),
    "summary": Verb("tidy table of every metric of every model", "results.summary"),
    "look": Verb("whether the headline claims are decided, or another replicate is worth it", "claims.look"),
    "claims": Verb("claims, statistics and verdicts", "claims.command"),
    "reference": Verb("a study's verdicts beside those of the run that is published here", "claims.reference"),
    "published": Verb("published numbers, and ours beside them", "results.published"),
    "missing": Verb("table of the data that are missing", "results.missing"),
    "examples": Verb("test images, what models answered, and where they look", "examples.command", "benchmark"),
    "show": Verb("images of a benchmark from your own folder, as a local page", "api.show_command", "benchmark"),
    "page": Verb("the results page of a study: one file that opens without a network", "page.command"),
    "figure": Verb("draw a figure", "figures.command", "figure"),
    "theory": Verb("exact minimisers of adversarially trained linear regression", "theory.command", "part"),
    "cost": Verb("what a study costs before it runs: passes, bytes, hours", "cost.command"),
    "list": Verb(
        "what there is: benchmarks, data, models, the zoo, sources, figures or claims", "runner.listing", "list"
    ),
}


def parts(verb: str) -> list[str]:
    """Return the parts that a verb has, read from declarations: none of them is imported."""
    from tradeoffs.runner import listing

    if verb in ("examples", "show"):
        return with_images()
    match VERBS[verb].part:
        case "dataset":
            return listing.miniature() if verb == "miniature" else listing.names("data")
        case "part":
            return list(importlib.import_module("tradeoffs.theory.command").PARTS)
        case "list":
            return list(listing.LISTS)
    return listing.names(f"{VERBS[verb].part}s")


def step(verb: str, part: str | None) -> Step:
    """Return the step of a verb and, where it has one, its part. InputError for an unknown part."""
    facts = VERBS[verb]
    if facts.part is None or part is None:
        return step_of(importlib.import_module(f"tradeoffs.{facts.module if facts.part is None else facts.whole}"))
    module = importlib.import_module(f"tradeoffs.{facts.module}")
    try:
        found: Step = module.step(part)
    except InputError:
        if part not in (known := parts(verb)):
            raise InputError(
                f"tradeoffs {verb} {part}: no such {VERBS[verb].part}; expected {choice(str(part), known)}"
            ) from None
        raise
    return found


def described(verb: str, part: str | None) -> Step:
    """Return a step to be described: as :func:`step`, without what takes seconds to import where that can be."""
    from tradeoffs.runner import signatures

    facts = VERBS[verb]
    if facts.part is None or part is None:
        with suppress(NameError):  # a signature that rests on what its module imports
            return signatures.step(str(facts.whole or facts.module))
    if part is None or part not in parts(verb):
        return step(verb, part)
    if verb == "evaluate":
        return signatures.of_part(facts.module, f"benchmarks.{part}", benchmarks()[part])
    if verb == "convert":
        return signatures.of_part(facts.module, f"models.sources.{part}")
    if facts.part == "benchmark":
        return signatures.step(facts.module)
    if verb == "theory":
        return signatures.step(f"theory.{importlib.import_module('tradeoffs.theory.command').PARTS[part]}")
    return step(verb, part)


def choice(given: str, known: Iterable[str]) -> str:
    """Return what may have been meant, or all that is known where nothing is close."""
    names = list(known)
    return similar(given, names) or f"one of {', '.join(names)}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() not in ("utf-8", "utf8"):
        with suppress(OSError):  # of what cannot be changed; a letter that a terminal lacks loses no result elsewhere
            sys.stdout.reconfigure(errors="backslashreplace")
    return exit_code(lambda: _run(sys.argv[1:] if argv is None else list(argv)))


def _run(argv: list[str]) -> None:
    verb = argv[0] if argv else "--help"
    if verb in ("-h", "--help"):
        print(_help())
        return
    if verb not in VERBS:
        raise InputError(f"tradeoffs {verb}: no such command; expected {choice(verb, VERBS)}")
    by_options = VERBS[verb].whole is not None and argv[1:2] and argv[1].startswith("--") and argv[1] != "--help"
    found = described if {"-h", "--help"} & set(argv[1:]) else step
    if VERBS[verb].part is None or by_options:
        execute(found(verb, None), verb, argv[1:])
    elif verb == "list" and not argv[1:]:
        print(listed())
    elif argv[1:2] in ([], ["-h"], ["--help"]):
        print(_help_of_parts(verb))
    else:
        execute(found(verb, argv[1]), f"{verb} {argv[1]}", argv[2:])


def _help() -> str:
    calls = {verb: f"{verb} {(facts.part or '').upper()}".strip() for verb, facts in VERBS.items()}
    width = max(map(len, calls.values()))
    listed = [f"  {calls[verb]:{width}}  {facts.text}" for verb, facts in VERBS.items()]
    return "\n".join(
        [
            "usage: tradeoffs COMMAND ...",
            "",
            "Does adversarial training make an image classifier rely more on backgrounds, and when?",
            "The workflow runs these commands (snakemake --cores all); each runs by itself too.",
            "",
            *listed,
            "",
            "tradeoffs COMMAND --help says what a command takes.",
        ]
    )


def listed() -> str:
    """Return what a person asks first: the benchmarks, the data, what a model may be; and what else is listed."""
    from tradeoffs.runner import listing

    first = ("benchmarks", "data", "ways")
    tables = [listing.table(listing.LISTS[name]()) for name in first]
    return "\n\n".join([*tables, f"also: tradeoffs list {', '.join(n for n in listing.LISTS if n not in first)}"])


def _help_of_parts(verb: str) -> str:
    text, _, part, whole = VERBS[verb]
    known = parts(verb)
    return "\n".join(
        [
            f"usage: tradeoffs {verb} {str(part).upper()} ...",
            "",
            f"{text}; {str(part).upper()} is one of",
            *(f"  {name}" for name in known),
            "",
            *([] if verb == "list" else [f"tradeoffs {verb} {known[0]} --help says what it takes."]),
            *(["", "or, of any model:", "", parser(described(verb, None), verb).format_help()] if whole else []),
        ]
    ).rstrip()


if __name__ == "__main__":
    sys.exit(main())
