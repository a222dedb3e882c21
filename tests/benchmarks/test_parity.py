"""Every benchmark against an independently written plain loop over single images, on the same images and noise.

In both worlds: the miniature as stored, and images of photographs' sizes under the published geometry.
"""

import csv
import json

import numpy as np
import pytest
import torch
from scipy.ndimage import maximum_filter

from tradeoffs.benchmarks import adversarial, imagenet, imagenet9, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.benchmarks.swaps import partner
from tradeoffs.step.errors import InputError

REGIONS = ("foreground", "background")
WITHIN = {"rtol": 1e-3, "atol": 1e-5}
WITHIN_IMAGES = ("gradient_share_background", "swap_change", "swap_flips", "swap_change_same_class")


def value(result, name):
    return result.metrics[name]["value"]


def same_outcomes(result, expected):
    """Compare outcomes image by image, all of them; some are right and some are wrong, or little would be compared."""
    compared = {name for name in result.outcomes if "cluster" not in name and not name.startswith("head/")}
    assert compared == expected.keys()
    for name, outcome in expected.items():
        if name in WITHIN_IMAGES:  # floats, of batches here and of single images there
            np.testing.assert_allclose(result.outcomes[name], np.array(outcome), **WITHIN, err_msg=name)
        else:
            np.testing.assert_array_equal(result.outcomes[name], np.array(outcome), name)
    assert 0 < np.mean([np.mean(outcome) for outcome in expected.values() if np.array(outcome).dtype == bool]) < 1


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


def gradient_share(logits, x, own, mask):
    """Share outside of ``mask`` [1, 1, h, w] of the gradient of the largest ``own`` logit less the largest other."""
    x = x.clone().requires_grad_(True)
    said = logits(x)[0]
    others = [k for k in range(len(said)) if k not in own]
    (max(said[k] for k in own) - max(said[k] for k in others)).backward()
    mass = x.grad.double().abs().sum(1)
    return ((mass * (1 - mask[0].double())).sum() / mass.sum()).item()


def plain_filled(image, hole):
    """Pull and push, by recursion: ``image`` [1, 3, h, w], ``hole`` [1, 1, h, w]."""

    def halves(values):
        rows, columns = (range(0, length, 2) for length in values.shape[:2])
        return np.array([[values[i : i + 2, j : j + 2].mean((0, 1)) for j in columns] for i in rows])

    def stretched(values, length):
        """Linear interpolation along the first axis, between the middles of its cells."""
        at = np.clip((np.arange(length) + 0.5) * len(values) / length - 0.5, 0, len(values) - 1)
        low = np.floor(at).astype(int)
        share = (at - low)[:, None, None]
        return values[low] * (1 - share) + values[np.minimum(low + 1, len(values) - 1)] * share

    def pull(known, seen):
        if known.shape[:2] == (1, 1):
            return known / max(seen[0, 0, 0], 1e-6)
        behind = stretched(pull(halves(known), halves(seen)), len(known))
        behind = stretched(behind.transpose(1, 0, 2), known.shape[1]).transpose(1, 0, 2)
        return known + (1 - seen) * behind

    seen = 1 - maximum_filter(hole[0, 0].double().numpy(), 3, mode="constant")[:, :, None]
    pixels = pull(image[0].permute(1, 2, 0).double().numpy() * seen, seen)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float().clamp(0, 1)


def swaps(logits, answer, x, own, mask, behind):
    """Probability of the ``own`` classes lost on each background, and whether the answer is another."""

    def told(image):
        said = logits(image)[0].double()
        return said.softmax(0)[own].sum().item(), answer(said)

    before, first = told(x)
    after = [told(x * mask + other * (1 - mask)) if other is not None else (np.nan, None) for other in behind]
    return before - after[0][0], float(first != after[0][1]), before - after[1][0]


def within_images(result, found, mean):
    """Compare the measures within images, rows of share, change, flips and change on the own class's background."""
    columns = dict(zip(WITHIN_IMAGES, np.array(found, dtype=float).T, strict=True))
    for name, values in columns.items():
        there = ~np.isnan(values)
        assert (name in result.metrics) == (there.sum() > 1)
        if name in result.metrics:
            assert value(result, name) == pytest.approx(mean(values[there], there), rel=1e-3, abs=1e-5)
    return columns


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
    (l2_level,) = spec["l2_levels"]
    noises = [("linf", 0.2), ("linf", 0.5), ("l2", l2_level)]
    hits = {name for name in result.outcomes if not name.startswith("head/")}
    expected = {name: [] for name in result.outcomes if name in hits - {"label", "cluster", *WITHIN_IMAGES}}
    lent = [partner(np.array(labels), np.ones(len(labels), dtype=bool), 5, same=same) for same in (False, True)]
    within = []

    def logits(x):
        mean, scale, weight, bias = map(torch.from_numpy, head)
        return (network.features(x).double() - mean) / scale @ weight + bias

    for i, (path, mask_path) in enumerate(zip(images, masks, strict=True)):
        clean, mask, noise = (
            world.pixels(path, "rival10"),
            world.mask(mask_path, "rival10"),
            noise_of(i, 0, spec["size"]),
        )
        shown = {"clean": clean}
        for kind, level in noises:
            for region, where in (("foreground", mask), ("background", 1 - mask)):
                n = noise * where
                if kind == "l2":
                    n = n / n.norm()
                shown[f"{region}_{kind}_{level:g}"] = (clean + level * n).clamp(0, 1)
        for name, x in shown.items():
            expected[name].append(head.logits(network.features(x).double().numpy()).argmax() == labels[i])
        behind = [
            plain_filled(world.pixels(images[j], "rival10"), world.mask(masks[j], "rival10")) if j >= 0 else None
            for j in (lent[0][i], lent[1][i])
        ]
        share = gradient_share(logits, clean, [labels[i]], mask)
        within.append([share, *swaps(logits, torch.argmax, clean, [labels[i]], mask, behind)])
    columns = within_images(result, within, lambda values, there: by_class(values, np.array(labels)[there]))
    same_outcomes(result, expected | columns | {"label": labels})

    accuracy = {name: by_class(hits, labels) for name, hits in expected.items()}
    assert value(result, "accuracy") == pytest.approx(accuracy["clean"])
    for name in set(accuracy) - {"clean"}:
        assert value(result, f"accuracy_{name}") == pytest.approx(accuracy[name])
    front, back = ([accuracy[f"{region}_{kind}_{level:g}"] for kind, level in noises] for region in REGIONS)
    assert value(result, "rfs_linf_0.2") == pytest.approx(gap(back[0], front[0]))
    assert value(result, "rfs_linf_0.5") == pytest.approx(gap(back[1], front[1]))
    assert value(result, "rfs_linf") == pytest.approx(gap(np.mean(back[:2]), np.mean(front[:2])))
    assert value(result, "rfs_l2") == pytest.approx(gap(back[2], front[2]))
    assert value(result, f"rfs_l2_{l2_level:g}") == pytest.approx(gap(back[2], front[2]))


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

    def maximum(own, kind):
        return torch.stack(own[kind]).amax(0) if kind in own else torch.zeros(1, 1, spec["crop"], spec["crop"])

    shares = []
    expected = {name: [] for name in ("clean", "core_region", "outside_core", "core_features", "spurious_features")}
    for i, (wnid, name) in enumerate(images):
        clean = world.pixels(root / "train" / wnid / name, "salient_imagenet")
        core, spurious = (maximum(masks[wnid, name], kind) for kind in ("core", "spurious"))
        region = plain_dilation(core[0, 0], spec["dilation"])[None, None] if core.any() else core
        noises = [noise_of(i, trial, spec["crop"]) for trial in range(spec["trials"])]
        wheres = {
            "core_region": region,
            "outside_core": 1 - region,
            "core_features": core,
            "spurious_features": spurious,
        }
        expected["clean"].append(network(clean).argmax().item() == labels[i])
        parts = 0 < (region > 0.5).sum() < region.numel()
        shares.append(gradient_share(network, clean, [labels[i]], region) if parts else np.nan)
        for kind, where in wheres.items():
            shown = [(clean + 0.25 * noise * where).clamp(0, 1) for noise in noises]
            expected[kind].append([network(x).argmax().item() == labels[i] for x in shown])
    hits = {kind: np.array(found).T for kind, found in expected.items()}
    same_outcomes(result, hits | {"label": labels, "gradient_share_background": shares})
    there = ~np.isnan(shares)
    mean_share = by_class(np.array(shares)[there], np.array(labels)[there])
    assert value(result, "gradient_share_background") == pytest.approx(mean_share, rel=1e-3)

    has_core, has_spurious = (np.array([kind in masks[image] for image in images]) for kind in ("core", "spurious"))
    of_class = np.isin(labels, np.array(labels)[has_spurious])

    def accuracy(kind, kept):
        return np.mean([by_class(trial[kept], np.array(labels)[kept]) for trial in hits[kind]])

    core_accuracy, spurious_accuracy = accuracy("outside_core", has_core), accuracy("core_region", has_core)
    assert value(result, "accuracy") == pytest.approx(by_class(hits["clean"], labels))
    assert value(result, "core_accuracy") == pytest.approx(core_accuracy)
    assert value(result, "spurious_accuracy") == pytest.approx(spurious_accuracy)
    assert value(result, "rcs") == pytest.approx(gap(core_accuracy, spurious_accuracy))
    by_feature = {"core": ("spurious_features", has_spurious), "spurious": ("core_features", has_core & of_class)}
    for kind, (masked, kept) in by_feature.items():
        assert value(result, f"{kind}_accuracy_by_feature") == pytest.approx(accuracy(masked, kept))


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

    hits = {
        variant: [right(world.pixels(path, "imagenet9"), label) for path, label in listed(variant)]
        for variant in (
            "original",
            "mixed_same",
            "mixed_rand",
            "mixed_next",
            "only_fg",
            "no_fg",
            "only_bg_b",
            "only_bg_t",
        )
    }
    accuracy = {variant: np.mean(found) for variant, found in hits.items()}
    for variant, found in accuracy.items():
        assert value(result, f"accuracy_{variant}") == pytest.approx(found)
    assert value(result, "bg_gap") == pytest.approx(accuracy["mixed_same"] - accuracy["mixed_rand"])

    originals, tiled = listed("original"), listed("only_bg_t")
    behind = np.linspace(0, len(tiled) - 1, spec["challenge_backgrounds"]).astype(int)
    backgrounds = [world.pixels(tiled[j][0], "imagenet9") for j in behind]
    withstood = []
    fronts = np.linspace(0, len(originals) - 1, spec["challenge_foregrounds"]).astype(int)
    for i in fronts:
        path, label = originals[i]
        mask_path = root / "bg_challenge/fg_mask/val" / path.parent.name / f"{path.stem}.npy"
        mask = torch.from_numpy((np.load(mask_path).astype(float) * 255).round()).float() / 255
        front = world.pixels(path, "imagenet9")
        withstood.append(all(right(front * mask + background * (1 - mask), label) for background in backgrounds))
    assert value(result, "challenge_accuracy") == pytest.approx(np.mean(withstood))
    labels = [label for _, label in originals]
    lent = [partner(np.array(labels), np.ones(len(labels), dtype=bool), 5, same=same) for same in (False, True)]
    within = []
    for i, (path, label) in enumerate(originals):
        mask = torch.from_numpy(
            np.load(root / "bg_challenge/fg_mask/val" / path.parent.name / f"{path.stem}.npy") * 1.0
        )
        front, own = world.pixels(path, "imagenet9"), [int(k) for k, v in mapping.items() if v == label]
        behind = [world.pixels(tiled[j][0], "imagenet9") if j >= 0 else None for j in (lent[0][i], lent[1][i])]

        def super_class(said):
            return mapping[str(said.argmax().item())]

        share = gradient_share(network, front, own, mask[None, None])
        within.append([share, *swaps(network, super_class, front, own, mask.float(), behind)])
    columns = within_images(result, within, lambda values, there: np.mean(values))
    same_outcomes(result, hits | columns | {"challenge": withstood, "challenge_image": fronts, "label": labels})


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
    groups, sizes, hits = {}, {}, []
    for row in test:
        hits.append(head.logits(feature(row)).argmax() == int(row["y"]))
        groups.setdefault((row["y"], row["place"]), []).append(hits[-1])
    for row in train:
        sizes[row["y"], row["place"]] = sizes.get((row["y"], row["place"]), 0) + 1
    means = {group: np.mean(hits) for group, hits in groups.items()}
    adjusted = sum(means[group] * size for group, size in sizes.items()) / len(train)
    swap = ((means["0", "0"] - means["0", "1"]) + (means["1", "1"] - means["1", "0"])) / 2
    assert value(result, "worst_group_accuracy") == pytest.approx(min(means.values()))
    assert value(result, "adjusted_average_accuracy") == pytest.approx(adjusted)
    assert value(result, "background_swap_gap") == pytest.approx(swap)
    for group, name in zip((("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")), waterbirds.GROUPS, strict=True):
        assert value(result, f"accuracy_{name}") == pytest.approx(means[group])
    group, train_group = ([2 * int(row["y"]) + int(row["place"]) for row in rows] for rows in (test, train))
    same_outcomes(result, {"correct": hits, "group": group, "train_group": train_group})


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

    shifted, original = [], []
    number = sorted(label_of_folder.values()).index
    expected = {"objectnet_label": [], "validation_label": [], "objectnet_factor": []}
    with (world.root / "objectnet/factors.csv").open() as file:
        factor_of = {row["path"]: row["factor"] for row in csv.DictReader(file)}
    for folder in sorted((world.root / "objectnet/objectnet-1.0/images").iterdir()):
        label = label_of_folder[folder.name]
        if label in to_imagenet:
            paths = sorted(folder.iterdir())
            shifted += [[p == label for p in predictions(world.pixels(path, "objectnet"))] for path in paths]
            expected["objectnet_label"] += [number(label)] * len(paths)
            names = [path.relative_to(world.root / "objectnet").as_posix() for path in paths]
            expected["objectnet_factor"] += [factor_of[name] for name in names]
    for i, folder in enumerate(sorted((world.root / "imagenet/val").iterdir())):
        if i in object_of:
            found = [predictions(world.pixels(path, "imagenet")) for path in sorted(folder.iterdir())]
            original += [[p == object_of[i] for p in both] for both in found]
            expected["validation_label"] += [number(object_of[i])] * len(found)
    for p, (there, here) in zip(
        ("official", "restricted"), zip(np.mean(shifted, 0), np.mean(original, 0), strict=True), strict=True
    ):
        assert value(result, f"objectnet_accuracy_{p}") == pytest.approx(there)
        assert value(result, f"validation_accuracy_{p}") == pytest.approx(here)
        assert value(result, f"drop_{p}") == pytest.approx(here - there)
        assert value(result, f"relative_drop_{p}") == pytest.approx((here - there) / here if here else 0)
    for factor in set(expected["objectnet_factor"]):
        there = np.mean([hit[0] for hit, f in zip(shifted, expected["objectnet_factor"], strict=True) if f == factor])
        assert value(result, f"objectnet_accuracy_{factor}") == pytest.approx(there)
        assert value(result, f"drop_{factor}") == pytest.approx(np.mean(original, 0)[0] - there)
    assert value(result, "objectnet_accuracy_restricted") >= value(result, "objectnet_accuracy_official")
    for kind, hits in (("objectnet", shifted), ("validation", original)):
        expected |= dict(zip((f"{kind}_official", f"{kind}_restricted"), zip(*hits, strict=True), strict=True))
    same_outcomes(result, expected)


def test_imagenet_equals_a_plain_loop(world):
    result = world.evaluate(imagenet)
    folders = sorted((world.root / "imagenet/val").iterdir())
    images = [(path, label) for label, folder in enumerate(folders) for path in sorted(folder.iterdir())]
    hits = [world.network(world.pixels(path, "imagenet")).argmax().item() == label for path, label in images]
    assert value(result, "accuracy") == pytest.approx(np.mean(hits))
    assert result.metrics["accuracy"]["n"] == len(hits)
    same_outcomes(result, {"correct": hits, "label": [label for _, label in images]})


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
