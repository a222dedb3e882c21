"""How fast this machine is: a network's passes, timed for a moment; the reading of files; matrix products."""

import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.special import expit
from torch import nn

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

LONGEST = 10.0  # seconds for a network's passes in evaluations, and as many for those in trainings
_EACH = 1.5  # seconds for one kind of pass, after one that is not timed
_FIRST = 2.0  # seconds that a first call is expected to take at most: of fewer images, where all would take longer
_STEPS = 5  # of the attack of evaluations that is timed, at most
_FEW = 4  # images of a gradient that most have left
_AMONG = 1.2  # how much longer passes take among other work than in a row, as measured on the miniature
_JPEG = (500, 375)  # width and height of a photograph of ImageNet


def evaluation(architecture: str, classes: int, size: int, device: torch.device) -> Rates:
    """Return the seconds that an image takes, of ``size`` x ``size``, in each kind of pass that evaluations make.

    Weights are random, which changes no time. InputError for an architecture that cannot be built from its name.
    """
    begun = time.perf_counter()
    network = _network(architecture, classes, device, layout(device)).eval().requires_grad_(False)
    count = batch_size(size * size, 3 * size * size, device)
    x, labels = _images(count, classes, size, device, layout(device))
    attacked = folded(network, x)

    def forward(images: int) -> int:
        with torch.no_grad():
            network(x[:images])
        return images

    def gradients(passes: int, at_once: int = count) -> int:
        images = min(passes, at_once)
        return _attack(attacked, x[:images], labels[:images], passes // images)

    full = _pass(gradients, begun, device, count * _STEPS)
    few = _pass(partial(gradients, at_once=_FEW), begun, device, _FEW * _STEPS)
    # What a call takes beside its images, if a call of n images takes call + n * gradient seconds.
    call = max(0.0, few - full) / (1 / _FEW - 1 / count) if count > _FEW else 0.0
    return Rates(_pass(forward, begun, device, count), full, call)


def training(
    architecture: str, classes: int, size: int, settings: Mapping[str, Any], device: torch.device
) -> tuple[float, float]:
    """Return the seconds that an image takes in an update of the weights, and in a gradient of the attack before it.

    ``settings`` are those of trainings: their batch, attack steps and precision count (:mod:`tradeoffs.training`).
    """
    begun = time.perf_counter()
    # Pixel by pixel whatever the device, as a training's images and weights lie.
    network = _network(architecture, classes, device, torch.channels_last).train()
    batch, steps, precision = settings["batch_size"], settings["attack_steps"], settings["precision"]
    x, labels = _images(batch, classes, size, device, torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-6, momentum=0.9)

    def update(images: int) -> int:
        optimizer.zero_grad()
        with autocast(device, precision):
            loss = F.cross_entropy(network(x[:images]), labels[:images])
        loss.backward()
        optimizer.step()
        return images

    def gradients(passes: int) -> int:
        images = min(passes, batch)
        return _attack(folded(network, x), x[:images], labels[:images], passes // images, precision)

    updated = _pass(update, begun, device, batch, least=2)  # batch normalisation takes no single one
    network.requires_grad_(False)
    return updated, _pass(gradients, begun, device, batch * steps)


def _network(architecture: str, classes: int, device: torch.device, laid: torch.memory_format) -> nn.Module:
    keep_freed_memory()  # as what reads images does: else a fifth of a pass, or half, is fetching pages again
    torch.manual_seed(0)
    return build(architecture, classes).to(device).to(memory_format=laid)


def _images(
    count: int, classes: int, size: int, device: torch.device, laid: torch.memory_format
) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.rand(count, 3, size, size, device=device).contiguous(memory_format=laid)
    return x, torch.arange(count, device=device) % classes


def _attack(
    attacked: Callable[[torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    labels: torch.Tensor,
    steps: int,
    precision: str = "float32",
) -> int:
    """Attack images; return how many gradients that were."""

    def loss(inputs: torch.Tensor) -> torch.Tensor:
        with autocast(x.device, precision):
            return F.cross_entropy(attacked(inputs), labels, reduction="none")

    generator = torch.Generator(x.device).manual_seed(0)
    pgd(loss, x, norm="linf", epsilon=0.01, steps=steps, step_size=0.01, generator=generator)
    return len(x) * steps


def _pass(act: Callable[[int], int], begun: float, device: torch.device, most: int, least: int = 1) -> float:
    """Return the seconds of an image in a network's pass, as it takes them among other work."""
    return _AMONG * _seconds(act, begun, device, most, least)


def _seconds(act: Callable[[int], int], begun: float, device: torch.device, most: int = 1, least: int = 1) -> float:
    """Return the seconds of an image in a call, the lower quartile of some calls: what else is done only adds to it.

    ``act`` is asked for a number of images, or of passes, from ``least`` to ``most`` and returns how many it did. It is
    as many as are expected to take _FIRST seconds at most, by calls with few before, which are not counted; nor is the
    first with so many, unless time has run out since ``begun``.
    """

    def once(number: int) -> tuple[float, int]:
        started = time.perf_counter()
        done = act(number)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started, done

    def left() -> float:
        return LONGEST - (time.perf_counter() - begun)

    number = least
    first, done = once(number)
    if first < left():  # what a device or a library does at its first call only
        first, done = once(number)
    # Few images do not keep a GPU busy: as long as more of them take less time each, there is another look.
    while (fitting := min(most, int(done * _FIRST / first))) > 1.2 * number and left() > _FIRST:
        number = fitting
        first, done = once(number)
    found: list[float] = []
    while sum(found) < _EACH and len(found) < 200 and first < left():
        found.append(once(number)[0])
    return float(np.quantile(found, 0.25) if found else first) / done


def reading(size: int, *, photographs: bool) -> float:
    """Return the seconds in which one thread decodes a file: a photograph to ``size``, or one stored at that size."""
    shape = _JPEG if photographs else (size, size)
    # A quarter of the detail that there could be: 80 kB at 500 x 375, as ImageNet's are.
    noise = np.random.default_rng(0).integers(0, 256, (shape[1] // 4, shape[0] // 4, 3), dtype=np.uint8)
    geometry = Geometry(resize=size * 8 // 7, crop=size) if photographs else images.UNCHANGED
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.JPEG"
        Image.fromarray(noise).resize(shape, Image.Resampling.BICUBIC).save(path, quality=85)
        return _single(lambda: images.image(path, geometry), torch.device("cpu"))


def drawing(size: int) -> float:
    """Return the seconds in which one thread draws the noise of an image."""
    return _single(lambda: draw(0, 0, 1, size, size), torch.device("cpu"))


def making(size: int, device: torch.device) -> float:
    """Return the seconds in which an image has noise put on it."""
    count = batch_size(size * size, 3 * size * size, device)
    x, noise = torch.rand(2, count, 3, size, size, device=device)
    act = partial(corrupt, x, torch.ones_like(x[:, :1]), noise, kind="linf", level=0.1)
    return _single(act, device) / count


def arithmetic() -> float:
    """Return the operations a second of a double-precision matrix product, in one thread as the workflow's steps."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        a = torch.rand(512, 512, dtype=torch.float64)
        return 2 * 512**3 / _single(lambda: a @ a, torch.device("cpu"))
    finally:
        torch.set_num_threads(before)


def logistic() -> float:
    """Return the seconds of a logistic function in double precision, of an array that is larger than a core's cache."""
    numbers = np.random.default_rng(0).normal(size=2**20)
    return _single(lambda: expit(numbers), torch.device("cpu")) / numbers.size


def _single(act: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of a call that is what it is."""

    def done(_: int) -> int:
        act()
        return 1

    return _seconds(done, time.perf_counter(), device)
