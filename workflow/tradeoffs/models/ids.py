"""A model is an id, and the id says what it is: ``resnet18_linf_eps4``, ``basic_l2_eps0.5``, ``basic_standard``.

The linf budget in an id is in units of 1/255, as in the literature; an l2 budget is in pixel units of [0, 1].
Suffixes say what differs from the study's default: the world the model was trained in, the number of training
images, the seed where a study has several.
"""


def model_id(architecture: str, norm: str, epsilon: float, *suffixes: str) -> str:
    """Return the id of a model; norm ``none`` is standard training."""
    training = ["standard"] if norm == "none" else [norm, f"eps{epsilon:g}"]
    return "_".join([architecture, *training, *(suffix for suffix in suffixes if suffix)])


def pixel_epsilon(norm: str, epsilon: float) -> float:
    """Return the budget in pixel units of [0, 1]: an id's linf budget is in 1/255."""
    return epsilon / 255 if norm == "linf" else epsilon


def is_grid_name(name: str, architecture: str, norm: str, epsilon: float, seed: int | None) -> bool:
    """Say whether this is what the study's grid calls such a model; the tables know the user's own models by it."""
    expected = model_id(architecture, norm, epsilon)
    return name in (expected, f"{expected}_seed{seed}")
