"""Helpers of the rules: the checked config, code ids, paths. No rules here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from tradeoffs import launch, study
from tradeoffs.code_id import code_id
from tradeoffs.results.specification import specification
from tradeoffs.studies import imagenet, miniature, published_data
from tradeoffs.studies.model import DEFAULT_WORLD, canonical

config, MODELS = launch.configured(
    config, Path(workflow.basedir) / "workflow/schemas/config.schema.yaml"
)
STUDY = config["study"]
ROLES = ["main", "correlation_sweep", "background_scale_sweep", "reference"]

launch.prepare(workflow)


wildcard_constraints:
    study="miniature|imagenet",
    world="[a-z_0-9.]+",
    dataset="[a-z_0-9]+",
    model="[A-Za-z_0-9.]+",
    benchmark="[a-z_0-9]+",


def folder(world, dataset):
    """Where a data set lies; its fingerprint.json appears when it is whole."""
    return f"resources/{STUDY}/{world}/{dataset}"


def evaluation_folders(wildcards):
    """The data folders that a benchmark reads, by data set."""
    world = MODELS[wildcards.model].world
    return {
        name: folder(world, name) for name in study.BENCHMARK_DATA[wildcards.benchmark]
    }


def evaluation_fingerprints(wildcards):
    """Their fingerprints: what an evaluation depends on."""
    return [
        f"{path}/fingerprint.json" for path in evaluation_folders(wildcards).values()
    ]


def evaluation_options(wildcards):
    """Their command-line options."""
    return " ".join(
        f"--{name} {path}" for name, path in evaluation_folders(wildcards).items()
    )


def memory(step):
    """Megabytes that a step asks for, more with every attempt."""
    return lambda wildcards, attempt: study.NEEDS[STUDY][step][0] * attempt


def minutes(step):
    """Minutes that a step asks for, more with every attempt."""
    return lambda wildcards, attempt: study.NEEDS[STUDY][step][1] * attempt


def cards(roles):
    """The evaluation cards of all models with one of the roles."""
    return [
        f"results/{STUDY}/evaluations/{benchmark}/{model.id}.json"
        for model in MODELS.values()
        if model.role in roles
        for benchmark in model.benchmarks
    ]


def outcomes(roles):
    """Their per-image outcomes and bootstrap draws."""
    return [card.removesuffix("json") + "npz" for card in cards(roles)]


def model_cards(roles):
    """The training cards of all models with one of the roles."""
    return [
        f"results/{STUDY}/models/{model.id}/card.json"
        for model in MODELS.values()
        if model.role in roles
    ]


def default_folders():
    """The data folders of the main grid's world, by data set."""
    names = dict.fromkeys(
        name for listed in study.BENCHMARK_DATA.values() for name in listed
    )
    return {name: folder(DEFAULT_WORLD, name) for name in names}
