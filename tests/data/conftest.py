"""A small miniature, written once; a test that damages it takes a copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_world import build_all


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all six data sets; not to be changed."""
    root = tmp_path_factory.mktemp("miniature")
    build_all(root)
    return root


@pytest.fixture
def copy_of(miniature: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies one data set to a place where it may be damaged."""
    return lambda name: shutil.copytree(miniature / name, tmp_path / name)
