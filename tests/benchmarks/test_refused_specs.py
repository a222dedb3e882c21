"""Data that a benchmark cannot be measured on are named, not measured: numbers would come out all the same."""

import json
import shutil
from pathlib import Path

import pytest

from tradeoffs.benchmarks import adversarial, imagenet, imagenet9, objectnet, rival10, salient_imagenet
from tradeoffs.step.errors import InputError


@pytest.fixture
def copy(small, tmp_path: Path):
    """Return a function that copies data sets of the small world to a world in which they may be changed."""

    def make(*names: str):
        for name in names:
            shutil.copytree(small.root / name, tmp_path / name)
        return small._replace(root=tmp_path)

    return make


def test_without_budgets_clean_accuracy_is_what_there_is_and_without_domains_nothing(small) -> None:
    listed = small.evaluate(adversarial, budgets={"linf": [], "l2": []})
    assert small.evaluate(adversarial, budgets={}).metrics == listed.metrics
    with pytest.raises(InputError, match="settings: domains is empty; expected a name and a folder of images"):
        small.evaluate(adversarial, domains={})


@pytest.mark.parametrize("classes", [9, 11])
def test_objectnet_mappings_of_another_number_of_classes_are_refused(copy, classes: int) -> None:
    world = copy("objectnet", "imagenet")
    path = world.root / "objectnet/objectnet-1.0/mappings/pytorch_to_imagenet_2012_id.json"
    lines = json.loads(path.read_text())
    # Class 8 has no ObjectNet counterpart, so it may go, or a class without a label of its own be added.
    changed = (
        {str(new): lines[str(old)] for new, old in enumerate([*range(8), 9])} if classes == 9 else lines | {"10": 1}
    )
    path.write_text(json.dumps(changed))
    with pytest.raises(InputError, match=f"mappings are of {classes} classes; the network has 10"):
        world.evaluate(objectnet)


def test_a_class_folder_that_is_missing_and_a_stray_one_are_named(copy) -> None:
    world = copy("imagenet")
    (world.root / "imagenet/val/n00000004").rename(world.root / "imagenet/val/stray")
    with pytest.raises(InputError, match="1 missing: 'n00000004'; 1 surplus: 'stray'"):
        world.evaluate(imagenet)
    shutil.rmtree(world.root / "imagenet/val/stray")
    with pytest.raises(InputError, match=r"9 class folders.*1 missing: 'n00000004'"):
        world.evaluate(imagenet)


def test_imagenet9_without_its_first_class_is_refused(copy) -> None:
    world = copy("imagenet9")
    for folder in list(world.root.glob("imagenet9/bg_challenge/*/val/00_*")):
        shutil.rmtree(folder)
    with pytest.raises(InputError, match=r"no folder 00_\.\.\."):
        world.evaluate(imagenet9)


@pytest.mark.parametrize("classes", [5, 11])
@pytest.mark.parametrize("benchmark", [imagenet, imagenet9, objectnet, salient_imagenet])
def test_a_network_of_another_number_of_classes_is_refused(small, benchmark, classes: int) -> None:
    """Its labels would be shifted, and numbers come out all the same."""
    with pytest.raises(InputError, match=f"{classes}|class indices 0 to {classes - 1}"):
        small.evaluate(benchmark, classes=classes)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_of_rival10_without_images_is_named(copy, split: str) -> None:
    world = copy("rival10")
    for path in (world.root / "rival10/RIVAL10" / split).rglob("n00000009_*"):
        path.unlink()
    with pytest.raises(InputError, match=f"{split}.*: no image of class nine can be read"):
        world.evaluate(rival10)


@pytest.mark.parametrize("split", ["train", "test"])
def test_nor_are_damaged_images_left_out_where_no_other_is_of_their_class(copy, split: str) -> None:
    world = copy("rival10")
    for path in (world.root / "rival10/RIVAL10" / split / "ordinary").glob("n00000009_*.JPEG"):
        path.write_bytes(b"no image")
    with pytest.raises(InputError, match=f"{split}: no image of class nine can be read"):
        world.evaluate(rival10, unreadable="skip")
