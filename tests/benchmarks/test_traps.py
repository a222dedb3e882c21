"""Errors that are known from published code and its copies, each kept out by a test of its name."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models, transforms

from benchmarks.conftest import MODEL
from tradeoffs.benchmarks import imagenet9, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.benchmarks.inference import Passes, over_images
from tradeoffs.data import rival10 as rival10_reader
from tradeoffs.data.images import Geometry
from tradeoffs.models.normalised import wrap
from tradeoffs.step.declared_benchmarks import benchmarks

CPU = torch.device("cpu")


class Recorder(torch.nn.Module):
    """A network that keeps what it is shown; its logits are those of the wrapped network."""

    def __init__(self, network):
        super().__init__()
        self.network, self.seen = network, []

    def forward(self, x):
        self.seen.append(x.clone())
        return self.network(x)

    def features(self, x):
        self.seen.append(x.clone())
        return self.network.features(x)


class Colours(torch.nn.Module):
    """A network that sees no more than a colour: class = red / 20, both for logits and for features."""

    def forward(self, x):
        red = (x[:, 0].mean((1, 2)) * 255 / 20).round().long()
        return torch.nn.functional.one_hot(red, 10).float()

    features = forward


def paint(path, shade, size=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade * 20, 0, 0)).save(path, **({} if path.suffix == ".png" else {"quality": 100}))


def test_trap_percent_against_fraction(small):
    """Copies of the RCS code hand accuracies in percent to a formula that needs fractions."""
    regions = {
        f"rfs_{level}": (f"accuracy_background_{level}", f"accuracy_foreground_{level}")
        for level in ("linf_0.2", "linf_0.5", "l2_5")
    }
    told_apart = 0
    for benchmark, gaps in ((rival10, regions), (salient_imagenet, {"rcs": ("core_accuracy", "spurious_accuracy")})):
        found = {name: metric["value"] for name, metric in small.evaluate(benchmark).metrics.items()}
        assert all(-1 <= value <= 1 for value in found.values())
        for name, (a, b) in gaps.items():
            difference, mean = found[a] - found[b], (found[a] + found[b]) / 2
            assert found[name] == pytest.approx(difference / (2 * min(mean, 1 - mean)), abs=1e-12)
            in_percent = 100 * difference / (2 * min(100 * mean, 1 - 100 * mean))
            told_apart += abs(found[name] - in_percent) > 0.01
    assert told_apart >= 2


@pytest.mark.parametrize("benchmark", [rival10, salient_imagenet])
def test_trap_sigma_divided_twice(small, benchmark):
    """The published levels are already fractions of 255, and RIVAL10's main() divides them by 255 again."""
    recorder = Recorder(small.network)
    changes = {"linf_levels": [0.1]} if benchmark is rival10 else {"sigma": 0.1, "trials": 1}
    small._replace(network=recorder).evaluate(benchmark, **changes)
    after = 4 if benchmark is rival10 else 1  # passes for the gradient and, where there are outlines, for swaps
    clean, *noisy = recorder.seen[
        -5 - after : -after
    ]  # foreground and background of both levels, or four kinds of region
    added = [(x - clean)[(clean > 0.45) & (clean < 0.55)] for x in noisy[:2]]  # the two regions, soft, and no clamping
    spread = np.sqrt(sum(noise.square().mean().item() for noise in added))
    assert 0.07 < spread < 0.11
    declared = benchmarks()
    for study in ("miniature", "imagenet"):
        published = np.arange(30, 211, 30) / 255
        np.testing.assert_allclose(declared["rival10"].settings["linf_levels"][study], published, atol=5e-5)
        assert declared["salient_imagenet"].settings["sigma"][study] == 0.25


def test_trap_dropped_normaliser(published):
    """Cutting a robust ResNet's last layer off can cut its normaliser off too: the backbone then sees raw pixels."""
    torch.manual_seed(1)
    plain = models.resnet18(weights=None, num_classes=10).eval()
    paths = sorted((published.root / "imagenet/val").rglob("*.JPEG"))[:2]
    steps = [transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()]
    raw = torch.stack([transforms.Compose(steps)(Image.open(path)) for path in paths])
    normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    network = wrap(plain, 10).eval()
    _, found = over_images(Passes(CPU), paths, Geometry(resize=256, crop=224), network.features)
    with torch.no_grad():  # wrap() has taken the last layer off the plain network
        np.testing.assert_allclose(found, plain(normalise(raw)).numpy(), rtol=1e-4, atol=1e-5)
        assert np.abs(found - plain(raw).numpy()).max() > 0.01


@pytest.mark.parametrize("benchmark", [rival10, waterbirds])
def test_trap_batchnorm_drift_in_frozen_features(small, benchmark):
    """Published code leaves the backbone in training mode while the head is fitted, and its statistics drift."""
    before = {name: tensor.clone() for name, tensor in small.network.state_dict().items()}
    small.evaluate(benchmark)
    assert any("running_mean" in name for name in before)
    assert all(torch.equal(before[name], tensor) for name, tensor in small.network.state_dict().items())
    assert not any(module.training for module in small.network.modules())


def test_trap_class_names_with_spaces(tmp_path):
    """ImageNet-9's folders are named like '02_wheeled vehicle'; the label is the number they begin with."""
    classes = ["00_dog", "01_bird", "02_wheeled vehicle", "03_musical instrument"]
    base = tmp_path / "imagenet9" / "bg_challenge"
    for variant in imagenet9.imagenet9.VARIANTS:
        for label, name in enumerate(classes):
            for number in range(2):
                paint(base / variant / "val" / name / f"n0{label}_{number}.JPEG", label + 3)
    for label, name in enumerate(classes):
        folder = base / "fg_mask" / "val" / name
        folder.mkdir(parents=True)
        for number in range(2):
            np.save(folder / f"n0{label}_{number}.npy", np.arange(64).reshape(8, 8) > 0)
    mapping = {str(i): i - 3 if 3 <= i < 7 else -1 for i in range(10)}
    (tmp_path / "imagenet9" / "in_to_in9.json").write_text(json.dumps(mapping))
    spec = MODEL | {"challenge_foregrounds": 8, "challenge_backgrounds": 8}
    result = imagenet9.evaluate(Colours(), imagenet9.Settings(**spec), {"imagenet9": tmp_path / "imagenet9"}, CPU)
    read = {name: metric["value"] for name, metric in result.metrics.items() if "accuracy" in name or name == "bg_gap"}
    assert all(value == (name != "bg_gap") for name, value in read.items())
    assert len(read) > 8


def test_trap_one_based_ids(tmp_path):
    """img_id of Waterbirds counts from one, and is no row number: here it runs against the rows."""
    base = tmp_path / "waterbirds" / waterbirds.waterbirds.FOLDER
    rows = []
    for i in range(80):
        y, place, split = i % 2, i // 2 % 2, 0 if i < 40 else 2
        # A bird's colour is its class, but for landbirds on water in the test split, which look like waterbirds.
        shade = 1 if (y, place, split) == (0, 1, 2) else y
        paint(base / f"{i % 7 + 1:03d}.Species" / f"bird_{i}.jpg", 2 + 5 * shade)
        rows.append([80 - i, f"{i % 7 + 1:03d}.Species/bird_{i}.jpg", y, split, place, "/f/forest/1.jpg"])
    with (base / "metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["img_id", "img_filename", "y", "split", "place", "place_filename"], *rows])
    spec = MODEL | {"resize": 8, "crop": 8, "l2_penalty": 0.01}
    result = waterbirds.evaluate(Colours(), waterbirds.Settings(**spec), {"waterbirds": tmp_path / "waterbirds"}, CPU)
    groups = {name: result.metrics[f"accuracy_{name}"]["value"] for name in waterbirds.GROUPS}
    assert groups == {"landbird_on_land": 1, "landbird_on_water": 0, "waterbird_on_land": 1, "waterbird_on_water": 1}


def test_trap_one_pixel_against_two_pixel_border(small, tmp_path):
    """The licence speaks of a red border of one pixel; after one is cut, compression has left traces in the next."""
    root = tmp_path / "objectnet"
    for source in (small.root / "objectnet").rglob("*"):
        target = root / source.relative_to(small.root / "objectnet")
        if source.suffix == ".png":
            pixels = np.array(Image.open(source).convert("RGB")) // 2
            for depth, red in ((0, 255), (1, 200)):
                pixels[[depth, -1 - depth], depth : len(pixels) - depth] = [red, 0, 0]
                pixels[depth : len(pixels) - depth, [depth, -1 - depth]] = [red, 0, 0]
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(target)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())

    def reddest(border):
        recorder = Recorder(small.network)
        spec = MODEL | {"resize": 32, "crop": 32, "border": border, "validation_resize": 32}
        objectnet.evaluate(
            recorder, objectnet.Settings(**spec), {"objectnet": root, "imagenet": small.root / "imagenet"}, CPU
        )
        return recorder.seen[0][:, 0].max().item()  # the first pass is over ObjectNet

    assert reddest(2) <= 0.5
    assert reddest(1) > 0.7
    border = benchmarks()["objectnet"].settings["border"]
    assert border["miniature"] == border["imagenet"] == 2


def test_trap_image_paths_that_differ_between_the_split_file_and_the_disk(small, tmp_path):
    """RIVAL10's split file lists addresses .../train/<wnid>/<file>; on disk the file is <wnid>_<file>."""
    meta = json.loads((small.root / "rival10/RIVAL10/meta/train_test_split_by_url.json").read_text())
    assert meta
    base = tmp_path / "rival10" / "RIVAL10"
    names = ["n02814533_n02814533_5.JPEG", "n03796401_ILSVRC2012_val_00000017.JPEG"]
    for split, name in zip(("train", "test"), names, strict=True):
        paint(base / split / "ordinary" / name, 3)
        paint(base / split / "entire_object_masks" / name, 3)
    (base / "meta").mkdir()
    addresses = ["https://host/imagenet/train/n02814533/n02814533_5.JPEG", "https://host/imagenet/val/n03796401/x.JPEG"]
    (base / "meta/train_test_split_by_url.json").write_text(json.dumps({"train": addresses[:1], "test": addresses[1:]}))
    (base / "meta/wnid_to_class.json").write_text('{"n02814533": "beach wagon", "n03796401": "moving van"}')
    (base / "meta/label_mappings.json").write_text('{"moving van": ["truck", 0], "beach wagon": ["car", 1]}')
    for split, name, label in zip(("train", "test"), names, (1, 0), strict=True):
        found = rival10_reader.read(tmp_path / "rival10", split)
        assert [path.name for path in found.paths] == [name]
        assert found.labels.tolist() == [label]
