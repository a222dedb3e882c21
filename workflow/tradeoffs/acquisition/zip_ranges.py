"""The wanted members of a zip on a server that answers to ranges: a file as long as the archive, with holes.

The directory at the archive's end says where its members are; only theirs is fetched
(:mod:`tradeoffs.acquisition.remote_file`). When all are there the file is called ``ARCHIVE``, and what unpacks members
unpacks these; each is checked against its CRC-32 there. ``ARCHIVE.members.json`` says that it is a part, of which
nobody published a checksum.
"""

import zipfile
from pathlib import Path
from typing import NamedTuple

from tradeoffs.acquisition import objectnet_members, server
from tradeoffs.acquisition.archive_file import DAMAGED
from tradeoffs.acquisition.members import Selection
from tradeoffs.acquisition.remote_file import RemoteFile, Span, Wait, joined, size_of
from tradeoffs.step.files import write_json


class Wanted(NamedTuple):
    """``members`` of a zip: globs, or the name of a rule; ``password`` of its members."""

    members: list[str] | str
    password: str | None


def forget_part(archive: Path) -> None:
    """Forget that an archive held the wanted members alone: the whole takes its place."""
    _note(archive).unlink(missing_ok=True)


def is_part(archive: Path) -> bool:
    """Whether an archive holds the wanted members alone."""
    return _note(archive).is_file()


def fetch(url: str, archive: Path, wanted: Wanted, size: int | None, wait: Wait) -> bool:
    """Make ``archive`` of the wanted members; False where the server does not answer to ranges.

    ``size``: of the whole archive, None where nobody published it. Raises NotDeliveredError where the address does not
    deliver, InputError where the disk is full or the archive holds no such members.
    """
    found = RemoteFile.begun(url, archive, wait)
    if found is None:
        return False
    if size is not None and found.total != size:
        found.forget()
        raise server.NotDeliveredError(f"offers {found.total} bytes, expected {size}")
    with found:
        try:
            globs = _members(found, archive, wanted)
        except server.NotDeliveredError as reason:
            if reason.start_over:
                found.forget()
            raise
    write_json(_note(archive), {"members": globs, "bytes": size_of(found.done), "of": found.total})
    found.finish(archive)
    return True


def _members(found: RemoteFile, archive: Path, wanted: Wanted) -> list[str]:
    """Fetch the wanted members, and return the globs that choose them."""
    try:
        with zipfile.ZipFile(found) as opened:
            listed, end = opened.infolist(), opened.start_dir
    except DAMAGED as error:
        what = " ".join(str(error).split())[:200]
        raise server.NotDeliveredError(f"not a whole zip archive ({what})", start_over=True) from None
    globs = wanted.members
    if isinstance(globs, str):
        found.complete(_spans(archive, listed, end, objectnet_members.NEEDED))
        globs = objectnet_members.overlap_members(found.path, wanted.password)
    found.complete(_spans(archive, listed, end, globs))
    return globs


def _note(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.members.json")


def _spans(archive: Path, listed: list[zipfile.ZipInfo], end: int, globs: list[str]) -> list[Span]:
    """Return where the members are that the globs choose, each up to where the next one begins."""
    selection = Selection(archive, globs)
    starts = sorted(member.header_offset for member in listed)
    behind = dict(zip(starts, [*starts[1:], end], strict=True))
    chosen = [m for m in listed if not m.is_dir() and selection.add(m.filename, m.file_size, 0)]
    selection.check()
    return joined((member.header_offset, behind[member.header_offset]) for member in chosen)
