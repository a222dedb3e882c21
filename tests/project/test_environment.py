"""The environment is the same whichever way it is made, and nothing of it depends on one machine or one address."""

import re
import subprocess
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from project_root import ROOT

TEXT = (ROOT / "pyproject.toml").read_text()
PROJECT = tomllib.loads(TEXT)
PINS = dict(pin.split("==") for pin in PROJECT["tool"]["uv"]["constraint-dependencies"])
DIRECT = PROJECT["project"]["dependencies"]
EXTRAS = [d for extra in PROJECT["project"]["optional-dependencies"].values() for d in extra]
TOOLS = [d for group in PROJECT["dependency-groups"].values() for d in group]


def pin(dependency):
    return PINS[canonicalize_name(Requirement(dependency).name)]


def test_conda_installs_what_is_pinned():
    environment = yaml.safe_load((ROOT / "envs/environment.yaml").read_text())
    (pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert sorted(pip) == sorted(f"{Requirement(each).name}=={pin(each)}" for each in DIRECT)


def test_requirements_pin_the_same_versions_with_hashes_and_no_address():
    text = (ROOT / "requirements.txt").read_text()
    entries = re.findall(r"^([a-z0-9_.-]+)==(\S+)((?:.*\\\n)+.*)$", text, re.MULTILINE)
    assert {canonicalize_name(name): version for name, version, _ in entries}.items() <= PINS.items()
    assert all("--hash=sha256:" in rest for _, _, rest in entries)
    assert len(entries) == len(re.findall("==[0-9]", re.sub("#.*|;.*", "", text)))
    names = {name for name, _, _ in entries}
    assert {canonicalize_name(Requirement(each).name) for each in DIRECT} <= names


@pytest.mark.parametrize("dependency", [*DIRECT, *EXTRAS])
def test_a_user_may_have_any_version_of_a_range_that_begins_at_a_tested_one(dependency):
    specifiers = Requirement(dependency).specifier
    (lowest,) = [each.version for each in specifiers if each.operator == ">="]
    assert {each.operator for each in specifiers} <= {">=", "<"}
    assert specifiers.contains(lowest)
    assert specifiers.contains(pin(dependency)), "what is pinned is not in the range: uv run python envs/pin.py"


def test_every_tool_is_pinned_and_every_dependency_says_why():
    for dependency in [*DIRECT, *TOOLS]:
        assert pin(dependency)
        assert re.search(rf'"{re.escape(dependency)}", *# \w+', TEXT), f"{dependency}: say why it is there"


def test_every_pin_is_exact():
    assert all(re.fullmatch(r"[0-9][\w.]*", version) for version in PINS.values())
    assert list(PINS) == sorted(PINS)


def test_what_these_tests_run_with_is_what_is_pinned():
    """What somebody put beside it is theirs; of what is pinned, no other version is there."""
    installed = {canonicalize_name(each.name): each.version for each in metadata.distributions()}
    other = {name: installed[name] for name in PINS.keys() & installed if installed[name].split("+")[0] != PINS[name]}
    assert not other, "uv sync, or uv run python envs/pin.py"
    assert {canonicalize_name(Requirement(each).name) for each in DIRECT} <= installed.keys()


def test_the_snakefile_asks_for_the_snakemake_that_is_required():
    (required,) = [each for each in DIRECT if each.startswith("snakemake")]
    asked = [
        re.findall(r'^min_version\("(.+)"\)', path.read_text(), re.MULTILINE)
        for path in [*ROOT.glob("Snakefile"), *ROOT.glob("workflow/Snakefile")]
    ]
    assert [version for found in asked for version in found] == [re.match(r"snakemake>=([\d.]+)", required)[1]]


def test_no_file_names_a_registry_or_a_machine():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "conda.anaconda" + ".org", "registry.npmjs" + ".org"]
    for path in tracked:
        if (ROOT / path).is_dir():  # a link to one
            continue
        text = (ROOT / path).read_bytes().decode(errors="replace")
        for word in [*hosts, r"(?<!\w)/" + "work/", r"(?<!\w)/" + "root/", r"\.\./" + "shared"]:
            assert not re.search(word, text), f"{path}: {word}"
