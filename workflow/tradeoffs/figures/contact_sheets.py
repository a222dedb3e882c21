"""A contact sheet per data set: images, masks and variants as the benchmarks read them.

Examples are the first of their class or group, not chosen by hand. ObjectNet images are shown with their red border,
as its licence asks of every published image.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tradeoffs.data import imagenet, imagenet9, images, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.data.images import Geometry
from tradeoffs.figures.command import run
from tradeoffs.step.errors import exit_code

Picture = NDArray[np.uint8]
Row = tuple[str, list[Picture | None]]
COLUMNS = 10
LARGEST = (128, 192)  # pixels of the shorter and of the longer side; larger images are shown smaller
RED = (255, 0, 0)
SIGMA = 60 / 255  # of the noise shown for RIVAL10: the second of the published levels


def shown(path: Path) -> Picture:
    """Return an image [h, w, 3], reduced if it is large."""
    whole = images.image(path)
    reduction = reduced(whole.shape[:2])
    return whole if reduction is None else images.image(path, reduction)


def reduced(shape: Sequence[int]) -> Geometry | None:
    """Return how an image of this height and width is made smaller; None where it is small enough."""
    shorter = min(LARGEST[0], LARGEST[1] * min(shape) // max(shape))
    return Geometry(resize=max(1, shorter)) if min(shape) > shorter else None


def with_border(picture: Picture) -> Picture:
    """Return an ObjectNet image with its red border, which is lost where a large image is reduced."""
    width = max(1, min(picture.shape[:2]) // 64)  # so that it survives a sheet's own scale
    framed = np.empty_like(picture)
    framed[:] = RED
    framed[width:-width, width:-width] = picture[width:-width, width:-width]
    return framed


def shown_mask(paths: Sequence[Path]) -> Picture | None:
    """Return the union of masks as a grey picture [h, w, 3]; None where there is none."""
    if not paths:
        return None
    whole = images.mask(paths)
    reduction = reduced(whole.shape)
    return grey(whole if reduction is None else images.mask(paths, reduction))


def grey(mask: NDArray[np.uint8]) -> Picture:
    """Return a mask [h, w] as a picture [h, w, 3]."""
    return np.repeat(mask[:, :, None], 3, axis=2)


def noisy(picture: Picture, where: NDArray[np.float64]) -> Picture:
    """Return the picture with Gaussian noise of ``SIGMA`` where the mask [h, w, 3] in [0, 1] is 1."""
    noise = np.random.default_rng(0).normal(size=picture.shape)
    return np.round(255 * np.clip(picture / 255 + SIGMA * noise * where, 0, 1)).astype(np.uint8)


def firsts(labels: NDArray[np.int64], wanted: Sequence[int], skip: int = 0) -> list[int]:
    """Return the position of an image of each wanted label: the first, after ``skip`` others."""
    found = [np.flatnonzero(labels == label) for label in wanted]
    return [int(members[min(skip, len(members) - 1)]) for members in found if len(members)]


def mosaic(rows: Sequence[Row], gap: int = 1) -> Picture:
    """Put pictures into equal cells of one white picture, each in the middle of its cell, ``gap`` pixels apart."""
    pictures = [picture for _, line in rows for picture in line if picture is not None]
    height, width = (max(picture.shape[axis] for picture in pictures) + 2 * gap for axis in (0, 1))
    whole = np.full((height * len(rows), width * max(len(line) for _, line in rows), 3), 255, dtype=np.uint8)
    for i, (_, line) in enumerate(rows):
        for j, picture in enumerate(line):
            if picture is not None:
                top = i * height + (height - picture.shape[0]) // 2
                left = j * width + (width - picture.shape[1]) // 2
                whole[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return whole


def sheet(title: str, rows: Sequence[Row], names: Sequence[str] = ()) -> Figure:
    """Draw rows of pictures with their labels; ``names`` above the columns."""
    picture = mosaic(rows)
    columns = max(len(line) for _, line in rows)
    shape = picture.shape[0] / len(rows), picture.shape[1] / columns
    figure = Figure(figsize=(max(1.6 + 0.8 * columns, 6), 0.8 + 0.8 * len(rows) * shape[0] / shape[1]))
    axes = figure.subplots()
    axes.imshow(picture, interpolation="nearest")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8, labeltop=True, labelbottom=False)
    axes.set_yticks([(i + 0.5) * shape[0] for i in range(len(rows))], [label for label, _ in rows])
    axes.set_xticks([(j + 0.5) * shape[1] for j in range(len(names))], names)
    figure.suptitle(title, fontsize=10.5)
    return figure


def imagenet_sheet(root: Path) -> Figure:
    """Training and validation images, one class per column."""
    rows: list[Row] = []
    for split in [name for name in ("train", "val", "val_decorrelated") if (root / name).is_dir()]:
        index = imagenet.read(root, split)
        classes = range(min(COLUMNS, len(index.wnids)))
        for copy in range(3 if split == "train" else 2):
            label = split.replace("_", "\n") if copy == 0 else ""
            rows.append((label, [shown(index.paths[i]) for i in firsts(index.labels, classes, copy)]))
    return sheet("ImageNet: one class per column", rows, [f"class {c}" for c in classes])


def rival10_sheet(root: Path) -> Figure:
    """Test images, their object masks, and noise in and around the object."""
    index = rival10.read(root, "test")
    chosen = firsts(index.labels, range(min(COLUMNS, len(index.class_names))))
    # Both sides are resized, as the benchmark does, whatever the shapes of image and mask.
    side = min(LARGEST[0], *(min(images.image(index.paths[i]).shape[:2]) for i in chosen))
    square = Geometry(resize=side, square=True)
    pictures = [images.image(index.paths[i], square) for i in chosen]
    masks = [grey(images.mask([index.masks[i]], square)) for i in chosen]
    soft = [mask / 255 for mask in masks]
    rows: list[Row] = [
        ("image", list(pictures)),
        ("object mask", list(masks)),
        ("noise in the\nforeground", [noisy(p, m) for p, m in zip(pictures, soft, strict=True)]),
        ("noise in the\nbackground", [noisy(p, 1 - m) for p, m in zip(pictures, soft, strict=True)]),
    ]
    names = [index.class_names[index.labels[i]] for i in chosen]
    return sheet(f"RIVAL10, test split (noise of standard deviation {SIGMA:.2f})", rows, names)


def salient_imagenet_sheet(root: Path) -> Figure:
    """Images with the union of their core masks and that of their spurious masks, where possible with both."""
    index = salient_imagenet.read(root, root / "train", root / "mturk_results" / "discover_spurious_features.csv")
    pairs = zip(index.core_masks, index.spurious_masks, strict=True)
    both = np.array([bool(core and spurious) for core, spurious in pairs])
    chosen = []
    for label in np.unique(index.labels)[:COLUMNS]:
        of_class = index.labels == label
        chosen.append(int(np.argmax(of_class & both)) if (of_class & both).any() else int(np.argmax(of_class)))
    rows: list[Row] = [
        ("image", [shown(index.paths[i]) for i in chosen]),
        ("core mask", [shown_mask(index.core_masks[i]) for i in chosen]),
        ("spurious mask", [shown_mask(index.spurious_masks[i]) for i in chosen]),
    ]
    return sheet("Salient ImageNet (no picture: no such mask)", rows, [f"class {index.labels[i]}" for i in chosen])


def imagenet9_sheet(root: Path) -> Figure:
    """The same foregrounds in all variants, and their masks."""
    index = imagenet9.foregrounds(root)
    step = max(1, len(index.paths) // COLUMNS)
    chosen = list(range(0, len(index.paths), step))[:COLUMNS]
    rows: list[Row] = []
    for variant in imagenet9.VARIANTS:
        paths = imagenet9.read(root, variant).paths
        rows.append((variant, [shown(paths[i]) for i in chosen]))
    rows.append(("foreground mask", [shown_mask([index.masks[i]]) for i in chosen]))
    return sheet("ImageNet-9: variants of the same foregrounds", rows)


def waterbirds_sheet(root: Path) -> Figure:
    """Test images of the four groups, with the groups' sizes."""
    train, test = waterbirds.read(root, "train"), waterbirds.read(root, "test")
    rows: list[Row] = []
    for group in range(4):
        name = f"{('landbird', 'waterbird')[group // 2]}\non {('land', 'water')[group % 2]}"
        sizes = f"\ntrain {np.sum(train.group == group)}, test {np.sum(test.group == group)}"
        members = np.flatnonzero(test.group == group)
        members = members[np.linspace(0, len(members) - 1, min(len(members), COLUMNS)).astype(int)]  # many species
        rows.append((name + sizes, [shown(test.paths[i]) for i in members]))
    return sheet("Waterbirds: test images of the four groups, and the number of images", rows)


def objectnet_sheet(root: Path, validation_root: Path) -> Figure:
    """ObjectNet images above validation images of the same classes."""
    index, validation = objectnet.read(root), imagenet.read(validation_root, "val")
    mapping = index.imagenet_to_objectnet
    shared = [int(label) for label in np.unique(index.labels) if (mapping == label).any()][:COLUMNS]
    here = mapping[validation.labels]
    rows: list[Row] = []
    for copy in range(3):
        rows.append(
            (
                "" if copy else "ObjectNet",
                [with_border(shown(index.paths[i])) for i in firsts(index.labels, shared, copy)],
            )
        )
    for copy in range(2):
        pictures: list[Picture | None] = [shown(validation.paths[i]) for i in firsts(here, shared, copy)]
        rows.append(("" if copy else "ImageNet\nvalidation", pictures))
    names = [index.class_names[label] for label in shared]
    return sheet("ObjectNet and validation images of the shared classes, one class per column", rows, names)


SHEETS: dict[str, Callable[[Path], Figure]] = {
    "imagenet": imagenet_sheet,
    "rival10": rival10_sheet,
    "salient_imagenet": salient_imagenet_sheet,
    "imagenet9": imagenet9_sheet,
    "waterbirds": waterbirds_sheet,
}


def draw(paths: dict[str, Path]) -> dict[str, Figure]:
    """Draw the sheet of every data set that is at hand; ObjectNet's shows ImageNet's images too."""
    sheets = {f"contact_sheet_{name}": draw_one(paths[name]) for name, draw_one in SHEETS.items() if name in paths}
    if {"objectnet", "imagenet"} <= paths.keys():
        sheets["contact_sheet_objectnet"] = objectnet_sheet(paths["objectnet"], paths["imagenet"])
    return sheets


def main() -> None:
    """Command line of the step."""
    inputs = {name: f"folder of the {name} data; left out where it is not at hand" for name in (*SHEETS, "objectnet")}
    run("tradeoffs.figures.contact_sheets", inputs, draw, optional=inputs)


if __name__ == "__main__":
    sys.exit(exit_code(main))
