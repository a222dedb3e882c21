"""Settings that are right one by one and wrong together: refused before anything runs, each in one line.

What the schema can say about a single key stands there.
"""

import json
import re
from collections import Counter
from pathlib import Path

from tradeoffs.miniature.settings import OBJECTNET_BORDER
from tradeoffs.models import catalogue, released_files, sources, zoo
from tradeoffs.models.catalogue import ARCHITECTURES
from tradeoffs.step.declared_benchmarks import benchmarks as declared_benchmarks
from tradeoffs.step.declared_benchmarks import family
from tradeoffs.step.declared_data import data
from tradeoffs.step.errors import InputError
from tradeoffs.step.similar import did_you_mean
from tradeoffs.study.miniature import CLASSES, data_sets
from tradeoffs.study.model import Config
from tradeoffs.study.published_data import OURS

_SMALLEST_LINF = 0.1  # of budgets in 1/255: what is smaller is one in pixel units
_NO_OBJECTIVE = ("none", "null", "standard", "plain")
_LOOKS_LIKE_NO_TEXT = re.compile(r"true|false|null|[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", re.IGNORECASE)
# What the claims take domains of these names for.
DOMAINS = {"preserved": "val", "broken": "val_decorrelated", "reversed": "val_reversed"}
DRAWS_PER_FEATURE = 5
_SIMULATED = ("1", "2", "inf")  # attack norms of the theory's simulations, as the config writes them
OTHER = "other"  # the margin of measures that have none of their own


def check(config: Config) -> None:
    """Raise InputError for the first settings of the chosen study, or of the theory, that do not go together."""
    name = config["study"]
    study = config[name]
    _margins(config["claims"]["margins"])
    _criteria(config["claims"]["criteria"])
    _read(study["benchmarks"], name)
    _crops(study["benchmarks"], f"config: {name}.benchmarks")
    _budgets(study["benchmarks"], f"config: {name}.benchmarks")
    if name == "miniature":
        _miniature(study)
    else:
        _data(study)
        _domains(study)
        for entry in study["extra"]:
            _has_benchmarks(entry, study["benchmarks"])
            if entry["zoo"] is None:
                _own_model(entry)
        for entry in study["controls"]:
            _known(f"config: imagenet.controls, {entry['id']}", entry["source"], entry["name"])
    _simulation(config["theory"]["simulation"])
    _on_one_line(config["theory"])


def _margins(margins: Config) -> None:
    """Check that every margin is of a metric that a benchmark declares, whatever the study."""
    known = {metric for declared in declared_benchmarks().values() for metric in declared.metrics}
    for name in margins:
        if name != OTHER and name not in known and family(name, known) is None:
            raise InputError(
                f"config: claims.margins names {name!r}, which no benchmark measures{did_you_mean(name, known)}; "
                "tradeoffs list benchmarks names what each measures first"
            )


def _criteria(criteria: Config) -> None:
    """Check that an accuracy can be both above chance and below the ceiling."""
    if criteria["ceiling"] <= criteria["chance_margin"]:
        raise InputError(
            f"config: claims.criteria.ceiling = {criteria['ceiling']}; expected more than chance_margin, "
            f"{criteria['chance_margin']}: no accuracy is that far above chance and not above the ceiling"
        )


def _read(benchmarks: Config, study: str) -> None:
    """Check that the data sets that the benchmarks read are declared, and in the miniature that it has them."""
    for benchmark in benchmarks:
        for name in declared_benchmarks()[benchmark].data:
            if name not in data():
                raise InputError(f"benchmarks/{benchmark}.yaml: data: {name!r}; expected of {', '.join(data())}")
            if study == "miniature" and name not in data_sets():
                raise InputError(
                    f"config: miniature.benchmarks.{benchmark}: reads {name}, which the miniature does not have; say "
                    f"in data/{name}.yaml how many images it has there, and write miniature/{name}.py"
                )


def _crops(benchmarks: Config, where: str) -> None:
    """Check that no crop is larger than the image that it is cut from."""
    for name, settings in benchmarks.items():
        crop = settings.get("crop")
        for key in ("resize", "validation_resize"):
            side = settings.get(key)
            if isinstance(crop, int) and isinstance(side, int) and crop > side:  # a benchmark may mean others by them
                raise InputError(
                    f"{where}.{name}.crop = {crop}; expected at most {key}, {side}: it is cut from the resized image"
                )


def _budgets(benchmarks: Config, where: str) -> None:
    """Check that a benchmark that declares so has a budget of some norm, whatever norms are named."""
    for name, settings in benchmarks.items():
        budgets, declared = settings.get("budgets"), declared_benchmarks()[name].settings.get("budgets", {})
        if declared.get("minProperties") and isinstance(budgets, dict) and not any(budgets.values()):
            raise InputError(
                f"{where}.{name}.budgets: none of any norm; expected one or more, or {name}: false to leave it out"
            )


def _miniature(study: Config) -> None:
    world, benchmarks = study["data"], study["benchmarks"]
    side, border = world["image_size"] + 2 * OBJECTNET_BORDER, benchmarks.get("objectnet", {}).get("border", 0)
    if 2 * border >= side:
        raise InputError(
            f"config: miniature.benchmarks.objectnet.border = {border}; expected at most {(side - 1) // 2}: "
            f"ObjectNet's images have {side} pixels along each side"
        )
    _one_size(study)
    most = world["images"]["train"]
    used = {"training.images": [study["training"]["images"] or most], "controls.images": study["controls"]["images"]}
    sweeps = {
        f"sweeps.{name}.images": [sweep["images"]] for name, sweep in study["sweeps"].items() if "images" in sweep
    }
    for key, numbers in ({"data.images.train": [most]} | used | sweeps).items():
        for value in numbers:
            if value % CLASSES:
                raise InputError(
                    f"config: miniature.{key}: {value}; expected a multiple of {CLASSES}, as many images of each class"
                )
    for key, numbers in used.items():
        for value in numbers:
            if value > most:
                raise InputError(
                    f"config: miniature.{key}: {value}; expected at most miniature.data.images.train, {most}, which is "
                    "how many training images the world has"
                )
    for domain, folder in benchmarks.get("adversarial", {}).get("domains", {}).items():
        if folder not in DOMAINS.values():
            raise InputError(
                f"config: miniature.benchmarks.adversarial.domains.{domain} = {folder!r}; expected one of "
                f"{', '.join(DOMAINS.values())}, the validation folders of the miniature"
            )
        if DOMAINS.get(domain, folder) != folder:
            raise InputError(
                f"config: miniature.benchmarks.adversarial.domains.{domain} = {folder!r}; expected "
                f"{DOMAINS[domain]!r}, which is what claims mean by {domain}; give another domain another name"
            )


def _one_size(study: Config) -> None:
    """Check that networks are trained and tested on images of one size: numbers would be of another question."""
    side, training, objectives = study["data"]["image_size"], study["training"], study["sweeps"]["objectives"]
    trainings = {"training": training}
    trainings |= {f"training.overrides.{name}": own for name, own in training["overrides"].items()}
    trainings |= {f"sweeps.objectives.trainings.{name}": own for name, own in objectives["trainings"].items()}
    for where, settings in trainings.items():
        if settings.get("image_size") is not None:
            raise InputError(
                f"config: miniature.{where}.image_size = {settings['image_size']}; expected null: networks are tested "
                f"on images as they are stored, {side} pixels along each side (miniature.data.image_size), and would "
                "be trained on enlarged ones"
            )
    for name, settings in study["benchmarks"].items():
        for key in ("resize", "size", "validation_resize"):
            if isinstance(settings.get(key), int) and settings[key] != side:  # a benchmark may mean others by them
                raise InputError(
                    f"config: miniature.benchmarks.{name}.{key} = {settings[key]}; expected miniature.data.image_size, "
                    f"{side}: networks would be trained on images of one size and tested on those of another"
                )


def _data(study: Config) -> None:
    """Check that no two downloads have one name, and that the checksums of checkpoints are of known ones."""
    files: Counter[str] = Counter()
    for name, declared in data().items():
        said = study["data"][name]
        if str(said.get("path")).startswith(OURS):
            raise InputError(
                f"config: imagenet.data.{name}.path = {said['path']!r} is where the workflow keeps what it downloads "
                "itself; use null for that, or give a copy elsewhere"
            )
        if said.get("path") is not None and said.get("sha256") is not None:
            raise InputError(
                f"config: imagenet.data.{name}.sha256 is of the archive, and path is given ({said['path']}), of which "
                "nothing is downloaded or verified; leave one of them out, or write null"
            )
        if declared.archive is not None and said["path"] is None:
            files[declared.archive.file] += 1
        files.update(Path(place).name for place in declared.files)
        for file, times in files.items():
            if times > 1:
                raise InputError(f"data/{name}.yaml: a second download is called {file}; give each a name of its own")
    known = {entry.file for entry in zoo.collection(released_files.COLLECTION)}
    for file in study["checkpoints"]["sha256"]:
        if file not in known:
            raise InputError(
                f"config: imagenet.checkpoints.sha256: no checkpoint is called {file!r}{did_you_mean(file, known)}"
            )


def _domains(study: Config) -> None:
    """Check that the folders attacked are there; without ImageNet the benchmark is left out."""
    root = study["data"]["imagenet"]["path"]
    for domain, folder in study["benchmarks"].get("adversarial", {}).get("domains", {}).items():
        if root is not None and Path(root, "val").is_dir() and not Path(root, folder).is_dir():
            raise InputError(
                f"config: imagenet.benchmarks.adversarial.domains.{domain} = {folder!r}; there is no folder "
                f"{root}/{folder}; make it, sorted into <wnid>/ like val, or leave the domain out"
            )


def _has_benchmarks(entry: Config, there: Config) -> None:
    """Check that a model is put through benchmarks of this study: others would pass it over in silence."""
    wanted = entry["benchmarks"]
    if wanted is not None and (absent := [name for name in wanted if name not in there]):
        raise InputError(
            f"config: imagenet.extra, {entry['zoo'] or entry['id']}: benchmarks: {', '.join(absent)}; expected of "
            f"imagenet.benchmarks, {', '.join(there)}"
        )


def _own_model(entry: Config) -> None:
    where = f"config: imagenet.extra, {entry['id']}"
    source, name, facts = entry["source"], entry["name"], sources.find(entry["source"])
    _given_with_each_other(where, entry, facts)
    if facts.code and not entry["trust"]:
        file = (
            "a TorchScript file is code, which can read and write files whenever the network is run; set trust: true "
            "if you trust where the file comes from, or use its state_dict"
        )
        own = (
            f"the factory {entry['factory']} is code, which is run with all your rights; set trust: true if it is yours"
        )
        raise InputError(f"{where}: trust: false, but {own if facts.factory else file}")
    if entry["trust"] and not facts.code:
        raise InputError(f"{where}: trust: true, but with source {source} no code of a file is run; leave it out")
    missing = [key for key in ("mean", "std") if entry[key] is None]
    if facts.normalisation == "given" and missing:
        what = "what a factory makes" if facts.factory else "a TorchScript file"
        raise InputError(
            f"{where}: {' and '.join(missing)}: null, but {what} does not say how its images were normalised; give the "
            "three values used in training ([0, 0, 0] and [1, 1, 1] if the network normalises by itself)"
        )
    if (entry["file"] or entry["url"]) and len(missing) == 1:
        raise InputError(f"{where}: {missing[0]}: null, but mean and std go together; give both, or neither")
    if entry["pretrained"] is not None and not facts.pretrained:
        raise InputError(f"{where}: pretrained: {entry['pretrained']!r} has no meaning for source {source}; use null")
    on_features = {name for name, declared in declared_benchmarks().items() if "features" in declared.needs}
    if not facts.features and (unseen := on_features & set(entry["benchmarks"] or [])):
        raise InputError(
            f"{where}: benchmarks: {', '.join(sorted(unseen))} fits a head on features, which TorchScript does not show"
        )
    if entry["norm"] == "linf" and entry["epsilon"] > 255:
        raise InputError(f"{where}: epsilon = {entry['epsilon']:g}; expected at most 255, in 1/255")
    if entry["norm"] == "linf" and 0 < entry["epsilon"] < _SMALLEST_LINF:
        raise InputError(
            f"{where}: epsilon = {entry['epsilon']:g}; expected a budget of linf in 1/255, at least {_SMALLEST_LINF}; "
            f"if it is one in pixel units, write {entry['epsilon'] * 255:.3g}"
        )
    if (entry["objective"] or "").lower() in _NO_OBJECTIVE:
        raise InputError(
            f"{where}: objective: {entry['objective']!r} is no name of a training; a model that was trained as its "
            "norm and epsilon say has none: leave it out"
        )
    if name is not None and facts.name != "none":
        _known(where, source, name)


def _given_with_each_other(where: str, entry: Config, facts: sources.Source) -> None:
    """Check that an address has its checksum, and a factory its source and arguments."""
    if entry["url"] is not None and entry["sha256"] is None:
        raise InputError(
            f"{where}: sha256: null, but url needs it, since what an address delivers can change; give that of the "
            "file you mean (sha256sum FILE)"
        )
    if entry["sha256"] is not None and entry["url"] is None and entry["file"] is None:
        raise InputError(f"{where}: sha256 is of a file, and there is neither url nor file; leave it out")
    if facts.factory != (entry["factory"] is not None):
        raise InputError(
            f"{where}: factory: "
            + (
                "null, but source python needs the function that makes the network, file.py:function"
                if facts.factory
                else f"{entry['factory']!r} goes with source python alone; leave it out"
            )
        )
    if entry["arguments"] and not facts.factory:
        raise InputError(f"{where}: arguments go with source python alone; leave them out")
    if entry["prompts"] is not None and entry["source"] != "open_clip":
        raise InputError(f"{where}: prompts go with source open_clip alone; leave them out")
    for key, value in entry["arguments"].items():
        if isinstance(value, str) and _LOOKS_LIKE_NO_TEXT.fullmatch(value):
            raise InputError(
                f"{where}: arguments: {key} = {value!r} is text, as all is that --config says there; write it in a "
                "config file, without quotes"
            )
    try:
        json.dumps(entry["arguments"], allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where}: arguments: {entry['arguments']} ({error}); expected text, numbers, true, false, null, and lists "
            "and keys of them"
        ) from None


def _known(where: str, source: str, name: str) -> None:
    """Check that there is a network of this name."""
    facts = sources.find(source)
    library, _, network = (name if facts.name == "architecture" else f"{source}/{name}").rpartition("/")
    if not library and network in ARCHITECTURES:
        return
    if library not in ("torchvision", "timm", "open_clip"):
        raise InputError(
            f"{where}: name: {name!r} is unknown; expected {', '.join(ARCHITECTURES)}, torchvision/<name> or "
            "timm/<name>" + ("" if facts.name == "architecture" else f"; with source {source} the <name> alone")
        )
    known = catalogue.names(library)
    if library == "timm":
        network = network.partition(".")[0]  # the tag of its weights
    if known is not None and network not in known:
        raise InputError(f"{where}: name: {library} has no classifier {network!r}{did_you_mean(network, known)}")


def _simulation(simulation: Config) -> None:
    """Check that samples are large enough for what is compared: with few draws per feature the data are fitted."""
    features, samples = max(simulation["features"]), min(simulation["samples"])
    if samples < DRAWS_PER_FEATURE * features:
        raise InputError(
            f"config: theory.simulation.samples holds {samples} with {features} features; expected at least "
            f"{DRAWS_PER_FEATURE} draws per feature, {DRAWS_PER_FEATURE * features}: fewer are fitted without error"
        )


def _on_one_line(theory: Config) -> None:
    """Check that what is simulated is the model of the curves that figures draw it on, and has curves of its norms."""
    for curves in ("curves", "anticausal_curves"):
        if absent := [norm for norm in _SIMULATED if norm not in theory[curves]["norms"]]:
            raise InputError(
                f"config: theory.{curves}.norms = {', '.join(theory[curves]['norms'])}; expected {absent[0]} among "
                f"them: simulations are of {', '.join(_SIMULATED)}, and figures draw them on the lines of the curves"
            )
    ours, theirs = theory["pgd"]["scale"], theory["simulation"]["scale"]
    if ours != theirs:
        raise InputError(
            f"config: theory.pgd.scale = {ours}; expected {theirs}, that of theory.simulation: one figure draws both "
            "on one line"
        )
    for part, curves in (
        ("simulation", "curves"),
        ("pgd", "curves"),
        ("anticausal_simulation", "anticausal_curves"),
    ):
        ours, theirs = theory[part], theory[curves]
        for key in ("noise", "core_noise", "correlation"):
            if ours.get(key) != theirs.get(key):
                raise InputError(
                    f"config: theory.{part}.{key} = {ours[key]}; expected {theirs[key]}, that of theory.{curves}, on "
                    "whose lines figures draw it"
                )
        key = "scales" if "scales" in ours else "scale"
        for scale in ours[key] if key == "scales" else [ours[key]]:
            if scale not in theirs["scales"]:
                raise InputError(
                    f"config: theory.{part}.{key}: {scale}; expected of theory.{curves}.scales, "
                    f"{', '.join(f'{each:g}' for each in theirs['scales'])}, on whose lines figures draw it"
                )
