"""The two small ResNets of the miniature (He et al. 2016): basic blocks or bottleneck blocks, three stages, 32 px."""

import torch
from torch import Tensor, nn

# Mean and standard deviation of pixels in [0, 1]; a fixed affine map, the same for every model and every world.
_MEAN, _STD = 0.5, 0.25


class SmallResNet(nn.Module):
    """A residual network for small RGB images in [0, 1]; it normalises its input itself.

    ``features(x)`` maps [n, 3, h, w] to pooled features [n, d]; ``forward`` adds the linear classifier ``fc``.
    """

    def __init__(self, block: "type[BasicBlock | BottleneckBlock]", num_classes: int) -> None:
        super().__init__()
        channels = 16
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels))
        stages: list[nn.Module] = []
        for stage, (width, depth) in enumerate(zip(block.widths, block.depths, strict=True)):
            for index in range(depth):
                stages.append(block(channels, width, stride=2 if stage > 0 and index == 0 else 1))
                channels = width * block.expansion
        self.stages = nn.Sequential(*stages)
        self.fc = nn.Linear(channels, num_classes)

    def features(self, x: Tensor) -> Tensor:
        """Pooled features [n, d] of images [n, 3, h, w] in [0, 1]."""
        x = (x - _MEAN) / _STD
        out: Tensor = self.stages(torch.relu(self.stem(x)))
        return out.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Logits [n, classes] of images [n, 3, h, w] in [0, 1]."""
        out: Tensor = self.fc(self.features(x))
        return out


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    widths = (16, 32, 64)
    depths = (1, 1, 1)
    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut = _shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, channels, h, w] to [n, width, h / stride, w / stride]."""
        return torch.relu(self.residual(x) + self.shortcut(x))


class BottleneckBlock(nn.Module):
    """A 1x1, a 3x3 and a widening 1x1 convolution, and a shortcut."""

    widths = (8, 16, 32)
    depths = (1, 2, 2)
    expansion = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = width * self.expansion
        self.residual = nn.Sequential(
            nn.Conv2d(channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut = _shortcut(channels, out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, channels, h, w] to [n, expansion * width, h / stride, w / stride]."""
        return torch.relu(self.residual(x) + self.shortcut(x))


def _shortcut(channels: int, out: int, stride: int) -> nn.Module:
    if stride == 1 and channels == out:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
