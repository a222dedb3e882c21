"""Whose pictures may stand in a page or report that is passed on: what each data set's declaration says.

The miniature's pictures are its own, whatever layout they are written in (``miniature/pictures.yaml``).
"""

from collections.abc import Iterable
from typing import NamedTuple

from tradeoffs.step.declared_data import data
from tradeoffs.step.yaml_files import ROOT, read

OWN = ROOT / "miniature" / "pictures.yaml"


class Rule(NamedTuple):
    """Whether pictures may be passed on (``embed``), on what licence they are, and why they may or may not."""

    embed: bool
    licence: str
    why: str


def rule(study: str, dataset: str) -> Rule:
    """Return the rule for the pictures of a data set of a study; KeyError for no data set."""
    if study == "miniature":
        own = read(OWN)
        return Rule(bool(own["embed"]), str(own["licence"]), str(own["embed_why"]))
    declared = data()[dataset]
    return Rule(declared.embed, declared.licence, declared.embed_why)


def may_embed(study: str, datasets: Iterable[str]) -> bool:
    """Whether the pictures of all of the data sets may be passed on."""
    return all(rule(study, name).embed for name in datasets)
