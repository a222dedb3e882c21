"""Which folder is which class: names are checked against what each data set publishes, and a place is no identity.

A class index is often the place of a folder among all in sorted order, so that one folder too few or too many gives
every later class another's label, and numbers near chance without a word. Whatever is missing or surplus is named.
Nothing here imports more than the standard library: the Snakefile checks a user's own copy before anything runs.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from tradeoffs.data.mappings import read_mapping, read_texts
from tradeoffs.data.wnids import MINIATURE, PUBLISHED
from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import IMAGE_SUFFIXES, entries, folders, is_file, is_folder

IMAGENET9_VARIANTS = (
    "original",
    "mixed_same",
    "mixed_rand",
    "mixed_next",
    "only_fg",
    "no_fg",
    "only_bg_b",
    "only_bg_t",
)
IMAGENET9_PUBLISHED = (
    "00_dog",
    "01_bird",
    "02_wheeled vehicle",
    "03_reptile",
    "04_carnivore",
    "05_insect",
    "06_musical instrument",
    "07_primate",
    "08_fish",
)


def imagenet_classes(split: Path, classes: int | None = None) -> list[Path]:
    """Return the class folders of a split in the order of their class indices.

    Every folder must be named by a wnid of the published 1,000, or every one by the miniature's. With ``classes``, the
    number of a network's classes, none of them may be missing; without, a part of the classes is a data set too.
    Raises InputError that names missing and surplus folders, or says how to sort images that lie in no folder.
    """
    found, loose = _sorted_out(split)
    if loose:
        raise InputError(
            f"{split}: {len(loose)} images ({loose[0]}, ...) lie in no class folder; move each into "
            f"{split.name}/<wnid>/ (the class of each published validation image is in ImageNet's devkit; the script "
            "valprep.sh of soumith/imagenetloader.torch sorts them)"
        )
    if not found:
        archives = [entry.name for entry in entries(split) if re.fullmatch(r"n\d{8}\.tar", entry.name)]
        hint = f"unpack its {len(archives)} archives, {archives[0]} into {archives[0][:-4]}/, " if archives else ""
        raise InputError(
            f"{split}: holds no class folders <wnid>/; {hint}unpack the data set there, or correct the path"
        )
    names = [folder.name for folder in found]
    known = _meant(names, classes)
    surplus = [name for name in names if name not in set(known)]
    missing = [name for name in known if name not in set(names)]
    if classes is not None and classes != len(known):
        raise InputError(
            f"{split}: {len(names)} class folders of the {len(known)} classes {known[0]} to {known[-1]}; the "
            f"network has {classes} classes, expected one each"
        )
    if surplus or (classes is not None and missing):
        raise InputError(
            f"{split}: {len(names)} class folders; expected the {len(known)} wnids {known[0]} to {known[-1]}, "
            f"{_difference(missing, surplus)}"
        )
    return found


def _meant(names: list[str], classes: int | None) -> tuple[str, ...]:
    """Return the list that most of the names are from; where none is from any, that of as many classes."""
    lists = sorted((PUBLISHED, MINIATURE), key=lambda known: len(known) != classes)
    return max(lists, key=lambda known: len(set(names) & set(known)))


def check_same_classes(root: Path, one: str, other: str) -> None:
    """Raise InputError unless two splits of ImageNet's layout have the same classes: one label, one class."""
    first, second = ({folder.name for folder in imagenet_classes(root / split)} for split in (one, other))
    if first != second:
        raise InputError(
            f"{root / other}: its classes are not those of {one}, {_difference(first - second, second - first)}"
        )


def imagenet9_classes(root: Path, variants: Iterable[str] | None = None) -> list[str]:
    """Return the class folders' names, the n-th beginning with the number n, of all variants that are there.

    ``root`` holds the folder bg_challenge; ``variants`` (and the masks' folder) that must be there besides. Raises
    InputError that names a folder whose number is missing, double or no number, and one that another variant lacks.
    """
    base = root / "bg_challenge"
    there = [entry.name for entry in entries(base) if is_folder(entry)]
    places = [name for name in (*IMAGENET9_VARIANTS, "fg_mask") if name in there or name in set(variants or ())]
    if not places:
        raise InputError(
            f"{base / 'original' / 'val'}: folder not found; unpack the data set there, or correct the path"
        )
    names = {place: [folder.name for folder in folders(base / place / "val")] for place in places}
    everywhere = sorted({name for listed in names.values() for name in listed})
    numbers: dict[int, str] = {}
    for name in everywhere:
        holder = next(place for place in places if name in names[place])
        number = re.match(r"(\d\d)_.", name)
        if number is None:
            raise InputError(f"{base / holder / 'val' / name}: not a class folder such as 00_dog; move it away")
        if int(number[1]) in numbers:
            raise InputError(
                f"{base / holder / 'val' / name}: the number {number[1]} is that of {numbers[int(number[1])]} too; "
                "remove the one that is wrong, or unpack the data set again"
            )
        numbers[int(number[1])] = name
    for place in places:
        for name in sorted(set(everywhere) - set(names[place])):
            other = next(held for held in places if name in names[held])
            raise InputError(
                f"{base / place / 'val' / name}: folder not found, but {base / other / 'val'} has it; unpack again"
            )
    for number_of in range(max(numbers) + 1):
        if number_of not in numbers:
            raise InputError(
                f"{base / places[0] / 'val'}: no folder {number_of:02d}_...; the folders' numbers are the labels, "
                f"expected 00 to {max(numbers):02d}; unpack the data set again"
            )
    return everywhere


def check_imagenet9_mapping(path: Path, names: list[str]) -> None:
    """Raise InputError where in_to_in9.json, if it is there, has a label that no class folder has, or the reverse."""
    if not is_file(path):
        return
    labels = {label for label in read_mapping(path).values() if isinstance(label, int) and label >= 0}
    folders_of = set(range(len(names)))
    if labels != folders_of:
        missing, surplus = (
            sorted(f"{label:02d}_..." for label in some) for some in (labels - folders_of, folders_of - labels)
        )
        raise InputError(
            f"{path}: its labels are not the numbers of the class folders; folders {_difference(missing, surplus)}"
        )


def objectnet_folders(base: Path) -> list[Path]:
    """Return the image folders of ObjectNet; ``base`` is the folder objectnet-1.0.

    Raises InputError for a folder that the mapping gives no label, and where one with an ImageNet counterpart is
    missing.
    """
    images, labels_file = base / "images", base / "mappings" / "folder_to_objectnet_label.json"
    labels = read_texts(labels_file)
    shared = read_texts(base / "mappings" / "objectnet_to_imagenet_1k.json")
    found = folders(images)
    for folder in found:
        if folder.name not in labels:
            raise InputError(f"{folder}: folder has no label in {labels_file}; unpack the data set again")
    there = {folder.name for folder in found}
    for name, label in labels.items():
        if label in shared and name not in there:
            raise InputError(f"{images / name}: folder not found; unpack the data set again")
    return found


def check_imagenet(root: Path, splits: Iterable[str]) -> None:
    """Check the whole published ImageNet: each of the splits holds all classes. Errors as :func:`imagenet_classes`."""
    for split in splits:
        imagenet_classes(root / split, len(PUBLISHED))


def check_train_folder(train: Path) -> None:
    """Check that training images are sorted into class folders; a part of the classes is enough to look images up."""
    found, loose = _sorted_out(train)
    if loose or not any(folder.name in set(PUBLISHED) for folder in found):
        imagenet_classes(train)


def _check_rival10(root: Path) -> None:
    base = root / "RIVAL10"
    for split in ("train", "test"):
        for kind in ("ordinary", "entire_object_masks"):
            entries(base / split / kind)
    read_mapping(base / "meta" / "label_mappings.json")
    read_texts(base / "meta" / "wnid_to_class.json")


def _check_salient_imagenet(root: Path) -> None:
    _require_file(root / "salient_imagenet_dataset" / "wordnet_dict.py")


def _check_imagenet9(root: Path) -> None:
    base = root / "bg_challenge"
    names = imagenet9_classes(root, (*IMAGENET9_VARIANTS, "fg_mask"))
    missing = [name for name in IMAGENET9_PUBLISHED if name not in names]
    surplus = [name for name in names if name not in IMAGENET9_PUBLISHED]
    if missing or surplus:
        raise InputError(
            f"{base}/*/val: {len(names)} class folders; expected the {len(IMAGENET9_PUBLISHED)} of "
            f"{IMAGENET9_PUBLISHED[0]} to {IMAGENET9_PUBLISHED[-1]}, {_difference(missing, surplus)}"
        )
    check_imagenet9_mapping(root / "in_to_in9.json", names)


def _check_waterbirds(root: Path) -> None:
    _require_file(root / "waterbird_complete95_forest2water2" / "metadata.csv")


def _check_objectnet(root: Path) -> None:
    objectnet_folders(root / "objectnet-1.0")


# What a published data set must hold below the folder that a user names.
COPIES: dict[str, Callable[[Path], None]] = {
    "rival10": _check_rival10,
    "salient_imagenet": _check_salient_imagenet,
    "imagenet9": _check_imagenet9,
    "waterbirds": _check_waterbirds,
    "objectnet": _check_objectnet,
}


def check_copy(name: str, root: Path) -> None:
    """Check a user's copy of a published data set; one without a check of its own holds its folder, which is enough."""
    if name in COPIES:
        COPIES[name](root)


def _sorted_out(split: Path) -> tuple[list[Path], list[str]]:
    """Return the folders of a split, and the names of the images that lie beside them."""
    listed = entries(split)
    found = [split / entry.name for entry in listed if is_folder(entry)]
    return found, [entry.name for entry in listed if entry.name.lower().endswith(IMAGE_SUFFIXES)]


def _require_file(path: Path) -> None:
    if not is_file(path):
        raise InputError(f"{path}: file not found; unpack the data set again, or correct its path")


def _difference(missing: Iterable[str], surplus: Iterable[str]) -> str:
    parts = [
        f"{len(names)} {what}: {', '.join(map(repr, names[:5]))}{', ...' if len(names) > 5 else ''}"
        for what, names in (("missing", sorted(missing)), ("surplus", sorted(surplus)))
        if names
    ]
    return "; ".join(parts) + "; unpack or rename what is missing, move away what is surplus"
