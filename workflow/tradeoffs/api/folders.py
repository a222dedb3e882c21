"""Data as somebody has it: a folder of the workflow, or the published folder as it was unpacked; read, never written.

A folder of the workflow has a ``fingerprint.json``. Of another one the fingerprint is a hash over the paths and sizes
of its files, and begins with ``listing:``: its contents are not read for it, which would take hours.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tradeoffs.acquisition.contents import FINGERPRINT
from tradeoffs.acquisition.fingerprint import recorded
from tradeoffs.api.kinds import path_of
from tradeoffs.benchmarks.evaluate import find
from tradeoffs.data import clusters, names
from tradeoffs.step.cards import check
from tradeoffs.step.declared_data import DataSet, data
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import sha256
from tradeoffs.step.folders import is_file, unreadable, walk
from tradeoffs.step.similar import did_you_mean
from tradeoffs.study.published_data import folder_of, held

Places = str | Path | Mapping[str, str | Path]


class Folder(NamedTuple):
    """A data set's folder as its reader takes it, and its fingerprint."""

    root: Path
    fingerprint: str


@contextmanager
def opened(benchmark: str, given: Places, splits: Iterable[str] = ("val",)) -> Iterator[dict[str, Folder]]:
    """Give the folder of each data set that a benchmark reads; a path alone is that of the only one.

    ``splits``: of ImageNet's folder, those that are read. InputError for folders that are missing, of no data
    set or another, or incomplete.
    """
    wanted = find(benchmark).data
    if isinstance(given, str | Path):
        if len(wanted) > 1:
            each = ", ".join(f'"{name}": ...' for name in wanted)
            raise InputError(f"data: {given}; {benchmark} reads {' and '.join(wanted)}, expected {{{each}}}")
        given = {wanted[0]: given}
    if not isinstance(given, Mapping):
        raise InputError(f"data: {type(given).__name__}; expected a path, or names of data sets and their paths")
    paths = {}
    for name, path in given.items():
        if name not in data():
            raise InputError(
                f"data: {name!r} is no data set{did_you_mean(str(name), data())}; {benchmark} reads {', '.join(wanted)}"
            )
        paths[name] = path_of(f"data: {name}", path)
    for name in wanted:
        if name not in paths:
            raise InputError(f"data: no folder of {name}, which {benchmark} reads; give one")
    with ExitStack() as stack:
        yield {name: stack.enter_context(folder(name, paths[name], splits)) for name in wanted}


@contextmanager
def folder(name: str, path: Path, splits: Iterable[str] = ("val",)) -> Iterator[Folder]:
    """Give the folder of one data set at a path: what holds the published folder, this itself, or another layout.

    What is laid out otherwise is read through a link of the published name, which is there meanwhile.
    """
    declared = data()[name]
    published = declared.folder is None or declared.folder in (path.resolve().name, *_names(path))
    other = None if published else folder_of(name, str(path))
    if other is None:
        yield _as_published(name, path, splits)
        return
    with tempfile.TemporaryDirectory() as place:
        link = Path(place, str(declared.folder))
        link.symlink_to(other.absolute(), target_is_directory=True)
        try:
            yield _as_published(name, Path(place), splits)
        except InputError as error:
            raise InputError(str(error).replace(str(link), str(other))) from None


def _names(path: Path) -> list[str]:
    """Return the names of the folders at a path; none where it is no folder."""
    return [each.name for each in path.iterdir() if each.is_dir()] if path.is_dir() else []


def _as_published(name: str, path: Path, splits: Iterable[str]) -> Folder:
    """Return the folder of one data set at a path: that which holds the published folder, or this folder itself."""
    declared = data()[name]
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; expected {declared.title}'s, correct the path")
    marked = is_file(path / FINGERPRINT)
    if marked:
        check(path / FINGERPRINT, ours=False)
        said = recorded(path)
        if said["dataset"] != name and said["dataset"] in data():
            raise InputError(f"{path}: holds {data()[said['dataset']].title}; expected {declared.title}")
    root = path
    if declared.folder is not None:
        if not (path / declared.folder).is_dir() and path.resolve().name == declared.folder:
            root = path.resolve().parent
        if not (root / declared.folder).is_dir():
            there = f"expected {declared.title}, a folder that holds {held(name, str(path))}"
            raise InputError(f"{path}: {_what_it_is(path)}; {there}")
    for place, addresses in declared.files.items():
        if not is_file(root / place):
            raise InputError(
                f"{root / place}: file not found; it is published beside the archive, at {addresses[0]}: put it there, "
                f"or run: tradeoffs fetch {name}"
            )
    if declared.imagenet is not None and not (root / declared.imagenet).is_dir():
        raise InputError(
            f"{root / declared.imagenet}: folder not found; the images are those of ImageNet's {declared.imagenet}/: "
            "put a link to it there"
        )
    if marked:
        return Folder(root, said["fingerprint"])
    names.check_copy(name, root)
    return Folder(root, listed(root, declared, splits))


def listed(root: Path, declared: DataSet, splits: Iterable[str]) -> str:
    """Return the fingerprint of a folder that has none; of the table of clusters, a small file, the content counts."""
    parts = [declared.folder, *declared.files, declared.imagenet] if declared.archive else dict.fromkeys(splits)
    total = hashlib.sha256()
    if is_file(root / clusters.FILE):
        total.update(f"{sha256(root / clusters.FILE)} {clusters.FILE}\n".encode())
    for part in parts:
        if part is None:
            continue
        if is_file(root / part):
            total.update(f"{(root / part).stat().st_size} {part}\n".encode())
            continue
        for base, entries in walk(root / part):
            for entry in entries:
                try:
                    size = entry.stat().st_size
                except OSError as error:
                    raise unreadable(Path(entry.path), error) from None
                total.update(f"{size} {part}/{base}/{entry.name}\n".encode("utf-8", "surrogateescape"))
    return f"listing:{total.hexdigest()}"


def _what_it_is(path: Path) -> str:
    """Say which data set a folder is, if any."""
    for each in data().values():
        if each.folder and ((path / each.folder).is_dir() or path.name == each.folder):
            return f"holds {each.title}"
    return "holds no such data set"
