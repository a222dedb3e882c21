"""The readers: what they find in the miniature and in files of the published formats, and a line for every fault."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tradeoffs.data import imagenet, imagenet9, images, names, objectnet, rival10, salient_imagenet, waterbirds, wnids
from tradeoffs.miniature.scenes import WNIDS
from tradeoffs.step.errors import InputError

Copy = Callable[[str], Path]


def _read_salient(root: Path) -> salient_imagenet.SalientImageNet:
    return salient_imagenet.read(root, root / "train", root / "mturk_results" / "discover_spurious_features.csv")


READ: dict[str, Callable[[Path], object]] = {
    "imagenet": lambda root: imagenet.read(root, "val"),
    "rival10": lambda root: rival10.read(root, "test"),
    "salient_imagenet": _read_salient,
    "imagenet9": imagenet9.foregrounds,
    "waterbirds": lambda root: waterbirds.read(root, "test"),
    "objectnet": objectnet.read,
}


def _image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)


def _refused(read: Callable[[], object], *parts: str) -> None:
    """Expect an InputError of one line that holds all parts."""
    with pytest.raises(InputError) as error:
        read()
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


# What is found


def test_imagenet(miniature: Path) -> None:
    found = imagenet.read(miniature / "imagenet", "train")
    assert found.wnids == [f"n{label:08d}" for label in range(10)]
    assert np.bincount(found.labels).tolist() == [6] * 10
    assert all(path.parent.name == found.wnids[label] for path, label in zip(found.paths, found.labels, strict=True))


def test_rival10(miniature: Path) -> None:
    found = rival10.read(miniature / "rival10", "test")
    assert len(found.paths) == 60  # neither the merged masks nor the other files beside an image
    assert [path.name for path in found.paths] == [path.name for path in found.masks]
    assert all(mask.parent.name == "entire_object_masks" for mask in found.masks)
    assert [int(path.name[1:9]) for path in found.paths] == found.labels.tolist()
    assert found.class_names[3] == "three"


def test_rival10_two_wnids_share_a_class_and_labels_are_not_in_order(tmp_path: Path) -> None:
    base = tmp_path / "RIVAL10"
    (base / "meta").mkdir(parents=True)
    (base / "meta" / "wnid_to_class.json").write_text(
        '{"n03796401": "moving van", "n04467665": "semi", "n02814533": "waggon", "n01440764": "Tinca tinca"}'
    )
    (base / "meta" / "label_mappings.json").write_text(
        '{"moving van": ["truck", 1], "semi": ["truck", 1], "waggon": ["car", 0]}'
    )
    names = ["n02814533_n02814533_5.JPEG", "n03796401_ILSVRC2012_val_00000017.JPEG", "n04467665_n04467665_9.JPEG"]
    for name in names:
        _image(base / "train" / "ordinary" / name)
        _image(base / "train" / "ordinary" / name.replace(".JPEG", "_merged_mask.JPEG"))
        _image(base / "train" / "entire_object_masks" / name)
    found = rival10.read(tmp_path, "train")
    assert [path.name for path in found.paths] == names
    assert found.labels.tolist() == [0, 1, 1]
    assert found.class_names == ["car", "truck"]
    _image(base / "train" / "ordinary" / "n01440764_n01440764_1.JPEG")
    _image(base / "train" / "entire_object_masks" / "n01440764_n01440764_1.JPEG")
    _refused(lambda: rival10.read(tmp_path, "train"), "n01440764_n01440764_1.JPEG", "no class for wnid 'n01440764'")


def test_salient_imagenet(miniature: Path) -> None:
    root = miniature / "salient_imagenet"
    found = _read_salient(root)
    assert np.bincount(found.labels).tolist() == [6] * 10
    for path, label, core, spurious in zip(*found[:4], strict=True):
        folder = root / "salient_imagenet_dataset" / f"n{label:08d}"
        place = int(path.stem.split("_")[1]) // 10
        position = place % 5 if place else None  # the rank that leaves this image out
        # The whole digit is a core feature of every image.
        expected_core = [4 * label, *([4 * label + 1] if position != 1 else [])]
        expected_spurious = [
            4 * label + rank for rank in (2, 3) if rank != position and (rank == 2 or label in (2, 5, 8))
        ]
        assert core == [folder / f"feature_{index}" / path.name for index in expected_core]
        assert spurious == [folder / f"feature_{index}" / path.name for index in expected_spurious]
        assert path.is_file()
    assert [images.mask(masks).shape for masks in found.core_masks] == [(32, 32)] * 60


def test_salient_imagenet_majority_of_five(tmp_path: Path) -> None:
    head = (
        "WorkerId,Input.wordnet_id,Input.class_index,Input.feature_index,Input.feature_rank,Answer.main,"
        "Answer.confidence,Answer.reasons\n"
    )
    votes = {
        (0, 59): ["main_object"] * 3 + ["separate_object", "background"],
        (0, 686): ["main_object"] * 2 + ["separate_object", "background", "background"],
        (391, 59): ["background"] * 5,
    }
    rows = [
        f'{worker},n01440764,{label},{feature},1,{answer},4.0,"a reason, with\na line break and ""quotes"""\n'
        for (label, feature), answers in votes.items()
        for worker, answer in enumerate(answers)
    ]
    (tmp_path / "answers.csv").write_text(head + "".join(rows))
    found = salient_imagenet.spurious_features(tmp_path / "answers.csv")
    assert found == {0: {59: False, 686: True}, 391: {59: True}}


def test_imagenet9(miniature: Path) -> None:
    root = miniature / "imagenet9"
    for variant in imagenet9.VARIANTS:
        found = imagenet9.read(root, variant)
        assert found.class_names == ["00_zero or six", "01_one or seven", "02_three or five", "03_four or nine"]
        assert np.bincount(found.labels).tolist() == [16, 16, 14, 14]
    foregrounds = imagenet9.foregrounds(root)
    assert [path.stem for path in foregrounds.paths] == [path.stem for path in foregrounds.masks]
    assert foregrounds.paths == imagenet9.read(root, "original").paths
    assert {value for path in foregrounds.masks for value in np.unique(images.mask([path]))} == {0, 255}
    mapping = imagenet9.class_mapping(root / "in_to_in9.json", 10)
    truth = [int(path.name[1:9]) for path in foregrounds.paths]
    assert mapping[truth].tolist() == foregrounds.labels.tolist()


def test_waterbirds(miniature: Path) -> None:
    root = miniature / "waterbirds"
    sizes = [np.bincount(waterbirds.read(root, split).group).tolist() for split in waterbirds.SPLITS]
    assert sizes == [[181, 10, 4, 55], [5, 5, 4, 4], [23, 23, 8, 8]]
    found = waterbirds.read(root, "test")
    assert [int(path.parent.name[:3]) > 5 for path in found.paths] == (found.y == 1).tolist()
    assert np.array_equal(found.group, 2 * found.y + found.place)


def test_objectnet(miniature: Path) -> None:
    found = objectnet.read(miniature / "objectnet")
    assert found.class_names == sorted(found.class_names)
    assert np.bincount(found.labels).tolist() == [6] * 10
    named = [found.class_names[index] if index >= 0 else None for index in found.imagenet_to_objectnet]
    assert named == ["Zero", "One", "Two", "Three", "Four", "Five", "Six or nine", "Seven", None, "Six or nine"]
    folders = [path.parent.name.replace("_", " ").capitalize() for path in found.paths]
    assert folders == [found.class_names[label] for label in found.labels]


@pytest.fixture
def published_objectnet(tmp_path: Path) -> Path:
    """Return ObjectNet in small: published names, folders whose order is not that of their labels."""
    mappings = tmp_path / "objectnet-1.0" / "mappings"
    mappings.mkdir(parents=True)
    labels = {"full_sized_towel": "Bath towel", "bicycle": "Bicycle", "air_freshener": "Air freshener"}
    (mappings / "folder_to_objectnet_label.json").write_text(json.dumps(labels))
    counterparts = {
        "Bicycle": "mountain bike, all-terrain bike, off-roader; bicycle-built-for-two, tandem bicycle, tandem",
        "Bath towel": "bath towel",
    }
    (mappings / "objectnet_to_imagenet_1k.json").write_text(json.dumps(counterparts))
    (mappings / "pytorch_to_imagenet_2012_id.json").write_text('{"0": 2, "1": 0, "2": 3, "3": 1}')
    (mappings / "imagenet_to_label_2012_v2").write_text(
        "bath towel\nbicycle-built-for-two, tandem bicycle, tandem\ntench, Tinca tinca\n"
        "mountain bike, all-terrain bike, off-roader\n"
    )
    for folder in ("bicycle", "full_sized_towel"):  # air_freshener has no counterpart: need not be there
        _image(tmp_path / "objectnet-1.0" / "images" / folder / "0aa000000000001.png")
    return tmp_path


def test_objectnet_published_names(published_objectnet: Path) -> None:
    found = objectnet.read(published_objectnet)
    assert found.class_names == ["Air freshener", "Bath towel", "Bicycle"]
    assert found.labels.tolist() == [2, 1]
    assert found.imagenet_to_objectnet.tolist() == [-1, 1, 2, 2]


def test_imagenet9_mixed_images_correspond_by_foreground_whatever_background_they_name(tmp_path: Path) -> None:
    foregrounds = ["n02_00001", "n02_00012", "n01_00003"]
    for number, name in enumerate(foregrounds):
        _image(tmp_path / "bg_challenge" / "original" / "val" / "00_dog" / f"{name}.JPEG")
        mixed = f"fg_{name}_bg_n0{9 - number}_0000{number}.JPEG"
        _image(tmp_path / "bg_challenge" / "mixed_rand" / "val" / "00_dog" / mixed)
    original, mixed = (imagenet9.read(tmp_path, variant) for variant in ("original", "mixed_rand"))
    assert [imagenet9.foreground(path) for path in original.paths] == sorted(foregrounds)
    assert [imagenet9.foreground(path) for path in mixed.paths] == sorted(foregrounds)


def test_imagenet9_orders_by_foreground_where_one_id_begins_with_another(tmp_path: Path) -> None:
    names = ["n02_1", "n02_12", "n02_120", "n02_13", "n02_2"]
    for number, name in enumerate(names):
        _image(tmp_path / "bg_challenge" / "original" / "val" / "00_dog" / f"{name}.JPEG")
        _image(tmp_path / "bg_challenge" / "mixed_same" / "val" / "00_dog" / f"fg_{name}_bg_n0_{9 - number}.JPEG")
        path = tmp_path / "bg_challenge" / "fg_mask" / "val" / "00_dog" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.ones((4, 4), bool))
    for variant in ("original", "mixed_same"):
        found = [imagenet9.foreground(path) for path in imagenet9.read(tmp_path, variant).paths]
        assert found == names
    foregrounds = imagenet9.foregrounds(tmp_path)
    assert [path.stem for path in foregrounds.paths] == [path.stem for path in foregrounds.masks] == names


def test_imagenet9_published_names(tmp_path: Path) -> None:
    names = ["00_dog", "01_bird", "02_wheeled vehicle", "03_musical instrument"]
    for name in reversed(names):
        _image(tmp_path / "bg_challenge" / "mixed_rand" / "val" / name / "fg_n02_9.JPEG")
    found = imagenet9.read(tmp_path, "mixed_rand")
    assert found.class_names == names
    assert found.labels.tolist() == [0, 1, 2, 3]
    (tmp_path / "in_to_in9.json").write_text(json.dumps({str(i): i // 3 - 1 for i in range(12)}))
    assert imagenet9.class_mapping(tmp_path / "in_to_in9.json", 12).tolist() == [-1] * 3 + [0] * 3 + [1] * 3 + [2] * 3


def test_hidden_and_foreign_files_are_not_images(copy_of: Copy) -> None:
    root = copy_of("imagenet")
    expected = imagenet.read(root, "val").labels.tolist()
    for name in (".DS_Store", "._n00000000_0.JPEG", "Thumbs.db", "readme.txt"):
        (root / "val" / "n00000000" / name).write_text("")
    (root / "val" / ".cache").mkdir()
    assert imagenet.read(root, "val").labels.tolist() == expected


# Which folder is which class: a place in the list is no identity


def _imagenet(root: Path, wnids: Iterable[str]) -> Path:
    for wnid in wnids:
        _image(root / wnid / f"{wnid}_1.JPEG")
    return root.parent


def test_the_known_wnids() -> None:
    assert len(wnids.PUBLISHED) == len(set(wnids.PUBLISHED)) == 1000
    assert list(wnids.PUBLISHED) == sorted(wnids.PUBLISHED)
    published = {0: "n01440764", 1: "n01443537", 207: "n02099601", 281: "n02123045", 656: "n03770679", 999: "n15075141"}
    assert {index: wnids.PUBLISHED[index] for index in published} == published  # tench, ..., tabby, minivan, tissue
    assert wnids.MINIATURE == WNIDS  # as the miniature is written


@pytest.mark.parametrize(
    ("folders", "classes", "messages"),
    [
        ([str(number) for number in range(10)], 10, ["10 class folders", "surplus: '0', '1'", "missing: 'n00000000'"]),
        ([*wnids.MINIATURE[:3], *wnids.MINIATURE[4:]], 10, ["1 missing: 'n00000003'"]),
        ([*wnids.MINIATURE[:-1], "stray"], 10, ["1 surplus: 'stray'", "10 class folders"]),
        ([*wnids.MINIATURE[:-1], "n99999999"], None, ["'n99999999'"]),
        ([*wnids.PUBLISHED[:4], wnids.MINIATURE[0]], None, ["1 surplus: 'n00000000'"]),
        ([*wnids.PUBLISHED[:4], "N01491361"], None, ["1 surplus: 'N01491361'"]),
        ([*wnids.PUBLISHED[:4], "n01491361 (copy)"], None, ["1 surplus: 'n01491361 (copy)'"]),
        (wnids.PUBLISHED[:10], 10, ["10 class folders of the 1000 classes", "the network has 10 classes"]),
        (wnids.MINIATURE, 1000, ["of the 10 classes", "the network has 1000 classes"]),
    ],
)
def test_class_folders_that_are_not_the_classes_are_named(
    folders: list[str], classes: int | None, messages: list[str], tmp_path: Path
) -> None:
    root = _imagenet(tmp_path / "val", folders)
    _refused(lambda: imagenet.read(root, "val", classes), str(tmp_path / "val"), *messages)


def test_a_part_of_the_classes_is_a_data_set_to_train_on_but_not_another_part_to_validate(tmp_path: Path) -> None:
    _imagenet(tmp_path / "train", wnids.PUBLISHED[10:14])
    root = _imagenet(tmp_path / "val", [*wnids.PUBLISHED[10:13], wnids.PUBLISHED[20]])
    assert imagenet.read(root, "train").wnids == list(wnids.PUBLISHED[10:14])
    with pytest.raises(InputError, match=f"1 missing: '{wnids.PUBLISHED[13]}'; 1 surplus: '{wnids.PUBLISHED[20]}'"):
        names.check_same_classes(root, "train", "val")
    (root / "val" / wnids.PUBLISHED[20]).rename(root / "val" / wnids.PUBLISHED[13])
    names.check_same_classes(root, "train", "val")


def test_images_in_no_folder_and_archives_are_told_what_to_do(tmp_path: Path) -> None:
    _image(tmp_path / "val" / "ILSVRC2012_val_00000001.JPEG")
    _refused(lambda: imagenet.read(tmp_path, "val"), "1 images", "no class folder", "val/<wnid>/")
    _imagenet(tmp_path / "val", wnids.PUBLISHED[:2])
    _refused(lambda: imagenet.read(tmp_path, "val"), "1 images", "no class folder")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "n01440764.tar").write_text("")
    _refused(lambda: imagenet.read(tmp_path, "train"), "unpack its 1 archives, n01440764.tar into n01440764/")


def test_what_systems_leave_beside_the_data_is_no_class(copy_of: Copy) -> None:
    for name, root, inner in (
        ("imagenet", "val", "n00000001"),
        ("imagenet9", "bg_challenge/original/val", "01_one or seven"),
        ("objectnet", "objectnet-1.0/images", "one"),
    ):
        folder = copy_of(name)
        before = str(READ[name](folder))
        for junk in ("__MACOSX", "@eaDir", ".ipynb_checkpoints"):
            _image(folder / root / junk / "1.png")
        for junk in ("._1.png", "._1.JPEG", ".DS_Store", "Thumbs.db"):
            (folder / root / junk).write_text("junk")
            (folder / root / inner / junk).write_text("junk")
        assert str(READ[name](folder)) == before


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (
            lambda val: shutil.rmtree(val / "00_zero or six"),
            ["original/val/00_zero or six: folder not found", "has it"],
        ),
        (
            lambda val: (val / "02_three or five").rename(val / "2_three or five"),
            ["2_three or five: not a class folder"],
        ),
        (lambda val: (val / "stray").mkdir(), ["val/stray: not a class folder such as 00_dog"]),
        (lambda val: _image(val / "02_three and five" / "1.JPEG"), ["the number 02 is that of 02_three"]),
    ],
)
def test_an_imagenet9_folder_that_only_one_variant_has_or_lacks(
    change: Callable[[Path], object], messages: list[str], copy_of: Copy
) -> None:
    root = copy_of("imagenet9")
    change(root / "bg_challenge" / "original" / "val")
    for variant in ("original", "mixed_rand"):
        _refused(lambda variant=variant: imagenet9.read(root, variant), *messages)


@pytest.mark.parametrize(
    ("number", "message"), [(0, "no folder 00_"), (2, "no folder 02_"), (3, "1 missing: '03_...'")]
)
def test_an_imagenet9_class_that_all_variants_lack(number: int, message: str, copy_of: Copy) -> None:
    root = copy_of("imagenet9")
    for folder in list(root.glob(f"bg_challenge/*/val/{number:02d}_*")):
        shutil.rmtree(folder)
    _refused(lambda: imagenet9.read(root, "only_fg"), message)


def test_salient_imagenet_says_what_its_classes_are_by_name(copy_of: Copy) -> None:
    root = copy_of("salient_imagenet")
    table = root / "salient_imagenet_dataset" / "wordnet_dict.py"
    table.write_text(repr({label: f"n{label + 1:08d}" for label in range(9)}))
    _refused(lambda: _read_salient(root), str(table), "class 0 maps to 'n00000001': its index is 1")
    table.write_text("{0: 'n01440764', 2: 'n01443537'}")
    _refused(lambda: _read_salient(root), str(table), "class 2 maps to 'n01443537': its index is 1")


def test_objectnet_mappings_may_have_spaces_and_a_byte_order_mark(published_objectnet: Path) -> None:
    mappings = published_objectnet / "objectnet-1.0" / "mappings"
    before = objectnet.read(published_objectnet)
    path = mappings / "objectnet_to_imagenet_1k.json"
    path.write_text(path.read_text().replace('bath towel"', ' bath towel  "').replace("off-roader; ", "off-roader ;"))
    path = mappings / "imagenet_to_label_2012_v2"
    path.write_text("\ufeff" + path.read_text().replace("\n", "  \n"), encoding="utf-8")
    found = objectnet.read(published_objectnet)
    assert found.imagenet_to_objectnet.tolist() == before.imagenet_to_objectnet.tolist() == [-1, 1, 2, 2]


def test_tables_may_have_a_byte_order_mark_and_blank_last_lines(copy_of: Copy) -> None:
    root = copy_of("waterbirds")
    table = root / waterbirds.FOLDER / "metadata.csv"
    before = str(waterbirds.read(root, "test"))
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes() + b"\r\n\n")
    assert str(waterbirds.read(root, "test")) == before


# What is refused


@pytest.mark.parametrize("name", READ)
def test_a_missing_data_set_is_named(name: str, tmp_path: Path) -> None:
    _refused(lambda: READ[name](tmp_path / "nowhere"), str(tmp_path / "nowhere"), "not found")


@pytest.mark.parametrize("name", READ)
def test_every_folder_or_file_that_is_needed_is_named_when_missing(name: str, copy_of: Copy) -> None:
    needed = {
        "imagenet": ["val"],
        "rival10": ["RIVAL10/test/ordinary", "RIVAL10/test/entire_object_masks", "RIVAL10/meta/label_mappings.json",
                    "RIVAL10/meta/wnid_to_class.json"],
        "salient_imagenet": ["salient_imagenet_dataset/wordnet_dict.py", "train/n00000004",
                             "salient_imagenet_dataset/n00000003/image_names_map.csv",
                             "salient_imagenet_dataset/n00000003/feature_13",
                             "mturk_results/discover_spurious_features.csv"],
        "imagenet9": ["bg_challenge/original/val", "bg_challenge/fg_mask/val/02_three or five"],
        "waterbirds": ["waterbird_complete95_forest2water2/metadata.csv"],
        "objectnet": ["objectnet-1.0/images", "objectnet-1.0/images/six_or_nine"] + [
            f"objectnet-1.0/mappings/{file}" for file in (
                "folder_to_objectnet_label.json", "objectnet_to_imagenet_1k.json",
                "pytorch_to_imagenet_2012_id.json", "imagenet_to_label_2012_v2")],
    }  # fmt: skip
    root = copy_of(name)
    for relative in needed[name]:
        path, away = root / relative, root.with_name("away")
        path.rename(away)
        _refused(lambda: READ[name](root), str(path), "not found")
        away.rename(path)
    READ[name](root)


@pytest.mark.parametrize(
    ("name", "folder", "message"),
    [
        ("imagenet", "val/n00000003", "holds no images"),
        ("imagenet", "val", "holds no class folders"),
        ("rival10", "RIVAL10/test/ordinary", "holds no images"),
        ("imagenet9", "bg_challenge/original/val/02_three or five", "holds no images"),
        ("objectnet", "objectnet-1.0/images/two", "holds no images"),
    ],
)
def test_an_empty_folder_is_named(name: str, folder: str, message: str, copy_of: Copy) -> None:
    root = copy_of(name)
    shutil.rmtree(root / folder)
    (root / folder).mkdir()
    _refused(lambda: READ[name](root), str(root / folder), message)


def test_a_file_where_a_folder_belongs(tmp_path: Path) -> None:
    (tmp_path / "val").write_text("")
    _refused(lambda: imagenet.read(tmp_path, "val"), str(tmp_path / "val"), "is not a folder")


@pytest.mark.parametrize(
    ("name", "file", "message"),
    [
        ("rival10", "RIVAL10/test/ordinary/n00000003_n00000003_3.JPEG", "mask without an image"),
        ("rival10", "RIVAL10/test/entire_object_masks/n00000003_n00000003_3.JPEG", "image without a mask"),
        ("imagenet9", "bg_challenge/original/val/00_zero or six/n00000006_1.JPEG", "mask without an image"),
        ("imagenet9", "bg_challenge/fg_mask/val/00_zero or six/n00000006_1.npy", "image without a mask"),
        ("salient_imagenet", "train/n00000003/n00000003_13.JPEG", "image not found, but it has masks"),
        ("salient_imagenet", "salient_imagenet_dataset/n00000003/feature_14/n00000003_3.JPEG", "mask not found"),
        ("objectnet", "objectnet-1.0/images/two", "not found"),
    ],
)
def test_images_and_masks_that_miss_each_other_are_named(name: str, file: str, message: str, copy_of: Copy) -> None:
    root = copy_of(name)
    if (root / file).is_dir():
        shutil.rmtree(root / file)
    else:
        (root / file).unlink()
    _refused(lambda: READ[name](root), message, Path(file).stem)


def test_a_mask_that_no_list_names_is_named(copy_of: Copy) -> None:
    root = copy_of("salient_imagenet")
    _image(root / "salient_imagenet_dataset" / "n00000003" / "feature_14" / "n00000003_999.JPEG")
    _refused(lambda: _read_salient(root), "n00000003_999.JPEG", "mask without an image", "image_names_map.csv")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("1,001.Zero/a.jpg,0,2,0", "row 2 has 5 cells, expected 6"),
        ("1,001.Zero/a.jpg,0,2,0,/b/b.jpg,7", "row 2 has 7 cells, expected 6"),
        ("", "row 2 has 0 cells, expected 6"),
        ("one,001.Zero/a.jpg,0,2,0,/b/b.jpg", "row 2 has img_id 'one'; expected a whole number"),
        ("1,001.Zero/a.jpg,2,2,0,/b/b.jpg", "row 2 has y '2'; expected a number from 0 to 1"),
        ("1,001.Zero/a.jpg,0.0,2,0,/b/b.jpg", "row 2 has y '0.0'"),
        ("1,001.Zero/a.jpg,0,3,0,/b/b.jpg", "row 2 has split '3'; expected a number from 0 to 2"),
        ("1,001.Zero/a.jpg,0,2,-1,/b/b.jpg", "row 2 has place '-1'"),
        ("3,001.Zero/a.jpg,0,1,0,/b/b.jpg", "row 4 repeats img_id 3"),
        ("1,001.Zero/missing.jpg,0,2,0,/b/b.jpg", "001.Zero/missing.jpg: file not found, but row 2"),
        (f"{'1' * 5000},001.Zero/a.jpg,0,2,0,/b/b.jpg", "expected a whole number"),
        ("1,../a.jpg,0,2,0,/b/b.jpg", "row 2 lists ../a.jpg outside the data set"),
        ("1,/elsewhere/a.jpg,0,2,0,/b/b.jpg", "elsewhere/a.jpg outside the data set"),
    ],
)
def test_broken_rows_of_waterbirds(cells: str, message: str, copy_of: Copy) -> None:
    root = copy_of("waterbirds")
    table = root / waterbirds.FOLDER / "metadata.csv"
    lines = table.read_text().splitlines()
    lines[1] = cells
    table.write_text("\n".join(lines) + "\n")
    _refused(lambda: waterbirds.read(root, "test"), message, "metadata.csv")


def test_a_table_of_waterbirds_that_lists_a_file_twice_is_named(copy_of: Copy) -> None:
    """The same picture, however it is written, would be in two splits, or count twice."""
    root = copy_of("waterbirds")
    table = root / waterbirds.FOLDER / "metadata.csv"
    lines = table.read_text().splitlines()
    folder, name = lines[-1].split(",")[1].rsplit("/", 1)
    lines[1] = f"999999,{folder}/./{name},0,0,0,/b/b.jpg"
    table.write_text("\n".join(lines) + "\n")
    _refused(lambda: waterbirds.read(root, "test"), f"lists {folder}/{name} again")


@pytest.mark.parametrize("where", ["imagenet9 images", "imagenet9 masks", "salient images", "salient masks"])
def test_two_files_of_one_name_are_named(where: str, copy_of: Copy) -> None:
    """As where a copy was converted beside the originals: masks would be another image's, or one of the two is lost."""
    if where.startswith("imagenet9"):
        root = copy_of("imagenet9")
        below = "fg_mask" if where.endswith("masks") else "original"
        file = next(path for path in sorted((root / "bg_challenge" / below).rglob("*.*")) if path.is_file())
        twin = file.with_suffix(".NPY" if where.endswith("masks") else ".png")
        shutil.copy(file, twin)
        _refused(lambda: imagenet9.foregrounds(root), f"there is {min(file, twin).name} too")
        return
    root = copy_of("salient_imagenet")
    base = root / "salient_imagenet_dataset"
    file = next(path for path in sorted((root / "train" if where.endswith("images") else base).rglob("*.JPEG")))
    shutil.copy(file, file.with_suffix(".png"))
    _refused(
        lambda: salient_imagenet.read(root, root / "train", root / "mturk_results/discover_spurious_features.csv"),
        f"there is {file.name} too",
    )


def test_a_table_of_waterbirds_that_was_cut_at_the_end_of_a_row_is_named(copy_of: Copy) -> None:
    root = copy_of("waterbirds")
    table = root / waterbirds.FOLDER / "metadata.csv"
    *rows, last, _ = table.read_text().split("\n")
    for split in ("train", "test"):
        table.write_text("\n".join([*rows, ""]))
        _refused(lambda split=split: waterbirds.read(root, split), "metadata.csv: no row lists", last.split(",")[1])


def test_answers_that_were_cut_at_the_end_of_a_row_are_named(tmp_path: Path) -> None:
    head = "Input.class_index,Input.feature_index,Answer.main\n"
    answers = tmp_path / "answers.csv"
    answers.write_text(head + "7,1,background\n" * 5 + "7,2,main_object\n" * 3)
    _refused(lambda: salient_imagenet.spurious_features(answers), "feature 2 has 3 answers, expected 5; the table")
    answers.write_text(head + ("7,1,background\n" * 2 + "7,1,main_object\n" * 3) * 2)
    _refused(lambda: salient_imagenet.spurious_features(answers), "feature 1 has 10 answers, expected 5; the table")
    answers.write_text(head + f"7,{'1' * 5000},background\n")
    _refused(lambda: salient_imagenet.spurious_features(answers), "two whole numbers")


def test_broken_tables_of_waterbirds(copy_of: Copy) -> None:
    root = copy_of("waterbirds")
    table = root / waterbirds.FOLDER / "metadata.csv"
    content = table.read_text()
    _refused(lambda: waterbirds.read(root, "testing"), "'testing': no such split")
    table.write_text(content.replace(",2,0,", ",1,0,").replace(",2,1,", ",1,1,"))
    _refused(lambda: waterbirds.read(root, "test"), "metadata.csv: no rows of split test")
    table.write_text(content.replace("img_id", "id", 1))
    _refused(lambda: waterbirds.read(root, "test"), "header is id,img_filename")
    for broken, said in ((b"", "not a readable table (it is empty)"), (b"\xff\xfe\x00", "is UTF-16, expected UTF-8")):
        table.write_bytes(broken)
        _refused(lambda: waterbirds.read(root, "test"), f"metadata.csv: {said}")


@pytest.mark.parametrize("text", ["{", "[]", "3", "\udcff"])
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("rival10", "RIVAL10/meta/label_mappings.json"),
        ("rival10", "RIVAL10/meta/wnid_to_class.json"),
        ("objectnet", "objectnet-1.0/mappings/folder_to_objectnet_label.json"),
        ("objectnet", "objectnet-1.0/mappings/objectnet_to_imagenet_1k.json"),
        ("objectnet", "objectnet-1.0/mappings/pytorch_to_imagenet_2012_id.json"),
    ],
)
def test_broken_json_is_named(name: str, file: str, text: str, copy_of: Copy) -> None:
    root = copy_of(name)
    (root / file).write_bytes(text.encode(errors="surrogateescape"))
    _refused(lambda: READ[name](root), str(root / file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"zero": "zero"}, "'zero' maps to 'zero'; expected [class name, label]"),
        ({"zero": ["zero", "0"]}, "expected [class name, label]"),
        ({"zero": ["zero", 0], "one": ["one", 0]}, "'one' maps to ['one', 0]"),
        ({"zero": ["zero", 0], "one": ["one", 2]}, "labels [0, 2] are not 0 to 1"),
    ],
)
def test_label_mappings_that_make_no_sense(content: object, message: str, copy_of: Copy) -> None:
    root = copy_of("rival10")
    (root / "RIVAL10" / "meta" / "label_mappings.json").write_text(json.dumps(content))
    _refused(lambda: rival10.read(root, "test"), "label_mappings.json", message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"0": 0, "1": 1}, "2 keys; expected the class indices 0 to 2"),
        ({"0": 0, "1": 1, "3": 1}, "expected the class indices 0 to 2"),
        ({"0": 0, "1": 1, "2": "1"}, "class 2 maps to '1'"),
        ({"0": 0, "1": 1, "2": -2}, "class 2 maps to -2"),
        ({"0": 0, "1": True, "2": 0}, "class 1 maps to True"),
        ([0, 1, 2], "holds a list, expected an object"),
    ],
)
def test_broken_class_mappings(content: object, message: str, tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text(json.dumps(content))
    _refused(lambda: imagenet9.class_mapping(tmp_path / "map.json", 3), "map.json", message)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "folder_to_objectnet_label.json",
            '{"bicycle": ["Bicycle"]}',
            "'bicycle' maps to ['Bicycle'], expected a string",
        ),
        ("folder_to_objectnet_label.json", '{"bicycle": "Bicycle", "full_sized_towel": "Bicycle"}', "two folders"),
        ("folder_to_objectnet_label.json", '{"bicycle": "Bicycle"}', "'Bath towel' is no ObjectNet label"),
        ("objectnet_to_imagenet_1k.json", '{"Bicycle": "tricycle"}', "maps to 'tricycle', not the label of one class"),
        (
            "objectnet_to_imagenet_1k.json",
            '{"Bicycle": "bath towel", "Bath towel": "bath towel"}',
            "two ObjectNet classes",
        ),
        ("objectnet_to_imagenet_1k.json", "{}", "no class in common"),
        ("pytorch_to_imagenet_2012_id.json", '{"0": 2, "2": 0}', "keys are not the class indices 0 to 1"),
        ("pytorch_to_imagenet_2012_id.json", '{"0": 9}', "class 0 maps to 9; expected a line"),
        ("pytorch_to_imagenet_2012_id.json", '{"0": 4, "1": 0, "2": 3, "3": 1}', "class 0 maps to 4; expected a line"),
        ("pytorch_to_imagenet_2012_id.json", '{"0": true, "1": 0, "2": 3}', "class 0 maps to True; expected a line"),
        ("pytorch_to_imagenet_2012_id.json", '{"0": -1, "1": 0, "2": 3}', "class 0 maps to -1; expected a line"),
        ("folder_to_objectnet_label.json", '{"a": "A", "a": "B"}', "the key 'a' stands there twice"),
        ("pytorch_to_imagenet_2012_id.json", "{}", "maps to 'mountain bike"),
        (
            "pytorch_to_imagenet_2012_id.json",
            '{"0": 0, "1": 0, "2": 3, "3": 1}',
            "'bath towel', not the label of one class",
        ),
        ("imagenet_to_label_2012_v2", "\udcff", "is not UTF-8"),
    ],
)
def test_broken_objectnet_mappings(file: str, content: str, message: str, published_objectnet: Path) -> None:
    path = published_objectnet / "objectnet-1.0" / "mappings" / file
    path.write_bytes(content.encode(errors="surrogateescape"))
    _refused(lambda: objectnet.read(published_objectnet), message)


def test_an_objectnet_folder_without_label(published_objectnet: Path) -> None:
    _image(published_objectnet / "objectnet-1.0" / "images" / "unknown" / "a.png")
    _refused(lambda: objectnet.read(published_objectnet), "images/unknown", "folder has no label")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("salient_imagenet_dataset/wordnet_dict.py", "__import__('os').getcwd()", "not a dict literal"),
        ("salient_imagenet_dataset/wordnet_dict.py", "{0: 'n1'", "not a dict literal"),
        ("salient_imagenet_dataset/wordnet_dict.py", "['n1']", "not a dict of class index to wnid"),
        ("salient_imagenet_dataset/wordnet_dict.py", "{'0': 'n1'}", "not a dict of class index to wnid"),
        ("salient_imagenet_dataset/wordnet_dict.py", "{0: 'n00000000'}", "no wnid for class 1"),
        ("salient_imagenet_dataset/n00000003/image_names_map.csv", "12,13,14\na,b\n", "row 2 has not as many cells"),
        (
            "salient_imagenet_dataset/n00000003/image_names_map.csv",
            "12,13,14\na,b,c,d\n",
            "row 2 has not as many cells",
        ),
        (
            "salient_imagenet_dataset/n00000003/image_names_map.csv",
            "12,13,14\na,b,\udcff\n",
            "is not UTF-8 (byte 0xff in line 2)",
        ),
        ("mturk_results/discover_spurious_features.csv", "", "is empty"),
        ("mturk_results/discover_spurious_features.csv", "WorkerId\n1\n", "row 2 has too few cells"),
        (
            "mturk_results/discover_spurious_features.csv",
            "Input.class_index,Input.feature_index,Answer.main\n0,1,perhaps\n",
            "row 2 has class '0', feature '1', answer 'perhaps'",
        ),
        (
            "mturk_results/discover_spurious_features.csv",
            "Input.class_index,Input.feature_index,Answer.main\n0,x,background\n",
            "feature 'x'",
        ),
    ],
)
def test_broken_files_of_salient_imagenet(file: str, content: str, message: str, copy_of: Copy) -> None:
    root = copy_of("salient_imagenet")
    (root / file).write_bytes(content.encode(errors="surrogateescape"))
    _refused(lambda: _read_salient(root), str(root / file), message)


def test_a_feature_without_a_column_is_named(copy_of: Copy) -> None:
    root = copy_of("salient_imagenet")
    names = root / "salient_imagenet_dataset" / "n00000003" / "image_names_map.csv"
    names.write_text(names.read_text().replace("12,13,14", "12,13,99"))
    _refused(lambda: _read_salient(root), str(names), "no column for feature 14")
