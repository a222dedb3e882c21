"""Write the miniature ImageNet: the training set, and three validation sets.

    train/<wnid>/<wnid>_<i>.JPEG             spurious correlation as set
    val/<wnid>/<wnid>_<i>.JPEG               the same correlation, unseen digits and photograph regions
    val_decorrelated/<wnid>/<wnid>_<i>.JPEG  the images of val on a photograph drawn without regard to the class:
                                             same digit, size, position, crop and colour draw
    val_reversed/<wnid>/<wnid>_<i>.JPEG      likewise, on the photograph of one other class wherever val shows a class's
                                             own by the correlation: it is as strong, and points at that other class
    labels.json                              class index -> class name
    clusters.csv                             image of a validation set -> its photograph

The digit's colour is the same draw (sign and strength) applied to the new background, not the same absolute colour:
else digits would be harder to see where the correlation is broken, and that would pass for reliance on backgrounds.
Which other class a class is given where it is reversed is drawn from the world's seed, for no two the same one.
"""

from pathlib import Path

import numpy as np

from tradeoffs.miniature.folder import save_jpeg
from tradeoffs.miniature.photographs import draw_crop
from tradeoffs.miniature.scenes import (
    CLASS_NAMES,
    WNIDS,
    digits_in_turn,
    draw_foreground,
    draw_photograph,
    generator,
    render,
    stock,
)
from tradeoffs.miniature.settings import Settings
from tradeoffs.miniature.tables import write_clusters
from tradeoffs.step.files import write_json

_OWN = -1  # in place of a class's photograph, where it is still to be said whose


def write(root: Path, settings: Settings) -> None:
    """Fill ``root``; images go round the classes, so counts differ by at most one."""
    _write_split(root, settings, "train", settings.images)
    write_clusters(root, _write_split(root, settings, "test", settings.test_images))
    write_json(root / "labels.json", {str(label): name for label, name in enumerate(CLASS_NAMES)})


def _write_split(root: Path, settings: Settings, part: str, images: int) -> dict[Path, str]:
    """Write a part's images and return the photograph of each."""
    shown = {}
    material = stock("train" if part == "train" else "test", settings.seed)
    digits = digits_in_turn(material.digits, settings.seed, f"imagenet/{part}")
    other = other_classes(settings.seed)
    for index in range(images):
        label = index % len(CLASS_NAMES)
        rng = generator(settings.seed, f"imagenet/{part}", index)
        foreground = draw_foreground(rng, next(digits[label]), settings.image_size)
        crop = draw_crop(rng)
        drawn = draw_photograph(rng, _OWN, settings.correlation)
        random = draw_photograph(rng, label, 0.0)
        correlated, reverse = (own if drawn == _OWN else drawn for own in (label, other[label]))
        folders = {"train": correlated}
        if part == "test":
            folders = {"val": correlated, "val_decorrelated": random, "val_reversed": reverse}
        for folder, photograph in folders.items():
            scene = render(foreground, crop, material.regions[photograph], material.digits, settings)
            path = root / folder / WNIDS[label] / f"{WNIDS[label]}_{index}.JPEG"
            save_jpeg(path, scene.image)
            shown[path] = material.names[photograph]
    return shown


def other_classes(seed: int) -> list[int]:
    """Return whose photograph each class gets where the correlation is reversed: one round through all classes."""
    order = generator(seed, "imagenet/reversed", 0).permutation(len(CLASS_NAMES))
    after = dict(zip(order.tolist(), np.roll(order, -1).tolist(), strict=True))
    return [after[label] for label in range(len(CLASS_NAMES))]
