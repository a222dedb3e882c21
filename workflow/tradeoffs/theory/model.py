"""The Gaussian linear model: what it is, checks, the families studied here, and reading one from a file."""

import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import opened, read_csv, shown
from tradeoffs.theory.one_thread import on_one_thread
from tradeoffs.theory.risk import covariance_root

Array = NDArray[np.float64]

_CURE = "give the path of a model in .csv or .npz"
_LARGEST = 1e100  # whose square is a number yet
_ROUNDING = 1e-12  # of a weight, as a share of the largest one, in units of standard deviations
_SYMMETRY = 1e-10  # largest asymmetry and negative eigenvalue taken for rounding, of the features as correlations


class GaussianModel(NamedTuple):
    """x ~ N(0, covariance), y = <theta, x> + noise * z, z ~ N(0, 1).

    ``covariance`` [d, d]; ``theta`` [d], the true weights theta*; ``noise`` >= 0, a standard deviation; ``spurious``
    [d], true for the spurious features S, false for the core features C; ``names`` of the d features. ``anticausal``:
    the response causes the features, and theta is the least-squares solution; it says what a shift changes.
    """

    covariance: Array
    theta: Array
    noise: float
    spurious: NDArray[np.bool_]
    names: tuple[str, ...]
    anticausal: bool = False


@on_one_thread()
def gaussian_model(
    covariance: Any,
    theta: Any,
    noise: float,
    spurious: Any = None,
    names: Sequence[str] | None = None,
    source: str = "model",
) -> GaussianModel:
    """Check and wrap a model; ``spurious`` defaults to none. InputError, one line, names ``source`` and the fault."""
    matrix, weights = _finite(covariance, f"{source}: covariance"), _finite(theta, f"{source}: theta")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise InputError(f"{source}: covariance has shape {matrix.shape}; expected a square matrix, [d, d] with d >= 1")
    d = len(matrix)
    if weights.shape != (d,):
        raise InputError(f"{source}: theta has shape {weights.shape}; expected ({d},) to match the covariance")
    mask = np.zeros(d, dtype=bool) if spurious is None else np.asarray(spurious)
    if mask.shape != (d,) or not np.isin(mask, (0, 1)).all():
        got = f"shape {mask.shape}" if mask.shape != (d,) else f"{mask[~np.isin(mask, (0, 1))][0]}"
        raise InputError(f"{source}: spurious must hold {d} values, each 0 or 1; got {got}")
    labels = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(d))
    if len(labels) != d or len(set(labels)) != d:
        raise InputError(f"{source}: {len(labels)} feature names; expected {d} different ones")
    noise = _deviation(noise, f"{source}: noise, a standard deviation,")
    asymmetry = _as_correlations(np.abs(matrix - matrix.T), matrix)
    i, j = np.unravel_index(int(asymmetry.argmax()), matrix.shape)
    if asymmetry[i, j] > _SYMMETRY:
        raise InputError(
            f"{source}: covariance is not symmetric: "
            f"entry [{i}, {j}] is {matrix[i, j]:g}, [{j}, {i}] is {matrix[j, i]:g}"
        )
    symmetric = (matrix + matrix.T) / 2
    _require_positive_semidefinite(symmetric, f"{source}: covariance")
    return GaussianModel(symmetric, weights, float(noise), mask.astype(bool), labels)


def _finite(values: Any, what: str) -> Array:
    if np.iscomplexobj(values):
        raise InputError(f"{what} holds complex numbers; expected real ones")
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{what} is not an array of numbers") from None
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds NaN or infinite values; expected finite numbers")
    if (np.abs(array) > _LARGEST).any():
        raise InputError(
            f"{what} holds {np.abs(array).max():g}; expected numbers up to {_LARGEST:g}: choose other units"
        )
    return array


def _deviation(value: Any, what: str) -> float:
    """Return a number >= 0; InputError for what is none, True and texts among them."""
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not 0 <= value <= _LARGEST:
        raise InputError(f"{what} is {str(value)[:80]}; expected a number from 0 to {_LARGEST:g}")
    return float(value)


def _as_correlations(values: Array, covariance: Array) -> Array:
    """Return values [d, d] in units of the features' standard deviations: one in large units hides no other's fault."""
    variances = np.diag(covariance)
    largest = float(np.abs(covariance).max()) or 1.0  # in whose units a variance of 0, or what rounding left, is judged
    unit = np.sqrt(np.where(variances > 0, variances, largest))
    scaled: Array = values / unit[:, None] / unit
    return scaled


def _require_positive_semidefinite(symmetric: Array, what: str) -> None:
    correlations = _as_correlations(symmetric, symmetric)
    jitter = _SYMMETRY * np.eye(len(symmetric))
    try:  # a Cholesky factor is 20 times cheaper than eigenvalues, and settles nearly every case
        np.linalg.cholesky(correlations + jitter)
    except np.linalg.LinAlgError:
        least = float(np.linalg.eigvalsh(correlations)[0])
        if least < -_SYMMETRY:
            raise InputError(
                f"{what} is not positive semi-definite: as correlations its least eigenvalue is {least:g}; expected "
                "none below 0"
            ) from None


def anticausal(
    covariance: Any,
    response: Any,
    variance: float,
    spurious: Any = None,
    names: Sequence[str] | None = None,
    source: str = "model",
) -> GaussianModel:
    """Check and wrap a model whose response y causes the features: Cov(x, y) = ``response`` [d], Var(y) = ``variance``.

    theta is the least-squares solution of least norm, noise the standard deviation of what it leaves. InputError as for
    :func:`gaussian_model`, and where features and response together have no covariance.
    """
    cross = _finite(response, f"{source}: response")
    variance = _deviation(variance, f"{source}: the variance of the response")
    model = gaussian_model(covariance, np.zeros_like(cross), 0.0, spurious, names, source)
    if cross.shape != model.theta.shape:
        raise InputError(f"{source}: response has shape {cross.shape}; expected {model.theta.shape}")
    joint = np.block([[model.covariance, cross[:, None]], [cross[None], np.array([[variance]])]])
    _require_positive_semidefinite(joint, f"{source}: the covariance of features and response together")
    with on_one_thread():
        root = covariance_root(model.covariance)
        along = np.linalg.lstsq(root, cross, rcond=None)[0]
        theta = np.linalg.lstsq(root.T, along, rcond=None)[0]
    noise = math.sqrt(max(variance - float(along @ along), 0.0))
    sized = np.abs(theta) * np.sqrt(np.diag(model.covariance))
    theta = np.where(sized > _ROUNDING * sized.max(initial=0.0), theta, 0.0)  # a weight of 0 is one, not what is left
    return model._replace(theta=theta, noise=noise, anticausal=True)


def anticausal_model(scale: float, correlation: float, core_noise: float) -> GaussianModel:
    """y ~ N(0, 1) causes x_C = y + sigma_c z and x_S = a (r y + sqrt(1 - r^2) z'): ``core_noise`` sigma_c > 0.

    ``scale`` a > 0 is the standard deviation of the spurious feature, ``correlation`` r in [-1, 1] that with y. Least
    squares uses both features. InputError for values out of range.
    """
    if not 0 < core_noise < math.inf:
        raise InputError(f"sigma_c (core noise) is {core_noise:g}; expected a standard deviation above 0")
    if not -1 <= correlation <= 1:
        raise InputError(f"r (correlation) is {correlation:g}; expected a number in [-1, 1]")
    if not 0 < scale < math.inf:
        raise InputError(f"a (scale) is {scale:g}; expected a standard deviation above 0")
    both = scale * correlation
    return anticausal([[1 + core_noise**2, both], [both, scale**2]], [1.0, both], 1.0, [0, 1], ["core", "spurious"])


def two_feature_model(scale: float, correlation: float, noise: float) -> GaussianModel:
    """One core feature of scale 1 with theta* = 1, one spurious feature of ``scale`` a and theta* = 0.

    x_S = a (correlation x_C + sqrt(1 - correlation^2) z): the model of the paper's theory section as read from its
    abstract (disjoint core and spurious features of a Gaussian linear regression).
    """
    return block_model(2, scale, correlation, noise)


def block_model(features: int, scale: float, correlation: float, noise: float) -> GaussianModel:
    """``features`` / 2 independent core features of scale 1, each with one spurious companion of ``scale``.

    theta* is sqrt(2 / features) on each core feature, so that the signal has variance 1, and 0 on the spurious ones.
    Core features come first.
    """
    half = features // 2
    eye = np.eye(half)
    cross = scale * correlation * eye
    covariance = np.block([[eye, cross], [cross, scale**2 * eye]])
    theta = np.repeat([1 / math.sqrt(half), 0.0], half)
    names = [f"core{i + 1}" for i in range(half)] + [f"spurious{i + 1}" for i in range(half)]
    return gaussian_model(covariance, theta, noise, np.repeat([False, True], half), names)


def shifted_covariance(model: GaussianModel, factor: float) -> Array:
    """Covariance of a test domain: core-spurious covariances times ``factor`` in [-1, 1] (0 removed, -1 reversed).

    It stays positive semi-definite, as a mean of the training covariance and its mirror image in x_S -> -x_S.
    """
    across = model.spurious[:, None] != model.spurious[None, :]
    return np.where(across, factor * model.covariance, model.covariance)


def shifted(model: GaussianModel, factor: float) -> GaussianModel:
    """Return a test domain: covariances of spurious features with core ones times ``factor`` in [-1, 1].

    Where the response causes the features its covariance with the spurious ones changes as well, and least squares with
    it; otherwise what the features say about the response stays.
    """
    covariance = shifted_covariance(model, factor)
    if not model.anticausal:
        return model._replace(covariance=covariance)
    response = model.covariance @ model.theta
    variance = model.noise**2 + float(model.theta @ response)
    return anticausal(
        covariance, np.where(model.spurious, factor * response, response), variance, model.spurious, model.names
    )


def read_model(path: Path) -> GaussianModel:
    """Read a model from .csv or .npz (chosen by the suffix); InputError names the file and what is wrong.

    CSV: the header ``feature,group,theta,<name 1>,...,<name d>``; one row per feature with its name, ``core`` or
    ``spurious``, its theta* and its row of the covariance; and one row ``noise,,<standard deviation>``. Where the
    response causes the features: ``response`` in place of theta, the covariance with it, and a row
    ``response,,<variance>``.
    NPZ: ``covariance`` [d, d], ``theta`` [d], ``noise`` (a number), ``spurious`` [d] of 0 and 1 (optional); or
    ``response`` [d] and ``variance`` in place of theta and noise.
    """
    if path.suffix == ".csv":
        return _read_csv(path)
    if path.suffix == ".npz":
        return _read_npz(path)
    raise InputError(f"{path}: unknown suffix {path.suffix!r}; expected .csv or .npz")


def _read_csv(path: Path) -> GaussianModel:
    first, below = read_csv(path, _CURE)
    header, rows = [cell.strip() for cell in first], [row for _, row in below if any(cell.strip() for cell in row)]
    if header[:2] != ["feature", "group"] or header[2:3] not in (["theta"], ["response"]) or len(header) < 4:
        raise InputError(
            f"{path}: the header is {shown(header)!r}; expected feature,group,theta,<feature names>, or response in "
            "place of theta where the response causes the features"
        )
    names, third = header[3:], header[2]
    table = {row[0].strip(): row for row in rows}
    last = "noise" if third == "theta" else "response"
    for twice, where in ((names, "the header"), ([row[0].strip() for row in rows], "the rows")):
        if doubles := [name for name, count in Counter(twice).items() if count > 1]:
            raise InputError(f"{path}: {doubles[0]} is given twice by {where}; expected each name once")
    if set(table) != {*names, last}:
        raise InputError(f"{path}: rows are {sorted(table)}; expected each of {names} once, and {last}")
    row = table.pop(last)
    if any(cell.strip() for cell in row[3:]):
        raise InputError(f"{path}: row {last} has {len(row)} cells; expected 3 (a decimal point, not a comma?)")
    spread = _number(path, last, third, row[2:3])
    column, covariance, spurious = [], [], []
    for name in names:
        row = table[name]
        if len(row) != len(header):
            raise InputError(f"{path}: row {name} has {len(row)} cells; expected {len(header)}")
        group = row[1].strip()
        if group not in ("core", "spurious"):
            raise InputError(f"{path}: row {name}: group is {group!r}; expected core or spurious")
        spurious.append(group == "spurious")
        column.append(_number(path, name, third, row[2:3]))
        covariance.append([_number(path, name, other, [cell]) for other, cell in zip(names, row[3:], strict=True)])
    build = gaussian_model if third == "theta" else anticausal
    return build(covariance, column, spread, spurious, names, source=str(path))


def _number(path: Path, row: str, column: str, cell: list[str]) -> float:
    try:
        return float(cell[0])
    except (IndexError, ValueError):
        found = cell[0] if cell else ""
        raise InputError(f"{path}: row {row}, column {column}: {found!r} is not a number") from None


def _read_npz(path: Path) -> GaussianModel:
    try:
        with opened(path, cure=_CURE) as file, np.load(file, allow_pickle=False) as archive:
            content = {key: archive[key] for key in archive.files}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise InputError(f"{path}: not a readable .npz archive of numeric arrays ({error})") from None
    column, last = ("response", "variance") if "response" in content else ("theta", "noise")
    if not {"covariance", column, last} <= set(content) <= {"covariance", column, last, "spurious"}:
        raise InputError(
            f"{path}: arrays are {sorted(content)}; expected covariance, theta, noise and optionally spurious, or "
            "response and variance in place of theta and noise"
        )
    if content[last].size != 1:
        raise InputError(f"{path}: {last} has shape {content[last].shape}; expected one number")
    spread = float(_finite(content[last], f"{path}: {last}").item())
    build = gaussian_model if column == "theta" else anticausal
    return build(content["covariance"], content[column], spread, content.get("spurious"), source=str(path))
