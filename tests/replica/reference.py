"""What the benchmarks should find, by plain loops over the published files, one image at a time.

Nothing of the package is used: torchvision's transforms and networks, the archives read as they are.
"""

import io
import json
import tarfile
import zipfile

import numpy as np
import torch
from PIL import Image
from torchvision import models, transforms

VARIANTS = ("original", "mixed_same", "mixed_rand", "mixed_next", "only_fg", "no_fg", "only_bg_b", "only_bg_t")
to_tensor = transforms.ToTensor()


def released(path, architecture):
    """Return a function of one image in [0, 1]: its logits [1000] by a released checkpoint."""
    saved = torch.load(path, weights_only=True)["model"]
    network = models.get_model(architecture, num_classes=1000)
    prefix = "module.model."
    network.load_state_dict({key[len(prefix) :]: value for key, value in saved.items() if key.startswith(prefix)})
    network.eval()
    mean, std = saved["module.normalizer.new_mean"], saved["module.normalizer.new_std"]

    @torch.no_grad()
    def logits(x):
        return network(((x - mean) / std)[None])[0]

    return logits


def imagenet9(archive, mapping, logits):
    """Return the accuracy of each variant, the gap between two, and the challenge accuracy."""
    to_nine = {int(key): value for key, value in json.loads(mapping.read_text()).items()}
    images, masks = {variant: [] for variant in VARIANTS}, {}
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.isfile():
                _, variant, _, folder, name = member.name.split("/")
                content = io.BytesIO(packed.extractfile(member).read())
                if variant == "fg_mask":
                    masks[folder, name.removesuffix(".npy")] = torch.from_numpy(np.load(content)).float()
                else:
                    images[variant].append((folder, name, to_tensor(Image.open(content))))

    def right(x, folder):
        return to_nine[int(logits(x).argmax())] == int(folder[:2])

    found = {
        f"accuracy_{variant}": np.mean([right(x, folder) for folder, _, x in images[variant]]) for variant in VARIANTS
    }
    found["bg_gap"] = found["accuracy_mixed_same"] - found["accuracy_mixed_rand"]
    withstood = []
    for folder, name, x in images["original"]:
        mask = masks[folder, name.removesuffix(".JPEG")]
        withstood.append(all(right(x * mask + back * (1 - mask), folder) for _, _, back in images["only_bg_t"]))
    return found | {"challenge_accuracy": np.mean(withstood)}


def objectnet(archive, password, imagenet, logits):
    """Return the accuracies by both protocols, on ObjectNet and on ImageNet's validation images of the same classes."""
    with zipfile.ZipFile(archive) as packed:
        packed.setpassword(password.encode())

        def mapping(name):
            return json.loads(packed.read(f"objectnet-1.0/mappings/{name}.json"))

        lines = packed.read("objectnet-1.0/mappings/imagenet_to_label_2012_v2").decode().splitlines()
        index_of = {lines[line]: int(index) for index, line in mapping("pytorch_to_imagenet_2012_id").items()}
        ids_of = {
            label: [index_of[name] for name in names.split("; ")]
            for label, names in mapping("objectnet_to_imagenet_1k").items()
        }
        label_of = mapping("folder_to_objectnet_label")
        pictures = [
            (label_of[name.split("/")[2]], Image.open(io.BytesIO(packed.read(name))).convert("RGB"))
            for name in packed.namelist()
            if name.endswith(".png") and label_of[name.split("/")[2]] in ids_of
        ]
    shared = sorted(index for ids in ids_of.values() for index in ids)
    crop = transforms.CenterCrop(224)
    there, here = transforms.Resize(224), transforms.Resize(256)
    hits = {"objectnet": [], "validation": []}
    for label, picture in pictures:
        width, height = picture.size
        inside = picture.crop((2, 2, width - 2, height - 2))
        hits["objectnet"].append(both_protocols(logits(to_tensor(crop(there(inside)))), ids_of[label], shared))
    folders = sorted((imagenet / "val").iterdir())
    for ids in ids_of.values():
        for index in ids:
            for path in folders[index].iterdir():
                x = to_tensor(crop(here(Image.open(path).convert("RGB"))))
                hits["validation"].append(both_protocols(logits(x), ids, shared))
    found = {}
    for column, protocol in enumerate(("official", "restricted")):
        shifted, original = (np.mean([hit[column] for hit in hits[key]]) for key in ("objectnet", "validation"))
        found |= {
            f"objectnet_accuracy_{protocol}": shifted,
            f"validation_accuracy_{protocol}": original,
            f"drop_{protocol}": original - shifted,
        }
    return found


def both_protocols(scores, ids, shared):
    """Return whether the best of all classes, and the best of the shared ones, is one of ``ids``."""
    return int(scores.argmax()) in ids, shared[int(scores[shared].argmax())] in ids
