"""A step's code id changes exactly when the meaning of a module it reaches changes."""

import ast
import os

import pytest

from tradeoffs.step.code_id import KEPT, _closure, _found, _kept, _read, _write, code_id, keep


@pytest.fixture
def package(tmp_path):
    root = tmp_path / "pack"
    (root / "sub").mkdir(parents=True)
    (root / "__init__.py").write_text('"""Package."""\n')
    (root / "sub/__init__.py").write_text("")
    (root / "step.py").write_text("from pack.sub import tool\n\n\ndef run():\n    return tool.f()\n")
    (root / "sub/tool.py").write_text("def f():\n    from pack.deep import g\n    return g()\n")
    (root / "deep.py").write_text("import os\n\n\ndef g():\n    return 1\n")
    (root / "unused.py").write_text("X = 1\n")
    return root


@pytest.fixture
def ids(package):
    def compute():
        forget()
        return code_id("pack.step", root=package)

    return compute


def forget():
    """Know as little as a process that has just begun."""
    _found.clear()
    for cached in (code_id, _closure, _read, _kept):
        cached.cache_clear()


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("step.py", "tool.f()", "tool.f() + 1"),
        ("sub/tool.py", "return g()", "return g() * 2"),
        ("deep.py", "return 1", "return 2"),  # imported inside a function
        ("sub/__init__.py", "", "Y = 1\n"),
    ],
)
def test_a_change_of_meaning_anywhere_below_changes_the_id(package, ids, file, old, new):
    before = ids()
    change(package / file, old, new)
    assert ids() != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("step.py", "def run():", "# why\ndef run():"),
        ("step.py", "    return", '    """What it does."""\n    return'),
        ("step.py", "\n\n\ndef", "\n\ndef"),
        ("deep.py", "return 1", "return (\n        1\n    )"),
        ("unused.py", "X = 1", "X = 2"),
    ],
)
def test_comments_docstrings_format_and_other_modules_do_not(package, ids, file, old, new):
    before = ids()
    change(package / file, old, new)
    assert ids() == before


def test_what_cannot_be_followed_is_refused(package, ids):
    change(package / "step.py", "from pack.sub import tool", "from .sub import tool")
    with pytest.raises(ValueError, match="relative import"):
        ids()
    with pytest.raises(ModuleNotFoundError):
        code_id("pack.nothing", root=package)


@pytest.mark.parametrize("benchmark", ["rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet"])
def test_the_import_graph_stays_narrow(benchmark):
    """What recomputation rests on: no benchmark reaches another, none reaches training, drawing or the summary."""
    from tradeoffs.step.code_id import _ROOT

    reached = _closure(f"tradeoffs.benchmarks.{benchmark}", _ROOT).keys()
    others = {"rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet", "adversarial"} - {benchmark}
    assert not {f"tradeoffs.benchmarks.{other}" for other in others} & reached
    assert not {
        name
        for name in reached
        if name.startswith(("tradeoffs.results", "tradeoffs.theory", "tradeoffs.training.train"))
    }
    of_training = _closure("tradeoffs.training.train", _ROOT)
    assert not {name for name in of_training if ".benchmarks" in name or ".results" in name or ".theory" in name}


STEP = "\n\n\ndef run():\n    return f()\n"


@pytest.mark.parametrize(
    "imported",
    ["from pack.sub.tool import f", "import pack.sub.tool", "import os, pack.sub.tool as tool", "import pack.sub"],
)
def test_parent_packages_count_however_a_module_is_imported(package, ids, imported):
    """Python runs their code too: ``import pack.sub.tool`` runs pack/__init__.py and pack/sub/__init__.py."""
    (package / "step.py").write_text(imported + STEP)
    for file in ("__init__.py", "sub/__init__.py"):
        before = ids()
        (package / file).write_text("LIMIT = 1\n" + (package / file).read_text())
        assert ids() != before, file
    before = ids()
    change(package / "sub/tool.py", "return g()", "return g() * 2")
    assert (ids() != before) == (imported != "import pack.sub")


@pytest.mark.parametrize("imported", ["import pack.deep", "from pack import deep", "import pack.deep as d, os"])
def test_a_module_is_followed_by_every_form_of_import(package, ids, imported):
    (package / "step.py").write_text(imported + STEP)
    before = ids()
    change(package / "deep.py", "return 1", "return 2")
    assert ids() != before


def test_a_name_that_is_no_module_is_not_followed(package, ids):
    (package / "step.py").write_text("from pack.deep import g\nimport other.deep" + STEP)
    ids()
    assert set(_closure("pack.step", package)) == {"pack", "pack.step", "pack.deep"}


@pytest.mark.parametrize("head", ["class A:", "async def run():", "class A:\n    class B:", "def run():\n    def g():"])
def test_docstrings_of_classes_and_nested_functions_do_not_count_and_other_strings_do(package, ids, head):
    indent = " " * (8 if "\n" in head else 4)
    source = f"{head}\n{indent}%s\n{indent}x = 'text'\n"
    found = []
    for statement in ("pass", '"""One."""\n' + indent + "pass", '"""Two."""\n' + indent + "pass", "'x' + 'y'"):
        (package / "step.py").write_text(source % statement)
        found.append(ids())
    assert found[0] == found[1] == found[2] != found[3]
    (package / "step.py").write_text((source % "pass").replace("text", "other"))
    assert ids() != found[0]


def test_a_second_string_and_a_bytes_literal_are_no_docstrings(package, ids):
    (package / "step.py").write_text('"""First."""\n"second"\n')
    first = ids()
    (package / "step.py").write_text('"""First."""\n"other"\n')
    assert ids() != first
    (package / "step.py").write_text("X = 1\n")
    first = ids()
    (package / "step.py").write_text('b"bytes"\nX = 1\n')
    assert ids() != first


def test_an_id_is_sixteen_hex_digits_and_depends_on_names_too(package, ids):
    first = ids()
    assert len(first) == 16
    assert int(first, 16) >= 0
    (package / "deep.py").rename(package / "deeper.py")
    change(package / "sub/tool.py", "pack.deep", "pack.deeper")
    assert ids() != first


def test_a_package_of_the_same_name_as_a_module_comes_first(package, ids):
    (package / "deep").mkdir()
    (package / "deep/__init__.py").write_text("def g():\n    return 3\n")
    before = ids()
    change(package / "deep.py", "return 1", "return 2")
    assert ids() == before
    change(package / "deep/__init__.py", "return 3", "return 4")
    assert ids() != before


# ----------------------------------------------------------------------------------- the same under every Python

SYNTAX = r"""
f"{x}" "" f"{y}" "" f"a" "b" f"{z!r:>{w}.{p}}" "c" rf"\d{q=}" f"{{}}" f"{a:%H:%M}" f"{a!s:{b}{c}}t" f"{a:}"
u"abc"; b"\xff\x00"; 1e400; 1e-7; 0.1; 1_000; 0x1F; 3j; ...; True
s = "\U0001fae8 \ud800 \x7f é"
match x:
    case None: pass
    case False: pass
    case {"a": 1, **r}: pass
    case P(1, y=2): pass
    case [*_, -1 | 2]: pass
def f(a, /, b: int = 1, *c, d, e=None, **g) -> None: return lambda *, k: k
async def h():
    async with a as b, c: await d
    return [i async for i in j if k]
{**a, "b": 1}; x[1:2, ...]; x[*a]; print(*a, **b)
try: pass
except* E as e: raise X from e
import a.b as c, d
from e import (f, g as h)
class C(B, metaclass=M):
    x: int
    (z): int = 2
global q
x = not -a; (n := 1)
"""


def meaning(source):
    written = []
    _write(source if isinstance(source, ast.AST) else ast.parse(source), written, [])
    return "".join(written)


def test_an_id_is_the_same_under_every_python(package, ids):
    """What is hashed was the same under 3.11 to 3.15 with this very source, which holds what they show differently."""
    (package / "step.py").write_text(SYNTAX, encoding="utf-8")
    assert ids() == "d14fb5a1c9df18b9"


def test_fields_that_a_version_of_python_adds_do_not_count_until_they_are_used():
    """As 3.12 (type parameters), 3.14 and 3.15 (lazy imports) read the code of before."""
    for source, field, empty, used in [
        ("def f(): pass", "type_params", [], [ast.Name("T")]),
        ("class C: pass", "type_params", [], [ast.Name("T")]),
        ("import a", "is_lazy", 0, 1),
        ("from a import b", "is_lazy", 0, 1),
    ]:
        before = meaning(source)
        tree = ast.parse(source)
        node = tree.body[0]
        if field not in type(node)._fields:
            later = type(type(node).__name__, (type(node),), {"_fields": (*type(node)._fields, field)})
            node = tree.body[0] = later(**{name: getattr(node, name, None) for name in node._fields}, lineno=1)
        for value, counts in ((empty, False), (used, True)):
            setattr(node, field, value)
            assert (meaning(tree) != before) == counts, (source, field, value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 1", "x = '1'"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = 0"),
        ("x = 0", "x = ''"),
        ("x = 0.0", "x = -0.0"),
        ("from a import b", "from a import b as c"),
        ("import a, b", "import a.b"),
        ("global a, b", "global ab"),
        ("f(*a)", "f(a)"),
        ("f(*a)", "f(**a)"),
        ("{**a}", "{a: a}"),
        ("{None: a}", "{**a}"),
        ("def f(*, a, b=1): pass", "def f(*, a=1, b): pass"),
        ("[a for a in b]", "[a async for a in b]"),
        ("a: int", "(a): int"),
        ("f'{a}b'", "f'{a!r}b'"),
        ("f'{a}b'", "f'b{a}'"),
        ("f'{a}{b}'", "f'{a} {b}'"),
        ("f'{a:b}'", "f'{a}'"),
        ("f'x'", "'x'"),
        ("a[b, c]", "a[b][c]"),
        ("x < y < z", "x < y > z"),
        ("del x", "x"),
        ("match x:\n case None: y", "match x:\n case False: y"),
        ("if a:\n b\nelse:\n c", "if a:\n b\n c"),
        ("try:\n a\nexcept b:\n c", "try:\n a\nexcept* b:\n c"),
        ("def f(): a", "async def f(): a"),
    ],
)
def test_what_means_something_else_is_written_otherwise(one, other):
    assert meaning(one) != meaning(other)


@pytest.mark.parametrize(
    ("one", "other"), [("x = 0x10", "x = 1_6"), ("x = u'a'", 'x = "a"'), ("f'a' 'b{c}' f'{c}'", "f'ab{{c}}{c}'")]
)
def test_spelling_does_not_count(one, other):
    assert meaning(one) == meaning(other)


@pytest.fixture
def parsed(monkeypatch, tmp_path):
    """Return a list that grows by every file that is parsed, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    found, parse = [], ast.parse
    monkeypatch.setattr(ast, "parse", lambda source, filename: found.append(filename) or parse(source, filename))
    yield found
    forget()


def test_what_a_run_has_read_the_next_does_not_parse_again_and_what_changed_it_does(package, ids, parsed):
    before = ids()
    keep()
    parsed.clear()
    assert ids() == before
    assert parsed == []
    change(package / "deep.py", "return 1", "return 2")
    assert ids() != before
    assert parsed == [str(package / "deep.py")]


def keep_of(ids):
    ids()
    keep()


@pytest.mark.parametrize(
    "left", ["", "{", "[]", "null", '{"a": 1}', '{"a": [1]}', '{"a": [["b"], "c", "d"]}', "\udcff", '{"a": null}']
)
def test_what_is_no_record_of_meanings_is_not_believed(package, ids, parsed, left):
    before = ids()
    KEPT.parent.mkdir()
    KEPT.write_bytes(left.encode(errors="surrogateescape"))
    assert ids() == before
    keep()
    parsed.clear()
    assert ids() == before
    assert parsed == []


def test_a_pipe_in_the_place_of_the_record_is_not_waited_for(package, ids, parsed):
    KEPT.parent.mkdir()
    os.mkfifo(KEPT)
    ids()
    assert parsed


def test_a_record_of_another_way_of_reading_is_not_used(package, ids, parsed, monkeypatch):
    keep_of(ids)
    parsed.clear()
    monkeypatch.setattr("tradeoffs.step.code_id._own_source", lambda: b"another")
    ids()
    assert parsed


def test_where_nothing_can_be_written_every_process_reads_for_itself(package, ids, parsed):
    KEPT.parent.write_text("a file in the place of the folder")
    before = ids()
    keep()
    assert ids() == before
