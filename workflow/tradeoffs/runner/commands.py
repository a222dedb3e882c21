"""The commands: what each verb of ``tradeoffs`` is, and which module does it. Nothing is imported before it is known.

    tradeoffs --help
    tradeoffs evaluate waterbirds --help

A step is a module with ``run`` (:mod:`tradeoffs.step.command`); a verb with a part (a benchmark, a figure) has a module
with ``step(part)``.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

from tradeoffs.step.command import Step, execute, step_of
from tradeoffs.step.errors import exit_code


class Verb(NamedTuple):
    """One verb: what it does; its module below ``tradeoffs``; what its part is called, if it has one."""

    text: str
    module: str
    part: str | None = None


VERBS = {
    "evaluate": Verb("put a model through a benchmark", "benchmarks.evaluate", "benchmark"),
    "train": Verb("train a model, standard or adversarially", "training.train"),
    "convert": Verb("make weights of this workflow from a model of another source", "models.convert", "source"),
    "download": Verb("fetch a file, verified and resumed", "acquisition.download"),
    "unpack": Verb("unpack an archive", "acquisition.unpack"),
    "assemble": Verb("assemble a published data set from its parts", "acquisition.assemble"),
    "fingerprint": Verb("verify a data folder", "acquisition.fingerprint"),
    "miniature": Verb("make a data set of the miniature", "miniature.make", "dataset"),
    "summary": Verb("tidy table of every metric of every model", "results.summary"),
    "claims": Verb("claims, statistics and verdicts", "claims.command"),
    "published": Verb("published numbers, and ours beside them", "results.published"),
    "missing": Verb("table of the data that are missing", "results.missing"),
    "figure": Verb("draw a figure", "figures.command", "figure"),
    "theory": Verb("exact minimisers of adversarially trained linear regression", "theory.command", "part"),
    "list": Verb("list benchmarks, data, models, sources, figures or claims", "runner.listing", "what"),
}


def step(verb: str, part: str | None) -> Step:
    """Return the step of a verb and, where it has one, its part. InputError for an unknown part."""
    module = importlib.import_module(f"tradeoffs.{VERBS[verb].module}")
    if VERBS[verb].part is None:
        return step_of(module)
    found: Step = module.step(part)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(
        prog="tradeoffs",
        description="Does adversarial training make an image classifier rely more on backgrounds, and when?",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        # The options are the step's, which is imported once it is known: here only what it is about.
        sub = verbs.add_parser(name, help=verb.text, description=verb.text, add_help=verb.part is not None)
        if verb.part:
            sub.add_argument("part", metavar=verb.part)
    given = argv[:2] if argv[:1] and argv[0] in VERBS and VERBS[argv[0]].part else argv[:1]
    known = parser.parse_args(given)
    part = getattr(known, "part", None)
    command = " ".join(filter(None, (known.verb, part)))
    return exit_code(lambda: execute(step(known.verb, part), command, argv[len(given) :]))


if __name__ == "__main__":
    sys.exit(main())
