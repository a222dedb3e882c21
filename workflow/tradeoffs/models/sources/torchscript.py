"""A TorchScript file: code with its weights, kept whole; its features do not show."""

from pathlib import Path

from tradeoffs.models import formats, scripted
from tradeoffs.models.conversion import Converted, Settings, chosen, images, probe
from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import opened


def read(settings: Settings, checkpoint: Path | None) -> Converted:
    """Return the model; InputError for a file of another kind or damaged, and for a network that fails."""
    assert checkpoint is not None  # convert has seen to it
    formats.refuse(checkpoint)
    if (why := formats.damage(checkpoint)) is not None:
        raise InputError(f"{checkpoint}: not a TorchScript file, or damaged ({why}); get it again")
    if not formats.is_script(checkpoint):
        raise InputError(
            f"{checkpoint}: not a TorchScript file (it holds no code); give tensors as source: state_dict, timm or "
            "torchvision"
        )
    with opened(checkpoint) as file:
        content = file.read()
    tensors = scripted.pack(content, *chosen(settings, None, str(checkpoint)))
    network = scripted.unpack(tensors, checkpoint)
    probe(network, images(network.input_size), settings.classes, str(checkpoint))
    return Converted(tensors, "torchscript", {"pretrained": None, "weights": {}}, {})
