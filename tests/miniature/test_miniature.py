"""The six written data sets: published layouts, known counts, what each variant shows, whole folders or none."""

import base64
import csv
import io
import json
import os
import pickle
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tradeoffs
from small_world import SETTINGS, WRITERS
from steps import settings_of
from tradeoffs.acquisition import fingerprint as prints
from tradeoffs.acquisition.contents import fingerprint
from tradeoffs.data import images, salient_imagenet
from tradeoffs.data.images import Geometry
from tradeoffs.data.names import IMAGENET9_VARIANTS
from tradeoffs.miniature import folder, imagenet, imagenet9, scenes, waterbirds
from tradeoffs.miniature import make as module
from tradeoffs.miniature.photographs import CLASS_PHOTOGRAPHS, UNSEEN_PHOTOGRAPHS, in_class_order
from tradeoffs.miniature.scenes import CLASS_NAMES
from tradeoffs.miniature.settings import Settings, checked
from tradeoffs.step.errors import InputError

PACKAGE_FOLDER = str(Path(tradeoffs.__file__).parents[1])
SPEC = SETTINGS._asdict() | {"images": 12}
JPEG_ERROR = 14  # largest change of a pixel by JPEG at quality 95 that these images show, with room


def _pixels(path: Path) -> NDArray[np.int64]:
    return np.asarray(Image.open(path)).astype(np.int64)


def _names(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_imagenet_layout(miniature: Path) -> None:
    names = _names(miniature / "imagenet")
    train = {f"train/n{index % 10:08d}/n{index % 10:08d}_{index}.JPEG" for index in range(60)}
    val = {
        f"{split}/n{index % 10:08d}/n{index % 10:08d}_{index}.JPEG"
        for split in ("val", "val_decorrelated", "val_reversed")
        for index in range(40)
    }
    assert names == train | val | {"labels.json", "clusters.csv", "fingerprint.json", "card.json"}
    labels = json.loads((miniature / "imagenet" / "labels.json").read_text())
    assert [labels[str(label)] for label in range(10)] == list(CLASS_NAMES)


def test_images_of_the_shifted_domains_differ_from_val_in_the_background_alone(tmp_path: Path) -> None:
    """On a flat background (scale 0) there is nothing left to differ."""
    imagenet.write(tmp_path, Settings(0, 32, 0.8, 0.8, 0.0, images=10, test_images=30))
    val = sorted((tmp_path / "val").rglob("*.JPEG"))
    assert len(val) == 30
    for split in ("val_decorrelated", "val_reversed"):
        other = sorted((tmp_path / split).rglob("*.JPEG"))
        assert [path.name for path in val] == [path.name for path in other]
        assert [path.read_bytes() for path in val] == [path.read_bytes() for path in other]


def test_rival10_layout_and_attribute_files(miniature: Path) -> None:
    base = miniature / "rival10" / "RIVAL10"
    split = json.loads((base / "meta" / "train_test_split_by_url.json").read_text())
    for part in ("train", "test"):
        local = {"_".join(url.split("/")[-2:]) for url in split[part]}
        assert len(local) == 60
        assert {path.name for path in (base / part / "entire_object_masks").iterdir()} == local
        ends = (".JPEG", "_attr_labels.npy", "_merged_mask.JPEG", "_attr_dict.pkl")
        expected = {name.removesuffix(".JPEG") + end for name in local for end in ends}
        assert {path.name for path in (base / part / "ordinary").iterdir()} == expected
    image = base / "test" / "ordinary" / "n00000007_n00000007_7.JPEG"
    flags = np.load(image.with_name(f"{image.stem}_attr_labels.npy"))
    assert flags.shape == (2, 18)
    assert flags.sum(axis=1).tolist() == [2, 0]
    masks = pickle.loads(image.with_name(f"{image.stem}_attr_dict.pkl").read_bytes())
    assert set(masks) == {"tall", "tail", "entire-object"}
    stored = np.asarray(Image.open(io.BytesIO(base64.b64decode(masks["entire-object"]))))[:, :, 0].astype(np.int64)
    assert np.abs(stored - _pixels(base / "test" / "entire_object_masks" / image.name)).max() <= JPEG_ERROR


def test_rival10_object_masks_are_where_the_digit_is(tmp_path: Path) -> None:
    """On a flat background the mask says exactly which pixels differ from it."""
    WRITERS["rival10"](tmp_path, SETTINGS._replace(background_scale=0.0, images=20))
    for image in (tmp_path / "RIVAL10" / "test" / "entire_object_masks").iterdir():
        mask = _pixels(image)
        change = np.abs(_pixels(image.parent.parent / "ordinary" / image.name) - 128).max(axis=2)
        assert change[mask > 230].min() > 60
        assert change[mask < 10].max() <= 30
        assert 0.05 < np.mean(mask > 127) < 0.6


def test_salient_features_by_vote_and_mask(miniature: Path) -> None:
    root = miniature / "salient_imagenet"
    votes = salient_imagenet.spurious_features(root / "mturk_results" / "discover_spurious_features.csv")
    assert sorted(votes) == list(range(10))
    for label, features in votes.items():
        extra = {4 * label + 3: True} if label in (2, 5, 8) else {}
        assert features == {4 * label: False, 4 * label + 1: False, 4 * label + 2: True} | extra
    base = root / "salient_imagenet_dataset" / "n00000002"
    with (base / "image_names_map.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["8", "9", "10", "11"]
    for column, feature in enumerate(header):
        listed = {row[column] for row in rows if row[column]}
        assert {path.stem for path in (base / f"feature_{feature}").iterdir()} == listed
        assert len(listed) == 6 if feature == "8" else 5 <= len(listed) <= 6
    name = "n00000002_42.JPEG"  # the fifth image of its class is in all its features
    whole, upper, background, right = (_pixels(base / f"feature_{feature}" / name) for feature in (8, 9, 10, 11))
    assert whole.max() > 230
    assert upper.max() > 230
    assert np.flatnonzero(upper.max(axis=1) > 128).max() < np.flatnonzero(whole.max(axis=1) > 128).max() - 5
    assert np.maximum(whole, upper)[background > 200].max() < 100
    assert right[:, :20].max() <= JPEG_ERROR


def test_the_core_of_every_salient_image_is_the_whole_digit(tmp_path: Path) -> None:
    """On a flat background what differs from it is the digit: none of it lies outside of the core region."""
    WRITERS["salient_imagenet"](tmp_path, SETTINGS._replace(background_scale=0.0))
    answers = tmp_path / "mturk_results" / "discover_spurious_features.csv"
    index = salient_imagenet.read(tmp_path, tmp_path / "train", answers)
    assert len(index.paths) == SETTINGS.images
    for path, masks in zip(index.paths, index.core_masks, strict=True):
        change = np.abs(_pixels(path) - 128).max(axis=2)
        assert images.mask(masks)[change > 60].min() > 30
    assert {len(masks) for masks in index.core_masks} == {1, 2}


def test_imagenet9_variants_show_what_they_should(miniature: Path) -> None:
    base = miniature / "imagenet9" / "bg_challenge"
    assert {path.name for path in base.iterdir()} == {*IMAGENET9_VARIANTS, "fg_mask"}
    reference = {path.relative_to(base / "original") for path in (base / "original").rglob("*.JPEG")}
    assert len(reference) == 60
    for variant in IMAGENET9_VARIANTS:
        assert {path.relative_to(base / variant) for path in (base / variant).rglob("*.JPEG")} == reference
    changed = dict.fromkeys(("mixed_same", "mixed_rand", "mixed_next"), 0.0)
    for name in reference:
        mask = np.load((base / "fg_mask" / name).with_suffix(".npy"))
        assert mask.dtype == bool
        picture = {variant: _pixels(base / variant / name) for variant in IMAGENET9_VARIANTS}
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        outside = np.ones_like(mask)
        outside[box] = False
        assert picture["only_bg_b"][box].mean() < 8
        assert picture["no_fg"][mask].mean() < 25
        assert np.abs(picture["only_bg_t"] - picture["only_bg_b"])[outside].mean() < 12
        assert picture["only_fg"][outside].max() < 90  # soft edges of the ink only
        assert picture["only_fg"][mask].mean() > 40  # the digit can be seen on black
        for variant in changed:
            assert np.abs(picture[variant] - picture["original"])[mask].mean() < 70
            changed[variant] += np.abs(picture[variant] - picture["original"])[outside].mean() / len(reference)
    assert changed["mixed_same"] < changed["mixed_rand"]
    assert changed["mixed_same"] < changed["mixed_next"]


def test_imagenet9_box_is_filled_with_the_largest_strip_beside_it() -> None:
    background = np.zeros((6, 8, 3), dtype=np.uint8)
    background[:, :3] = np.arange(3, dtype=np.uint8)[None, :, None] + 1
    filled = imagenet9._tiled(background, np.s_[1:6, 3:8])
    assert filled[3, :, 0].tolist() == [1, 2, 3, 1, 2, 3, 1, 2]
    assert np.array_equal(filled[0], background[0])


def test_imagenet9_mapping_shares_super_classes_and_leaves_some_out(miniature: Path) -> None:
    mapping = json.loads((miniature / "imagenet9" / "in_to_in9.json").read_text())
    assert mapping == {"0": 0, "1": 1, "2": -1, "3": 2, "4": 3, "5": 2, "6": 0, "7": 1, "8": -1, "9": 3}


def test_waterbirds_group_sizes_are_in_the_published_proportions() -> None:
    """With five times the training images, so that the default's smallest group is no handful."""
    train, *others = waterbirds.group_sizes(5794)
    assert train == (5 * 3498, 5 * 184, 5 * 56, 5 * 1057)
    assert others == [(467, 466, 133, 133), (2255, 2255, 642, 642)]
    assert min(waterbirds.group_sizes(600)[0]) >= 25
    assert min(min(sizes) for sizes in waterbirds.group_sizes(10)) >= 4
    assert min(waterbirds.group_sizes(10)[2]) >= 8


def test_waterbirds_table(miniature: Path) -> None:
    base = miniature / "waterbirds" / "waterbird_complete95_forest2water2"
    with (base / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["img_id"]) for row in rows] == list(range(1, len(rows) + 1))
    assert {row["img_filename"] for row in rows} == {name for name in _names(base) if name.endswith(".jpg")}
    places = [photograph.name for photograph in in_class_order(SETTINGS.seed)[:5]]
    for row in rows:
        assert (int(row["img_filename"][:3]) > 5) == (row["y"] == "1")
        assert (row["place_filename"].split("/")[2] in places) == (row["place"] == "0")


def test_objectnet_border_and_mappings(miniature: Path) -> None:
    base = miniature / "objectnet" / "objectnet-1.0"
    paths = sorted((base / "images").rglob("*.png"))
    assert len(paths) == len({path.name for path in paths}) == 60
    red = np.array([255, 0, 0])
    for path in paths:
        pixels = _pixels(path)
        assert pixels.shape == (36, 36, 3)
        edge = np.ones((36, 36), dtype=bool)
        edge[1:-1, 1:-1] = False
        assert np.all(pixels[edge] == red)
        assert not np.all(pixels[1:-1, 1:-1] == red, axis=2).any()
    assert images.load(paths, Geometry(border=2)).shape == (60, 3, 32, 32)
    labels = json.loads((base / "mappings" / "folder_to_objectnet_label.json").read_text())
    assert set(labels) == {path.name for path in (base / "images").iterdir()}
    counterparts = json.loads((base / "mappings" / "objectnet_to_imagenet_1k.json").read_text())
    assert set(labels.values()) - set(counterparts) == {"Ten", "Eleven"}
    assert counterparts["Six or nine"] == "six; nine"


def test_objectnet_changes_one_thing_in_a_third_of_every_class(miniature: Path) -> None:
    root = miniature / "objectnet"
    factor, photograph = _table(root / "factors.csv"), _table(root / "clusters.csv")
    assert factor.keys() == photograph.keys() == {name for name in _names(root) if name.endswith(".png")}
    by_class = Counter((Path(name).parent.name, factor[name]) for name in factor)
    assert set(by_class.values()) == {2}
    assert len(by_class) == 10 * 3
    unseen = {photograph.name for photograph in UNSEEN_PHOTOGRAPHS}
    assert all((photograph[name] in unseen) == (factor[name] == "background") for name in factor)


def _table(path: Path) -> dict[str, str]:
    with path.open(newline="") as file:
        return dict(list(csv.reader(file))[1:])


@pytest.mark.parametrize(
    ("name", "measured"),
    [
        ("imagenet", "val*/*/*.JPEG"),
        ("rival10", "RIVAL10/test/ordinary/*[0-9].JPEG"),
        ("salient_imagenet", "train/*/*.JPEG"),
        ("imagenet9", "bg_challenge/[om][ri][ix]*/val/*/*.JPEG"),
        ("waterbirds", "*/*/*.jpg"),
    ],
)
def test_the_cluster_of_an_image_is_its_photograph(miniature: Path, name: str, measured: str) -> None:
    root = miniature / name
    listed = _table(root / "clusters.csv")
    assert listed.keys() == {path.relative_to(root).as_posix() for path in root.glob(measured)}
    assert set(listed.values()) <= {photograph.name for photograph in CLASS_PHOTOGRAPHS}
    assert len(set(listed.values())) > 6


@pytest.mark.parametrize("name", ["rival10", "imagenet9"])
def test_images_of_one_cluster_have_like_backgrounds(tmp_path: Path, name: str) -> None:
    """Corners of images show the photograph: their colours differ less within a cluster than between clusters."""
    WRITERS[name](tmp_path, SETTINGS._replace(images=100))
    listed = {path: of for path, of in _table(tmp_path / "clusters.csv").items() if "original" not in path}
    colours = np.array([_pixels(tmp_path / name)[:3].mean(axis=(0, 1)) for name in listed])
    names = np.array(list(listed.values()))
    within = sum(colours[names == name].var(axis=0).sum() * np.mean(names == name) for name in set(names))
    assert within < 0.5 * colours.var(axis=0).sum()


def test_objectnet_uses_photographs_that_no_other_set_uses() -> None:
    used = {photograph.file for photograph in UNSEEN_PHOTOGRAPHS}
    assert not used & {photograph.file for photograph in CLASS_PHOTOGRAPHS}


def test_same_settings_give_the_same_bytes_in_another_process(miniature: Path, tmp_path: Path) -> None:
    """Another order of hashing, thread count and locale; small_world's ``build_all`` is what wrote ``miniature``."""
    environment = os.environ | {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2", "LC_ALL": "C"}
    environment["PYTHONPATH"] = os.pathsep.join((PACKAGE_FOLDER, str(Path(__file__).parents[1])))
    script = "import sys, pathlib, small_world; small_world.build_all(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment)
    for name in WRITERS:
        assert (tmp_path / name / "fingerprint.json").read_bytes() == (
            miniature / name / "fingerprint.json"
        ).read_bytes()
        prints.verify(tmp_path / name)


@pytest.mark.parametrize("name", WRITERS)
def test_another_seed_gives_another_fingerprint(name: str, tmp_path: Path) -> None:
    for seed in (3, 4):
        WRITERS[name](tmp_path / str(seed), SETTINGS._replace(seed=seed, images=10, test_images=10))
    assert fingerprint(tmp_path / "3")[0] != fingerprint(tmp_path / "4")[0]


def test_command_line(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": PACKAGE_FOLDER}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tradeoffs", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    spec = SPEC | {"test_images": 10}
    done = run("miniature", "imagenet", "--spec", json.dumps(spec), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    recorded = json.loads((tmp_path / "out" / "fingerprint.json").read_text())
    assert (recorded["spec"], recorded["files"]) == (spec, 12 + 3 * 10 + 2)
    assert run("fingerprint", "--folder", str(tmp_path / "out")).stdout.strip() == recorded["fingerprint"]
    refused = run("miniature", "imagenet", "--spec", json.dumps(spec | {"contrast": 2}), "--out", str(tmp_path / "no"))
    assert refused.returncode == 2
    assert refused.stderr == "error: --spec: contrast is 2; expected a number above 0 to 1\n"
    assert not (tmp_path / "no").exists()


def test_an_image_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    few, more = Settings(**SPEC)._replace(test_images=10), Settings(**SPEC)._replace(images=30, test_images=20)
    imagenet.write(tmp_path / "few", few)
    imagenet.write(tmp_path / "more", more)
    for name in _names(tmp_path / "few") - {"clusters.csv"}:
        assert (tmp_path / "few" / name).read_bytes() == (tmp_path / "more" / name).read_bytes()


@pytest.mark.parametrize("image_size", [16, 48])
def test_other_image_sizes(image_size: int, tmp_path: Path) -> None:
    settings = SETTINGS._replace(image_size=image_size, images=10, test_images=10)
    for name, write in WRITERS.items():
        write(tmp_path / name, settings)
    assert images.load([next((tmp_path / "imagenet" / "val").rglob("*.JPEG"))]).shape[2:] == (image_size, image_size)
    path = next((tmp_path / "objectnet").rglob("*.png"))
    assert images.load([path], Geometry(border=2)).shape[2:] == (image_size, image_size)


@pytest.mark.parametrize("image_size", [16, 17, 32])
def test_no_digit_fills_an_image(image_size: int) -> None:
    """ImageNet-9 repeats what lies beside it."""
    rng = np.random.default_rng(0)
    assert max(scenes.draw_foreground(rng, 0, image_size).size for _ in range(200)) < image_size


def test_card_says_where_the_data_came_from(miniature: Path) -> None:
    card = json.loads((miniature / "rival10" / "card.json").read_text())
    printed = json.loads((miniature / "rival10" / "fingerprint.json").read_text())
    assert card["kind"] == "data"
    assert card["data"] == {"rival10": printed["fingerprint"]}
    assert (
        card["spec"]
        == printed["spec"]
        == {key: value for key, value in SETTINGS._asdict().items() if key != "test_images"}
    )
    assert card["seconds"] > 0


def _fail(root: Path, settings: Settings) -> None:
    (root / "half.txt").write_text("half")
    raise InputError("disk full")


def _one_file(root: Path, settings: Settings) -> None:
    (root / "content.txt").write_text(str(settings.seed))


def test_a_failed_writer_leaves_the_old_folder_whole_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "data"
    folder.build(out, "imagenet", SETTINGS, _one_file)
    before = prints.verify(out)
    with pytest.raises(InputError, match="disk full"):
        folder.build(out, "imagenet", SETTINGS, _fail)
    assert prints.verify(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_folder_is_replaced_and_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    out = tmp_path / "data"
    out.mkdir()
    (out / "stale.txt").write_text("stale")
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    (tmp_path / f".data.new.{finished.pid}").mkdir()
    (tmp_path / f".data.new.{os.getpid()}").mkdir()  # of an earlier process with the same number, as in containers
    running = tmp_path / f".data.new.{os.getppid()}"
    running.mkdir()
    folder.build(out, "imagenet", SETTINGS, _one_file)
    assert _names(out) == {"content.txt", "fingerprint.json", "card.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"data", running.name}


def test_a_writer_killed_in_the_middle_leaves_no_folder_that_looks_whole(tmp_path: Path) -> None:
    spec = json.dumps(SPEC | {"images": 100_000, "test_images": 10})
    out = tmp_path / "data"
    command = [sys.executable, "-m", "tradeoffs", "miniature", "imagenet", "--spec", spec, "--out", str(out)]
    writer = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": PACKAGE_FOLDER})
    try:
        while not list(tmp_path.rglob("*.JPEG")):
            assert writer.poll() is None
            time.sleep(0.02)
    finally:
        writer.kill()
        writer.wait()
    assert not out.exists()
    folder.build(out, "imagenet", SETTINGS, _one_file)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_out_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: is a file; give a folder"):
        folder.build(tmp_path / "file", "imagenet", SETTINGS, _one_file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda root: (root / "labels.json").write_text("{}"),
        lambda root: (root / "labels.json").unlink(),
        lambda root: (root / "labels.json").rename(root / "label.json"),
        lambda root: (root / "extra.txt").write_text(""),
        lambda root: (root / "train" / "fingerprint.json").write_text(""),
    ],
)
def test_verification_notices_any_change(copy_of: Callable[[str], Path], damage: Callable[[Path], None]) -> None:
    root = copy_of("imagenet")
    (root / "card.json").unlink()  # does not count
    prints.verify(root)
    damage(root)
    with pytest.raises(InputError, match=r"does not match its fingerprint\.json"):
        prints.verify(root)


def test_verification_needs_a_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"fingerprint\.json: file not found"):
        prints.verify(tmp_path)
    (tmp_path / "fingerprint.json").write_text("[]")
    with pytest.raises(InputError, match="not a fingerprint"):
        prints.verify(tmp_path)
    with pytest.raises(InputError, match="folder not found"):
        fingerprint(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contrast": 0}, "contrast is 0; expected a number above 0 to 1"),
        ({"correlation": 1.5}, "correlation is 1.5; expected a number from 0 to 1"),
        ({"background_scale": "1"}, "background_scale = '1'; expected float"),
        ({"seed": -1}, "seed is -1; expected a whole number of at least 0"),
        ({"images": 2.5}, "images = 2.5; expected int"),
        ({"images": True}, "images = True; expected int"),
        ({"image_size": 8}, "image_size is 8; expected a whole number of at least 16"),
        ({"test_images": 5}, "unknown key 'test_images'"),
        ({"correlation": None}, "correlation = None; expected float"),
    ],
)
def test_wrong_settings_are_named(change: dict[str, object], message: str) -> None:
    spec = {key: value for key, value in SPEC.items() if key != "test_images"} | change
    with pytest.raises(InputError, match=message):
        checked(settings_of(module, json.dumps(spec)))


def test_missing_settings_and_broken_json_are_named() -> None:
    with pytest.raises(InputError, match="test_images is 0; expected a whole number of at least 10"):
        checked(Settings(**{key: value for key, value in SPEC.items() if key != "test_images"}), ("test_images",))
    with pytest.raises(InputError, match="not valid JSON"):
        settings_of(module, "{")
    with pytest.raises(InputError, match="expected a JSON object"):
        settings_of(module, "[]")
