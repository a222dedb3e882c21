"""What a training is asked for."""

from typing import NamedTuple


class Settings(NamedTuple):
    """How a network is trained; sizes are in pixels, budgets in pixel values of [0, 1]."""

    architecture: str
    norm: str  # none, l2 or linf
    epsilon: float
    seed: int
    images: int | None  # training images used, the same number of each class; None: all
    image_size: int | None  # along each side; None: as stored
    augmentation: str  # none, or crop_flip: random resized crop and horizontal flip
    epochs: int
    batch_size: int  # of all processes together
    learning_rate: float  # peak of the schedule
    schedule: str  # one_cycle, or step: a tenth after each third
    momentum: float
    weight_decay: float
    attack_steps: int
    attack_step_size: float  # relative to epsilon
    monitor_images: int  # validation images whose adversarial accuracy is followed, epoch by epoch
