"""What the rules give to a shell: every value is quoted, whatever a config puts into it."""

import re

import pytest

from project_root import ROOT

FILES = [ROOT / "Snakefile", ROOT / "workflow/Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
SHELL = re.compile(r"^(?P<indent> +)shell:\n(?P<lines>(?:(?P=indent) +.*\n)+)", re.MULTILINE)


def commands(text):
    """The shell commands of a Snakefile: the strings below ``shell:``, joined as Python joins them."""
    return ["".join(eval(f"({match['lines']})")) for match in SHELL.finditer(text)]


def unquoted(command):
    """The placeholders whose values the shell would see as they are."""
    return [
        name for name in re.findall(r"\{([^{}]*)\}", command.replace("{{", "").replace("}}", "")) if name[-2:] != ":q"
    ]


def test_unquoted_values_are_found():
    text = "rule a:\n    shell:\n        'cat {input:q} {params.x}'\n        ' > {log}'\n\nrule b:\n"
    assert [unquoted(command) for command in commands(text)] == [["params.x", "log"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_value_is_quoted_in_every_rule(path):
    text = path.read_text()
    found = commands(text)
    assert len(found) == text.count(" shell:")
    assert not [name for command in found for name in unquoted(command)]
    assert not re.search(r"^ +(run|script|notebook|wrapper|cwl):", text, re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_a_config_says_is_a_function_lest_braces_in_it_be_wildcards(path):
    assert not re.findall(r"^ +\w+=(?:settings|canonical)\(.*", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_rule_says_itself_that_it_is_local_for_a_module_renames_rules(path):
    assert not re.search(r"^localrules\b", path.read_text(), re.MULTILINE)


def test_there_are_rules():
    assert sum(len(commands(path.read_text())) for path in FILES) > 10
