"""What is kept of decoded images changes no number, no outcome and no message of any benchmark."""

import json

import numpy as np
import pytest

from benchmarks.conftest import MODEL, SETS, SMALL
from benchmarks.test_unreadable import DAMAGED, damaged  # noqa: F401 (a fixture)
from tradeoffs.benchmarks import (
    adversarial,
    imagenet,
    imagenet9,
    objectnet,
    rival10,
    salient_imagenet,
    shifted_correlation,
    waterbirds,
)
from tradeoffs.benchmarks import evaluate as evaluate_module
from tradeoffs.benchmarks.evaluate import step
from tradeoffs.data import decoded, decoded_folder
from tradeoffs.step.command import execute
from tradeoffs.step.errors import InputError

KEPT = [imagenet, objectnet, waterbirds, rival10, adversarial, shifted_correlation]
# Stored at the size that networks see, or so many that the networks take longer than the decoding.
NOT_KEPT = [imagenet9, salient_imagenet]


def with_kept(world, benchmark, **changes):
    """Evaluate within a block in which images are kept."""
    name = benchmark.__name__.rpartition(".")[2]
    with decoded.kept({world.root / data: f"fingerprint of {data}" for data in SETS.get(name, [name])}):
        return world.evaluate(benchmark, **changes)


def assert_same(one, other):
    assert (one.metrics, one.resampled, one.skipped, one.remarks) == (
        other.metrics,
        other.resampled,
        other.skipped,
        other.remarks,
    )
    for before, after in ((one.outcomes, other.outcomes), (one.draws, other.draws)):
        assert before.keys() == after.keys()
        for name, array in before.items():
            np.testing.assert_array_equal(array, after[name], name)


@pytest.mark.parametrize("benchmark", [*KEPT, *NOT_KEPT])
def test_results_are_the_same_bit_for_bit_without_and_with_kept_images(small, kept_folder, decodings, benchmark):
    plain, counts = small.evaluate(benchmark), [len(decodings)]
    for _ in range(2):
        decodings.clear()
        assert_same(plain, with_kept(small, benchmark))
        counts.append(len(decodings))
    assert counts[2] < counts[0] / 2 if benchmark in KEPT else counts[0] == counts[1] == counts[2]


@pytest.mark.parametrize("benchmark", [imagenet, objectnet])
def test_results_are_the_same_at_published_sizes(published, kept_folder, benchmark):
    plain = published.evaluate(benchmark)
    for _ in range(2):
        assert_same(plain, with_kept(published, benchmark))


@pytest.mark.parametrize(("benchmark", "relative", "fewer"), [case for case in DAMAGED if case[0] in KEPT])
def test_a_damaged_file_is_named_or_left_out_as_without(damaged, kept_folder, capfd, benchmark, relative, fewer):  # noqa: F811
    world, _ = damaged(benchmark, relative)
    with pytest.raises(InputError) as without:
        world.evaluate(benchmark)
    plain = world.evaluate(benchmark, unreadable="skip")
    said = capfd.readouterr().err
    for _ in range(2):
        with pytest.raises(InputError) as raised:
            with_kept(world, benchmark)
        assert str(raised.value) == str(without.value)
        assert not capfd.readouterr().err
        assert_same(plain, with_kept(world, benchmark, unreadable="skip"))
        assert capfd.readouterr().err == said
    assert not [path for path in kept_folder.iterdir() if path.suffix != decoded_folder.SUFFIX]


@pytest.fixture
def command(weights, miniature, tmp_path):
    """Return a function that runs the command of a benchmark; it returns the card."""

    def run(name):
        card = tmp_path / "card.json"
        arguments = ["--weights", str(weights), "--card", str(card), "--outcomes", str(tmp_path / "o.npz")]
        for data in SETS.get(name, [name]):
            arguments += ["--data", f"{data}={miniature / data}"]
        execute(step(name), f"evaluate {name}", [*arguments, "--spec", json.dumps(MODEL | SMALL[name])])
        return json.loads(card.read_text())

    return run


def test_the_command_keeps_and_reads_and_its_card_is_the_same(command, kept_folder, decodings):
    cards = [command("objectnet") for _ in range(2)]
    assert len(list(kept_folder.iterdir())) == 2
    decodings.clear()
    cards.append(command("objectnet"))
    assert not decodings
    for card in cards:
        for key in ("seconds", "card_sha256"):
            card.pop(key)
    assert cards[0] == cards[1] == cards[2]


def test_code_that_comes_with_a_model_writes_nothing_for_others(command, kept_folder, monkeypatch):
    monkeypatch.setattr(evaluate_module.confinement, "confine", lambda *_: True)
    monkeypatch.setattr(
        evaluate_module, "load", lambda *given, load=evaluate_module.load: load(given[0], "basic", 10, given[3])
    )
    monkeypatch.setitem(MODEL, "architecture", "torchscript")
    assert command("imagenet")["confined"] is True
    assert not kept_folder.exists()
