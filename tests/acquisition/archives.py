"""Small archives of every kind, with the traditional encryption of zip written as a plain loop."""

import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from tradeoffs.acquisition import unpack as module

Files = dict[str, bytes]


def write_zip(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, files: Files, extra: list[tarfile.TarInfo] | None = None) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in extra or []:
            archive.addfile(member)
    return path


def write_encrypted(path: Path, files: Files, password: bytes, *, deflate: bool = True, streamed: bool = False) -> Path:
    """Write a zip as ``zip -P`` does; ``streamed``: sizes and CRC after the content, the password checked by time."""
    body, directory = io.BytesIO(), io.BytesIO()
    clock = 0x6A5B  # 13:18:54
    for name, content in files.items():
        crc = zlib.crc32(content)
        packed = content
        if deflate:
            packer = zlib.compressobj(6, zlib.DEFLATED, -15)
            packed = packer.compress(content) + packer.flush()
        check = clock >> 8 if streamed else crc >> 24
        locked = encrypt(bytes(range(11)) + bytes([check]) + packed, password)
        raw, flags, offset = name.encode(), 0x801 | (0x8 if streamed else 0), body.tell()
        fields = (20, flags, 8 if deflate else 0, clock, 0x5976)
        sizes = (crc, len(locked), len(content))
        extra = b"\x99\x99\x02\x00ab"  # only in the local header, so that its length counts
        body.write(b"PK\3\4" + struct.pack("<5H3L2H", *fields, *((0, 0, 0) if streamed else sizes), len(raw), 6))
        body.write(raw + extra + locked)
        if streamed:
            body.write(b"PK\7\x08" + struct.pack("<3L", *sizes))
        directory.write(b"PK\1\2" + struct.pack("<H5H3L5H2L", 20, *fields, *sizes, len(raw), 0, 0, 0, 0, 0, offset))
        directory.write(raw)
    listing = directory.getvalue()
    end = b"PK\5\6" + struct.pack("<4H2LH", 0, 0, len(files), len(files), len(listing), body.tell(), 0)
    path.write_bytes(body.getvalue() + listing + end)
    return path


_CRC = [zlib.crc32(bytes([value])) ^ 0xFF000000 ^ zlib.crc32(b"\0") ^ 0xFF000000 for value in range(256)]


def encrypt(content: bytes, password: bytes) -> bytes:
    """APPNOTE.TXT 6.1, byte by byte."""
    one, two, three = 0x12345678, 0x23456789, 0x34567890

    def update(byte: int) -> None:
        nonlocal one, two, three
        one = (one >> 8) ^ _CRC[(one ^ byte) & 255]
        two = ((two + (one & 255)) * 134775813 + 1) & 0xFFFFFFFF
        three = (three >> 8) ^ _CRC[(three ^ (two >> 24)) & 255]

    for byte in password:
        update(byte)
    locked = bytearray()
    for byte in content:
        odd = (three | 2) & 0xFFFF
        locked.append(byte ^ (odd * (odd ^ 1) >> 8) & 255)
        update(byte)
    return bytes(locked)


def unpack(archive: Path, out: Path, spec: dict[str, Any]) -> None:
    """Unpack by settings in a dictionary."""
    module.unpack(archive, out, module.Settings(**spec))
