"""Shared by all tests: which kind each is, one thread, a small miniature, a small trained network."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from small_world import TRAINING, build_all
from tradeoffs.data import decoded_folder, images

os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(1)
settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("untimed")


# The kinds of tests by their folder; what stands in a room's folder is unit or slow.
KINDS = {"project": "lint", "workflow": "workflow", "replica": "replica", "slurm": "slurm", "gpu": "gpu"}
# Files that take more than some seconds on one core; all others together stay below a minute on two.
SLOW = {
    "api/test_by_name.py",
    "api/test_call.py",
    "api/test_compare.py",
    "api/test_factory_by_name.py",
    "api/test_misuse.py",
    "api/test_python_guide.py",
    "acquisition/test_download.py",
    "acquisition/test_faults.py",
    "acquisition/test_unpack.py",
    "attacks/test_folding.py",
    "attacks/test_gradient_masking.py",
    "attacks/test_strong.py",
    "benchmarks/test_command.py",
    "benchmarks/test_declared_metrics.py",
    "benchmarks/test_decoded_once.py",
    "benchmarks/test_parity.py",
    "benchmarks/test_statistics.py",
    "benchmarks/test_unanswered.py",
    "benchmarks/test_work.py",
    "claims/test_saturated.py",
    "compute/test_lease.py",
    "compute/test_pretended_gpu.py",
    "data/test_decoded.py",
    "examples/test_examples.py",
    "cost/test_cost_command.py",
    "figures/test_figures.py",
    "miniature/test_miniature.py",
    "miniature/test_worlds.py",
    "models/test_confinement.py",
    "models/test_convert.py",
    "models/test_networks.py",
    "models/test_wrappings.py",
    "page/test_images_in_a_browser.py",
    "page/test_page_in_a_browser.py",
    "results/test_cards_to_tables.py",
    "results/test_imagenet_study.py",
    "results/test_summary.py",
    "runner/test_fork_server.py",
    "runner/test_left_jobs.py",
    "runner/test_surroundings.py",
    "study/test_config_files.py",
    "study/test_config_mutations.py",
    "study/test_own_data.py",
    "theory/test_theory_commands.py",
    "training/test_checkpoint.py",
    "training/test_processes.py",
    "training/test_soundness.py",
    "training/test_train.py",
}
LONGEST_FIRST = ["replica", "workflow", "slow", "lint", "unit", "slurm", "gpu"]


def kind_of(item: pytest.Item) -> str:
    """Return the marker of a test: its own, or its folder's."""
    own = [name for name in LONGEST_FIRST if item.get_closest_marker(name)]
    path = item.path.relative_to(Path(__file__).parent)
    return own[0] if own else KINDS.get(path.parts[0]) or ("slow" if path.as_posix() in SLOW else "unit")


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its kind, and put those first whose files take longest: no core waits at the end."""
    kinds = {item: kind_of(item) for item in items}
    for item, kind in kinds.items():
        item.add_marker(kind)
    items.sort(key=lambda item: LONGEST_FIRST.index(kinds[item]))


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all six data sets; not to be changed."""
    root = tmp_path_factory.mktemp("miniature")
    build_all(root)
    return root


@pytest.fixture
def copy_of(miniature: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies one data set to a place where it may be damaged."""
    return lambda name: shutil.copytree(miniature / name, tmp_path / name)


@pytest.fixture(scope="session")
def weights(miniature: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the weights of a network that has learned a little, so that its predictions vary."""
    from tradeoffs.training.loop import train
    from tradeoffs.training.settings import Settings
    from tradeoffs.training.train import sources

    device = torch.device("cpu")
    settings = Settings(**TRAINING)
    network, _ = train(settings, *sources(settings, miniature / "imagenet", device), device)
    path = tmp_path_factory.mktemp("weights") / "weights.pt"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture
def training() -> dict[str, object]:
    """Return settings of a short training."""
    return dict(TRAINING)


@pytest.fixture
def kept_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder where decoded images are kept."""
    monkeypatch.setenv(decoded_folder.FOLDER, str(tmp_path / "kept"))
    monkeypatch.setenv(decoded_folder.GIGABYTES, "1")
    return tmp_path / "kept"


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list that grows by the path of every image that is decoded."""
    found: list[Path] = []
    plain = images.colours

    def counted(path, box=None):
        found.append(path)
        return plain(path, box)

    monkeypatch.setattr(images, "colours", counted)
    return found
