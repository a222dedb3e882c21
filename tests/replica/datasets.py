"""The five data sets and ImageNet in miniature numbers and full size: the files of each, by path, as published.

Written from the descriptions and the publishers' own loaders, not with the writers of the miniature study. Every
function returns the files of one archive or folder: path -> content.
"""

import base64
import csv
import io
import json
import pickle

import numpy as np
from PIL import Image, ImageDraw
from torchvision import transforms

from replica.classes import IN9, RIVAL10
from replica.pictures import blob, blocks, generator, jpeg, npy, pattern, png, smooth, soft, varied

SIZES = [(500, 375), (375, 500), (500, 333), (300, 400), (256, 256), (224, 240)]  # width, height
RIVAL10_IMAGES = {"train": 2, "test": 1}  # of each class
RIVAL10_URL = "https://feizi-lab-datasets.s3.us-east-2.amazonaws.com/imagenet"
SALIENT_CLASSES, SALIENT_IMAGES, SALIENT_FEATURES = 4, 2, 5
IN9_IMAGES = 2  # of each class
BIRDS = {"train": (4, 1, 1, 2), "val": (1, 1, 1, 1), "test": (3, 3, 3, 3)}  # of each group
BIRD_COLOURS, PLACE_COLOURS = (30, 31), (32, 33)  # patterns told apart by their number


def size_of(rng):
    return SIZES[int(rng.integers(len(SIZES)))]


def composed(rng, size, foreground, background):
    """Return a picture of one pattern's object on another pattern, and the object's mask."""
    mask = blob(rng, size)
    picture = Image.composite(smooth(foreground, size), smooth(background, size), mask)
    return picture, mask


def imagenet(seed, classes):
    """train/ holds the images that Salient ImageNet marks, and one of some other classes; val/ one of every class."""
    files = {}
    for index, wnid in enumerate(classes.wnids):
        rng = generator(seed, "val", wnid)
        picture = smooth(varied(rng, classes.colours[index]), SIZES[index % 4])
        if index % 100 == 7:
            picture = picture.convert("L")  # as some hundred of the published files
        if index == 500:
            picture = picture.convert("CMYK")  # as about twenty
        content = png(blocks(classes.colours[index], (300, 300))) if index == 700 else jpeg(picture)  # as one
        files[f"val/{wnid}/ILSVRC2012_val_{index + 1:08d}.JPEG"] = content
    for label in range(0, 1000, 50):
        rng = generator(seed, "train", label)
        files[f"train/{classes.wnids[label]}/{classes.wnids[label]}_{label + 1}.JPEG"] = jpeg(
            smooth(varied(rng, classes.colours[label]), SIZES[label % 4])
        )
    for label, name, content, _ in salient_images(seed, classes):
        files[f"train/{classes.wnids[label]}/{name}.JPEG"] = content
    return files


def rival10(seed, classes):
    files = {"RIVAL10/.DS_Store": b"\0\0\0\1Bud1"}
    urls = {"train": [], "test": []}
    for split, count in RIVAL10_IMAGES.items():
        for wnids in RIVAL10.values():
            for number in range(count):
                wnid = list(wnids)[number % 2]
                rng = generator(seed, "rival10", split, wnid, number)
                kind = classes.colours[classes.wnids.index(wnid)]
                picture, mask = composed(rng, size_of(rng), varied(rng, kind), pattern(rng))
                from_train = split == "train"  # the published splits mix both
                file = (
                    f"{wnid}_{100 + number}.JPEG" if from_train else f"ILSVRC2012_val_{rng.integers(50_000):08d}.JPEG"
                )
                stem = f"RIVAL10/{split}/ordinary/{wnid}_{file}".removesuffix(".JPEG")
                urls[split].append(f"{RIVAL10_URL}/{'train' if from_train else 'val'}/{wnid}/{file}")
                encoded = base64.b64encode(png(mask))
                files[f"{stem}.JPEG"] = jpeg(picture)
                files[f"{stem}_attr_labels.npy"] = npy(rng.integers(0, 2, (2, 18)).astype(float))
                files[f"{stem}_merged_mask.JPEG"] = jpeg(blob(rng, picture.size))  # of attributes, not of the object
                files[f"{stem}_attr_dict.pkl"] = pickle.dumps({"wings": encoded, "entire-object": encoded})
                files[f"RIVAL10/{split}/entire_object_masks/{wnid}_{file}"] = jpeg(soft(mask, 3).convert("RGB"))
    names = {wnid: name for wnids in RIVAL10.values() for wnid, name in wnids.items()}
    by_wnid = {wnid: names.get(wnid, classes.labels[index]) for index, wnid in enumerate(classes.wnids)}
    labels = {name: [kind, label] for label, (kind, wnids) in enumerate(RIVAL10.items()) for name in wnids.values()}
    meta = {"wnid_to_class": by_wnid, "label_mappings": labels, "train_test_split_by_url": urls}
    return files | {f"RIVAL10/meta/{name}.json": json.dumps(content).encode() for name, content in meta.items()}


def salient_images(seed, classes):
    """Return the marked images of ImageNet's training set: class index, name, JPEG, the object's mask."""
    found = []
    for label in [int(x) for x in np.linspace(3, 990, SALIENT_CLASSES)]:
        for number in range(SALIENT_IMAGES):
            rng = generator(seed, "salient", label, number)
            picture, mask = composed(rng, size_of(rng), varied(rng, classes.colours[label]), pattern(rng))
            found.append((label, f"{classes.wnids[label]}_{rng.integers(10, 20000)}", jpeg(picture), mask))
    return found


def salient_features(label):
    """Return, by feature index, the five workers' answers: m main_object, s separate_object, b background."""
    answers = ["mmmmm", "mmbmm", "mbmbm", "bbsbm", "sbmsm"]  # core, core, core by one vote; spurious; mixed
    if label == 3:
        answers[3:] = ["mmmmm", "msmmm"]  # most classes have no spurious feature
    return {(label * 7 + 291 * rank) % 2048: votes for rank, votes in enumerate(answers)}


def view(mask):
    """Return what the network whose maps were published saw of a mask."""
    return transforms.CenterCrop(224)(transforms.Resize(256)(mask))


def salient_imagenet(seed, classes):
    """Soft masks of features, 224 x 224, of the view of a network of each image; each feature has its own images.

    Here all of the class but one in turn.
    """
    files = {}
    base = "salient_imagenet_dataset"
    images = salient_images(seed, classes)
    for label in dict.fromkeys(image[0] for image in images):
        own = [image for image in images if image[0] == label]
        listed = {}
        for rank, (feature, votes) in enumerate(salient_features(label).items()):
            chosen = [image for number, image in enumerate(own) if rank < 3 or number != rank % 2]
            listed[feature] = [name for _, name, _, _ in chosen]
            for _, name, _, mask in chosen:
                core = sum(vote in "sb" for vote in votes) < 3
                shown = mask if core else mask.point(lambda value: 255 - value)
                files[f"{base}/{classes.wnids[label]}/feature_{feature}/{name}.JPEG"] = jpeg(soft(view(shown), 6))
        rows = max(map(len, listed.values()))
        columns = [names + [""] * (rows - len(names)) for names in listed.values()]
        files[f"{base}/{classes.wnids[label]}/image_names_map.csv"] = table(listed, zip(*columns, strict=True))
    return files | {f"{base}/wordnet_dict.py": repr(dict(enumerate(classes.wnids))).encode()}


def spurious_answers(seed, classes):
    """discover_spurious_features.csv: five workers' answers on each feature, with words that hold commas and lines."""
    words = {"m": "main_object", "s": "separate_object", "b": "background"}
    header = ["WorkerId", "Input.wordnet_id", "Input.class_index", "Input.feature_index", "Input.feature_rank"]
    rng, rows = generator(seed, "workers"), []
    for label in dict.fromkeys(image[0] for image in salient_images(seed, classes)):
        for rank, (feature, votes) in enumerate(salient_features(label).items(), start=1):
            for vote in votes:
                said = f'The focus, in "red",\nis on {words[vote]}.'
                rows.append([rng.integers(300), classes.wnids[label], label, feature, rank, words[vote], "4.0", said])
    return table([*header, "Answer.main", "Answer.confidence", "Answer.reasons"], rows)


def table(header, rows):
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode()


def imagenet9(seed, classes):
    """Eight variants at 224 px. A mixed image is named by its foreground and a background, fg_<id>_bg_<id>.JPEG.

    Those of mixed_rand bear the names of mixed_next, as published, whatever their background is.
    """
    scenes = {}
    for label, folder in enumerate(IN9):
        members = [int(index) for index, found in classes.in9.items() if found == label]
        for number in range(IN9_IMAGES):
            rng = generator(seed, "imagenet9", label, number)
            index = members[number]
            foreground, behind = varied(rng, classes.colours[index]), pattern(rng)
            name = f"{classes.wnids[index]}_{rng.integers(10_000, 50_000)}"
            scenes[label, number] = (folder, name, foreground, behind, blob(rng, (224, 224)))
    files = {}
    for (label, number), (folder, name, foreground, behind, mask) in scenes.items():
        front, back, black = smooth(foreground, mask.size), smooth(behind, mask.size), Image.new("RGB", mask.size)
        boxed = back.copy()
        ImageDraw.Draw(boxed).rectangle(mask.getbbox(), fill="black")
        rng = generator(seed, "imagenet9 backgrounds", label, number)
        other = int(rng.integers(len(IN9)))
        donors = {
            "mixed_same": scenes[label, (number + 1) % IN9_IMAGES],
            "mixed_rand": scenes[other, number],
            "mixed_next": scenes[(label + 1) % len(IN9), number],
        }
        plain = {
            "original": Image.composite(front, back, mask),
            "only_fg": Image.composite(front, black, mask),
            "no_fg": Image.composite(black, back, mask),
            "only_bg_b": boxed,
            "only_bg_t": back,
        }
        for variant, picture in plain.items():
            files[f"bg_challenge/{variant}/val/{folder}/{name}.JPEG"] = jpeg(picture)
        for variant, donor in donors.items():
            named = donors["mixed_next"] if variant == "mixed_rand" else donor
            picture = Image.composite(front, smooth(donor[3], mask.size), mask)
            files[f"bg_challenge/{variant}/val/{folder}/fg_{name}_bg_{named[1]}.JPEG"] = jpeg(picture)
        files[f"bg_challenge/fg_mask/val/{folder}/{name}.npy"] = npy(np.asarray(mask) > 0)
    return files


def waterbirds(seed, _):
    """Birds on land and water; metadata.csv lists them, img_id from 1, in an order of its own."""
    base, files, rows = "waterbird_complete95_forest2water2", {}, []
    birds = [pattern(generator("bird", number)) for number in BIRD_COLOURS]
    places = [pattern(generator("place", number)) for number in PLACE_COLOURS]
    for split, counts in enumerate(BIRDS.values()):
        for group, count in enumerate(counts):
            y, place = divmod(group, 2)
            for number in range(count):
                rng = generator(seed, "waterbirds", split, group, number)
                bird, behind = varied(rng, birds[y], 0.1), varied(rng, places[place], 0.1)
                picture, _mask = composed(rng, size_of(rng), bird, behind)
                species = f"{group * 40 + number + 1:03d}.Made_up_{'Gull' if y else 'Wren'}"
                name = f"{species}/{species[4:]}_{split}{group}{number}_{rng.integers(1e6)}.jpg"
                source = f"/o/ocean/0000{number}.jpg" if place else f"/b/bamboo_forest/0000{number}.jpg"
                files[f"{base}/{name}"] = jpeg(picture)
                rows.append([name, y, split, place, source])
    rows = [rows[int(i)] for i in generator(seed, "order").permutation(len(rows))]
    header = ["img_id", "img_filename", "y", "split", "place", "place_filename"]
    numbered = [[number, *row] for number, row in enumerate(rows, start=1)]
    return {f"{base}/metadata.csv": table(header, numbered)} | files


def objectnet(seed, classes):
    """One PNG in each of 313 folders, red border one pixel wide; those of shared classes look like the class."""
    files = {"objectnet-1.0/README": b"A test set.\n", "objectnet-1.0/LICENSE": b"Not for tuning any model.\n"}
    for folder, label in classes.folders.items():
        rng = generator(seed, "objectnet", folder)
        ids = classes.shared.get(label)
        colours = varied(rng, classes.colours[ids[0]]) if ids else pattern(rng)
        picture = blocks(colours, (480, 270) if ids and len(ids) == 1 else (270, 360))
        ImageDraw.Draw(picture).rectangle([0, 0, picture.width - 1, picture.height - 1], outline=(255, 0, 0))
        files[f"objectnet-1.0/images/{folder}/{rng.bytes(8).hex()}.png"] = png(picture)
    lines = generator(seed, "lines").permutation(1000).tolist()  # the line of each class in the list of labels
    by_line = dict(zip(lines, classes.labels, strict=True))
    mappings = {
        "folder_to_objectnet_label.json": json.dumps(classes.folders),
        "objectnet_to_imagenet_1k.json": json.dumps(
            {label: "; ".join(classes.labels[index] for index in ids) for label, ids in classes.shared.items()}
        ),
        "pytorch_to_imagenet_2012_id.json": json.dumps({str(index): line for index, line in enumerate(lines)}),
        "imagenet_to_label_2012_v2": "".join(f"{by_line[line]}\n" for line in range(1000)),
    }
    return files | {f"objectnet-1.0/mappings/{name}": content.encode() for name, content in mappings.items()}
