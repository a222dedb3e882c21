"""Files that are read, whoever made them: only regular ones are opened, and text is UTF-8.

A pipe or a socket where a file should be would hold a step up for ever. What the system refuses, at opening or while
it is read, is one line that names the file.
"""

import codecs
import csv
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradeoffs.step.errors import InputError, RefusedError, refusal

MAKE = "make it first, or correct the path"
# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


@contextmanager
def opened(path: Path, kind: str = "file", cure: str = MAKE) -> Iterator[io.BufferedReader]:
    """Open a regular file for reading bytes. ``kind`` and ``cure`` say what is not found, and what to do then.

    Raises InputError for a missing file and a link that leads nowhere, RefusedError for what is no regular file, and
    for whatever the system refuses, also while the file is read.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise RefusedError(f"{path}: a pipe or a device, expected a plain file; correct the path")
            yield file
    except OSError as error:
        if error.errno is None or error.filename not in (None, name):  # a decoder's, or another file's
            raise
        raise not_opened(path, error, kind, cure) from None


def require(path: Path, kind: str = "file", cure: str = MAKE) -> None:
    """Open and close a file that another library opens by its name; errors as :func:`opened`."""
    with opened(path, kind, cure):
        pass


def not_opened(path: Path, error: OSError, kind: str = "file", cure: str = MAKE) -> InputError:
    """Return the error for a file that the system does not let us read."""
    if isinstance(error, FileNotFoundError):
        if path.is_symlink():
            return InputError(f"{path}: a link to {path.readlink()}, which does not exist; correct or remove the link")
        return InputError(f"{path}: {kind} not found; {cure}")
    return RefusedError(refusal(error, path if kind == "file" else f"{path}: cannot read this {kind}"))


def read_text(path: Path, cure: str = MAKE) -> str:
    """Return the text of a UTF-8 file, without a byte order mark, its lines ending in a line feed alone.

    Errors as :func:`opened`; InputError names another encoding.
    """
    with opened(path, cure=cure) as file:
        content = file.read()
    return decoded(content, str(path))


def decoded(content: bytes, source: str) -> str:
    """Return bytes as text, as :func:`read_text` does; ``source`` is what the error names."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if encoding is None and content.count(0) * 4 > len(content):  # most characters are ASCII, the rest of each is 0
        encoding = "UTF-32" if content.count(0) * 10 > len(content) * 6 else "UTF-16"
    if encoding is not None:
        raise InputError(f"{source}: is {encoding}, expected UTF-8; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{source}: is not UTF-8 (byte 0x{content[error.start]:02x} in line {line}), perhaps Latin-1 or "
            "Windows-1252, or no text at all; save it as UTF-8, or get it again"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{source}: line {line} holds a NUL character, so it is damaged or no text; get it again")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_csv(path: Path, cure: str = MAKE) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header of a CSV file and its rows, each with the number of the line that it ends in.

    Blank last rows are left out. Errors as :func:`read_text`; InputError for a file without a header, and for what the
    csv module refuses.
    """
    lines = csv.reader(io.StringIO(read_text(path, cure), newline=""))
    try:
        rows = [(lines.line_num, row) for row in lines]
    except csv.Error as error:
        raise InputError(f"{path}: not a readable table (line {lines.line_num}: {error}); {cure}") from None
    while rows and not any(cell.strip() for cell in rows[-1][1]):
        rows.pop()
    if not rows:
        raise InputError(f"{path}: not a readable table (it is empty); {cure}")
    return rows[0][1], rows[1:]


def shown(cells: list[str]) -> str:
    """Return cells as they are quoted in an error: what is invisible in them is visible there."""
    text = ",".join(cell if cell.isprintable() else ascii(cell) for cell in cells)
    return text if len(text) <= 120 else f"{text[:120]}..."


def _at_once(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)  # nothing is waited for where a pipe has no writer
