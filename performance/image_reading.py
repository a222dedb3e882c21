"""Time our reader of images against torchvision's ImageFolder and DataLoader: same JPEG files, transforms and workers.

    uv run --group bench python performance/image_reading.py [--images 600] [--workers 1 2] [--rounds 5] [--png]

Photograph-like JPEGs of about 500 x 375 pixels are written to a temporary folder, or PNGs of two megapixels, like
ObjectNet's. Each reader then decodes all of them, Resize(256), CenterCrop(224), and delivers batches in [0, 1]; they
take turns, each in a fresh process. ``kept`` is our reader where the images have been decoded before
(tradeoffs/data/decoded.py), their file in memory, and ``from disk`` the same once the system was told to forget it
(what a virtual machine's host holds it does not know). A table gives the medians of the rounds: images per second, and
peak resident memory of the process and its worker processes together (pages that these share count for each).
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

BATCH = 32


def write_images(folder: Path, count: int, png: bool = False) -> None:
    """Write images of 8 classes with the spectrum of photographs (amplitude falling as 1 / frequency)."""
    rng = np.random.default_rng(0)
    size = (1224, 1632) if png else (375, 500)
    for number in range(count):
        height, width = size if number % 4 else size[::-1]
        frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)) + 1 / max(height, width)
        noise = rng.standard_normal((3, height, width)) + 1j * rng.standard_normal((3, height, width))
        channels = np.fft.ifft2(noise / frequency).real
        channels = 128 + 50 * (channels - channels.mean()) / channels.std()
        path = folder / f"class{number % 8}" / f"{number}.{'png' if png else 'JPEG'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(channels.clip(0, 255).astype(np.uint8).transpose(1, 2, 0))
        if png:
            image.save(path)
        else:
            image.save(path, quality=90)


def read_ours(folder: Path, workers: int) -> int:
    """Read as the benchmarks of the study do; return the number of images."""
    import os

    os.environ["OMP_NUM_THREADS"] = str(workers)
    import torch

    from tradeoffs.benchmarks.inference import Passes, over_images
    from tradeoffs.data import decoded
    from tradeoffs.data.images import Geometry

    torch.set_num_threads(1)
    paths = sorted(path for path in folder.glob("class*/*"))
    passes = Passes(torch.device("cpu"))
    with decoded.kept({folder: "the same"}):
        return len(over_images(passes, paths, Geometry(resize=256, crop=224), lambda x: x[:, 0, 0, 0])[0])


def read_kept(folder: Path, workers: int) -> int:
    """Read what was decoded before; return the number of images."""
    import os

    from tradeoffs.data import decoded_folder

    os.environ |= {decoded_folder.FOLDER: str(folder.parent / "kept"), decoded_folder.GIGABYTES: "100"}
    return read_ours(folder, workers)


def read_from_disk(folder: Path, workers: int) -> int:
    """As read_kept, after the system was told that it need not hold the file in memory."""
    import os

    for path in (folder.parent / "kept").glob("*.pixels"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return read_kept(folder, workers)


def read_torchvision(folder: Path, workers: int) -> int:
    """Read with ImageFolder and DataLoader; return the number of images."""
    import torch
    from torchvision import datasets, transforms

    torch.set_num_threads(1)
    steps = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()])
    loader = torch.utils.data.DataLoader(datasets.ImageFolder(str(folder), steps), BATCH, num_workers=workers)
    return sum(len(x[:, 0, 0, 0]) for x, _ in loader)


READERS = {"ours": read_ours, "torchvision": read_torchvision, "kept": read_kept, "from disk": read_from_disk}


def measure(reader: str, folder: Path, workers: int) -> dict[str, float]:
    """Run one reader in a process of its own: images/s, and peak memory in MB of it and its workers together."""
    command = [sys.executable, __file__, "--measure", reader, str(folder), str(workers)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def measured(reader: str, folder: Path, workers: int) -> dict[str, float]:
    """What the process of :func:`measure` does."""
    READERS[reader](folder, workers)  # imports, the files' way into the page cache
    started = time.perf_counter()
    images = READERS[reader](folder, workers)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if reader == "torchvision":
        peak += workers * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of the largest of them
    return {"rate": images / seconds, "peak": peak}


def main() -> None:
    """Write the images, let the readers take turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--png", action="store_true", help="PNGs of two megapixels in place of JPEGs")
    parser.add_argument("--measure", nargs=3, metavar=("READER", "FOLDER", "WORKERS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        reader, folder, workers = arguments.measure
        print(json.dumps(measured(reader, Path(folder), int(workers))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "images"
        write_images(folder, arguments.images, arguments.png)
        print(
            f"{'workers':>7} {'ours /s':>9} {'torchvision /s':>15} {'ratio':>6} {'kept /s':>9} {'from disk /s':>13} "
            f"{'ours MB':>8} {'torchvision MB':>15}"
        )
        for workers in arguments.workers:
            rounds = [{reader: measure(reader, folder, workers) for reader in READERS} for _ in range(arguments.rounds)]
            rate, peak = (
                {reader: statistics.median(one[reader][key] for one in rounds) for reader in READERS}
                for key in ("rate", "peak")
            )
            ratio = statistics.median(one["ours"]["rate"] / one["torchvision"]["rate"] for one in rounds)
            print(
                f"{workers:>7} {rate['ours']:>9.1f} {rate['torchvision']:>15.1f} {ratio:>6.2f} "
                f"{rate['kept']:>9.1f} {rate['from disk']:>13.1f} "
                f"{peak['ours']:>8.0f} {peak['torchvision']:>15.0f}"
            )


if __name__ == "__main__":
    main()
