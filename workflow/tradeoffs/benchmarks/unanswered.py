"""Images to which a network gave no answer: counted as wrong, and said in the card."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.attacks.pgd import Loss
from tradeoffs.models.answers import NOT_FINITE, TIED, finite
from tradeoffs.step.errors import InputError

# Of the unchanged images: a network without an answer to nearly all of them is damaged, and its results say nothing.
_DAMAGED = 0.95


def unanswered(clean: NDArray[np.int64], found: NDArray[np.int64] | None = None) -> dict[str, Any]:
    """Return the card's ``unanswered``: of how many images, and how many had no finite logits, or tied ones, in a pass.

    ``clean`` [n]: the answers (:mod:`tradeoffs.models.answers`) on the unchanged images; ``found`` [n, passes]:
    those of all
    passes, where there are more. Says it on standard error too. InputError where the logits of nearly all unchanged
    images are not finite.
    """
    found = clean[:, None] if found is None else found
    lost = int((clean == NOT_FINITE).sum())
    if lost >= _DAMAGED * len(clean):
        raise InputError(
            f"logits are not finite (NaN or infinite) on {lost} of {len(clean)} unchanged images; the weights are "
            "damaged, or overflow in 16 bits: make them again, or convert the model in float32"
        )
    counts = {
        "images": len(found),
        "not_finite": int((found == NOT_FINITE).any(1).sum()),
        "tied": int((found == TIED).any(1).sum()),
    }
    for name, what in (("not_finite", "logits that are not finite"), ("tied", "a largest logit of several classes")):
        if counts[name]:
            print(f"no answer, counted as wrong: {counts[name]} of {len(found)} images have {what}", file=sys.stderr)
    return {"unanswered": counts}


class Watched:
    """A network that counts the points it is shown, and those where its logits are not finite."""

    def __init__(self, network: Loss) -> None:
        self._network = network
        self._shown = 0
        self._lost: Tensor | int = 0

    def __call__(self, x: Tensor) -> Tensor:
        """Return the network's logits of ``x``."""
        logits = self._network(x)
        self._shown += len(x)
        self._lost = self._lost + (~finite(logits.detach())).sum()
        return logits

    def share(self) -> float:
        """Share of the points that had logits that are not finite; 0 of none."""
        return float(self._lost) / max(1, self._shown)
