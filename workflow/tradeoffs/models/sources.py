"""Where a model of the user's can come from, and what its architecture is called in this workflow."""

from tradeoffs.step.errors import InputError

SOURCES = ("torchvision", "timm", "state_dict", "torchscript")
ARCHITECTURES = ("basic", "bottleneck", "resnet18", "resnet50")  # that have a name of their own, without a library's


def architecture(source: str, name: str | None) -> str:
    """Return the architecture to evaluate a converted model with, as ``networks.load`` takes it.

    ``name`` is the model's name in the library (torchvision, timm), the architecture itself (state_dict: ``resnet50``,
    ``torchvision/vit_b_16``), or None (torchscript: the file is the network).
    """
    if source not in SOURCES:
        raise InputError(f"source: {source!r} is unknown; choose one of {', '.join(SOURCES)}")
    if source == "torchscript":
        if name is not None:
            raise InputError(
                f"name: {name!r} has no meaning for source torchscript (the file is the network); use null"
            )
        return "torchscript"
    if not name:
        raise InputError(f"name: missing; source {source} needs the name of a network")
    return name if source == "state_dict" else f"{source}/{name}"
