"""The published data sets of the imagenet study: which are at hand, what is downloaded, what each is assembled from.

A data set comes from its archive, once its licence is accepted, or from the user's own copy (``path:``). ImageNet
itself is only ever the user's own copy. Either way a benchmark reads a folder of links to the parts, which
:mod:`tradeoffs.acquisition.assemble` makes.
"""

from pathlib import Path

from tradeoffs.step.errors import InputError
from tradeoffs.study.model import Config

DOWNLOADS = "resources/downloads"
UNPACKED = "resources/unpacked"
# The folder that each archive, and each copy of a user's, holds.
TOP = {
    "rival10": "RIVAL10",
    "salient_imagenet": "salient_imagenet_dataset",
    "imagenet9": "bg_challenge",
    "waterbirds": "waterbird_complete95_forest2water2",
    "objectnet": "objectnet-1.0",
}
IMAGENET = "imagenet"


def missing(study: Config) -> dict[str, str]:
    """Return the data sets that cannot be had, with the reason and what to do.

    Raises InputError for a ``path:`` that does not hold what it should: that is a mistake, not a missing data set.
    """
    found: dict[str, str] = {}
    for name, entry in study["data"].items():
        if name == IMAGENET:
            continue
        if entry["path"] is not None:
            _check_copy(name, entry["path"])
        elif not entry["accept_licence"]:
            found[name] = (
                f"its licence is not accepted ({entry['licence']}; forbids {entry['forbids']}); read it and set "
                f"imagenet.data.{name}.accept_licence to true, or give your own copy as imagenet.data.{name}.path"
            )
    for name, split in ((IMAGENET, "val"), ("salient_imagenet", "train")):
        reason = _no_imagenet(study, split)
        if reason is not None and name not in found:
            needs = "" if name == IMAGENET else "its images are ImageNet's training images, and "
            found[name] = needs + reason
    return found


def parts(study: Config, name: str) -> dict[str, str]:
    """Return what a data set is assembled from: place in it -> file or folder on disk."""
    imagenet = study["data"][IMAGENET]["path"]
    if name == IMAGENET:
        splits = ["val", "train"] if study["source"] == "train" else ["val"]
        domains = study["benchmarks"]["adversarial"]["domains"].values()
        return {split: f"{imagenet}/{split}" for split in dict.fromkeys([*splits, *domains])}
    entry = study["data"][name]
    base = entry["path"] if entry["path"] is not None else f"{UNPACKED}/{name}"
    found = {TOP[name]: f"{base}/{TOP[name]}"}
    for place in entry["files"]:
        own = entry["path"] is not None and Path(entry["path"], place).is_file()
        found[place] = f"{entry['path']}/{place}" if own else f"{DOWNLOADS}/{Path(place).name}"
    if name == "salient_imagenet":
        found["train"] = f"{imagenet}/train"
    return found


def downloads(study: Config) -> dict[str, Config]:
    """Return the settings of :mod:`tradeoffs.acquisition.download` for every file that the data sets at hand need."""
    absent = missing(study)
    found: dict[str, Config] = {}
    for name, entry in study["data"].items():
        if name == IMAGENET or name in absent:
            continue
        if entry["path"] is None:
            found[entry["file"]] = {key: entry[key] for key in ("urls", "sha256", "md5", "size")}
        for place, urls in entry["files"].items():
            if parts(study, name)[place].startswith(DOWNLOADS):
                found[Path(place).name] = {"urls": urls, "sha256": None, "md5": None, "size": None}
    return found


def unpacking(study: Config, name: str) -> Config:
    """Return the settings of :mod:`tradeoffs.acquisition.unpack` for a data set's archive."""
    entry = study["data"][name]
    return {key: entry[key] for key in ("kind", "password", "members")}


def _no_imagenet(study: Config, split: str) -> str | None:
    """Say why a split of ImageNet cannot be had; None where it can."""
    path = study["data"][IMAGENET]["path"]
    if path is None:
        return (
            "ImageNet needs a login and is never downloaded: set imagenet.data.imagenet.path to a folder with "
            "train/<wnid>/ and val/<wnid>/"
        )
    if not Path(path).is_dir():
        raise InputError(f"config: imagenet.data.imagenet.path = {path!r}; no such folder; correct it, or use null")
    if not Path(path, split).is_dir():
        return f"imagenet.data.imagenet.path = {path} has no folder {split}"
    return None


def _check_copy(name: str, path: str) -> None:
    if not Path(path, TOP[name]).is_dir():
        raise InputError(
            f"config: imagenet.data.{name}.path = {path!r}; expected a folder that holds {TOP[name]}/; correct it, or "
            "use null to download the data set"
        )
