"""A step's code id changes exactly when the meaning of a module it reaches changes."""

import pytest

from tradeoffs.code_id import _closure, _read, code_id


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
    from tradeoffs.code_id import _ROOT

    reached = _closure(f"tradeoffs.benchmarks.{benchmark}", _ROOT).keys()
    others = {"rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet", "adversarial"} - {benchmark}
    assert not {f"tradeoffs.benchmarks.{other}" for other in others} & reached
    assert not {
        name for name in reached if name.startswith(("tradeoffs.results", "tradeoffs.theory", "tradeoffs.train"))
    }
    of_training = _closure("tradeoffs.train", _ROOT)
    assert not {name for name in of_training if ".benchmarks" in name or ".results" in name or ".theory" in name}
