"""What is no result is reported as a failure, with the epoch and a cure; what is one is left alone."""

import math

import pytest
import torch
from scipy.stats import binom

from small_world import SETTINGS
from tradeoffs.miniature import folder, imagenet
from tradeoffs.models.networks import build
from tradeoffs.step.errors import InputError
from tradeoffs.training.loop import budget, train
from tradeoffs.training.settings import Settings
from tradeoffs.training.soundness import (
    check_loss,
    check_overfitting,
    check_weights,
    convergence,
    first_monitored,
    warnings,
)
from tradeoffs.training.train import sources

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def easy(tmp_path_factory):
    """A world where the photograph gives the class away: learned in a few epochs from few images."""
    settings = SETTINGS._replace(correlation=1.0, images=300, test_images=100)
    root = tmp_path_factory.mktemp("easy")
    folder.build(root, "imagenet", settings, imagenet.write, ("test_images",))
    return root


SINGLE_STEP = {
    "norm": "linf",
    "epsilon": 32 / 255,
    "attack_steps": 1,
    "attack_step_size": 2.0,
    "images": 300,
    "batch_size": 32,
    "epochs": 30,
    "learning_rate": 0.1,
    "monitor_images": 100,
}


def test_catastrophic_overfitting_is_caught_when_it_happens(easy, training):
    spec = training | SINGLE_STEP
    with pytest.raises(InputError, match=r"catastrophic overfitting in epoch \d+: \d+% of 100 .*; raise attack_steps"):
        train(Settings(**spec), *sources(Settings(**spec), easy, CPU), CPU)


def test_the_same_budget_with_enough_steps_is_sound(easy, training):
    spec = training | SINGLE_STEP | {"attack_steps": 4, "attack_step_size": 0.5, "epochs": 5}
    _, history = train(Settings(**spec), *sources(Settings(**spec), easy, CPU), CPU)
    assert len(history) == 5


def row(own, robust):
    return {"validation_training_attack_accuracy": own, "validation_adversarial_accuracy": robust}


SOUND, LOST = row(0.7, 0.5), row(0.9, 0.05)


@pytest.mark.parametrize(
    ("rows", "fires"),
    [
        ([SOUND, LOST], False),  # it may recover
        ([SOUND, LOST, LOST], True),
        ([LOST, LOST], True),
        ([LOST, SOUND], False),
        ([SOUND] * 9 + [LOST], True),  # the last of ten epochs: these weights are the result
        ([LOST] * 9 + [SOUND], False),
        ([row(0.15, 0.0)] * 2, False),  # too few images withstand anything to say so
        ([row(0.58, 0.30)] * 10, False),  # the worst epoch of the default study
    ],
)
def test_catastrophic_overfitting_must_last(training, rows, fires):
    spec = training | {"norm": "linf", "epsilon": 0.03, "epochs": 10}
    if fires:
        with pytest.raises(InputError, match=f"in epoch {len(rows)}: 90% of 100 validation images .* but 5%"):
            check_overfitting(rows, 100, Settings(**spec))
    else:
        check_overfitting(rows, 100, Settings(**spec))
    check_overfitting(rows, 100, Settings(**spec | {"norm": "none"}))


@pytest.mark.parametrize(
    ("rows", "fires"),
    [
        ([LOST] * 5, False),  # the budget grew in the first four of ten epochs; one at the full budget is not enough
        ([LOST] * 6, True),
        ([LOST] * 9 + [SOUND], False),
    ],
)
def test_a_network_is_not_judged_at_a_budget_that_it_was_not_trained_at(training, rows, fires):
    spec = Settings(**training | {"norm": "l2", "epsilon": 2.0, "epochs": 10, "attack_warm_up": 0.4})
    if fires:
        with pytest.raises(InputError, match="catastrophic overfitting in epoch 6"):
            check_overfitting(rows, 100, spec)
    else:
        check_overfitting(rows, 100, spec)


@pytest.mark.parametrize("warm_up", [0.0, 0.07, 0.28, 0.29, 0.5, 0.55, 0.56, 0.57, 0.58, 1.0])
def test_the_whole_budget_begins_where_the_loop_has_it(training, warm_up):
    for epochs in range(1, 101):
        settings = Settings(**training | {"norm": "l2", "epsilon": 2.0, "epochs": epochs, "attack_warm_up": warm_up})
        whole = [epoch for epoch in range(epochs) if budget(settings, epoch / epochs) == settings.epsilon]
        assert first_monitored(settings) == min([*whole, epochs - 1]), epochs


def test_a_network_is_attacked_from_where_the_budget_is_full(easy, training):
    settings = Settings(**training | {"norm": "linf", "epsilon": 0.03, "epochs": 4, "attack_warm_up": 0.5})
    _, history = train(settings, *sources(settings, easy, CPU), CPU)
    attacked = ["validation_adversarial_accuracy" in row for row in history]
    assert attacked == ["validation_training_attack_accuracy" in row for row in history] == [False, False, True, True]


@pytest.mark.parametrize(
    ("losses", "left"),
    [
        ([2.0, 1.5, 1.2, 1.0, 0.9, 0.8], 0.2),  # what the last third brought
        ([2.0, 1.0, 0.5, 0.2, 0.1, 0.05], 0.05),  # no loss falls below 0
        ([1.4], 1.4),
        ([2.0, 1.4], 0.6),
        ([2.0, 0.5, 0.6], -0.1),  # it rose: nothing more is to be had
    ],
)
def test_convergence_is_a_share_of_knowing_nothing(losses, left):
    assert convergence([{"loss": loss} for loss in losses], 10) == pytest.approx(left / math.log(10))


@pytest.mark.parametrize(
    ("full", "left"),
    [(2, 0.2), (3, 0.2), (4, 0.2), (5, 0.8)],  # of the last two epochs, of one at its rate, of none: all that is left
)
def test_a_loss_at_a_smaller_budget_says_nothing_of_convergence(full, left):
    losses = [0.1, 0.2, 0.3, 1.0, 0.9, 0.8] if full > 2 else [0.1, 0.2, 1.2, 1.0, 0.9, 0.8]
    assert convergence([{"loss": loss} for loss in losses], 10, full) == pytest.approx(left / math.log(10))


def test_false_alarms_are_rare():
    """Sound networks rarely seem to keep less than a third, even at the fewest images that count."""
    assert binom.cdf(6, 20, 0.75) < 1 / 20_000
    assert binom.cdf(16, 50, 0.52) < 1 / 250


@pytest.mark.parametrize("losses", [[math.nan], [2.3, math.inf], [2.3, 24.0], [30.0, 40.0]])
def test_a_loss_beyond_any_sense_is_divergence(training, losses):
    with pytest.raises(InputError, match=rf"diverged in epoch {len(losses)}: loss is .*; lower learning_rate \(now"):
        check_loss(losses, 10, Settings(**training))


@pytest.mark.parametrize("losses", [[2.3], [30.0], [30.0, 24.0], [1.0, 2.0]])
def test_a_bad_start_is_no_divergence(training, losses):
    check_loss(losses, 10, Settings(**training))


def test_a_weight_that_is_not_finite_is_divergence(training):
    network = build("basic", 10)
    check_weights(network, 0, Settings(**training))
    network.get_buffer("stem.1.running_var")[0] = math.inf
    with pytest.raises(InputError, match=r"epoch 1: stem\.1\.running_var is not finite"):
        check_weights(network, 0, Settings(**training))


@pytest.mark.parametrize(("accuracy", "learned"), [(0.1, False), (0.13, False), (0.2, True), (0.9, True)])
def test_accuracy_at_chance_is_a_warning(accuracy, learned):
    assert (warnings([{"validation_accuracy": accuracy}], 10, 500) == []) is learned
