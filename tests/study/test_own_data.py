"""What the user keeps elsewhere decides by its content: `snakemake -n` says what is wrong with it and what is stale."""

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

from project_root import ROOT
from tradeoffs.data.names import IMAGENET9_PUBLISHED, IMAGENET9_VARIANTS
from tradeoffs.data.wnids import PUBLISHED
from tradeoffs.step.files import sha256

SNAKEMAKE = Path(sys.executable).parent / "snakemake"
BIRDS = "waterbird_complete95_forest2water2"
SCRIPT = {"id": "mine", "source": "torchscript", "trust": True, "mean": [0, 0, 0], "std": [1, 1, 1]}


class Tiny(torch.nn.Module):
    """A network of 1,000 classes that takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self.head = torch.nn.Linear(3, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x.mean((2, 3)))


def _image(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(path)


def birds(folder: Path) -> Path:
    """A copy of Waterbirds, small: one image of each group and split."""
    rows = ["img_id,img_filename,y,split,place,place_filename"]
    for number in range(12):
        split, group = divmod(number, 4)
        name = f"{group + 1:03d}.Bird/bird_{number}.png"
        _image(folder / BIRDS / name, 20 * number)
        rows.append(f"{number + 1},{name},{group // 2},{split},{group % 2},/x/y.jpg")
    (folder / BIRDS / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A clone of the project beside a user's copy of Waterbirds and network."""
    folder = tmp_path / "project"
    for name in ("workflow", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    return folder


def snakemake(folder: Path, data: dict[str, object], *arguments: str, **choices: object) -> tuple[int, str]:
    content = {"study": "imagenet", "imagenet": {"data": data} | choices}
    (folder / "mine.yaml").write_text(yaml.safe_dump(content))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TRADEOFFS", "OMP", "MKL"))}
    done = subprocess.run(
        [SNAKEMAKE, *arguments, "--configfile", "mine.yaml"],
        cwd=folder,
        env=kept | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_content_of_own_data_and_weights_decides_what_is_stale_and_not_their_times(
    project: Path, tmp_path: Path
) -> None:
    data = birds(tmp_path / "birds")
    weights = tmp_path / "tiny.pt"
    with warnings.catch_warnings(action="ignore"):  # deprecated, and what users have
        torch.jit.script(Tiny()).save(weights)
    extra = {
        "id": "mine",
        "source": "torchscript",
        "trust": True,
        "file": str(weights),
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
    }
    extra["input_size"] = 8
    outputs = ("resources/imagenet/default/waterbirds/fingerprint.json", "results/imagenet/models/mine/weights.pt")

    def run(*arguments: str, **entry: object) -> str:
        code, said = snakemake(
            project,
            {"waterbirds": {"path": str(data)}},
            *outputs,
            *arguments,
            extra=[extra | {"input_size": 8} | entry],
        )
        assert code == 0, said
        return said

    def planned(**entry: object) -> set[str]:
        return set(re.findall(r"^(?:local)?rule (\w+):", run("-n", **entry), re.MULTILINE))

    assert planned() == {"assemble", "convert"}
    run("--cores", "1")
    first = (project / outputs[0]).read_bytes()
    assert planned() == set()

    for path in [weights, *data.rglob("*")]:  # as touch does, and a copy put in its place
        path.touch()
    copy = shutil.copy(weights, tmp_path / "copy.pt")
    Path(copy).replace(weights)
    assert planned() == set()
    assert planned(file=str(shutil.copy(weights, tmp_path / "elsewhere.pt"))) == set()
    (data / BIRDS / "._metadata.csv").write_text("left by a file browser")
    assert planned() == set()

    image = next(data.rglob("bird_5.png"))
    status, before = image.stat(), image.read_bytes()
    changed = bytearray(before)
    changed[-20] ^= 1
    image.write_bytes(changed)  # of the same size, and its time put back
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert planned() == {"assemble"}
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    damaged, kept = bytes(content), weights.read_bytes()
    weights.write_bytes(damaged)
    assert planned() == {"assemble", "convert"}
    weights.write_bytes(kept)
    assert planned() == {"assemble"}
    run("--cores", "1")
    assert planned() == set()
    second = (project / outputs[0]).read_bytes()
    assert second != first

    shutil.rmtree(project / "resources/observed")  # what was read is noted there alone, but what was assembled is not
    assert planned() <= {"assemble"}
    run("--cores", "1")
    assert planned() == set()
    assert (project / outputs[0]).read_bytes() == second
    shutil.rmtree(project / "resources/observed")
    image.write_bytes(before)
    assert planned() == {"assemble"}
    image.write_bytes(changed)
    assert planned() == set()
    image.write_bytes(before)  # taken back: what was made from the first content is asked for again
    assert planned() == {"assemble"}
    run("--cores", "1")
    assert planned() == set()
    assert (project / outputs[0]).read_bytes() == first


def validation(folder: Path) -> Path:
    for wnid in PUBLISHED:
        (folder / "val" / wnid).mkdir(parents=True)
    return folder


def number_classes(folder: Path) -> None:
    for number, wnid in enumerate(PUBLISHED):
        (folder / "val" / wnid).rename(folder / "val" / str(number))


def replace_a_class(folder: Path) -> None:
    (folder / "val" / PUBLISHED[5]).rename(folder / "val" / "n99999999")


def flatten(folder: Path) -> None:
    shutil.rmtree(folder / "val")
    for number in range(1, 4):
        _image(folder / "val" / f"ILSVRC2012_val_0000000{number}.JPEG")


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (number_classes, ["1000 class folders", "n01440764", "missing", "1000 surplus: '0', '1', '10'"]),
        (replace_a_class, [f"1 missing: '{PUBLISHED[5]}'", "1 surplus: 'n99999999'"]),
        (flatten, ["3 images", "lie in no class folder", "val/<wnid>/"]),
    ],
)
def test_a_dry_run_says_what_is_wrong_with_an_own_imagenet(
    project: Path, tmp_path: Path, damage: object, parts: list[str]
) -> None:
    folder = validation(tmp_path / "ILSVRC")
    damage(folder)  # type: ignore[operator]
    code, said = snakemake(project, {"imagenet": {"path": str(folder)}}, "-n")
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert "Traceback" not in said
    for part in [str(folder / "val"), *parts]:
        assert part in line
    assert not (project / "resources").exists()


def test_a_dry_run_says_what_is_wrong_with_an_own_imagenet9(project: Path, tmp_path: Path) -> None:
    for place in (*IMAGENET9_VARIANTS, "fg_mask"):
        for name in IMAGENET9_PUBLISHED[1:]:
            (tmp_path / "in9" / "bg_challenge" / place / "val" / name).mkdir(parents=True)
    code, said = snakemake(project, {"imagenet9": {"path": str(tmp_path / "in9")}}, "-n")
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert "no folder 00_" in line


def test_braces_in_a_path_are_no_wildcards(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in{lab}"
    (folder / "somewhere").mkdir(parents=True)
    code, said = snakemake(project, {"imagenet": {"path": str(folder)}}, "-n", "results/imagenet/missing.csv")
    assert code == 0, said
    assert str(folder) in said


def test_what_cannot_be_unpacked_is_said_in_one_line(project: Path) -> None:
    code, said = snakemake(project, {}, "-n", "resources/unpacked/objectnet/fingerprint.json")
    assert code == 1
    assert "error: objectnet: its licence is not accepted" in said
    code, said = snakemake(project, {}, "-n", "resources/unpacked/imagenet/fingerprint.json")
    assert code == 1
    assert "No rule to produce resources/unpacked/imagenet/fingerprint.json" in said
    assert "Traceback" not in said


def test_weights_that_are_not_there_are_named_before_anything_runs(project: Path) -> None:
    extra = [
        {"id": "mine", "source": "torchscript", "trust": True, "file": "none.pt", "mean": [0, 0, 0], "std": [1, 1, 1]}
    ]
    code, said = snakemake(project, {}, "-n", extra=extra)
    assert code == 1
    assert "error: config: imagenet.extra, mine: file = 'none.pt'; no such file" in said
    assert Counter(said.splitlines())["Traceback (most recent call last):"] == 0


NETS = """
from torch import nn
from blocks import head

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.head = head(classes)

    def forward(self, x):
        return self.head(x.mean((2, 3)))
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_what_a_factory_makes_is_converted_again_when_its_code_changes(project: Path, tmp_path: Path) -> None:
    (project / "nets.py").write_text(NETS)
    (project / "blocks.py").write_text("from torch import nn\n\ndef head(n): return nn.Linear(3, n)\n")
    (tmp_path / "site").mkdir()
    weights = tmp_path / "site/w.safetensors"
    save_file(dict(Tiny().state_dict()), weights)
    data = {"waterbirds": {"path": str(birds(tmp_path / "birds"))}}
    output = "results/imagenet/models/mine/weights.pt"
    entry = SCRIPT | {"source": "python", "factory": "nets.py:Net", "arguments": {"classes": 1000}, "input_size": 8}

    def run(*arguments: str, **changes: object) -> tuple[int, str]:
        return snakemake(project, data, output, *arguments, extra=[entry | changes])

    def planned() -> set[str]:
        code, said = run("-n")
        assert code == 0, said
        return set(re.findall(r"^(?:local)?rule (\w+):", said, re.MULTILINE))

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=weights.parent)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        entry["url"] = f"http://127.0.0.1:{server.server_port}/w.safetensors"
        entry["sha256"] = sha256(weights)
        assert planned() == {"download", "convert"}
        code, said = run("--cores", "1")
        assert code == 0, said
        assert planned() == set()
        entry["url"] = entry["url"].replace("/w.", "/mirror.")
        (tmp_path / "site/mirror.safetensors").symlink_to("w.safetensors")
        assert planned() == {"download"}  # of the same checksum: nothing is made of it again
        code, said = run("--cores", "1")
        server.shutdown()
    assert code == 0, said
    assert planned() == set()
    (project / "blocks.py").write_text("from torch import nn\n\ndef head(n): return nn.Linear(3, n, bias=True)\n")
    assert planned() == {"convert"}
    code, said = run("-n", factory="lost.py:Net")
    assert code == 1
    assert "error: config: imagenet.extra, mine: factory: 'lost.py:Net': no file lost.py; correct the path" in said
    assert Counter(said.splitlines())["Traceback (most recent call last):"] == 0
