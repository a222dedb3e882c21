"""A copy of the project that has the replica in the place of the internet, and is used as a user would."""

import hashlib
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import yaml

from project_root import ROOT
from replica import world
from tradeoffs.models import released_files
from tradeoffs.step import declared_data

SNAKEMAKE = Path(sys.executable).parent / "snakemake"
ARCHIVED = ("rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet")


class Project:
    """A fresh copy of the project whose ``overrides.yaml`` says what a user's config would.

    The theory, which is the same in every study, is computed on coarse grids.
    """

    def __init__(self, folder, imagenet):
        theory = yaml.safe_load((ROOT / "tests/small.yaml").read_text())["theory"]
        self.folder, self.overrides = folder, {"study": "imagenet", "imagenet": imagenet, "theory": theory}
        for name in ("workflow", "envs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("Snakefile", "config.yaml"):
            shutil.copy(ROOT / name, folder)

    def command(self, *arguments):
        """Return the arguments of Popen for one Snakemake command in the project."""
        (self.folder / "overrides.yaml").write_text(yaml.safe_dump(self.overrides))
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TRADEOFFS", "OMP", "MKL"))}
        return {
            "args": [SNAKEMAKE, *arguments, "--configfile", "overrides.yaml"],
            "cwd": self.folder,
            "env": kept | {"CUDA_VISIBLE_DEVICES": "", "no_proxy": "127.0.0.1"},
        }

    def snakemake(self, *arguments):
        return subprocess.run(**self.command(*arguments), capture_output=True, text=True, check=False)


def local_settings(published, server):
    """Return the changes to the shipped config that put the replica in the place of the internet.

    Only the addresses, and the checksums that belong to other bytes.
    """

    def local(addresses):
        return [server.local(address) for address in addresses]

    data = {}
    for name in ARCHIVED:
        declared = declared_data.data()[name]
        data[name] = {"urls": local(declared.archive.urls)}
        if declared.files:
            data[name]["files"] = {place: local(addresses) for place, addresses in declared.files.items()}
    data["objectnet"]["sha256"] = _sha256(published / "site/objectnet-1.0.zip")
    checksums = {file: _sha256(published / "site" / file) for file in world.CHECKPOINTS}
    address = server.local(released_files.ADDRESS)
    return {"data": data, "checkpoints": {"address": address, "sha256": checksums}}


def made(folder, settings, data, **choices):
    """Return a project of the settings, of choices below ``imagenet:`` and of choices for single data sets."""
    imagenet = deepcopy(settings) | choices
    for name, entry in data.items():
        imagenet["data"][name] = imagenet["data"].get(name, {}) | entry
    return Project(folder, imagenet)


def accepted(*names):
    """Return the choices of data sets whose licence was read."""
    return {name: {"accept_licence": True} for name in names}


def own_model(published):
    """Return the entry of a model of the user's own."""
    name = f"torchvision/{world.EXTRA.removesuffix('.pt')}"
    preprocessing = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    return {"id": "mine", "source": "state_dict", "name": name, "file": str(published / world.EXTRA)} | preprocessing


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
