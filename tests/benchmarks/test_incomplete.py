"""Sets that lack something a benchmark's definition needs: what is left is measured, or one clear line says what."""

import csv

import numpy as np
import pytest
from PIL import Image

from tradeoffs.benchmarks import imagenet9, objectnet, salient_imagenet, waterbirds
from tradeoffs.data import salient_imagenet as salient_reader
from tradeoffs.step.errors import InputError


def index_of(root):
    return salient_reader.read(root, root / "train", root / "mturk_results/discover_spurious_features.csv")


def blacken(paths):
    for path in paths:
        with Image.open(path) as image:
            size = image.size
        Image.new("L", size).save(path)


def balanced(share, labels, kept):
    return np.mean([share[kept & (labels == label)].mean() for label in np.unique(labels[kept])])


def test_classes_without_a_spurious_feature_have_no_accuracies_by_feature(small, copy_of):
    root = copy_of("salient_imagenet")
    answers = root / "mturk_results/discover_spurious_features.csv"
    with answers.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    label, answer = header.index("Input.class_index"), header.index("Answer.main")
    several = sorted({row[label] for row in rows}, key=int)[::2]
    for row in rows:
        row[answer] = "main_object" if row[label] in several else row[answer]
    with answers.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    found, index = small._replace(root=root.parent).evaluate(salient_imagenet), index_of(root)
    labels = found.outcomes["label"]
    has_core, has_spurious = (np.array(list(map(bool, masks))) for masks in (index.core_masks, index.spurious_masks))
    of_class = ~np.isin(labels, np.array(several, dtype=int))
    np.testing.assert_array_equal(np.unique(labels[has_spurious]), np.unique(labels[of_class]))
    accuracies = {kind: found.outcomes[kind].mean(0) for kind in ("core_features", "spurious_features")}
    expected = balanced(accuracies["core_features"], labels, has_core & of_class)
    assert expected != balanced(accuracies["core_features"], labels, has_core)
    assert found.metrics["spurious_accuracy_by_feature"]["value"] == pytest.approx(expected)
    expected = balanced(accuracies["spurious_features"], labels, has_spurious)
    assert found.metrics["core_accuracy_by_feature"]["value"] == pytest.approx(expected)

    for row in rows:
        row[answer] = "main_object"
    with answers.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    assert found.metrics.keys() - small._replace(root=root.parent).evaluate(salient_imagenet).metrics.keys() == {
        "core_accuracy_by_feature",
        "spurious_accuracy_by_feature",
    }


def test_images_whose_core_masks_are_empty_count_where_no_core_mask_is_needed(small, copy_of):
    root = copy_of("salient_imagenet")
    index = index_of(root)
    with_core = [i for i, masks in enumerate(index.core_masks) if masks]
    emptied = with_core[::3]
    assert any(index.spurious_masks[i] for i in emptied)
    for i in emptied:
        blacken(index.core_masks[i])
    found, whole = (world.evaluate(salient_imagenet) for world in (small._replace(root=root.parent), small))

    labels = found.outcomes["label"]
    has_core = np.isin(np.arange(len(labels)), with_core) & ~np.isin(np.arange(len(labels)), emptied)
    has_spurious = np.array([bool(masks) for masks in index.spurious_masks])
    of_class = np.isin(labels, labels[has_spurious])

    def expected(outcome, kept):
        return pytest.approx(balanced(found.outcomes[outcome].mean(0), labels, kept))

    values = {name: metric["value"] for name, metric in found.metrics.items()}
    assert values["core_accuracy"] == expected("outside_core", has_core)
    assert values["spurious_accuracy"] == expected("core_region", has_core)
    assert values["core_accuracy_by_feature"] == expected("spurious_features", has_spurious)
    assert values["spurious_accuracy_by_feature"] == expected("core_features", has_core & of_class)
    assert values["accuracy"] == whole.metrics["accuracy"]["value"]
    for outcome in ("core_region", "core_features"):  # nothing of an image is hidden where the mask is empty
        assert (found.outcomes[outcome][:, emptied] == found.outcomes["clean"][emptied]).all()
        rest = np.delete(np.arange(len(labels)), emptied)
        np.testing.assert_array_equal(found.outcomes[outcome][:, rest], whole.outcomes[outcome][:, rest])
    assert all(np.isfinite(draws).all() for draws in found.draws.values())


def test_a_set_whose_core_masks_are_all_empty_is_refused(small, copy_of):
    root = copy_of("salient_imagenet")
    blacken({path for masks in index_of(root).core_masks for path in masks})
    with pytest.raises(InputError, match="no image has a core mask that is not empty") as raised:
        small._replace(root=root.parent).evaluate(salient_imagenet)
    assert str(root) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize(
    ("y", "place", "group"),
    [
        ("0", "0", "landbird_on_land"),
        ("0", "1", "landbird_on_water"),
        ("1", "0", "waterbird_on_land"),
        ("1", "1", "waterbird_on_water"),
    ],
)
def test_a_split_without_a_group_is_one_clear_line(small, copy_of, split, y, place, group):
    root = copy_of("waterbirds")
    (metadata,) = root.glob("*/metadata.csv")
    number = {"train": "0", "test": "2"}[split]
    with metadata.open() as file:
        header, *rows = list(csv.reader(file))
    column = header.index
    lacking = (number, y, place)
    kept = [row for row in rows if (row[column("split")], row[column("y")], row[column("place")]) != lacking]
    assert len(kept) < len(rows)
    for row in rows:
        if row not in kept:
            (metadata.parent / row[column("img_filename")]).unlink()
    with metadata.open("w", newline="") as file:
        csv.writer(file).writerows([header, *kept])
    with pytest.raises(InputError, match=f"{split} split has no image of group {group};") as raised:
        small._replace(root=root.parent).evaluate(waterbirds)
    assert str(root) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_objectnets_mapping_of_another_number_of_classes_is_one_clear_line(small, monkeypatch):
    """Though the validation images are of as many classes as the network."""
    index = objectnet.objectnet.read(small.root / "objectnet")
    longer = index._replace(imagenet_to_objectnet=np.append(index.imagenet_to_objectnet, -1))
    monkeypatch.setattr(objectnet.objectnet, "read", lambda root: longer)
    with pytest.raises(InputError, match="objectnet: mappings are of 11 classes; the network has 10"):
        small.evaluate(objectnet)


@pytest.mark.parametrize("none", ["challenge_foregrounds", "challenge_backgrounds"])
def test_a_challenge_of_nothing_is_left_out_and_the_rest_is_as_it_was(small, none):
    result, whole = small.evaluate(imagenet9, **{none: 0}), small.evaluate(imagenet9)
    assert whole.metrics.keys() - result.metrics.keys() == {"challenge_accuracy"}
    assert len(result.outcomes["challenge"]) == len(result.outcomes["challenge_image"]) == 0
    for name, metric in result.metrics.items():
        assert metric["value"] == whole.metrics[name]["value"]


def test_an_image_whose_spurious_masks_are_empty_has_no_spurious_feature(small, copy_of):
    root = copy_of("salient_imagenet")
    index = index_of(root)
    some = [masks for masks in index.spurious_masks if masks][::2]
    blacken({path for masks in some for path in masks})
    found, empty = small._replace(root=root.parent).evaluate(salient_imagenet), {id(masks) for masks in some}
    left = np.array([bool(masks) and id(masks) not in empty for masks in index.spurious_masks])
    share, labels = found.outcomes["spurious_features"].mean(0), found.outcomes["label"]
    assert found.metrics["core_accuracy_by_feature"]["n"] == left.sum()
    assert found.metrics["core_accuracy_by_feature"]["value"] == pytest.approx(balanced(share, labels, left))
    blacken({path for masks in index.spurious_masks for path in masks})
    without = small._replace(root=root.parent).evaluate(salient_imagenet).metrics
    assert found.metrics.keys() - without.keys() == {"core_accuracy_by_feature", "spurious_accuracy_by_feature"}
