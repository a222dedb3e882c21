"""Help is what the modules say, and comes without them."""

import subprocess
import sys

import pytest

from tradeoffs.runner import commands, fork_server
from tradeoffs.step.command import parser

WORDS = [
    (verb, part)
    for verb, facts in commands.VERBS.items()
    if verb != "list"
    for part in ([None] if facts.part is None else commands.parts(verb) + [None] * (facts.whole is not None))
]
READ = ("evaluate", "convert", "theory")


@pytest.mark.parametrize(("verb", "part"), [words for words in WORDS if words[0] in READ or words[1] is None])
def test_help_is_what_the_imported_modules_say(verb, part):
    read, imported = (parser(found(verb, part), verb).format_help() for found in (commands.described, commands.step))
    assert read == imported


def test_no_help_imports_torch():
    code = "import contextlib, io, sys; from tradeoffs.runner import commands\n"
    some = [words for words in WORDS if words[0] != "figure"] + [("figure", "overview")]  # they are alike, and slow
    code += f"for verb, part in {some!r}:\n"
    code += "    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
    code += "        commands.main([verb, *([part] if part else []), '--help'])\n"
    code += "    assert 'torch' not in sys.modules, (verb, part)\n"
    subprocess.run([sys.executable, "-c", code], env=fork_server.ENVIRONMENT, check=True)


@pytest.mark.parametrize(
    "words", ["--help", "list", "evaluate --help", "train --help", "convert timm --help", "cost --help"]
)
def test_what_is_asked_first_imports_nothing_slow(words):
    code = "import sys; from tradeoffs.runner import commands\n"
    code += f"try:\n    commands.main({words.split()!r})\nexcept SystemExit:\n    pass\n"
    code += "print(set(sys.modules) & {'torch', 'numpy', 'scipy', 'pandas', 'matplotlib', 'PIL', 'snakemake'})"
    done = subprocess.run(
        [sys.executable, "-c", code], env=fork_server.ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"
