"""A file that the system does not let anybody open."""

import os
from pathlib import Path

import pytest


def refuse(monkeypatch: pytest.MonkeyPatch, path: Path, reason: int) -> None:
    """Let every opening of ``path`` fail for ``reason``, an errno."""
    original = os.open

    def refusing(name, *arguments, **named):
        if os.fspath(name) == str(path):
            raise OSError(reason, os.strerror(reason), str(path))
        return original(name, *arguments, **named)

    monkeypatch.setattr(os, "open", refusing)
