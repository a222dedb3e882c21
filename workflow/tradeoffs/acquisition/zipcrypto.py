"""Decrypt the traditional encryption of zip, many members at a time.

Each byte's key depends on the byte before, so that one member cannot be vectorised, and the standard library's loop
reaches 2 MB/s: ten hours for the part of ObjectNet that is needed. Hundreds of members side by side can: one step of
numpy advances all of them by one byte. Source: PKWARE APPNOTE.TXT 6.3.10, section 6.1.
"""

import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tradeoffs.step.errors import InputError

LANES = 1024  # members side by side
BLOCK = 1 << 17  # bytes of each that are in memory at a time: 128 MiB in all
_UTF8 = 0x8  # of the high byte of the flags: the name is UTF-8, else it is of code page 437
HEADER = 12  # random bytes before the content; the last one checks the password

_STRIP = 256  # bytes of each that are turned to rows at a time, so that they stay in the cache
_PADDING = 64  # columns that keep rows from a power of two, at which turning is five times slower
_MULTIPLIER = np.uint32(134775813)
_ONE, _EIGHT = np.uint32(1), np.uint32(8)


def _crc_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(0xEDB88320), table >> 1)
    return table


def _stream_table() -> NDArray[np.uint8]:
    """Return the byte of the key stream for each value of the low 16 bits of the third key."""
    odd = np.arange(1 << 16, dtype=np.uint32) | 2
    return (odd * (odd ^ 1) >> 8).astype(np.uint8)


_CRC, _STREAM = _crc_table(), _stream_table()


class Keys:
    """The three keys of ``lanes`` streams, each a uint32 [lanes], after the password was mixed in."""

    def __init__(self, password: bytes, lanes: int) -> None:
        start = (0x12345678, 0x23456789, 0x34567890)
        self.keys = [np.full(lanes, value, dtype="<u4") for value in start]
        secret = np.frombuffer(password, dtype=np.uint8)
        self._run(np.repeat(secret[:, None], lanes, axis=1), encrypted=False)

    def decrypt(self, data: NDArray[np.uint8]) -> None:
        """Decrypt uint8 [bytes, lanes] in place and advance the keys; a later call may have fewer lanes, the first."""
        self.keys = [key[: data.shape[1]].copy() for key in self.keys]
        self._run(data, encrypted=True)

    def _run(self, data: NDArray[np.uint8], encrypted: bool) -> None:
        """Advance the keys by each row. Every operation writes in place: allocation would cost more than arithmetic."""
        first, second, third = self.keys
        lanes = len(first)
        lowest, highest = first.view(np.uint8)[::4], second.view(np.uint8)[3::4]
        third_lowest, third_low = third.view(np.uint8)[::4], third.view("<u2")[::2]
        stream, mixed = np.empty(lanes, dtype=np.uint8), np.empty(lanes, dtype=np.uint8)
        index, crc = np.empty(lanes, dtype=np.intp), np.empty(lanes, dtype=np.uint32)
        for row in data:
            if encrypted:
                np.copyto(index, third_low)
                _STREAM.take(index, out=stream, mode="clip")
                np.bitwise_xor(row, stream, out=row)
            np.bitwise_xor(lowest, row, out=mixed)
            np.copyto(index, mixed)
            _CRC.take(index, out=crc, mode="clip")
            np.right_shift(first, _EIGHT, out=first)
            np.bitwise_xor(first, crc, out=first)
            np.add(second, lowest, out=second)
            np.multiply(second, _MULTIPLIER, out=second)
            np.add(second, _ONE, out=second)
            np.bitwise_xor(third_lowest, highest, out=mixed)
            np.copyto(index, mixed)
            _CRC.take(index, out=crc, mode="clip")
            np.right_shift(third, _EIGHT, out=third)
            np.bitwise_xor(third, crc, out=third)


def contents(
    stream: BinaryIO, members: list[zipfile.ZipInfo], password: bytes
) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    """Yield the decrypted, still compressed contents of encrypted ``members`` of the zip ``stream``.

    Blocks of different members alternate, those of one member come in order, its last may be empty. Raises InputError
    for a password that is not the right one (one wrong password in 256 passes; the member's CRC-32 tells then).
    """
    ordered = sorted(members, key=lambda member: member.compress_size, reverse=True)  # alike ones side by side
    for first in range(0, len(ordered), LANES):
        yield from _side_by_side(stream, ordered[first : first + LANES], password)


def _side_by_side(
    stream: BinaryIO, members: list[zipfile.ZipInfo], password: bytes
) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    keys = Keys(password, len(members))
    starts = [_start(stream, member) for member in members]
    heads = np.stack([_bytes(stream, member, at, HEADER) for member, at in zip(members, starts, strict=True)], axis=1)
    keys.decrypt(heads)
    for member, check in zip(members, heads[-1], strict=True):
        if check != _check_byte(member):
            raise InputError(f"{member.filename}: the password does not open it; correct the password of the data set")
    done, running = HEADER, len(members)
    while running:
        width = min(BLOCK, members[0].compress_size - done)
        side = np.zeros((running, width + _PADDING), dtype=np.uint8)
        lengths = [min(width, member.compress_size - done) for member in members[:running]]
        for lane, (member, length) in enumerate(zip(members, lengths, strict=False)):
            side[lane, :length] = _bytes(stream, member, starts[lane] + done, length)
        for column in range(0, width, _STRIP):
            strip = np.ascontiguousarray(side[:, column : min(column + _STRIP, width)].T)
            keys.decrypt(strip)
            side[:, column : column + len(strip)] = strip.T
        for lane, length in enumerate(lengths):
            yield members[lane], side[lane, :length].tobytes()
        done += width
        running = sum(member.compress_size > done for member in members[:running])


def _start(stream: BinaryIO, member: zipfile.ZipInfo) -> int:
    """Return where a member's bytes begin: its local header has a name and an extra field of lengths of its own."""
    stream.seek(member.header_offset)
    header = stream.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile(f"no header of {member.filename} at byte {member.header_offset}")
    if member.compress_size < HEADER:
        raise zipfile.BadZipFile(f"{member.filename} is too short to be encrypted")
    name, extra = struct.unpack("<HH", header[26:])
    found = stream.read(name).decode("utf-8" if header[7] & _UTF8 else "cp437", "replace")
    # The directory says what a member is called, its own header too: a bit flipped in one of them would rename it.
    if found != member.orig_filename:
        raise zipfile.BadZipFile(f"{member.orig_filename!r} is called {found!r} in its own header")
    return member.header_offset + 30 + int(name) + int(extra)


def _bytes(stream: BinaryIO, member: zipfile.ZipInfo, at: int, length: int) -> NDArray[np.uint8]:
    stream.seek(at)
    found = np.frombuffer(stream.read(length), dtype=np.uint8)
    if len(found) < length:
        raise zipfile.BadZipFile(f"{member.filename} ends too early")
    return found


def _check_byte(member: zipfile.ZipInfo) -> int:
    """Return what the last byte of the encryption header must be: of the CRC-32, or of the time if that comes later."""
    if member.flag_bits & 0x8:
        _, _, _, hour, minute, second = member.date_time
        return (hour << 11 | minute << 5 | second // 2) >> 8
    return member.CRC >> 24
