"""ObjectNet's mappings alone: of an archive of 190 GB its directory and these members, by ranges."""

from pathlib import Path

from tradeoffs.acquisition import mirrors, server, zip_ranges
from tradeoffs.acquisition.download import patience
from tradeoffs.acquisition.objectnet_members import NEEDED
from tradeoffs.acquisition.storage import exclusive, explained
from tradeoffs.acquisition.zip_archive import unpack_zip
from tradeoffs.acquisition.zip_ranges import Wanted

_REST = "; if you have them from elsewhere, put their folder mappings/ beside the parquet files"


def fetch(urls: list[str], password: str | None, file: Path, out: Path) -> None:
    """Write ``out/objectnet-1.0/mappings/`` from the first of ``urls`` that delivers these members of the archive.

    ``file`` keeps what was received. InputError where no address delivers them by ranges: the whole is not fetched.
    """
    with exclusive(file), explained(file, "what was received is kept, and the next run goes on from there"):
        if not file.exists():
            _receive(urls, Wanted(NEEDED, password), file)
    unpack_zip(file, out, password, NEEDED)


def _receive(urls: list[str], wanted: Wanted, file: Path) -> None:
    def fetch(url: str) -> None:
        if not zip_ranges.fetch(url, file, wanted, None, patience(url, file)):
            raise server.NotDeliveredError("does not answer to ranges")

    mirrors.first(urls, file, fetch, lambda: _REST, "ObjectNet's mappings")
