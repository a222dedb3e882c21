"""Training and validation images as batches on the device: kept in memory where they fit, else decoded when needed.

Both ways give the same batches, bit for bit. Which images a batch holds, and how each is augmented, is a function of
the seed, the epoch and the image alone: it depends neither on the number of decoding threads nor on what was read
before, so a run can start at any batch.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.compute.parallel import threads
from tradeoffs.compute.transfer import pinned
from tradeoffs.data import imagenet, images
from tradeoffs.data.images import UNCHANGED, Geometry
from tradeoffs.step.errors import InputError
from tradeoffs.training.augmentation import crop_and_flip

AUGMENTATIONS = ("none", "crop_flip")
Batch = tuple[Tensor, Tensor]

_CURE = "set image_size"  # of images of unlike sizes
_AHEAD = 2  # batches decoded before they are asked for
_SHARE = 4  # a split is held in memory where it needs at most 1 / _SHARE of it,
_LARGEST = 2**30  # and at most so many bytes: schedulers grant less than a machine has, and loading holds it twice


class Source(NamedTuple):
    """Labelled images. ``batches(parts, epoch)`` yields, for each part (int64 indices [b]) in turn, float images
    [b, 3, h, w] in [0, 1] and labels [b] on the device.
    """

    size: int
    classes: int
    batches: Callable[[Sequence[Tensor], int], Iterator[Batch]]


class Split(NamedTuple):
    """Files and labels of one split: ``paths`` [n], ``labels`` int64 [n]."""

    paths: list[Path]
    labels: NDArray[np.int64]
    classes: int


def read_split(root: Path, split: str, images_wanted: int | None) -> Split:
    """Index one split of an ImageNet folder.

    ``images_wanted`` takes the first images of each class, the same number of each; None takes all.
    """
    index = imagenet.read(root, split)
    classes = len(index.wnids)
    if images_wanted is None:
        return Split(index.paths, index.labels, classes)
    each = images_wanted // classes
    counts = np.bincount(index.labels, minlength=classes)
    if each < 1 or each > counts.min():
        raise InputError(
            f"--spec: images = {images_wanted}; {root / split} has {counts.min()} images in its smallest class of "
            f"{classes}, so choose {classes} to {counts.min() * classes}"
        )
    if images_wanted % classes:
        raise InputError(
            f"--spec: images = {images_wanted}; expected a multiple of {classes}, as many of each class: "
            f"{each * classes}, say"
        )
    chosen = np.concatenate([np.flatnonzero(index.labels == c)[:each] for c in range(classes)])
    return Split([index.paths[i] for i in chosen], index.labels[chosen], classes)


def centred(image_size: int | None) -> Geometry:
    """How images are read without augmentation: as stored, or resized and cropped as ImageNet's are (256 and 224)."""
    if image_size is None:
        return UNCHANGED
    return Geometry(resize=round(image_size * 256 / 224), crop=image_size)


def open_source(
    split: Split,
    *,
    image_size: int | None,
    augmentation: str,
    seed: int,
    device: torch.device,
    workers: int,
    memory: int | None = None,
) -> Source:
    """Return the images of ``split``, in memory where they fit into their share of ``memory`` bytes, else streamed.

    ``memory`` None is what the device has. Augmented images are always streamed.

    Raises InputError for an unknown augmentation, and, when they are read, for images that are unreadable or of
    different sizes.
    """
    if augmentation not in AUGMENTATIONS:
        raise InputError(f"--spec: augmentation = {augmentation!r}; choose one of {', '.join(AUGMENTATIONS)}")
    if augmentation == "none":
        geometry = centred(image_size)
        needed = len(split.paths) * images.load(split.paths[:1], geometry).size * torch.float32.itemsize
        if needed <= min(_LARGEST, (_memory(device) if memory is None else memory) // _SHARE):
            return in_memory(split, geometry, device)
        return streamed(split, lambda index, _: images.load([split.paths[index]], geometry)[0], device, workers)

    def augmented(index: int, epoch: int) -> NDArray[np.uint8]:
        return crop_and_flip(split.paths[index], image_size, np.random.default_rng([seed, epoch, index]))

    return streamed(split, augmented, device, workers)


def in_memory(split: Split, geometry: Geometry, device: torch.device) -> Source:
    """Decode everything once and keep it on the device."""
    pixels = torch.from_numpy(images.load(split.paths, geometry, _CURE))
    x = (pixels.to(device).float() / 255).contiguous(memory_format=torch.channels_last)
    labels = torch.from_numpy(split.labels).to(device)

    def batches(parts: Sequence[Tensor], epoch: int) -> Iterator[Batch]:
        for part in parts:
            chosen = part.to(device)
            yield x[chosen], labels[chosen]

    return Source(len(split.paths), split.classes, batches)


def streamed(
    split: Split, decode: Callable[[int, int], NDArray[np.uint8]], device: torch.device, workers: int
) -> Source:
    """Decode in ``workers`` threads what is needed next; ``decode(index, epoch)`` returns uint8 [3, h, w].

    Beside the batch in use at most three are in memory. Pixels travel to the device as bytes. The threads put a batch
    together too, in memory that a GPU copies from by itself: an epoch waits for the device once, when it begins.
    """

    def assembled(chosen: list[int], decoded: list[Future[NDArray[np.uint8]]]) -> Batch:
        # [h, w, 3]: the layout in which the network computes.
        laid = [future.result().transpose(1, 2, 0) for future in decoded]
        pixels = images.stack(laid, [split.paths[index] for index in chosen], cure=_CURE)
        return pinned(pixels, device), pinned(split.labels[chosen], device)

    def batches(parts: Sequence[Tensor], epoch: int) -> Iterator[Batch]:
        order = iter(torch.cat(list(parts)).tolist() if parts else [])
        waiting: deque[Future[Batch]] = deque()
        with threads(workers) as pool:
            for number in range(len(parts) + _AHEAD):
                if number < len(parts):
                    chosen = list(islice(order, len(parts[number])))
                    # Threads take tasks in order, so what this one waits for has been begun when it is taken up.
                    decoded = [pool.submit(decode, index, epoch) for index in chosen]
                    waiting.append(pool.submit(assembled, chosen, decoded))
                if number >= _AHEAD:
                    pixels, labels = (each.to(device, non_blocking=True) for each in waiting.popleft().result())
                    # The permuted view is what channels_last means.
                    yield pixels.permute(0, 3, 1, 2).float() / 255, labels

    return Source(len(split.paths), split.classes, batches)


def _memory(device: torch.device) -> int:
    """Bytes of memory where the images would be kept."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
