"""Training images arrive as they should: in memory or streamed, from any batch on, with any number of threads."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as transforms

from tradeoffs.step.errors import InputError
from tradeoffs.training.augmentation import crop_and_flip, random_box
from tradeoffs.training.data import Split, open_source, read_split

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def split(miniature):
    return read_split(miniature / "imagenet", "train", None)


@pytest.fixture
def photographs(tmp_path):
    """JPEGs of several shapes and modes, as ImageNet holds them."""
    random = np.random.default_rng(0)
    paths = []
    for number, (width, height) in enumerate([(60, 40), (40, 70), (150, 30), (30, 150), (64, 64)]):
        small = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8))
        image = small.resize((width, height)).convert("CMYK" if number == 1 else "L" if number == 2 else "RGB")
        paths.append(tmp_path / f"{number}.JPEG")
        image.save(paths[-1])
    return Split(paths, np.arange(len(paths)), len(paths))


def read(split, parts, epoch=0, **options):
    common = {"image_size": None, "augmentation": "none", "seed": 0, "device": CPU, "workers": 2}
    return list(open_source(split, **common | options).batches(parts, epoch))


def assert_same(one, other):
    for (x, labels), (y, truth) in zip(one, other, strict=True):
        assert torch.equal(x, y)
        assert x.stride() == y.stride()  # the layout decides how convolutions round
        assert torch.equal(labels, truth)


@pytest.mark.parametrize("image_size", [None, 28])
def test_streamed_batches_are_those_held_in_memory(split, image_size):
    parts = torch.randperm(60, generator=torch.Generator().manual_seed(0)).split(7)
    held = read(split, parts, image_size=image_size)
    assert_same(held, read(split, parts, image_size=image_size, memory=0))
    assert held[0][0].shape == (7, 3, image_size or 32, image_size or 32)
    assert 0 <= held[0][0].min() < held[0][0].max() <= 1


def test_augmented_batches_depend_on_seed_epoch_and_image_only(split):
    parts = torch.randperm(60, generator=torch.Generator().manual_seed(0)).split(7)
    options = {"augmentation": "crop_flip", "image_size": 24}
    whole = read(split, parts, **options, workers=1)
    assert_same(whole, read(split, parts, **options, workers=4))
    assert_same(whole[5:], read(split, parts[5:], **options))
    one_by_one = read(split, torch.cat(parts).split(1), **options)
    assert torch.equal(torch.cat([x for x, _ in whole]), torch.cat([x for x, _ in one_by_one]))
    for change in ({"epoch": 1}, {"seed": 1}):
        assert not torch.equal(whole[0][0], read(split, parts[:1], **options | change)[0][0])


def test_few_batches_are_in_memory_however_slowly_they_are_used(split):
    decoded = []

    def decode(index, epoch):
        decoded.append(index)
        return np.zeros((3, 4, 4), dtype=np.uint8)

    from tradeoffs.training.data import streamed

    batches = streamed(split, decode, CPU, 2).batches(torch.arange(60).split(4), 0)
    for _ in itertools.islice(batches, 3):
        pass
    assert len(decoded) <= (3 + 3) * 4
    batches.close()


@given(st.integers(1, 600), st.integers(1, 600), st.integers(0, 2**32))
def test_crops_lie_within_the_image(width, height, seed):
    left, top, right, bottom = random_box(width, height, np.random.default_rng(seed))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@pytest.mark.parametrize(("width", "height"), [(500, 375), (375, 500), (900, 200)])
def test_crops_are_distributed_as_torchvisions(width, height):
    random = np.random.default_rng(0)
    boxes = np.array([random_box(width, height, random) for _ in range(4000)], dtype=float)
    torch.manual_seed(0)
    blank = torch.empty(3, height, width)
    drawn = [RandomResizedCrop.get_params(blank, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)]
    theirs = np.array([(left, top, left + w, top + h) for top, left, h, w in drawn], dtype=float)
    error = np.sqrt(2 * boxes.var(0) / len(boxes)) + 1e-9
    assert np.all(np.abs(boxes.mean(0) - theirs.mean(0)) < 4.5 * error)
    assert np.allclose(boxes.std(0), theirs.std(0), rtol=0.08, atol=1)


def test_augmented_pixels_are_torchvisions(photographs):
    flipped = 0
    for number, path in enumerate(photographs.paths):
        got = crop_and_flip(path, 24, np.random.default_rng([0, number]))
        random = np.random.default_rng([0, number])
        with Image.open(path) as file:
            image = file.convert("RGB")
        left, top, right, bottom = random_box(*image.size, random)
        box = (top, left, bottom - top, right - left)
        expected = transforms.resized_crop(image, *box, [24, 24], InterpolationMode.BILINEAR)
        if random.random() < 0.5:
            flipped += 1
            expected = transforms.hflip(expected)
        assert np.array_equal(got, np.asarray(expected).transpose(2, 0, 1))
    assert 0 < flipped < len(photographs.paths)


def test_images_of_several_sizes_are_refused_with_the_cure(photographs):
    with pytest.raises(InputError, match=r"1\.JPEG: 40x70 pixels .* set image_size"):
        read(photographs, [torch.arange(5)])
    ((x, _),) = read(photographs, [torch.arange(5)], image_size=28)
    assert x.shape == (5, 3, 28, 28)
    with pytest.raises(InputError, match=r"1\.JPEG: 40x70 pixels .* set image_size"):
        read(photographs, [torch.arange(5)], augmentation="crop_flip")


@pytest.mark.parametrize("fault", ["truncated", "missing"])
@pytest.mark.parametrize("augmentation", ["none", "crop_flip"])
def test_a_damaged_image_is_named(photographs, fault, augmentation):
    path = Path(photographs.paths[3])
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: math.ceil(path.stat().st_size / 2)])
    with pytest.raises(InputError, match=r"3\.JPEG: (unreadable image|image not found)"):
        read(photographs, torch.arange(5).split(2), image_size=28, augmentation=augmentation, memory=0)
