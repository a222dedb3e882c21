"""The files that a page is made of beside its data: templates, the style, the scripts."""

import hashlib
from pathlib import Path

HERE = Path(__file__).parent
TEMPLATES, STATIC = HERE / "templates", HERE / "static"
_FIRST = ("page.js", "charts.js")  # what the others use


def styles() -> list[Path]:
    """Return the styles, that of the whole page last."""
    return sorted(STATIC.glob("*.css"), key=lambda path: (path.name == "page.css", path.name))


def scripts() -> list[Path]:
    """Return the scripts in the order in which they run."""
    return sorted(STATIC.glob("*.js"), key=lambda path: (*(path.name != first for first in _FIRST), path.name))


def fingerprint() -> str:
    """Return a hash over all these files: what a page depends on that is no Python."""
    digest = hashlib.sha256()
    for path in sorted([*TEMPLATES.glob("*.html"), *STATIC.iterdir()]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
