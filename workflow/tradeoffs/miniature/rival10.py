"""Write the miniature RIVAL10 (Moayeri et al., CVPR 2022) in its published layout.

    RIVAL10/{train,test}/ordinary/<wnid>_<file>.JPEG          image
        ..._attr_labels.npy    int64 [2, 18]: attributes present; attributes changed by augmentation (none here)
        ..._merged_mask.JPEG   union of the attribute masks: not the object
        ..._attr_dict.pkl      attribute -> base64 PNG, and 'entire-object'; written, never read
    RIVAL10/{train,test}/entire_object_masks/<wnid>_<file>.JPEG   soft object mask
    clusters.csv                                                  image of test -> its photograph
    RIVAL10/meta/{label_mappings,wnid_to_class,train_test_split_by_url}.json

``train`` serves the linear head and is made of training digits and photograph regions; ``test`` of unseen ones.
"""

import base64
import io
import pickle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.miniature.digits import Part, halves
from tradeoffs.miniature.folder import save_jpeg
from tradeoffs.miniature.scenes import CLASS_NAMES, WNIDS, digits_in_turn, draw_photograph, draw_scene, generator, stock
from tradeoffs.miniature.settings import Settings
from tradeoffs.miniature.tables import write_clusters
from tradeoffs.step.files import write_json

ATTRIBUTES = (
    "long-snout", "wings", "wheels", "text", "horns", "floppy-ears", "ears", "colored-eyes", "tail",
    "mane", "beak", "hairy", "metallic", "rectangular", "wet", "long", "tall", "patterned",
)  # fmt: skip

# The published attributes are parts of animals and vehicles; these two can be said of digits.
_TALL = (1, 4, 7)  # an upright stroke: the upper half of the ink
_TAIL = (2, 7, 9)  # a stroke that ends low: the lower half


def write(root: Path, settings: Settings) -> None:
    """Fill ``root`` with ``settings.images`` images in each split."""
    base = root / "RIVAL10"
    splits: tuple[Part, Part] = ("train", "test")
    shown = {split: _write_split(base, settings, split) for split in splits}
    write_clusters(root, shown["test"])
    urls = {split: [_url(image) for image in images] for split, images in shown.items()}
    write_json(base / "meta" / "train_test_split_by_url.json", urls)
    write_json(base / "meta" / "wnid_to_class.json", dict(zip(WNIDS, CLASS_NAMES, strict=True)))
    write_json(base / "meta" / "label_mappings.json", {name: [name, label] for label, name in enumerate(CLASS_NAMES)})


def _write_split(base: Path, settings: Settings, split: Part) -> dict[Path, str]:
    """Write a split's images and return the photograph of each."""
    material = stock(split, settings.seed)
    digits = digits_in_turn(material.digits, settings.seed, f"rival10/{split}")
    shown = {}
    for index in range(settings.images):
        label = index % len(CLASS_NAMES)
        rng = generator(settings.seed, f"rival10/{split}", index)
        photograph = draw_photograph(rng, label, settings.correlation)
        scene = draw_scene(rng, next(digits[label]), photograph, material, settings)
        wnid, file = WNIDS[label], f"{WNIDS[label]}_{index}"
        image = base / split / "ordinary" / f"{wnid}_{file}.JPEG"
        save_jpeg(image, scene.image)
        save_jpeg(base / split / "entire_object_masks" / image.name, scene.ink)
        _write_attributes(image, label, scene.ink)
        shown[image] = material.names[photograph]
    return shown


def _url(image: Path) -> str:
    wnid, file = image.name.split("_", 1)
    return f"https://images.example.org/imagenet/train/{wnid}/{file}"


def _write_attributes(image: Path, label: int, ink: NDArray[np.uint8]) -> None:
    upper, lower = halves(ink)
    masks = {name: part for name, part, has in (("tall", upper, _TALL), ("tail", lower, _TAIL)) if label in has}
    flags = np.zeros((2, len(ATTRIBUTES)), dtype=np.int64)
    flags[0, [ATTRIBUTES.index(name) for name in masks]] = 1
    np.save(image.with_name(f"{image.stem}_attr_labels.npy"), flags)
    merged = np.maximum.reduce([np.zeros_like(ink), *masks.values()])
    save_jpeg(image.with_name(f"{image.stem}_merged_mask.JPEG"), merged)
    content = {name: _base64_png(mask) for name, mask in (masks | {"entire-object": ink}).items()}
    image.with_name(f"{image.stem}_attr_dict.pkl").write_bytes(pickle.dumps(content, protocol=4))


def _base64_png(mask: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(mask).convert("RGB").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
