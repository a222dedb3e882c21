"""The attacks of other libraries behind one signature, for the benchmarks beside this file; and how they are timed."""

import argparse
import gc
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from tradeoffs.attacks.folding import folded
from tradeoffs.attacks.pgd import pgd
from tradeoffs.models.catalogue import ARCHITECTURES
from tradeoffs.models.networks import build

# x, labels, norm, epsilon, steps, step size -> attacked x
Attack = Callable[[Tensor, Tensor, str, float, int, float], Tensor]


def ours(network: nn.Module) -> Attack:
    """Return our PGD on cross-entropy, as in training: on the network with its batch normalisation folded."""
    device = next(network.parameters()).device
    generator = torch.Generator(device).manual_seed(0)

    def attack(x: Tensor, labels: Tensor, norm: str, epsilon: float, steps: int, size: float) -> Tensor:
        attacked = folded(network, x)

        def loss(z: Tensor) -> Tensor:
            return nn.functional.cross_entropy(attacked(z), labels, reduction="none")

        return pgd(loss, x, norm=norm, epsilon=epsilon, steps=steps, step_size=size, generator=generator)

    return attack


def with_foolbox(network: nn.Module) -> Attack:
    """Return the PGD of foolbox (Rauber et al. 2020)."""
    import foolbox

    model = foolbox.PyTorchModel(network, bounds=(0, 1), device=next(network.parameters()).device)
    kinds = {
        "linf": foolbox.attacks.LinfPGD,
        "l2": foolbox.attacks.L2PGD,
        "l1": foolbox.attacks.SparseL1DescentAttack,
    }

    def attack(x: Tensor, labels: Tensor, norm: str, epsilon: float, steps: int, size: float) -> Tensor:
        found: Tensor = kinds[norm](abs_stepsize=size, steps=steps).run(model, x, labels, epsilon=epsilon)
        return found

    return attack


def with_art(network: nn.Module) -> Attack:
    """Return the PGD of the Adversarial Robustness Toolbox (Nicolae et al. 2018), in its PyTorch version."""
    from art.attacks.evasion import ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier

    device = next(network.parameters()).device
    estimators: dict[tuple[int, ...], PyTorchClassifier] = {}

    def attack(x: Tensor, labels: Tensor, norm: str, epsilon: float, steps: int, size: float) -> Tensor:
        if x.shape[1:] not in estimators:
            with torch.no_grad():
                classes = network(x[:1]).shape[1]
            estimators[x.shape[1:]] = PyTorchClassifier(
                network,
                nn.CrossEntropyLoss(),
                tuple(x.shape[1:]),
                classes,
                clip_values=(0.0, 1.0),
                device_type="gpu" if device.type == "cuda" else "cpu",
            )
        found = ProjectedGradientDescentPyTorch(
            estimators[x.shape[1:]],
            norm={"linf": np.inf, "l2": 2, "l1": 1}[norm],
            eps=epsilon,
            eps_step=size,
            max_iter=steps,
            num_random_init=1,
            batch_size=len(x),
            verbose=False,
        ).generate(x.cpu().numpy(), labels.cpu().numpy())
        return torch.from_numpy(found).to(device)

    return attack


class Contiguous(nn.Module):
    """A network whose gradients are contiguous, as some libraries need; it must be given contiguous images."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        # A new module is in training mode, and torchattacks puts back, in all that it contains, the mode it found.
        self.train(network.training)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images."""
        logits: Tensor = self.network(x.flatten(1).view_as(x))
        return logits


def with_torchattacks(network: nn.Module) -> Attack:
    """Return the PGD of torchattacks (Kim 2020)."""
    import torchattacks

    def attack(x: Tensor, labels: Tensor, norm: str, epsilon: float, steps: int, size: float) -> Tensor:
        found: Tensor
        if norm == "linf":
            found = torchattacks.PGD(network, eps=epsilon, alpha=size, steps=steps)(x, labels)
        else:
            peer = torchattacks.PGDL2(Contiguous(network), eps=epsilon, alpha=size, steps=steps)
            found = peer(x.contiguous(), labels)
        return found

    return attack


def with_apgd(network: nn.Module) -> Attack:
    """Return APGD on cross-entropy, of AutoAttack's reference code (Croce and Hein 2020); it has its own step sizes."""
    from pyautoattack.autopgd_base import APGDAttack

    logits = Contiguous(network)

    def attack(x: Tensor, labels: Tensor, norm: str, epsilon: float, steps: int, size: float) -> Tensor:
        peer = APGDAttack(
            logits,
            n_iter=steps,
            norm=norm.capitalize(),
            n_restarts=1,
            eps=epsilon,
            seed=0,
            device=str(x.device),
        )
        found: Tensor = peer.perturb(x.contiguous(), labels)
        return found

    return attack


PEERS = {
    "foolbox": with_foolbox,
    "ART": with_art,
    "torchattacks": with_torchattacks,
    "pyautoattack's APGD": with_apgd,
}


def installed(network: nn.Module) -> dict[str, Attack]:
    """Return the peers that can be imported, by name; the others are named on standard error."""
    found = {}
    for name, make in PEERS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[name] = make(network)
        except ImportError:
            print(f"{name} is not installed and left out", file=sys.stderr)
    return found


def able(calls: dict[str, Callable[[], object]]) -> dict[str, Callable[[], object]]:
    """Return the calls that work with these settings; a peer that cannot take them is named on standard error."""
    found = {}
    for name, call in calls.items():
        try:
            call()
        except Exception as error:  # whatever another library makes of a type it does not know
            if name == "ours":
                raise
            reason = " ".join(str(error).split())[:100]
            print(f"{name} cannot do this and is left out ({type(error).__name__}: {reason})", file=sys.stderr)
        else:
            found[name] = call
    return found


class Prepared(NamedTuple):
    """What the timing scripts work on, on a GPU where there is one: an untrained network and random images."""

    arguments: argparse.Namespace
    network: nn.Module
    x: Tensor


def prepared(parser: argparse.ArgumentParser, *, batch: int, rounds: int) -> Prepared:
    """Add the options that the timing scripts share, read the command line, and make what it asks for."""
    parser.add_argument("--network", choices=ARCHITECTURES, default="basic")
    parser.add_argument("--size", type=int, default=32, help="pixels along each side (32)")
    parser.add_argument("--batch", type=int, default=batch, help=f"images ({batch})")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"timed rounds ({rounds})")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = build(arguments.network, 10).to(device)
    x = torch.rand(arguments.batch, 3, arguments.size, arguments.size, device=device)
    print(f"{arguments.network}, {arguments.batch} images of {arguments.size} px; {machine()}")
    return Prepared(arguments, network, x.contiguous(memory_format=torch.channels_last))


def matrix_on(device: torch.device) -> Tensor:
    """Return a matrix whose square is the yardstick of speed: bfloat16 on a GPU, as training does, else float32."""
    rows = {"cpu": 1024, "cuda": 8192}[device.type]  # so many that a product keeps the device busy
    return torch.rand(rows, rows, device=device, dtype=torch.bfloat16 if device.type == "cuda" else torch.float32)


def forward_operations(network: nn.Module, x: Tensor) -> int:
    """Count the floating-point operations of a forward pass: 2 per multiply-add, convolutions and linear layers only.

    The gradient with respect to the input costs as many.
    """
    with torch.no_grad(), FlopCounterMode(display=False) as forward:
        network(x)
    return int(forward.get_total_flops())


def side_by_side(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Run every call once to warm up, then all in turn, ``rounds`` times; return the seconds of each round by name.

    On one thread of a CPU, seconds of computing, which other programs on the machine disturb less; else of the wall.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            gc.collect()
            started = clock()
            call()
            taken = clock() - started
            if number > 0:
                seconds[name].append(taken)
    return seconds


def median_ratio(theirs: list[float], ours_: list[float]) -> float:
    """Return the median over rounds of a ratio of two times of the same round: what disturbs a round disturbs both."""
    return statistics.median(a / b for a, b in zip(theirs, ours_, strict=True))


def machine() -> str:
    """Return what the table was measured on, in one line."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = names[0].partition(":")[2].strip() if names else "CPU"
    return f"{name}, {torch.get_num_threads()} thread(s), torch {torch.__version__}"


def clock() -> float:
    """Return seconds of computing on one thread of a CPU, else of the wall, the GPU having finished."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.get_num_threads() == 1:
        return time.process_time()
    return time.perf_counter()
