"""A training that is stopped anywhere goes on to the same weights; no other state is ever taken for its own."""

import itertools

import pytest
import torch

from tradeoffs.train import sources
from tradeoffs.training.checkpoint import Checkpoint
from tradeoffs.training.loop import StoppedError, train

CPU = torch.device("cpu")
NEVER = 1e9  # minutes between checkpoints


def stopped_and_resumed(spec, images, path, calls):
    """Stop after so many looks at the clock; then train to the end."""
    looks = itertools.count()
    checkpoint = Checkpoint(path, "key", NEVER)
    with pytest.raises(StoppedError, match=r"in epoch \d of 2, after step \d of 6"):
        train(spec, *images, CPU, checkpoint=checkpoint, asked_to_stop=lambda: next(looks) >= calls)
    return train(spec, *images, CPU, checkpoint=Checkpoint(path, "key", NEVER))


@pytest.mark.parametrize("change", [{"norm": "linf", "epsilon": 0.03}, {"augmentation": "crop_flip"}])
def test_stopped_after_any_step_it_ends_with_the_same_weights(miniature, training, tmp_path, change):
    spec = training | {"epochs": 2} | change
    images = sources(spec, miniature / "imagenet", CPU)
    network, history = train(spec, *images, CPU)
    for steps in (1, 3, 6, 7, 12):  # within the first epoch, at its end, within and at the end of the second
        again, repeated = stopped_and_resumed(spec, images, tmp_path / f"{steps}.pt", 2 * steps - 1)
        states = zip(network.state_dict().values(), again.state_dict().values(), strict=True)
        assert all(torch.equal(one, other) for one, other in states)
        assert repeated == history


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
