"""ObjectNet from parquet files whose columns nobody published: found by what is in them, or one clear line."""

import io
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import tradeoffs
from acquisition.archives import write_encrypted
from acquisition.conftest import site as site
from acquisition.faulty_server import Page
from acquisition.parquet import write as write
from benchmarks.conftest import SMALL
from tradeoffs.acquisition import remote_file
from tradeoffs.acquisition.fingerprint import verify
from tradeoffs.api import fetch
from tradeoffs.data import objectnet, objectnet_parquet
from tradeoffs.data.wnids import PUBLISHED
from tradeoffs.runner import commands
from tradeoffs.step.declared_data import data
from tradeoffs.step.errors import InputError

# Folder, label, ImageNet's class indices; the last is a class that ImageNet does not have.
CLASSES = (
    ("chair", "Chair", (423, 559, 765)),
    ("hand_towel_or_rag", "Dishrag or hand towel", (533,)),
    ("winter_glove", "Winter glove", (504,)),
    ("squeegee", "Squeegee", ()),
)
ORDER = (1, 0, 2, 0, 2, 1, 1)  # class of each image; 3 of them in the second file


def label_of(index):
    return f"thing {index}, {chr(97 + index % 26)}-thing"


def mappings():
    """The four files, by name; lines of labels in an order of their own."""
    lines = [label_of(999 - line) for line in range(1000)]
    return {
        "folder_to_objectnet_label.json": json.dumps({folder: label for folder, label, _ in CLASSES}),
        "objectnet_to_imagenet_1k.json": json.dumps(
            {label: "; ".join(map(label_of, indices)) for _, label, indices in CLASSES if indices}
        ),
        "pytorch_to_imagenet_2012_id.json": json.dumps({str(index): 999 - index for index in range(1000)}),
        "imagenet_to_label_2012_v2": "\n".join(lines) + "\n",
    }


def picture(number, border=True, kind="WEBP"):
    pixels = np.random.default_rng(number).integers(80, 100, (40, 48, 3), dtype=np.uint8)
    if border:
        pixels[0] = pixels[-1] = pixels[:, 0] = pixels[:, -1] = objectnet.RED
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, lossless=True)
    return file.getvalue()


def by_name(column):
    return {column: {"names": [CLASSES[index][0] for index in (2, 0, 3, 1)], "_type": "ClassLabel"}}


# What the class of image ``n``, of class ``k``, is called; the features that Hugging Face's metadata describe.
SCHEMAS = {
    "class label of folder names": (lambda n, k: {"label": (1, 3, 0)[k]}, by_name("label")),
    "class label of all ImageNet's labels": (
        lambda n, k: {"label": CLASSES[k][2][-1]},
        {"label": {"names": [label_of(index) for index in range(1000)], "_type": "ClassLabel"}},
    ),
    "labels, in capitals and with underscores": (lambda n, k: {"name": CLASSES[k][1].upper().replace(" ", "_")}, None),
    "wnids": (lambda n, k: {"synset": PUBLISHED[CLASSES[k][2][n % len(CLASSES[k][2])]]}, None),
    "ImageNet's indices": (lambda n, k: {"target": CLASSES[k][2][0]}, None),
    "all of ImageNet's classes of each": (lambda n, k: {"wnids": [PUBLISHED[i] for i in CLASSES[k][2]]}, None),
    "ImageNet's labels as the mapping joins them": (lambda n, k: {"t": "; ".join(map(label_of, CLASSES[k][2]))}, None),
    "columns that agree, and others": (
        lambda n, k: {
            **{"image_id": f"a{n}.png", "label": (1, 3, 0)[k], "imagenet": [CLASSES[k][2][0]]},
            **{"width": 48, "split": "test", "folder": CLASSES[k][0]},
        },
        by_name("label") | {"image": {"_type": "Image"}},
    ),
}
WORDS = ["fetch", "objectnet", "--accept-licence"]


def rows_of(called, contents=None):
    contents = contents or [picture(number) for number in range(len(ORDER))]
    return [
        {"image": {"bytes": content, "path": None}, **called(number, ORDER[number])}
        for number, content in enumerate(contents)
    ]


@pytest.fixture
def copy(tmp_path):
    """A folder as somebody has it, with the mappings beside it."""
    folder = tmp_path / "copy"
    (folder / "mappings").mkdir(parents=True)
    (folder / "data").mkdir()
    for name, text in mappings().items():
        (folder / "mappings" / name).write_text(text)
    return folder


def fill(copy, write, rows, features=None):
    write(copy / "data/test-00000-of-00002.parquet", rows[:4], features)
    write(copy / "data/test-00001-of-00002.parquet", rows[4:], features)


def fails(copy, tmp_path, capsys):
    """Return the one line that the command ends with, of which nothing is left."""
    assert commands.main([*WORDS, "--parquet", str(copy), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: ")
    assert not (tmp_path / "out/objectnet").exists()
    left = tmp_path / "out/unpacked"
    assert not left.exists() or [entry.name for entry in left.iterdir()] == [".objectnet.lock"]
    return said


@pytest.mark.parametrize("schema", SCHEMAS)
def test_each_image_lies_in_the_folder_of_its_class_as_its_bytes_are(schema, copy, write, tmp_path, capsys):
    called, features = SCHEMAS[schema]
    rows = rows_of(called)
    fill(copy, write, rows, features)
    out = tmp_path / "out"
    for _ in range(2):  # the second time what is there is kept
        assert commands.main([*WORDS, "--parquet", str(copy), "--out", str(out)]) == 0
    assert "7 images (webp) with a shorter side of 40 to 40 pixels; the red border is seen on 7\n" in (
        capsys.readouterr().out
    )
    verify(out / "objectnet")
    found = objectnet.read(out / "objectnet")
    contents = {row["image"]["bytes"]: CLASSES[ORDER[number]][0] for number, row in enumerate(rows)}
    assert {path.read_bytes(): path.parent.name for path in found.paths} == contents
    names = {folder: label for folder, label, _ in CLASSES}
    assert [found.class_names[label] for label in found.labels] == [names[path.parent.name] for path in found.paths]


def test_what_is_made_is_evaluated_and_the_card_says_that_pixels_differ(own, miniature, write, tmp_path):
    """Lossless copies of the miniature's images: the same answers."""
    source, copy = miniature / "objectnet/objectnet-1.0", tmp_path / "copy"
    copy.mkdir()
    (copy / "mappings").symlink_to(source / "mappings")
    counterparts = json.loads((source / "mappings/objectnet_to_imagenet_1k.json").read_text())
    rows = []
    for label in sorted(counterparts):
        for path in sorted((source / "images" / label.lower().replace(" ", "_")).iterdir()):
            file = io.BytesIO()
            Image.open(path).convert("RGB").save(file, "WEBP", lossless=True)
            rows.append({"image": {"bytes": file.getvalue(), "path": path.name}, "label": label})
    write(copy / "all.parquet", rows)
    assert commands.main([*WORDS, "--parquet", str(copy), "--out", str(tmp_path / "out")]) == 0
    told = {"settings": SMALL["objectnet"] | {"bootstrap": 50}, "progress": False}
    found, expected = (
        tradeoffs.evaluate(own, "objectnet", {"objectnet": place, "imagenet": miniature / "imagenet"}, **told)
        for place in (tmp_path / "out/objectnet", miniature / "objectnet")
    )
    for name in ("objectnet_official", "objectnet_restricted", "objectnet_label"):
        assert sorted(found.outcomes[name]) == sorted(expected.outcomes[name])
    assert found.card["metrics"]["objectnet_accuracy_official"]["value"] == pytest.approx(
        expected.card["metrics"]["objectnet_accuracy_official"]["value"]
    )
    said = f"pixels of a copy, not those published: {len(rows)} images (webp)"
    assert found.card["pixels"][0].startswith(said)
    assert said in repr(found)
    assert "pixels" not in expected.card


def test_a_border_that_was_cut_off_is_said(copy, write, tmp_path, capsys):
    fill(copy, write, rows_of(SCHEMAS["wnids"][0], [picture(n, border=False, kind="PNG") for n in range(7)]))
    assert commands.main([*WORDS, "--parquet", str(copy), "--out", str(tmp_path / "out")]) == 0
    said = (
        "7 images (png) with a shorter side of 40 to 40 pixels; the red border is seen on 0, so it was cut off before"
    )
    assert said in capsys.readouterr().out


def changed(number, **cells):
    """Return a schema's rows with other cells in one."""
    return lambda rows: [row | cells if n == number else row for n, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            changed(5, label="sofa"),
            r"no column .* \(column label: 'sofa' is no class \(test-00001-of-00002.parquet, row 1\)\); give files ",
        ),
        (changed(2, label=None), "column label: 'nothing' is no class"),
        (lambda rows: [row | {"label": 17 + n} for n, row in enumerate(rows)], "label: '17' is no class"),
        (lambda rows: [{"image": row["image"]} for row in rows], "no column says .*none has numbers or texts"),
        (lambda rows: [{"label": row["label"]} for row in rows], "no column may be the images; expected one column of"),
        (
            lambda rows: [row | {"thumbnail": row["image"]} for row in rows],
            r"test-00000-of-00002.parquet: image and thumbnail may be the images; expected one .* label \(string\)",
        ),
        (
            lambda rows: [row | {"other": CLASSES[ORDER[max(n, 1) - 1]][1]} for n, row in enumerate(rows)],
            "row 1 is chair by its column label, hand_towel_or_rag by other; expected one class",
        ),
        (changed(4, image={"bytes": b"GIF89a", "path": ""}), "image 5 is no JPEG, PNG or WebP"),
        (
            changed(4, image={"bytes": picture(1)[:200], "path": ""}),
            "00001-of-00002.parquet: image 5: unreadable image",
        ),
        (lambda rows: rows[:2] + rows[3:4] + rows[5:], r"has no image of 1 classes .* \(winter_glove\); get all"),
    ],
)
def test_what_is_not_plain_is_one_line_and_nothing_is_left(change, said, copy, write, tmp_path, capsys):
    rows = change(rows_of(lambda n, k: {"label": CLASSES[k][1]}))
    fill(copy, write, rows)
    line = fails(copy, tmp_path, capsys)
    assert re.search(said, line), line


def test_a_class_that_imagenet_does_not_have_is_a_folder_too(copy, write, tmp_path):
    """As in the published set, of which the benchmark reads the others."""
    fill(copy, write, changed(5, label="Squeegee")(rows_of(lambda n, k: {"label": CLASSES[k][1]})))
    assert commands.main([*WORDS, "--parquet", str(copy), "--out", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out/objectnet/objectnet-1.0/images/squeegee").iterdir())) == 1


def test_a_class_label_outside_its_names_is_one_line(copy, write, tmp_path, capsys):
    called, features = SCHEMAS["class label of folder names"]
    fill(copy, write, changed(6, label=4)(rows_of(called)), features)
    assert "label: '4 (there are 4 names)' is no class" in fails(copy, tmp_path, capsys)


def test_a_file_that_is_cut_short_or_missing_is_one_line(copy, write, tmp_path, capsys):
    fill(copy, write, rows_of(SCHEMAS["wnids"][0]))
    last = copy / "data/test-00001-of-00002.parquet"
    last.write_bytes(last.read_bytes()[:-100])
    assert f"{last}: not a readable parquet file" in fails(copy, tmp_path, capsys)
    last.unlink()
    assert f"{last}: file not found, but test-00000-of-00002.parquet is of the same" in fails(copy, tmp_path, capsys)
    (copy / "data/test-00000-of-00002.parquet").unlink()
    assert f"{copy}: has no *.parquet" in fails(copy, tmp_path, capsys)


def test_without_pyarrow_one_line_says_what_to_install(copy, write, tmp_path, capsys, monkeypatch):
    fill(copy, write, rows_of(SCHEMAS["wnids"][0]))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert "pyarrow reads parquet files and is not installed: pip install pyarrow" in fails(copy, tmp_path, capsys)


def test_a_name_that_means_two_classes_is_refused(copy, write, tmp_path, capsys):
    """Here a folder is called as another class's label."""
    labels = {"chair": "Winter glove", "winter_glove": "Chair", "hand_towel_or_rag": "Dishrag or hand towel"}
    (copy / "mappings/folder_to_objectnet_label.json").write_text(json.dumps(labels))
    fill(copy, write, rows_of(lambda n, k: {"label": ("winter_glove", "chair", "winter_glove")[k]}))
    said = fails(copy, tmp_path, capsys)
    assert "by ObjectNet's folder names" in said
    assert "by ObjectNet's labels" in said


def test_what_an_interruption_leaves_is_made_anew(copy, write, tmp_path, monkeypatch):
    """Ctrl-C leaves nothing, a kill a folder of another name, and the same command makes all of it."""
    fill(copy, write, rows_of(SCHEMAS["wnids"][0]))
    out, decoded = tmp_path / "unpacked/objectnet", []

    def interrupted(path):
        decoded.append(path)
        if len(decoded) == 3:
            raise KeyboardInterrupt
        return image(path)

    image = objectnet_parquet.images.image
    monkeypatch.setattr(objectnet_parquet.images, "image", interrupted)
    with pytest.raises(KeyboardInterrupt):
        objectnet_parquet.write(copy, out, pytest.fail)
    assert [entry.name for entry in out.parent.iterdir()] == [".objectnet.lock"]
    killed = out.with_name(".objectnet.unpacking") / "objectnet-1.0/images/chair"
    killed.mkdir(parents=True)
    (killed / "00009.webp").write_bytes(picture(9)[:20])
    objectnet_parquet.write(copy, out, pytest.fail)
    assert len(objectnet.read(out).paths) == len(ORDER)
    assert {entry.name for entry in out.parent.iterdir()} == {".objectnet.lock", "objectnet"}


def test_what_was_made_of_other_files_is_not_taken_for_theirs(copy, write, tmp_path):
    fill(copy, write, rows_of(SCHEMAS["wnids"][0]))
    out = tmp_path / "unpacked/objectnet"
    objectnet_parquet.write(copy, out, pytest.fail)
    (copy / "data/test-00000-of-00002.parquet").rename(copy / "data/more.parquet")
    with pytest.raises(InputError, match=r"was made of other files than those of .*; move it away, or give another"):
        objectnet_parquet.write(copy, out, pytest.fail)
    for path in (copy / "data").iterdir():
        path.unlink()
    objectnet_parquet.write(copy, out, pytest.fail)  # they are no longer needed


def test_it_does_not_take_the_place_of_what_an_archive_gave(copy, write, tmp_path, capsys):
    fill(copy, write, rows_of(SCHEMAS["wnids"][0]))
    there = tmp_path / "out/unpacked/objectnet"
    there.mkdir(parents=True)
    (there / "source.json").write_text("{}")
    assert commands.main([*WORDS, "--parquet", str(copy), "--out", str(tmp_path / "out")]) == 2
    assert "was unpacked from an archive; move it away" in capsys.readouterr().err


@pytest.mark.parametrize("ranges", [True, False])
def test_mappings_that_are_not_at_hand_are_fetched_alone(ranges, copy, write, site, tmp_path, monkeypatch, capsys):
    """Of the published archive, by ranges; never the whole."""
    monkeypatch.setattr(remote_file, "_FIRST", 1000)
    images = {f"objectnet-1.0/images/chair/{n}.png": np.random.default_rng(n).bytes(100_000) for n in range(4)}
    tables = {f"objectnet-1.0/mappings/{name}": text.encode() for name, text in mappings().items()}
    archive = write_encrypted(tmp_path / "objectnet-1.0.zip", images | tables, b"secret")
    site.pages["/o.zip"] = Page(archive.read_bytes(), ranges=ranges)
    declared = dict(data())
    there = replace(declared["objectnet"].archive, urls=[site.url("/o.zip")], password="secret")
    declared["objectnet"] = replace(declared["objectnet"], archive=there)
    monkeypatch.setattr(fetch, "data", lambda: declared)
    fill(copy, write, rows_of(SCHEMAS["wnids"][0]))
    for name in mappings():
        (copy / "mappings" / name).unlink()
    (copy / "mappings").rmdir()
    if not ranges:
        said = fails(copy, tmp_path, capsys)
        assert "does not answer to ranges); if you have them from elsewhere, put their folder mappings/ beside" in said
        return
    assert commands.main([*WORDS, "--parquet", str(copy), "--out", str(tmp_path / "out")]) == 0
    spans = [wanted.removeprefix("bytes=").split("-") for wanted in site.ranges()]
    assert sum(int(last) + 1 - int(first) for first, last in spans) < 0.2 * archive.stat().st_size
    made = tmp_path / "out/objectnet/objectnet-1.0/mappings"
    assert {path.name: path.read_text() for path in made.iterdir()} == mappings()


def test_a_folder_of_parquet_files_says_how_it_is_laid_out(copy, write, miniature):
    fill(copy, write, rows_of(SCHEMAS["wnids"][0]))
    places = {"objectnet": copy, "imagenet": miniature / "imagenet"}
    with pytest.raises(InputError, match=r"or what tradeoffs fetch objectnet --parquet \S+/copy makes of"):
        tradeoffs.evaluate("torchvision/resnet18", "objectnet", places, progress=False)
