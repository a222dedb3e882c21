"""TorchScript is code that can write files; confined, it writes nowhere but below the folders of its outputs."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from benchmarks.conftest import MODEL, SMALL
from tradeoffs.models import confinement, scripted

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(confinement.__file__).parents[2]), "CUDA_VISIBLE_DEVICES": ""}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def confined(folder: Path, code: str) -> str:
    start = "from pathlib import Path\nfrom tradeoffs.models.confinement import confine"
    done = python("-c", f"{start}\nprint(confine(Path({str(folder)!r})))\n{code}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def _landlock(tmp_path_factory):
    if confined(tmp_path_factory.mktemp("out"), "").strip() != "True":
        pytest.skip("this system has no Landlock")


ATTEMPTS = {
    "write": "open(outside / 'new', 'w')",
    "change": "open(outside / 'kept', 'a')",
    "empty": "import os; os.truncate(outside / 'kept', 0)",
    "delete": "(outside / 'kept').unlink()",
    "rename": "(outside / 'kept').rename(outside / 'other')",
    "folder": "(outside / 'folder').mkdir()",
    "link": "(outside / 'link').symlink_to('kept')",
    "carry off": "(outside / 'kept').rename(inside / 'kept')",
    "in a thread": "from concurrent.futures import *; ThreadPoolExecutor(1).submit((outside / 'new').touch).result()",
    "by a program": "import subprocess; subprocess.run(['touch', outside / 'new'], check=True)",
}


@pytest.mark.usefixtures("_landlock")
def test_nothing_is_written_outside_and_everything_read(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "a/b"
    outside.mkdir()
    (outside / "kept").write_text("content")
    tried = "".join(
        f"try:\n exec({attempt!r})\n print({name!r})\nexcept Exception: pass\n" for name, attempt in ATTEMPTS.items()
    )
    code = f"outside, inside = Path({str(outside)!r}), Path({str(inside)!r})\n{tried}"
    code += "print((outside / 'kept').read_text())\n"
    code += "(inside / 'x').write_text('1'); (inside / 'x').rename(inside / 'y'); open('/dev/null', 'w').write('1')\n"
    assert confined(inside, code).split() == ["True", "content"]
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert [path.name for path in inside.iterdir()] == ["y"]


def test_where_the_system_has_none_it_says_so_and_goes_on(monkeypatch, tmp_path):
    monkeypatch.setattr(confinement, "_CREATE_RULESET", 100000)  # a call that no kernel knows
    assert confinement.confine(tmp_path) is False
    (tmp_path.parent / "written").touch()


class Writing(torch.nn.Module):
    """A network that writes a file whenever it is run."""

    def __init__(self, target: str):
        super().__init__()
        self.target = target
        self.head = torch.nn.Linear(3, 10)

    def forward(self, x):
        torch.save(x, self.target)
        return self.head(x.mean((2, 3)))


@pytest.fixture
def writing(tmp_path):
    """Return a TorchScript file of a network that writes, and the file that it would write."""
    target, script = tmp_path / "written", tmp_path / "script.pt"
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(Writing(str(target))).save(script)
    return script, target


@pytest.mark.usefixtures("_landlock")
def test_a_network_that_writes_files_cannot_in_its_conversion(writing, tmp_path):
    script, target = writing
    code = f"import torch; torch.jit.load({str(script)!r})(torch.rand(2, 3, 8, 8))"
    assert python("-W", "ignore", "-c", code).returncode == 0
    assert target.exists()  # so it does where nothing keeps it
    target.unlink()
    spec = {
        "name": None,
        "classes": 10,
        "pretrained": None,
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "input_size": 8,
        "weights": None,
    }
    files = ["--checkpoint", script, "--weights", tmp_path / "out/w.pt", "--card", tmp_path / "out/card.json"]
    done = python("-m", "tradeoffs", "convert", "torchscript", "--spec", json.dumps(spec), *map(str, files))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out/card.json").read_text())["confined"] is True
    assert not target.exists()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["card.json", "w.pt"]


@pytest.mark.usefixtures("_landlock")
def test_a_network_that_writes_files_cannot_in_its_evaluation(writing, miniature, tmp_path):
    script, target = writing
    torch.save(scripted.pack(script.read_bytes(), [0, 0, 0], [1, 1, 1], 0), tmp_path / "w.pt")
    spec = MODEL | SMALL["imagenet"] | {"architecture": "torchscript"}
    files = ["--weights", tmp_path / "w.pt", "--data", f"imagenet={miniature / 'imagenet'}"]
    files += ["--card", tmp_path / "out/m.json", "--outcomes", tmp_path / "out/m.npz"]
    done = python("-m", "tradeoffs", "evaluate", "imagenet", "--spec", json.dumps(spec), *map(str, files))
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "out/m.json").read_text())
    assert card["confined"] is True
    assert 0 <= card["metrics"]["accuracy"]["value"] <= 1
    assert not target.exists()
