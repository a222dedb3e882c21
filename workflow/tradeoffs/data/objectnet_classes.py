"""What a copy of ObjectNet may call the class of an image, and the image folder that this is in the published set.

Names are compared without case, and with everything that is no letter or digit as one space: ``Winter glove``,
``winter_glove`` and ``winter glove`` are one name. An ImageNet class stands for the ObjectNet class it belongs to.
"""

import re
from collections.abc import Collection
from pathlib import Path

from tradeoffs.data.objectnet import classes, imagenet_labels
from tradeoffs.data.wnids import MINIATURE, PUBLISHED
from tradeoffs.step.errors import InputError

Value = tuple[str, ...]  # what one image's class is called: several names where ImageNet has several such classes
Vocabularies = dict[str, dict[str, str]]  # which names -> name -> image folder
INDICES = "ImageNet's class indices"


class UnknownError(InputError):
    """``value`` is no class; of the others ``known`` are."""

    def __init__(self, value: Value, known: int) -> None:
        super().__init__(f"{'; '.join(value)[:80] or 'nothing'!r} is no class")
        self.value, self.known = value, known


def vocabularies(base: Path) -> Vocabularies:
    """Return the names that classes may have by the mappings below ``base``, the folder objectnet-1.0.

    InputError for mappings that are missing or broken.
    """
    labels, mapping = classes(base)
    by_label = {label: folder for folder, label in labels.items()}
    folders = [by_label[label] for label in sorted(by_label)]
    shared = {index: folders[label] for index, label in enumerate(mapping.tolist()) if label >= 0}
    texts = imagenet_labels(base / "mappings")
    wnids = next((known for known in (PUBLISHED, MINIATURE) if len(known) == len(mapping)), ())
    return {
        "ObjectNet's folder names": {_plain(folder): folder for folder in labels},
        "ObjectNet's labels": {_plain(label): folder for label, folder in by_label.items()},
        "ImageNet's labels": {_plain(texts[index]): folder for index, folder in shared.items()},
        "wnids": {wnids[index]: folder for index, folder in shared.items()} if wnids else {},
        INDICES: {str(index): folder for index, folder in shared.items()},
    }


def shared_folders(known: Vocabularies) -> set[str]:
    """Return the image folders of the classes that ImageNet has too."""
    return set(known[INDICES].values())


def meaning(values: Collection[Value], known: Vocabularies) -> dict[Value, str]:
    """Return the image folder of each of ``values``, all of which one vocabulary knows.

    UnknownError where none knows all, of a value that the best does not; InputError where two mean different folders.
    """
    found = {}
    unknown: list[UnknownError] = []
    for kind, vocabulary in known.items():
        told = {value: folder for value in values if (folder := _folder(value, vocabulary))}
        if len(told) == len(values):
            found[kind] = told
        else:
            unknown.append(UnknownError(min(value for value in values if value not in told), len(told)))
    if not found:
        raise max(unknown, key=lambda error: error.known)
    (first, folders), *others = found.items()
    for other, differing in others:
        for value in folders:
            if folders[value] != differing[value]:
                raise InputError(f"{value[0]!r} is {folders[value]} by {first}, {differing[value]} by {other}")
    return folders


def _folder(value: Value, vocabulary: dict[str, str]) -> str | None:
    """Return the one folder that all parts of a value mean; None where there is not one."""
    folders = {vocabulary.get(_plain(part)) for part in value}
    return folders.pop() if len(folders) == 1 else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()
