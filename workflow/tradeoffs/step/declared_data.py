"""What a data set is and where it comes from: YAML beside the module that reads it, which is not imported.

A reworded title or another address changes no code: code ids see Python only.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from tradeoffs.step.addresses import EXPECTED, is_address
from tradeoffs.step.errors import InputError
from tradeoffs.step.yaml_files import ROOT, read


@dataclass(frozen=True)
class Archive:
    """The archive of a data set as published: addresses of one and the same file, mirrors after the first.

    ``members``: globs of those to unpack, the name of a rule, or None for all. Checksums are lower-case hex, ``size``
    is in bytes; None where nobody published one.
    """

    file: str
    kind: str  # zip or tar.gz
    urls: list[str]
    members: list[str] | str | None = None
    password: str | None = None
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class DataSet:
    """What a data set is and where it comes from; ``archive`` None: never downloaded.

    ``folder``: what the archive, and a user's own copy, holds. ``files``: published beside the archive, by their place
    in the data set, with their addresses. ``layouts``: other folders of a user's copy that hold the same (``.``: the
    copy itself), each with a file in it that tells. ``imagenet``: the split of ImageNet whose images it describes.
    ``miniature``: the number of images of the miniature's and what they are. ``embed``: whether its pictures may stand
    in a page or report that is passed on, and ``embed_why`` or why not; where nothing is said they may not.
    """

    title: str
    licence: str
    forbids: str
    conditions: str | None = None  # "none": nothing is to be accepted
    folder: str | None = None
    archive: Archive | None = None
    files: dict[str, list[str]] = field(default_factory=dict)
    imagenet: str | None = None
    miniature: dict[str, Any] = field(default_factory=dict)
    layouts: dict[str, str] = field(default_factory=dict)
    embed: bool = False
    embed_why: str = "its declaration does not say that its pictures may be passed on"


@cache
def data(folder: Path = ROOT / "data") -> Mapping[str, DataSet]:
    """Return the declared data sets by name, in alphabetical order; InputError names file and key of a mistake."""
    return {path.stem: _data_set(path) for path in sorted(folder.glob("*.yaml"))}


def _data_set(path: Path) -> DataSet:
    found = _checked(read(path), DataSet, path, "")
    if (given := found.get("archive")) is not None:
        found["archive"] = archive = Archive(**_checked(given, Archive, path, "archive."))
        if archive.kind not in ("zip", "tar.gz"):
            raise InputError(f"{path}: archive.kind = {archive.kind!r}; expected zip or tar.gz")
        if archive.kind != "zip" and archive.password is not None:
            raise InputError(f"{path}: archive.password: a {archive.kind} archive has none; leave it out")
        if not found.get("folder"):
            raise InputError(f"{path}: folder is missing; expected the name of the folder that the archive holds")
    if found.get("conditions") not in (None, "none"):
        raise InputError(f"{path}: conditions = {found['conditions']!r}; expected none, or leave it out")
    miniature = found.get("miniature", {})
    if miniature and (miniature.keys() != {"images", "description"} or not isinstance(miniature["images"], int)):
        raise InputError(f"{path}: miniature = {miniature!r}; expected images (a number) and their description")
    return DataSet(**found)


def _checked(content: Any, kind: type[Any], path: Path, where: str) -> dict[str, Any]:
    """Return the keys of a part of a declaration; InputError for unknown, missing and mistyped ones."""
    if not isinstance(content, dict):
        raise InputError(f"{path}: {where.rstrip('.')} = {content!r}; expected keys and their values")
    names = [part.name for part in fields(kind)]
    optional = {p.name for p in fields(kind) if p.default is not MISSING or p.default_factory is not MISSING}
    for key in content:
        if key not in names:
            raise InputError(f"{path}: {where}{key}: unknown key; expected {', '.join(names)}")
    for key in names:
        if key not in content and key not in optional:
            raise InputError(f"{path}: {where}{key} is missing; expected {', '.join(names)}")
    for key, value in content.items():
        if not _is(value, key):
            expected = _EXPECTED.get(key, "text")
            raise InputError(f"{path}: {where}{key} = {str(value)[:80]!r}; expected {expected}")
    return dict(content)


_EXPECTED = {
    "urls": f"a list of addresses, each {EXPECTED}",
    "members": "a list of globs, the name of a rule, or null for all",
    "files": f"places in the data set and, for each, a list of addresses, each {EXPECTED}",
    "size": "a number of bytes",
    "sha256": "64 lower-case hex digits",
    "md5": "32 lower-case hex digits",
    "file": "the name of a file: letters, digits and _ . + -",
    "archive": "keys and their values",
    "miniature": "keys and their values",
    "layouts": "folders, or a dot, and for each the name of a file in it",
    "embed": "true or false",
}
_PLAIN = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"


def _is(value: Any, key: str) -> bool:
    """Whether a value is what a key of :class:`DataSet` or :class:`Archive` may say."""
    if key in ("archive", "miniature"):
        return isinstance(value, dict)
    if key == "embed":
        return isinstance(value, bool)
    if key == "layouts":
        return isinstance(value, dict) and all(
            re.fullmatch(rf"\.|{_PLAIN}", str(folder)) and re.fullmatch(_PLAIN, str(file))
            for folder, file in value.items()
        )
    if key == "urls":
        return _addresses(value)
    if key == "files":
        places = isinstance(value, dict) and all(re.fullmatch(f"{_PLAIN}(/{_PLAIN})*", str(place)) for place in value)
        return places and all(_addresses(listed) for listed in value.values())
    if value is None:
        return key in ("members", "password", "sha256", "md5", "size")
    if key == "members" and isinstance(value, list):
        return bool(value) and all(isinstance(glob, str) for glob in value)
    if key == "size":
        return isinstance(value, int) and value > 0
    if not isinstance(value, str) or not value:
        return False
    pattern = {"sha256": "[0-9a-f]{64}", "md5": "[0-9a-f]{32}", "file": _PLAIN}.get(key)
    return pattern is None or re.fullmatch(pattern, value) is not None


def _addresses(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_address, value))
