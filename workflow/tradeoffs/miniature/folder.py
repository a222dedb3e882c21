"""A data folder appears whole or not at all: written beside its place, fingerprinted, then renamed."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.acquisition.contents import CARD, FINGERPRINT, fingerprint
from tradeoffs.miniature.settings import Settings
from tradeoffs.step.cards import digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import write_json
from tradeoffs.step.processes import alive


def build(
    out: Path,
    dataset: str,
    settings: Settings,
    write: Callable[[Path, Settings], None],
    extra: tuple[str, ...] = (),
) -> None:
    """Write a data set beside ``out``, then rename it to ``out``; an older folder there is replaced."""
    started = time.perf_counter()
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give a folder to write to")
    out.parent.mkdir(parents=True, exist_ok=True)
    _sweep(out)
    staging = out.parent / f".{out.name}.new.{os.getpid()}"
    replaced = out.parent / f".{out.name}.old.{os.getpid()}"
    spec = {key: value for key, value in settings._asdict().items() if key != "test_images" or key in extra}
    try:
        staging.mkdir()
        write(staging, settings)
        found, files = fingerprint(staging)
        write_json(staging / FINGERPRINT, {"dataset": dataset, "fingerprint": found, "files": files, "spec": spec})
        write_card(
            staging / CARD,
            spec=spec,
            code=code_id(f"tradeoffs.miniature.{dataset}"),
            data={dataset: found},
            started=started,
            files=digests(staging / FINGERPRINT),
            kind="data",
        )
        if out.exists():
            out.rename(replaced)
        staging.rename(out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def save_jpeg(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Save uint8 [h, w, 3] or [h, w] as JPEG of quality 95 without colour subsampling, making its folder."""
    _save(path, pixels, "JPEG", quality=95, subsampling=0)


def save_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Save uint8 [h, w, 3] or [h, w] as PNG, making its folder."""
    _save(path, pixels, "PNG")


def _save(path: Path, pixels: NDArray[np.uint8], form: str, **options: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        Image.fromarray(pixels).save(file, form, **options)


def _sweep(out: Path) -> None:
    """Remove what a writer of the same folder left behind when it was killed; one that still runs is left alone."""
    for kind in ("new", "old"):
        for left in out.parent.glob(f".{out.name}.{kind}.*"):
            process = left.suffix[1:]
            if process.isdecimal() and (int(process) == os.getpid() or not alive(process)):
                shutil.rmtree(left, ignore_errors=True)
