"""The claims about the linear model as a picture."""

from pathlib import Path
from typing import Annotated

from matplotlib.figure import Figure

from tradeoffs.claims.row import CONCLUSION, Claim
from tradeoffs.figures.claims import listing
from tradeoffs.results.reading import read_table


def draw(*, theory_claims: Annotated[Path, "claims.csv of the theory"]) -> Figure:
    """Draw one line per claim on which conclusions rest."""
    rows = read_table(theory_claims, Claim._fields, may_be_empty=True)
    return listing(
        rows[rows["scope"] == CONCLUSION],
        "Claims about the linear model, and what was found",
        "the theory's table has no claims",
    )
