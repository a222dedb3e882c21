"""Write the miniature Salient ImageNet (Singla and Feizi, ICLR 2022) in its published layout.

    salient_imagenet_dataset/wordnet_dict.py                    {class index: wnid}, a dict literal
    salient_imagenet_dataset/<wnid>/image_names_map.csv         a column per feature index, rows are image names
    salient_imagenet_dataset/<wnid>/feature_<idx>/<image>.JPEG  soft mask 0..255
    mturk_results/discover_spurious_features.csv                what five workers said of each (class, feature)
    train/<wnid>/<image>.JPEG                                   the images, laid out as ImageNet's train folder
    clusters.csv                                                image -> its photograph

The published masks are activation maps of a robust network's features. Here each class has two core features (the
whole digit, of every image, and its upper half; ink blurred as such a map is), one spurious feature (the background:
what is left when the ink is grown by two pixels), and some classes a second one (the background's right third). As in
the published set the others list images of their own: each leaves out another fifth of them (but never the first). The
core region is the union of an image's core masks, so it is the whole digit in every image: noise outside of it never
hits the digit.
Digits and photograph regions are unseen ones; the photograph is the class's own with the world's correlation.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tradeoffs.miniature.digits import halves
from tradeoffs.miniature.folder import save_jpeg
from tradeoffs.miniature.scenes import CLASS_NAMES, WNIDS, digits_in_turn, draw_photograph, draw_scene, generator, stock
from tradeoffs.miniature.settings import Settings
from tradeoffs.miniature.tables import write_clusters

_ANSWER_COLUMNS = (
    "WorkerId", "Input.wordnet_id", "Input.class_index", "Input.feature_index", "Input.feature_rank",
    "Answer.main", "Answer.confidence", "Answer.reasons",
)  # fmt: skip
_FEATURES_PER_CLASS = 4  # distance between the feature indices of neighbouring classes
_TWO_SPURIOUS = (2, 5, 8)  # classes with a second spurious feature


class _Feature(NamedTuple):
    """A feature's name and the five workers' answers: m main_object, s separate_object, b background."""

    name: str
    answers: str


_CORE = (_Feature("whole", "mmmmm"), _Feature("upper", "mmbms"))  # two of five say spurious: still core
_SPURIOUS = (_Feature("background", "bbbmb"), _Feature("right", "bmsmb"))  # b, s and b: mixed, three of five
_ANSWERS = {"m": "main_object", "s": "separate_object", "b": "background"}


def write(root: Path, settings: Settings) -> None:
    """Fill ``root`` with ``settings.images`` images and their masks."""
    base = root / "salient_imagenet_dataset"
    names: dict[int, list[str]] = {label: [] for label in range(len(CLASS_NAMES))}
    shown: dict[Path, str] = {}
    material = stock("test", settings.seed)
    digits = digits_in_turn(material.digits, settings.seed, "salient_imagenet/test")
    for index in range(settings.images):
        label = index % len(CLASS_NAMES)
        rng = generator(settings.seed, "salient_imagenet/test", index)
        photograph = draw_photograph(rng, label, settings.correlation)
        scene = draw_scene(rng, next(digits[label]), photograph, material, settings)
        name = f"{WNIDS[label]}_{index}"
        image = root / "train" / WNIDS[label] / f"{name}.JPEG"
        save_jpeg(image, scene.image)
        shown[image] = material.names[photograph]
        masks = _masks(scene.ink)
        for rank, feature in enumerate(_features(label)):
            if _listed(len(names[label]), rank):
                folder = base / WNIDS[label] / f"feature_{_feature_index(label, rank)}"
                save_jpeg(folder / f"{name}.JPEG", masks[feature.name])
        names[label].append(name)
    write_clusters(root, shown)
    _write_names(base, names)
    literal = ",\n ".join(f"{label}: {wnid!r}" for label, wnid in enumerate(WNIDS))
    (base / "wordnet_dict.py").write_text(f"{{{literal}}}\n")
    _write_answers(root / "mturk_results" / "discover_spurious_features.csv")


def _features(label: int) -> tuple[_Feature, ...]:
    """Return the features of a class by rank."""
    return (*_CORE, *_SPURIOUS) if label in _TWO_SPURIOUS else (*_CORE, _SPURIOUS[0])


def _feature_index(label: int, rank: int) -> int:
    return _FEATURES_PER_CLASS * label + rank


def _listed(position: int, rank: int) -> bool:
    """Whether the feature of this rank lists the class's image at ``position``."""
    return rank == 0 or position == 0 or position % 5 != rank


def _masks(ink: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """Return the soft masks, uint8 of the shape of ``ink``, by feature name."""
    background = 255 - np.asarray(Image.fromarray(ink).filter(ImageFilter.MaxFilter(5)))
    right = background.copy()
    right[:, : 2 * ink.shape[1] // 3] = 0
    return {"whole": _blurred(ink), "upper": _blurred(halves(ink)[0]), "background": background, "right": right}


def _blurred(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blur by a pixel or so and stretch to the full range, as an activation map is normalised by its maximum."""
    radius = ink.shape[0] / 32
    soft = np.asarray(Image.fromarray(ink).filter(ImageFilter.GaussianBlur(radius))).astype(np.int64)
    return ((soft * 255) // max(1, int(soft.max()))).astype(np.uint8)


def _write_names(base: Path, names: dict[int, list[str]]) -> None:
    """Write each class's image_names_map.csv; a shorter column ends with empty cells."""
    for label, images in names.items():
        columns = {
            _feature_index(label, rank): [name for position, name in enumerate(images) if _listed(position, rank)]
            for rank in range(len(_features(label)))
        }
        path = base / WNIDS[label] / "image_names_map.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            for row in range(max(len(column) for column in columns.values())):
                writer.writerow([column[row] if row < len(column) else "" for column in columns.values()])


def _write_answers(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_ANSWER_COLUMNS)
        for label, wnid in enumerate(WNIDS):
            for rank, feature in enumerate(_features(label)):
                for worker, letter in enumerate(feature.answers):
                    answer = _ANSWERS[letter]
                    reason = f"the red region is on the {answer.replace('_', ' ')}, {feature.name} part"
                    writer.writerow(
                        [worker + 1, wnid, label, _feature_index(label, rank), rank + 1, answer, 4.0, reason]
                    )
