"""Fetch a published data set into a folder that evaluations read: downloaded, verified, unpacked.

    tradeoffs fetch waterbirds --out DIR --accept-licence

Its licence is shown first, and nothing is fetched before it is accepted. What was received is kept, and the same
command goes on from there.
"""

from functools import partial
from pathlib import Path
from typing import Annotated

from tradeoffs.acquisition import objectnet_mappings, unpack
from tradeoffs.acquisition.archive_file import Published
from tradeoffs.acquisition.assemble import assemble
from tradeoffs.acquisition.download import download
from tradeoffs.acquisition.parquet_files import PARQUET
from tradeoffs.acquisition.zip_ranges import Wanted
from tradeoffs.data import objectnet, objectnet_parquet, waterbirds_parquet
from tradeoffs.step.command import Step, options_of
from tradeoffs.step.declared_data import DataSet, data
from tradeoffs.step.errors import InputError


def step(dataset: str) -> Step:
    """Return the command for a data set; InputError for one that there is not."""
    if dataset not in data():
        raise InputError(f"fetch {dataset}: no such data set; expected one of {', '.join(data())}")
    title = f"Fetch {data()[dataset].title} into a folder that evaluations read."
    return Step(title, None, options_of(run), partial(run, dataset), (), carded=False)


def run(
    dataset: str,
    *,
    out: Annotated[Path, "folder for the data set, and for what it is made from"],
    accept_licence: Annotated[bool, "you have read the licence and agree"] = False,
    imagenet: Annotated[Path | None, "ImageNet's folder, where the data set describes its images"] = None,
    parquet: Annotated[
        Path | None, "of waterbirds, objectnet: a folder of parquet files in place of the archive"
    ] = None,
) -> None:
    """Make ``out/<data set>``. InputError for a licence that is not accepted, and whatever keeps it from being had."""
    declared = data()[dataset]
    print(licence(declared))
    if declared.archive is None:
        raise InputError(
            f"{dataset}: needs a login and is never downloaded; get it there, and give its folder by --data"
        )
    if declared.conditions != "none" and not accept_licence:
        raise InputError(f"{dataset}: its licence is not accepted; read it, and if you agree give --accept-licence")
    if parquet is not None and dataset not in PARQUET:
        raise InputError(f"--parquet: {dataset} is read from its archive alone; leave it out")
    parts = {}
    if declared.imagenet is not None:
        if imagenet is None or not (imagenet / declared.imagenet).is_dir():
            raise InputError(
                f"--imagenet: {imagenet or 'none'}; the images are ImageNet's, expected a folder that holds "
                f"{declared.imagenet}/"
            )
        parts[declared.imagenet] = (imagenet / declared.imagenet).absolute()
    own = list(parts)
    downloads, unpacked = out / "downloads", out / "unpacked" / dataset
    archive = declared.archive
    if parquet is not None:
        if dataset == "waterbirds":
            waterbirds_parquet.write(parquet, unpacked)
        else:
            received = downloads / "objectnet-mappings.zip"
            mappings = partial(objectnet_mappings.fetch, archive.urls, archive.password, received)
            objectnet_parquet.write(parquet, unpacked, mappings)
            print("\n".join(objectnet.pixels(unpacked)))
        parts = {str(declared.folder): unpacked / str(declared.folder)}
        assemble(out / dataset, dataset, parts, parts, out / "observed")
        print(f"{out / dataset}: ready; {parquet} is no longer needed")
        return
    file = downloads / archive.file
    # A rule's name stands for members that are all that is needed: the rest is not fetched where the server lets us.
    wanted = Wanted(archive.members, archive.password) if isinstance(archive.members, str) else None
    asked = unpack.Settings(archive.kind, archive.password, archive.members)
    if file.exists() or not unpack.is_unpacked(unpacked, file, asked):
        download(archive.urls, file, Published(archive.sha256, archive.md5, archive.size), wanted)
    unpack.unpack(file, unpacked, asked)
    parts[str(declared.folder)] = unpacked / str(declared.folder)
    for place, addresses in declared.files.items():
        parts[place] = downloads / Path(place).name
        download(addresses, parts[place], Published(None, None, None))
    assemble(out / dataset, dataset, parts, own, out / "observed")
    print(f"{out / dataset}: ready; {file} is no longer needed")


def licence(declared: DataSet) -> str:
    """Return the lines that say what a data set's licence is."""
    return f"{declared.title}\n  licence: {declared.licence}\n  forbids: {declared.forbids}"
