"""What a study asks of a SLURM cluster: GPU hours, jobs, the longest of them."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.step.yaml_files import read

PROFILE = Path("workflow/profiles/slurm/profile.yaml")


class Asked(NamedTuple):
    """``gpu_hours`` of all ``jobs``; hours of the ``longest`` training, of the longest evaluation and of a group."""

    gpu_hours: float
    jobs: int
    longest_training: float
    longest_evaluation: float
    longest_group: float
    grouped: int


def asked(trainings: Sequence[float], evaluations: Sequence[float], gpus: int, grouped: int) -> Asked:
    """Return what trainings and evaluations ask for, given the seconds of each.

    A training has ``gpus`` GPUs; ``grouped`` evaluations share a job and one GPU, one after the other. Which ones is
    Snakemake's choice: the longest group is that of the longest evaluations.
    """
    longest = sorted(evaluations, reverse=True)[:grouped]
    return Asked(
        (gpus * sum(trainings) + sum(evaluations)) / 3600,
        len(trainings) + math.ceil(len(evaluations) / grouped),
        max(trainings, default=0.0) / 3600,
        max(evaluations, default=0.0) / 3600,
        sum(longest) / 3600,
        grouped,
    )


def evaluations_in_a_job(profile: Path) -> int:
    """Return how many evaluations the profile puts into one job; 1 where it says nothing."""
    found: Any = read(profile)
    listed = found.get("group-components", {}) if isinstance(found, dict) else {}
    number = listed.get("evaluations", 1) if isinstance(listed, dict) else 1
    return number if isinstance(number, int) and number > 0 else 1


def profile() -> Path:
    """Return the profile of this folder, or else the project's own."""
    return PROFILE if PROFILE.is_file() else Path(__file__).absolute().parents[3] / PROFILE
