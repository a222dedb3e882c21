"""A step's code id changes exactly when the meaning of a module it reaches changes."""

import pytest

from tradeoffs.step.code_id import _closure, _read, code_id


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
        for cached in (code_id, _closure, _read):
            cached.cache_clear()
        return code_id("pack.step", package)

    return compute


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
        code_id("pack.nothing", package)


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
