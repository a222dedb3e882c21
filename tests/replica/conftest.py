"""The replica of the published world, its server, and projects that use them as a user would."""

import hashlib
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from project_root import ROOT
from replica import world
from tradeoffs.models import released_files
from tradeoffs.step import declarations

SNAKEMAKE = Path(sys.executable).parent / "snakemake"
ARCHIVED = ("rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet")


class Project:
    """A fresh copy of the project whose ``overrides.yaml`` says what a user's config would."""

    def __init__(self, folder, imagenet):
        self.folder, self.overrides = folder, {"imagenet": imagenet}
        for name in ("workflow", "envs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("Snakefile", "config.yaml"):
            shutil.copy(ROOT / name, folder)

    def command(self, *arguments):
        """Return the arguments of Popen for one Snakemake command in the project."""
        (self.folder / "overrides.yaml").write_text(yaml.safe_dump(self.overrides))
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TRADEOFFS", "OMP", "MKL"))}
        return {
            "args": [SNAKEMAKE, *arguments, "--config", "study=imagenet", "--configfile", "overrides.yaml"],
            "cwd": self.folder,
            "env": kept | {"CUDA_VISIBLE_DEVICES": "", "no_proxy": "127.0.0.1"},
        }

    def snakemake(self, *arguments):
        return subprocess.run(**self.command(*arguments), capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """Return the folder of the replica; half a gigabyte, so it does not outlive the tests."""
    folder = tmp_path_factory.mktemp("published")
    world.build(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server(published):
    with world.serve(published) as running:
        yield running


@pytest.fixture(scope="session")
def settings(published, server):
    """Return the changes to the shipped config that put the replica in the place of the internet.

    Only the addresses, and the checksums that belong to other bytes.
    """

    def local(addresses):
        return [server.local(address) for address in addresses]

    data = {}
    for name in ARCHIVED:
        declared = declarations.data()[name]
        data[name] = {"urls": local(declared.archive.urls)}
        if declared.files:
            data[name]["files"] = {place: local(addresses) for place, addresses in declared.files.items()}
    data["objectnet"]["sha256"] = hashlib.sha256((published / "site/objectnet-1.0.zip").read_bytes()).hexdigest()
    checksums = {
        file: hashlib.sha256((published / "site" / file).read_bytes()).hexdigest() for file in world.CHECKPOINTS
    }
    address = server.local(released_files.ADDRESS)
    return {"data": data, "checkpoints": {"address": address, "sha256": checksums}}


@pytest.fixture(scope="session")
def make_project(tmp_path_factory, settings):
    """Return a function that makes a project of the given choices (keys below ``imagenet:``) and data-set choices.

    Projects do not outlive the tests either.
    """
    made = []

    def make(data, **choices):
        imagenet = deepcopy(settings) | choices
        for name, entry in data.items():
            imagenet["data"][name] = imagenet["data"].get(name, {}) | entry
        made.append(Project(tmp_path_factory.mktemp("project"), imagenet))
        return made[-1]

    yield make
    for project in made:
        shutil.rmtree(project.folder)
