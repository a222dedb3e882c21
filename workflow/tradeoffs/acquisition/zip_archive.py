"""Unpack the wanted members of a zip, encrypted or not, in bounded memory."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradeoffs.acquisition import zipcrypto
from tradeoffs.acquisition.archive_file import DAMAGED
from tradeoffs.acquisition.members import Selection, blocks_of, is_whole, unfinished, write_whole
from tradeoffs.acquisition.storage import progress, require_space
from tradeoffs.step.errors import InputError

_ENCRYPTED, _STRONG = 0x1, 0x40  # bits of the general purpose flag
_AES = 99  # in place of the method of compression
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpack_zip(archive: Path, folder: Path, password: str | None, globs: list[str] | None) -> dict[str, int]:
    """Write the members that ``globs`` choose to ``folder``; return their paths and sizes in bytes.

    Members already whole are left alone, every other one is checked against its CRC-32. Nothing is written where a
    member would leave the folder or cannot be read. Raises InputError.
    """
    with _opened(archive) as found:
        selection, wanted = Selection(archive, globs), []
        for member in found.infolist():
            file_type = stat.S_IFMT(member.external_attr >> 16)
            if not member.is_dir() and selection.add(member.filename, member.file_size, file_type):
                _check_readable(archive, member, password)
                wanted.append(member)
        selection.check()
        paths = {id(m): folder / name for m, name in zip(wanted, selection.sizes, strict=True)}
        left = [m for m in wanted if not is_whole(paths[id(m)], m.file_size)]
        require_space(folder, sum(m.file_size for m in left))
        with progress(f"unpack {archive.name}", sum(m.file_size for m in left)) as bar:
            for member in left:
                if not member.flag_bits & _ENCRYPTED:
                    with found.open(member) as stream:
                        write_whole(paths[id(member)], member.file_size, blocks_of(stream))  # type: ignore[arg-type]
                    bar.update(member.file_size)
            locked = [m for m in left if m.flag_bits & _ENCRYPTED]
            with archive.open("rb") as stream:
                for member in _decrypted(stream, locked, (password or "").encode(), paths):
                    bar.update(member.file_size)
    return selection.sizes


def read_member(archive: Path, name: str, password: str | None) -> bytes:
    """Return the content of one small member; InputError where it is not there."""
    with _opened(archive) as found:
        try:
            member = found.getinfo(name)
        except KeyError:
            raise InputError(f"{archive}: holds no {name}; is it the right archive?") from None
        _check_readable(archive, member, password)
        try:
            return found.read(member, (password or "").encode() or None)
        except RuntimeError as error:  # the password is missing or wrong
            raise InputError(f"{archive}: {error}; correct the password of the data set") from None


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; whatever is wrong with it, then or later, is one line."""
    try:
        with zipfile.ZipFile(archive) as found:
            yield found
    except FileNotFoundError as error:
        if error.filename != str(archive):
            raise
        raise InputError(f"{archive}: file not found; download it first, or correct the path") from None
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{archive}: not a whole zip archive ({reason}); delete it and download it again") from None


def _check_readable(archive: Path, member: zipfile.ZipInfo, password: str | None) -> None:
    name, method = member.filename, member.compress_type
    if member.flag_bits & _STRONG or method not in _METHODS:
        what = "AES encryption" if method == _AES else f"compression or encryption of type {method}"
        raise InputError(
            f"{archive}: {name!r} has {what}, which is not supported; unpack the archive with 7z and give the "
            "folder as the data set's path"
        )
    if member.flag_bits & _ENCRYPTED and password is None:
        raise InputError(f"{archive}: {name!r} is encrypted; give the password of the data set")


def _decrypted(
    stream: io.BufferedReader, members: list[zipfile.ZipInfo], password: bytes, paths: dict[int, Path]
) -> Iterator[zipfile.ZipInfo]:
    """Write encrypted members, hundreds side by side; yield each when it is whole."""
    states: dict[int, _Member] = {}
    for member, block in zipcrypto.contents(stream, members, password):
        if id(member) not in states:
            states[id(member)] = _Member(member, paths[id(member)])
        if states[id(member)].write(block):
            del states[id(member)]
            yield member


class _Member:
    """One member on its way to disk; its file is open only while a block is written, since hundreds are under way."""

    def __init__(self, member: zipfile.ZipInfo, path: Path) -> None:
        self._member, self._path = member, path
        self._left = member.compress_size - zipcrypto.HEADER
        self._written = self._crc = 0
        self._inflate = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
        unfinished(path).unlink(missing_ok=True)

    def write(self, block: bytes) -> bool:
        """Add a block; return whether the member is complete, and then it has its name. Raises BadZipFile."""
        self._left -= len(block)
        temporary, most = unfinished(self._path), 1 << 20
        with temporary.open("ab") as sink:
            while True:
                plain = block if self._inflate is None else self._inflate.decompress(block, most)
                self._written += sink.write(plain)
                self._crc = zlib.crc32(plain, self._crc)
                block = b"" if self._inflate is None else self._inflate.unconsumed_tail
                if self._written > self._member.file_size or not (block or len(plain) == most):
                    break
        if self._left > 0 and self._written <= self._member.file_size:
            return False
        if self._written != self._member.file_size or self._crc != self._member.CRC:
            raise zipfile.BadZipFile(f"{self._member.filename} is damaged, or the password is wrong")
        temporary.replace(self._path)
        return True
