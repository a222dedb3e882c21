"""What may have been meant by a name that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def similar(name: str, known: Iterable[str]) -> str:
    """Return the known names that come close, at most three, as "a or b", whatever their case; '' where none does."""
    lower = {each.lower(): each for each in known}
    return " or ".join(lower[each] for each in get_close_matches(name.lower(), lower))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean a or b?", the end of an error, or '' where no known name comes close."""
    close = similar(name, known)
    return f"; did you mean {close}?" if close else ""
