"""What a step imports before it does anything: the slow libraries that it needs, and no other."""

import ast
from functools import cache

import pytest

from project_root import ROOT
from tradeoffs.runner import commands, signatures

PACKAGE = ROOT / "workflow/tradeoffs"
SLOW = {
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "PIL",
    "skimage",
    "sklearn",
    "mlxtend",
}
SLOW |= {"snakemake", "psutil", "jsonschema", "requests"}
# Of the steps of a verb, all parts together. What is only sometimes needed is imported where it is.
STEPS = {
    "train": {"torch", "numpy", "PIL"},
    "evaluate": {"torch", "numpy", "scipy", "PIL", "jsonschema"},
    "convert": {"torch", "numpy"},
    "download": {"numpy"},
    "unpack": {"numpy"},
    "assemble": set(),
    "fingerprint": set(),
    "fetch": {"PIL", "numpy"},
    "miniature": {"numpy", "PIL"},
    "summary": {"numpy"},
    "look": {"numpy", "scipy"},
    "claims": {"numpy", "scipy"},
    "published": {"pandas"},
    "missing": set(),
    "reference": set(),
    "figure": {"numpy", "pandas", "matplotlib", "PIL", "scipy"},  # pictures of sweeps show effects and their intervals
    "theory": {"numpy", "scipy", "torch", "matplotlib"},  # pgd attacks, model draws
    "examples": {"torch", "numpy", "scipy", "PIL", "jsonschema"},
    "page": {"numpy", "scipy"},
    "show": {"torch", "numpy", "scipy", "PIL", "jsonschema"},
    "compare": {"torch", "numpy", "scipy", "jsonschema"},
    "list": set(),
    "cost": {"psutil", "jsonschema"},
}
WITHOUT_TORCH = ("step", "acquisition", "data", "miniature", "results", "claims", "figures", "study", "runner")


@cache
def imported(name):
    """Return the modules that a module of the package imports as it is imported itself, by name."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    path = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
    if not path.is_file():
        return frozenset()
    found = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def slow_of(*modules):
    """Return the slow libraries that modules, below ``tradeoffs``, and all they import, bring with them."""
    queue, seen, slow = [f"tradeoffs.{module}" for module in modules], set(), set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        if (library := name.partition(".")[0]) != "tradeoffs":
            slow |= {library} & SLOW
            continue
        queue += [*imported(name), *(name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1))]
    return slow


def modules_of(verb):
    """Return the modules of a verb's steps."""
    facts = commands.VERBS[verb]
    places = {
        "evaluate": "benchmarks.{}",
        "convert": "models.sources.{}",
        "miniature": "miniature.{}",
    }
    parts = [places[verb].format(part) for part in commands.parts(verb)] if verb in places else []
    if verb == "theory":
        parts = [f"theory.{path.stem}" for path in (PACKAGE / "theory").glob("*.py") if path.stem != "__init__"]
    if verb == "figure":
        parts = [f"figures.{path.stem}" for path in (PACKAGE / "figures").glob("*.py") if path.stem != "__init__"]
    return [facts.module, *parts]


def test_every_verb_is_held():
    assert commands.VERBS.keys() <= STEPS.keys()


@pytest.mark.parametrize("verb", commands.VERBS)
def test_a_step_imports_the_slow_libraries_that_it_needs_and_no_other(verb):
    assert slow_of(*modules_of(verb)) == STEPS[verb]


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_rooms_that_compute_no_network_import_no_torch(room):
    modules = [f"{room}.{path.stem}" for path in (PACKAGE / room).glob("*.py") if path.stem != "__init__"]
    assert len(modules) > 4
    assert "torch" not in slow_of(*modules)


def test_what_a_dry_run_and_help_read_is_light():
    assert slow_of("cost.short", "runner.listing", "runner.commands", "study.plan") <= {"jsonschema"}
    assert not slow_of("training.work", "compute.work", *(f"benchmarks.work.{n}" for n in commands.parts("evaluate")))
    assert not slow_of("runner.signatures")
    assert signatures.ROOT == PACKAGE
