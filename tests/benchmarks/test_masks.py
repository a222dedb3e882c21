"""Masks that cover the whole image or nothing: their images are left out and counted; where all do, one line."""

import numpy as np
import pytest
from PIL import Image

from tradeoffs.benchmarks import imagenet9, rival10, salient_imagenet
from tradeoffs.step.errors import InputError

WITHIN = ("gradient_share_background", "swap_change", "swap_flips")


def masks_of(root, name):
    """Return the files that say where the object is, in order; of Salient ImageNet those of the core features."""
    folder = {
        "rival10": root / "RIVAL10/test/entire_object_masks",
        "imagenet9": root / "bg_challenge/fg_mask/val",
        "salient_imagenet": root / "salient_imagenet_dataset",
    }[name]
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".npy", ".JPEG"))
    core = [path for path in found if name != "salient_imagenet" or int(path.parent.name.split("_")[1]) % 4 < 2]
    assert core
    return core


def level(path, covers):
    """Write a mask of everything, or of nothing, in the form and size that the file has."""
    if path.suffix == ".npy":
        np.save(path, np.full_like(np.load(path), covers))
    else:
        with Image.open(path) as image:
            size = image.size
        Image.new("L", size, 255 * covers).save(path, "JPEG")


@pytest.fixture(params=[rival10, imagenet9])
def benchmark(request):
    return request.param


def test_images_whose_masks_part_nothing_are_left_out_of_what_rests_on_them_and_counted(small, copy_of, benchmark):
    name = benchmark.__name__.rpartition(".")[2]
    whole, root = small.evaluate(benchmark), copy_of(name)
    changed = masks_of(root, name)[:3]
    for path, covers in zip(changed, (0, 1, 1), strict=True):
        level(path, covers)
    found = small._replace(root=root.parent).evaluate(benchmark)
    images = len(whole.outcomes["label"])
    assert found.remarks["gradient"] == {"images": images, "mask_parts_nothing": 3, "no_gradient": 0}
    assert whole.remarks["gradient"] == {"images": images, "mask_parts_nothing": 0, "no_gradient": 0}
    for metric in WITHIN:
        missing = np.isnan(found.outcomes[metric])
        assert missing.sum() == 3
        assert np.isfinite(found.metrics[metric]["value"])
    # The share rests on an image alone: of the others it is as before.
    share, before = (each.outcomes["gradient_share_background"] for each in (found, whole))
    np.testing.assert_allclose(share[~np.isnan(share)], before[~np.isnan(share)], rtol=1e-4)


@pytest.mark.parametrize("covers", [0, 1])
def test_masks_that_all_cover_everything_or_nothing_are_one_line(small, copy_of, benchmark, covers):
    name = benchmark.__name__.rpartition(".")[2]
    root = copy_of(name)
    listed = masks_of(root, name)
    for path in listed[1:]:
        level(path, covers)
    expected = (
        rf"{len(listed) - 1} of {len(listed)} masks cover the whole image or nothing of it; expected at least two"
    )
    with pytest.raises(InputError, match=expected) as raised:
        small._replace(root=root.parent).evaluate(benchmark)
    assert "\n" not in str(raised.value)
    assert str(root) in str(raised.value)


def test_a_core_region_that_is_the_whole_image_has_no_outside(small, copy_of):
    root = copy_of("salient_imagenet")
    for path in masks_of(root, "salient_imagenet"):
        level(path, 1)
    with pytest.raises(InputError, match="60 of 60 masks cover the whole image or nothing of it"):
        small._replace(root=root.parent).evaluate(salient_imagenet)


def test_a_network_without_gradients_is_measured_in_all_else(small):
    class Blind:
        """The same answers, of a copy of the image that the gradient does not reach."""

        def __call__(self, x):
            return small.network(x.detach())

        def features(self, x):
            return small.network.features(x.detach())

    for each in (rival10, imagenet9, salient_imagenet):
        seen, blind = small.evaluate(each), small._replace(network=Blind()).evaluate(each)
        assert seen.metrics.keys() - blind.metrics.keys() == {"gradient_share_background"}
        assert blind.remarks["gradient"]["no_gradient"] == len(blind.outcomes["label"])
        assert all(blind.metrics[name] == seen.metrics[name] for name in blind.metrics)
