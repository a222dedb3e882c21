"""Two worlds to measure benchmarks in: the miniature, and images of photographs' sizes under the published geometry."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision import models, transforms

from small_world import SETTINGS, WRITERS
from tradeoffs.benchmarks.evaluation import Evaluation
from tradeoffs.miniature import folder
from tradeoffs.models.networks import Network, load
from tradeoffs.models.normalised import wrap

MODEL = {"model": "m", "architecture": "basic", "classes": 10, "seed": 5, "bootstrap": 100, "unreadable": "fail"}
SETS = {"objectnet": ["objectnet", "imagenet"], "adversarial": ["imagenet"], "shifted_correlation": ["imagenet"]}


class World(NamedTuple):
    """Where the sets lie, a network, the benchmarks' settings, and their transforms by torchvision, one by one."""

    root: Path
    network: Network
    specs: dict[str, dict[str, Any]]
    transforms: dict[str, Callable[[Image.Image], Image.Image]]

    def evaluate(self, benchmark: Any, **changes: Any) -> Evaluation:
        """Run a benchmark module on this world."""
        name = benchmark.__name__.rpartition(".")[2]
        roots = {data: self.root / data for data in SETS.get(name, [name])}
        settings = benchmark.Settings(**MODEL | self.specs[name] | changes)
        return benchmark.evaluate(self.network, settings, roots, torch.device("cpu"))

    def pixels(self, path: Path, kind: str) -> Tensor:
        """One image [1, 3, h, w] in [0, 1], by Pillow and torchvision."""
        with Image.open(path) as image:
            return transforms.functional.to_tensor(self.transforms[kind](image.convert("RGB")))[None]

    def mask(self, path: Path, kind: str) -> Tensor:
        """One soft mask [1, 1, h, w] in [0, 1]."""
        with Image.open(path) as image:
            return transforms.functional.to_tensor(self.transforms[kind](image.convert("L")))[None]


def cut(image: Image.Image) -> Image.Image:
    """Cut two pixels from each side."""
    return image.crop((2, 2, image.width - 2, image.height - 2))


SMALL = {
    "imagenet": {"resize": 32, "crop": 32},
    "rival10": {"size": 32, "linf_levels": [0.2, 0.5], "l2_levels": [5.0], "l2_penalty": 0.01},
    "salient_imagenet": {"resize": 32, "crop": 32, "sigma": 0.25, "trials": 2, "dilation": 2},
    "imagenet9": {"challenge_foregrounds": 6, "challenge_backgrounds": 5},
    "waterbirds": {"resize": 32, "crop": 32, "l2_penalty": 0.01},
    "objectnet": {"resize": 32, "crop": 32, "border": 2, "validation_resize": 32},
    "adversarial": {
        "resize": 32,
        "crop": 32,
        "images": 30,
        "domains": {"preserved": "val", "broken": "val_decorrelated"},
        "budgets": {"linf": [1, 16], "l2": [0.1, 3.0]},
        "steps": 5,
        "restarts": 1,
    },
    "shifted_correlation": {
        "resize": 32,
        "crop": 32,
        "images": 30,
        "attacked": 10,
        "budgets": {"linf": [2], "l2": [0.5]},
        "steps": 3,
    },
}
PUBLISHED = {
    "imagenet": {"resize": 256, "crop": 224},
    "rival10": {"size": 224, "linf_levels": [0.2, 0.5], "l2_levels": [100], "l2_penalty": 0.01},
    "salient_imagenet": {"resize": 256, "crop": 224, "sigma": 0.25, "trials": 1, "dilation": 15},
    "imagenet9": {"challenge_foregrounds": 2, "challenge_backgrounds": 3},
    "waterbirds": {"resize": 256, "crop": 224, "l2_penalty": 0.01},
    "objectnet": {"resize": 224, "crop": 224, "border": 2, "validation_resize": 256},
}


@pytest.fixture(scope="session")
def small(miniature: Path, weights: Path) -> World:
    """Return the miniature with a network that has learned a little."""
    same = dict.fromkeys(("imagenet", "rival10", "salient_imagenet", "imagenet9", "waterbirds"), lambda image: image)
    return World(miniature, load(weights, "basic", 10, torch.device("cpu")), SMALL, same | {"objectnet": cut})


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return few images, enlarged to the sizes of photographs, with a short torchvision ResNet of random weights."""
    root = tmp_path_factory.mktemp("published")
    for name, write in WRITERS.items():
        settings = SETTINGS._replace(images=10)
        if name == "imagenet":
            folder.build(root / name, name, settings._replace(test_images=10), write, ("test_images",))
        else:
            folder.build(root / name, name, settings, write)
    for path in sorted(root.rglob("*")):
        _enlarge(path, stored="imagenet9" in path.parts)
    resize, crop = transforms.Resize, transforms.CenterCrop(224)
    usual = transforms.Compose([resize(256), crop])
    steps = {
        "imagenet": usual,
        "rival10": resize((224, 224)),
        "salient_imagenet": usual,
        "imagenet9": lambda image: image,
        "waterbirds": transforms.Compose([resize((256, 256)), crop]),
        "objectnet": transforms.Compose([cut, resize(224), crop]),
    }
    torch.manual_seed(1)
    plain = models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=10)
    network = wrap(plain, 10).eval().requires_grad_(False)
    network = network.to(memory_format=torch.channels_last)
    world = World(root, network, PUBLISHED, steps)
    # Centred logits: without, random weights give every image the same class.
    some = torch.cat([world.pixels(path, "imagenet") for path in sorted((root / "imagenet/val").rglob("*.JPEG"))])
    network.classifier.bias.sub_(network(some).mean(0))
    return world


def _enlarge(path: Path, stored: bool) -> None:
    """Enlarge an image or mask to some 300 pixels, the same for all of one name; ``stored``: to exactly 224."""
    name = path.stem.removesuffix("_merged_mask")
    draw = np.random.default_rng(list(name.encode()))
    size = (224, 224) if stored else tuple(draw.integers(230, 330, 2).tolist())
    if path.suffix == ".npy" and stored:
        np.save(path, np.asarray(Image.fromarray(np.load(path)).resize(size)))
    elif path.suffix in (".JPEG", ".jpg", ".png"):
        with Image.open(path) as image:
            enlarged = image.resize(size, Image.Resampling.BICUBIC)
        enlarged.save(path, **({} if path.suffix == ".png" else {"quality": 92}))


@pytest.fixture(scope="module", params=["miniature", "published geometry"])
def world(request: pytest.FixtureRequest) -> World:
    """Return one world after the other."""
    return request.getfixturevalue("small" if request.param == "miniature" else "published")
