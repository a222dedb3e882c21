"""Somebody else's network made to take images in [0, 1]: normalisation inside, pooled features in sight."""

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tradeoffs.step.errors import InputError

# Mean and standard deviation of ImageNet's training pixels in [0, 1], as torchvision and the robust models use them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Wrapped(nn.Module):
    """``classifier(backbone((x - mean) / std))`` for images ``x`` [n, 3, h, w] in [0, 1].

    Mean and standard deviation are buffers, so that weights can never be used with the wrong ones. ``input_size`` in
    pixels is the size a network of a fixed size was made for: other images are resized to it, inside, so that noise
    and attacks act on the same pixels for every model. 0 takes images as they come. ``classifier`` is None where the
    network's last layer is not linear, or not accessible: then there are logits and no features. ``plain``: images
    reach the network channel by channel in memory, for one whose code relies on it (``view``), at some cost in time;
    else as they come, which is pixel by pixel (torch's channels_last). The two differ by rounding.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        classifier: nn.Linear | None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        input_size: int = 0,
        plain: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).reshape(3, 1, 1))
        self.input_size = input_size
        self.plain = plain
        self.head = ""  # what the classifier is called in the network that it was taken from

    def get_extra_state(self) -> Tensor:
        """Return the input size, which is saved with the weights."""
        return torch.tensor(self.input_size)

    def set_extra_state(self, state: Tensor) -> None:
        """Take the input size over from a state_dict."""
        self.input_size = int(state)

    def whole(self) -> nn.Module:
        """Return the network inside, which takes normalised images, with its last linear layer in its place."""
        if self.classifier is None:
            return self.backbone
        network = copy.deepcopy(self.backbone)
        network.set_submodule(self.head, self.classifier)
        return network

    def features(self, x: Tensor) -> Tensor:
        """Pooled features [n, d] of images [n, 3, h, w] in [0, 1]: what the last linear layer sees."""
        if self.classifier is None:
            raise InputError(
                "this model gives logits only (a TorchScript file, or its last layer is not linear), and this "
                "benchmark fits a linear head on its features; leave it out for this model"
            )
        out: Tensor = self.backbone(self.normalised(x))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Logits [n, classes] of images [n, 3, h, w] in [0, 1]."""
        out: Tensor = self.backbone(self.normalised(x))
        if self.classifier is not None:
            out = self.classifier(out)
        return out

    def normalised(self, x: Tensor) -> Tensor:
        """Images as the network inside takes them, of images [n, 3, h, w] in [0, 1]."""
        size = (self.input_size, self.input_size)
        if self.input_size and x.shape[-2:] != size:
            x = F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=True)
        normalised = (x - self.mean) / self.std
        return normalised.contiguous() if self.plain else normalised


def wrap(
    network: nn.Module,
    num_classes: int,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    input_size: int = 0,
) -> Wrapped:
    """Wrap a classifier that takes normalised images; its last linear layer is taken off and kept apart.

    That layer is the last ``nn.Linear`` with ``num_classes`` outputs: true of all networks of torchvision but
    SqueezeNet, and of nearly all of timm. Without one the wrapped network has no features. ``network`` is changed.
    """
    heads = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == num_classes
    ]
    if not heads:
        return Wrapped(network, None, mean, std, input_size)
    name, head = heads[-1]
    network.set_submodule(name, nn.Identity())
    wrapped = Wrapped(network, head, mean, std, input_size)
    wrapped.head = name
    return wrapped
