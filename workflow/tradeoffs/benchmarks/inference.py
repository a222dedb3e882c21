"""Passes over images on disk: read by threads while the network works, in batches that fit, damaged files left out."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.compute import bars
from tradeoffs.compute.batching import batch_size, halved, workers
from tradeoffs.compute.memory import is_out_of_memory
from tradeoffs.compute.parallel import in_order
from tradeoffs.compute.transfer import layout, sent
from tradeoffs.data import decoded, images
from tradeoffs.data.images import AHEAD, NOTHING, Geometry, UnreadableError, stack
from tradeoffs.step.errors import InputError

Decode = Callable[[int], tuple[NDArray[Any], ...]]


class Passes:
    """What the passes of one evaluation share: the device, the largest batch that fits, the files left out.

    ``skipped``: damaged files that were left out, in the order they were met.
    """

    def __init__(self, device: torch.device, unreadable: str = "fail") -> None:
        """``unreadable``: whether a damaged file ends the evaluation (``fail``) or leaves its image out (``skip``)."""
        self.device = device
        self.largest = sys.maxsize
        self.skipped: list[Path] = []
        self._skip = unreadable == "skip"

    def over(
        self, paths: Sequence[Path], decode: Decode, compute: Callable[..., Tensor]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return which images were read (positions, ascending) and what ``compute`` makes of them, in that order.

        ``decode(i)``, called in threads, returns arrays of image i, the first of them its pixels [h, w, 3]; their
        stacks, as tensors on the device, are the arguments of ``compute``, which returns a tensor whose first axis is
        the images. Where the GPU's memory runs out, smaller batches do.
        """
        positions: list[NDArray[np.int64]] = []
        results: list[Tensor] = []
        with torch.no_grad():
            for at, arrays in self.batches(paths, decode):
                positions.append(at)
                results += self.in_parts(lambda *parts: compute(*map(self.tensor, parts)), *arrays)
        return np.concatenate(positions), torch.cat(results).cpu().numpy()

    def batches(
        self, paths: Sequence[Path], decode: Decode, size: int | None = None
    ) -> Iterator[tuple[NDArray[np.int64], list[NDArray[Any]]]]:
        """Yield the positions of a batch's images and the stacks of what ``decode`` returns; at most four are held.

        ``size`` images at once where given. InputError names an image of another shape than the first, and, unless
        damaged files are skipped, the first damaged one; it is also raised where no image is left.
        """
        first = self._first(paths, decode)
        size = size or batch_size(first[0].shape[0] * first[0].shape[1], sum(a.nbytes for a in first), self.device)
        at: list[int] = []
        waiting: list[tuple[NDArray[Any], ...]] = []
        futures = in_order(decode, range(len(paths)), workers=workers(), ahead=AHEAD * size)
        with bars.over(len(paths)) as bar:
            for i, future in enumerate(futures):
                try:
                    waiting.append(future.result())
                    at.append(i)
                except UnreadableError as error:
                    self._leave_out(error)
                if waiting and (len(waiting) == size or i == len(paths) - 1):
                    names = [paths[position] for position in at]
                    arrays = [
                        stack(kind, names, example.shape)
                        for kind, example in zip(zip(*waiting, strict=True), first, strict=True)
                    ]
                    yield np.array(at), arrays
                    at, waiting = [], []
                bar.update()

    def in_parts(self, compute: Callable[..., Tensor], *arrays: NDArray[Any]) -> list[Tensor]:
        """Return ``compute`` of parts of ``arrays`` (equal first axes), as large as fit into the GPU's memory."""
        results: list[Tensor] = []
        start = 0
        while start < len(arrays[0]):
            size = min(self.largest, len(arrays[0]) - start)
            try:
                results.append(compute(*(array[start : start + size] for array in arrays)))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            else:
                start += size
                continue
            self.largest = halved(size)
        return results

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """Return an array as a tensor on the device."""
        return sent(array, self.device)

    def _first(self, paths: Sequence[Path], decode: Decode) -> tuple[NDArray[Any], ...]:
        """Return the arrays of the first image that can be read."""
        for i in range(len(paths)):
            try:
                return decode(i)
            except UnreadableError as error:
                self._leave_out(error)
        raise InputError(
            f"{paths[0]}: unreadable, and so are all the others; unpack the data set" if paths else NOTHING
        )

    def _leave_out(self, error: UnreadableError) -> None:
        if not self._skip:
            raise error
        if error.path not in self.skipped:
            print(f"left out: {error}", file=sys.stderr)
            self.skipped.append(error.path)


def shares(pixels: Tensor) -> Tensor:
    """Images uint8 [n, h, w, 3] as floats [n, 3, h, w] in [0, 1], laid out for the device; masks as [n, 1, h, w]."""
    if pixels.dim() == 3:
        return pixels[:, None].float() / 255
    return (pixels.permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=layout(pixels.device))


def over_images(
    passes: Passes, paths: Sequence[Path], geometry: Geometry, compute: Callable[[Tensor], Tensor]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Apply ``compute`` to the images at ``paths``, [n, 3, h, w] in [0, 1]; see :meth:`Passes.over`.

    ``paths`` are the same for every model (:func:`decoder_for_all`).
    """
    return passes.over(paths, decoder_for_all(paths, geometry), lambda pixels: compute(shares(pixels)))


def decoder_for_all(paths: Sequence[Path], geometry: Geometry) -> Decode:
    """Return the function that decodes the image at each position of ``paths``, which are the same for every model.

    So it is done for one of them and kept for the others (:mod:`tradeoffs.data.decoded`).
    """
    read = decoded.reader(paths, geometry)
    return lambda i: (read(i),)


def decoder(paths: Sequence[Path], geometry: Geometry) -> Decode:
    """Return the function that decodes the image at each position of ``paths``."""
    return lambda i: (images.image(paths[i], geometry),)
