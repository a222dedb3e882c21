"""What replicates have in common does not average out, and what each has of its own does."""

import numpy as np
import pytest

from tradeoffs.claims.contrasts import Contrast, Noise, effect, on_other_photographs, pooled_noise
from tradeoffs.claims.variance import UNSEEN_DF, Estimate, Part

MANY = 1e9  # degrees of freedom
DRAWS = np.random.default_rng(0).normal(0, 0.1, 500)
IMAGES, ADVERSARIAL, STANDARD = float(DRAWS.var(ddof=1)), 0.002, 0.003


def of(world: str, weights: dict[str, float], *, df: float = MANY, alike: bool = False) -> Contrast:
    """A contrast of 0.5 that is known but for images, an adversarial training and one of each standard model."""
    images, noise = Part(IMAGES, df), Part(STANDARD, MANY)
    return Contrast(world, 0.5, DRAWS, images, Part(ADVERSARIAL, MANY), weights, noise, alike)


def over(count: int, parts: float) -> float:
    """The variance of a mean of replicates that do not differ: what each says of itself counts as 20 of them do."""
    return parts / count * UNSEEN_DF / (UNSEEN_DF + count - 1)


def variance(found: Estimate | None) -> float:
    assert found is not None
    return found.standard_error**2


def test_replicates_of_one_world_have_its_images_in_common() -> None:
    own = [of("default", {"a": 1.0}), of("default", {"b": 1.0})]
    assert variance(effect(own, 0.0)) == pytest.approx(IMAGES + over(2, ADVERSARIAL + STANDARD))


@pytest.mark.parametrize(
    ("weights", "share"),
    [
        ([{"a": 1.0}, {"a": 1.0}], 1.0),
        ([{"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}], 0.5),
        ([{"a": 0.5, "b": 0.5}, {"b": 0.5, "c": 0.5}], 0.25**2 + 0.5**2 + 0.25**2),
    ],
)
def test_standard_models_that_replicates_share_are_in_common_too(weights: list[dict[str, float]], share: float) -> None:
    shared = [of("default", each) for each in weights]
    assert variance(effect(shared, 0.0)) == pytest.approx(IMAGES + share * STANDARD + over(2, ADVERSARIAL))


def test_replicates_of_worlds_of_their_own_share_nothing() -> None:
    apart = [of(f"default_rep{number}", {f"a{number}": 1.0}) for number in range(4)]
    assert variance(effect(apart, 0.0)) == pytest.approx(over(4, IMAGES + ADVERSARIAL + STANDARD))


@pytest.mark.parametrize("alike", [(True, True), (True, False), (False, True)])
def test_noise_of_both_kinds_of_models_may_be_one_estimate_in_some_replicates(alike: tuple[bool, bool]) -> None:
    found = [of(world, {world: 1.0}, alike=one) for world, one in zip("ab", alike, strict=True)]
    assert variance(effect(found, 0.0)) == pytest.approx(over(2, IMAGES + ADVERSARIAL + STANDARD))


def test_on_other_photographs_their_part_stays_and_the_least_that_is_known_of_it_counts() -> None:
    apart = [of("a", {"a": 1.0}, df=3.0), of("b", {"b": 1.0}, df=1000.0)]
    found = on_other_photographs(apart, 0.0)
    assert variance(found) == pytest.approx(IMAGES + over(2, ADVERSARIAL + STANDARD))
    assert found is not None
    assert 3 < found.df < 8
    assert on_other_photographs(apart[:1] * 2, 0.0) is None


def test_one_estimate_of_a_line_that_replicates_share_counts_once() -> None:
    line, other = Part(0.01, 6.0), Part(0.03, 2.0)
    shared = pooled_noise([Noise(Part(0.1, 5.0), line), Noise(Part(0.3, 5.0), line)])
    assert shared.standard == line
    assert shared.adversarial == Part(pytest.approx(0.2), 10.0)
    assert pooled_noise([Noise(Part(0.1, 5.0), line), Noise(Part(0.3, 5.0), other)]).standard == Part(
        pytest.approx(0.015), 8.0
    )
    assert pooled_noise([Noise(line, None)]).standard is None
