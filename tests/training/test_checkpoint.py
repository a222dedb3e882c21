"""A training that is stopped anywhere goes on to the same weights; no other state is ever taken for its own."""

import errno
import itertools
import os

import pytest
import torch

from refused import refuse
from tradeoffs.step.errors import InputError, RefusedError
from tradeoffs.training.checkpoint import Checkpoint
from tradeoffs.training.loop import StoppedError, train
from tradeoffs.training.settings import Settings
from tradeoffs.training.train import sources

CPU = torch.device("cpu")
NEVER = 1e9  # minutes between checkpoints


def stopped_and_resumed(spec, images, path, calls):
    """Stop after so many looks at the clock; then train to the end."""
    looks = itertools.count()
    checkpoint = Checkpoint(path, "key", NEVER)
    with pytest.raises(StoppedError, match=r"in epoch \d of 2, after step \d of 6"):
        train(Settings(**spec), *images, CPU, checkpoint=checkpoint, asked_to_stop=lambda: next(looks) >= calls)
    return train(Settings(**spec), *images, CPU, checkpoint=Checkpoint(path, "key", NEVER))


@pytest.mark.parametrize(
    "change",
    [{"norm": "linf", "epsilon": 0.03, "attack_warm_up": 0.5}, {"augmentation": "crop_flip"}, {"momentum": 0}],
)
def test_stopped_after_any_step_it_ends_with_the_same_weights(miniature, training, tmp_path, capsys, change):
    spec = training | {"epochs": 2} | change
    images = sources(Settings(**spec), miniature / "imagenet", CPU)
    network, history = train(Settings(**spec), *images, CPU)
    for steps in (1, 3, 6, 7, 12):  # within the first epoch, at its end, within and at the end of the second
        again, repeated = stopped_and_resumed(spec, images, tmp_path / f"{steps}.pt", 2 * steps - 1)
        states = zip(network.state_dict().values(), again.state_dict().values(), strict=True)
        assert all(torch.equal(one, other) for one, other in states)
        assert repeated == history
        assert "resuming in epoch" in capsys.readouterr().err


def test_a_checkpoint_is_due_by_time_and_only_where_one_is_wanted(tmp_path):
    path = tmp_path / "checkpoint.pt"
    assert Checkpoint(path, "key", 0).due()
    assert not Checkpoint(path, "key", NEVER).due()
    assert not Checkpoint(None, "key", 0).due()


@pytest.mark.parametrize("fault", ["other key", "truncated", "empty"])
def test_a_checkpoint_of_something_else_is_never_resumed(tmp_path, capsys, fault):
    path = tmp_path / "checkpoint.pt"
    Checkpoint(path, "this spec, code and data", 0).keep({"history": [{"epoch": 1.0}]})
    assert Checkpoint(path, "this spec, code and data", 0).resume(CPU) is not None
    if fault != "other key":
        path.write_bytes(path.read_bytes()[: 1000 if fault == "truncated" else 0])
    key = "another" if fault == "other key" else "this spec, code and data"
    assert Checkpoint(path, key, 0).resume(CPU) is None
    assert "starting from scratch" in capsys.readouterr().err


def changed(change):
    """A state with something else in the place that ``change`` names: keys, then what to put there."""
    *keys, last, value = change

    def apply(state):
        place = state
        for key in keys:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value(place[last]) if callable(value) else value

    return apply


@pytest.mark.parametrize(
    "change",
    [
        ("network", None),
        ("network", "fc.weight", None),
        ("network", "fc.weight", lambda weight: weight[:5]),
        ("network", "fc.weight", lambda weight: weight.double()),
        ("network", "fc.weight", 3.0),
        ("network", []),
        ("optimizer", None),
        ("optimizer", "state", {}),
        ("optimizer", "state", 0, "momentum_buffer", lambda buffer: buffer[:1]),
        ("optimizer", "param_groups", []),
        ("optimizer", "param_groups", 0, "momentum", 0.5),
        ("history", "none"),
        ("history", []),
        ("history", 0, "loss", None),
        ("history", 0, "epoch", 2.0),
        ("history", 0, "loss", float("nan")),
        ("generator", lambda state: state[:16]),
        ("dropout", lambda state: state[:16]),
        ("dropout", None),
        ("step", 0),
        ("step", 7),
        ("step", "third"),
        ("totals", None),
        ("totals", lambda totals: totals[:2]),
        ("device", "cuda"),
    ],
    ids=lambda change: "-".join("function" if callable(part) else str(part) for part in change),
)
def test_a_malformed_checkpoint_is_one_line_and_a_start_from_scratch(miniature, training, tmp_path, capsys, change):
    spec = training | {"epochs": 2}
    images = sources(Settings(**spec), miniature / "imagenet", CPU)
    path = tmp_path / "checkpoint.pt"
    looks = itertools.count()
    with pytest.raises(StoppedError):  # within the second epoch
        train(
            Settings(**spec),
            *images,
            CPU,
            checkpoint=Checkpoint(path, "key", NEVER),
            asked_to_stop=lambda: next(looks) >= 15,
        )
    state = torch.load(path, weights_only=True)
    if change[0] == "history" and change[1] == []:
        del state["step"]
    changed(change)(state)
    torch.save(state, path)
    capsys.readouterr()
    network, history = train(Settings(**spec), *images, CPU, checkpoint=Checkpoint(path, "key", NEVER))
    (said,) = [line for line in capsys.readouterr().err.splitlines() if str(path) in line]
    assert said.startswith(f"{path}: ")
    assert said.endswith(", starting from scratch")
    expected, measured = train(Settings(**spec), *images, CPU)
    assert history == measured
    states = zip(network.state_dict().values(), expected.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in states)


def test_a_bit_that_was_flipped_in_a_checkpoint_is_noticed(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    weights = torch.arange(1000.0)
    Checkpoint(path, "key", 0).keep({"weights": weights})
    content = bytearray(path.read_bytes())
    content[content.index(weights.numpy().tobytes()) + 2000] ^= 1
    path.write_bytes(content)
    assert Checkpoint(path, "key", 0).resume(CPU) is None
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(2), {"state": 1}], ids=["list", "tensor", "no key"])
def test_a_file_that_is_no_checkpoint_is_left(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    torch.save(content, path)
    refused(path)


def test_a_file_that_is_none_of_torchs_is_left(tmp_path):
    path = tmp_path / "notes.json"
    path.write_text("{}")
    refused(path)


def refused(path):
    """Somebody's own file, given by mistake, would be replaced, and removed in the end."""
    before = path.read_bytes()
    with pytest.raises(InputError, match=rf"{path.name}: was not written by a training.*correct --checkpoint"):
        Checkpoint(path, "key", 0).resume(CPU)
    assert path.read_bytes() == before


def test_a_pipe_in_its_place_holds_nothing_up(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    os.mkfifo(path)
    assert Checkpoint(path, "key", 0).resume(CPU) is None
    said = capsys.readouterr().err
    assert "a pipe or a device" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("reason", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_what_cannot_be_read_now_is_not_started_over(tmp_path, capsys, monkeypatch, reason):
    path = tmp_path / "checkpoint.pt"
    Checkpoint(path, "key", 0).keep({"history": []})
    with monkeypatch.context() as patch:
        refuse(patch, path, reason)
        with pytest.raises(RefusedError, match=os.strerror(reason)):
            Checkpoint(path, "key", 0).resume(CPU)
    assert capsys.readouterr().err == ""
    assert Checkpoint(path, "key", 0).resume(CPU) == {"key": "key", "history": []}


def test_a_disk_that_fails_while_it_is_read_says_nothing_of_it(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    Checkpoint(path, "key", 0).keep({"history": []})

    def failing(content):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("tradeoffs.training.checkpoint.io.BytesIO", failing)
    with pytest.raises(RefusedError, match="check the disk"):
        Checkpoint(path, "key", 0).resume(CPU)
