"""The replica of the published world, its server, and projects that use them as a user would."""

import shutil

import pytest

from replica import world
from replica.project import local_settings, made


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
    projects = []

    def make(data, **choices):
        projects.append(made(tmp_path_factory.mktemp("project"), settings, data, **choices))
        return projects[-1]

    yield make
    for project in projects:
        shutil.rmtree(project.folder)
