"""Addresses: a name and password in one are sent to its own host, and never shown."""

import base64
import re
from urllib.parse import unquote, urlsplit

_SECRET = re.compile(r"((?:token|key|sig|password|secret|auth)[^=&]*=)[^&]+", re.IGNORECASE)


def without_password(url: str) -> tuple[str, str | None]:
    """Return an address without name and password, and the header that says them to its own host and no other."""
    name, at, rest = urlsplit(url).netloc.rpartition("@")
    if not at:
        return url, None
    said = base64.b64encode(unquote(name).encode()).decode()
    return url.replace(f"{name}@{rest}", rest, 1), f"Basic {said}"


def shown(url: str) -> str:
    """Return an address as it may be printed and kept: without name, password and the values of a query."""
    plain = without_password(url)[0].partition("#")[0]
    return _SECRET.sub(r"\1...", plain)
