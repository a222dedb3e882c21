"""ImageNet-9, the Backgrounds Challenge (Xiao, Engstrom, Ilyas, Madry, ICLR 2021).

A prediction among the network's classes is mapped to one of the super-classes; a class that belongs to none counts as
wrong. Accuracy is measured on each of the eight variants of the same foregrounds.

    BG-gap = accuracy(mixed_same) - accuracy(mixed_rand)

How much a background of the foreground's own class helps over one of a random class: higher relies more on the
background. Challenge accuracy: the share of foregrounds that no background of the set turns into an error, pasted
through their masks; it depends on how many foregrounds and backgrounds are crossed, which the card states.

A draw of the bootstrap takes photographs, where images share them: an image counts in each variant as often as the
photograph that it shows there.

Through the masks of the images of ``original``: the share of the gradient of the true super-class's lead (its largest
logit minus the largest of all other classes) that lies on the background
(:mod:`tradeoffs.benchmarks.gradient_share`), and what becomes of the answer when the background is swapped for that of
one other image (:mod:`tradeoffs.benchmarks.swaps`; of another super-class, and of the same), as ``only_bg_t`` shows it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings, with_clusters
from tradeoffs.benchmarks.inference import Passes, over_images, shares
from tradeoffs.benchmarks.statistics import Array, accuracy, summarise
from tradeoffs.benchmarks.unanswered import Watched, unanswered
from tradeoffs.benchmarks.within_image import Answering, Objects, measure
from tradeoffs.compute.batching import batch_size
from tradeoffs.data import clusters, imagenet9, images
from tradeoffs.data.imagenet9 import Foregrounds
from tradeoffs.models.answers import answers
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import InputError


@dataclass(frozen=True)
class Settings(EvaluationSettings):
    """Settings of this benchmark."""

    challenge_foregrounds: int  # crossed with ...
    challenge_backgrounds: int  # ... this many backgrounds, spread evenly over the set; 0: no challenge


_FOREGROUNDS = 400  # held in memory at once; the backgrounds are read again for each so many


def evaluate(network: Network, settings: Settings, data: dict[str, Path], device: torch.device) -> Evaluation:
    """Accuracy on each variant, the gap, and the challenge.

    An image that is damaged in one variant is left out of all.
    """
    root = data["imagenet9"]
    passes = Passes(device, settings.unreadable)
    super_class = passes.tensor(imagenet9.class_mapping(root / "in_to_in9.json", settings.classes))
    variants = {variant: imagenet9.read(root, variant) for variant in imagenet9.VARIANTS}
    foregrounds = imagenet9.foregrounds(root)
    names = [path.name for path in foregrounds.paths]
    for variant, index in variants.items():
        # That all variants show the same foregrounds is likely but not published; as many of each class is enough.
        if not np.array_equal(index.labels, foregrounds.labels):
            raise InputError(f"{root}: variant {variant} does not hold the images of variant original; unpack it again")

    def predict(x: Tensor) -> Tensor:
        return answers(network(x), super_class)

    found = np.zeros((len(variants), len(names)), dtype=np.int64)
    readable = np.zeros(found.shape, dtype=bool)
    for row, index in enumerate(variants.values()):
        at, predicted = over_images(passes, index.paths, images.UNCHANGED, predict)
        found[row, at] = predicted
        readable[row, at] = True
    kept = np.flatnonzero(readable.all(0))
    labels = foregrounds.labels[kept]
    correct = {variant: found[row, kept] == labels for row, variant in enumerate(variants)}

    objects = Objects(foregrounds.paths, foregrounds.masks, foregrounds.labels, variants["only_bg_t"].paths, None)
    answering = Answering(
        network, lambda logits: answers(logits, super_class), lambda of: of[:, None] == super_class[None]
    )
    within = measure(passes, objects, kept, images.UNCHANGED, answering, settings.seed)

    fronts = np.intersect1d(spread(len(names), settings.challenge_foregrounds), kept)
    tiled = list(variants).index("only_bg_t")
    behind = [i for i in spread(len(names), settings.challenge_backgrounds) if readable[tiled, i]]
    backgrounds = [variants["only_bg_t"].paths[i] for i in behind]
    watched = Watched(network)
    tried, withstood = challenge(lambda x: answers(watched(x), super_class), foregrounds, fronts, backgrounds, passes)
    chosen = np.searchsorted(kept, tried)
    if len(chosen) == 1:
        raise InputError(
            f"challenge_foregrounds: {settings.challenge_foregrounds}, of which one can be read, and one image has no "
            "interval; expected at least two, or 0 for no challenge"
        )

    listed = {"original": foregrounds.paths} | {variant: variants[variant].paths for variant in imagenet9.MIXED}
    named = clusters.read(*(clusters.Images(root, [paths[i] for i in kept]) for paths in listed.values()))
    shown = {} if named is None else dict(zip(listed, named.reshape(len(listed), -1), strict=True))
    cluster = shown.pop("original", None)
    beside = {} if cluster is None else {variant: shown_in(cluster, of) for variant, of in shown.items()}

    def statistic(weights: Array) -> dict[str, Array]:
        result = {
            f"accuracy_{variant}": accuracy(hit, weights[:, beside[variant]] if variant in beside else weights)
            for variant, hit in correct.items()
        }
        result["bg_gap"] = result["accuracy_mixed_same"] - result["accuracy_mixed_rand"]
        if len(chosen):
            result["challenge_accuracy"] = accuracy(withstood, weights[:, chosen])
        return result | within.means(lambda of, there: accuracy(of, weights[:, there]))

    in_challenge = np.isin(np.arange(len(labels)), chosen).astype(np.int64)
    summary = summarise(
        statistic,
        labels * 2 + in_challenge,
        settings.bootstrap,
        settings.seed,
        in_challenge,
        cluster,
        counts={"challenge_accuracy": len(chosen)} | within.counts(),
    )
    outcomes = with_clusters(
        correct | within.values | {"challenge": withstood, "challenge_image": chosen, "label": labels},
        cluster=cluster,
        **{f"cluster_{variant}": of for variant, of in shown.items()},
    )
    remarks = unanswered(found[list(variants).index("original"), kept], found[:, kept].T) | within.remarks
    remarks["unanswered"]["share_of_challenge_not_finite"] = watched.share()
    return Evaluation(*summary, outcomes, passes.skipped, remarks)


def shown_in(original: NDArray[np.int64], mixed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each image, int64 [n], the position of one that shows in ``original`` the photograph it has mixed in.

    Given the cluster of each in both, [n]. Its own position, where ``original`` does not show that photograph at all.
    """
    first = {cluster: at for at, cluster in reversed(list(enumerate(original.tolist())))}
    return np.array([first.get(cluster, at) for at, cluster in enumerate(mixed.tolist())], dtype=np.int64)


def challenge(
    predict: Callable[[Tensor], Tensor],
    foregrounds: Foregrounds,
    fronts: NDArray[np.int64],
    backgrounds: Sequence[Path],
    passes: Passes,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which of the foregrounds ``fronts`` were read, and whether each withstood every background.

    ``predict`` maps images to super-classes. A foreground that has fallen is not tried again, and the backgrounds on
    which most have fallen so far come first: what withstands all of them is the same in any order.
    """
    if not len(fronts) or not backgrounds:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    paths = [foregrounds.paths[i] for i in fronts]
    masks = [foregrounds.masks[i] for i in fronts]

    def decode(i: int) -> tuple[NDArray[Any], ...]:
        pixels = images.image(paths[i])
        return pixels, images.stack([images.mask([masks[i]])], [masks[i]], pixels.shape[:2])[0]

    tried: list[NDArray[np.int64]] = []
    withstood: list[NDArray[np.bool_]] = []
    felled = np.zeros(len(backgrounds), dtype=np.int64)
    for at, (pixels, soft) in passes.batches(paths, decode, size=_FOREGROUNDS):
        x, mask = shares(passes.tensor(pixels)), shares(passes.tensor(soft))
        labels = passes.tensor(foregrounds.labels[fronts[at]])
        tried.append(fronts[at])
        order = np.argsort(-felled, kind="stable")
        standing, fallen = stands(predict, x, mask, labels, [backgrounds[i] for i in order], passes)
        withstood.append(standing)
        felled[order] += fallen
    return np.concatenate(tried), np.concatenate(withstood)


@torch.no_grad()
def stands(
    predict: Callable[[Tensor], Tensor],
    x: Tensor,
    mask: Tensor,
    labels: Tensor,
    backgrounds: Sequence[Path],
    passes: Passes,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether each of ``x`` [n, 3, h, w], pasted through ``mask`` [n, 1, h, w], keeps its label on every background.

    With it, how many fell on each background, each counted once at most.
    """
    height, width = x.shape[2:]
    size = batch_size(height * width, height * width * 3, passes.device)
    standing = np.ones(len(x), dtype=bool)
    felled = np.zeros(len(backgrounds), dtype=np.int64)

    def decode(i: int) -> tuple[NDArray[Any], ...]:
        path = backgrounds[i]
        return (images.stack([images.image(path)], [path], (height, width, 3))[0],)

    for at, (pixels,) in passes.batches(backgrounds, decode):
        behind = shares(passes.tensor(pixels))

        def right(front: NDArray[np.int64], back: NDArray[np.int64], behind: Tensor = behind) -> Tensor:
            f, b = passes.tensor(front), passes.tensor(back)
            return predict(x[f] * mask[f] + behind[b] * (1 - mask[f])) == labels[f]

        back, front = (
            pair.ravel() for pair in np.meshgrid(np.arange(len(pixels)), np.flatnonzero(standing), indexing="ij")
        )
        while len(front):
            hit = torch.cat(passes.in_parts(right, front[:size], back[:size])).cpu().numpy()
            fallen, first = np.unique(front[:size][~hit], return_index=True)
            felled += np.bincount(at[back[:size][~hit][first]], minlength=len(felled))
            standing[fallen] = False
            front, back = front[size:], back[size:]
            front, back = front[standing[front]], back[standing[front]]
        if not standing.any():
            break
    return standing, felled


def spread(n: int, wanted: int) -> NDArray[np.int64]:
    """Positions of at most ``wanted`` of ``n`` items, spread evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, wanted)).astype(np.int64)) if wanted else np.zeros(0, dtype=np.int64)
