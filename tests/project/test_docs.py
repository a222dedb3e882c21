"""What the front page and the documentation say is what is there."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from project_root import ROOT

BIN = Path(sys.executable).parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_the_front_page_is_a_page():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


@each_page
def test_every_file_and_picture_it_links_exists(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).is_file(), target


@each_page
def test_every_path_and_module_it_names_exists(page):
    """Placeholders (<name>) and files that a guide tells how to write do not."""
    text = page.read_text()
    written = {title for _, title, _ in FENCE.findall(text)}
    for path in re.findall(r"(?<![\w/.])((?:workflow|performance|tests|docs|envs)/[\w./-]*\w/?)(?![\w<*])", text):
        assert path in written or (ROOT / path).exists(), path
    for module in re.findall(r"`(tradeoffs(?:\.\w+)+)`", text):
        place = (ROOT / "workflow").joinpath(*module.split("."))
        assert place.with_suffix(".py").is_file() or place.is_dir(), module


@each_page
def test_every_command_it_shows_is_one(page):
    from tradeoffs.runner.commands import VERBS

    shown = re.findall(r"(?:python -m tradeoffs|`tradeoffs) ([a-z]+)", page.read_text())
    assert set(shown) <= set(VERBS)
    assert not re.findall(r"python -m tradeoffs\.", page.read_text())


@each_page
def test_the_code_it_shows_is_code(page):
    for language, _, code in FENCE.findall(page.read_text()):
        if language == "python":
            tree = ast.parse(code)
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tradeoffs"):
                    assert importlib.util.find_spec(str(node.module)), node.module
        elif language == "yaml":
            assert isinstance(yaml.safe_load(code), dict)


def test_the_rules_are_the_workflows():
    done = subprocess.run(
        [BIN / "snakemake", "--rulegraph", "mermaid-js"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", done.stdout, re.MULTILINE))
    arrows = re.findall(r"(id\d+) --> (id\d+)", done.stdout)
    edges = {(names[a], names[b]) for a, b in arrows if names[b] != "default"}
    text = (ROOT / "docs/explanation/incremental.md").read_text()
    table = text.partition("## The rules")[2].partition("\n## ")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    shown = {(source, rule.strip(" `")) for rule, sources in rows for source in re.findall(r"`(\w+)`", sources)}
    assert shown == edges
    assert {rule.strip(" `") for rule, _ in rows} == set(names.values()) - {"default"}


def test_what_the_added_measures_cost_is_of_the_models_that_there_are():
    from tradeoffs.cost import study
    from tradeoffs.study import miniature

    asked = study.read([], [], complete=False)
    counts = Counter(benchmark for model in asked.models.values() for benchmark in model.benchmarks)
    text = (ROOT / "docs/explanation/method.md").read_text().partition("## What these measures cost")[2]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines() if row.startswith("| ")]
    total = 0.0
    for what, seconds, number in rows[1:]:
        found = re.search(r"`(\w+)`", what)
        there = counts[found[1]] if found else len(miniature.worlds(asked.config["miniature"]))
        assert int(number.split()[0]) == there, what
        total += there * float(seconds)
    assert f"Together about {total:.0f} seconds" in text


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built documentation; strict, so that a warning fails."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [BIN / "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class References(HTMLParser):
    """``loaded``: addresses that a browser fetches by itself; ``links``: those that a reader may follow."""

    def __init__(self):
        super().__init__()
        self.loaded, self.links, self.ids = [], [], set()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        (self.links if tag == "a" else self.loaded).extend(found[key] for key in ("href", "src") if found.get(key))
        self.loaded.extend(re.findall(r"url\(([^)]+)\)", found.get("style") or ""))


def references(page):
    parser = References()
    parser.feed(page.read_text())
    return parser


def test_pages_load_nothing_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= len(PAGES)
    for page in pages:
        for address in references(page).loaded:
            assert urlsplit(address)[:2] == ("", ""), f"{page}: {address}"
        # The theme's script would fetch what draws these.
        assert 'class="mermaid"' not in page.read_text()
    for sheet in site.rglob("*.css"):
        for address in re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s]+)", sheet.read_text()):
            assert address.startswith("data:") or not re.match(r"(https?:)?//", address), f"{sheet}: {address}"


def test_every_link_leads_to_a_place_that_is_there(site):
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # its links are from the top
            continue
        for link in references(page).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{page}: {link}"
            if parts.fragment:
                assert unquote(parts.fragment) in references(target).ids, f"{page}: {link}"


def completed_schema():
    """The schema as the page is made from it."""
    spec = importlib.util.spec_from_file_location("reference_pages", ROOT / "docs/reference_pages.py")
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    return pages.schema()


def leaves(part, path=()):
    for key, inner in part.get("properties", {}).items():
        yield (*path, key)
        yield from leaves(inner, (*path, key))


def test_every_setting_is_in_the_reference(site):
    text = (site / "reference/config.html").read_text()
    for path in leaves(completed_schema()):
        assert f"<code>{path[-1]}</code>" in text or f'id="{".".join(path)}"' in text, ".".join(path)
    assert "<!-- settings -->" not in text


def test_every_benchmark_and_verb_is_in_the_reference(site):
    from tradeoffs.runner.commands import VERBS

    benchmarks = (site / "reference/benchmarks.html").read_text()
    for module in (ROOT / "workflow/tradeoffs/benchmarks").glob("*.py"):
        if "def evaluate(" in module.read_text():
            assert f'id="{module.stem}"' in benchmarks
    commands = (site / "reference/commands.html").read_text()
    assert all(re.search(rf"<code>{verb}( [A-Z]+)?</code>", commands) for verb in VERBS)
