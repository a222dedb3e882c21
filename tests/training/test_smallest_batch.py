"""A last batch on which the network cannot be trained is refused before the first step; any other is trained on."""

import pytest
import torch

from small_world import TRAINING
from tradeoffs.step.errors import InputError
from tradeoffs.training.data import Source
from tradeoffs.training.processes import ALONE, Group
from tradeoffs.training.settings import Settings
from tradeoffs.training.smallest_batch import check_smallest_batch


def images(count, pixels):
    """So many black images."""

    def batches(parts, epoch):
        return ((torch.zeros(len(part), 3, pixels, pixels), torch.zeros(len(part)).long()) for part in parts)

    return Source(count, 10, batches)


ALMOST = [
    ("basic", 8, 130, 43),
    ("bottleneck", 8, 130, 3),
    ("resnet18", 32, 50, 7),
    ("resnet50", 32, 50, 7),
    ("torchvision/mobilenet_v3_small", 32, 50, 7),
]


@pytest.mark.parametrize(("architecture", "pixels", "count", "batch"), ALMOST)
def test_one_image_with_maps_of_one_pixel_is_refused(architecture, pixels, count, batch):
    settings = Settings(**TRAINING | {"architecture": architecture, "batch_size": batch})
    with pytest.raises(InputError) as raised:
        check_smallest_batch(settings, images(count, pixels), ALONE)
    said = str(raised.value)
    assert f"holds 1 images of {pixels}x{pixels} pixels, on which a {architecture} cannot be trained" in said
    assert f"change batch_size (now {batch}) or images" in said
    assert "\n" not in said


@pytest.mark.parametrize(("architecture", "pixels", "count", "batch"), ALMOST)
def test_two_images_or_larger_maps_are_not(architecture, pixels, count, batch):
    settings = Settings(**TRAINING | {"architecture": architecture, "batch_size": batch})
    before = torch.get_rng_state()
    check_smallest_batch(settings, images(count + 1, pixels), ALONE)
    check_smallest_batch(settings, images(count + 1, pixels), Group(1, 2))  # one image each: they share statistics
    if architecture != "torchvision/mobilenet_v3_small":  # whose squeezed maps are of one pixel at any size
        check_smallest_batch(settings, images(count, 3 * pixels), ALONE)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("architecture", "pixels"),
    [
        ("torchvision/alexnet", 8),
        ("torchvision/vit_b_16", 32),
        ("timm/vit_tiny_patch16_224", 64),
    ],
)
def test_images_that_a_network_does_not_take_are_refused(architecture, pixels):
    settings = Settings(**TRAINING | {"architecture": architecture, "batch_size": 4})
    said = f"{pixels}x{pixels} pixels, on which a {architecture} cannot be trained"
    with pytest.raises(InputError, match=said):
        check_smallest_batch(settings, images(8, pixels), ALONE)


def test_a_network_that_gives_more_than_logits_in_training_is_refused():
    settings = Settings(**TRAINING | {"architecture": "torchvision/googlenet", "batch_size": 4})
    with pytest.raises(InputError, match=r"in training gives more than logits .*choose another"):
        check_smallest_batch(settings, images(8, 64), ALONE)
