"""Random kills: a tiny study, killed at random moments and started again until done, against one left in peace.

    python tests/runner/kill_campaign.py [--kills 30] [--seed 0]

A whole run takes about half a minute, thirty kills some ten. At random: SIGKILL for Snakemake, for the warm process,
for any one of the steps' processes, for all at once; SIGINT or SIGTERM for Snakemake, SIGINT for all (a terminal's
Ctrl-C). Then the same command again. A study is right if every file below results/ and resources/ is the undisturbed
one's byte for byte, but for the cards' ``seconds``, which are measured, and ``card_sha256``, the digest of a card with
its ``seconds``, and what SIGKILL leaves of a file being written (hidden, beside its target, read by nothing: writing is
into ``.<name>.<process>.<random>``, then a rename); if no process is left, no output or log holds a traceback, and
nothing changed in the home folder, the temporary folder and beside the study, except what an undisturbed run leaves
there too, and Snakemake's own: its cache below the home folder, and in the temporary one the empty folders snakemake*
and its solver's *-pulp.*, which SIGKILL keeps it from removing.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
COMMAND = [Path(sys.executable).parent / "snakemake", "--cores", "2"]
MEASURED = {"seconds", "card_sha256"}
LONGEST_S = 10.0  # between start and kill, or between two kills of one run
PATIENCE_S = 30.0  # in which what belongs to a killed run ends by itself
CONFIG = """
study: miniature
miniature:
  data:
    images: {train: 60, val: 20, rival10: 20, salient_imagenet: 20, imagenet9: 20, waterbirds: 20, objectnet: 20}
  architectures: [basic]
  budgets: {linf: [4], l2: []}
  training: {images: null, epochs: 1, monitor_images: 10}
  bootstrap: 100
  benchmarks: {waterbirds: {}, imagenet9: {challenge_foregrounds: 2, challenge_backgrounds: 2}}
  standard_models: 1
  controls: {images: [30], epochs: []}
  sweeps:
    correlation: {images: 60, values: [0]}
    background_scale: {images: 60, values: [1], budgets: {linf: [], l2: []}}
theory:
  curves: {budgets: 21}
  phase: {cells: 9}
  claims: {budgets: 20, random_models: 5}
  simulation: {samples: [100, 400], seeds: 4, features: [2]}
  pgd: {samples: 200, seeds: 2, updates: 30}
"""


class Study:
    """A copy of the project in a room of its own, with its own home and temporary folder."""

    def __init__(self, room: Path) -> None:
        self.room, self.folder = room, room / "study"
        for name in ("workflow", "envs"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Snakefile", self.folder)
        (self.folder / "config.yaml").write_text(CONFIG)
        for name in ("home", "tmp", "beside"):
            (room / name).mkdir()
        (room / "beside/precious").write_text("precious")

    def start(self) -> psutil.Popen:
        foreign = ("TRADEOFFS", "OMP", "MPL", "PYTHON", "XDG")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        return psutil.Popen(
            COMMAND,
            cwd=self.folder,
            env=kept | {"HOME": str(self.room / "home"), "TMPDIR": str(self.room / "tmp"), "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.DEVNULL,
            stdout=(self.room / "out").open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _folder(process) == str(self.folder)]

    def end_left(self) -> int:
        """Wait until nothing runs in the folder; kill what does not end, and return how many those were."""
        deadline = time.monotonic() + PATIENCE_S
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for process in left:
            process.kill()
        return len(left)

    def tracebacks(self) -> list[str]:
        """Return the last line of each traceback, with its file; not one of Snakemake's own start.

        Interrupted in the two seconds before it reads the Snakefile, Python shows one, and nothing here can help it.
        """
        said = []
        for path in [self.room / "out", *self.folder.glob("logs/**/*.log")]:
            text = path.read_text(errors="replace")
            starting = path.name == "out" and str(self.folder) not in text
            if "Traceback" in text and not starting:
                said.append(f"{path.relative_to(self.room)}: {text.strip().splitlines()[-1][:100]}")
        return said

    def results(self) -> dict[str, str]:
        """Return the digest of every file, of cards without what is measured."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(_lasting(path)).hexdigest()
            for name in ("results", "resources")
            for path in sorted((self.folder / name).rglob("*"))
            if path.is_file() and not re.fullmatch(r"\..+\.[0-9]+\.[0-9a-f]{8}(\..+)?", path.name)
        }

    def outside(self) -> dict[str, bytes | None]:
        """Return what lies beside the study's folder, files with their content, without what is Snakemake's own."""
        cache = self.room / "home/.cache/snakemake"
        return {
            str(path.relative_to(self.room)): path.read_bytes() if path.is_file() else None
            for path in self.room.rglob("*")
            if not {self.folder, cache} & {path, *path.parents}
            and path != self.room / "out"
            and not path.match("tmp/*-pulp.*")
            and not (path.match("tmp/snakemake*") and path.is_dir() and not any(path.iterdir()))
        }


def _lasting(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.suffix != ".json":
        return raw
    content = json.loads(raw)
    return json.dumps(_without_measured(content)).encode() if isinstance(content, dict) else raw


def _without_measured(card: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in card.items() if key not in MEASURED}


def _folder(process: psutil.Process) -> str:
    try:
        return str(process.cwd())
    except psutil.Error:
        return ""


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def _kill_warm(main: psutil.Process, study: Study, chance: random.Random) -> None:
    _kill([process for process in study.processes() if "--serve" in _command(process)][:1])


def _kill_step(main: psutil.Process, study: Study, chance: random.Random) -> None:
    others = [process for process in study.processes() if process.pid != main.pid]
    _kill([chance.choice(others)] if others else [])


Kill = Callable[[psutil.Process, Study, random.Random], object]
KILLS: dict[str, Kill] = {
    "SIGKILL for Snakemake": lambda main, study, chance: main.kill(),
    "SIGKILL for the warm process": _kill_warm,
    "SIGKILL for a step's process": _kill_step,
    "SIGKILL for all": lambda main, study, chance: _kill(study.processes()),
    "SIGINT for Snakemake": lambda main, study, chance: main.send_signal(signal.SIGINT),
    "SIGTERM for Snakemake": lambda main, study, chance: main.send_signal(signal.SIGTERM),
    "SIGINT for all": lambda main, study, chance: os.killpg(main.pid, signal.SIGINT),
}
GOES_ON = {"SIGKILL for the warm process", "SIGKILL for a step's process"}  # Snakemake itself is alive


def killed_until_done(study: Study, kills: int, chance: random.Random) -> tuple[Counter[str], list[str]]:
    """Run the study with up to ``kills`` kills; return which there were, and the faults on the way."""
    done: Counter[str] = Counter()
    faults: list[str] = []
    while True:
        main, struck = study.start(), False
        while done.total() < kills:
            try:
                main.wait(timeout=chance.uniform(0.1, LONGEST_S))
                break
            except psutil.TimeoutExpired:
                name = chance.choice(list(KILLS))
            KILLS[name](main, study, chance)
            done[name] += 1
            struck = True
            print(f"  {name}", flush=True)
            if name not in GOES_ON:
                break
        try:
            code = main.wait(timeout=300)
        except psutil.TimeoutExpired:
            faults.append("hangs")
            main.kill()
            code = main.wait()
        if left := study.end_left():
            faults.append(f"{left} processes left")
        faults += study.tracebacks()
        if code == 0:
            return done, faults
        if not struck:
            last = (study.room / "out").read_text(errors="replace").strip().splitlines()[-1:]
            return done, [*faults, f"exit {code} without a kill: {last}"]


def main() -> None:
    """Kill until there were enough, and print what became of each study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as made:
        peace = Study(Path(made).resolve() / "peace")
        if (code := peace.start().wait()) != 0 or peace.end_left():
            sys.exit(f"the undisturbed study fails with exit {code}:\n{(peace.room / 'out').read_text()}")
        expected, outside = peace.results(), peace.outside()
        kills: Counter[str] = Counter()
        wrong = studies = 0
        while kills.total() < arguments.kills:
            study = Study(Path(made).resolve() / f"killed{studies}")
            done, faults = killed_until_done(study, arguments.kills - kills.total(), chance)
            found = study.results()
            faults += [f"{name} differs" for name in sorted(expected | found) if expected.get(name) != found.get(name)]
            around = study.outside()
            faults += [
                f"{name} is changed or left outside"
                for name in sorted(outside | around)
                if name not in around
                or name not in outside
                or (name.startswith("beside") and around[name] != outside[name])
            ]
            kills += done
            studies += 1
            wrong += bool(faults)
            outcome = "; ".join(dict.fromkeys(faults)) or "right"
            print(
                f"study {studies}: {done.total()} kills, {len(found)} files: {outcome}",
                flush=True,
            )
    print(f"{kills.total()} kills in {studies} studies, {wrong} wrong: {dict(kills)}")


if __name__ == "__main__":
    main()
