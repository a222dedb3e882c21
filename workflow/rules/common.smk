"""Helpers of the rules: the checked config, code ids, paths. No rules here."""

import re
from pathlib import Path

from tradeoffs.runner import hooks, messages
from tradeoffs.claims import catalogue as claims_catalogue
from tradeoffs.cost import short as cost
from tradeoffs.study import examples as study_examples
from tradeoffs.study import figures as study_figures
from tradeoffs.study import plan
from tradeoffs.step.code_id import code_id
from tradeoffs.step.declared_data import data as declared_data
from tradeoffs.models import recipes, released_files, sources, zoo
from tradeoffs.page import look as page_look
from tradeoffs.step.settings import canonical, settings
from tradeoffs.study import (
    imagenet,
    miniature,
    own_copies,
    published_data,
    replicates,
    specification,
)
from tradeoffs.study.model import ATTACKED_WORLD, DEFAULT_WORLD, TRAINING_WORLD
from tradeoffs.theory import command as theory_parts

config, MODELS = hooks.configured(
    config,
    workflow.configfiles,
    workflow.overwrite_configfiles,
    is_module=not workflow.modifier.is_main_snakefile(),
)
STUDY = config["study"]
DOWNLOADS = plan.downloads(config)
MISSING = plan.missing(config)
BENCHMARKS = plan.available_benchmarks(config)
FIGURES = study_figures.figures(config)
SHOWN = study_examples.shown(config)

hooks.prepare(workflow, config)
if workflow.is_main_process:
    messages.print_missing(plan.missing_benchmarks(config))
    messages.print_left_out(plan.left_out(config))
    messages.print_slow_training(workflow, MODELS)
    if workflow.output_settings.dryrun:
        cost.print_line(config, MODELS)
OWN = hooks.seen(workflow, config, MODELS)
TRAINING_GPUS = hooks.gpus_per_training(workflow, config)
TRAINING_CORES = hooks.cores(workflow, plan.NEEDS[STUDY]["train"].cores, TRAINING_GPUS)
EVALUATION_CORES = hooks.cores(workflow, plan.NEEDS[STUDY]["evaluate"].cores)


def one_of(names):
    """A wildcard's pattern: one of these, or nothing at all where there is none."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


# What the study does not have cannot be asked for: Snakemake says that no rule makes it.
wildcard_constraints:
    study=STUDY,
    dataset=one_of(declared_data()),
    model=one_of(MODELS),
    benchmark=one_of(BENCHMARKS),


def models_from(listed):
    """The ids of the models that come from one of the sources."""
    return [model.id for model in MODELS.values() if model.source in listed]


def published_of(model):
    """What was published of a model's file: text, which changes when that does."""
    if model.source == "zoo":
        return recipes.of_entry(zoo.find(model.spec["name"]))
    return str(released_files.by_file(Path(model.file or "").name))


def checksum_of(file):
    """The SHA-256 that a download has to have, where it is known: then it decides, not when or whence it came."""
    return DOWNLOADS.get(Path(file or "").name, {}).get("sha256") or ""


def download_card(file):
    """What says that a file is downloaded, and which: of no account where its checksum is known, and tracked so."""
    return ancient(f"{file}.json") if checksum_of(file) else f"{file}.json"


def refuse_missing(dataset):
    """End the program with one line for a data set that cannot be had."""
    if dataset in MISSING:
        sys.exit(f"error: {dataset}: {MISSING[dataset]}")


def unpacked_from(wildcards):
    """What says that the archive of a published data set is downloaded."""
    refuse_missing(wildcards.dataset)
    return download_card(published_data.archive(wildcards.dataset))


def assembled_from(wildcards):
    """The files that say that the parts of a published data set are there; a user's own copy is no file of ours."""
    refuse_missing(wildcards.dataset)
    return published_data.marks(config["imagenet"], wildcards.dataset)


def parts_of(wildcards):
    """What a published data set is assembled from: place in it -> file or folder."""
    if wildcards.world == TRAINING_WORLD:
        return published_data.training_parts(config["imagenet"])
    if wildcards.world == ATTACKED_WORLD:
        return published_data.attacked_parts(config["imagenet"])
    return published_data.parts(config["imagenet"], wildcards.dataset)


def own_parts(wildcards):
    """What is known of those of these parts that the user keeps."""
    seen = OWN.data.get(wildcards.dataset, {})
    return {place: seen[place] for place in parts_of(wildcards) if place in seen}


def training_folder(model):
    """The folder that a training reads."""
    return folder(plan.training_world(config, model), "imagenet")


def folder(world, dataset):
    """Where a data set lies; its fingerprint.json appears when it is whole."""
    return f"resources/{STUDY}/{world}/{dataset}"


def evaluation_folders(wildcards):
    """The data folders that a benchmark reads, by data set."""
    world = plan.evaluation_world(config, MODELS[wildcards.model], wildcards.benchmark)
    return {name: folder(world, name) for name in plan.read_by(wildcards.benchmark)}


def evaluation_fingerprints(wildcards):
    """Their fingerprints: what an evaluation depends on."""
    return [
        f"{path}/fingerprint.json" for path in evaluation_folders(wildcards).values()
    ]


def evaluation_options(wildcards):
    """Their command-line options, word by word: the shell is given each in quotes."""
    return data_options(evaluation_folders(wildcards))


def data_options(folders):
    """Command-line options that name data folders, word by word."""
    return [
        word for name, path in folders.items() for word in ("--data", f"{name}={path}")
    ]


def options(folders):
    """Command-line options, word by word: the shell is given each in quotes."""
    return [word for name, path in folders.items() for word in (f"--{name}", path)]


def needed(what, step):
    """Memory (MB) or minutes that a step asks for, more with every attempt."""
    return lambda wc, attempt: getattr(plan.NEEDS[STUDY][step], what) * attempt


def last_look():
    """How many replicates there are, and the level of the look that ended there: None where their number is given.

    Where a look is still to come, Snakemake is told so, and asks again when it is there.
    """
    most = replicates.most(config[STUDY])
    if not replicates.sequential(config[STUDY]):
        return most, None
    for number in range(1, most + 1):
        found = replicates.look(Path(checkpoints.look.get(number=number).output[0]))
        if found.decided:
            break
    return number, found.level


def reached():
    """The models of the replicates that there are, by id."""
    return replicates.until(MODELS, last_look()[0])


def evaluations(suffix, models):
    """The cards (json), or per-image outcomes and bootstrap draws (npz), of models."""
    return [
        f"results/{STUDY}/evaluations/{benchmark}/{model.id}.{suffix}"
        for model in models.values()
        for benchmark in model.benchmarks
    ]


def control_cards():
    """The cards of the controls whose weights are fetched: they say where that was impossible."""
    return [
        f"results/{STUDY}/models/{model.id}/card.json"
        for model in MODELS.values()
        if model.role == "control" and model.source != "train"
    ]


def page_tables(wildcards):
    """The tables that the page shows, by the name of its option."""
    names = ["summary", "sweeps", "claims", "differences", "regime"]
    names += ["missing"] if STUDY == "imagenet" else ["reference"]
    return {name: f"results/{STUDY}/{name}.csv" for name in names}


def page_cards():
    """All cards that the page shows: of the models that could be had, their evaluations, the theory's curves."""
    return [
        *(f"results/{STUDY}/models/{model}/card.json" for model in reached()),
        *evaluations("json", reached()),
        "results/theory/curves.json",
        "results/theory/anticausal_curves.json",
    ]


def default_folders():
    """The data folders of the main grid's world, by data set."""
    names = dict.fromkeys(
        name for benchmark in BENCHMARKS for name in plan.read_by(benchmark)
    )
    return {name: folder(DEFAULT_WORLD, name) for name in names}


def table(name, category, label):
    """A table, as the report shows it; its caption is report/<name>.rst."""
    return report(
        f"results/{STUDY}/{name}.csv",
        category=category,
        labels={"result": label},
        caption=f"../report/{name}.rst",
    )


def figure_tables(wildcards):
    """The files that a figure reads: tables, and the cards of the main models where it reads those."""
    places = study_figures.tables(FIGURES[wildcards.figure], STUDY)
    trained = places.pop("models", None)
    models = reached().values() if trained else []
    main = [model.id for model in models if model.role == "main"]
    return [*places.values(), *(f"{trained}/{id}/card.json" for id in main)]


def figure_folders(wildcards):
    """The data folders that a figure reads, by data set."""
    names = FIGURES[wildcards.figure].data
    return {name: folder(DEFAULT_WORLD, name) for name in names}


def figure_options(wildcards):
    """The options of a figure: what it is told, the tables and folders that it reads."""
    figure = FIGURES[wildcards.figure]
    told = study_figures.told(config, figure)
    read = study_figures.tables(figure, STUDY) | figure_folders(wildcards)
    named = {name.replace("_", "-"): path for name, path in read.items()}
    return options(({"spec": settings(told)} if told else {}) | named)


def examples_of(wildcards, place):
    """A file of each model whose answers to a benchmark's images are shown, below the study's results."""
    models = study_examples.through(MODELS.values(), wildcards.benchmark)
    return [
        f"results/{STUDY}/{place.format(benchmark=wildcards.benchmark, id=model.id)}"
        for model in models
    ]


def examples_folders(wildcards):
    """The data folders that the images of a benchmark come from, by data set: those of the models that are shown."""
    first = study_examples.through(MODELS.values(), wildcards.benchmark)[0]
    world = plan.evaluation_world(config, first, wildcards.benchmark)
    return {name: folder(world, name) for name in plan.read_by(wildcards.benchmark)}
