"""Train one model: standard, or adversarially by PGD (Madry et al. 2018), from a folder in ImageNet's layout.

    python -m tradeoffs.training.train --spec '{"architecture": "basic", "norm": "linf", "epsilon": 0.0157, ...}' \
        --data resources/miniature/default/imagenet --weights weights.pt --card card.json

Writes a plain state_dict (loadable with ``weights_only=True``) and a card with the learning curve. With
``--checkpoint`` the state is kept every few minutes, after every epoch and on SIGTERM, and a killed run continues from
it to the same weights, bit for bit on one machine with the same threads. ``--processes 2`` trains in two processes,
each on a GPU of its own where there are any; so does torchrun.

A training that diverges or overfits catastrophically ends with one line and writes nothing.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch

from tradeoffs.compute import memory
from tradeoffs.compute.batching import workers
from tradeoffs.compute.device import choose_device
from tradeoffs.data.names import check_same_classes
from tradeoffs.step.cards import check, digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError, exit_code
from tradeoffs.step.files import read_json
from tradeoffs.step.specs import parse_spec
from tradeoffs.training import launcher, processes
from tradeoffs.training.checkpoint import Checkpoint, on_sigterm, save
from tradeoffs.training.data import Source, open_source, read_split
from tradeoffs.training.loop import SCHEDULES, StoppedError, train
from tradeoffs.training.soundness import warnings

SPEC: dict[str, type | tuple[type, ...]] = {
    "architecture": str,
    "norm": str,  # none, l2 or linf
    "epsilon": float,  # pixel units of [0, 1]
    "seed": int,
    "images": (int, type(None)),  # training images used, the same number of each class; null: all
    "image_size": (int, type(None)),  # pixels along each side; null: as stored
    "augmentation": str,  # none, or crop_flip: random resized crop and horizontal flip
    "epochs": int,
    "batch_size": int,  # of all processes together
    "learning_rate": float,  # peak of the schedule
    "schedule": str,  # one_cycle, or step: a tenth after each third
    "momentum": float,
    "weight_decay": float,
    "attack_steps": int,
    "attack_step_size": float,  # relative to epsilon
    "monitor_images": int,  # validation images whose adversarial accuracy is followed, epoch by epoch
}


def sources(spec: dict[str, Any], data: Path, device: torch.device) -> tuple[Source, Source]:
    """Return training and validation images as ``spec`` wants them; InputError where the data cannot give them."""
    common = {"image_size": spec["image_size"], "seed": spec["seed"], "device": device, "workers": workers()}
    check_same_classes(data, "train", "val")
    training = read_split(data, "train", spec["images"])
    validation = read_split(data, "val", None)
    return (
        open_source(training, augmentation=spec["augmentation"], **common),
        open_source(validation, augmentation="none", **common),
    )


def run(spec: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Train in this process, alone or with the others that the environment names; the first one writes the files."""
    cure = (
        f"with {spec['batch_size']} images in {os.environ.get('WORLD_SIZE', 1)} process(es); lower batch_size, or "
        "train on several GPUs (gpus_per_training in the config, --processes here)"
    )
    try:
        with memory.or_say(cure), processes.together():
            _train_and_write(spec, arguments)
    except processes.LostError as lost:
        print(f"another process of this training has ended ({lost})", file=sys.stderr)
        raise SystemExit(processes.LOST) from None


def _train_and_write(spec: dict[str, Any], arguments: argparse.Namespace) -> None:
    started = time.perf_counter()
    processes.see_one_gpu()
    device = choose_device()
    group = processes.join(device)
    code = code_id("tradeoffs.training.train")
    check(arguments.data / "fingerprint.json")
    data = read_json(arguments.data / "fingerprint.json")["fingerprint"]
    key = hashlib.sha256(json.dumps([spec, code, data], sort_keys=True).encode()).hexdigest()
    checkpoint = Checkpoint(arguments.checkpoint, key, arguments.checkpoint_minutes)
    training, validation = sources(spec, arguments.data, device)
    with on_sigterm() as asked_to_stop:
        try:
            network, history = train(
                spec, training, validation, device, checkpoint=checkpoint, asked_to_stop=asked_to_stop, group=group
            )
        except StoppedError as stop:
            kept = f"{checkpoint.path} holds it: the same command goes on" if checkpoint.path else "nothing was kept"
            print(f"stopped by SIGTERM {stop}; {kept}", file=sys.stderr)
            raise SystemExit(processes.STOPPED) from None
    processes.leave(group)
    if group.rank > 0:
        return
    state = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    save(state, arguments.weights)
    files = digests(arguments.weights)
    write_card(
        arguments.card,
        kind="model",
        spec=spec,
        code=code,
        data={"imagenet": data},
        started=started,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        processes=group.size,
        threads=torch.get_num_threads(),
        classes=training.classes,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        files=files,
        weights_sha256=files[arguments.weights.name],
        history=history,
        warnings=warnings(history, training.classes, validation.size),
    )
    if arguments.checkpoint is not None:
        arguments.checkpoint.unlink(missing_ok=True)


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.training.train", description=__doc__.split("\n")[0])
    parser.add_argument("--spec", required=True, help="settings as JSON; keys: " + ", ".join(SPEC))
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and val/ in ImageNet's layout")
    parser.add_argument("--weights", type=Path, required=True, help="state_dict to write")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    parser.add_argument("--checkpoint", type=Path, help="file to resume from; removed when training is complete")
    parser.add_argument("--checkpoint-minutes", type=float, default=10, help="minutes between checkpoints (10)")
    parser.add_argument("--processes", type=int, default=1, help="processes to train in, one GPU each (1)")
    arguments = parser.parse_args()
    spec = parse_spec(arguments.spec, SPEC)
    if spec["schedule"] not in SCHEDULES:
        raise InputError(f"--spec: schedule = {spec['schedule']!r}; choose one of {', '.join(SCHEDULES)}")
    if arguments.processes > 1 and not launcher.is_member():
        raise SystemExit(launcher.launch(arguments.processes, sys.argv[1:]))
    run(spec, arguments)


if __name__ == "__main__":
    sys.exit(exit_code(main))
