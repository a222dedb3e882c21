"""Every benchmark against an independently written plain loop over single images, on the same images and noise."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tradeoffs.benchmarks import adversarial, imagenet9, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.errors import InputError
from tradeoffs.models.networks import load

MODEL = {"model": "basic_standard", "architecture": "basic", "classes": 10, "seed": 5, "bootstrap": 100, "unreadable": "fail"}
SIZE = 32


@pytest.fixture(scope="module")
def network(weights):
    return load(weights, "basic", 10, torch.device("cpu"))


def evaluate(benchmark, network, miniature, names, **spec):
    roots = {name: miniature / name for name in names}
    return benchmark.evaluate(network, MODEL | spec, roots, torch.device("cpu"))


def value(result, name):
    return result.metrics[name]["value"]


def pixels(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1).float()[None] / 255


def soft(path):
    return torch.from_numpy(np.array(Image.open(path).convert("L"))).float()[None, None] / 255


def gap(a, b):
    m = (a + b) / 2
    return 0 if m in (0, 1) else (a - b) / (2 * min(m, 1 - m))


def by_class(hits, labels):
    return np.mean([np.mean([h for h, y in zip(hits, labels, strict=True) if y == c]) for c in sorted(set(labels))])


def noise_of(seed, image, trial, size=SIZE):
    """Return the noise [1, 3, h, w] that image number ``image`` gets: a stream for each, its trials one after another."""
    stream = np.random.Generator(np.random.Philox(key=[seed, image]))
    for _ in range(trial + 1):
        noise = stream.standard_normal((size, size, 3), dtype=np.float32)
    return torch.from_numpy(noise).permute(2, 0, 1)[None]


def test_rival10_equals_a_plain_loop(network, miniature):
    spec = {"size": SIZE, "linf_levels": [0.2, 0.5], "l2_levels": [5.0], "l2_penalty": 0.01}
    result = evaluate(rival10, network, miniature, ["rival10"], **spec)

    base = miniature / "rival10" / "RIVAL10"
    to_name = json.loads((base / "meta/wnid_to_class.json").read_text())
    to_class = json.loads((base / "meta/label_mappings.json").read_text())

    def listed(split):
        masks = sorted((base / split / "entire_object_masks").iterdir())
        images = [base / split / "ordinary" / mask.name for mask in masks]
        return images, masks, [to_class[to_name[mask.name.split("_")[0]]][1] for mask in masks]

    images, _, labels = listed("train")
    found = np.concatenate([network.features(pixels(path)).double().numpy() for path in images])
    head = rival10.fit(found, np.array(labels), 10, 0.01)
    images, masks, labels = listed("test")
    def accuracy(kind, level, foreground):
        hits = []
        for i, (path, mask_path) in enumerate(zip(images, masks, strict=True)):
            mask = soft(mask_path) if foreground else 1 - soft(mask_path)
            n = noise_of(5, i, 0) * mask
            if kind == "l2":
                n = n / n.norm()
            x = (pixels(path) + level * n).clamp(0, 1)
            hits.append(head.logits(network.features(x).double().numpy()).argmax() == labels[i])
        return by_class(hits, labels)

    in_front = [accuracy("linf", level, True) for level in (0.2, 0.5)]
    behind = [accuracy("linf", level, False) for level in (0.2, 0.5)]
    assert value(result, "accuracy_foreground_linf_0.2") == pytest.approx(in_front[0])
    assert value(result, "rfs_linf_0.5") == pytest.approx(gap(behind[1], in_front[1]))
    assert value(result, "rfs_linf") == pytest.approx(gap(np.mean(behind), np.mean(in_front)))
    assert value(result, "rfs_l2") == pytest.approx(gap(accuracy("l2", 5, False), accuracy("l2", 5, True)))
    # Accuracies are fractions: a percentage would make every RFS a nonsense of the wrong sign.
    assert all(-1 <= metric["value"] <= 1 for metric in result.metrics.values())


def test_rival10_does_not_change_the_network(network, miniature):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    spec = {"size": SIZE, "linf_levels": [0.2], "l2_levels": [5.0], "l2_penalty": 0.01}
    evaluate(rival10, network, miniature, ["rival10"], **spec)
    # The published code updates BatchNorm statistics of its "frozen" backbone while it fits the head.
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


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


def test_salient_imagenet_equals_a_plain_loop(network, miniature):
    spec = {"resize": SIZE, "crop": SIZE, "sigma": 0.25, "trials": 2, "dilation": 2}
    result = evaluate(salient_imagenet, network, miniature, ["salient_imagenet"], **spec)

    root = miniature / "salient_imagenet"
    votes = {}
    with (root / "mturk_results/discover_spurious_features.csv").open() as file:
        for row in csv.DictReader(file):
            key = (row["Input.wordnet_id"], row["Input.feature_index"])
            votes.setdefault(key, []).append(row["Answer.main"] in ("separate_object", "background"))
    masks = {}
    for (wnid, feature), answers in votes.items():
        kind = "spurious" if sum(answers) >= 3 else "core"
        for path in (root / "salient_imagenet_dataset" / wnid / f"feature_{feature}").iterdir():
            masks.setdefault((wnid, path.name), {}).setdefault(kind, []).append(soft(path))
    wnids = sorted({wnid for wnid, _ in votes})
    images = sorted(masks)
    labels = [wnids.index(wnid) for wnid, _ in images]

    def accuracy(region, keep):
        trials = []
        for trial in range(2):
            hits, kept = [], []
            for i, (wnid, name) in enumerate(images):
                own = masks[wnid, name]
                if not keep(own, labels[i]):
                    continue
                x = pixels(root / "train" / wnid / name) + 0.25 * noise_of(5, i, trial) * region(own)
                hits.append(network(x.clamp(0, 1)).argmax().item() == labels[i])
                kept.append(labels[i])
            trials.append(by_class(hits, kept))
        return np.mean(trials)

    def core(own):
        return torch.stack(own["core"]).amax(0)

    def dilated(own):
        return plain_dilation(core(own)[0, 0], 2)[None, None]

    core_accuracy = accuracy(lambda own: 1 - dilated(own), lambda own, _: "core" in own)
    spurious_accuracy = accuracy(dilated, lambda own, _: "core" in own)
    assert value(result, "core_accuracy") == pytest.approx(core_accuracy)
    assert value(result, "spurious_accuracy") == pytest.approx(spurious_accuracy)
    assert value(result, "rcs") == pytest.approx(gap(core_accuracy, spurious_accuracy))
    by_feature = accuracy(lambda own: torch.stack(own["spurious"]).amax(0), lambda own, _: "spurious" in own)
    assert value(result, "core_accuracy_by_feature") == pytest.approx(by_feature)


def test_imagenet9_equals_a_plain_loop(network, miniature):
    spec = {"challenge_foregrounds": 6, "challenge_backgrounds": 5}
    result = evaluate(imagenet9, network, miniature, ["imagenet9"], **spec)

    root = miniature / "imagenet9"
    mapping = json.loads((root / "in_to_in9.json").read_text())

    def listed(variant):
        folders = sorted((root / "bg_challenge" / variant / "val").iterdir())
        return [(path, label) for label, folder in enumerate(folders) for path in sorted(folder.iterdir())]

    def right(x, label):
        return mapping[str(network(x).argmax().item())] == label

    def accuracy(variant):
        return np.mean([right(pixels(path), label) for path, label in listed(variant)])

    assert value(result, "accuracy_mixed_rand") == pytest.approx(accuracy("mixed_rand"))
    assert value(result, "bg_gap") == pytest.approx(accuracy("mixed_same") - accuracy("mixed_rand"))
    for variant in ("original", "mixed_next", "only_fg", "no_fg", "only_bg_b", "only_bg_t"):
        assert f"accuracy_{variant}" in result.metrics

    originals, tiled = listed("original"), listed("only_bg_t")
    withstood = []
    for i in np.linspace(0, len(originals) - 1, 6).astype(int):
        path, label = originals[i]
        mask_path = root / "bg_challenge/fg_mask/val" / path.parent.name / f"{path.stem}.npy"
        mask = torch.from_numpy((np.load(mask_path).astype(float) * 255).round()).float() / 255
        backgrounds = [tiled[j][0] for j in np.linspace(0, len(tiled) - 1, 5).astype(int)]
        pasted = [pixels(path) * mask + pixels(background) * (1 - mask) for background in backgrounds]
        withstood.append(all(right(x, label) for x in pasted))
    assert value(result, "challenge_accuracy") == pytest.approx(np.mean(withstood))


def test_imagenet9_refuses_variants_that_do_not_match(network, copy_of):
    root = copy_of("imagenet9")
    next((root / "bg_challenge/mixed_rand/val").rglob("*.JPEG")).unlink()
    spec = {"challenge_foregrounds": 0, "challenge_backgrounds": 0}
    with pytest.raises(InputError, match="mixed_rand does not hold the images of variant original"):
        evaluate(imagenet9, network, root.parent, ["imagenet9"], **spec)


def test_waterbirds_equals_a_plain_loop(network, miniature):
    spec = {"resize": SIZE, "crop": SIZE, "l2_penalty": 0.01}
    result = evaluate(waterbirds, network, miniature, ["waterbirds"], **spec)

    root = miniature / "waterbirds/waterbird_complete95_forest2water2"
    with (root / "metadata.csv").open() as file:
        rows = list(csv.DictReader(file))
    train, test = ([row for row in rows if row["split"] == split] for split in ("0", "2"))

    def feature(row):
        return network.features(pixels(root / row["img_filename"])).double().numpy()

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


def test_objectnet_equals_a_plain_loop(network, miniature):
    spec = {"resize": SIZE, "crop": SIZE, "border": 2, "validation_resize": SIZE}
    result = evaluate(objectnet, network, miniature, ["objectnet", "imagenet"], **spec)

    mappings = miniature / "objectnet/objectnet-1.0/mappings"
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
        logits = network(x)[0]
        official = object_of.get(logits.argmax().item())
        restricted = object_of[max(object_of, key=lambda i: logits[i].item())]
        return official, restricted

    shifted = []
    for folder in sorted((miniature / "objectnet/objectnet-1.0/images").iterdir()):
        label = label_of_folder[folder.name]
        if label in to_imagenet:
            shifted += [[p == label for p in predictions(pixels(path)[:, :, 2:-2, 2:-2])] for path in folder.iterdir()]
    original = []
    for i, folder in enumerate(sorted((miniature / "imagenet/val").iterdir())):
        if i in object_of:
            original += [[p == object_of[i] for p in predictions(pixels(path))] for path in folder.iterdir()]
    for p, (there, here) in zip(
        ("official", "restricted"), zip(np.mean(shifted, 0), np.mean(original, 0), strict=True), strict=True
    ):
        assert value(result, f"objectnet_accuracy_{p}") == pytest.approx(there)
        assert value(result, f"validation_accuracy_{p}") == pytest.approx(here)
        assert value(result, f"drop_{p}") == pytest.approx(here - there)
        assert value(result, f"relative_drop_{p}") == pytest.approx((here - there) / here)
    assert value(result, "objectnet_accuracy_restricted") >= value(result, "objectnet_accuracy_official")


def test_adversarial_accuracy_at_budget_zero_is_clean_and_never_rises(network, miniature):
    spec = {
        "resize": SIZE,
        "crop": SIZE,
        "images": 30,
        "domains": {"preserved": "val", "broken": "val_decorrelated"},
        "budgets": {"linf": [1, 16], "l2": [0.1, 3.0]},
        "steps": 5,
        "restarts": 1,
    }
    result = evaluate(adversarial, network, miniature, ["imagenet"], **spec)
    for domain, folder in spec["domains"].items():
        paths = sorted((miniature / "imagenet" / folder).rglob("*.JPEG"))
        paths = [paths[i] for i in np.linspace(0, len(paths) - 1, 30).astype(int)]
        labels = [int(path.parent.name[-1]) for path in paths]
        clean = np.mean([network(pixels(path)).argmax().item() == y for path, y in zip(paths, labels, strict=True)])
        assert value(result, f"accuracy_{domain}") == pytest.approx(clean)
        for norm, (small, large) in spec["budgets"].items():
            curve = [value(result, f"adversarial_accuracy_{domain}_{norm}_eps{e:g}") for e in (small, large)]
            assert clean >= curve[0] >= curve[1]
            assert clean > curve[1]  # these budgets are large enough to fool an undefended network somewhere


def test_the_command_writes_a_card_and_outcomes(weights, miniature, tmp_path, monkeypatch):
    spec = MODEL | {"resize": SIZE, "crop": SIZE, "l2_penalty": 0.01}
    card, outcomes = tmp_path / "card.json", tmp_path / "outcomes.npz"
    arguments = ["waterbirds", "--spec", json.dumps(spec), "--weights", str(weights), "--card", str(card)]
    arguments += ["--outcomes", str(outcomes), "--waterbirds", str(miniature / "waterbirds")]
    monkeypatch.setattr("sys.argv", arguments)
    waterbirds.main()
    written = json.loads(card.read_text())
    assert written["benchmark"] == "waterbirds"
    assert written["model"] == "basic_standard"
    assert written["spec"] == spec
    fingerprint = json.loads((miniature / "waterbirds/fingerprint.json").read_text())["fingerprint"]
    assert written["data"] == {"waterbirds": fingerprint}
    assert {"code", "versions", "device", "seconds", "seed"} <= written.keys()
    with np.load(outcomes) as arrays:
        assert set(arrays["group"]) == {0, 1, 2, 3}
        low, high = np.quantile(arrays["draws/worst_group_accuracy"], [0.025, 0.975])
    metric = written["metrics"]["worst_group_accuracy"]
    assert (low, high) == pytest.approx((metric["ci_low"], metric["ci_high"]), abs=1e-6)


@pytest.mark.parametrize("damage", ["missing", "text", "other architecture"])
def test_weights_that_do_not_fit_are_one_clear_line(weights, tmp_path, damage):
    path = Path(weights)
    architecture = "basic"
    if damage == "missing":
        path = tmp_path / "none.pt"
    elif damage == "text":
        path = tmp_path / "page.pt"
        path.write_text("<html>not weights</html>")
    else:
        architecture = "bottleneck"
    with pytest.raises(InputError) as raised:
        load(path, architecture, 10, torch.device("cpu"))
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
