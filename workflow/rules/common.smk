"""Helpers of the rules: the checked config, code ids, paths. No rules here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from tradeoffs import launch, study
from tradeoffs.code_id import code_id
from tradeoffs.config import checked

config = checked(config, Path(workflow.basedir) / "workflow/schemas/config.schema.yaml")
STUDY = config["study"]
MODELS = study.models(config)

launch.prepare(workflow)


wildcard_constraints:
    study="miniature|imagenet",
    world="[a-z_0-9.]+",
    dataset="[a-z_0-9]+",
    model="[A-Za-z_0-9.]+",
    benchmark="[a-z_0-9]+",
    figure="[a-z_0-9]+",


def folder(world, dataset):
    """Where a data set lies; its fingerprint.json appears when it is whole."""
    return f"resources/{STUDY}/{world}/{dataset}"


def evaluation_folders(wildcards):
    """The data folders that a benchmark reads, by data set."""
    world = MODELS[wildcards.model].world
    return {name: folder(world, name) for name in study.BENCHMARK_DATA[wildcards.benchmark]}


def evaluation_fingerprints(wildcards):
    """Their fingerprints: what an evaluation depends on."""
    return [f"{path}/fingerprint.json" for path in evaluation_folders(wildcards).values()]


def evaluation_options(wildcards):
    """Their command-line options."""
    return " ".join(f"--{name} {path}" for name, path in evaluation_folders(wildcards).items())


def cards(roles):
    """The evaluation cards of all models with one of the roles."""
    return [
        f"results/{STUDY}/evaluations/{benchmark}/{model.id}.json"
        for model in MODELS.values()
        if model.role in roles
        for benchmark in model.benchmarks
    ]
