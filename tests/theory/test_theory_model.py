"""Models from arrays and files: what is read, and one line for everything that cannot be."""

import numpy as np
import pytest

from tradeoffs.errors import InputError
from tradeoffs.theory.model import block_model, gaussian_model, read_model, shifted_covariance, two_feature_model

GOOD = """feature,group,theta,shape,colour
shape,core,1,1,0.7
colour,spurious,0,0.7,1
noise,,0.5
"""


def refused(action, *words):
    with pytest.raises(InputError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([[1, 0.5], [0.4, 1]], [1, 0], 0.5), ["not symmetric", "0.5", "0.4"]),
        (([[1, 2], [2, 1]], [1, 0], 0.5), ["not positive semi-definite", "-1"]),
        (([[1, 0, 0], [0, 1, 0]], [1, 0], 0.5), ["(2, 3)", "square"]),
        (([[]], [], 0.5), ["square"]),
        (([[1, 0], [0, 1]], [1, 0, 0], 0.5), ["theta", "(3,)", "(2,)"]),
        (([[1, 0], [0, float("nan")]], [1, 0], 0.5), ["covariance", "NaN"]),
        (([[1, 0], [0, 1]], [1, float("inf")], 0.5), ["theta", "infinite"]),
        (([["a", 0], [0, 1]], [1, 0], 0.5), ["covariance", "numbers"]),
        (([[1, 0], [0, 1]], [1, 0], -0.1), ["noise", "-0.1"]),
        (([[1, 0], [0, 1]], [1, 0], float("nan")), ["noise", "nan"]),
        (([[1, 0], [0, 1]], [1, 0], 0.5, [1]), ["spurious"]),
        (([[1, 0], [0, 1]], [1, 0], 0.5, [0, 2]), ["spurious"]),
        (([[1, 0], [0, 1]], [1, 0], 0.5, None, ["a", "a"]), ["names"]),
    ],
)
def test_bad_models(arguments, words):
    refused(lambda: gaussian_model(*arguments), *words)


def test_singular_covariances_are_welcome_and_rounding_is_forgiven():
    factor = np.random.default_rng(0).standard_normal((30, 4))
    model = gaussian_model(factor @ factor.T + 1e-14 * np.arange(900).reshape(30, 30), np.ones(30), 0)
    assert np.array_equal(model.covariance, model.covariance.T)


def test_shifted_domains_keep_the_blocks_and_stay_covariances():
    model = block_model(4, 2.0, 0.7, 0.5)
    removed, reversed_ = shifted_covariance(model, 0.0), shifted_covariance(model, -1.0)
    assert not removed[:2, 2:].any()
    assert np.array_equal(reversed_[:2, 2:], -model.covariance[:2, 2:])
    for shifted in (removed, reversed_):
        assert np.array_equal(shifted[:2, :2], model.covariance[:2, :2])
        assert np.linalg.eigvalsh(shifted).min() > 0
    assert shifted_covariance(two_feature_model(2, 0.7, 1), 0.5) == pytest.approx(
        two_feature_model(2, 0.35, 1).covariance
    )


def test_csv_and_npz_hold_the_same_model(tmp_path):
    (tmp_path / "model.csv").write_text(GOOD)
    model = read_model(tmp_path / "model.csv")
    assert model.names == ("shape", "colour")
    assert model.noise == 0.5
    assert model.spurious.tolist() == [False, True]
    np.savez(tmp_path / "model.npz", covariance=model.covariance, theta=model.theta, noise=0.5, spurious=model.spurious)
    again = read_model(tmp_path / "model.npz")
    assert np.array_equal(again.covariance, model.covariance)
    assert np.array_equal(again.spurious, model.spurious)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("feature,group", "name,group", ["header"]),
        ("0.7,1\n", "0.7,one\n", ["colour", "'one'"]),
        ("colour,spurious", "colour,background", ["colour", "background", "core or spurious"]),
        ("noise,,0.5", "", ["noise"]),
        ("noise,,0.5", "noise,,", ["noise", "''"]),
        ("noise,,0.5", "noise,,-1", ["noise", "-1"]),
        ("colour,spurious,0,0.7,1", "colour,spurious,0,0.7", ["colour", "4 cells"]),
        ("colour,spurious,0,0.7,1", "colour,spurious,0,0.6,1", ["not symmetric"]),
        ("colour,spurious,0,0.7,1", "colour,spurious,0,0.7,nan", ["NaN"]),
        ("colour,spurious,0,0.7,1", "shape,core,1,1,0.7", ["each of"]),
    ],
)
def test_broken_csv_is_one_line_that_names_the_file(tmp_path, old, new, words):
    path = tmp_path / "model.csv"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    refused(lambda: read_model(path), "model.csv", *words)


def test_broken_npz_is_one_line_that_names_the_file(tmp_path):
    path = tmp_path / "model.npz"
    refused(lambda: read_model(path), "model.npz", "not found")
    np.savez(path, covariance=np.eye(2), theta=np.ones(2))
    refused(lambda: read_model(path), "model.npz", "noise")
    np.savez(path, covariance=np.eye(2), theta=np.ones(2), noise=np.ones(2))
    refused(lambda: read_model(path), "model.npz", "noise", "one number")
    np.savez(path, covariance=np.eye(2), theta=np.ones(2), noise=1.0)
    path.write_bytes(path.read_bytes()[:200])
    refused(lambda: read_model(path), "model.npz", "readable")
    other = tmp_path / "model.txt"
    other.write_text(GOOD)
    refused(lambda: read_model(other), "model.txt", ".csv or .npz")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    refused(lambda: read_model(binary), "binary.csv")
