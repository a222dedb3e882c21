"""Write the miniature ImageNet-9, the Backgrounds Challenge (Xiao et al., arXiv 2006.09994), in its published layout.

    bg_challenge/<variant>/val/<NN_name>/<file>.JPEG   the same file names in every variant
    bg_challenge/fg_mask/val/<NN_name>/<file>.npy      bool [h, w], true on the foreground
    clusters.csv                                       image of original or a mixed variant -> its photograph
    in_to_in9.json                                     class index -> super-class, -1 where there is none

The digit, its size, position and colour are the same in every variant. The variants, as published:
    original    the digit on a photograph of its own class
    mixed_same  on the background of a random image of the same super-class
    mixed_rand  on the background of an image of a random super-class
    mixed_next  on the background of an image of the next super-class
    only_fg     the digit on black
    no_fg       the photograph with the digit's shape blacked out
    only_bg_b   the photograph with the digit's bounding box blacked out
    only_bg_t   that box filled with tiles of the photograph beside it
The published sets cut foreground and background out of photographs; here both are at hand unmixed.
The super-classes are drawn first; then the digit's place and colour and the backgrounds are drawn again while the
digit would be hard to see on one of them or, for only_fg, on black: else mixed_rand would hold more invisible digits
than mixed_same, and that is camouflage, not reliance. So most digits of this set are lighter than their background.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.names import IMAGENET9_VARIANTS
from tradeoffs.miniature.folder import save_jpeg
from tradeoffs.miniature.photographs import cut, draw_crop
from tradeoffs.miniature.scenes import (
    Scene,
    Stock,
    composite,
    digits_in_turn,
    distance,
    draw_scene,
    generator,
    legible,
    mean_colour,
    rescale,
    stock,
)
from tradeoffs.miniature.settings import Settings
from tradeoffs.miniature.tables import write_clusters
from tradeoffs.step.files import write_json

SUPER_CLASSES = {"zero or six": (0, 6), "one or seven": (1, 7), "three or five": (3, 5), "four or nine": (4, 9)}

_MEMBERS = tuple(SUPER_CLASSES.values())
_CLASSES = tuple((label, number) for number, labels in enumerate(_MEMBERS) for label in labels)
_FOREGROUND = 0.25  # least ink of a foreground pixel: the soft edge belongs to the digit
_TRIES = 20


def write(root: Path, settings: Settings) -> None:
    """Fill ``root`` with ``settings.images`` foregrounds in each variant."""
    material = stock("test", settings.seed)
    digits = digits_in_turn(material.digits, settings.seed, "imagenet9/test")
    shown = {}
    for index in range(settings.images):
        label, super_class = _CLASSES[index % len(_CLASSES)]
        rng = generator(settings.seed, "imagenet9/test", index)
        donors = {
            "mixed_same": super_class,
            "mixed_rand": int(rng.integers(len(_MEMBERS))),
            "mixed_next": (super_class + 1) % len(_MEMBERS),
        }
        scene, backgrounds = _draw(rng, next(digits[label]), label, donors, material, settings)
        mask = scene.ink >= _FOREGROUND * 255
        pictures = _unmixed(scene, mask) | {
            variant: composite(scene.ink, scene.colour, background) for variant, (_, background) in backgrounds.items()
        }
        for variant in IMAGENET9_VARIANTS:
            save_jpeg(_file(root, variant, super_class, f"n{label:08d}_{index}.JPEG"), pictures[variant])
        for variant, of in {"original": label, **{variant: of for variant, (of, _) in backgrounds.items()}}.items():
            shown[_file(root, variant, super_class, f"n{label:08d}_{index}.JPEG")] = material.names[of]
        path = _file(root, "fg_mask", super_class, f"n{label:08d}_{index}.npy")
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, mask)
    write_clusters(root, shown)
    to_super_class = dict(_CLASSES)
    write_json(root / "in_to_in9.json", {str(label): to_super_class.get(label, -1) for label in range(10)})


def _file(root: Path, variant: str, super_class: int, name: str) -> Path:
    folder = f"{super_class:02d}_{tuple(SUPER_CLASSES)[super_class]}"
    return root / "bg_challenge" / variant / "val" / folder / name


def _unmixed(scene: Scene, mask: NDArray[np.bool_]) -> dict[str, NDArray[np.uint8]]:
    """Return the variants that need no other image."""
    black = np.zeros_like(scene.background)
    box = _bounding_box(mask)
    boxed = scene.background.copy()
    boxed[box] = 0
    return {
        "original": scene.image,
        "only_fg": composite(scene.ink, scene.colour, black),
        "no_fg": np.where(mask[:, :, None], black, scene.background),
        "only_bg_b": boxed,
        "only_bg_t": _tiled(scene.background, box),
    }


def _draw(
    rng: np.random.Generator, digit: int, label: int, donors: dict[str, int], material: Stock, settings: Settings
) -> tuple[Scene, dict[str, tuple[int, NDArray[np.uint8]]]]:
    """Draw an image and a background of each donor super-class, until the digit can be seen on all and on black.

    With each background comes the class whose photograph it is of.
    """
    for _ in range(_TRIES):
        scene = draw_scene(rng, digit, label, material, settings)
        found = {
            variant: _background(rng, donor, scene.colour, material, settings) for variant, donor in donors.items()
        }
        means = [np.zeros(3), *(mean_colour(background) for _, background in found.values())]  # black: of only_fg
        least = min(distance(scene.colour, mean) for mean in means)
        if least >= legible(settings.contrast):
            break
    return scene, found


def _background(
    rng: np.random.Generator, super_class: int, colour: NDArray[np.float64], material: Stock, settings: Settings
) -> tuple[int, NDArray[np.uint8]]:
    """Draw the background of a random image of a super-class, again while a digit of ``colour`` is hard to see.

    Return the image's class, whose photograph it shows, and the background.
    """
    for _ in range(_TRIES):
        label = int(rng.choice(_MEMBERS[super_class]))
        background = rescale(
            cut(material.regions[label], draw_crop(rng), settings.image_size), settings.background_scale
        )
        if distance(colour, mean_colour(background)) >= legible(settings.contrast):
            break
    return label, background


def _bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _tiled(background: NDArray[np.uint8], box: tuple[slice, slice]) -> NDArray[np.uint8]:
    """Fill ``box`` by repeating the largest of the four strips that lie beside it."""
    height, width = background.shape[:2]
    rows, columns = box
    strips = [
        background[: rows.start],
        background[rows.stop :],
        background[:, : columns.start],
        background[:, columns.stop :],
    ]
    strip = max(strips, key=lambda candidate: candidate.shape[0] * candidate.shape[1])
    repeats = (-(-height // strip.shape[0]), -(-width // strip.shape[1]), 1)
    tiled = background.copy()
    tiled[box] = np.tile(strip, repeats)[:height, :width][box]
    return tiled
