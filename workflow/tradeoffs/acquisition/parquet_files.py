"""Parquet files with images in them, as Hugging Face's hub has data sets: read row by row, laid out as a folder.

An image is a struct with its file's bytes (``bytes``, beside ``path``), or the bytes themselves. pyarrow is imported
here alone, when a file is read.
"""

import importlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.acquisition.contents import SOURCE
from tradeoffs.acquisition.storage import exclusive, explained
from tradeoffs.step.errors import InputError, RefusedError
from tradeoffs.step.files import read_json, write_json

PART = re.compile(r"(.*-)(\d{5})-of-(\d{5})\.parquet")  # of a set of files, as the hub numbers them
NOTE = "parquet.json"  # below a folder that was made, of which files: their names and sizes
PARQUET = ("waterbirds", "objectnet")  # the data sets that are read from such files


class Schema(NamedTuple):
    """``types`` of the columns by their names, as pyarrow writes them; ``features``: what Hugging Face says of each."""

    types: dict[str, str]
    features: dict[str, Any]


def files(folder: Path, pattern: str) -> list[Path]:
    """Return the parquet files of a pattern in ``folder`` or its ``data/``, in the order of their names.

    InputError where both have some, or where one set of files is there in two numbers of parts: images would count
    twice.
    """
    places = [sorted(place.glob(pattern)) for place in (folder, folder / "data")]
    if all(places):
        raise InputError(
            f"{folder}: {places[0][0].name} lies in it and others in data/; leave the files of one of the two"
        )
    found = sorted(path for listed in places for path in listed)
    first: dict[str, re.Match[str]] = {}  # of a set of files
    for path in found:
        if part := PART.fullmatch(path.name):
            other = first.setdefault(part[1], part)
            if other[3] != part[3]:
                raise InputError(
                    f"{path}: {other[0]} is of the same images in other parts; leave the files of one number"
                )
    return found


def make(out: Path, sources: Sequence[Path], write: Callable[[Path], None]) -> None:
    """Make the folder ``out`` of what ``write`` writes to the folder that it is given; it appears whole, by a rename.

    One that was made of the files ``sources`` already is kept, also where they are gone. InputError for one that was
    made of others, or unpacked from an archive, and whatever ``write`` raises, of which nothing is left.
    """
    sizes = {path.name: path.stat().st_size for path in sources}
    with exclusive(out), explained(out, "nothing is kept of what was written; run it again"):
        if (out / SOURCE).exists():
            raise InputError(f"{out}: was unpacked from an archive; move it away, or give another --out")
        if out.is_dir() and not any(out.iterdir()):
            out.rmdir()  # made by whoever wants to see an output there
        if out.exists():
            if (made_of := _sizes(out)) is None:
                raise InputError(f"{out}: was not made of parquet files; move it away, or give another --out")
            if sizes and made_of != sizes:
                raise InputError(
                    f"{out}: was made of other files than those of {sources[0].parent}; move it away, or give another "
                    "--out"
                )
            return
        staging = out.with_name(f".{out.name}.unpacking")
        shutil.rmtree(staging, ignore_errors=True)
        try:
            staging.mkdir(parents=True)
            write(staging)
            write_json(staging / NOTE, {"files": sizes})
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        staging.rename(out)


def _sizes(out: Path) -> Any:
    """Return the sizes of the files that a folder was made of, by their names; None where it does not say."""
    try:
        return read_json(out / NOTE)["files"]
    except RefusedError:
        raise
    except (InputError, LookupError, TypeError):
        return None


def schema(path: Path) -> Schema:
    """Return the columns of a file; InputError for one that is not readable, and where pyarrow is not installed."""
    found = _opened(path).schema_arrow
    types = {name: str(kind) for name, kind in zip(found.names, found.types, strict=True)}
    try:
        features = json.loads((found.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        features = {}
    return Schema(types, features if isinstance(features, dict) else {})


def rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; errors as :func:`schema`, InputError for columns that are missing or are damaged."""
    file = _opened(path)
    there = file.schema_arrow.names
    if missing := [name for name in columns if name not in there]:
        raise InputError(f"{path}: has no column {', '.join(missing)}; it has {', '.join(there)}")
    batches = file.iter_batches(batch_size=64, columns=list(columns))
    while True:
        try:
            batch = next(batches, None)
            found = batch.to_pylist() if batch is not None else []
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: damaged ({_said(error)}); get it again") from None
        if batch is None:
            return
        yield from found


def image_bytes(path: Path, column: str, value: object) -> bytes:
    """Return the bytes of an image's file; InputError where there are none."""
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes):
        raise InputError(f"{path}: {column} is {type(value).__name__} without bytes; expected the file's bytes")
    return content


def kind(content: bytes) -> str | None:
    """Return jpg, png or webp by what an image's file begins with; None for another."""
    for start, name in ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG", "png")):
        if content.startswith(start):
            return name
    return "webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def _opened(path: Path) -> Any:
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise InputError(f"{path}: pyarrow reads parquet files and is not installed: pip install pyarrow") from None
    try:
        return parquet.ParquetFile(path)
    except Exception as error:
        raise InputError(f"{path}: not a readable parquet file ({_said(error)}); get it again") from None


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
