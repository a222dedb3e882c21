"""Every benchmark against an independently written plain loop over single images, on the same images and noise.

In both worlds: the miniature as stored, and images of photographs' sizes under the published geometry.
"""

import csv
import json

import numpy as np
import pytest
import torch

from tradeoffs.benchmarks import adversarial, imagenet, imagenet9, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.errors import InputError


def value(result, name):
    return result.metrics[name]["value"]


def gap(a, b):
    m = (a + b) / 2
    return 0 if m in (0, 1) else (a - b) / (2 * min(m, 1 - m))


def by_class(hits, labels):
    return np.mean([np.mean([h for h, y in zip(hits, labels, strict=True) if y == c]) for c in sorted(set(labels))])


def noise_of(image, trial, size):
    """Return the noise [1, 3, h, w] of an image: each image has its own stream, its trials one after another."""
    stream = np.random.Generator(np.random.Philox(key=[5, image]))
    for _ in range(trial + 1):
        noise = stream.standard_normal((size, size, 3), dtype=np.float32)
    return torch.from_numpy(noise).permute(2, 0, 1)[None]


def test_rival10_equals_a_plain_loop(world):
    result, network, spec = world.evaluate(rival10), world.network, world.specs["rival10"]

    base = world.root / "rival10" / "RIVAL10"
    to_name = json.loads((base / "meta/wnid_to_class.json").read_text())
    to_class = json.loads((base / "meta/label_mappings.json").read_text())

    def listed(split):
        masks = sorted((base / split / "entire_object_masks").iterdir())
        images = [base / split / "ordinary" / mask.name for mask in masks]
        return images, masks, [to_class[to_name[mask.name.split("_")[0]]][1] for mask in masks]

    images, _, labels = listed("train")
    found = [network.features(world.pixels(path, "rival10")).double().numpy() for path in images]
    head = rival10.fit(np.concatenate(found), np.array(labels), 10, 0.01)
    images, masks, labels = listed("test")

    def accuracy(kind, level, foreground):
        hits = []
        for i, (path, mask_path) in enumerate(zip(images, masks, strict=True)):
            mask = world.mask(mask_path, "rival10")
            n = noise_of(i, 0, spec["size"]) * (mask if foreground else 1 - mask)
            if kind == "l2":
                n = n / n.norm()
            x = (world.pixels(path, "rival10") + level * n).clamp(0, 1)
            hits.append(head.logits(network.features(x).double().numpy()).argmax() == labels[i])
        return by_class(hits, labels)

    in_front = [accuracy("linf", level, True) for level in (0.2, 0.5)]
    behind = [accuracy("linf", level, False) for level in (0.2, 0.5)]
    (level,) = spec["l2_levels"]
    assert value(result, "accuracy_foreground_linf_0.2") == pytest.approx(in_front[0])
    assert value(result, "rfs_linf_0.5") == pytest.approx(gap(behind[1], in_front[1]))
    assert value(result, "rfs_linf") == pytest.approx(gap(np.mean(behind), np.mean(in_front)))
    assert value(result, "rfs_l2") == pytest.approx(gap(accuracy("l2", level, False), accuracy("l2", level, True)))


def plain_dilation(mask, iterations):
    for _ in range(iterations):
        grown = mask.clone()
        for shift in (-2, -1, 1, 2):
            for axis in (0, 1):
                moved = torch.roll(mask, shift, axis)
                edge = [slice(None), slice(None)]
                edge[axis] = slice(0, shift) if shift > 0 else slice(shift, None)
                moved[tuple(edge)] = 0
                grown = torch.maximum(grown, moved)
        mask = grown
    return mask / mask.max()


def test_salient_imagenet_equals_a_plain_loop(world):
    result, network = world.evaluate(salient_imagenet), world.network
    spec = world.specs["salient_imagenet"]

    root = world.root / "salient_imagenet"
    votes = {}
    with (root / "mturk_results/discover_spurious_features.csv").open() as file:
        for row in csv.DictReader(file):
            key = (row["Input.wordnet_id"], row["Input.feature_index"])
            votes.setdefault(key, []).append(row["Answer.main"] in ("separate_object", "background"))
    masks = {}
    for (wnid, feature), answers in votes.items():
        kind = "spurious" if sum(answers) >= 3 else "core"
        for path in (root / "salient_imagenet_dataset" / wnid / f"feature_{feature}").iterdir():
            masks.setdefault((wnid, path.name), {}).setdefault(kind, []).append(world.mask(path, "salient_imagenet"))
    wnids = sorted({wnid for wnid, _ in votes})
    images = sorted(masks)
    labels = [wnids.index(wnid) for wnid, _ in images]

    def accuracy(region, keep):
        trials = []
        for trial in range(spec["trials"]):
            hits, kept = [], []
            for i, (wnid, name) in enumerate(images):
                own = masks[wnid, name]
                if not keep(own, labels[i]):
                    continue
                clean = world.pixels(root / "train" / wnid / name, "salient_imagenet")
                x = clean + 0.25 * noise_of(i, trial, spec["crop"]) * region(own)
                hits.append(network(x.clamp(0, 1)).argmax().item() == labels[i])
                kept.append(labels[i])
            trials.append(by_class(hits, kept))
        return np.mean(trials)

    def core(own):
        return torch.stack(own["core"]).amax(0)

    def dilated(own):
        return plain_dilation(core(own)[0, 0], spec["dilation"])[None, None]

    core_accuracy = accuracy(lambda own: 1 - dilated(own), lambda own, _: "core" in own)
    spurious_accuracy = accuracy(dilated, lambda own, _: "core" in own)
    assert value(result, "core_accuracy") == pytest.approx(core_accuracy)
    assert value(result, "spurious_accuracy") == pytest.approx(spurious_accuracy)
    assert value(result, "rcs") == pytest.approx(gap(core_accuracy, spurious_accuracy))
    by_feature = accuracy(lambda own: torch.stack(own["spurious"]).amax(0), lambda own, _: "spurious" in own)
    assert value(result, "core_accuracy_by_feature") == pytest.approx(by_feature)


def test_imagenet9_equals_a_plain_loop(world):
    result, network = world.evaluate(imagenet9), world.network
    spec = world.specs["imagenet9"]

    root = world.root / "imagenet9"
    mapping = json.loads((root / "in_to_in9.json").read_text())

    def listed(variant):
        folders = sorted((root / "bg_challenge" / variant / "val").iterdir())
        return [(path, label) for label, folder in enumerate(folders) for path in sorted(folder.iterdir())]

    def right(x, label):
        return mapping[str(network(x).argmax().item())] == label

    def accuracy(variant):
        return np.mean([right(world.pixels(path, "imagenet9"), label) for path, label in listed(variant)])

    mixed_rand = accuracy("mixed_rand")
    assert value(result, "accuracy_mixed_rand") == pytest.approx(mixed_rand)
    assert value(result, "bg_gap") == pytest.approx(accuracy("mixed_same") - mixed_rand)
    for variant in ("original", "mixed_next", "only_fg", "no_fg", "only_bg_b", "only_bg_t"):
        assert f"accuracy_{variant}" in result.metrics

    originals, tiled = listed("original"), listed("only_bg_t")
    behind = np.linspace(0, len(tiled) - 1, spec["challenge_backgrounds"]).astype(int)
    backgrounds = [world.pixels(tiled[j][0], "imagenet9") for j in behind]
    withstood = []
    for i in np.linspace(0, len(originals) - 1, spec["challenge_foregrounds"]).astype(int):
        path, label = originals[i]
        mask_path = root / "bg_challenge/fg_mask/val" / path.parent.name / f"{path.stem}.npy"
        mask = torch.from_numpy((np.load(mask_path).astype(float) * 255).round()).float() / 255
        front = world.pixels(path, "imagenet9")
        withstood.append(all(right(front * mask + background * (1 - mask), label) for background in backgrounds))
    assert value(result, "challenge_accuracy") == pytest.approx(np.mean(withstood))


def test_imagenet9_refuses_variants_that_do_not_match(small, copy_of):
    root = copy_of("imagenet9")
    next((root / "bg_challenge/mixed_rand/val").rglob("*.JPEG")).unlink()
    with pytest.raises(InputError, match="mixed_rand does not hold the images of variant original"):
        small._replace(root=root.parent).evaluate(imagenet9)


def test_waterbirds_equals_a_plain_loop(world):
    result = world.evaluate(waterbirds)

    root = world.root / "waterbirds/waterbird_complete95_forest2water2"
    with (root / "metadata.csv").open() as file:
        rows = list(csv.DictReader(file))
    train, test = ([row for row in rows if row["split"] == split] for split in ("0", "2"))

    def feature(row):
        return world.network.features(world.pixels(root / row["img_filename"], "waterbirds")).double().numpy()

    labels = np.array([int(row["y"]) for row in train])
    head = waterbirds.fit(np.concatenate([feature(row) for row in train]), labels, 2, 0.01)
    groups, sizes = {}, {}
    for row in test:
        hit = head.logits(feature(row)).argmax() == int(row["y"])
        groups.setdefault((row["y"], row["place"]), []).append(hit)
    for row in train:
        sizes[row["y"], row["place"]] = sizes.get((row["y"], row["place"]), 0) + 1
    means = {group: np.mean(hits) for group, hits in groups.items()}
    adjusted = sum(means[group] * size for group, size in sizes.items()) / len(train)
    swap = ((means["0", "0"] - means["0", "1"]) + (means["1", "1"] - means["1", "0"])) / 2
    assert value(result, "worst_group_accuracy") == pytest.approx(min(means.values()))
    assert value(result, "adjusted_average_accuracy") == pytest.approx(adjusted)
    assert value(result, "background_swap_gap") == pytest.approx(swap)
    assert value(result, "accuracy_waterbird_on_land") == pytest.approx(means["1", "0"])


def test_objectnet_equals_a_plain_loop(world):
    result = world.evaluate(objectnet)

    mappings = world.root / "objectnet/objectnet-1.0/mappings"
    label_of_folder = json.loads((mappings / "folder_to_objectnet_label.json").read_text())
    to_imagenet = json.loads((mappings / "objectnet_to_imagenet_1k.json").read_text())
    lines = (mappings / "imagenet_to_label_2012_v2").read_text().splitlines()
    pytorch_ids = json.loads((mappings / "pytorch_to_imagenet_2012_id.json").read_text())
    name_of = {int(k): lines[v].strip() for k, v in pytorch_ids.items()}
    object_of = {
        i: label for i, name in name_of.items() for label, names in to_imagenet.items() if name in names.split("; ")
    }
    assert 0 < len(set(object_of.values())) < len(object_of) < 10  # some share an ObjectNet class, some have none

    def predictions(x):
        logits = world.network(x)[0]
        official = object_of.get(logits.argmax().item())
        restricted = object_of[max(object_of, key=lambda i: logits[i].item())]
        return official, restricted

    shifted = []
    for folder in sorted((world.root / "objectnet/objectnet-1.0/images").iterdir()):
        label = label_of_folder[folder.name]
        if label in to_imagenet:
            shifted += [[p == label for p in predictions(world.pixels(path, "objectnet"))] for path in folder.iterdir()]
    original = []
    for i, folder in enumerate(sorted((world.root / "imagenet/val").iterdir())):
        if i in object_of:
            found = [predictions(world.pixels(path, "imagenet")) for path in folder.iterdir()]
            original += [[p == object_of[i] for p in both] for both in found]
    for p, (there, here) in zip(
        ("official", "restricted"), zip(np.mean(shifted, 0), np.mean(original, 0), strict=True), strict=True
    ):
        assert value(result, f"objectnet_accuracy_{p}") == pytest.approx(there)
        assert value(result, f"validation_accuracy_{p}") == pytest.approx(here)
        assert value(result, f"drop_{p}") == pytest.approx(here - there)
        assert value(result, f"relative_drop_{p}") == pytest.approx((here - there) / here if here else 0)
    assert value(result, "objectnet_accuracy_restricted") >= value(result, "objectnet_accuracy_official")


def test_imagenet_equals_a_plain_loop(world):
    result = world.evaluate(imagenet)
    folders = sorted((world.root / "imagenet/val").iterdir())
    hits = [
        world.network(world.pixels(path, "imagenet")).argmax().item() == label
        for label, folder in enumerate(folders)
        for path in folder.iterdir()
    ]
    assert value(result, "accuracy") == pytest.approx(np.mean(hits))
    assert result.metrics["accuracy"]["n"] == len(hits)


def test_adversarial_accuracy_at_budget_zero_is_clean_and_never_rises(small):
    spec, result = small.specs["adversarial"], small.evaluate(adversarial)
    for domain, folder in spec["domains"].items():
        paths = sorted((small.root / "imagenet" / folder).rglob("*.JPEG"))
        paths = [paths[i] for i in np.linspace(0, len(paths) - 1, 30).astype(int)]
        hits = [small.network(small.pixels(path, "imagenet")).argmax() == int(path.parent.name[-1]) for path in paths]
        clean = np.mean(hits)
        assert value(result, f"accuracy_{domain}") == pytest.approx(clean)
        for norm, (little, large) in spec["budgets"].items():
            curve = [value(result, f"adversarial_accuracy_{domain}_{norm}_eps{e:g}") for e in (little, large)]
            assert clean >= curve[0] >= curve[1]
            assert clean > curve[1]  # these budgets are large enough to fool an undefended network somewhere
