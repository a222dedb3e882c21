"""Is this file what was published? Checksums, published or recorded at first use, and what an archive looks like.

A record is the file ``<archive>.sha256`` beside the archive, in the format of ``sha256sum -c``.
"""

import gzip
import hashlib
import json
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from tradeoffs.acquisition.storage import progress
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import write_atomically

_BLOCK = 1 << 20
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP = (b"\x1f\x8b",)
_PICKLE = b"\x80"
# What a file of each kind starts with: torch writes zip files, and pickles before version 1.6.
_STARTS = (
    ((".zip",), _ZIP),
    ((".tar.gz", ".tgz"), _GZIP),
    ((".ckpt", ".pt", ".pth"), (*_ZIP, _PICKLE)),
)
_ERROR_KEYS = ("error", "errors", "message", "detail", "error_description")
# What Python's readers of archives raise for a damaged one, beside InputError for an unsafe one.
DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, struct.error),
    *(EOFError, ValueError, NotImplementedError, OverflowError, RecursionError, IndexError),
)
_PAGE = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|\?xml|!--)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)


class Published(NamedTuple):
    """What its publisher says of a file: ``sha256`` and ``md5`` in lower-case hex, ``size`` in bytes; None: nothing."""

    sha256: str | None
    md5: str | None
    size: int | None


class Digests(NamedTuple):
    """Checksums of a file's content, lower-case hex."""

    sha256: str
    md5: str


def digests(path: Path) -> Digests:
    """Return the checksums of a file, read once from disk."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream, progress(f"check {path.name}", path.stat().st_size) as bar:
        while block := stream.read(_BLOCK):
            sha256.update(block)
            md5.update(block)
            bar.update(len(block))
    return Digests(sha256.hexdigest(), md5.hexdigest())


def record_of(archive: Path) -> Path:
    """Return the path of an archive's recorded checksum."""
    return archive.with_name(f"{archive.name}.sha256")


def read_record(archive: Path) -> str | None:
    """Return the recorded SHA-256 of ``archive``, None where there is no record; InputError for a broken one."""
    record = record_of(archive)
    try:
        text = record.read_text(errors="replace")
    except FileNotFoundError:
        return None
    found = re.match(r"[0-9a-f]{64}\b", text)
    if found is None:
        raise InputError(f"{record}: not a recorded checksum (64 hex digits and a name); delete it and run again")
    return found.group()


def write_record(archive: Path, sha256: str) -> None:
    """Record the SHA-256 that was found to be right, newer than the archive."""

    def write(temporary: Path) -> None:
        temporary.write_text(f"{sha256}  {archive.name}\n")

    write_atomically(record_of(archive), write)


def known_sha256(archive: Path) -> str:
    """Return the SHA-256 of ``archive``: as recorded where the record is not older than the archive, else computed.

    By when the file was last changed in any way, its place too: a copy or a move keeps the time of its content. Reading
    hundreds of gigabytes only to hash them again would cost more than unpacking what is needed.
    """
    try:
        found = archive.stat()
    except FileNotFoundError:
        raise InputError(f"{archive}: file not found; download it first, or correct the path") from None
    if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
        raise InputError(f"{archive}: not a plain file; give the archive itself")
    recorded = read_record(archive)
    if recorded is not None and record_of(archive).stat().st_mtime_ns >= found.st_ctime_ns:
        return recorded
    return digests(archive).sha256


def problem(path: Path, name: str, published: Published, recorded: str | None) -> tuple[str | None, str]:
    """Return what is wrong with a file (None: nothing) and its SHA-256.

    ``name`` is what it is called when finished (its suffix says what it should look like). The recorded checksum
    counts only where nobody published one; where there is neither, the file's own structure is checked to its end.
    """
    found_here = path.stat()
    if not stat.S_ISREG(found_here.st_mode):
        return "is not a plain file", ""
    size = found_here.st_size
    if size == 0:
        return "is empty", ""
    if published.size is not None and size != published.size:
        return f"has {size} bytes, expected {published.size}", ""
    with path.open("rb") as stream:
        wrong = unexpected(name, stream.read(_BLOCK))
    if wrong is not None:
        return wrong, ""
    if published.sha256 is None and published.md5 is None and recorded is None:
        broken = _broken(path, name)
        if broken is not None:
            return broken, ""
    found = digests(path)
    for kind, value, expected in (
        ("sha256", found.sha256, published.sha256),
        ("md5", found.md5, published.md5),
    ):
        if expected is not None and value != expected:
            return f"{kind} is {value}, published is {expected}", found.sha256
    unpublished = published.sha256 is None and published.md5 is None
    if unpublished and recorded is not None and found.sha256 != recorded:
        return (
            f"sha256 is {found.sha256}, but {recorded} was recorded at first use (if the publisher replaced the file, "
            f"delete {name}.sha256)",
            found.sha256,
        )
    return None, found.sha256


def unexpected(name: str, start: bytes) -> str | None:
    """Say what is wrong with the first bytes of a file that is to be called ``name``; None where nothing is."""
    if _PAGE.match(start):
        title = _TITLE.search(start)
        shown = f" titled {title.group(1)[:60].decode(errors='replace')!r}" if title else ""
        return f"a web page{shown} instead of the file (moved, or behind a login or a licence page?)"
    for suffixes, magic in _STARTS:
        if name.endswith(suffixes) and not start.startswith(magic):
            ours = next(suffix for suffix in suffixes if name.endswith(suffix))
            what = "weights file" if magic[-1] == _PICKLE else "archive"
            return f"not a {ours[1:]} {what} (starts with {start[:8]!r})"
    if not name.endswith(".json") and start.lstrip()[:1] in (b"{", b"["):
        return f"a JSON answer instead of the file (starts with {start.strip()[:60]!r})"
    return None


def _broken(path: Path, name: str) -> str | None:
    """Say where a file is damaged or ends too early, or is a server's error: a zip has its directory at the end, gzip
    its checksum, JSON its last bracket.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_ZIP[0]))
        if start in _ZIP:
            zipfile.ZipFile(path).close()
        elif name.endswith((".tar.gz", ".tgz")):
            with gzip.open(path) as stream:
                while stream.read(_BLOCK):
                    pass
        elif name.endswith(".json"):
            content = json.loads(path.read_bytes())
            if isinstance(content, dict) and 0 < len(content) <= 5 and any(key in content for key in _ERROR_KEYS):
                return f"an error message instead of the file ({str(content)[:80]})"
    except DAMAGED as error:
        kind = "file" if name.endswith(".json") else "archive"
        return f"a truncated or damaged {kind} ({' '.join(str(error).split())[:200]})"
    return None
