"""The examples of docs/guides/python.md, run one after the other on the miniature's data."""

import re
import shlex
import warnings

import numpy as np
import pytest

from project_root import ROOT
from tradeoffs.runner import commands
from tradeoffs.step.command import parser

TEXT = (ROOT / "docs/guides/python.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def names(miniature, tmp_path_factory):
    """What the examples leave, by name."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "world").symlink_to(miniature)
    found = {}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # TorchScript is deprecated
        patch.chdir(folder)
        for number, block in enumerate(blocks("python")):
            exec(compile(block, f"python.md, block {number}", "exec"), found)
    return found


def test_every_way_of_giving_a_network_is_evaluated(names):
    for name in ("result", "of_library", "of_timm", "of_file", "of_script", "by_layer", "by_function", "quick"):
        assert len(names[name].table) == (1 if name.startswith("of_") else 7), name
    assert names["of_file"].card["metrics"] == names["of_library"].card["metrics"]
    assert names["by_layer"].card["metrics"] == names["result"].card["metrics"]
    assert names["by_function"].card["metrics"] == names["result"].card["metrics"]
    assert names["quick"].card["spec"]["bootstrap"] == 200
    assert np.isin(names["result"].outcomes["correct"], (0, 1)).all()


def test_two_networks_are_compared(names):
    table = names["compared"].table
    assert set(table.benchmark) == {"waterbirds", "imagenet"}
    assert set(table.model) == {"mine"}
    assert set(table.reference) == {"other"}


def test_what_it_says_of_a_result_is_there(names):
    for part in re.findall(r"^\| `result\.(\w+)`", TEXT, re.MULTILINE):
        assert getattr(names["result"], part) is not None


def test_its_commands_are_commands():
    lines = [line for block in blocks("bash") for line in block.replace("\\\n", " ").splitlines()]
    assert {line.split()[1] for line in lines} == {"evaluate", "compare", "fetch", "list"}
    for line in lines:
        program, verb, *words = shlex.split(line)
        assert program == "tradeoffs"
        if words:
            part = words.pop(0) if not words[0].startswith("--") else None
            parser(commands.step(verb, part), verb).parse_args(words)
