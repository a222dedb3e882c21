"""What a training is asked for."""

from typing import Annotated, NamedTuple


class Settings(NamedTuple):
    """How a network is trained; sizes are in pixels, budgets in pixel values of [0, 1]."""

    architecture: str
    norm: Annotated[str, "none, l1, l2 or linf"]
    epsilon: float
    seed: int
    images: Annotated[int | None, "training images used, the same number of each class; None: all"]
    image_size: Annotated[int | None, "along each side; None: as stored"]
    augmentation: Annotated[str, "none, or crop_flip: random resized crop and horizontal flip"]
    epochs: int
    batch_size: Annotated[int, "of all processes together"]
    learning_rate: Annotated[float, "peak of the schedule"]
    schedule: Annotated[str, "one_cycle, or step: a tenth after each third"]
    momentum: float
    weight_decay: float
    attack_steps: int
    attack_step_size: Annotated[float, "relative to epsilon"]
    monitor_images: Annotated[int, "validation images whose accuracy, under attack too, is followed epoch by epoch"]
    attack_warm_up: Annotated[float, "share of the training in which the budget grows from 0 to epsilon"] = 0.0
    objective: Annotated[str, "pgd, trades, or noise: a random point of the ball"] = "pgd"
    trades_beta: Annotated[float, "weight of the divergence in trades"] = 6.0
    precision: Annotated[str, "auto: bfloat16 on a GPU, float32 on a processor; or float32, or bfloat16"] = "auto"
