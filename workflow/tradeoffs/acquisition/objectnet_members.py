"""Which members of ObjectNet's archive the benchmark needs: the classes that ImageNet has too, and the mappings."""

import json
from pathlib import Path

from tradeoffs.acquisition.zip_archive import read_member
from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import decoded

OVERLAP = "objectnet_overlap"

_MAPPINGS = "objectnet-1.0/mappings"
NEEDED = [f"{_MAPPINGS}/*"]  # what says which others


def overlap_members(archive: Path, password: str | None) -> list[str]:
    """Return globs of the folders of classes with an ImageNet counterpart, by the archive's own mappings.

    113 of ObjectNet's 313 classes and about a third of its images. Raises InputError for an archive without
    the mappings, or mappings that are broken.
    """
    labels = _mapping(archive, "folder_to_objectnet_label.json", password)
    counterparts = _mapping(archive, "objectnet_to_imagenet_1k.json", password)
    missing = sorted(counterparts.keys() - set(labels.values()))
    if missing:
        raise InputError(f"{archive}: {_MAPPINGS} knows no folder of {missing[0]!r}; is it the right archive?")
    chosen = sorted(folder for folder, label in labels.items() if label in counterparts)
    return [f"{_MAPPINGS}/*", *(f"objectnet-1.0/images/{folder}/*" for folder in chosen)]


def _mapping(archive: Path, name: str, password: str | None) -> dict[str, str]:
    member = f"{_MAPPINGS}/{name}"
    try:
        content = json.loads(decoded(read_member(archive, member, password), f"{archive}: {member}"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{archive}: {member} is not valid JSON ({error}); download it again") from None
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise InputError(f"{archive}: {member} does not map texts to texts; download it again")
    return content
