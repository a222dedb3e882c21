"""Passes over images: no result depends on batches or threads; memory that runs out halves them; little is held."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tradeoffs.benchmarks import adversarial, imagenet, imagenet9, objectnet, rival10, salient_imagenet
from tradeoffs.benchmarks import inference as passes_module
from tradeoffs.benchmarks.inference import Passes, over_images
from tradeoffs.benchmarks.noise import draw
from tradeoffs.compute import batching
from tradeoffs.data.imagenet9 import Foregrounds
from tradeoffs.data.images import Geometry
from tradeoffs.step.errors import InputError

CPU = torch.device("cpu")
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB"),
    torch.AcceleratorError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]


class Greedy(torch.nn.Module):
    """A network that runs out of memory for more than ``most`` images at once."""

    def __init__(self, network, most, error=FULL[0]):
        super().__init__()
        self.network, self.most, self.largest, self.error = network, most, 0, error

    def _check(self, x):
        if len(x) > self.most:
            raise self.error
        self.largest = max(self.largest, len(x))
        return x

    def forward(self, x):
        return self.network(self._check(x))

    def features(self, x):
        return self.network.features(self._check(x))


def same(one, other):
    """Answers are the same, bit for bit; a distance is a quotient of sums, and those are of other batches."""
    assert one.metrics.keys() == other.metrics.keys()
    for name, metric in one.metrics.items():
        assert other.metrics[name] == (pytest.approx(metric, rel=1e-4, abs=1e-5) if real(name) else metric), name
    assert one.outcomes.keys() == other.outcomes.keys()
    for name, array in one.outcomes.items():
        close = {"rtol": 1e-3, "atol": 1e-5} if real(name) else {"rtol": 0, "atol": 0}
        np.testing.assert_allclose(array, other.outcomes[name], **close)


def real(name):
    """Whether it is a quotient of sums, or a probability, and no answer."""
    return "margin" in name or "gradient" in name or "swap" in name


@pytest.mark.parametrize("benchmark", [rival10, salient_imagenet, imagenet9])
def test_results_do_not_depend_on_the_batch_size(small, benchmark, monkeypatch):
    expected = small.evaluate(benchmark)
    monkeypatch.setattr(batching, "_LARGEST", 7)
    same(small.evaluate(benchmark), expected)


def test_results_do_not_depend_on_the_number_of_threads(small, monkeypatch):
    expected = small.evaluate(salient_imagenet)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    same(small.evaluate(salient_imagenet), expected)


@pytest.mark.parametrize(
    ("benchmark", "error"), [(rival10, FULL[0]), (imagenet9, FULL[1]), (adversarial, FULL[2]), (adversarial, FULL[0])]
)
def test_out_of_memory_halves_the_batch_and_changes_nothing(small, benchmark, error, capfd):
    expected = small.evaluate(benchmark)
    network = Greedy(small.network, 9, error)
    same(small._replace(network=network).evaluate(benchmark), expected)
    assert 5 <= network.largest <= 9
    printed = capfd.readouterr().err.splitlines()
    # From 60 images (of the challenge: 250) to 9 or fewer; said once for each halving, and never again.
    assert printed
    assert len(printed) == len(set(printed)) <= 5
    assert all("out of memory" in line and "going on with" in line for line in printed)


@pytest.mark.parametrize("benchmark", [rival10, adversarial])
def test_out_of_memory_with_one_image_is_one_clear_line(small, benchmark):
    with pytest.raises(InputError, match="GPU out of memory with a single image") as raised:
        small._replace(network=Greedy(small.network, 0)).evaluate(benchmark)
    assert "\n" not in str(raised.value)


@pytest.fixture
def numbered(tmp_path: Path) -> list[Path]:
    """Return images whose pixels are their number."""
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for number, path in enumerate(paths):
        Image.new("RGB", (8, 6), (number, number, number)).save(path)
    return paths


def numbers(passes, paths):
    at, found = over_images(passes, paths, Geometry(), lambda x: x.mean((1, 2, 3)) * 255)
    return at.tolist(), np.rint(found).astype(int).tolist()


def test_every_image_comes_once_and_in_order(numbered, monkeypatch):
    for size in (1, 3, 39, 40, 41):
        monkeypatch.setattr(batching, "_LARGEST", size)
        assert numbers(Passes(CPU), numbered) == (list(range(40)), list(range(40)))


def test_reading_overlaps_with_computing_and_holds_few_images(numbered):
    read, lock = [], threading.Lock()

    def decode(i):
        with lock:
            read.append(i)
        return (np.zeros((6, 8, 3), dtype=np.uint8),)

    many = numbered * 25
    batches = Passes(CPU).batches(many, decode, size=10)
    next(batches)
    for _ in range(200):  # the threads go on while the caller works ...
        if len(read) >= 31:
            break
        threading.Event().wait(0.01)
    assert len(read) == 31  # ... until two more batches wait (the first image is read once more, for its size)
    batches.close()


def test_nothing_to_read_is_one_clear_line():
    with pytest.raises(InputError, match="no images to read"):
        next(Passes(CPU).batches([], lambda i: ()))


def test_images_of_another_size_are_named(numbered):
    Image.new("RGB", (9, 6)).save(numbered[20])
    with pytest.raises(InputError, match=r"20\.png: 9x6 pixels where the first has 8x6"):
        numbers(Passes(CPU), numbered)


def test_a_batch_shrinks_with_its_images_and_with_what_is_read_for_each():
    assert batching.batch_size(32 * 32, 10_000, CPU) == 250
    assert batching.batch_size(224 * 224, 1_000_000, CPU) == 32
    assert batching.batch_size(224 * 224, 50_000_000, CPU) == 5  # ten trials of noise
    assert batching.batch_size(10_000**2, 1_000_000_000, CPU) == 1


def test_a_pass_is_sized_by_the_pixels_of_an_image_and_all_bytes_read_for_it(numbered, monkeypatch):
    asked = []
    monkeypatch.setattr(passes_module, "batch_size", lambda *sizes: asked.append(sizes) or 7)
    batches = Passes(CPU).batches(
        numbered, lambda i: (np.zeros((6, 8, 3), dtype=np.uint8), np.zeros((2, 5), dtype=np.float32))
    )
    assert [len(at) for at, _ in batches] == [7, 7, 7, 7, 7, 5]
    assert asked == [(6 * 8, 6 * 8 * 3 + 2 * 5 * 4, CPU)]


def test_workers_are_the_cores_granted(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert batching.workers() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 5}, raising=False)
    assert batching.workers() == 2


def test_noise_is_standard_normal_and_belongs_to_its_image():
    noise = draw(0, 3, 4, 64, 64)
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 4 / np.sqrt(noise.size)
    assert abs(noise.std() - 1) < 4 / np.sqrt(2 * noise.size)
    # More trials do not change the first; image, seed and trial all make another draw.
    np.testing.assert_array_equal(draw(0, 3, 1, 64, 64)[0], noise[0])
    for other in (draw(0, 4, 1, 64, 64)[0], draw(1, 3, 1, 64, 64)[0], noise[1]):
        assert abs(np.corrcoef(noise[0].ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(other.size)


@pytest.mark.parametrize(("block", "batch"), [(400, 250), (8, 250), (8, 5), (1, 1)])
def test_the_challenge_tries_every_foreground_on_every_background(tmp_path, monkeypatch, block, batch):
    """Uniform images, mask of a quarter of the pixels: right where front / 4 + 3 background / 4 exceeds a half."""
    rng = np.random.default_rng(0)
    fronts, backgrounds = rng.integers(0, 256, 21), rng.integers(130, 256, 12)
    for kind, shades in (("front", fronts), ("back", backgrounds)):
        for number, shade in enumerate(shades.tolist()):
            Image.new("RGB", (8, 8), (shade,) * 3).save(tmp_path / f"{kind}{number}.png")
    np.save(tmp_path / "mask.npy", np.arange(64).reshape(8, 8) < 16)
    index = Foregrounds(
        [tmp_path / f"front{i}.png" for i in range(21)], [tmp_path / "mask.npy"] * 21, np.ones(21, dtype=np.int64)
    )
    monkeypatch.setattr(imagenet9, "_FOREGROUNDS", block)
    monkeypatch.setattr(batching, "_LARGEST", batch)
    tried, withstood = imagenet9.challenge(
        lambda x: (x.mean((1, 2, 3)) > 0.5).long(),
        index,
        np.arange(1, 21),
        [tmp_path / f"back{i}.png" for i in range(12)],
        Passes(CPU),
    )
    assert tried.tolist() == list(range(1, 21))
    expected = (fronts[1:, None] / 4 + 3 * backgrounds / 4 > 127.5).all(1)
    assert 5 < expected.sum() < 15
    np.testing.assert_array_equal(withstood, expected)


def test_the_challenge_tries_first_what_felled_others(tmp_path, monkeypatch):
    """Only the last of twelve backgrounds fells anything: the first foreground meets all, the other four that one."""
    for number in range(12):
        Image.new("RGB", (8, 8), (0 if number == 11 else 255,) * 3).save(tmp_path / f"back{number}.png")
    Image.new("RGB", (8, 8), (255,) * 3).save(tmp_path / "front.png")
    np.save(tmp_path / "mask.npy", np.arange(64).reshape(8, 8) < 16)
    index = Foregrounds([tmp_path / "front.png"] * 5, [tmp_path / "mask.npy"] * 5, np.ones(5, dtype=np.int64))
    monkeypatch.setattr(imagenet9, "_FOREGROUNDS", 1)
    monkeypatch.setattr(batching, "_LARGEST", 1)
    seen = []

    def predict(x):
        seen.append(len(x))
        return (x.mean((1, 2, 3)) > 0.5).long()

    backgrounds = [tmp_path / f"back{i}.png" for i in range(12)]
    _, withstood = imagenet9.challenge(predict, index, np.arange(5), backgrounds, Passes(CPU))
    assert not withstood.any()
    assert sum(seen) == 12 + 4


@pytest.mark.parametrize("benchmark", [adversarial, imagenet, imagenet9, objectnet])
def test_data_of_other_classes_than_the_networks_are_refused(small, benchmark):
    with pytest.raises(
        InputError, match=r"10 (class folders|keys|classes).*11|10 keys; expected the class indices 0 to 10"
    ):
        small.evaluate(benchmark, classes=11)
