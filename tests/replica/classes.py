"""A thousand classes, and how RIVAL10, ImageNet-9 and ObjectNet name theirs: the shape of the published mappings.

The wnids and ImageNet-9's folder names are the published ones; every other name is made up.
"""

from typing import NamedTuple

from replica.pictures import generator, pattern
from tradeoffs.data.wnids import PUBLISHED

RIVAL10 = {
    "truck": {"n03796401": "moving van", "n04467665": "semi"},
    "car": {"n02814533": "waggon", "n03100240": "convertible"},
    "plane": {"n02690373": "airliner", "n04552348": "military plane"},
    "ship": {"n03673027": "ocean liner", "n03095699": "container vessel"},
    "cat": {"n02123394": "Persian cat", "n02124075": "Egyptian cat"},
    "dog": {"n02099712": "Labrador retriever", "n02099601": "golden retriever"},
    "equine": {"n02389026": "sorrel", "n02391049": "zebra"},
    "deer": {"n02423022": "gazelle", "n02422699": "Aepyceros melampus"},
    "frog": {"n01644900": "Ascaphus trui", "n01644373": "tree-frog"},
    "bird": {"n01531178": "Carduelis carduelis", "n01532829": "Carpodacus mexicanus"},
}
IN9 = {
    "00_dog": 116,
    "01_bird": 52,
    "02_wheeled vehicle": 42,
    "03_reptile": 36,
    "04_carnivore": 35,
    "05_insect": 27,
    "06_musical instrument": 26,
    "07_primate": 20,
    "08_fish": 16,
}  # folder -> how many ImageNet classes belong to it
OBJECTNET_FOLDERS, OBJECTNET_SHARED, IMAGENET_SHARED = 313, 113, 125


class Classes(NamedTuple):
    """The classes of the replica's ImageNet by index, and the other data sets' mappings from them.

    ``wnids`` and ``labels`` [1000]; ``colours`` [1000], the pattern of each class's pictures; ``in9``: class index ->
    label or -1; ``folders``: ObjectNet folder -> label; ``shared``: ObjectNet label -> its ImageNet class indices.
    """

    wnids: list
    labels: list
    colours: list
    in9: dict
    folders: dict
    shared: dict


def make(seed):
    rng = generator(seed, "classes")
    wnids = list(PUBLISHED)
    labels = [f"thing {index}, {'abc'[index % 3]}-item of kind {index}" for index in range(1000)]
    in9 = dict.fromkeys(rng.permutation(1000).tolist(), -1)
    members = iter(rng.permutation(1000).tolist())
    for label, count in enumerate(IN9.values()):
        for _ in range(count):
            in9[next(members)] = label
    shared, folders = _objectnet(rng)
    labels[133] = labels[517] = "crane"  # as published: one name, two classes, neither of them ObjectNet's
    colours = [pattern(generator(seed, "colours", wnid)) for wnid in wnids]
    return Classes(wnids, labels, colours, {str(index): label for index, label in in9.items()}, folders, shared)


def _objectnet(rng):
    """Return which ImageNet classes each shared ObjectNet label has, and the folders of all labels.

    Labels sort otherwise than folders do: capitals, brackets, hyphens.
    """
    ids = iter(index for index in rng.permutation(1000).tolist() if index not in (133, 517))
    twice = IMAGENET_SHARED - OBJECTNET_SHARED
    folders, shared = {}, {}
    for number in rng.permutation(OBJECTNET_FOLDERS).tolist():
        word = "zyxwvutsrq"[number % 10]
        word = word.upper() if number % 2 else word
        label = f"{word}-ware ({number})" if number % 3 else f"{word}{number} box"
        folders[f"{chr(97 + number % 7)}_object_{number}"] = label
        if len(shared) < OBJECTNET_SHARED:
            shared[label] = [next(ids) for _ in range(2 if len(shared) < twice else 1)]
    return shared, folders
