"""A row of claims.csv, the same for exact statements about theory and measured ones about networks."""

from typing import NamedTuple

SUPPORTED, CONTRADICTED, EQUIVALENT, UNDECIDED = "supported", "contradicted", "equivalent", "undecided"
VERDICTS = (SUPPORTED, CONTRADICTED, EQUIVALENT, UNDECIDED)
LINEAR_MODEL, NETWORKS = "linear model", "networks"
# Headlines are the family of Holm's procedure, and what rests on them; a conclusion is one test of its own; what is
# exploratory is one of many looks, and shows where an effect comes from: no conclusion rests on it.
HEADLINE, CONCLUSION, EXPLORATORY = "headline", "conclusion", "exploratory"
RELIANCE = "background_reliance"  # the claim over all benchmarks; how the names of those on each measure begin


class Claim(NamedTuple):
    """A row of claims.csv; its fields are the columns, empty where they have no meaning.

    ``p_adjusted``: the p-value among those of its family (Holm). ``df``: degrees of freedom. ``rerun``: the chance that
    another study of the same size comes to the same verdict. ``margin``: the size of effect below which there is no
    relevant difference. ``level``: what its p-value, the family's where there is one, is compared with: 0.05, or that
    of the last look. ``subject``: the linear model or the networks. ``norm`` and ``background_scale``: those that a
    row is about alone. ``warning``: why no verdict is drawn. ``benchmarks`` and ``models``: names of what it rests on,
    separated by spaces. ``metric``: the one that it is about, raw; ``at_equal_accuracy``: whether standard models of
    equal clean accuracy are what it is compared with. ``missing``: why there are no numbers.

    ``statement``, ``statistic`` and ``evidence`` are for people: nothing is read back out of them.
    """

    claim: str
    statement: str
    statistic: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    verdict: str
    p_adjusted: float | None = None
    df: float | None = None
    replicates: int | None = None
    rerun: float | None = None
    margin: float | None = None
    level: float | None = None
    subject: str = NETWORKS
    scope: str = EXPLORATORY
    norm: str | None = None
    background_scale: float | None = None
    warning: str | None = None
    evidence: str = ""
    benchmarks: str = ""
    metric: str = ""
    models: str = ""
    at_equal_accuracy: bool = False
    missing: str = ""


class Said(NamedTuple):
    """What a row says whatever its numbers are: its columns of these names."""

    claim: str
    statement: str
    statistic: str
    evidence: str
    scope: str = EXPLORATORY
    norm: str | None = None
    background_scale: float | None = None
    benchmarks: str = ""
    metric: str = ""
    models: str = ""
    at_equal_accuracy: bool = False


def not_tested(said: Said, missing: str) -> Claim:
    """Return the row of what nothing can be said of: undecided, no numbers; its evidence ends with what is missing."""
    known = said._replace(evidence=f"{said.evidence}: {missing}")._asdict()
    return Claim(**known, value=None, ci_low=None, ci_high=None, p_value=None, verdict=UNDECIDED, missing=missing)
