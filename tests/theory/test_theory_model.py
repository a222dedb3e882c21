"""Models from arrays and files: what is read, and one line for everything that cannot be."""

import numpy as np
import pytest

from tradeoffs.step.errors import InputError
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
        ("colour,spurious,0,0.7,1", "shape,core,1,1,0.7", ["shape is given twice by the rows"]),
        ("theta,shape,colour", "theta,shape,shape", ["shape is given twice by the header"]),
        ("noise,,0.5", "noise,,0.5\nnoise,,0.5", ["noise is given twice by the rows"]),
        ("noise,,0.5", "noise,,0,5", ["row noise has 4 cells; expected 3 (a decimal point, not a comma?)"]),
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


def test_asymmetry_and_negative_eigenvalues_are_rounding_up_to_1e_10_of_the_largest_entry():
    def asymmetric(by):
        return gaussian_model(1e3 * np.array([[1.0, 0.5 + by], [0.5, 1.0]]), [1, 0], 0.5)

    assert asymmetric(0.9e-10).covariance[0, 1] == pytest.approx(500)
    refused(lambda: asymmetric(1.2e-10), "not symmetric")

    def indefinite(by):
        return gaussian_model(1e3 * np.array([[1.0, 0.0], [0.0, -by]]), [1, 0], 0.5)

    assert indefinite(0.5e-10).covariance[1, 1] == pytest.approx(-0.5e-7)
    refused(lambda: indefinite(2e-10), "not positive semi-definite")


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_feature_in_large_units_hides_no_fault_of_others(unit):
    def model(one, other):
        scale = np.array([unit, 1.0, 1.0])
        return gaussian_model(np.outer(scale, scale) * [[1, 0, 0], [0, 1, one], [0, other, 1]], [1, 0, 0], 0.5)

    assert model(0.5, 0.5).covariance[1, 2] == 0.5
    refused(lambda: model(0.7, 0.3), "not symmetric", "0.7", "0.3")
    refused(lambda: model(2.0, 2.0), "not positive semi-definite", "least eigenvalue is -1")


def test_complex_numbers_and_marks_that_are_none_are_named(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, covariance=np.eye(2) + 0.5j, theta=np.ones(2), noise=1.0)
    refused(lambda: read_model(path), "covariance holds complex numbers")
    np.savez(path, covariance=np.eye(2), theta=np.ones(2), noise=1.0, spurious=[0, 2])
    refused(lambda: read_model(path), "each 0 or 1; got 2")


def test_defaults_of_a_model():
    model = gaussian_model(np.eye(3), [1, 2, 3], 0)
    assert model.names == ("x1", "x2", "x3")
    assert model.spurious.dtype == bool
    assert not model.spurious.any()
    assert (model.noise, type(model.noise)) == (0.0, float)


def test_block_model_entry_by_entry():
    model = block_model(4, 3.0, 0.5, 0.2)
    assert model.covariance.tolist() == [[1, 0, 1.5, 0], [0, 1, 0, 1.5], [1.5, 0, 9, 0], [0, 1.5, 0, 9]]
    assert model.theta == pytest.approx([0.5**0.5, 0.5**0.5, 0, 0])
    assert model.theta @ model.covariance @ model.theta == pytest.approx(1)
    assert model.spurious.tolist() == [False, False, True, True]
    assert model.names == ("core1", "core2", "spurious1", "spurious2")
    assert model.noise == 0.2
    assert two_feature_model(3.0, 0.5, 0.2).covariance.tolist() == [[1, 1.5], [1.5, 9]]
