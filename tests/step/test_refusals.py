"""What the system refuses, and what lies where a file should be: one line that names the file, nothing half-written."""

import errno
import io
import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from refused import refuse
from tradeoffs.acquisition import observed
from tradeoffs.claims import command
from tradeoffs.data import images, mappings, salient_imagenet, waterbirds
from tradeoffs.figures import style
from tradeoffs.models import convert, state_dict
from tradeoffs.results import evaluations, reading, theory_tables
from tradeoffs.results.evaluations import Evaluation
from tradeoffs.results.study import Model
from tradeoffs.runner import hooks
from tradeoffs.step import cards, files, inputs, settings
from tradeoffs.step.errors import InputError, RefusedError, exit_code
from tradeoffs.step.specs import read_spec
from tradeoffs.theory import model
from tradeoffs.training import checkpoint

# Every way in which the workflow reads a file by its name, and the suffix that the name needs.
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "image": (".JPEG", images.image),
    "mask": (".png", lambda path: images.mask([path])),
    "array": (".npy", lambda path: images.mask([path])),
    "weights": (".pt", state_dict.read),
    "card": (".json", cards.read_card),
    "checked file": (".bin", cards.check),
    "mapping": (".json", mappings.read_mapping),
    "answers": (".csv", salient_imagenet.spurious_features),
    "theory's claims": (".csv", command.theory_rows),
    "theory's table": (".csv", theory_tables.read_table),
    "study's table": (".csv", lambda path: reading.read_table(path, ["a"])),
    "draws": (".npz", lambda path: evaluations.draws(_evaluation(path), ["a"])),
    "model of the theory": (".csv", model.read_model),
    "model in arrays": (".npz", model.read_model),
    "settings": (".json", lambda path: read_spec(str(path))),
    "content": (".bin", files.sha256),
    "user's file": (".bin", observed.content),
}


def _evaluation(path: Path) -> Evaluation:
    entry = Model(**{name: "m" if name == "id" else None for name in Model._fields})
    return Evaluation(entry, "rival10", {}, ({}, None, None), path)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name may have 108 bytes
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


OBSTACLES: dict[str, Callable[[Path], object]] = {
    "a pipe": _pipe,
    "a socket": _socket,
    "a folder": Path.mkdir,
    "a loop": lambda path: path.symlink_to(path),
    "a broken link": lambda path: path.symlink_to(path.with_name("gone")),
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


def one_line(run: Callable[[], object], path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run something as a command; return what it said, which must be one line with the path, and the exit code 2."""
    assert exit_code(run) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert str(path) in said
    return said


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("obstacle", OBSTACLES)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_named_and_never_waited_for(reader, obstacle, tmp_path, capsys):
    suffix, read = READERS[reader]
    path = tmp_path / f"thing{suffix}"
    OBSTACLES[obstacle](path)
    if (reader, obstacle) == ("user's file", "a folder"):
        pytest.skip("may be a folder")
    one_line(lambda: read(path), path, capsys)
    assert os.path.lexists(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]  # nothing moved aside


@pytest.mark.parametrize("reason", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE])
@pytest.mark.parametrize("reader", READERS)
def test_what_the_system_refuses_is_no_damage(reader, reason, tmp_path, capsys, monkeypatch):
    suffix, read = READERS[reader]
    path = tmp_path / f"thing{suffix}"
    path.write_text("{}")
    refuse(monkeypatch, path, reason)
    assert os.strerror(reason) in one_line(lambda: read(path), path, capsys)
    assert path.read_text() == "{}"


@pytest.mark.parametrize("reader", READERS)
def test_a_name_that_is_too_long_is_one_line(reader, tmp_path, capsys):
    suffix, read = READERS[reader]
    path = tmp_path / ("x" * 300 + suffix)
    one_line(lambda: read(path), tmp_path / "x", capsys)


def test_an_error_of_the_disk_in_the_middle_names_the_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("content")
    with pytest.raises(RefusedError, match=f"{path}: {os.strerror(errno.EIO)}; check the disk"), inputs.opened(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    with pytest.raises(OSError, match="cannot identify"), inputs.opened(path) as file:
        Image.open(file)  # a decoder's error is not the system's


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "card": ("card.json", lambda path: cards.write_card(path, spec={}, code="c", data={}, started=0.0)),
    "outcomes": ("o.npz", lambda path: files.write_whole(path, lambda to: np.savez_compressed(to, a=np.ones(9)))),
    "checkpoint": ("c.pt", lambda path: checkpoint.save({"a": torch.rand(999_999)}, path)),
    "weights": (
        "weights.pt",
        lambda path: convert.write({"a": torch.rand(999_999)}, path),
    ),
    "table": ("t.csv", lambda path: theory_tables.write_table(path, {"a": [1.0] * 99})),
    "figure": ("f.png", lambda path: style.save(style.plt.figure(), path.with_suffix(""))),
    "settings": (settings.FOLDER.name, lambda path: files.write_json(path, {"a": 1})),
}


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("writer", WRITERS)
def test_what_cannot_be_written_names_its_target_and_leaves_nothing(writer, reason, tmp_path, capsys, monkeypatch):
    """The bytes are refused as they are written: the disk is full only then."""
    name, write = WRITERS[writer]
    path = tmp_path / name

    class Refusing(io.FileIO):
        def write(self, content):
            raise OSError(reason, os.strerror(reason))

    def refusing(file, mode="r", *arguments, **named):
        if "w" not in mode:
            return original(file, mode, *arguments, **named)
        raw = Refusing(file, "w")
        return raw if "b" in mode else io.TextIOWrapper(raw, write_through=True)

    original = io.open
    monkeypatch.setattr(io, "open", refusing)
    monkeypatch.setattr("builtins.open", refusing)
    said = one_line(lambda: write(path), path.with_suffix("") if writer == "figure" else path, capsys)
    assert "full" in said or os.strerror(reason) in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_where_the_folder_should_be_is_one_line(writer, tmp_path, capsys):
    name, write = WRITERS[writer]
    (tmp_path / "results").write_text("mine")
    one_line(lambda: write(tmp_path / "results" / name), tmp_path / "results", capsys)
    assert (tmp_path / "results").read_text() == "mine"


@pytest.mark.parametrize("writer", WRITERS)
def test_a_folder_where_the_file_should_be_is_one_line(writer, tmp_path, capsys):
    name, write = WRITERS[writer]
    for place in (name, "f.svg"):
        (tmp_path / place / "mine").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    one_line(lambda: write(tmp_path / name), tmp_path / Path(name).stem, capsys)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_longest_name_that_the_system_takes_is_written(tmp_path):
    path = tmp_path / ("x" * 250 + ".json")
    files.write_json(path, 1)
    assert files.read_json(path) == 1


def test_weights_are_the_same_bytes_by_every_way(tmp_path):
    tensors = {"a": torch.arange(1000.0), "b": torch.ones(3, 4)}
    checkpoint.save(tensors, tmp_path / "one.pt")
    with (tmp_path / "two.pt").open("wb") as file:
        torch.save(tensors, file)
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "two.pt").read_bytes()


@pytest.mark.parametrize("error", [OSError(errno.EROFS, "Read-only file system", "x"), InputError("x: wrong")])
def test_the_snakefile_ends_with_one_line(error, monkeypatch):
    def refuse(*_):
        raise error

    monkeypatch.setattr(hooks, "checked", refuse)
    with pytest.raises(SystemExit) as ended:
        hooks.configured({}, [])
    assert str(ended.value).startswith("error: x: ")
    assert len(str(ended.value).splitlines()) == 1


def test_settings_on_a_full_disk_end_the_plan_with_one_line(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "settings.json")

    monkeypatch.setattr(settings, "write_atomically", full)
    with pytest.raises(SystemExit, match=r"error: settings\.json: the disk or quota is full"):
        settings.settings("x" * 5000)


HEADER = "img_id,img_filename,y,split,place,place_filename"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{HEADER}\n1,a.jpg,0,2,0,x\n".encode("utf-16"), "is UTF-16, expected UTF-8"),
        (f"{HEADER}\n1,a.jpg,0,2,0,x\n".encode("utf-16-le"), "is UTF-16, expected UTF-8"),
        (f"{HEADER}\n1,a.jpg,0,2,0,x\n".encode("utf-32"), "is UTF-32, expected UTF-8"),
        (f"{HEADER}\n1,a.jpg,0,2,0,x\n".encode("utf-32-be"), "is UTF-32, expected UTF-8"),
        (f"{HEADER}\n1,é.jpg,0,2,0,x\n".encode("latin-1"), "is not UTF-8 (byte 0xe9 in line 2), perhaps Latin-1"),
        (f"{HEADER}\n1,a\0.jpg,0,2,0,x\n".encode(), "line 2 holds a NUL character"),
        (f"\u200b{HEADER}\n1,a.jpg,0,2,0,x\n".encode(), "header is '\\u200bimg_id',img_filename"),
        (f"{HEADER}\xa0\n1,a.jpg,0,2,0,x\n".encode(), "'place_filename\\xa0'; expected"),
        (b"\n\n", "not a readable table (it is empty)"),
    ],
)
def test_other_encodings_are_named_and_what_is_invisible_is_shown(content, said, tmp_path):
    table = tmp_path / waterbirds.FOLDER / "metadata.csv"
    table.parent.mkdir()
    table.write_bytes(content)
    with pytest.raises(InputError) as refused:
        waterbirds.read(tmp_path, "test")
    assert f"{table}: " in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n", b"\n\n , \n"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_marks_and_blank_last_rows_change_no_table(mark, end, newline, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(mark + newline.join([b"a,b", b"1,2", b'"x y",4']) + end)
    assert inputs.read_csv(path) == (["a", "b"], [(2, ["1", "2"]), (3, ["x y", "4"])])
    assert theory_tables.read_table(path)[1] == {"a": "x y", "b": 4.0}
    path.write_bytes(mark + b"{}" + end.replace(b",", b""))
    assert mappings.read_mapping(path) == files.read_json(path) == {}
    lines = [b"feature,group,theta,u,v", b"u,core,1,1,0", b"v,spurious,0,0,1", b"noise,,1"]
    path.write_bytes(mark + newline.join(lines) + end)
    assert model.read_model(path).names == ("u", "v")


def test_a_line_break_in_what_is_named_breaks_no_line(tmp_path):
    path = tmp_path / "a\nb.png"
    path.write_bytes(b"no image")
    with pytest.raises(InputError) as raised:
        images.image(path)
    assert r"a\nb.png" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_path_without_a_name_is_one_line():
    with pytest.raises(OSError, match="Is a directory"):
        files.write_atomically(Path(), lambda path: None)


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "device"])
def test_what_is_no_file_is_not_made_one(kind, tmp_path):
    """A device would become a file of text, for every process of a container."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    path = {"pipe": pipe, "link to a pipe": tmp_path / "link", "device": Path(os.devnull)}[kind]
    with pytest.raises(InputError, match=f"{path}: a device, pipe or socket; expected the path of a file to write"):
        files.write_json(path, {})
    assert pipe.is_fifo()
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    ],
)
def test_a_machine_without_memory_is_one_line(error, capsys):
    def fails():
        raise error

    assert exit_code(fails) == 2
    assert capsys.readouterr().err == (
        "error: this step: Cannot allocate memory; the machine is out of memory; run again when it is less busy\n"
    )
    with pytest.raises(RuntimeError, match="a fault of ours"):
        exit_code(lambda: (_ for _ in ()).throw(RuntimeError("a fault of ours")))
