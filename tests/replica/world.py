"""Everything the imagenet study downloads, in the published formats and under the published addresses, small.

python tests/replica/world.py FOLDER     build it and serve it until interrupted
"""

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TESTS = Path(__file__).parents[1]
if str(TESTS) not in sys.path:
    sys.path[:0] = [str(TESTS), str(TESTS.parent / "workflow")]

import torch  # noqa: E402

from replica import archives, checkpoints, classes, datasets  # noqa: E402
from replica.server import Replica  # noqa: E402

PASSWORD = "objectnetisatestset"
CHECKPOINTS = {  # file -> architecture
    "resnet18_l2_eps0.ckpt": "resnet18",
    "resnet18_l2_eps3.ckpt": "resnet18",
    "resnet18_linf_eps4.0.ckpt": "resnet18",
    "resnet50_l2_eps0.ckpt": "resnet50",
}
EXTRA = "shufflenet_v2_x0_5.pt"  # a model of the user's own
ADDRESSES = {  # file -> where it is published
    "rival10.zip": "https://app.box.com/index.php?rm=box_download_shared_file"
    "&shared_name=iflviwl5rbdgtur1rru3t8f7v2vp0gww&file_id=f_944375052992",
    "salient_imagenet_dataset.zip": "https://umd.app.box.com/shared/static/eyji8leh2lemhbxovgny9ywc9is53ibr",
    "discover_spurious_features.csv": "https://raw.githubusercontent.com/singlasahil14/salient_imagenet/"
    "cedae0c94895c98a261a788a759db3246f6b09da/mturk_results/discover_spurious_features.csv",
    "backgrounds_challenge_data.tar.gz": "https://github.com/MadryLab/backgrounds_challenge/releases/download/data/"
    "backgrounds_challenge_data.tar.gz",
    "in_to_in9.json": "https://raw.githubusercontent.com/MadryLab/backgrounds_challenge/master/in_to_in9.json",
    "waterbird_complete95_forest2water2.tar.gz": "https://nlp.stanford.edu/data/dro/"
    "waterbird_complete95_forest2water2.tar.gz",
    "objectnet-1.0.zip": "https://objectnet.dev/downloads/objectnet-1.0.zip",
} | {file: f"https://huggingface.co/madrylab/robust-imagenet-models/resolve/main/{file}" for file in CHECKPOINTS}


def build(root, seed=0):
    """Fill ``root`` in about half a minute on two cores; the same bytes for the same seed.

    ``site/`` holds the files to serve, ``imagenet/`` the user's own copy of ImageNet, and ``EXTRA`` is their model.
    """
    with ProcessPoolExecutor(2) as pool:
        started = [pool.submit(_checkpoint, root, file, seed) for file in [*reversed(CHECKPOINTS), EXTRA]]
        started.append(pool.submit(_data, root, seed))
        for one in started:
            one.result()


def serve(root):
    """Return a running server of what :func:`build` made: ``server.local(address)`` is where an address is here."""
    return Replica({address: root / "site" / file for file, address in ADDRESSES.items()})


def _checkpoint(root, file, seed):
    torch.set_num_threads(1)
    made = classes.make(seed)
    if file == EXTRA:
        checkpoints.write_own(root / EXTRA, EXTRA.removesuffix(".pt"), seed, made)
    else:
        checkpoints.write(root / "site" / file, CHECKPOINTS[file], seed, made)


def _data(root, seed):
    made, site = classes.make(seed), root / "site"
    site.mkdir(parents=True, exist_ok=True)
    archives.zipped(site / "rival10.zip", datasets.rival10(seed, made))
    archives.zipped(site / "salient_imagenet_dataset.zip", datasets.salient_imagenet(seed, made))
    archives.tar_gz(site / "backgrounds_challenge_data.tar.gz", datasets.imagenet9(seed, made))
    archives.tar_gz(site / "waterbird_complete95_forest2water2.tar.gz", datasets.waterbirds(seed, made))
    archives.encrypted(site / "objectnet-1.0.zip", datasets.objectnet(seed, made), PASSWORD)
    (site / "discover_spurious_features.csv").write_bytes(datasets.spurious_answers(seed, made))
    (site / "in_to_in9.json").write_text(json.dumps(made.in9))
    unpack(root / "imagenet", datasets.imagenet(seed, made))


def unpack(folder, files):
    """Write the files of a data set as a user has them who unpacked it by hand."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
    with serve(Path(sys.argv[1])) as server:
        print(f"https:// is {server.local('https://')}", flush=True)
        while True:
            time.sleep(3600)
