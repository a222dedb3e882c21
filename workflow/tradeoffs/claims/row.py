"""A row of claims.csv, the same for exact statements about theory and measured ones about networks."""

from typing import NamedTuple

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"


class Claim(NamedTuple):
    """A row of claims.csv; its fields are the columns."""

    claim: str
    statement: str
    statistic: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    verdict: str
    evidence: str
