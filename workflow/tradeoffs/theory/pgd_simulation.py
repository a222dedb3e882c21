"""The same convergence with the project's own PGD attack as inner maximisation, as the networks are trained.

    tradeoffs theory pgd --spec '{"noise": 0.5, "correlation": 0.7, "scale": 2.0, "samples": 4000,
        "budgets": [0.1, 0.3], "seeds": 4, "attack_steps": 10, "updates": 150, "seed": 0}' \
        --out pgd_simulation.csv --card pgd_simulation.json

A linear model on one core and one spurious feature is trained by full-batch gradient descent on the loss at the points
that :func:`tradeoffs.attacks.pgd.pgd` finds, for l2 and linf. The same data sets are solved with the exact pointwise
worst case, so that sampling error and attack error can be told apart. Columns: see :class:`Comparison`, plus the mean
weight that the exact worst case gives on the same draws (``sample_exact``) and the share of the worst-case increase of
the loss that PGD reaches at the trained weights (``attack_strength``).
"""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tradeoffs.attacks.pgd import pgd
from tradeoffs.results.theory_tables import write_table
from tradeoffs.step.command import Written
from tradeoffs.theory.curves import norm_name
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import block_model
from tradeoffs.theory.samples import draw, sample_minimiser, sample_risk
from tradeoffs.theory.simulation import Comparison, block_means, compare

Array = NDArray[np.float64]
_NORMS = {"l2": 2.0, "linf": float("inf")}


class Settings(NamedTuple):
    """The model, the draws, and the training."""

    noise: float
    correlation: float
    scale: float
    samples: int
    budgets: list[float]
    seeds: int  # data sets drawn for each budget
    attack_steps: int
    updates: int
    seed: int  # of the first data set


def pgd_trained(
    x: Array, y: Array, norm: str, epsilon: float, attack_steps: int, updates: int, seed: int
) -> tuple[Array, float]:
    """Train weights [d] by gradient descent on PGD examples; return them and the mean loss under a fresh attack.

    Starts from standard training (least squares). The step is the inverse of the largest curvature of the squared
    loss, the attack's included, and the weights of the last third of the updates are averaged, because PGD starts at
    random points.
    """
    points, labels = torch.from_numpy(x), torch.from_numpy(y)
    generator = torch.Generator().manual_seed(seed)
    theta = torch.from_numpy(np.linalg.lstsq(x, y, rcond=None)[0])

    def losses(at: torch.Tensor) -> torch.Tensor:
        return (labels - at @ theta) ** 2

    def attacked() -> torch.Tensor:
        return pgd(
            losses,
            points,
            norm=norm,
            epsilon=epsilon,
            steps=attack_steps,
            step_size=2.5 * epsilon / attack_steps,
            generator=generator,
            bounds=None,
        )

    dimension = x.shape[1] if norm == "linf" else 1
    curvature = 2 * (float(np.linalg.norm(x, 2)) / np.sqrt(len(y)) + epsilon * np.sqrt(dimension)) ** 2
    average, kept = torch.zeros_like(theta), max(updates // 3, 1)
    for update in range(updates):
        adversarial = attacked()
        gradient = -2 * ((labels - adversarial @ theta) @ adversarial) / len(labels)
        theta = theta - gradient / curvature
        if update >= updates - kept:
            average += theta / kept
    theta = average
    return theta.numpy().copy(), float(losses(attacked()).mean())


def simulate(settings: Settings) -> dict[str, list[Any]]:
    """Run all points; returns the table."""
    model = block_model(2, settings.scale, settings.correlation, settings.noise)
    looks = len(_NORMS) * len(settings.budgets) * 2
    table: dict[str, list[Any]] = {name: [] for name in (*Comparison._fields, "sample_exact", "attack_strength")}
    for norm, p in _NORMS.items():
        for epsilon in settings.budgets:
            exact = block_means(minimise(model, p, [epsilon]).theta, model)[0]
            trained, solved, strength = [], [], []
            for seed in range(settings.seed, settings.seed + settings.seeds):
                x, y = draw(model, settings.samples, np.random.default_rng([seed, 2, settings.samples]))
                theta, attacked = pgd_trained(x, y, norm, epsilon, settings.attack_steps, settings.updates, seed)
                clean, worst = sample_risk(theta, x, y, p, 0.0), sample_risk(theta, x, y, p, epsilon)
                strength.append((attacked - clean) / (worst - clean) if worst > clean else 1.0)
                trained.append(block_means(theta, model))
                solved.append(block_means(sample_minimiser(x, y, p, epsilon), model))
            for j, quantity in enumerate(("core_weight", "spurious_weight")):
                estimates = np.array(trained)[:, j]
                point = (2, norm_name(p), settings.samples, epsilon, quantity, float(exact[j]))
                row = (*point, *compare(estimates, float(exact[j]), looks))
                extra = (float(np.mean(np.array(solved)[:, j])), float(np.mean(strength)))
                for name, value in zip(table, (*row, *extra), strict=True):
                    table[name].append(value)
    return table


def run(settings: Settings, *, out: Annotated[Path, "CSV to write"]) -> Written:
    """Write the comparisons."""
    torch.set_num_threads(1)
    write_table(out, simulate(settings))
    return Written("theory", [out])
