"""A contrast: a weighted sum of models' values in one replicate, with the variances that it is made of.

What is weighted are differences between a model and what it is compared with. Every architecture and norm counts
alike, and so does every budget within one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.training_noise import scaled, together
from tradeoffs.claims.variance import Estimate, Part, Replicate, estimate, satterthwaite
from tradeoffs.results.evaluations import Array
from tradeoffs.results.study import Model


class Difference(NamedTuple):
    """One adversarially trained model less what it is compared with: oriented, paired.

    ``standard``: ids of standard models, and how much each counts in what the model is compared with. ``df``: of the
    variance of ``draws`` [b]. ``n``: images. ``alone``: its architecture, where that is compared along a line through
    standard models of others: it is then off the line by as much as they are, and all of its models together.
    """

    model: Model
    standard: Mapping[str, float]
    value: float
    draws: Array
    df: float
    n: int
    alone: str | None = None

    @property
    def cell(self) -> tuple[str, str]:
        """Architecture and norm."""
        return self.model.architecture, self.model.norm


class Noise(NamedTuple):
    """Variance of one model's value from one training to another: adversarially trained and standard models.

    ``standard``: None where nothing is known of these alone, and they are taken to vary as the others do.
    """

    adversarial: Part
    standard: Part | None


class Contrast(NamedTuple):
    """The weighted sum in a world, its draws [b], and what images and trainings add to its variance.

    ``weights`` of the standard models, by id; ``noise`` of one of them. ``alike``: it is that of the adversarially
    trained ones, and no second estimate.
    """

    world: str
    value: float
    draws: Array
    images: Part
    adversarial: Part
    weights: Mapping[str, float]
    noise: Part
    alike: bool = False

    @property
    def standard(self) -> Part:
        """What trainings of standard models add."""
        return scaled(self.noise, list(self.weights.values()))

    @property
    def trained(self) -> tuple[Part, ...]:
        """What trainings add, by independent estimates: two, or one of both kinds of models."""
        if self.alike:
            return (Part(self.adversarial.variance + self.standard.variance, self.adversarial.df),)
        return self.adversarial, self.standard


def contrast(members: Sequence[Difference], noise: Noise) -> Contrast:
    """Return the mean over architectures and norms of the mean over budgets of differences within one replicate."""
    sizes = Counter(each.cell for each in members)
    weights = [1 / (len(sizes) * sizes[each.cell]) for each in members]
    draws = np.tensordot(weights, np.stack([each.draws for each in members]), 1)
    return Contrast(
        members[0].model.world,
        float(np.dot(weights, [each.value for each in members])),
        draws,
        Part(float(draws.var(ddof=1)), min(each.df for each in members)),
        scaled(noise.adversarial, weights),
        _summed([_compared_with(each) for each in members], weights),
        noise.standard or noise.adversarial,
        noise.standard is None,
    )


def _compared_with(difference: Difference) -> dict[str, float]:
    """Return how much each standard model counts, and an architecture that is off their line: no id has a space."""
    alone = {} if difference.alone is None else {f"architecture {difference.alone}": 1.0}
    return dict(difference.standard) | alone


def effect(contrasts: Sequence[Contrast], unseen: float) -> Estimate | None:
    """Return the mean of one contrast or more, one for each replicate; None where nothing says how it varies.

    Replicates of one world saw the same images, and may share the standard models of a line: what comes from these
    they have in common (:func:`tradeoffs.claims.variance.estimate`).
    """
    count = len(contrasts)
    if count == 1 or len({each.world for each in contrasts}) > 1:
        return estimate(_replicates(contrasts), unseen)
    draws = np.mean([each.draws for each in contrasts], axis=0)
    common = [Part(float(draws.var(ddof=1)), min(each.images.df for each in contrasts))]
    weights = _summed([each.weights for each in contrasts], [1 / count] * count)
    if len(weights) < sum(len(each.weights) for each in contrasts):
        common.append(scaled(contrasts[0].noise, list(weights.values())))
        trained = [Replicate(each.value, (each.adversarial,)) for each in contrasts]
    else:
        trained = _replicates(contrasts, images=False)
    return estimate(trained, unseen, satterthwaite(common))


def on_other_photographs(contrasts: Sequence[Contrast], unseen: float) -> Estimate | None:
    """Return the mean effect as it would be if the photographs of the worlds were others; None of a single world.

    Worlds are drawn from the same photographs, so that what these do to the effect is the same in all of them: the part
    of images, whose draws are of photographs, does not shrink with the number of replicates (as in :func:`effect` where
    they share all of their images).
    """
    if len({each.world for each in contrasts}) < 2:
        return None
    images = [each.images for each in contrasts]
    common = Part(float(np.mean([part.variance for part in images])), min(part.df for part in images))
    return estimate(_replicates(contrasts, images=False), unseen, common)


def _replicates(contrasts: Sequence[Contrast], *, images: bool = True) -> list[Replicate]:
    """Return what each source adds in each replicate; trainings are one source where they are in any of them."""
    one = any(each.alike for each in contrasts)
    trained = [(satterthwaite(each.trained),) if one else each.trained for each in contrasts]
    return [
        Replicate(each.value, ((each.images, *own) if images else own))
        for each, own in zip(contrasts, trained, strict=True)
    ]


def of_images(single: Contrast) -> Estimate:
    """Return a contrast with what other images would change of it alone: of these networks, not of their trainings."""
    return Estimate(single.value, float(np.sqrt(single.images.variance)), single.images.df, 1)


def _summed(listed: Sequence[Mapping[str, float]], weights: Sequence[float]) -> dict[str, float]:
    """Weighted sum of numbers by name; what is not named counts 0."""
    found: dict[str, float] = {}
    for weight, numbers in zip(weights, listed, strict=True):
        for name, number in numbers.items():
            found[name] = found.get(name, 0.0) + weight * number
    return found


def pooled_noise(listed: Sequence[Noise]) -> Noise:
    """Return the noise over several replicates, by their degrees of freedom.

    Replicates of one world share the line through its standard models: the same number is the same estimate, once.
    """
    standard = list(dict.fromkeys(noise.standard for noise in listed if noise.standard is not None))
    return Noise(together([noise.adversarial for noise in listed]), together(standard) if standard else None)
