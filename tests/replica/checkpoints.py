"""Released checkpoints of networks that know something: random features, and a head fitted to the classes' colours.

Nobody trained them and no number they give means anything, but their predictions vary with the image and are right
often enough that a label mixed up, a mask inverted or a normaliser lost changes the result.
"""

import numpy as np
import torch
from torch import nn

from models.published_format import IMAGENET, checkpoint_of
from replica.classes import IN9
from replica.datasets import IN9_IMAGES, SALIENT_IMAGES, composed, salient_images
from replica.pictures import generator, pattern, smooth

FEATURE_SIZE = 112  # pixels at which the head is fitted: the pictures are smooth enough
BACKGROUNDS = 6  # for each object
LAST_OF_BLOCK = {"resnet18": "bn2", "resnet50": "bn3"}  # normalisations
BRANCH = 0.1  # weight of a residual branch: nearly linear features are as good at 224 px as at 112
PENALTY = 1e-3  # of the ridge regression, relative to the features' mean square


def examples(seed, classes):
    """Return class indices [n] and images float32 [n, 3, h, w], normalised as for ImageNet, that the head is fitted to.

    The classes that some benchmark asks for, as whole pictures; those of composed pictures on other backgrounds too.
    """
    objects = [image[0] for image in salient_images(seed, classes)][::SALIENT_IMAGES]
    for label in range(len(IN9)):
        objects += [int(index) for index, found in classes.in9.items() if found == label][:IN9_IMAGES]
    shared = {index for ids in classes.shared.values() for index in ids}
    size = (FEATURE_SIZE, FEATURE_SIZE)
    drawn = [(index, smooth(classes.colours[index], size)) for index in sorted(shared | set(objects))]
    for index in objects:
        rng = generator(seed, "examples", index)
        drawn += [(index, composed(rng, size, classes.colours[index], pattern(rng))[0]) for _ in range(BACKGROUNDS)]
    pixels = torch.from_numpy(np.stack([np.asarray(picture) for _, picture in drawn])).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in IMAGENET)
    return torch.tensor([index for index, _ in drawn]), (pixels - mean) / std


@torch.no_grad()
def network(architecture, name, seed, classes):
    """Return torchvision's network of an architecture, its weights drawn by ``name``, its head fitted."""
    from torchvision import models

    torch.manual_seed(int(generator(seed, name).integers(2**31)))
    made = models.get_model(architecture, weights=None, num_classes=len(classes.wnids))
    labels, images = examples(seed, classes)
    for name_of, module in made.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # the statistics of one batch
            if name_of.endswith(LAST_OF_BLOCK.get(architecture, ())):
                module.weight.fill_(BRANCH)
    made.train()(images[:: len(images) // 24])
    made.eval()
    head = list(made.modules())[-1]  # the last layer of every network used here
    found = []
    handle = head.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    for batch in images.split(16):
        made(batch)
    handle.remove()
    features = torch.cat(found).double()
    centre = features.mean(0)
    gram = (features - centre) @ (features - centre).T
    gram += PENALTY * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    wanted = nn.functional.one_hot(labels, len(classes.wnids)).to(gram)
    weight = wanted.T @ torch.linalg.solve(gram, features - centre)
    head.weight.copy_(weight)
    head.bias.copy_(wanted.amax(0) - 1 - weight @ centre)  # a class without examples never comes first
    return made


def write(path, architecture, seed, classes):
    """Write one checkpoint as it was released; its name decides its weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint_of(network(architecture, path.name, seed, classes)), path)


def write_own(path, architecture, seed, classes):
    """Write a network as most people save one: its state_dict, normalisation left to whoever loads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network(architecture, path.name, seed, classes).state_dict(), path)
