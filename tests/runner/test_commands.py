"""The command line by itself: its help, what is close to a mistyped word, and what there is."""

import os
import signal
import subprocess
import sys

import pytest

from project_root import ROOT
from tradeoffs.runner import commands, fork_server, listing

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}


def test_help_lists_every_verb(capsys):
    assert commands.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {verb}" in said for verb in commands.VERBS)


@pytest.mark.parametrize("verb", [verb for verb, facts in commands.VERBS.items() if facts.part and verb != "list"])
def test_a_verb_without_its_part_lists_the_parts(capsys, verb):
    assert commands.main([verb]) == 0
    said = capsys.readouterr().out.splitlines()
    assert {f"  {part}" for part in commands.parts(verb)} <= set(said)
    assert len(commands.parts(verb)) > 1


def test_list_alone_lists_what_is_asked_first_and_what_else_can_be_listed(capsys):
    assert commands.main(["list"]) == 0
    said = capsys.readouterr().out
    for what in ("benchmarks", "data", "ways"):
        assert listing.table(listing.LISTS[what]()) in said
    assert "tradeoffs list models, zoo, sources, figures, claims" in said


def test_a_verb_that_options_say_too_shows_them_beside_its_parts(capsys):
    assert commands.main(["evaluate", "--help"]) == 0
    said = capsys.readouterr().out
    assert "\n  waterbirds\n" in said
    assert "--model MODEL" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("tran", "tradeoffs tran: no such command; expected train"),
        ("figure overveiw", "tradeoffs figure overveiw: no such figure; expected overview"),
        ("theory frase", "tradeoffs theory frase: no such part; expected phase"),
        ("convert tim", "tradeoffs convert tim: no such source; expected timm"),
        ("fetch waterbird", "tradeoffs fetch waterbird: no such dataset; expected waterbirds"),
        ("list benchmark", "tradeoffs list benchmark: no such list; expected benchmarks"),
        ("miniature waterbird", "tradeoffs miniature waterbird: no such dataset; expected waterbirds"),
    ],
)
def test_a_mistyped_word_is_one_line_with_what_is_close(capsys, words, message):
    assert commands.main(words.split()) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


@pytest.mark.parametrize("what", listing.LISTS)
def test_a_list_has_a_row_for_each_and_imports_nothing_slow(what):
    code = f"import sys; from tradeoffs.runner import commands; commands.main(['list', '{what}']);"
    code += "print(set(sys.modules) & {'torch', 'numpy', 'pandas', 'matplotlib', 'scipy'})"
    done = subprocess.run(
        [sys.executable, "-c", code], env=fork_server.ENVIRONMENT, capture_output=True, text=True, check=True
    )
    *rows, slow = done.stdout.splitlines()
    assert slow == "set()"
    assert [row.split()[0] for row in rows[1:]] == listing.names(what)


def test_ctrl_c_while_a_command_is_imported_is_no_traceback():
    code = "import os, signal, time, tradeoffs.__main__; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)"
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_ctrl_c_while_a_command_works_is_a_word():
    code = (
        "import os, signal, sys; from tradeoffs.__main__ import main; from tradeoffs.step import specs; "
        "specs.read_spec = lambda text: os.kill(os.getpid(), signal.SIGINT); "
        "sys.argv[1:] = ['missing', '--spec', '{}', '--out', 'o', '--card', 'c']; "
        "sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train"], ["learning_rate     float        peak of the schedule", "images            int or null"]),
        (
            ["evaluate", "waterbirds"],
            ["seed          int    noise", "crop          int    Side of the centre crop. (min"],
        ),
    ],
)
def test_help_of_a_step_says_its_settings_with_types_meanings_and_defaults(capsys, words, said):
    with pytest.raises(SystemExit):
        commands.main([*words, "--help"])
    text = capsys.readouterr().out
    assert all(f"\n  {line}" in text for line in said), text


def test_a_letter_that_the_terminal_lacks_is_written_out():
    """What was computed for hours is not lost because a model's name cannot be shown."""
    code = "import sys; from tradeoffs.runner import commands; commands.main(['--help']); print('mod\\u00e8le')"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"mod\\xe8le\n")
