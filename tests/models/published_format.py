"""Checkpoints in the exact format of the released robust models, with any weights: for tests and for the replica.

The names come from modules nested as MadryLab's ``robustness`` nests them, not from a list of ours.
"""

from pathlib import Path

import torch
from torch import nn

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


class Normalizer(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("new_mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("new_std", torch.tensor(std)[:, None, None])


class Attacker(nn.Module):
    def __init__(self, model, normalizer):
        super().__init__()
        self.normalize = normalizer
        self.model = model


class AttackerModel(nn.Module):
    def __init__(self, model, normalizer):
        super().__init__()
        self.normalizer = normalizer
        self.model = model
        self.attacker = Attacker(model, normalizer)


def checkpoint_of(network, mean=IMAGENET[0], std=IMAGENET[1]):
    """What training with ``robustness`` saves: the model twice over, its optimiser and schedule, the epoch."""
    network.train()
    model = nn.DataParallel(AttackerModel(network, Normalizer(mean, std)))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
    network.eval()
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "epoch": 90,
        "amp": "N/A",
    }


@torch.no_grad()
def trained_like(network, seed=0):
    """Give a fresh network the statistics of images and a head that answers: its logits differ between images.

    Without this nearly every image gets the same logits, and any two normalisations would seem to agree.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            module.weight.uniform_(0.5, 1.5, generator=generator)
            module.bias.normal_(0, 0.1, generator=generator)
        if isinstance(module, nn.Linear):
            module.weight.normal_(0, 0.1, generator=generator)
    network.train()(patches(16, generator) * 4 - 2)
    return network.eval()


def patches(n, generator):
    """Images [n, 3, 64, 64] in [0, 1] of coarse patches: unlike noise, they differ after pooling."""
    coarse = torch.rand((n, 3, 4, 4), generator=generator)
    return nn.functional.interpolate(coarse, (64, 64), mode="bilinear")


def write(path: Path, network, mean=IMAGENET[0], std=IMAGENET[1]) -> Path:
    """Write a released checkpoint of ``network``."""
    torch.save(checkpoint_of(network, mean, std), path)
    return path
