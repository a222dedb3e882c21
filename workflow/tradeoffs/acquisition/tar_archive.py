"""Unpack the wanted members of a tar.gz in one pass."""

import gzip
import stat
import tarfile
from pathlib import Path

from tradeoffs.acquisition.archive_file import DAMAGED
from tradeoffs.acquisition.contents import SOURCE
from tradeoffs.acquisition.members import Selection, blocks_of, write_whole
from tradeoffs.acquisition.storage import progress, require_space
from tradeoffs.step.errors import InputError

_EXPANSION = 1100  # deflate makes at most 1032 bytes of one; tarfile would read on for minutes behind the end


def unpack_tar(archive: Path, folder: Path, globs: list[str] | None) -> dict[str, int]:
    """Write the members that ``globs`` choose to ``folder``; return their paths and sizes in bytes.

    The whole stream is read, so that gzip's CRC-32 is checked: tarfile's own reader of compressed streams checks none.
    What an earlier run wrote from a stream that turned out to be damaged has its size all the same: members that are
    there already are compared. Raises InputError.
    """
    selection = Selection(archive, globs)
    if not archive.is_file():
        raise InputError(f"{archive}: file not found; download it first, or correct the path")
    size = archive.stat().st_size
    if not any(path.name != SOURCE for path in folder.iterdir()):
        require_space(folder, size)  # at least; what it unpacks to is known at its end only
    try:
        with archive.open("rb") as raw, gzip.open(raw) as stream, progress(f"unpack {archive.name}", size) as bar:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as found:
                while (member := found.next()) is not None:
                    if max(member.size, found.offset) > _EXPANSION * size + tarfile.RECORDSIZE:
                        raise tarfile.ReadError(f"{member.name!r} is said to have {member.size} bytes")
                    found.members.clear()  # type: ignore[attr-defined]  # or memory would grow with the archive
                    _unpack_member(found, member, selection, folder)
                    bar.update(raw.tell() - bar.n)
                for block in blocks_of(found.fileobj):  # type: ignore[arg-type]
                    if block.strip(b"\0"):
                        raise tarfile.ReadError("more lies behind its end")
            for _ in blocks_of(stream):  # type: ignore[arg-type]
                pass
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{archive}: not a whole tar.gz archive ({reason}); delete it and download it again") from None
    selection.check()
    return selection.sizes


class _Member(tarfile.TarInfo):
    """A member whose header is whole: tarfile takes a broken one, and a missing one, for the end of the archive."""

    @classmethod
    def fromtarfile(cls, found: tarfile.TarFile) -> "_Member":
        """Return the next member; EOFHeaderError at the end, which is a block of zeros, and ReadError elsewhere."""
        try:
            return super().fromtarfile(found)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"a broken or missing header: {error}") from None


def _unpack_member(found: tarfile.TarFile, member: tarfile.TarInfo, selection: Selection, folder: Path) -> None:
    if member.isdir():
        return
    if not selection.add(member.name, member.size, stat.S_IFREG if member.isreg() else stat.S_IFLNK):
        return
    path = folder / next(reversed(selection.sizes))
    stream = found.extractfile(member)
    if stream is None:
        raise tarfile.ReadError(f"{member.name} has no content")
    write_whole(path, member.size, blocks_of(stream))  # type: ignore[arg-type]
