"""Unpack an archive: ``tradeoffs unpack --spec JSON --archive ARCHIVE --out FOLDER``.

``FOLDER`` appears by a rename, when all wanted members are whole, with ``source.json`` (archive and settings it comes
from), ``fingerprint.json`` and ``card.json``. Until then they are in ``.FOLDER.unpacking``, where the next run goes on:
a member gets its name when it is complete, and what has its name and size is not unpacked again. One that is there
from the same archive and settings is verified, and mended, where it lies.

The fingerprint of an unpacked data set is over the archive's SHA-256 and the members' paths and sizes. Every member was
checked against the archive's own CRC-32 as it was written; hashing hundreds of gigabytes again would add nothing.
"""

import json
import shutil
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tradeoffs.acquisition.archive_file import known_sha256
from tradeoffs.acquisition.contents import CARD, FINGERPRINT, SOURCE, listing_as, listing_fingerprint
from tradeoffs.acquisition.fingerprint import OF_ARCHIVE
from tradeoffs.acquisition.members import check_folder
from tradeoffs.acquisition.objectnet_members import OVERLAP, overlap_members
from tradeoffs.acquisition.storage import exclusive, explained
from tradeoffs.acquisition.tar_archive import unpack_tar
from tradeoffs.acquisition.zip_archive import unpack_zip
from tradeoffs.step.cards import write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError, RefusedError
from tradeoffs.step.files import read_json, write_json


class Settings(NamedTuple):
    """``kind``: zip or tar.gz; ``password`` of a zip; ``members``: globs, objectnet_overlap, or None for all."""

    kind: str
    password: str | None
    members: list[str] | str | None


def run(
    settings: Settings,
    *,
    archive: Annotated[Path, "archive to unpack"],
    out: Annotated[Path, "folder to make or replace"],
) -> None:
    """Unpack one archive; its card lies in the folder."""
    unpack(archive, out, checked(settings))


def unpack(archive: Path, out: Path, settings: Settings) -> None:
    """Make the folder ``out`` from ``archive``; a folder unpacked before is replaced.

    A complete folder from the same archive and settings is only verified, by count and sizes; for that the archive may
    be gone. Raises InputError, in one line, for a damaged or unsafe archive, a full disk, a folder ``out`` that was not
    made here.
    """
    with exclusive(out), explained(out, "what was unpacked is kept, and the next run goes on from there"):
        started = time.perf_counter()
        if not archive.exists() and (kept := _kept(out, archive, settings)):
            _write_marks(out, out.name, kept.sizes, kept.source, started)
            return
        source = {"archive": archive.name, "sha256": known_sha256(archive), "spec": settings._asdict()}
        staging = _stage(out.with_name(f".{out.name}.unpacking"), out, source)
        sizes = _write_members(archive, staging, settings)
        check_folder(staging, sizes)
        _write_marks(staging, out.name, sizes, source, started)
        if staging == out:
            return
        replaced = out.with_name(f".{out.name}.replaced")
        if out.exists():
            out.rename(replaced)
        staging.rename(out)
        shutil.rmtree(replaced, ignore_errors=True)


class _Kept(NamedTuple):
    """What a folder was unpacked from, and the size of each of its files."""

    source: dict[str, Any]
    sizes: dict[str, int]


def _kept(out: Path, archive: Path, settings: Settings) -> _Kept | None:
    """Return what ``out`` was unpacked from, if that was this archive with these settings, and nothing has changed.

    None where it was not; InputError where files are missing, have another size, or have come to it.
    """
    source = _source(out)
    if source is None or (source.get("archive"), source.get("spec")) != (archive.name, settings._asdict()):
        return None
    recorded = source.pop("fingerprint", None)
    if recorded is None:  # unpacked by a version that did not note it
        return None
    if (sizes := listing_as(out, source["sha256"], recorded)) is None:
        raise InputError(
            f"{out}: not all that was unpacked is there, or more than that, and {archive} is not there either; take "
            "away what was added, or download it again"
        )
    return _Kept(source, sizes)


def _write_marks(folder: Path, name: str, sizes: dict[str, int], source: dict[str, Any], started: float) -> None:
    """Write what says that a folder is whole, and from what it was unpacked."""
    spec, found = source["spec"], listing_fingerprint(source["sha256"], sizes)
    content = {"dataset": name, "fingerprint": found, "of": OF_ARCHIVE, "spec": spec}
    write_json(folder / SOURCE, source | {"fingerprint": found})
    write_json(folder / FINGERPRINT, content | {"files": len(sizes), "bytes": sum(sizes.values())})
    write_card(
        folder / CARD,
        spec=spec,
        code=code_id("tradeoffs.acquisition.unpack"),
        data={name: found},
        started=started,
        kind="data",
        archive={"name": source["archive"], "sha256": source["sha256"]},
    )


def _write_members(archive: Path, folder: Path, settings: Settings) -> dict[str, int]:
    password, members = settings.password, settings.members
    if isinstance(members, str):
        members = overlap_members(archive, password)
    if settings.kind == "tar.gz":
        return unpack_tar(archive, folder, members)
    return unpack_zip(archive, folder, password, members)


def is_unpacked(out: Path, archive: Path, settings: Settings) -> bool:
    """Whether all that these settings want of the archive is in ``out`` already, so that it may be gone."""
    try:
        return _kept(out, archive, settings) is not None
    except InputError:  # not all is there
        return False


def _stage(staging: Path, out: Path, source: dict[str, Any]) -> Path:
    """Return where to unpack to: ``out`` where it is from the same source, else ``staging``, made or kept as it is."""
    shutil.rmtree(out.with_name(f".{out.name}.replaced"), ignore_errors=True)
    if staging.exists() and not _is_from(_source(staging), source):
        shutil.rmtree(staging)
    if out.is_dir() and not any(out.iterdir()):
        out.rmdir()  # made by whoever wants to see an output there
    if out.exists():
        old = _source(out)
        if old is None:
            raise InputError(f"{out}: was not made by unpacking; move it away, or give another folder")
        if _is_from(old, source):
            shutil.rmtree(staging, ignore_errors=True)
            return out
    if not staging.exists():
        staging.mkdir()
        write_json(staging / SOURCE, source)
    return staging


def _is_from(found: dict[str, Any] | None, source: dict[str, Any]) -> bool:
    return found is not None and {key: found.get(key) for key in source} == source


def _source(folder: Path) -> dict[str, Any] | None:
    """Return what a folder was unpacked from, None where it does not say, or is no folder.

    RefusedError where the system does not let us read what it says.
    """
    if not folder.is_dir():
        return None
    try:
        content = read_json(folder / SOURCE)
    except RefusedError:  # nothing is known of it, so what was unpacked is not given up
        raise
    except InputError:
        return None
    return content if isinstance(content, dict) else None


def checked(settings: Settings) -> Settings:
    """Return the settings; InputError for any that are unusable."""
    kind, password, members = settings
    if kind not in ("zip", "tar.gz"):
        raise InputError(f"--spec: kind = {kind!r}; expected 'zip' or 'tar.gz'")
    if kind == "tar.gz" and password is not None:
        raise InputError("--spec: password is for a zip; a tar.gz has none: give null")
    if isinstance(members, str) and (members != OVERLAP or kind != "zip"):
        raise InputError(f"--spec: members = {members!r}; expected a list of globs, null, or {OVERLAP!r} (of a zip)")
    if isinstance(members, list) and not (members and all(isinstance(glob, str) for glob in members)):
        raise InputError(
            f"--spec: members = {json.dumps(members)}; expected globs such as 'RIVAL10/*', or null for all"
        )
    return settings
