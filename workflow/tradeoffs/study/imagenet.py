"""The imagenet study: the twenty models on ResNet-18 and ResNet-50, standard ones and controls, the user's own."""

from tradeoffs.models import released_files
from tradeoffs.models.ids import in_replicate, is_grid_name, model_id, pixel_epsilon, training_seed
from tradeoffs.models.sources import architecture, find
from tradeoffs.results.standard import is_standard, training
from tradeoffs.step.declared_benchmarks import benchmarks as declared_benchmarks
from tradeoffs.step.errors import InputError
from tradeoffs.study import replicates, zoo_models
from tradeoffs.study.model import ATTACKED, DEFAULT_WORLD, Config, Model, grid, overridden, with_effect
from tradeoffs.study.published_data import DOWNLOADS, IMAGENET

CLASSES = 1000
_UNSAID = (
    "id",
    "source",
    "name",
    "pretrained",
    "file",
    "url",
    "sha256",
    "factory",
    "mean",
    "std",
    "input_size",
    "weights",
    "objective",
)
_ABSENT = dict.fromkeys(_UNSAID) | {
    "arguments": {},
    "trust": False,
    "norm": "none",
    "epsilon": 0,
}  # what an entry of imagenet.extra says of a model where it says nothing


def models(study: Config, benchmarks: tuple[str, ...]) -> list[Model]:
    """All models; InputError for one that was not released, cannot be trained, or is described inconsistently."""
    main = _trained(study, benchmarks) if study["source"] == "train" else _released(study, benchmarks)
    own, named = zoo_models.split(study["extra"], _ABSENT)
    listed = main + [_extra(entry, benchmarks) for entry in own]
    listed += zoo_models.models(study, named, benchmarks, CLASSES)
    if not listed:
        raise InputError(
            "config: imagenet.architectures, imagenet.extra and imagenet.zoo are empty, so there is no model; list one "
            "under extra"
        )
    for model in listed:
        if model.reference is not None:
            _check_reference(model, listed)
    return listed + _controls(study, benchmarks)


def _controls(study: Config, benchmarks: tuple[str, ...]) -> list[Model]:
    """Return the standard networks of libraries by which accuracy is controlled for; none where it is not measured.

    One whose weights cannot be fetched is left out by the steps, and named (``required``).
    """
    if IMAGENET not in benchmarks:
        return []
    absent = dict.fromkeys((*_UNSAID, "prompts", "reference")) | {"arguments": {}}
    trained = {"norm": "none", "epsilon": 0, "benchmarks": [name for name in benchmarks if name != ATTACKED]}
    models = [_extra(absent | trained | entry, benchmarks, "controls") for entry in study["controls"]]
    return [model._replace(role="control", spec=model.spec | {"required": False}) for model in models]


def checkpoints(study: Config) -> dict[str, Config]:
    """Return the settings of :mod:`tradeoffs.acquisition.download` for each published checkpoint, by file name."""
    _, named = zoo_models.split(study["extra"], _ABSENT)
    zoo = zoo_models.downloads(study, zoo_models.models(study, named, (), CLASSES))
    if study["source"] != "released":
        return zoo
    return zoo | {
        entry.file: {
            "urls": [(study["checkpoints"]["address"] or released_files.ADDRESS).replace("{file}", entry.file)],
            "sha256": study["checkpoints"]["sha256"].get(entry.file, entry.sha256),
            "md5": None,
            "size": None,
        }
        for name in study["architectures"]
        for entry in (released_files.find(name, norm, epsilon) for norm, epsilon in grid(study["budgets"]))
    }


def weights(study: Config) -> dict[str, Config]:
    """Return the settings of :mod:`tradeoffs.acquisition.download` for each file of the user's models, by file name."""
    return {
        _file_of(entry): {"urls": [entry["url"]], "sha256": entry["sha256"], "md5": None, "size": None}
        for entry in study["extra"]
        if entry["url"] is not None
    }


def checksums(study: Config) -> dict[str, str]:
    """Return the SHA-256 that files of the user's own are said to have, by the model's id."""
    return {entry["id"]: entry["sha256"] for entry in study["extra"] if entry["file"] and entry["sha256"]}


def _file_of(entry: Config) -> str:
    """Return what the file of a model with ``url`` is called here: torch knows safetensors by its ending."""
    path = entry["url"].partition("?")[0]
    return f"{entry['id']}{'.safetensors' if path.endswith('.safetensors') else '.pt'}"


def _released(study: Config, benchmarks: tuple[str, ...]) -> list[Model]:
    if study["replicates"] != 1:
        raise InputError(
            f"config: imagenet.replicates = {study['replicates']!r}; one checkpoint was released per model, so use 1, "
            "or source: train"
        )
    result = []
    for name in study["architectures"]:
        for norm, epsilon in grid(study["budgets"]):
            file = f"{DOWNLOADS}/{released_files.find(name, norm, epsilon).file}"
            spec = {"architecture": name, "classes": CLASSES}
            identity = (model_id(name, norm, epsilon), "main", name, norm, epsilon, 0, DEFAULT_WORLD)
            result.append(Model(*identity, spec, benchmarks, "released", name, file, downloaded=True))
    return result


def _trained(study: Config, benchmarks: tuple[str, ...]) -> list[Model]:
    if study["architectures"] and study["data"][IMAGENET]["path"] is None:
        raise InputError(
            "config: imagenet.source = 'train' needs ImageNet; set imagenet.data.imagenet.path to a folder with "
            "train/<wnid>/ and val/<wnid>/"
        )
    training = {key: value for key, value in study["training"].items() if key != "overrides"}
    result = []
    for replicate in range(1, replicates.most(study) + 1):
        for name in study["architectures"]:
            for norm, epsilon in grid(study["budgets"]):
                bare = model_id(name, norm, epsilon)
                seed = training_seed(bare, replicate)
                own = {"architecture": name, "norm": norm, "epsilon": pixel_epsilon(norm, epsilon), "seed": seed}
                spec = with_effect(training | own | overridden(study["training"], bare, replicate))
                described = (in_replicate(bare, replicate), "main", name, norm, epsilon, seed, DEFAULT_WORLD)
                result.append(Model(*described, spec, benchmarks, "train", name, None, replicate=replicate))
    return result


def _extra(entry: Config, benchmarks: tuple[str, ...], key: str = "extra") -> Model:
    """Return a model of the user's own; it stands beside the twenty in every table and figure.

    A network that does not show its features (TorchScript) is left out of benchmarks that fit a head on them.
    """
    where = f"config: imagenet.{key}, {entry['id']}"
    given = [key for key in ("pretrained", "file", "url") if entry[key] is not None]
    if len(given) > 1 or not (given or find(entry["source"]).factory):
        found = f"{' and '.join(given)} are given" if given else "there is none"
        raise InputError(f"{where}: give one of pretrained (a library's published weights), file and url; {found}")
    if (entry["norm"] == "none") != (entry["epsilon"] == 0):
        raise InputError(f"{where}: norm {entry['norm']} with epsilon {entry['epsilon']:g}; norm none goes with 0")
    try:
        loads_as = architecture(entry["source"], entry["name"])
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    facts = find(entry["source"])
    file = entry["file"] if entry["url"] is None else f"{DOWNLOADS}/{_file_of(entry)}"
    if entry["weights"] is not None and (file is None or (facts.code and not facts.factory)):
        raise InputError(
            f"{where}: weights {entry['weights']}, but only a file of tensors may hold more than one set of them; use "
            "null"
        )
    keys = ("name", "pretrained", "mean", "std", "input_size", "weights")
    spec = {key: entry[key] for key in keys} | {"classes": CLASSES}
    # What most models do not have stands in the settings of those that have it: others stay as they were.
    spec |= {key: entry[key] for key in ("factory", "arguments", "prompts") if entry[key]}
    shown = (entry["name"] or _made_by(entry) or entry["id"]).rsplit("/")[-1]
    if is_grid_name(entry["id"], shown, entry["norm"], float(entry["epsilon"])):
        raise InputError(f"{where}: the grid's own models are named like this; choose another id")
    wanted = entry["benchmarks"]
    if wanted is None and not facts.features:
        wanted = [name for name in benchmarks if "features" not in declared_benchmarks()[name].needs]
    return Model(
        entry["id"],
        "extra",
        shown,
        entry["norm"],
        float(entry["epsilon"]),
        0,
        DEFAULT_WORLD,
        spec,
        tuple(name for name in benchmarks if wanted is None or name in wanted),
        entry["source"],
        loads_as,
        file,
        entry["reference"],
        downloaded=entry["url"] is not None,
        objective=entry["objective"],
    )


def _made_by(entry: Config) -> str | None:
    """Return what an architecture that a factory makes is called; None where there is none."""
    given = ", ".join(f"{name}={value}" for name, value in entry["arguments"].items())
    return f"{entry['factory']}({given})" if entry["factory"] else None


def _check_reference(model: Model, listed: list[Model]) -> None:
    """Raise InputError where a model's ``reference`` is not another model of the study, and a standard one."""
    where = f"config: imagenet.extra, {model.id}: reference {model.reference}"
    standard = [other.id for other in listed if is_standard(other) and other.id != model.id]
    absent = "there is no standard one (norm none, no objective); add one under extra"
    choice = f"choose one of {', '.join(standard)}" if standard else absent
    if model.reference == model.id:
        raise InputError(f"{where} is the model itself; {choice}")
    found = next((other for other in listed if other.id == model.reference), None)
    if found is None:
        raise InputError(f"{where} is no model of the grid or under extra; {choice}")
    if not is_standard(found):
        raise InputError(f"{where} is no standard model, but {training(found)}; {choice}")
