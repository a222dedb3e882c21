"""What makes a trained network no result: divergence and catastrophic overfitting; and one that has not learned.

The first two end the training with one line that names the epoch and a cure. The last is a warning in the card: a
network at chance may be what its settings lead to.
"""

import math

from torch import nn

from tradeoffs.step.errors import InputError
from tradeoffs.training.monitoring import MONITOR_STEPS
from tradeoffs.training.settings import Settings
from tradeoffs.training.warm_up import first_full

Row = dict[str, float]

# A network that says nothing has a loss of log(classes). Ten times that is being confidently wrong on most images.
_DIVERGED = 10
# Of the images that withstand the training attack, a sound network keeps most under ten steps: 82 % in single-step
# training on CIFAR-10 at 8/255 (46 of 56 %: Wong et al. 2020); 71 to 100 % at the end of the default study's trainings,
# 52 % in their worst epoch. After catastrophic overfitting it keeps 0 to 30 %. Where 75 % are kept, 20 such images show
# less than a third once in 34,000 epochs; where 52 %, 50 images once in 290, and it takes two epochs in a row.
_KEPT = 1 / 3
_ENOUGH = 20


def check_loss(losses: list[float], classes: int, settings: Settings) -> None:
    """Raise InputError where the mean training losses, epoch by epoch (the last one so far), show divergence.

    That is a last one that is not finite, or one that is absurd and yet has risen: in its first steps at a high
    learning rate a sound training may pass through the absurd.
    """
    loss = losses[-1]
    rising = len(losses) > 1 and loss > losses[-2] and loss > _DIVERGED * math.log(classes)
    if not math.isfinite(loss) or rising:
        raise InputError(
            f"training diverged in epoch {len(losses)}: loss is {loss:.3g}; lower learning_rate "
            f"(now {settings.learning_rate}) or raise epochs"
        )


def check_weights(network: nn.Module, epoch: int, settings: Settings) -> None:
    """Raise InputError where a weight or a batch statistic is not finite, which the loss in training may not show."""
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            raise InputError(
                f"training diverged in epoch {epoch + 1}: {name} is not finite; lower learning_rate "
                f"(now {settings.learning_rate}) or raise epochs"
            )


def check_overfitting(history: list[Row], images: int, settings: Settings) -> None:
    """Raise InputError for catastrophic overfitting (Wong et al. 2020): robust to its own attack and to no other.

    ``images`` were monitored. It must hold after two epochs in a row, or after the last, whose weights are the result:
    a network may pass through it once and recover. Epochs in which the budget still grew are not monitored. Training on
    noise knows no adversary: there it is no fault.
    """
    needed = 1 if len(history) == settings.epochs else 2
    judged = history[first_monitored(settings) :][-needed:]
    overfitted = [_overfitted(row, images) for row in judged]
    attacked = settings.norm != "none" and settings.objective != "noise"
    if attacked and len(overfitted) == needed and all(overfitted):
        row = history[-1]
        raise InputError(
            f"catastrophic overfitting in epoch {len(history)}: {row['validation_training_attack_accuracy']:.0%} of "
            f"{images} validation images withstand the training attack, but "
            f"{row['validation_adversarial_accuracy']:.0%} one of {MONITOR_STEPS} steps; raise attack_steps (now "
            f"{settings.attack_steps}), or lower attack_step_size (now {settings.attack_step_size}) or the budget"
        )


def first_monitored(settings: Settings) -> int:
    """Return the first epoch, from 0, after which the network is attacked: the budget has grown to all of it.

    Before, it would be attacked at a budget that it has not been trained at yet. The last epoch is always attacked.
    """
    return first_full(settings.attack_warm_up, settings.epochs)


def _overfitted(row: Row, images: int) -> bool:
    own = round(row["validation_training_attack_accuracy"] * images)
    return own >= _ENOUGH and row["validation_adversarial_accuracy"] * images < _KEPT * own


def convergence(history: list[Row], classes: int, full: int = 0) -> float:
    """How far from its end the training was: a guess at what twice the epochs would still lower its loss by.

    That is what the loss fell by in the last third of the training, or all that is left of it where that is less, as a
    share of the loss of a network that knows nothing, log(classes). The loss is the network's own objective: under the
    training attack where there is one. A learning rate that ends at 0 flattens any loss at the end, so that a shorter
    stretch says nothing. On the miniature's networks the guess was between .6 and 1.5 times what twice the epochs
    brought. ``full``: the first epoch, from 0, at the whole budget; what a loss was at a smaller one says nothing, so
    that of a shorter stretch the fall is taken to have gone on at its rate, and of none all that is left counts.
    """
    before = max(1, round(len(history) / 3))
    left = history[-1]["loss"]
    begin = len(history) - 1 - before
    stretch = len(history) - 1 - max(begin, full)
    fell = left if begin < 0 or stretch < 1 else (history[-1 - stretch]["loss"] - left) * before / stretch
    return min(fell, left) / math.log(classes)


def warnings(history: list[Row], classes: int, images: int) -> list[str]:
    """What a reader of the card should know: a clean accuracy on ``images`` validation images that chance explains."""
    chance = 1 / classes
    limit = chance + 3 * math.sqrt(chance * (1 - chance) / images)  # three standard errors
    accuracy = history[-1]["validation_accuracy"]
    if accuracy > limit:
        return []
    return [f"has not learned: validation accuracy {accuracy:.3f}, chance is {chance:.3f} (at most {limit:.3f})"]
