"""Pin everything that an environment of this project consists of, in the three places that tools read.

    uv run python envs/pin.py               # after a dependency has been added or removed: other pins stay
    uv run python envs/pin.py --upgrade     # everything as new as the ranges in pyproject.toml allow

What is wanted stands in pyproject.toml, as ranges with reasons. From it come the exact versions: those under
``constraint-dependencies`` in pyproject.toml, which ``uv sync`` and ``uv run`` read, requirements.txt with the hashes
of the files, and envs/environment.yaml for conda.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXPORT = ["uv", "export", "--quiet", "--frozen", "--format", "requirements.txt", "--no-header", "--no-emit-project"]
PINS = re.compile(r"(?<=^constraint-dependencies = \[\n).*?(?=^\]$)", re.MULTILINE | re.DOTALL)
CONDA = re.compile(r"(?<=  - pip:\n).*", re.DOTALL)


def name_of(requirement: str) -> str:
    """Return the package that a requirement asks for, as registries spell it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def main() -> None:
    """Resolve in a folder of its own, then write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="forget the pins and take the newest of everything")
    upgrade = parser.parse_args().upgrade
    text = (ROOT / "pyproject.toml").read_text()
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        (there / "pyproject.toml").write_text(PINS.sub("", text, count=1) if upgrade else text)
        shutil.copy(ROOT / "README.md", there)
        # One version of each package for every Python, rather than newer ones for newer Pythons.
        subprocess.run(["uv", "lock", "--quiet", "--fork-strategy", "fewest"], cwd=there, check=True)

        def exported(*options: str) -> str:
            done = subprocess.run([*EXPORT, *options], cwd=there, check=True, capture_output=True, text=True)
            return done.stdout

        everything = exported("--all-groups", "--all-extras", "--no-hashes", "--no-annotate")
        hashed = exported()
    pins = {name_of(line): line.split(" ")[0].split("==")[1] for line in everything.splitlines()}
    listed = "".join(f'    "{name}=={version}",\n' for name, version in sorted(pins.items()))
    (ROOT / "pyproject.toml").write_text(PINS.sub(lambda _: listed, text, count=1))
    (ROOT / "requirements.txt").write_text(hashed)
    direct = [name_of(requirement) for requirement in tomllib.loads(text)["project"]["dependencies"]]
    environment = ROOT / "envs/environment.yaml"
    packages = "".join(f"      - {name}=={pins[name]}\n" for name in direct)
    environment.write_text(CONDA.sub(lambda _: packages, environment.read_text()))


if __name__ == "__main__":
    main()
