"""A model is an id, and the id says what it is: ``resnet18_linf_eps4``, ``basic_l2_eps0.5``, ``basic_standard``.

The linf budget in an id is in units of 1/255, as in the literature; an l2 budget is in pixel units of [0, 1].
Suffixes say what differs from the study's default: the world the model was trained in, the number of training images or
epochs, which copy of a standard model it is. Last comes the replicate, from the second on (``_rep2``), so that a study
that is given more replicates keeps what it has.
"""

import hashlib
import re

PLAIN = "plain"  # what claims call the main grid's training, beside trainings that have names


def model_id(architecture: str, norm: str, epsilon: float, *suffixes: str) -> str:
    """Return the id of a model; norm ``none`` is standard training."""
    training = ["standard"] if norm == "none" else [norm, f"eps{epsilon:g}"]
    return "_".join([architecture, *training, *(suffix for suffix in suffixes if suffix)])


def in_replicate(name: str, replicate: int) -> str:
    """Return the name of a model, or of its world, in a replicate; they count from 1, whose names are bare."""
    return name if replicate == 1 else f"{name}_rep{replicate}"


def training_seed(name: str, replicate: int) -> int:
    """Return the seed of a training, 31 bits, from its id in the first replicate and the number of its replicate.

    No two models share one: their trainings are independent, whatever else they share.
    """
    digest = hashlib.sha256(f"{name}, replicate {replicate}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


def pixel_epsilon(norm: str, epsilon: float) -> float:
    """Return the budget in pixel units of [0, 1]: an id's linf budget is in 1/255."""
    return epsilon / 255 if norm == "linf" else epsilon


def is_grid_name(name: str, architecture: str, norm: str, epsilon: float) -> bool:
    """Say whether this is what the study's grid calls such a model; the tables know the user's own models by it."""
    expected = re.escape(model_id(architecture, norm, epsilon))
    return re.fullmatch(rf"{expected}(_copy[0-9]+)?(_rep[0-9]+)?", name) is not None
