"""What a study asks of a SLURM cluster: jobs, and where hours are those of a GPU, GPU hours and the longest jobs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.step.declared_benchmarks import with_images
from tradeoffs.step.yaml_files import read
from tradeoffs.study import examples
from tradeoffs.study.model import Model

PROFILE = Path("workflow/profiles/slurm/profile.yaml")


class Asked(NamedTuple):
    """``gpu_hours`` of all; hours of the ``longest`` training, of the longest evaluation and of a group."""

    gpu_hours: float
    longest_training: float
    longest_evaluation: float
    longest_group: float


def asked(trainings: Sequence[float], evaluations: Sequence[float], gpus: int, grouped: int) -> Asked:
    """Return what trainings and evaluations ask for, given the seconds of each on one GPU.

    A training has ``gpus`` GPUs, which ideally make it so many times as short, and cost no GPU hour more: how long they
    wait for each other was not measured. ``grouped`` evaluations share a job and one GPU, one after the other. Which
    ones is Snakemake's choice: the longest group is that of the longest evaluations.
    """
    longest = sorted(evaluations, reverse=True)[:grouped]
    return Asked(
        (sum(trainings) + sum(evaluations)) / 3600,
        max(trainings, default=0.0) / gpus / 3600,
        max(evaluations, default=0.0) / 3600,
        sum(longest) / 3600,
    )


def jobs(trainings: int, evaluations: int, grouped: int) -> int:
    """Return how many jobs with a GPU are submitted."""
    return trainings + math.ceil(evaluations / grouped)


def without_gpu(models: Iterable[Model], fetched: Sequence[str]) -> Mapping[str, int]:
    """Return how many jobs of other rules are submitted; ``fetched``: data sets whose archives are unpacked."""
    listed = list(models)
    shown = [benchmark for benchmark in with_images() if examples.through(listed, benchmark)]
    return {"unpack": len(fetched), "examples": len(shown)}


def evaluations_in_a_job(profile: Path) -> int:
    """Return how many evaluations the profile puts into one job; 1 where it says nothing."""
    found: Any = read(profile)
    listed = found.get("group-components", {}) if isinstance(found, dict) else {}
    number = listed.get("evaluations", 1) if isinstance(listed, dict) else 1
    return number if isinstance(number, int) and number > 0 else 1


def profile() -> Path:
    """Return the profile of this folder, or else the project's own."""
    return PROFILE if PROFILE.is_file() else Path(__file__).absolute().parents[3] / PROFILE
