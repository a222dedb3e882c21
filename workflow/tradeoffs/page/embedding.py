"""What is put into a page whose text may come from anybody: data for scripts, and the scripts themselves."""

import json
from typing import Any

from markupsafe import Markup

_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def embedded(value: Any) -> Markup:
    """Return JSON that no text in it can end: ``<``, ``>``, ``&`` and line separators are written as escapes.

    ValueError for NaN, which JSON lacks.
    """
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_ESCAPED))


def script(text: str) -> Markup:
    """Return a script as it may stand in a page: the tag that would end it, and comments, are written apart."""
    return Markup(text.replace("</script", "<\\/script").replace("<!--", "<\\!--"))
