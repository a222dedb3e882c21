"""What a training does, known before it runs: a formula of its settings and of the numbers of images.

What trains imports none of this, so that a better formula trains nothing again; and nothing here imports torch.
"""

import math
from collections.abc import Mapping
from typing import Any

from tradeoffs.compute.work import Work, added, times
from tradeoffs.training.warm_up import first_full

MONITOR_STEPS = 10  # as in training/monitoring.py, which imports torch; a test holds them equal
_HELD = 2**30  # bytes of images, as float32, that are held in memory at most: as in training/data.py


def estimate(settings: Mapping[str, Any], train: int, val: int) -> tuple[Work, Work]:
    """Return what is expected and the most, of ``train`` and ``val`` images on disk.

    Of each image in each epoch an update and the attack on it; between epochs some validation images, and the attacks
    on them, which end early where an image falls; all validation images at the end.
    """
    n = settings["images"] or train
    epochs, attacked = settings["epochs"], settings["norm"] != "none"
    steps = settings["attack_steps"] if attacked and settings["objective"] != "noise" else 0
    trades = attacked and settings["objective"] == "trades"
    smallest = n - (math.ceil(n / settings["batch_size"]) - 1) * settings["batch_size"]
    epoch = Work(forward=n * trades, gradients=n * steps, updates=n * (1 + trades))
    seen = _validated(settings, val)
    fixed = added(Work(read=_read(settings, n, val), forward=smallest + seen), times(epoch, epochs))
    first = first_full(settings["attack_warm_up"], epochs)
    looked = (epochs - first) * min(val, settings["monitor_images"])
    own = Work(forward=attacked + trades, gradients=steps)
    ten = Work(forward=1, gradients=MONITOR_STEPS - 1) if attacked else Work()
    found = [
        added(fixed, times(added(own, Work(gradients=1), times(ten, share)), looked)) for share in (_STANDING, 1.0)
    ]
    return found[0], found[1]


def _validated(settings: Mapping[str, Any], val: int) -> int:
    """Return how many passes of validation images there are: all at the end, before that those that are followed."""
    passes: int = val + (settings["epochs"] - 1) * min(val, settings["monitor_images"])
    return passes


_STANDING = 0.8  # of the ten steps against images that are monitored, those that are made: one that falls leaves


def _read(settings: Mapping[str, Any], n: int, val: int) -> int:
    """Return how many files are read: once where all are held in memory, else in every epoch."""
    size = settings["image_size"] or 0
    streamed = settings["augmentation"] != "none" or n * size**2 * 3 * 4 > _HELD
    val_streamed = val * size**2 * 3 * 4 > _HELD
    return n * (settings["epochs"] if streamed else 1) + (_validated(settings, val) if val_streamed else val)
