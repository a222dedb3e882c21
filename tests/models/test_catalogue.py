"""The names read from the libraries' files are those that the libraries themselves know."""

import subprocess
import sys

import pytest
import timm
import torchvision.models

from tradeoffs.models import catalogue


def test_torchvision():
    assert catalogue.names("torchvision") == set(torchvision.models.list_models(module=torchvision.models))


def test_timm_with_its_old_names():
    known = catalogue.names("timm")
    assert known >= set(timm.list_models())
    assert all(timm.is_model(name) for name in known)
    assert "tv_resnet34" in known


def test_a_library_that_is_not_installed_has_no_list(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(catalogue, "find_spec", lambda name: None)
    assert catalogue.names.__wrapped__("timm") is None


def test_nothing_is_imported_for_it():
    code = (
        "import sys; from tradeoffs.models import catalogue; catalogue.names('timm'); catalogue.names('torchvision');"
    )
    code += "sys.exit(bool({'torch', 'timm', 'torchvision'} & set(sys.modules)))"
    path = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=path, check=False).returncode == 0
