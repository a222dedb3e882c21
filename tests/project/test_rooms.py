"""The house: each room imports only from those that CONTRIBUTING.md tells before it; tests stand as the code does."""

import ast
import re
import subprocess
from collections import Counter
from graphlib import TopologicalSorter

import yaml

from project_root import ROOT

PACKAGE = ROOT / "workflow/tradeoffs"
TESTS = ROOT / "tests"
ROOMS = re.findall(r"^\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
KINDS = ["lint", "unit", "slow", "workflow", "replica", "slurm"]
NOT_OF_A_ROOM = {"project", "workflow", "replica", "slurm", "gpu", "mutation"}


def modules():
    """Return the package's modules by their dotted names."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in paths}


def imports():
    """Return the imports from module to module, wherever in a file they stand."""
    known = {name.removesuffix(".__init__"): path for name, path in modules().items()}
    arrows = set()
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Import():
                    imported = [alias.name for alias in node.names]
                case ast.ImportFrom():
                    imported = [f"{node.module}.{alias.name}" for alias in node.names]
                    imported = [each if each in known else node.module for each in imported]
                case _:
                    continue
            arrows |= {(name, each) for each in imported if each in known and each != name}
    return arrows


def room(module):
    return module.split(".")[1] if "." in module else ""


def test_every_module_stands_in_a_room():
    at_the_top = {path.name for path in PACKAGE.glob("*.py")}
    assert at_the_top <= {"__init__.py", "__main__.py"}
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.glob("*.py"))} == set(ROOMS)
    assert len(ROOMS) == len(set(ROOMS)) > 10


def test_rooms_import_only_from_rooms_before_them():
    place = {name: index for index, name in enumerate(ROOMS)}
    inner = [(a, b) for a, b in imports() if room(a) in place]
    assert len(inner) > 200
    upward = [f"{a} imports {b}" for a, b in sorted(inner) if place.get(room(b), len(ROOMS)) > place[room(a)]]
    assert not upward, upward


def test_no_module_imports_itself_by_a_way_round():
    graph = {}
    for a, b in imports():
        graph.setdefault(a, set()).add(b)
    assert tuple(TopologicalSorter(graph).static_order())  # CycleError names the circle


def test_tests_stand_as_the_code_does():
    assert not list(TESTS.glob("test_*.py"))
    folders = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    assert folders - NOT_OF_A_ROOM <= set(ROOMS)


def test_no_two_test_files_have_one_name():
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert not [name for name, count in names.items() if count > 1]


def test_what_conftest_calls_slow_is_there(request):
    (conftest,) = [each for each in request.config.pluginmanager.get_plugins() if hasattr(each, "SLOW")]
    assert [name for name in conftest.SLOW if not (TESTS / name).is_file()] == []


def test_every_test_has_one_kind(request):
    kinds = [{mark.name for mark in item.iter_markers()} & set(KINDS) for item in request.session.items]
    assert {len(found) for found in kinds} == {1}


def test_ci_runs_every_kind():
    """``.ci/run KIND`` for each, and no other word; ``slow`` goes with ``unit``."""
    done = subprocess.run([ROOT / ".ci/run", "?"], capture_output=True, text=True)
    assert (done.returncode, re.findall(r"\[(.*)\]", done.stderr)) == (2, ["|".join(k for k in KINDS if k != "slow")])
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yaml").read_text())["jobs"]
    assert {*ci["tests"]["strategy"]["matrix"]["kind"], "slurm", "slow"} == set(KINDS)
    assert ci["slurm"]["steps"][-1]["run"].endswith("/run slurm")
