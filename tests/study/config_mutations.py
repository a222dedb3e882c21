"""Every leaf of the config's schema, changed in some twenty ways: refused in one line, or accepted and then sound?

    python tests/study/config_mutations.py                 all mutations, planned: the models, settings and names of
    the study
    python tests/study/config_mutations.py --run 150       ... and of the accepted ones so many, evenly spread, are
    run: the
                                                     steps that read the changed key, on a world of a few images
    python tests/study/config_mutations.py --snakemake 40  ... and so many, evenly, go through a real snakemake -n, some
                                                     five seconds each

A mutation is *refused* by an InputError of one line, *accepted*, or a *fault*: any other exception, a message of
several lines, or a planned that something later cannot read. ``test_config_mutations.py`` runs a part of this.
"""

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "workflow")]

import yaml  # noqa: E402

from tradeoffs.benchmarks.attack_metrics import Attack, metric_name, read_name  # noqa: E402
from tradeoffs.miniature.settings import Settings  # noqa: E402
from tradeoffs.miniature.settings import checked as world_settings  # noqa: E402
from tradeoffs.results.study import Settings as StudySettings  # noqa: E402
from tradeoffs.results.study import study_of  # noqa: E402
from tradeoffs.runner import commands  # noqa: E402
from tradeoffs.step.errors import InputError  # noqa: E402
from tradeoffs.step.settings import canonical  # noqa: E402
from tradeoffs.study import (  # noqa: E402
    figures,
    miniature,
    plan,
    published_data,
)
from tradeoffs.study.config import checked  # noqa: E402
from tradeoffs.study.schema import schema  # noqa: E402
from tradeoffs.study.specification import specification  # noqa: E402

SCHEMA_FILE = TESTS.parent / "workflow/schemas/config.schema.yaml"
SCHEMA = schema(SCHEMA_FILE)
SMALL = yaml.safe_load((TESTS / "small.yaml").read_text())
DATASETS = ("imagenet", "rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet")
NORMALISED = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
OWN = [
    {"id": "mine", "source": "state_dict", "name": "resnet50", "file": "mine.pt", "norm": "linf", "epsilon": 4}
    | NORMALISED,
    {"id": "vit", "source": "torchvision", "name": "vit_b_16", "pretrained": "IMAGENET1K_V1"},
    {"id": "script", "source": "torchscript", "trust": True, "file": "script.pt"} | NORMALISED,
]
NUMBERS = (
    float("nan"),
    float("inf"),
    -float("inf"),
    1e308,
    10**30,
    -(10**30),
    -1,
    0,
    0.5,
    1,
    1.0,
    3.0,
    1e-5,
    1e-320,
    1e7,
)
OTHERS = ("text", "", "0", "5e-4", "true", "a\nb", "../x", None, True, [], {}, [1], {"a": 1}, [[]], {1: 2}, [None])


def base(kind: str, imagenet: Path) -> dict:
    """The config that is changed; ``imagenet`` is a folder with train/ and val/."""
    config = deepcopy(SMALL)
    config["miniature"]["training"]["overrides"] = {"basic_l2_eps0.5": {"epochs": 1}}
    if kind == "miniature":
        return config
    data = {name: {"accept_licence": True} for name in DATASETS[1:]} | {"imagenet": {"path": str(imagenet)}}
    training = {"overrides": {"resnet18_l2_eps1": {"epochs": 2}}}
    source = {"source": "train", "training": training} if kind == "trained" else {"source": "released"}
    return config | {"study": "imagenet", "imagenet": {"data": data, "extra": deepcopy(OWN), **source}}


def leaves(part: dict, path: tuple = ()) -> Iterator[tuple[tuple, dict]]:
    """Path and schema of every key below the top, and of the items of lists."""
    if path:
        yield path, part
    for key, inner in part.get("properties", {}).items():
        yield from leaves(inner, (*path, key))
    if isinstance(part.get("items"), dict) and part["items"].get("type") == "object":
        for position in range(len(OWN)):
            yield from leaves(part["items"], (*path, position))
    elif isinstance(part.get("items"), dict):
        yield (*path, 0), part["items"]
    others = part.get("additionalProperties")
    if isinstance(others, dict):
        key = {"overrides": "resnet18_l2_eps1" if "imagenet" in path else "basic_l2_eps0.5"}.get(path[-1], "name")
        yield from leaves(others, (*path, key))


def values(part: dict) -> list:
    """What a key is changed to."""
    bounds = [part[key] for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum") if key in part]
    near = [change for bound in bounds for change in (bound, bound - 1, bound + 1, bound * 1.0000001)]
    found = [*NUMBERS, *OTHERS, *near, *part.get("enum", []), *[{"no_such_key": 1}] * (part.get("type") == "object")]
    default = part.get("default")
    if isinstance(default, list):
        doubled = default[:1] * 2
        nearly = [default[0], default[0] * 1.0000001] if default and isinstance(default[0], int | float) else []
        found += [
            doubled,
            nearly,
            default * 300,
            [*default, float("nan")],
            [str(value) for value in default],
            default[:1],
        ]
    if default is not None:
        found += [str(default), [default]]
    return found


def put(config: dict, path: tuple, value: object) -> bool:
    """Set a key, making the mappings on the way; False where the way is blocked."""
    at = config
    for key in path[:-1]:
        at = at.setdefault(key, {}) if isinstance(at, dict) else at[key]
    if isinstance(at, list) and path[-1] >= len(at):
        at.append(value)
    elif isinstance(at, dict) and isinstance(path[-1], int):
        return False
    else:
        at[path[-1]] = value
    return True


def default_of(path: tuple) -> object:
    """A list's default, of which one item is changed."""
    part = SCHEMA
    for key in path:
        part = part.get("properties", {}).get(key, {})
    return part.get("default")


def mutations(kinds: tuple[str, ...] = ("miniature", "released", "trained")) -> Iterator[tuple[str, tuple, object]]:
    """Kind of study, path and value of every mutation; each of the parts that the study does not read only once."""
    for kind in kinds:
        for path, part in leaves(SCHEMA):
            own = {"miniature": "miniature", "released": "imagenet", "trained": "imagenet"}[kind]
            if path[0] != own and kind != kinds[0]:
                continue
            if kind == "trained" and path[1:2] and path[1] not in ("training", "budgets", "replicates", "source"):
                continue
            for value in values(part):
                yield kind, path, value


def changed(kind: str, path: tuple, value: object, imagenet: Path) -> dict:
    """Return the config with one change."""
    config = base(kind, imagenet)
    if isinstance(path[-1], int) and not isinstance(default_of(path[:-1]), type(None)):
        put(config, path[:-1], deepcopy(default_of(path[:-1])))
        if path[:2] == ("imagenet", "extra"):
            put(config, path[:-1], deepcopy(OWN))
    put(config, path, deepcopy(value))
    return config


def judged(config: dict) -> tuple[str, str, dict | None]:
    """Return the verdict (refused, accepted, fault), what was said, and the checked config of an accepted one."""
    try:
        full = checked(config, SCHEMA_FILE)
        planned(full)
    except InputError as error:
        line = str(error)
        fine = line.startswith(("config: ", "models: ")) and len(line.splitlines()) == 1 and len(line) < 1500
        return ("refused" if fine else "fault"), line, None
    except Exception:
        return "fault", traceback.format_exc(), None
    return "accepted", "", full


def planned(config: dict) -> None:
    """Do what the Snakefile does at its start, and check that what is planned can be read by those who get it."""
    models = plan.models(config)
    plan.downloads(config)
    plan.missing_benchmarks(config)
    study_of(StudySettings(**json.loads(specification(config))))
    for model in models.values():
        assert re.fullmatch("[A-Za-z_0-9.]+", model.id), model.id
        assert re.fullmatch("[a-z_0-9.]+", model.world), model.world
        json.loads(canonical(model.spec), parse_constant=float.fromhex)
        for benchmark in model.benchmarks:
            canonical(plan.evaluation_spec(config, model, benchmark))
    chosen = config[config["study"]]
    attacked = chosen["benchmarks"].get("adversarial", {"domains": [], "budgets": {}})
    for domain in attacked["domains"]:
        for norm, listed in attacked["budgets"].items():
            for budget in listed:
                attack = Attack(domain, norm, float(f"{budget:g}"))
                assert read_name(metric_name(attack)) == attack, attack
    if config["study"] == "miniature":
        for world in {model.world for model in models.values()}:
            for dataset in DATASETS:
                spec = miniature.world_spec(config, world, dataset)
                world_settings(Settings(**spec), ("test_images",) if dataset == "imagenet" else ())
    else:
        for dataset in set(DATASETS) - plan.missing(config).keys():
            published_data.parts(config["imagenet"], dataset)
            if dataset != "imagenet":
                published_data.unpacking(dataset)


class Steps:
    """The steps of a study on a few images, run in this process; what has been made before is used again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: dict[str, Path] = {}

    def run(self, *arguments: object, seconds: int = 60) -> None:
        """Run a step's command; TimeoutError after so many seconds, AssertionError unless it returns 0."""

        def stop(*_: object) -> None:
            raise TimeoutError

        before = signal.signal(signal.SIGALRM, stop)
        signal.alarm(seconds)
        try:
            code = commands.main(list(map(str, arguments)))
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        assert code == 0, f"{arguments[:2]} ended with {code}"

    def theory(self, config: dict, part: str) -> None:
        """Run one step of the theory."""
        more = {"curves": ["--risks"], "claims": ["--onsets"], "anticausal_curves": ["--risks"]}.get(part, [])
        out = [word for option in ("--out", "--card", *more) for word in (option, self.root / f"{part}{option}")]
        self.run("theory", part, "--spec", canonical(config["theory"][part]), *out)

    def world(self, config: dict, name: str, dataset: str) -> Path:
        """Make a data set of the miniature, once."""
        spec = canonical(miniature.world_spec(config, name, dataset))
        key = f"{dataset} {spec}"
        if key not in self.made:
            folder = self.root / f"world{len(self.made)}"
            self.run("miniature", dataset, "--spec", spec, "--out", folder)
            self.made[key] = folder
        return self.made[key]

    def weights(self, config: dict, model: plan.Model) -> Path:
        """Train a model, once."""
        spec = canonical(model.spec)
        data = self.world(config, model.world, "imagenet")
        key = f"{data} {spec}"
        if key not in self.made:
            folder = self.root / f"model{len(self.made)}"
            out = ("--weights", folder / "weights.pt", "--card", folder / "card.json")
            self.run("train", "--spec", spec, "--data", data, *out)
            self.made[key] = folder
        return self.made[key] / "weights.pt"

    def evaluate(self, config: dict, model: plan.Model, benchmark: str) -> None:
        """Evaluate a model."""
        spec = canonical(plan.evaluation_spec(config, model, benchmark))
        folders = {name: self.world(config, model.world, name) for name in plan.read_by(benchmark)}
        out = ("--card", self.root / "card.json", "--outcomes", self.root / "outcomes.npz")
        weights = ("--weights", self.weights(config, model))
        options = [word for name, folder in folders.items() for word in ("--data", f"{name}={folder}")]
        self.run("evaluate", benchmark, "--spec", spec, *options, *weights, *out)

    def summarise(self, config: dict) -> None:
        """Write invented cards of the study's models; run summary, claims and the figures that the study has."""
        from results.synthetic_study import CLAIMS, THEORY_CLAIM, flat, metric_names, told, write_evaluation

        spec = specification(config)
        with tempfile.TemporaryDirectory(dir=self.root) as name:
            at = Path(name)
            for number, model in enumerate(told(spec).models):
                for benchmark in model.benchmarks:
                    names = metric_names(config["miniature"]["benchmarks"], benchmark)
                    write_evaluation(at / "evaluations", model, benchmark, names, flat, 0.01, number)
            (at / "theory_claims").write_text(f"{','.join(CLAIMS)}\n{THEORY_CLAIM}\n")
            common = ("--spec", spec, "--evaluations", at / "evaluations", "--card", at / "card")
            self.run("summary", *common, "--out", at / "summary", "--sweeps", at / "sweeps")
            tables = ("--theory", at / "theory_claims", "--out", at / "claims", "--differences", at / "differences")
            self.run("claims", *common, *tables, "--regime", at / "regime")
            made = {"summary", "sweeps", "theory_claims", "claims", "differences", "regime"}
            for figure in figures.figures(config).values():
                if figure.data or not made.issuperset(figure.reads):
                    continue
                settings = figures.told(config, figure)
                options = [] if settings is None else ["--spec", canonical(settings)]
                options += [word for read in figure.reads for word in (f"--{read.replace('_', '-')}", at / read)]
                self.run("figure", figure.name, *options, "--out", at / "figures", "--card", at / "card")

    def of(self, path: tuple, config: dict) -> None:
        """Run the steps that read a key of the miniature or of the theory."""
        if path[0] == "theory":
            for part in [path[1]] if len(path) > 1 else config["theory"]:
                self.theory(config, part)
            return
        models = plan.models(config)
        main = [model for model in models.values() if model.role == "main"]
        if path[0] != "miniature" or len(path) < 2:
            return
        if path[1] == "benchmarks" and len(path) > 2:
            if path[2] in main[0].benchmarks:
                self.evaluate(config, main[0], path[2])
        elif path[1] == "data":
            for dataset in DATASETS:
                self.world(config, "default", dataset)
            for benchmark in main[0].benchmarks:
                self.evaluate(config, main[0], benchmark)
        elif path[1] == "training":
            self.weights(config, models.get("basic_l2_eps0.5", main[-1]))
        elif path[1] == "bootstrap":
            self.evaluate(config, main[0], "waterbirds")
        if path[1] in ("replicates", "standard_models", "architectures", "budgets", "controls", "sweeps", "benchmarks"):
            self.summarise(config)


def affordable(path: tuple, value: object) -> bool:
    """Whether running this takes seconds here: sizes and numbers of a few times the usual are not tried."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) <= 64 or path[-1] == "seed" or isinstance(path[-1], int) or value < 1
    return not (isinstance(value, list) and len(value) > 20)


def planned_by_snakemake(config: dict, folder: Path) -> tuple[str, str]:
    """Return what a real dry run makes of a config (accepted, one line, several lines, traceback), and its output."""
    if not (folder / "Snakefile").exists():
        for name in ("workflow", "envs"):
            shutil.copytree(TESTS.parent / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(TESTS.parent / "Snakefile", folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [Path(sys.executable).parent / "snakemake", "-n", "--quiet", "all", "--cores", "1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    said = done.stdout + done.stderr
    if "Traceback" in said:
        return "traceback", said
    if done.returncode == 0:
        return "accepted", said
    return "one line" if said.count("error: ") == 1 and len(said.splitlines()) == 1 else "several lines", said


def main() -> None:
    """Print the counts and every fault."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=int, default=0, help="accepted mutations whose steps are run")
    parser.add_argument("--snakemake", type=int, default=0, help="mutations that go through a real dry run")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    accepted = []
    with tempfile.TemporaryDirectory() as folder:
        imagenet = Path(folder) / "ILSVRC"
        for split in ("train", "val"):
            (imagenet / split).mkdir(parents=True)
        for kind, path, value in mutations():
            verdict, said, full = judged(changed(kind, path, value, imagenet))
            counts[verdict] += 1
            if verdict == "fault":
                print(f"FAULT {kind} {'.'.join(map(str, path))} = {str(value)[:80]!r}\n{said}", flush=True)
            if full is not None and kind == "miniature" and affordable(path, value):
                accepted.append((path, value, full))
        print(f"{counts.total()} mutations: {dict(counts)}", flush=True)
        if arguments.snakemake:
            dry: Counter[str] = Counter()
            room = Path(folder, "study")
            room.mkdir()
            for kind, path, value in islice(mutations(), 0, None, -(-counts.total() // arguments.snakemake)):
                verdict, said = planned_by_snakemake(changed(kind, path, value, imagenet), room)
                dry[verdict] += 1
                if verdict in ("traceback", "several lines"):
                    print(
                        f"{verdict.upper()} {kind} {'.'.join(map(str, path))} = {str(value)[:80]!r}\n{said}", flush=True
                    )
            print(f"through snakemake -n: {dict(dry)}", flush=True)
        if arguments.run:
            outcomes: Counter[str] = Counter()
            steps = Steps(Path(folder))
            step = max(1, len(accepted) // arguments.run)
            for path, value, full in accepted[::step]:
                where = f"{'.'.join(map(str, path))} = {str(value)[:80]!r}"
                try:
                    steps.of(path, full)
                except TimeoutError:
                    outcomes["over a minute"] += 1
                    print(f"LONG {where}", flush=True)
                except (Exception, SystemExit):
                    outcomes["fault"] += 1
                    print(f"FAULT {where}\n{traceback.format_exc()}", flush=True)
                else:
                    outcomes["ended well"] += 1
            print(f"of {len(accepted)} accepted ones that are affordable, run: {dict(outcomes)}", flush=True)


if __name__ == "__main__":
    main()
