"""A published data set by one command: its licence first, then a folder that an evaluation reads."""

from dataclasses import replace
from pathlib import Path

import pytest

import tradeoffs
from acquisition.archives import write_tar, write_zip
from acquisition.conftest import site as site
from acquisition.faulty_server import Page, cut, reset
from acquisition.test_zip_ranges import objectnet
from benchmarks.conftest import SMALL
from tradeoffs.acquisition import remote_file
from tradeoffs.acquisition.fingerprint import verify
from tradeoffs.api import fetch
from tradeoffs.runner import commands
from tradeoffs.step.declared_data import data


def files_below(folder):
    """Return what an archive of a folder holds, by its place from the folder's own name on."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def published(miniature, site, monkeypatch, tmp_path):
    """Publish the miniature's sets on a server, at the addresses that are declared then."""
    declared = dict(data())
    for name, pack in (("waterbirds", write_tar), ("salient_imagenet", write_zip)):
        folder = miniature / name / declared[name].folder
        archive = pack(tmp_path / declared[name].archive.file, files_below(folder))
        site.pages[f"/{archive.name}"] = Page(archive.read_bytes())
        changed = replace(declared[name].archive, urls=[site.url(f"/{archive.name}")])
        for place in declared[name].files:
            site.pages[f"/{Path(place).name}"] = Page((miniature / name / place).read_bytes())
        files = {place: [site.url(f"/{Path(place).name}")] for place in declared[name].files}
        declared[name] = replace(declared[name], archive=changed, files=files)
    monkeypatch.setattr(fetch, "data", lambda: declared)
    return site


def test_the_licence_is_shown_and_nothing_fetched_before_it_is_accepted(published, tmp_path, capsys):
    out = tmp_path / "data"
    assert commands.main(["fetch", "waterbirds", "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert "licence: non-commercial research and education" in said.out
    assert "forbids: commercial use" in said.out
    assert said.err == (
        "error: waterbirds: its licence is not accepted; read it, and if you agree give --accept-licence\n"
    )
    assert not out.exists()
    assert published.requests == []


def test_what_is_fetched_is_evaluated(published, own, miniature, tmp_path, capsys):
    out = tmp_path / "data"
    for _ in range(2):  # the second time nothing is downloaded
        assert commands.main(["fetch", "waterbirds", "--out", str(out), "--accept-licence"]) == 0
    assert len(published.requests) == 1
    next((out / "downloads").glob("waterbird*.tar.gz")).unlink()  # as is said: it is no longer needed
    assert commands.main(["fetch", "waterbirds", "--out", str(out), "--accept-licence"]) == 0
    assert len(published.requests) == 1
    verify(out / "waterbirds")
    told = {"settings": SMALL["waterbirds"] | {"bootstrap": 50}, "progress": False}
    found = tradeoffs.evaluate(own, "waterbirds", out / "waterbirds", **told)
    assert found.card["metrics"]["adjusted_average_accuracy"]["n"] > 0
    correct = tradeoffs.evaluate(own, "waterbirds", miniature / "waterbirds", **told).outcomes["correct"]
    assert (found.outcomes["correct"] == correct).all()


def test_images_of_imagenet_come_from_the_user_s_copy(published, miniature, tmp_path, capsys):
    words = ["fetch", "salient_imagenet", "--out", str(tmp_path / "data"), "--accept-licence"]
    assert commands.main(words) == 2
    assert "the images are ImageNet's, expected a folder that holds train/" in capsys.readouterr().err
    assert published.requests == []
    assert commands.main([*words, "--imagenet", str(miniature / "salient_imagenet")]) == 0
    made = tmp_path / "data/salient_imagenet"
    assert (made / "train").resolve() == (miniature / "salient_imagenet/train").resolve()
    assert (made / "mturk_results/discover_spurious_features.csv").is_file()
    verify(made)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("imagenet", "imagenet: needs a login and is never downloaded"),
        ("waterbird", "tradeoffs fetch waterbird: no such dataset; expected waterbirds"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(name, message, tmp_path, capsys):
    assert commands.main(["fetch", name, "--out", str(tmp_path / "data")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1


def publish_objectnet(site, monkeypatch):
    """Declare the archive at its address on the server; requests are small, so that there are several."""
    monkeypatch.setattr(remote_file, "_FIRST", 1000)
    declared = dict(data())
    there = replace(declared["objectnet"].archive, urls=[site.url("/objectnet-1.0.zip")], password="secret")
    declared["objectnet"] = replace(declared["objectnet"], archive=there)
    monkeypatch.setattr(fetch, "data", lambda: declared)


def test_of_objectnet_only_the_images_of_shared_classes_are_fetched(site, own, monkeypatch, tmp_path, capsys):
    """By ranges of the archive; each member by its CRC, whatever the connection does, and again nothing."""
    archive = objectnet(tmp_path / "objectnet-1.0.zip")
    site.pages["/objectnet-1.0.zip"] = Page(archive.read_bytes())
    site.faults["/objectnet-1.0.zip"] = [cut(500), reset, cut(30_000)]
    publish_objectnet(site, monkeypatch)
    out = tmp_path / "data"
    for _ in range(2):
        assert commands.main(["fetch", "objectnet", "--out", str(out), "--accept-licence"]) == 0
    spans = [wanted.removeprefix("bytes=").split("-") for wanted in site.ranges()]
    assert sum(int(last) + 1 - int(first) for first, last in spans) < 0.75 * archive.stat().st_size
    verify(out / "objectnet")
    images = out / "objectnet/objectnet-1.0/images"
    assert {path.name: len(list(path.iterdir())) for path in images.iterdir()} == {"chair": 2, "spoon": 2}


def test_a_damaged_image_of_objectnet_is_one_line_and_nothing_is_made(site, monkeypatch, tmp_path, capsys):
    damaged = bytearray(objectnet(tmp_path / "objectnet-1.0.zip", deflate=False).read_bytes())
    damaged[50_000] ^= 1
    site.pages["/objectnet-1.0.zip"] = Page(bytes(damaged))
    publish_objectnet(site, monkeypatch)
    assert commands.main(["fetch", "objectnet", "--out", str(tmp_path / "data"), "--accept-licence"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert "chair/10.png is damaged" in said[-1]
    assert not (tmp_path / "data/objectnet").exists()
