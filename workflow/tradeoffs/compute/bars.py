"""Progress bars over images: shown where somebody watches, who says so; a step of the workflow has its log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tqdm import tqdm

_TITLE: ContextVar[str | None] = ContextVar("title", default=None)


@contextmanager
def shown(title: str | None) -> Iterator[None]:
    """Show the bars of passes within the block, under a title; None: none."""
    token = _TITLE.set(title)
    try:
        yield
    finally:
        _TITLE.reset(token)


def over(images: int) -> Any:
    """Return a bar of so many images, on standard error; in a file it speaks up once in a while only."""
    title = _TITLE.get()
    silent = title is None or sys.stderr is None  # as in a process without a terminal on some systems
    pause = 0.2 if not silent and sys.stderr.isatty() else 20.0
    return tqdm(desc=title, total=images, unit="image", mininterval=pause, leave=False, disable=silent)
