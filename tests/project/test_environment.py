"""The environment is the same whichever way it is made, and nothing of it depends on one machine or one address."""

import re
import subprocess
import tomllib

import yaml

from project_root import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_conda_and_pyproject_name_the_same_versions():
    environment = yaml.safe_load((ROOT / "envs/environment.yaml").read_text())
    (pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert sorted(pip) == sorted(PROJECT["project"]["dependencies"])


def test_direct_dependencies_are_pinned_exactly_and_say_why():
    text = (ROOT / "pyproject.toml").read_text()
    listed = PROJECT["project"]["dependencies"] + [d for group in PROJECT["dependency-groups"].values() for d in group]
    for dependency in listed:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+(\[[a-z]+\])?==[0-9][^,; ]*", dependency), dependency
        assert re.search(rf'"{re.escape(dependency)}", *# \w+', text), f"{dependency}: say why it is there"


def test_requirements_pin_the_same_versions_with_hashes_and_no_address():
    text = (ROOT / "requirements.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9_.-]+)==(\S+)", text, re.MULTILINE))
    for dependency in PROJECT["project"]["dependencies"]:
        name, version = dependency.split("==")
        assert pinned[name] == version
    entries = re.findall(r"^[a-z0-9_.-]+==(?:.*\\\n)+.*$", text, re.MULTILINE)
    assert {entry.split("==")[0] for entry in entries} == set(pinned)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_no_file_names_a_registry_or_a_machine():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "conda.anaconda" + ".org", "registry.npmjs" + ".org"]
    for path in tracked:
        text = (ROOT / path).read_bytes()
        for word in [*hosts, "/" + "work/", "/" + "root/", ".." + "/shared"]:
            assert word.encode() not in text, f"{path}: {word}"
