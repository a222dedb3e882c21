"""The published data sets of the imagenet study: which are at hand, what is downloaded, what each is assembled from.

A data set comes from its archive, once its licence is accepted, or from the user's own copy (``path:``). ImageNet
itself is only ever the user's own copy. Either way a benchmark reads a folder of links to the parts, which
:mod:`tradeoffs.acquisition.assemble` makes.
"""

from pathlib import Path

from tradeoffs.acquisition import parquet_files
from tradeoffs.step.declared_data import data
from tradeoffs.step.errors import InputError
from tradeoffs.study.model import Config

DOWNLOADS = "resources/downloads"
UNPACKED = "resources/unpacked"
OURS = (f"{DOWNLOADS}/", f"{UNPACKED}/")  # how paths begin that are not the user's
IMAGENET = "imagenet"


def missing(study: Config) -> dict[str, str]:
    """Return the data sets that cannot be had, with the reason and what to do.

    Raises InputError for a ``path:`` that does not hold what it should: that is a mistake, not a missing data set.
    """
    found: dict[str, str] = {}
    for name, declared in data().items():
        if declared.archive is None:
            continue
        entry = study["data"][name]
        if entry["path"] is not None:
            _check_copy(name, entry["path"])
        elif not entry["accept_licence"]:
            found[name] = (
                f"its licence is not accepted ({declared.licence}; forbids {declared.forbids}); read it and set "
                f"imagenet.data.{name}.accept_licence to true, or give your own copy as imagenet.data.{name}.path"
            )
    for name, declared in data().items():
        split = "val" if name == IMAGENET else declared.imagenet
        reason = _no_imagenet(study, split) if split else None
        if reason is not None and name not in found:
            needs = "" if name == IMAGENET else f"its images are those of ImageNet's {split}/, and "
            found[name] = needs + reason
    return found


def marks(study: Config, name: str) -> list[str]:
    """Return the files that say that the parts of a data set are there; a user's own copy is no file of ours."""
    return [
        f"{part}.json" if part.startswith(f"{DOWNLOADS}/") else f"{Path(part).parent}/fingerprint.json"
        for part in parts(study, name).values()
        if part.startswith(OURS)
    ]


def training_parts(study: Config) -> dict[str, str]:
    """Return what trainings read, in a folder of its own, as :func:`parts`: test domains come and go beside it."""
    return _splits(study, ["train", "val"])


def attacked_parts(study: Config) -> dict[str, str]:
    """Return what is attacked, likewise, where that is more than validation images; else nothing."""
    domains = study["benchmarks"].get("adversarial", {}).get("domains", {}).values()
    return _splits(study, ["val", *domains]) if set(domains) - {"val"} else {}


def _splits(study: Config, names: list[str]) -> dict[str, str]:
    return {split: f"{study['data'][IMAGENET]['path']}/{split}" for split in dict.fromkeys(names)}


def parts(study: Config, name: str) -> dict[str, str]:
    """Return what a data set is assembled from, for benchmarks: place in it -> file or folder on disk."""
    declared, entry, imagenet = data()[name], study["data"][name], study["data"][IMAGENET]["path"]
    if declared.archive is None:
        return _splits(study, ["val"])
    if entry["path"] is None:
        found = {str(declared.folder): f"{UNPACKED}/{name}/{declared.folder}"}
    else:
        found = {str(declared.folder): str(folder_of(name, entry["path"]) or f"{entry['path']}/{declared.folder}")}
    for place in declared.files:
        own = entry["path"] is not None and Path(entry["path"], place).is_file()
        found[place] = f"{entry['path']}/{place}" if own else f"{DOWNLOADS}/{Path(place).name}"
    if declared.imagenet:
        found[declared.imagenet] = f"{imagenet}/{declared.imagenet}"
    return found


def archive(name: str) -> str:
    """Return where the archive of a data set is downloaded to."""
    declared = data()[name].archive
    if declared is None:
        raise InputError(f"{name}: has no archive; give your own copy as imagenet.data.{name}.path")
    return f"{DOWNLOADS}/{declared.file}"


def downloads(study: Config) -> dict[str, Config]:
    """Return the settings of :mod:`tradeoffs.acquisition.download` for every file that the data sets at hand need.

    A checksum in the config is of another file than the published one, whose checksums and size then do not count.
    Without one, where a rule says which members are needed, these alone are fetched if the server lets us.
    """
    absent = missing(study)
    found: dict[str, Config] = {}
    for name, declared in data().items():
        if declared.archive is None or name in absent:
            continue
        entry, published = study["data"][name], declared.archive
        if entry["path"] is None:
            known = {"sha256": published.sha256, "md5": published.md5, "size": published.size}
            own = {"sha256": entry["sha256"], "md5": None, "size": None}
            urls = {"urls": entry["urls"] or published.urls}
            found[published.file] = urls | (own if entry["sha256"] else known)
            if isinstance(published.members, str) and not entry["sha256"]:
                found[published.file] |= {"members": published.members, "password": published.password}
        for place, addresses in declared.files.items():
            if parts(study, name)[place].startswith(f"{DOWNLOADS}/"):
                urls = {"urls": entry["files"][place] or addresses}
                found[Path(place).name] = urls | {"sha256": None, "md5": None, "size": None}
    return found


def unpacking(name: str) -> Config:
    """Return the settings of :mod:`tradeoffs.acquisition.unpack` for a data set's archive."""
    declared = data()[name].archive
    return {key: getattr(declared, key) for key in ("kind", "password", "members")}


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
    if folder_of(name, path) is None:
        raise InputError(
            f"config: imagenet.data.{name}.path = {path!r}; expected a folder that holds {held(name, path)}; correct "
            "it, or use null to download the data set"
        )


def held(name: str, path: str) -> str:
    """Say what the folder of a data set may hold: the published one, or that of another layout.

    Of parquet files at a path also which command lays them out.
    """
    declared = data()[name]
    others = [f"the {file} of one" if folder == "." else f"{folder}/" for folder, file in declared.layouts.items()]
    if name in parquet_files.PARQUET and parquet_files.files(Path(path), "*.parquet"):
        others.append(f"what tradeoffs fetch {name} --parquet {path} makes of its parquet files")
    return ", or ".join([f"{declared.folder}/", *others])


def folder_of(name: str, path: str) -> Path | None:
    """Return the folder of a user's copy that is the data set's: as published, or in another layout; else None."""
    declared = data()[name]
    if has_published_layout(name, path):
        return Path(path, str(declared.folder))
    return next(
        (Path(path, folder) for folder, file in declared.layouts.items() if Path(path, folder, file).is_file()), None
    )


def has_published_layout(name: str, path: str) -> bool:
    """Whether a user's copy is laid out as the published archive."""
    return Path(path, str(data()[name].folder)).is_dir()
