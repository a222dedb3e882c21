"""The names of the networks that torchvision and timm have, without importing them: that would take seconds.

Both mark the functions that build a network with ``@register_model``; their files are read where they are installed.
open_clip has a file for each network, whose name it is.
"""

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ARCHITECTURES = ("basic", "bottleneck", "resnet18", "resnet50")  # that have a name of their own, without a library's

# Bytes that begin with what is fixed are found in a sixth of the time of lines in text.
_REGISTERED = re.compile(rb"\n@register_model\b[^\n]*\n(?:@[^\n]*\n)*def (\w+)")
_RENAMED = re.compile(rb"\nregister_model_deprecations\(__name__, (\{.*?\n\})", re.DOTALL)


@cache
def names(library: str) -> frozenset[str] | None:
    """Return the classifiers of ``library`` (torchvision, timm or open_clip); None where it is not installed here.

    With timm's old names, which it still builds. Weights' tags (``resnet50.a1_in1k``) are no part of a name.
    """
    found = find_spec(library)
    if found is None or found.origin is None:
        return None
    if library == "open_clip":
        return frozenset(path.stem for path in (Path(found.origin).parent / "model_configs").glob("*.json"))
    known: set[str] = set()
    for path in (Path(found.origin).parent / "models").glob("*.py"):
        text = path.read_bytes()
        known.update(map(bytes.decode, _REGISTERED.findall(text)))
        for renamed in _RENAMED.findall(text):
            known.update(ast.literal_eval(renamed.decode()))
    return frozenset(known)
