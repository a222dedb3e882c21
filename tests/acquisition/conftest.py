"""A server with faults, commands in processes of their own, a disk of one megabyte."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from acquisition.faulty_server import Site, serve
from project_root import ROOT


@pytest.fixture
def site(monkeypatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("tradeoffs.acquisition.download.PAUSE", 0.0)
    site = Site()
    server, thread = serve(site)
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def start():
    """Return a function that starts ``python -m tradeoffs <module> ...``, or Python with other options.

    What still runs at the end is killed.
    """
    running = []

    def popen(module: str | list[str], *arguments: str | Path) -> subprocess.Popen:
        environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "no_proxy": "127.0.0.1"}
        options = ["-m", "tradeoffs", module] if isinstance(module, str) else module
        command = [sys.executable, *options, *map(str, arguments)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        running.append(process)
        return process

    yield popen
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)
