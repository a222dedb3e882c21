"""Members of an archive on their way to a folder: which are wanted, where they may go, whole or not there at all."""

import filecmp
import fnmatch
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tradeoffs.acquisition.contents import CARD, FINGERPRINT, SOURCE, UNFINISHED, stray
from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import walk

_OWN = (SOURCE, FINGERPRINT, CARD)
_LONGEST = 255 - len(f".{UNFINISHED}")  # bytes of a name, as file systems allow, with what an unfinished member adds
_DEEPEST = 100  # folders; the deepest data set has five


def safe_name(archive: Path, name: str) -> str:
    """Return a member's path below the target, without '.' parts; InputError for one that would leave the target."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name or re.match(r"[A-Za-z]:", name):
        raise InputError(f"{archive}: holds {name[:200]!r}, outside the target folder; get it from its publisher")
    if len(path.parts) > _DEEPEST or any(len(os.fsencode(part)) > _LONGEST for part in path.parts):
        raise InputError(f"{archive}: holds {name[:80]!r}..., a name too long or too deep; get it from its publisher")
    if path.parts[0] in _OWN or path.name.endswith(UNFINISHED):
        raise InputError(f"{archive}: holds {name!r}, a name that unpacking itself uses; unpack the archive by hand")
    return str(path)


class Selection:
    """The wanted members: those whose name matches one of ``globs`` ('*' crosses '/'; None: all), each once."""

    def __init__(self, archive: Path, globs: list[str] | None) -> None:
        self.archive = archive
        self.sizes: dict[str, int] = {}
        self._globs = globs
        self._pattern = re.compile("|".join(fnmatch.translate(glob) for glob in globs)) if globs is not None else None

    def add(self, name: str, size: int, file_type: int) -> bool:
        """Return whether a member is wanted, and note it; ``file_type`` as in :func:`stat.S_IFMT`, 0 if not said.

        Every member must stay in the target, wanted or not. A wanted one must be a plain file and the only one of its
        name. Raises InputError otherwise.
        """
        path = safe_name(self.archive, name)
        if self._pattern is not None and not self._pattern.match(path):
            return False
        if file_type not in (0, stat.S_IFREG):
            raise InputError(f"{self.archive}: {name!r} is a link or device, not a plain file; choose members without")
        if path in self.sizes:
            raise InputError(f"{self.archive}: holds {path!r} twice; get the archive from its publisher")
        self.sizes[path] = size
        return True

    def check(self) -> None:
        """Raise InputError for a glob that chose nothing, or an archive without files."""
        for glob in self._globs or []:
            pattern = re.compile(fnmatch.translate(glob))
            if not any(map(pattern.match, self.sizes)):
                raise InputError(f"{self.archive}: no member matches {glob!r}; correct the members of the data set")
        if not self.sizes:
            raise InputError(f"{self.archive}: holds no files; get the archive from its publisher")


def is_whole(path: Path, size: int) -> bool:
    """Return whether a member is there already: it gets its name when it is complete, so its size tells."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size


def unfinished(path: Path) -> Path:
    """Return where a member is written until it is complete; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}{UNFINISHED}")


def write_whole(path: Path, size: int, blocks: Iterable[bytes]) -> None:
    """Write a member from its blocks and give it its name once it has its size (ValueError where it has not).

    One that is there with this content stays the file that it is.
    """
    temporary = unfinished(path)
    with temporary.open("wb") as sink:
        written = sum(sink.write(block) for block in blocks)
    if written != size:
        raise ValueError(f"{path.name} has {written} bytes, its archive says {size}")
    if is_whole(path, size) and filecmp.cmp(temporary, path, shallow=False):
        temporary.unlink()
    else:
        temporary.replace(path)


def blocks_of(stream: BinaryIO, length: int = 1 << 20) -> Iterable[bytes]:
    """Yield the blocks of a stream."""
    while block := stream.read(length):
        yield block


def check_folder(folder: Path, sizes: dict[str, int]) -> None:
    """Check that ``folder`` holds the files ``sizes`` (path -> bytes), no other and none of another size.

    What an interrupted run left unfinished is removed; what a system has put there is passed over. Raises InputError
    that names the first other difference.
    """
    found = 0
    for base, listed in walk(folder, skip=lambda _: False):
        for name in [entry.name for entry in listed]:
            relative = f"{base}/{name}" if base else name
            path = folder / relative
            if name.endswith(UNFINISHED):
                path.unlink()
            elif relative in sizes:
                if not is_whole(path, sizes[relative]):
                    raise InputError(f"{path}: not the {sizes[relative]} bytes of its archive; delete it, run again")
                found += 1
            elif relative not in _OWN and not stray(relative):
                raise InputError(f"{path}: does not come from the archive; move it away and run again")
    if found != len(sizes):
        raise InputError(f"{folder}: {found} of {len(sizes)} files of the archive are there; run again")
