"""A published model of the zoo, from its file: names, normalisation and size as its entry says.

A file's own normaliser must be the one of the entry, whose key rule (:mod:`tradeoffs.models.key_rules`) says how the
names of its tensors have changed since it was published.
"""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from tradeoffs.models import conversion, key_rules, tensor_file, zoo
from tradeoffs.models.conversion import Converted


class Settings(NamedTuple):
    """``name``: of the model in the zoo."""

    name: str
    classes: int


def read(settings: Settings, checkpoint: Path | None) -> Converted:
    """Return the model; InputError for an unknown name, and as :func:`tradeoffs.models.tensor_file.read`."""
    assert checkpoint is not None  # convert has seen to it
    entry = zoo.find(settings.name)
    own = conversion.Settings(
        settings.classes, entry.architecture, mean=entry.mean, std=entry.std, input_size=entry.input_size
    )
    names = partial(key_rules.renamed, rule=key_rules.find(entry.keys))
    found = tensor_file.read(own, entry.architecture, checkpoint, names)
    source = {
        "name": entry.source,
        "zoo": entry.name,
        "address": entry.url or entry.page,
        "published_sha256": entry.sha256,
        "keys": entry.keys,
    }
    content = {"mean": found.tensors["mean"].flatten().tolist(), "std": found.tensors["std"].flatten().tolist()}
    published = {
        "published_clean_accuracy": entry.clean.accuracy,
        "published_autoattack_accuracy": entry.autoattack.accuracy if entry.autoattack else None,
    }
    return Converted(found.tensors, found.architecture, found.source | source, found.content | content | published)
