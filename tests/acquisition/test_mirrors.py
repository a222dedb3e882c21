"""Addresses of one file, one after the other: what fails is said at once, and all of it where none delivers."""

import pytest

from acquisition.faulty_server import Page
from tradeoffs.acquisition import mirrors, objectnet_mappings
from tradeoffs.acquisition.server import NotDeliveredError
from tradeoffs.step.errors import InputError

URLS = ["http://a.example/f?key=s3cret", "http://b.example/f"]


def test_the_first_that_delivers_is_enough(tmp_path, capsys):
    asked = []

    def fetch(url):
        asked.append(url)
        if len(asked) == 1:
            raise NotDeliveredError("404 Not Found")
        return "the file"

    assert mirrors.first([*URLS, "http://c.example/f"], tmp_path / "f.zip", fetch, str) == "the file"
    assert asked == URLS
    assert capsys.readouterr().err == "f.zip: http://a.example/f?key=...: 404 Not Found\n"


def test_where_none_delivers_all_reasons_are_one_line(tmp_path):
    def fetch(url):
        raise NotDeliveredError(f"refused by {url[7]}")

    with pytest.raises(InputError) as raised:
        mirrors.first(URLS, tmp_path / "f.zip", fetch, lambda: "; try later", "the tables")
    assert str(raised.value) == (
        f"{tmp_path / 'f.zip'}: no address delivered the tables (http://a.example/f?key=...: refused by a; "
        "http://b.example/f: refused by b); try later"
    )


def test_an_address_without_objectnets_mappings_is_named_at_once(site, tmp_path, capsys):
    site.pages["/whole"] = Page(b"PK" + bytes(1000), ranges=False)
    urls = [site.url("/gone"), site.url("/whole")]
    with pytest.raises(InputError, match=r"no address delivered ObjectNet's mappings .*mappings/ beside the parquet"):
        objectnet_mappings.fetch(urls, None, tmp_path / "o.zip", tmp_path / "out")
    said = capsys.readouterr().err.splitlines()
    assert said == [f"o.zip: {urls[0]}: 404 Not Found", f"o.zip: {urls[1]}: does not answer to ranges"]
