"""How fast this machine is: a network's passes, timed for a moment; the reading of files; matrix products."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from tradeoffs.attacks.folding import folded
from tradeoffs.attacks.pgd import pgd
from tradeoffs.benchmarks.noise import corrupt, draw
from tradeoffs.compute.batching import batch_size
from tradeoffs.compute.parallel import keep_freed_memory
from tradeoffs.compute.precision import autocast
from tradeoffs.compute.transfer import layout
from tradeoffs.cost.seconds import Rates
from tradeoffs.data import images
from tradeoffs.data.images import Geometry
from tradeoffs.models.networks import build

LONGEST = 20.0  # seconds for a network
_EACH = 1.5  # seconds for one kind of pass, after one that is not timed
_STEPS = 5  # of the attack that is timed
_AMONG = 1.2  # how much longer passes take among other work than in a row, as measured on the miniature
_JPEG = (500, 375)  # width and height of a photograph of ImageNet


def rates(architecture: str, classes: int, size: int, batch: int, precision: str, device: torch.device) -> Rates:
    """Return the seconds that an image takes, of ``size`` x ``size``, in each kind of pass; updates in batches.

    ``precision`` is that of trainings (:mod:`tradeoffs.compute.precision`).

    Weights are random, which changes no time. InputError for an architecture that cannot be built from its name.
    """
    keep_freed_memory()  # as what reads images does: else a fifth of a pass, or half, is fetching pages again
    torch.manual_seed(0)
    network = build(architecture, classes).to(device).to(memory_format=layout(device)).eval()
    begun = time.perf_counter()
    pixels = size * size
    count = batch_size(pixels, 3 * pixels, device)
    x = torch.rand(count, 3, size, size, device=device).contiguous(memory_format=layout(device))
    labels = torch.arange(count, device=device) % classes

    def forward() -> None:
        with torch.no_grad():
            network(x)

    attacked = folded(network.requires_grad_(False))
    generator = torch.Generator(device).manual_seed(0)

    def gradients() -> None:
        def loss(inputs: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(attacked(inputs), labels, reduction="none")

        pgd(loss, x, norm="linf", epsilon=0.01, steps=_STEPS, step_size=0.01, generator=generator)

    def update() -> None:
        optimizer.zero_grad()
        with autocast(device, precision):
            loss = F.cross_entropy(network(x[:batch]), labels[:batch])
        loss.backward()
        optimizer.step()

    found = [_seconds(act, begun, device) for act in (forward, gradients)]
    network.requires_grad_(True).train().to(memory_format=torch.channels_last)  # as a training's lies
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-6, momentum=0.9)
    found.append(_seconds(update, begun, device))
    forwarded, attacked_for, updated = found
    seconds = forwarded / count * _AMONG, attacked_for / count / _STEPS * _AMONG, updated / min(batch, count)
    return Rates(*seconds)


def _seconds(act: Callable[[], object], begun: float, device: torch.device) -> float:
    """Return the time of a call, the lower quartile of some: what else the machine does only adds to it.

    The first one is not counted unless time has run out.
    """

    def once() -> float:
        started = time.perf_counter()
        act()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    first = once()
    found: list[float] = []
    while sum(found) < _EACH and len(found) < 200 and time.perf_counter() - begun + first < LONGEST:
        found.append(once())
    return float(np.quantile(found, 0.25)) if found else first


def reading(size: int, *, photographs: bool) -> float:
    """Return the seconds in which one thread decodes a file: a photograph to ``size``, or one stored at that size."""
    shape = _JPEG if photographs else (size, size)
    # A quarter of the detail that there could be: 80 kB at 500 x 375, as ImageNet's are.
    noise = np.random.default_rng(0).integers(0, 256, (shape[1] // 4, shape[0] // 4, 3), dtype=np.uint8)
    geometry = Geometry(resize=size * 8 // 7, crop=size) if photographs else images.UNCHANGED
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.JPEG"
        Image.fromarray(noise).resize(shape, Image.Resampling.BICUBIC).save(path, quality=85)
        return _seconds(lambda: images.image(path, geometry), time.perf_counter(), torch.device("cpu"))


def drawing(size: int) -> float:
    """Return the seconds in which one thread draws the noise of an image."""
    return _seconds(lambda: draw(0, 0, 1, size, size), time.perf_counter(), torch.device("cpu"))


def making(size: int, device: torch.device) -> float:
    """Return the seconds in which an image has noise put on it."""
    count = batch_size(size * size, 3 * size * size, device)
    x, noise = torch.rand(2, count, 3, size, size, device=device)
    act = partial(corrupt, x, torch.ones_like(x[:, :1]), noise, kind="linf", level=0.1)
    return _seconds(act, time.perf_counter(), device) / count


def arithmetic() -> float:
    """Return the operations a second of a double-precision matrix product, in one thread as the workflow's steps."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        a = torch.rand(512, 512, dtype=torch.float64)
        return 2 * 512**3 / _seconds(lambda: a @ a, time.perf_counter(), torch.device("cpu"))
    finally:
        torch.set_num_threads(before)
