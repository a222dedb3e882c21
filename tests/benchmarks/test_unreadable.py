"""A damaged file among good ones: named, and the run fails or goes on without its image, as the spec says."""

import csv
import json
import shutil

import numpy as np
import pytest

from benchmarks.conftest import MODEL, SETS, SMALL
from tradeoffs.benchmarks import adversarial, imagenet, imagenet9, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.benchmarks.evaluate import step
from tradeoffs.step.command import execute
from tradeoffs.step.errors import InputError

TRAIN = "rival10/RIVAL10/train/ordinary/n00000002_n00000002_2.JPEG"
DAMAGED = [  # the benchmark, the file, by how much n falls
    (imagenet, "imagenet/val/n00000003/n00000003_3.JPEG", 1),
    (rival10, "rival10/RIVAL10/test/ordinary/n00000003_n00000003_3.JPEG", 1),
    (rival10, "rival10/RIVAL10/test/entire_object_masks/n00000003_n00000003_3.JPEG", 1),
    (rival10, TRAIN, 0),
    (salient_imagenet, "salient_imagenet/train/n00000003/n00000003_3.JPEG", 1),
    (salient_imagenet, "salient_imagenet/salient_imagenet_dataset/n00000003/feature_14/n00000003_3.JPEG", 1),
    (waterbirds, "waterbirds: a test image", 1),
    (objectnet, "objectnet: an image with a counterpart", 1),
    (objectnet, "imagenet/val/n00000003/n00000003_3.JPEG", 1),
    (adversarial, "imagenet/val/n00000000/n00000000_0.JPEG", 1),
]


@pytest.fixture
def damaged(small, tmp_path):
    """Return a function that copies a world's sets and truncates one file: the world and the file's relative path."""

    def damage(benchmark, relative):
        name = benchmark.__name__.rpartition(".")[2]
        for data in SETS.get(name, [name]):
            shutil.copytree(small.root / data, tmp_path / data)
        if relative.startswith("waterbirds:"):
            with next((tmp_path / name).glob("*/metadata.csv")).open() as file:
                chosen = next(row["img_filename"] for row in csv.DictReader(file) if row["split"] == "2")
            relative = f"waterbirds/waterbird_complete95_forest2water2/{chosen}"
        elif relative.startswith("objectnet:"):
            relative = str(next((tmp_path / name).glob("*/images/two/*.png")).relative_to(tmp_path))
        path = tmp_path / relative
        path.write_bytes(path.read_bytes()[:-200])
        return small._replace(root=tmp_path), relative

    return damage


@pytest.mark.parametrize(("benchmark", "relative", "fewer"), DAMAGED)
def test_a_damaged_file_is_named_and_fails_or_is_left_out(damaged, benchmark, relative, fewer, small, capfd):
    world, relative = damaged(benchmark, relative)
    with pytest.raises(InputError, match="unreadable image") as raised:
        world.evaluate(benchmark)
    assert str(world.root / relative) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not capfd.readouterr().err

    result = world.evaluate(benchmark, unreadable="skip")
    assert result.skipped == [world.root / relative]
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"left out: {world.root / relative}: unreadable image")
    whole = small.evaluate(benchmark)
    assert not whole.skipped
    assert result.metrics.keys() == whole.metrics.keys()
    counts = [whole.metrics[name]["n"] - metric["n"] for name, metric in result.metrics.items()]
    assert max(counts) == fewer
    assert min(counts) >= 0
    # What is left is judged as before, noise and all: no more than the damaged image's own outcome is gone. (A head
    # fitted without it is another, and random starts are those of a block of images.)
    if relative != TRAIN and benchmark is not adversarial:
        for outcome, array in whole.outcomes.items():
            if "swap" in outcome:  # another image may have had the damaged one's background
                places = [np.delete(array, place) for place in range(len(array))]
                assert min((kept != found).sum() for found in [result.outcomes[outcome]] for kept in places) <= 8
                continue
            found = result.outcomes[outcome]
            without = [np.delete(array, place, axis=-1) for place in range(array.shape[-1])]
            assert any(np.array_equal(found, kept) for kept in [array, *without])


def test_imagenet9_leaves_an_image_that_is_damaged_in_one_variant_out_of_all(damaged, small, capfd):
    original = sorted((small.root / "imagenet9/bg_challenge/original/val").rglob("*.JPEG"))
    place = 7
    relative = str(original[place].relative_to(small.root)).replace("original", "mixed_rand")
    world, relative = damaged(imagenet9, relative)
    with pytest.raises(InputError, match="unreadable image"):
        world.evaluate(imagenet9)
    result = world.evaluate(imagenet9, unreadable="skip", challenge_foregrounds=60)
    whole = small.evaluate(imagenet9, challenge_foregrounds=60)
    assert result.skipped == [world.root / relative]
    for name in ("original", "mixed_same", "mixed_rand", "only_bg_t", "label", "challenge"):
        np.testing.assert_array_equal(result.outcomes[name], np.delete(whole.outcomes[name], place), name)
    assert result.outcomes["challenge_image"].tolist() == list(range(59))
    assert {metric["n"] for metric in result.metrics.values()} == {59}
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_damaged_foreground_mask_takes_its_image_out_of_the_challenge_only(damaged, small):
    mask = sorted((small.root / "imagenet9/bg_challenge/fg_mask").rglob("*.npy"))[0]
    world, relative = damaged(imagenet9, str(mask.relative_to(small.root)))
    result = world.evaluate(imagenet9, unreadable="skip", challenge_foregrounds=60)
    assert result.skipped == [world.root / relative]
    assert result.metrics["bg_gap"]["n"] == 60
    assert result.outcomes["challenge_image"].tolist() == list(range(1, 60))


def test_a_damaged_background_is_behind_no_foreground_of_the_challenge(damaged, small):
    """It takes its own image out everywhere, and the composites of all others on it."""
    tiled = sorted((small.root / "imagenet9/bg_challenge/only_bg_t/val").rglob("*.JPEG"))[4]
    world, relative = damaged(imagenet9, str(tiled.relative_to(small.root)))
    result = world.evaluate(imagenet9, unreadable="skip", challenge_foregrounds=60, challenge_backgrounds=60)
    assert result.skipped == [world.root / relative]
    assert result.outcomes["challenge_image"].tolist() == list(range(59))
    assert {metric["n"] for metric in result.metrics.values()} == {59}


def test_a_missing_file_and_a_forbidden_one_are_never_skipped(small, damaged):
    world, relative = damaged(imagenet, "imagenet/val/n00000003/n00000003_3.JPEG")
    path = world.root / relative
    path.unlink()
    path.symlink_to(world.root / "nowhere")
    with pytest.raises(InputError, match=r"a link to .*nowhere, which does not exist"):
        world.evaluate(imagenet, unreadable="skip")
    path.unlink()
    path.symlink_to(path)  # a loop: the system's fault, not the file's
    with pytest.raises(InputError, match="cannot read this image"):
        world.evaluate(imagenet, unreadable="skip")


def test_a_set_of_damaged_files_only_is_refused(damaged):
    world, _ = damaged(imagenet, "imagenet/val/n00000003/n00000003_3.JPEG")
    for path in (world.root / "imagenet/val").rglob("*.JPEG"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="unreadable, and so are all the others"):
        world.evaluate(imagenet, unreadable="skip")


def test_a_domain_of_damaged_images_only_is_refused_though_another_is_whole(damaged):
    world, relative = damaged(adversarial, "imagenet/val/n00000000/n00000000_0.JPEG")
    shutil.rmtree(world.root / relative.split("/n")[0])
    shutil.copytree(world.root / "imagenet/val_decorrelated", world.root / "imagenet/val")
    for path in (world.root / "imagenet/val_decorrelated").rglob("*.JPEG"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="val_decorrelated: none of 30 images can be read"):
        world.evaluate(adversarial, unreadable="skip")


def test_the_card_lists_what_was_left_out(damaged, weights, tmp_path):
    world, relative = damaged(imagenet, "imagenet/val/n00000003/n00000003_3.JPEG")
    card = tmp_path / "card.json"
    arguments = ["--weights", str(weights), "--card", str(card), "--outcomes", str(tmp_path / "o.npz")]
    arguments += ["--data", f"imagenet={world.root / 'imagenet'}", "--spec"]
    for unreadable, expected in (("skip", [relative]), ("perhaps", None)):
        spec = json.dumps(MODEL | SMALL["imagenet"] | {"unreadable": unreadable})
        if expected is None:
            with pytest.raises(InputError, match=r"unreadable = 'perhaps'.*'fail', 'skip'"):
                execute(step("imagenet"), "evaluate imagenet", [*arguments, spec])
        else:
            execute(step("imagenet"), "evaluate imagenet", [*arguments, spec])
            assert json.loads(card.read_text())["skipped"] == expected
