"""What the tests notice: single changes in the modules that decide results, one at a time, and the tests run on each.

    uv run python tests/mutation/run.py --modules benchmarks/noise attacks/pgd --count 40 --seed 1

prints for each change its place, what was changed, and whether a test fails; then the share noticed, in percent. A line
that is not noticed is a missing test, or a change that makes no difference (an equivalent): read it. Without
``--modules`` the changes are drawn from all modules of ``TESTS``; a folder stands for what is in it. The checkout is
never written to: everything happens in a copy. Takes a run of the tests concerned, to learn which of them reaches which
line, and then a few seconds for each change; two runs with the same seed on the same code draw the same changes.
"""

import argparse
import ast
import contextlib
import copy
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import coverage
import pytest

from project_root import ROOT

PACKAGE = "workflow/tradeoffs"
# Module or folder below the package -> the tests that concern it; the longest that fits counts.
TESTS = {
    "acquisition": ["tests/acquisition"],
    "attacks": ["tests/attacks"],
    "benchmarks": ["tests/benchmarks"],
    "claims": ["tests/claims"],
    "compute": ["tests/compute", "tests/benchmarks"],
    "data": ["tests/data", "tests/benchmarks/test_traps.py", "tests/benchmarks/test_parity.py"],
    "figures": ["tests/figures"],
    "miniature": ["tests/miniature"],
    "models": ["tests/models"],
    "results": ["tests/results"],
    "runner": ["tests/runner"],
    "step": ["tests/step"],
    "study": ["tests/study"],
    "theory": ["tests/theory"],
    "training": ["tests/training"],
}
UNDECIDING = ("figures",)
# Imported once, before the runs are forked; none of them is of this project.
WARM = [
    *("torch", "torchvision", "numpy", "scipy.optimize", "scipy.special", "scipy.stats", "pandas", "PIL.Image", "yaml"),
    *("jsonschema", "tqdm", "sklearn.datasets", "sklearn.linear_model", "matplotlib.figure"),
]
SECONDS = 60.0  # of tests run on a change, the quickest first, by their time without it

SWAPPED: dict[type[ast.AST], list[type[ast.AST]]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.FloorDiv],
    ast.Pow: [ast.Mult],
    ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}
OPPOSITE = {
    one: other
    for pair in (
        ("min", "max"),
        ("amin", "amax"),
        ("argmin", "argmax"),
        ("minimum", "maximum"),
        ("any", "all"),
        ("zeros", "ones"),
        ("zeros_like", "ones_like"),
        ("floor", "ceil"),
        ("mean", "sum"),
    )
    for one, other in (pair, pair[::-1])
}
SYMMETRIC = {"min", "max", "minimum", "maximum", "isinstance", "array_equal", "equal", "allclose", "intersect1d"}
CONSTANTS = {"bool": [True, False], "int": [0], "float": [0.0], "str": [""]}


class Change(NamedTuple):
    """One change: where it stands, what it reads, and the whole changed source."""

    path: str  # below the project
    line: int
    what: str
    source: str
    everywhere: bool  # outside of all functions, so that whoever imports the module runs it


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modules", nargs="+", default=sorted(TESTS), help="modules or folders below tradeoffs")
    parser.add_argument("--count", type=int, default=100, help="changes to try")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    parser.add_argument("--only", help="every change of one line instead, as in `noise.py:22`")
    arguments = parser.parse_args()
    paths = modules(arguments.modules)
    drawn = draw(paths, arguments.count, arguments.seed, arguments.only)
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        project = Path(folder) / "project"
        copy_project(project)
        outcomes = []
        for tests in sorted({tuple(tests_of(change.path)) for change in drawn}):
            concerned = [change for change in drawn if tuple(tests_of(change.path)) == tests]
            known = learn(project, list(tests), {str(project / change.path) for change in concerned})
            outcomes += [attempt(project, change, known) for change in concerned]
    summarise(outcomes)


def modules(wanted: list[str]) -> list[str]:
    """Return the files of modules and folders, as paths below the project."""
    found: set[str] = set()
    for name in wanted:
        base = ROOT / PACKAGE / name.removeprefix(f"{PACKAGE}/").removesuffix(".py")
        if not base.is_dir() and not base.with_suffix(".py").is_file():
            sys.exit(f"--modules: {name} is no module or folder of {PACKAGE}")
        below = sorted(base.rglob("*.py")) if base.is_dir() else [base.with_suffix(".py")]
        found |= {str(path.relative_to(ROOT)) for path in below if path.name not in ("__init__.py", "__main__.py")}
    return sorted(path for path in found if not path.startswith(tuple(f"{PACKAGE}/{name}" for name in UNDECIDING)))


def tests_of(path: str) -> list[str]:
    """Return the tests that concern a module."""
    parts = Path(path).relative_to(PACKAGE).with_suffix("").parts
    for length in range(len(parts), 0, -1):
        if (name := "/".join(parts[:length])) in TESTS:
            return TESTS[name]
    sys.exit(f"{path}: no tests are known for it; add it to TESTS in {Path(__file__).name}")


def draw(paths: list[str], count: int, seed: int, only: str | None) -> list[Change]:
    """Return ``count`` changes: places drawn evenly over all places in the files, and one change at each."""
    places = [place for path in paths for place in changes(path)]
    if only is not None:
        return [change for place in places for change in place if f"{change.path}:{change.line}".endswith(only)]
    chooser = random.Random(seed)
    chosen = chooser.sample(places, min(count, len(places)))
    return sorted(chooser.choice(place) for place in chosen)


def copy_project(target: Path) -> None:
    """Copy what git tracks, as it stands in the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def changes(path: str) -> Iterator[list[Change]]:
    """Yield the places of a file that can be changed, each as the list of its changes."""
    source = (ROOT / path).read_text()
    tree = ast.parse(source)
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    imported = {alias.asname or alias.name.split(".")[0] for node in imports for alias in node.names}
    for node, everywhere in places(tree):
        found = []
        before = shown(node)
        for replacement in replacements(node, imported):
            whole = substituted(tree, node, replacement)
            what = f"{before} -> {shown(replacement) if replacement is not None else '(nothing)'}"
            whole_function = isinstance(node, ast.FunctionDef)
            line = node.body[-1].lineno if whole_function else node.lineno
            found.append(Change(path, line, what, whole, everywhere and not whole_function))
        if found:
            yield found


def places(tree: ast.Module) -> Iterator[tuple[Any, bool]]:
    """Yield nodes that decide something, and whether they are run at import: no docstring, annotation, or message."""
    reassigned: set[int] = set()

    def visit(node: ast.AST, everywhere: bool, seen: set[str]) -> Iterator[tuple[Any, bool]]:
        if isinstance(node, ast.Raise):
            yield node, everywhere
            return
        called = node.value if isinstance(node, ast.Expr) else node
        if isinstance(called, ast.Call) and isinstance(called.func, ast.Name) and called.func.id in ("print", "cast"):
            return
        if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom):
            return
        if isinstance(node, ast.If) and ast.unparse(node.test).startswith("__name__"):
            return
        if isinstance(node, ast.FunctionDef) and node.name == "main":
            return
        if isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if names and names <= seen:
                reassigned.add(id(node))
            seen |= names
        if hasattr(node, "lineno"):
            yield node, everywhere
        inner, inside = everywhere, seen
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "type_params", "decorator_list"):
                continue
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                inner, inside = (everywhere, seen) if field == "args" else (False, set(arguments_of(node)))
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visit(child, inner, inside)

    for node, everywhere in visit(tree, True, set()):
        first = isinstance(node, ast.Assign) and id(node) not in reassigned
        if not (first and isinstance(node.targets[0], ast.Name | ast.Tuple)):
            yield node, everywhere


def arguments_of(node: ast.FunctionDef | ast.Lambda) -> list[str]:
    """Return the names of a function's arguments."""
    return [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def replacements(node: Any, imported: set[str]) -> Iterator[ast.AST | None]:
    """Yield what a node is changed to; None: the statement is dropped. ``imported``: names of modules."""

    def changed(**fields: Any) -> ast.AST:
        new = copy.copy(node)
        for name, value in fields.items():
            setattr(new, name, value)
        return new

    match node:
        case ast.Compare():
            for i, operator in enumerate(node.ops):
                for other in SWAPPED.get(type(operator), []):
                    yield changed(ops=[*node.ops[:i], other(), *node.ops[i + 1 :]])
        case ast.BinOp(op=ast.Div(), right=ast.Constant(value=str()) | ast.JoinedStr()):
            return  # of a path
        case ast.BinOp() | ast.AugAssign():
            for other in SWAPPED.get(type(node.op), []):
                yield changed(op=other())
            if isinstance(node, ast.AugAssign):
                yield None
        case ast.BoolOp():
            yield changed(op=SWAPPED[type(node.op)][0]())
            for i in range(len(node.values)):
                rest = [*node.values[:i], *node.values[i + 1 :]]
                yield rest[0] if len(rest) == 1 else changed(values=rest)
        case ast.UnaryOp():
            yield node.operand
        case ast.Constant(value=bool()):
            yield changed(value=not node.value)
        case ast.Constant(value=int()):
            yield changed(value=node.value + 1)
            yield changed(value=node.value - 1)
        case ast.Constant(value=float()):
            yield changed(value=2 * node.value + 0.5 * (node.value == 0))
            yield changed(value=0.5 * node.value - 0.5 * (node.value == 0))
        case ast.Call():
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            starred = any(isinstance(argument, ast.Starred) for argument in node.args[:2])
            if len(node.args) > 1 and not starred and called not in SYMMETRIC:
                yield changed(args=[node.args[1], node.args[0], *node.args[2:]])
            for i, keyword in enumerate(node.keywords):
                if keyword.arg is not None:
                    yield changed(keywords=[*node.keywords[:i], *node.keywords[i + 1 :]])
            for i, (one, other) in enumerate(zip(node.keywords, node.keywords[1:], strict=False)):
                if one.arg is not None and other.arg is not None:
                    swapped = [ast.keyword(one.arg, other.value), ast.keyword(other.arg, one.value)]
                    yield changed(keywords=[*node.keywords[:i], *swapped, *node.keywords[i + 2 :]])
            match node.func:
                case ast.Name(id=name) if name in OPPOSITE and node.args:
                    yield changed(func=ast.Name(OPPOSITE[name]))
                case ast.Attribute(attr=name, value=owner):
                    if name in OPPOSITE:
                        yield changed(func=ast.Attribute(owner, OPPOSITE[name]))
                    if not set(ast.unparse(owner).split(".")[:1]) & imported and name != "__init__":
                        yield owner
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.If() | ast.While():
            yield changed(test=ast.Constant(isinstance(node, ast.If) and not node.orelse))
            if isinstance(node, ast.If):
                yield changed(test=ast.Constant(False))
        case ast.Subscript(slice=ast.Name() | ast.Attribute() | ast.BinOp()) if isinstance(node.ctx, ast.Load):
            yield changed(slice=ast.BinOp(node.slice, ast.Sub(), ast.Constant(1)))
        case ast.Slice():
            for name in ("lower", "upper"):
                if (bound := getattr(node, name)) is not None:
                    yield changed(**{name: ast.BinOp(bound, ast.Add(), ast.Constant(1))})
                    yield changed(**{name: None})
        case ast.comprehension(ifs=[_, *rest]):
            yield changed(ifs=rest)
        case ast.FunctionDef(returns=ast.Name(id=kind)) if kind in CONSTANTS:
            for value in CONSTANTS[kind]:
                yield changed(body=[ast.Return(ast.Constant(value))])
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Break() | ast.Continue() | ast.Assign():
            yield None


def substituted(tree: ast.Module, node: ast.AST, replacement: ast.AST | None) -> str:
    """Return the source of the tree with one node replaced, or with one statement dropped."""

    class Substitution(ast.NodeTransformer):
        def visit(self, candidate: ast.AST) -> ast.AST:
            if candidate is node:
                return ast.Pass() if replacement is None else replacement
            # The tree is shared by all changes of a file: what lies above the node is copied, never written to.
            new = copy.copy(candidate)
            for field, value in ast.iter_fields(candidate):
                if isinstance(value, list):
                    setattr(new, field, [self.visit(item) if isinstance(item, ast.AST) else item for item in value])
                elif isinstance(value, ast.AST):
                    setattr(new, field, self.visit(value))
            return new

    return ast.unparse(ast.fix_missing_locations(Substitution().visit(tree)))


def shown(node: ast.AST) -> str:
    """Return a node's source in one line, shortened."""
    if isinstance(node, ast.FunctionDef):
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        text = f"def {node.name}: {' '.join(ast.unparse(statement) for statement in body)}"
    elif isinstance(node, ast.If | ast.While):
        text = f"if {ast.unparse(node.test)}: ..."
    elif isinstance(node, ast.comprehension):
        text = ast.unparse(node)
    else:
        text = ast.unparse(node)
    text = " ".join(text.split())
    return text if len(text) <= 100 else f"{text[:97]}..."


class Known(NamedTuple):
    """What a run without any change taught: per test its seconds and lines, and the folders that fixtures built."""

    seconds: dict[str, float]
    lines: dict[str, set[str]]  # file:line, of the modules to be changed
    folders: dict[str, str]  # of session fixtures that return a path
    building: dict[str, set[str]]  # the lines that took part in building it


def learn(project: Path, tests: list[str], files: set[str]) -> Known:
    """Run the tests on the unchanged copy and note which lines each reaches. Ends the program where nothing passes."""
    report = project.parent / "known.json"
    print(f"running {' '.join(tests)} without any change", flush=True)
    status = forked(project, [*tests, f"--basetemp={project.parent / 'base'}"], Learner(files, report), 3600)
    if status is None or not report.is_file():
        sys.exit(f"the tests did not end by themselves; their output: {output(project)}")
    written = json.loads(report.read_text())
    if written["failed"]:
        print("left out, since they fail without any change: " + ", ".join(written["failed"]))
    return Known(
        written["seconds"],
        {test: set(lines) for test, lines in written["lines"].items()},
        written["folders"],
        {name: set(lines) for name, lines in written["building"].items()},
    )


class Learner:
    """Plugin: notes seconds and lines of each test that passes."""

    def __init__(self, files: set[str], report: Path) -> None:
        self.files, self.report = sorted(files), report
        self.seconds: dict[str, float] = {}
        self.folders: dict[str, str] = {}
        self.failed: list[str] = []
        self.running = [""]
        self.coverage = coverage.Coverage(data_file=None, config_file=False, include=self.files, messages=False)
        self.coverage.start()

    @contextlib.contextmanager
    def noting(self, context: str) -> Iterator[None]:
        self.running.append(context)
        self.coverage.switch_context(context)
        try:
            yield
        finally:
            self.running.pop()
            self.coverage.switch_context(self.running[-1])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        with self.noting(f"call {item.nodeid}"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        # What a fixture computed once is shared by all tests of its file.
        name = fixturedef.argname
        with self.noting(f"fixture {name} {request.node.nodeid.split('::')[0]}"):
            value = yield
        if fixturedef.scope == "session" and isinstance(value, Path):
            self.folders[name] = str(value)
        return value

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.seconds[report.nodeid] = report.duration
        elif report.failed:
            self.failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        lines: dict[str, list[str]] = {test: [] for test in self.seconds if test not in self.failed}
        building: dict[str, list[str]] = {name: [] for name in self.folders}
        for file in self.files:
            for line, contexts in data.contexts_by_lineno(file).items():
                for kind, name, *rest in (context.split(" ", 2) for context in contexts if context):
                    if kind == "fixture":
                        reaching = [test for test in lines if test.split("::")[0] == rest[0] or not rest[0]]
                        building.get(name, []).append(f"{file}:{line}")
                    else:
                        whole = " ".join([name, *rest])
                        reaching = [whole] if whole in lines else []
                    for test in reaching:
                        lines[test].append(f"{file}:{line}")
        seconds = {test: self.seconds[test] for test in lines}
        known = {"seconds": seconds, "lines": lines, "folders": self.folders, "building": building}
        self.report.write_text(json.dumps(known | {"failed": self.failed}))


class Reuse:
    """Plugin: gives folders that fixtures built before, and notes the first test that fails."""

    def __init__(self, folders: dict[str, str], report: Path) -> None:
        self.folders, self.report = folders, report

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        if fixturedef.scope != "session" or fixturedef.argname not in self.folders:
            return None
        value = Path(self.folders[fixturedef.argname])
        fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
        return value

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.report.write_text(report.nodeid)


def attempt(project: Path, change: Change, known: Known) -> str:
    """Run the tests that reach a change, the quickest first; print and return what came of it."""
    place = f"{project / change.path}:{change.line}"
    reaching = [test for test, lines in known.lines.items() if change.everywhere or place in lines]
    reaching.sort(key=known.seconds.__getitem__)
    chosen, total = [], 0.0
    for test in reaching:
        total += known.seconds[test]
        if total <= SECONDS:
            chosen.append(test)
    outcome, why, started = "not noticed", "no test reaches it", time.perf_counter()
    if chosen:
        # Whatever took part in building a folder is built again.
        own = {} if change.everywhere else known.folders
        folders = {name: path for name, path in own.items() if place not in known.building[name]}
        original, report = (project / change.path).read_text(), project.parent / "failed.txt"
        report.unlink(missing_ok=True)
        (project / change.path).write_text(change.source)
        try:
            arguments = ["-x", *chosen, f"--basetemp={project.parent / 'tmp'}"]
            status = forked(project, arguments, Reuse(folders, report), 240)
        finally:
            (project / change.path).write_text(original)
        outcome = "timeout" if status is None else "noticed" if status else "not noticed"
        why = report.read_text() if report.is_file() else "no test can be run" if status else ""
        why = why or f"by {len(chosen)} tests of {len(reaching)} that reach it"
    took = time.perf_counter() - started
    print(f"{change.path}:{change.line}: {change.what}: {outcome} ({why}, {took:.0f} s)", flush=True)
    return outcome


def forked(project: Path, arguments: list[str], plugin: Any, limit: float) -> int | None:
    """Run pytest in a fork, in the copy: its exit status, or None where it had to be ended."""
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        status = 70
        try:
            with (project.parent / "output.txt").open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.chdir(project)
            os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
            sys.dont_write_bytecode = True  # its time stamps are too coarse to tell two changes apart
            sys.path.insert(0, str(project / "workflow"))
            importlib.invalidate_caches()
            status = pytest.main(["-q", "-n0", "-p", "no:cacheprovider", *arguments], plugins=[plugin])
            found = sys.modules.get("tradeoffs")
            if found is not None and not Path(str(found.__file__)).is_relative_to(project):
                status = 71
        finally:
            sys.stdout.flush()
            os._exit(int(status))
    while time.monotonic() - started < limit:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if code == 71:
                sys.exit("the tests import another copy of the package than the changed one")
            return code
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def output(project: Path) -> str:
    """Return the end of what the last run printed."""
    return (project.parent / "output.txt").read_text()[-2000:]


def summarise(outcomes: list[str]) -> None:
    """Print the share noticed; a run that had to be ended counts as noticed."""
    noticed = sum(outcome != "not noticed" for outcome in outcomes)
    ended = outcomes.count("timeout")
    share = 100 * noticed / max(1, len(outcomes))
    print(f"{len(outcomes)} changes: {noticed} noticed ({ended} of them by the time limit): {share:.0f} %")


if __name__ == "__main__":
    main()
