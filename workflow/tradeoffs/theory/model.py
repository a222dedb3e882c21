"""The Gaussian linear model: what it is, checks, the two families studied here, and reading one from a file."""

import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import opened, read_csv, shown
from tradeoffs.theory.one_thread import on_one_thread

Array = NDArray[np.float64]

_CURE = "give the path of a model in .csv or .npz"
_SYMMETRY = 1e-10  # largest asymmetry and negative eigenvalue taken for rounding, relative to the largest entry


class GaussianModel(NamedTuple):
    """x ~ N(0, covariance), y = <theta, x> + noise * z, z ~ N(0, 1).

    ``covariance`` [d, d]; ``theta`` [d], the true weights theta*; ``noise`` >= 0, a standard deviation; ``spurious``
    [d], true for the spurious features S, false for the core features C; ``names`` of the d features.
    """

    covariance: Array
    theta: Array
    noise: float
    spurious: NDArray[np.bool_]
    names: tuple[str, ...]


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
        raise InputError(f"{source}: spurious must hold {d} values, each 0 or 1; got shape {mask.shape}")
    labels = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(d))
    if len(labels) != d or len(set(labels)) != d:
        raise InputError(f"{source}: {len(labels)} feature names; expected {d} different ones")
    if not math.isfinite(noise) or noise < 0:
        raise InputError(f"{source}: noise is {noise}; expected a standard deviation >= 0")
    largest = float(np.abs(matrix).max())
    i, j = np.unravel_index(int(np.abs(matrix - matrix.T).argmax()), matrix.shape)
    if abs(matrix[i, j] - matrix[j, i]) > _SYMMETRY * largest:
        raise InputError(
            f"{source}: covariance is not symmetric: "
            f"entry [{i}, {j}] is {matrix[i, j]:g}, [{j}, {i}] is {matrix[j, i]:g}"
        )
    symmetric = (matrix + matrix.T) / 2
    _require_positive_semidefinite(symmetric, largest, source)
    return GaussianModel(symmetric, weights, float(noise), mask.astype(bool), labels)


def _finite(values: Any, what: str) -> Array:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{what} is not an array of numbers") from None
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds NaN or infinite values; expected finite numbers")
    return array


def _require_positive_semidefinite(symmetric: Array, largest: float, source: str) -> None:
    jitter = _SYMMETRY * largest * np.eye(len(symmetric))
    try:  # a Cholesky factor is 20 times cheaper than eigenvalues, and settles nearly every case
        np.linalg.cholesky(symmetric + jitter)
    except np.linalg.LinAlgError:
        least = float(np.linalg.eigvalsh(symmetric)[0])
        if least < -_SYMMETRY * largest:
            raise InputError(
                f"{source}: covariance is not positive semi-definite: its least eigenvalue is {least:g}"
            ) from None


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


def read_model(path: Path) -> GaussianModel:
    """Read a model from .csv or .npz (chosen by the suffix); InputError names the file and what is wrong.

    CSV: the header ``feature,group,theta,<name 1>,...,<name d>``; one row per feature with its name, ``core`` or
    ``spurious``, its theta* and its row of the covariance; and one row ``noise,,<standard deviation>``.
    NPZ: ``covariance`` [d, d], ``theta`` [d], ``noise`` (a number), ``spurious`` [d] of 0 and 1 (optional).
    """
    if path.suffix == ".csv":
        return _read_csv(path)
    if path.suffix == ".npz":
        return _read_npz(path)
    raise InputError(f"{path}: unknown suffix {path.suffix!r}; expected .csv or .npz")


def _read_csv(path: Path) -> GaussianModel:
    first, below = read_csv(path, _CURE)
    header, rows = [cell.strip() for cell in first], [row for _, row in below if any(cell.strip() for cell in row)]
    if header[:3] != ["feature", "group", "theta"] or len(header) < 4:
        raise InputError(f"{path}: the header is {shown(header)!r}; expected feature,group,theta,<feature names>")
    names = header[3:]
    table = {row[0].strip(): row for row in rows}
    if len(table) != len(rows) or set(table) != {*names, "noise"}:
        raise InputError(f"{path}: rows are {sorted(table)}; expected each of {names} once, and noise")
    noise = _number(path, "noise", "theta", table.pop("noise")[2:3])
    theta, covariance, spurious = [], [], []
    for name in names:
        row = table[name]
        if len(row) != len(header):
            raise InputError(f"{path}: row {name} has {len(row)} cells; expected {len(header)}")
        group = row[1].strip()
        if group not in ("core", "spurious"):
            raise InputError(f"{path}: row {name}: group is {group!r}; expected core or spurious")
        spurious.append(group == "spurious")
        theta.append(_number(path, name, "theta", row[2:3]))
        covariance.append([_number(path, name, column, [cell]) for column, cell in zip(names, row[3:], strict=True)])
    return gaussian_model(covariance, theta, noise, spurious, names, source=str(path))


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
    missing = {"covariance", "theta", "noise"} - set(content)
    unknown = set(content) - {"covariance", "theta", "noise", "spurious"}
    if missing or unknown:
        raise InputError(
            f"{path}: arrays are {sorted(content)}; expected covariance, theta, noise and optionally spurious"
        )
    if content["noise"].size != 1:
        raise InputError(f"{path}: noise has shape {content['noise'].shape}; expected one number")
    noise = float(_finite(content["noise"], f"{path}: noise").item())
    return gaussian_model(content["covariance"], content["theta"], noise, content.get("spurious"), source=str(path))
