"""What lies in folders, one place decides what is passed over and how an error is said.

Nothing here imports more than the standard library, because the Snakefile looks at a user's folders at every start.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from tradeoffs.step.errors import InputError, RefusedError, refusal

IMAGE_SUFFIXES = (".jpeg", ".jpg", ".png")
_OTHER_IMAGES = (
    *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe"),
    *(".pgm", ".ppm", ".tif", ".tiff", ".webp"),
)
_FOREIGN = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "#recycle", "$recycle.bin", "lost+found"}


def passed_over(name: str) -> bool:
    """Whether a name is no part of any data set: hidden (``._x``, ``.DS_Store``), or left by an archiver, a system."""
    return name.startswith(".") or name.lower() in _FOREIGN


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what lies in ``folder``, sorted by name; what is passed over is left out.

    Raises InputError for a folder that is missing, is none, or cannot be read.
    """
    return scan(folder, passed_over)


def files(folder: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> list[Path]:
    """Return the files of ``folder`` with one of ``suffixes`` (any case), sorted by name; errors as :func:`entries`.

    InputError for images of another kind, and for folders, whose images would be missed in silence.
    """
    found = []
    for entry in entries(folder):
        if (name := entry.name.lower()).endswith(suffixes):
            found.append(folder / entry.name)
        elif name.endswith(_OTHER_IMAGES):
            raise InputError(
                f"{folder / entry.name}: an image that is not read; expected {', '.join(suffixes)}: convert it, or "
                "take it out of the folder"
            )
        elif is_folder(entry):
            raise InputError(
                f"{folder / entry.name}: a folder among images, whose own are not read; put them into {folder}, or "
                "take it away"
            )
    return found


def folders(folder: Path) -> list[Path]:
    """Return the folders in ``folder``, sorted by name. InputError where there is none, else as :func:`entries`."""
    found = [folder / entry.name for entry in entries(folder) if is_folder(entry)]
    if not found:
        raise InputError(f"{folder}: holds no class folders; unpack the data set there, or correct the path")
    return found


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; InputError where the system does not say."""
    try:
        return entry.is_dir()
    except OSError as error:
        raise unreadable(Path(entry.path), error) from None


def walk(root: Path, skip: Callable[[str], bool] = passed_over) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Yield every folder below ``root`` by its relative path ('' for ``root`` itself) with its files, sorted.

    Links are followed; names for which ``skip`` holds are left out. Raises InputError, naming the folder, for one that
    is missing or cannot be read and for a link that leads back to a folder above it: nothing is passed over silently.
    """
    pending: list[tuple[str, Path, frozenset[tuple[int, int]]]] = [("", root, frozenset())]
    while pending:
        relative, folder, above = pending.pop()
        found = scan(folder, skip)
        identity = _identity(folder)
        if identity in above:
            raise InputError(f"{folder}: a link that leads back to a folder above it; remove the link")
        inner = [entry for entry in found if is_folder(entry)]
        prefix = f"{relative}/" if relative else ""
        pending += [(prefix + entry.name, folder / entry.name, above | {identity}) for entry in reversed(inner)]
        yield relative, [entry for entry in found if not is_folder(entry)] if inner else found


def is_file(path: Path) -> bool:
    """Whether ``path`` is a file or a link to one; InputError where a folder above it cannot be read."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> InputError:
    """Say in one line why the system does not let us at ``path``."""
    if error.errno == errno.ENOENT and path.is_symlink():
        return InputError(f"{path}: a link to {path.readlink()}, which does not exist; correct or remove the link")
    if error.errno == errno.ENOENT:
        return InputError(f"{path}: folder not found; make or unpack the data set, or correct its path")
    if error.errno == errno.ENOTDIR:
        return InputError(f"{path}: is not a folder; correct the path of the data set")
    if error.errno == errno.ELOOP:
        return InputError(f"{path}: a link that leads to itself; correct or remove the link")
    if error.errno in (errno.EACCES, errno.EPERM):
        return RefusedError(f"{path}: no permission to read it; give yourself the right (chmod u+rX), or use a copy")
    return RefusedError(refusal(error, path))


def scan(folder: Path, skip: Callable[[str], bool] = lambda _: False) -> list[os.DirEntry[str]]:
    """Return what lies in ``folder``, all of it or but for names that ``skip`` takes; errors as :func:`entries`."""
    try:
        with os.scandir(folder) as found:
            kept = [entry for entry in found if not skip(entry.name)]
    except OSError as error:
        raise unreadable(folder, error) from None
    return sorted(kept, key=lambda entry: entry.name)


def _identity(folder: Path) -> tuple[int, int]:
    try:
        found = folder.stat()
    except OSError as error:
        raise unreadable(folder, error) from None
    return found.st_dev, found.st_ino
