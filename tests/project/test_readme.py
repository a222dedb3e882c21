"""What the README shows is what the workflow does."""

import re
import subprocess
import sys
from pathlib import Path

from project_root import ROOT

README = (ROOT / "README.md").read_text()
SNAKEMAKE = Path(sys.executable).parent / "snakemake"


def collapsed(rule):
    """All figure rules are one node in the README."""
    return "figures" if rule.startswith("figure_") else rule


def test_the_rule_graph_is_the_workflows():
    done = subprocess.run(
        [SNAKEMAKE, "--rulegraph", "mermaid-js"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", done.stdout, re.MULTILINE))
    edges = {(collapsed(names[a]), collapsed(names[b])) for a, b in re.findall(r"(id\d+) --> (id\d+)", done.stdout)}
    (graph,) = re.findall(r"```mermaid\n(.*?)```", README, re.DOTALL)
    shown = set(re.findall(r"(\w+) --> (\w+)", graph))
    assert shown == {(a, b) for a, b in edges if b != "all"}


def test_every_file_and_picture_it_links_exists():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README) + re.findall(r'src="([^"]+)"', README):
        assert (ROOT / target).is_file(), target
