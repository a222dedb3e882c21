"""The replica of the published world, its server, and projects that use them as a user would."""

import shutil
from copy import deepcopy

import pytest

from replica import world
from replica.project import Project, local_settings


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
    """Return the changes to the shipped config that put the replica in the place of the internet."""
    return local_settings(published, server)


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
