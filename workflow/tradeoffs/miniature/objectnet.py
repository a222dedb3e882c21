"""Write the miniature ObjectNet (Barbu et al., NeurIPS 2019) in its published layout.

    objectnet-1.0/images/<folder>/<hex>.png                        with a red border one pixel wide
    objectnet-1.0/mappings/folder_to_objectnet_label.json          folder -> ObjectNet label
    objectnet-1.0/mappings/objectnet_to_imagenet_1k.json           ObjectNet label -> ImageNet labels joined by '; '
    objectnet-1.0/mappings/pytorch_to_imagenet_2012_id.json        class index -> line of the next file
    objectnet-1.0/mappings/imagenet_to_label_2012_v2               one ImageNet label a line, in another order

Unseen digits, on photographs used nowhere else, without any correlation; smaller than in training (18-23 of 32 pixels)
and turned by up to 60 degrees: far from upright, yet a turned six stays nearer to a six than to a nine.
Images are four pixels larger than the networks' input, so that cropping two pixels a side, as the official loader
does, gives exactly that. Six and nine share one ObjectNet class; eight has none; 'Ten' and 'Eleven', written with two
digits, have no ImageNet counterpart.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.miniature.digits import Digits, enlarge
from tradeoffs.miniature.digits import load as load_digits
from tradeoffs.miniature.folder import save_png
from tradeoffs.miniature.photographs import UNSEEN_PHOTOGRAPHS, cut, draw_crop, regions
from tradeoffs.miniature.scenes import (
    CLASS_NAMES,
    colour_on,
    composite,
    digits_in_turn,
    draw_foreground,
    generator,
    ink_of,
    rescale,
)
from tradeoffs.miniature.settings import Settings
from tradeoffs.step.files import write_json

_BORDER = 2  # pixels a side beyond the networks' input, the outermost of them red
_SIZES = (18, 23)
_DEGREES = 60


class _Object(NamedTuple):
    """An ObjectNet class: its label, the digits its images show, and whether ImageNet has counterparts of these."""

    label: str
    digits: tuple[tuple[int, ...], ...]
    overlaps: bool = True


OBJECTS = (
    *(_Object(CLASS_NAMES[digit].capitalize(), ((digit,),)) for digit in (0, 1, 2, 3, 4, 5, 7)),
    _Object("Six or nine", ((6,), (9,))),
    _Object("Ten", ((1, 0),), overlaps=False),
    _Object("Eleven", ((1, 1),), overlaps=False),
)


def write(root: Path, settings: Settings) -> None:
    """Fill ``root`` with ``settings.images`` images, equally many of each ObjectNet class."""
    base = root / "objectnet-1.0"
    digits, sources = load_digits("test"), regions(UNSEEN_PHOTOGRAPHS, None)
    rows = digits_in_turn(digits, settings.seed, "objectnet/test")
    size = settings.image_size + 2 * _BORDER
    for index in range(settings.images):
        kind, rng = OBJECTS[index % len(OBJECTS)], generator(settings.seed, "objectnet/test", index)
        shown = kind.digits[index // len(OBJECTS) % len(kind.digits)]
        word = [next(rows[digit]) for digit in shown]
        foreground = draw_foreground(rng, word[0], settings.image_size, _SIZES)
        ink = ink_of(foreground, digits, settings.image_size)
        if len(shown) > 1:
            ink = _written_out(word, digits, settings.image_size)
        ink = np.pad(_turned(ink, float(rng.uniform(-_DEGREES, _DEGREES))), _BORDER)
        source = sources[int(rng.integers(len(sources)))]
        background = rescale(cut(source, draw_crop(rng), size), settings.background_scale)
        picture = composite(ink, colour_on(background, foreground, settings.contrast), background)
        name = hashlib.sha256(f"{settings.seed} {index}".encode()).hexdigest()[:15]
        save_png(base / "images" / _folder(kind) / f"{name}.png", _framed(picture))
    _write_mappings(base / "mappings")


def _folder(kind: _Object) -> str:
    return kind.label.lower().replace(" ", "_")


def _written_out(rows: list[int], digits: Digits, image_size: int) -> NDArray[np.uint8]:
    """Return the ink of two narrow digits, ``rows`` of the digits, side by side, centred."""
    height, width = round(_SIZES[1] * image_size / 32), round(12 * image_size / 32)
    word = np.hstack([enlarge(digits.ink[row], height, width) for row in rows])
    canvas = np.zeros((image_size, image_size), dtype=np.uint8)
    top, left = (image_size - word.shape[0]) // 2, (image_size - word.shape[1]) // 2
    canvas[top : top + word.shape[0], left : left + word.shape[1]] = word
    return canvas


def _turned(ink: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """Turn the ink about its own centre, which stays where it is."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    centre = ((columns[0] + columns[-1] + 1) / 2, (rows[0] + rows[-1] + 1) / 2)
    return np.asarray(Image.fromarray(ink).rotate(degrees, Image.Resampling.BICUBIC, center=centre))


def _framed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    framed = picture.copy()
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        framed[edge] = (255, 0, 0)
    return framed


def _write_mappings(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "folder_to_objectnet_label.json", {_folder(kind): kind.label for kind in OBJECTS})
    counterparts = {
        kind.label: "; ".join(CLASS_NAMES[digit] for shown in kind.digits for digit in shown)
        for kind in OBJECTS
        if kind.overlaps
    }
    write_json(folder / "objectnet_to_imagenet_1k.json", counterparts)
    last = len(CLASS_NAMES) - 1
    write_json(folder / "pytorch_to_imagenet_2012_id.json", {str(label): last - label for label in range(last + 1)})
    (folder / "imagenet_to_label_2012_v2").write_text("".join(f"{name}\n" for name in reversed(CLASS_NAMES)))
