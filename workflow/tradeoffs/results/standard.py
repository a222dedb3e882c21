"""What makes a model a standard one: it was trained on images as they are.

Lines through standard models, and what other models are compared with, are of such alone. A network that was trained
with another objective, such as adversarial propagation or noise, is none, even where no attack's norm and budget (norm
none) say how it was trained.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd


class Trained(Protocol):
    """What a model is told by: ``norm`` of its training, and its ``objective`` where that is one of its own."""

    @property
    def norm(self) -> str:
        """None, l1, l2 or linf."""

    @property
    def objective(self) -> str | None:
        """What it is called; None: plain training, standard or adversarial as the norm says."""


def is_standard(model: Trained) -> bool:
    """Whether it is a standard model."""
    return model.norm == "none" and model.objective is None


def marked(table: "pd.DataFrame") -> "pd.Series":
    """Return for each row of a table of models (columns norm, objective) whether its model is a standard one."""
    found: pd.Series = (table["norm"] == "none") & table["objective"].isna()
    return found


def training(model: Trained) -> str:
    """Return how it was trained, in words: standard, linf-trained, trained with AdvProp."""
    if model.objective is not None:
        return f"trained with {model.objective}"
    return "standard" if is_standard(model) else f"{model.norm}-trained"
