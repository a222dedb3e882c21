"""A row of claims.csv, the same for exact statements about theory and measured ones about networks."""

from typing import NamedTuple

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
LINEAR_MODEL, NETWORKS = "linear model", "networks"
# A detail is one of many looks, and shows where an effect comes from: conclusions do not rest on it.
CONCLUSION, DETAIL = "conclusion", "detail"


class Claim(NamedTuple):
    """A row of claims.csv; its fields are the columns.

    ``subject``: the linear model or the networks. ``norm`` and ``background_scale``: those that a row is about alone.
    """

    claim: str
    statement: str
    statistic: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    verdict: str
    subject: str
    scope: str
    norm: str | None
    background_scale: float | None
    evidence: str
