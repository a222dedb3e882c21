"""Folders of files packed as their publishers pack them, the same bytes every time."""

import gzip
import io
import tarfile
import zipfile

from acquisition.archives import write_encrypted

_DATE = (2022, 3, 1, 12, 0, 0)


def folders_of(files):
    """Return the folders above the files, as an archiver lists them: each before what it holds."""
    found = {}
    for name in files:
        parts = name.split("/")[:-1]
        found |= dict.fromkeys("/".join(parts[:depth]) + "/" for depth in range(1, len(parts) + 1))
    return list(found)


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for folder in folders_of(files):
            archive.writestr(zipfile.ZipInfo(folder, _DATE), b"")
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_STORED)


def encrypted(path, files, password):
    write_encrypted(path, files, password.encode())


def tar_gz(path, files):
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for folder in folders_of(files):
            member = tarfile.TarInfo(folder.removesuffix("/"))
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
