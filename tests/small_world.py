"""The settings and writers of the miniature that the tests of this folder share."""

from pathlib import Path

from tradeoffs.miniature import folder, imagenet, imagenet9, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.miniature.settings import Settings

SETTINGS = Settings(seed=3, image_size=32, correlation=0.8, contrast=0.8, background_scale=1.0, images=60)
TRAINING = {
    "architecture": "basic",
    "norm": "none",
    "epsilon": 0,
    "seed": 0,
    "images": 60,
    "image_size": None,
    "augmentation": "none",
    "epochs": 12,
    "batch_size": 10,
    "learning_rate": 0.05,
    "schedule": "one_cycle",
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "attack_steps": 1,
    "attack_step_size": 1.25,
    "monitor_images": 20,
}
WRITERS = {
    "imagenet": imagenet.write,
    "rival10": rival10.write,
    "salient_imagenet": salient_imagenet.write,
    "imagenet9": imagenet9.write,
    "waterbirds": waterbirds.write,
    "objectnet": objectnet.write,
}


def build_all(root: Path) -> None:
    """Write all six data sets below ``root``."""
    for name, write in WRITERS.items():
        if name == "imagenet":
            folder.build(root / name, name, SETTINGS._replace(test_images=40), write, ("test_images",))
        else:
            folder.build(root / name, name, SETTINGS, write)
