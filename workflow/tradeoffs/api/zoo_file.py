"""The file of a published model of the zoo, beside those that torch downloads for its libraries."""

from pathlib import Path
from urllib.parse import urlsplit

import torch

from tradeoffs.acquisition.archive_file import Published
from tradeoffs.acquisition.download import download
from tradeoffs.models.zoo import Entry
from tradeoffs.step.errors import InputError


def at_hand(entry: Entry) -> Path:
    """Return where the file of an entry is, once it is there and verified: in torch's own cache of checkpoints.

    InputError for one that cannot be had or is damaged; where only a browser is given it, with where to put it.
    """
    place = Path(torch.hub.get_dir(), "checkpoints", entry.file)
    if entry.url is None and not place.is_file():
        host = urlsplit(str(entry.page)).hostname
        raise InputError(
            f"zoo/{entry.name}: {host} asks for a browser: get {entry.page} by hand and put it at {place}, where it is "
            "verified"
        )
    download([entry.url or str(entry.page)], place, Published(entry.sha256, None, None))
    return place
