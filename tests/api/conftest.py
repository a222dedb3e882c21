"""Networks as people have them: a class of their own, torchvision's, a file."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

PIXELS = {"mean": [0.5, 0.4, 0.3], "std": [0.25, 0.3, 0.2]}


class Own(nn.Module):
    """Three layers, as a person writes them; its batch normalisation has statistics of its own."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, 2)
        self.norm = nn.BatchNorm2d(16)
        self.second = nn.Conv2d(16, 24, 3, 2)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(24, classes)

    def pooled(self, x: torch.Tensor) -> torch.Tensor:
        """Features of normalised images."""
        return torch.relu(self.second(torch.relu(self.norm(self.first(x))))).mean((2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of normalised images."""
        return self.head(self.drop(self.pooled(x)))


def scripted(network: nn.Module, path: Path) -> torch.jit.ScriptModule:
    """Save a network as TorchScript, which is deprecated, and what people have; return it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.trace(network.eval(), torch.rand(2, 3, 32, 32))
        torch.jit.save(script, path)
    return script


@pytest.fixture
def own() -> Own:
    """Return a network that sees something: its statistics and head are not those of fresh weights."""
    torch.manual_seed(3)
    network = Own()
    with torch.no_grad():
        network(torch.randn(64, 3, 32, 32))
        network.head.weight.normal_(0, 3)
    return network
