"""``import tradeoffs``: what it offers, and that it costs nothing before it is used."""

import subprocess
import sys

import pytest

import tradeoffs
from project_root import ROOT
from tradeoffs.step import code_id, declared_benchmarks, declared_data

PUBLIC = {"InputError", "benchmarks", "compare", "data", "evaluate", "models"}


def test_importing_it_imports_no_library():
    code = "import sys; import tradeoffs; found = {name.partition('.')[0] for name in sys.modules}; "
    code += "print(found - set(sys.stdlib_module_names))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert eval(done.stdout) == {"__main__", "tradeoffs"}


def test_what_it_offers_can_be_found_and_says_what_it_is():
    assert set(dir(tradeoffs)) == set(tradeoffs.__all__) == PUBLIC
    assert all(getattr(tradeoffs, name).__doc__ for name in PUBLIC)
    with pytest.raises(AttributeError, match="has no attribute 'evaluat'"):
        tradeoffs.evaluat  # noqa: B018


def test_lists_are_tables_of_what_there_is_and_needs_and_rooms_stay_modules():
    import tradeoffs.benchmarks.waterbirds
    import tradeoffs.data.waterbirds

    listed = tradeoffs.benchmarks()
    assert list(listed.benchmark) == list(declared_benchmarks.benchmarks())
    assert dict(zip(listed.benchmark, listed["needs of the network"], strict=True))["waterbirds"] == "features"
    assert list(tradeoffs.data()["data set"]) == list(declared_data.data())
    assert {"torchvision/<name>[.<weights>]", "timm/<name>[.<weights>]"} <= set(tradeoffs.models().model)
    assert tradeoffs.benchmarks.waterbirds.GROUPS[0] == "landbird_on_land"
    assert tradeoffs.data.waterbirds.SPLITS == ("train", "val", "test")


def test_no_step_of_the_workflow_depends_on_it():
    """Or a change of it would make every result stale."""
    for module in ("tradeoffs.benchmarks.evaluate", "tradeoffs.training.train", "tradeoffs.claims.command"):
        reached = code_id._closure(module, code_id._ROOT)
        assert "tradeoffs" in reached
        assert not [name for name in reached if name.startswith("tradeoffs.api")]
