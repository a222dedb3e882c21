"""ObjectNet from parquet files, as the copy timm/objectnet-720p-in1k on Hugging Face is, laid out as published.

    [data/]*.parquet      one column of images, and one that says the class of each
    [mappings/]           ObjectNet's mappings, where they are at hand

The copy has the 113 classes that ImageNet has too; who wants it downloads it with an account of their own, and the
names of its columns are published nowhere. So the columns are found by what is in them: the images are the one column
of files' bytes, the class is a column all of whose values are classes by the mappings
(:mod:`tradeoffs.data.objectnet_classes`). Where several are, they must say the same of every image. An image is
written as its bytes are.

Its pixels are not those published: ``copy.json`` says what they are, counted, and evaluations say so in their cards.
"""

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tradeoffs.acquisition import parquet_files
from tradeoffs.acquisition.storage import explained, progress
from tradeoffs.data import images, red_border
from tradeoffs.data.objectnet import COPY, FOLDER, MAPPINGS
from tradeoffs.data.objectnet_classes import UnknownError, Value, Vocabularies, meaning, shared_folders, vocabularies
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import write_json

_BYTES = re.compile(r"struct<.*\bbytes: (large_)?binary\b.*>")
_PLAIN_BYTES = re.compile(r"(large_)?binary")
_NAME = r"(u?int\d+|(large_)?string|dictionary<values=(large_)?string\b.*)"
_CLASS = re.compile(rf"{_NAME}|(large_)?list<\w+: {_NAME}>")


def write(folder: Path, out: Path, mappings: Callable[[Path], None]) -> None:
    """Make ``out``, which holds the folder objectnet-1.0, from the parquet files in ``folder`` or its ``data/``.

    ``mappings`` writes ``objectnet-1.0/mappings/`` to the folder that it is given; it is called where ``folder`` has no
    ``mappings/``. The folder appears whole (:func:`tradeoffs.acquisition.parquet_files.make`). InputError for files
    that are missing, not readable, or in which the images or their classes are not plain to find, and for ``out`` that
    was made of others.
    """
    sources = parquet_files.files(folder, "*.parquet")
    parquet_files.make(out, sources, lambda staging: _write(folder, staging, mappings))


def _write(folder: Path, staging: Path, mappings: Callable[[Path], None]) -> None:
    paths, base = _files(folder), staging / FOLDER
    column, candidates = _columns(paths[0])
    if (folder / "mappings").is_dir():
        (base / "mappings").mkdir(parents=True)
        for name in MAPPINGS:
            with explained(folder / "mappings" / name):
                shutil.copyfile(folder / "mappings" / name, base / "mappings" / name)
    else:
        mappings(staging)
    known = vocabularies(base)
    classes = _classes(paths, candidates, known)
    if missing := sorted(shared_folders(known) - {name for found in classes.values() for name in found}):
        raise InputError(
            f"{folder}: has no image of {len(missing)} classes that ImageNet has too ({', '.join(missing[:5])}); get "
            "all its parquet files"
        )
    _write_images(paths, column, classes, base)


def _files(folder: Path) -> list[Path]:
    """Return the parquet files; InputError where there are none, and for one of a numbered series that is missing."""
    found = parquet_files.files(folder, "*.parquet")
    if not found:
        raise InputError(f"{folder}: has no *.parquet; expected the files of the copy")
    for path in found:
        if part := parquet_files.PART.fullmatch(path.name):
            for number in range(int(part[3])):
                other = path.with_name(f"{part[1]}{number:05d}-of-{part[3]}.parquet")
                if not other.is_file():
                    raise InputError(f"{other}: file not found, but {path.name} is of the same series; get it too")
    return found


def _columns(path: Path) -> tuple[str, list[str]]:
    """Return the column of images, and those that may say their classes; InputError where images are not plain."""
    types = parquet_files.schema(path).types
    found = [name for name, kind in types.items() if _BYTES.fullmatch(kind)]
    found = found or [name for name, kind in types.items() if _PLAIN_BYTES.fullmatch(kind)]
    if len(found) != 1:
        there = ", ".join(f"{name} ({kind})" for name, kind in types.items())
        raise InputError(
            f"{path}: {' and '.join(found) or 'no column'} may be the images; expected one column of files' bytes, "
            f"among {there[:400]}; give files with one"
        )
    return found[0], [name for name, kind in types.items() if _CLASS.fullmatch(kind)]


def _classes(paths: list[Path], candidates: list[str], known: Vocabularies) -> dict[Path, list[str]]:
    """Return the image folder of each row, by file, as all columns say that say classes."""
    told: dict[str, list[tuple[Path, int, Value]]] = {name: [] for name in candidates}
    for path in paths:
        names = {name: _names(parquet_files.schema(path).features.get(name)) for name in candidates}
        for number, row in enumerate(parquet_files.rows(path, candidates)):
            for name in candidates:
                told[name].append((path, number, tuple(_parts(row[name], names[name]))))
    found: dict[str, list[str]] = {}
    reasons: list[tuple[int, str]] = []
    for name, values in told.items():
        try:
            folders = meaning({value for _, _, value in values}, known)
        except UnknownError as error:
            path, number = next((path, number) for path, number, value in values if value == error.value)
            reasons.append((error.known, f"column {name}: {error} ({path.name}, row {number})"))
        except InputError as error:
            reasons.append((len(values), f"column {name}: {error}"))
        else:
            found[name] = [folders[value] for _, _, value in values]
    if not found:
        nearest = "; ".join(reason for _, reason in sorted(reasons, key=lambda reason: -reason[0])[:3])
        raise InputError(
            f"{paths[0]}: no column says the class of every image ({nearest or 'none has numbers or texts'}); "
            f"give files with one that holds, throughout, {' or '.join(known)}"
        )
    (first, classes), *others = found.items()
    for other, differing in others:
        for (path, number, _), one, another in zip(told[first], classes, differing, strict=True):
            if one != another:
                raise InputError(
                    f"{path}: row {number} is {one} by its column {first}, {another} by {other}; expected one class; "
                    "give files without the column that is none of classes"
                )
    by_file: dict[Path, list[str]] = {path: [] for path in paths}
    for (path, _, _), folder in zip(told[first], classes, strict=True):
        by_file[path].append(folder)
    return by_file


def _names(feature: Any) -> list[str]:
    """Return the names of a column's classes, or of those in its lists, as Hugging Face's metadata say; [] for none."""
    while isinstance(feature, dict | list) and feature:
        if isinstance(feature, list):
            feature = feature[0]
        elif feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
            return [str(name) for name in feature["names"]]
        else:
            feature = feature.get("feature")
    return []


def _parts(value: Any, names: list[str]) -> list[str]:
    """Return what a cell calls its class, by name where it is a number and there are names."""
    if isinstance(value, list):
        return [part for each in value for part in _parts(each, names)]
    if isinstance(value, int) and names:
        return [names[value]] if 0 <= value < len(names) else [f"{value} (there are {len(names)} names)"]
    return [part.strip() for part in str(value).split(";")] if value is not None else []


def _write_images(paths: list[Path], column: str, classes: dict[Path, list[str]], base: Path) -> None:
    kinds: Counter[str] = Counter()
    sides, red, number = [], 0, 0
    for name in sorted({name for found in classes.values() for name in found}):
        (base / "images" / name).mkdir(parents=True)
    with progress("images", sum(path.stat().st_size for path in paths)) as bar:
        for path in paths:
            for row, name in zip(parquet_files.rows(path, [column]), classes[path], strict=True):
                content = parquet_files.image_bytes(path, column, row[column])
                kind, number = parquet_files.kind(content), number + 1
                if kind is None:
                    raise InputError(f"{path}: image {number} is no JPEG, PNG or WebP; get the file again")
                image = base / "images" / name / f"{number:05d}.{kind}"
                image.write_bytes(content)
                try:
                    pixels = images.image(image)
                except InputError as error:
                    reason = str(error).partition(": ")[2].partition(";")[0]
                    raise InputError(f"{path}: image {number}: {reason}; get the file again") from None
                bar.update(len(content))
                kinds[kind] += 1
                sides.append(min(pixels.shape[:2]))
                red += red_border.seen(pixels)
    said = (
        f"pixels of a copy, not those published: {number} images ({', '.join(sorted(kinds))}) with a shorter side of "
        f"{min(sides)} to {max(sides)} pixels; the red border is seen on {red}"
    )
    if red < number / 100:
        said += ", so it was cut off before, and the setting border: 0 cuts no more"
    counts = {"images": number, "red_border_seen": red, "kinds": dict(kinds)}
    write_json(base / COPY, {"pixels": said, **counts})
