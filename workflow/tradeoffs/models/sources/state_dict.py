"""A file of tensors for an architecture that has a name here: ``resnet50``, ``basic``, ``torchvision/vit_b_16``."""

from pathlib import Path

from tradeoffs.models import tensor_file
from tradeoffs.models.conversion import Converted, Settings

__all__ = ["Settings", "read"]


def read(settings: Settings, checkpoint: Path | None) -> Converted:
    """Return the model; InputError as :func:`tradeoffs.models.tensor_file.read`."""
    assert checkpoint is not None  # convert has seen to it
    return tensor_file.read(settings, str(settings.name), checkpoint)
