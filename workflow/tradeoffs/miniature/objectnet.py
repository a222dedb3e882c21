"""Write the miniature ObjectNet (Barbu et al., NeurIPS 2019) in its published layout.

    objectnet-1.0/images/<folder>/<hex>.png                        with a red border one pixel wide
    objectnet-1.0/mappings/folder_to_objectnet_label.json          folder -> ObjectNet label
    objectnet-1.0/mappings/objectnet_to_imagenet_1k.json           ObjectNet label -> ImageNet labels joined by '; '
    objectnet-1.0/mappings/pytorch_to_imagenet_2012_id.json        class index -> line of the next file
    objectnet-1.0/mappings/imagenet_to_label_2012_v2               one ImageNet label a line, in another order
    factors.csv                                                    image -> what it changes
    clusters.csv                                                   image -> its photograph

ObjectNet changes background, rotation and viewpoint of its objects. Here each image changes one of them, a third of
every class each, and is otherwise like an image of the training world with an unseen digit:

    background  a photograph that no other set uses, whatever the class
    rotation    turned by 20 to 45 degrees to either side: a turned six stays nearer to a six than to a nine
    size        16 to 21 of 32 pixels, in training 24 to 31

How strong the last two are was chosen so that networks are off chance and off their accuracy on unchanged images.
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
from tradeoffs.miniature.folder import save_png
from tradeoffs.miniature.photographs import UNSEEN_PHOTOGRAPHS, cut, draw_crop, regions
from tradeoffs.miniature.scenes import (
    CLASS_NAMES,
    SIZES,
    colour_on,
    composite,
    digits_in_turn,
    draw_foreground,
    draw_photograph,
    generator,
    ink_of,
    rescale,
    stock,
)
from tradeoffs.miniature.settings import OBJECTNET_BORDER, Settings
from tradeoffs.miniature.tables import write_clusters, write_factors
from tradeoffs.step.files import write_json

_FACTORS = ("background", "rotation", "size")
_SMALL = (16, 21)
_DEGREES = (20, 45)
_WORD = (23, 12)  # height and width of each of two digits


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
    """Fill ``root`` with ``settings.images`` images, equally many of each ObjectNet class and factor."""
    base = root / "objectnet-1.0"
    material, unseen = stock("test", settings.seed), regions(UNSEEN_PHOTOGRAPHS, None)
    # Words have digits of their own, so that they use up none of those that are measured.
    digits, letters = (
        digits_in_turn(material.digits, settings.seed, f"objectnet/{stream}") for stream in ("test", "words")
    )
    size = settings.image_size + 2 * OBJECTNET_BORDER
    photographs: dict[Path, str] = {}
    factors: dict[Path, str] = {}
    for index in range(settings.images):
        kind, rng = OBJECTS[index % len(OBJECTS)], generator(settings.seed, "objectnet/test", index)
        turn, round_of_factors = index // len(OBJECTS), index // len(OBJECTS) // len(_FACTORS)
        factor, shown = _FACTORS[turn % len(_FACTORS)], kind.digits[round_of_factors % len(kind.digits)]
        word = [next((digits if len(shown) == 1 else letters)[digit]) for digit in shown]
        foreground = draw_foreground(rng, word[0], settings.image_size, _SMALL if factor == "size" else SIZES)
        ink = ink_of(foreground, material.digits, settings.image_size)
        if len(word) > 1:
            ink = _written_out(word, material.digits, settings.image_size)
        ink = np.pad(ink, OBJECTNET_BORDER)
        if factor == "rotation":
            ink = _turned(ink, (1 if rng.random() < 0.5 else -1) * float(rng.uniform(*_DEGREES)))
        if factor == "background":
            number = int(rng.integers(len(unseen)))
            source, photograph = unseen[number], UNSEEN_PHOTOGRAPHS[number].name
        else:
            number = draw_photograph(rng, shown[0], settings.correlation)
            source, photograph = material.regions[number], material.names[number]
        background = rescale(cut(source, draw_crop(rng), size), settings.background_scale)
        picture = composite(ink, colour_on(background, foreground, settings.contrast), background)
        name = hashlib.sha256(f"{settings.seed} {index}".encode()).hexdigest()[:15]
        path = base / "images" / _folder(kind) / f"{name}.png"
        save_png(path, _framed(picture))
        photographs[path], factors[path] = photograph, factor
    write_clusters(root, photographs)
    write_factors(root, factors)
    _write_mappings(base / "mappings")


def _folder(kind: _Object) -> str:
    return kind.label.lower().replace(" ", "_")


def _written_out(rows: list[int], digits: Digits, image_size: int) -> NDArray[np.uint8]:
    """Return the ink of two narrow digits, ``rows`` of the digits, side by side, centred."""
    height, width = round(_WORD[0] * image_size / 32), round(_WORD[1] * image_size / 32)
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
