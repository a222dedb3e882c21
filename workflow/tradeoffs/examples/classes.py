"""What the classes of ImageNet's layout are called."""

from pathlib import Path

from tradeoffs.data.names import imagenet_classes
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json


def class_names(root: Path, split: str, classes: int) -> list[str]:
    """Return the names of a network's ``classes``, by class index.

    Those of ``labels.json`` beside the splits, which the miniature has, else the wnids. InputError for a file that does
    not name each class, and for class folders that are not the network's.
    """
    wnids = [folder.name for folder in imagenet_classes(root / split, classes)]
    path = root / "labels.json"
    if not path.is_file():
        return wnids
    said = read_json(path)
    if not isinstance(said, dict) or any(not isinstance(said.get(str(label)), str) for label in range(classes)):
        raise InputError(f"{path}: does not name each of the {classes} classes; move it away, or make the data again")
    return [said[str(label)] for label in range(classes)]
