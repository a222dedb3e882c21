"""What an address of a file looks like: the config, the declarations of data sets and the downloader ask here."""

import re

# A name and password, a host or an IPv6 address in brackets, a port; then a place of printable ASCII.
PATTERN = r"^https?://([^/?#\s\[\]@]*@)?([^/?#\s\[\]@]+|\[[0-9A-Fa-f:.]+\](:[0-9]+)?)/[!-~]*$"
EXPECTED = "one that starts with http:// or https://, letters outside ASCII as %XX"


def is_address(value: object) -> bool:
    """Whether a value is an address of a file."""
    return isinstance(value, str) and re.fullmatch(PATTERN, value) is not None
