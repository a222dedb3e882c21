"""Addresses: a name and password in one are sent to its own host, and never shown."""

import base64
import re
from urllib.parse import unquote, urlsplit

# What an address asks for and is no secret: which file it is, at the publishers' hosts. All else may be one.
_PLAIN = ("rm", "shared_name", "file_id")
_VALUE = re.compile(rf"((?:^|[?&])(?!(?:{'|'.join(_PLAIN)})=)[^=&]*=)[^&]+")


def without_password(url: str) -> tuple[str, str | None]:
    """Return an address without name and password, and the header that says them to its own host and no other."""
    name, at, rest = urlsplit(url).netloc.rpartition("@")
    if not at:
        return url, None
    said = base64.b64encode(unquote(name).encode()).decode()
    return url.replace(f"{name}@{rest}", rest, 1), f"Basic {said}"


def shown(url: str) -> str:
    """Return an address as it may be printed and kept: without name, password and the values of its query.

    Values of a query stay that say which file it is.
    """
    place, asked, query = without_password(url)[0].partition("#")[0].partition("?")
    return place + asked + _VALUE.sub(r"\1...", query)
