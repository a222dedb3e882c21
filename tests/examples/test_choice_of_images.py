"""Which images are shown follows from a rule: reasons that fit, none twice, spread over all that fit."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tradeoffs.examples.choice import SHOWN, choose
from tradeoffs.examples.collection import Collection, Evaluated, Pair, read_images
from tradeoffs.examples.page import Shown

OWN, OTHER = "own", "other"


def test_images_that_an_evaluation_left_out_are_not_shown_and_those_of_a_set_without_a_folder_do_not_count():
    evaluated = Evaluated(Path("x.json"), {"skipped": ["set/a.png", "elsewhere/b.png"]}, {})
    files = [[Path("root/a.png")], [Path("root/b.png")], [Path("root/c.png"), Path("root/a.png")]]
    assert read_images(files, {"set": Path("root")}, evaluated).tolist() == [1]


def collection(groups, pair=True):
    """Images of two classes, of which only names and groups are known."""
    names = [f"image{i}" for i in range(len(groups))]
    labels = np.zeros(len(groups), dtype=np.int64)
    told = Pair(OWN, OTHER, "torn") if pair else None
    judged = OTHER if pair else OWN
    return Collection(names, labels, ["a"], groups, "group", judged, told, dict, dict, dict, remark="no pair here")


def answers(**models):
    """Right and wrong by model and picture, from two rows of 1, 0 and nan."""
    return {model: dict(zip((OWN, OTHER), map(np.array, rows), strict=False)) for model, rows in models.items()}


def test_each_reason_shows_the_images_that_it_fits():
    nan = np.nan
    right = answers(
        plain=([1.0, 1, 1, 0, 1, 1], [0.0, 1, 1, 0, nan, 1]),
        robust=([1.0, 1, 1, 0, 1, 0], [0.0, 1, 0, 0, nan, 0]),
    )
    torn, differ, worst = choose(collection(list("aabbbb")), right, ["plain"])[0]
    assert (torn.shown, torn.fits) == ([0, 2], 2)
    assert (differ.shown, differ.fits) == ([5], 2)  # image 2, which the first reason shows, fits too
    assert (worst.reason, worst.shown, worst.fits) == ("worst group: b", [3, 4], 4)


def test_the_worst_group_is_that_of_the_least_mean_of_what_is_known():
    right = answers(m=([1.0, 1, 0, 0], [np.nan, 0.0, 1.0, 0.0]), n=([1.0, 1, 0, 0], [1.0, 0.0, 1.0, 0.0]))
    _, worst = choose(collection(["x", "x", "y", "y"]), right, ["m", "n"])
    assert worst == ("x", {"m": 0.0, "n": 0.5})


def test_a_reason_that_fits_nothing_says_why():
    right = answers(plain=([1.0, 1],), same=([1.0, 1],))
    torn, differ, _ = choose(collection(["a", "a"], pair=False), right, ["plain", "same"])[0]
    assert (torn.shown, torn.note) == ([], "the set has no such two pictures")
    assert (differ.shown, differ.note) == ([], "the models shown here are of one kind")
    torn, differ, _ = choose(collection(["a", "a"], pair=False), right, ["plain"])[0]
    assert differ.note == "no image divides them"


@given(data=st.data(), n=st.integers(1, 60))
def test_none_is_shown_twice_none_without_reason_and_the_same_again(data, n):
    known = arrays(float, (3, 2, n), elements=st.sampled_from([0.0, 1.0]))
    values = data.draw(known)
    right = answers(plain=values[0], robust=values[1], other=values[2])
    images = collection(data.draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n)))
    reasons, worst = choose(images, right, ["plain"])
    shown = [i for reason in reasons for i in reason.shown]
    assert len(shown) == len(set(shown)) <= sum(SHOWN)
    torn, differ, of_group = reasons
    assert all(any(right[m][OWN][i] == 1 and right[m][OTHER][i] == 0 for m in right) for i in torn.shown)
    for i in differ.shown:
        assert any(right["plain"][p][i] != right["robust"][p][i] == right["other"][p][i] for p in (OWN, OTHER))
    assert {images.groups[i] for i in of_group.shown} <= {worst.group}
    for reason, count in zip(reasons, SHOWN, strict=True):
        free = reason.fits - len(set(shown) - set(reason.shown))
        assert len(reason.shown) >= min(count, free)
        assert reason.shown == sorted(reason.shown)
    assert choose(images, right, ["plain"]) == (reasons, worst)


def test_a_model_is_called_by_its_training():
    words = {None: "net, standard", "AdvProp": "net, trained with AdvProp"}
    for objective, said in words.items():
        assert Shown("m", "main", "net", "none", 0.0, objective).label == said
    assert Shown("m", "main", "net", "linf", 4.0).label == "net, ℓ∞ 4/255"
