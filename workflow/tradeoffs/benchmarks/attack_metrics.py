"""Names of the metrics under attack: composed and read here, and nowhere else."""

import re
from typing import NamedTuple

_NAME = re.compile(
    r"accuracy_(?P<clean>.+)|adversarial_accuracy_(?P<domain>.+)_(?P<norm>l1|l2|linf)_eps(?P<epsilon>[-+.0-9e]+)"
)


class Attack(NamedTuple):
    """Where and how an accuracy is measured; ``norm`` none and budget 0: without attack."""

    domain: str
    norm: str = "none"
    epsilon: float = 0.0  # as in a model's id: l1 and l2 in pixel units, linf in 1/255


def metric_name(attack: Attack) -> str:
    """Return the name of the metric."""
    if attack.norm == "none":
        return f"accuracy_{attack.domain}"
    return f"adversarial_accuracy_{attack.domain}_{attack.norm}_eps{attack.epsilon:g}"


def margin_name(domain: str) -> str:
    """Return the name of the mean distance to the decision boundary in a domain."""
    return f"clean_margin_{domain}"


def read_name(name: str) -> Attack | None:
    """Return the attack that a metric of :func:`metric_name` is about; None for any other metric."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return Attack(match["clean"]) if match["clean"] else Attack(match["domain"], match["norm"], float(match["epsilon"]))
