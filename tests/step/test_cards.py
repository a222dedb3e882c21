"""What a step reads is what was written: one bit or one digit less, and it is moved aside, with a line that says so."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradeoffs.step.cards import check, digests, read_card, write_card
from tradeoffs.step.errors import InputError

CONTENT = {"kind": "x", "value": 0.1 + 0.2, "tiny": 5e-324, "by_number": {10: "ten", 2: "two"}, "pair": (1, 2.0)}
# What a step of each family writes, and the card beside it.
PRODUCTS = {
    "weights": ("weights.pt", "card.json"),
    "data": ("fingerprint.json", "card.json"),
    "download": ("net.ckpt", "net.ckpt.json"),
    "outcomes": ("basic_linf_eps0.5.npz", "basic_linf_eps0.5.json"),
    "theory": ("risks.csv", "curves.json"),
    "table": ("summary.csv", "cards/summary.json"),
    "second table": ("differences.csv", "cards/claims.json"),
}


def write(path: Path, *files: Path) -> None:
    write_card(path, spec={"seed": 0}, code="c", data={}, started=time.perf_counter(), files=digests(*files), **CONTENT)


@pytest.fixture(params=PRODUCTS)
def product(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A file and its card, of every family."""
    name, card = PRODUCTS[request.param]
    (tmp_path / name).write_bytes(bytes(range(256)))
    write(tmp_path / card, tmp_path / name)
    return tmp_path / name, tmp_path / card


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(content))


def test_a_card_is_read_as_it_was_written(product: tuple[Path, Path]) -> None:
    file, card = product
    assert check(file) == (digests(file)[file.name], card)
    found = read_card(card)
    assert (found["value"], found["tiny"]) == (0.1 + 0.2, 5e-324)
    assert found["by_number"] == {"10": "ten", "2": "two"}
    card.write_text(json.dumps(found))  # other spaces and order: the same content
    assert read_card(card) == found


def test_any_bit_of_a_file_is_noticed_and_file_and_card_are_kept_aside(product: tuple[Path, Path]) -> None:
    file, card = product
    flip(file, 8 * 256 - 1)
    kept = file.read_bytes(), card.read_bytes()
    with pytest.raises(InputError, match=rf"{file.name}: damaged.*run the same command again") as raised:
        check(file)
    assert "\n" not in str(raised.value)
    assert not file.exists()
    assert not card.exists()
    moved = file.with_name(f"{file.name}.damaged"), card.with_name(f"{card.name}.damaged")
    assert (moved[0].read_bytes(), moved[1].read_bytes()) == kept


def test_any_bit_of_a_card_that_changes_its_meaning_is_noticed(tmp_path: Path) -> None:
    file, card = tmp_path / "m.npz", tmp_path / "m.json"
    file.write_bytes(b"outcomes")
    write(card, file)
    intact, meaning = card.read_bytes(), read_card(card)
    bits = np.random.default_rng(0).choice(8 * len(intact), 400, replace=False)
    noticed = 0
    for bit in bits.tolist():
        flip(card, bit)
        try:
            same = json.loads(card.read_bytes()) == meaning
        except ValueError:
            same = False
        if same:  # a space for a line break
            assert read_card(card) == meaning
            card.write_bytes(intact)
            continue
        readers: tuple[Callable[[Path], Any], ...] = (read_card, lambda path: check(path.with_suffix(".npz")))
        with pytest.raises(InputError, match=r"moved to .*m.json.damaged") as raised:
            readers[noticed % 2](card)
        assert "\n" not in str(raised.value)
        noticed += 1
        assert not card.exists()
        for aside in tmp_path.glob("*.damaged*"):
            aside.unlink()
        card.write_bytes(intact)
        file.write_bytes(b"outcomes")
    assert noticed > 300


def test_what_is_moved_aside_never_replaces_what_is_there(tmp_path: Path) -> None:
    file, card = tmp_path / "weights.pt", tmp_path / "card.json"
    for content in (b"one", b"two", b"three"):
        file.write_bytes(b"good")
        write(card, file)
        file.write_bytes(content)
        with pytest.raises(InputError):
            check(file)
    asides = sorted(path.read_bytes() for path in tmp_path.glob("weights.pt.damaged*"))
    assert asides == [b"one", b"three", b"two"]


def test_a_file_of_somebody_elses_is_refused_where_it_is(product: tuple[Path, Path]) -> None:
    file, card = product
    flip(file, 0)
    with pytest.raises(InputError, match=r"get .* again"):
        check(file, ours=False)
    assert file.exists()
    assert card.exists()


def test_nor_is_a_file_moved_that_is_no_card(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not JSON")
    with pytest.raises(InputError, match=r"notes.txt: damaged .* make or get notes.txt again"):
        read_card(notes)
    card = tmp_path / "theirs.json"
    card.write_text('{"kind": "evaluation"}')
    with pytest.raises(InputError, match=r"make or get theirs.json again"):
        read_card(card, ours=False)
    assert sorted(tmp_path.iterdir()) == [notes, card]


@pytest.mark.parametrize(
    "beside",
    [
        *(None, "[1, 2]", '{"model": "theirs"}', '{"files": ["weights.pt"]}'),
        *('{"epoch": 1}\n{"epoch": 2}\n', '// notes\n{"a": 1}', "a log", '{"epoch": 1'),  # no JSON, and no card either
    ],
)
def test_a_file_that_no_card_vouches_for_is_taken_as_it_is(tmp_path: Path, beside: str | None) -> None:
    file = tmp_path / "weights.pt"
    file.write_bytes(b"theirs")
    if beside is not None:
        (tmp_path / "card.json").write_text(beside)
    assert check(file) == (digests(file)["weights.pt"], None)


def test_a_card_of_an_older_version_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('{"kind": "evaluation", "metrics": {}}')
    with pytest.raises(InputError, match=r"made by an older version.*run the same command again"):
        read_card(tmp_path / "m.json")


def test_a_missing_card_or_file_is_one_line(tmp_path: Path) -> None:
    for reader in (read_card, check):
        with pytest.raises(InputError, match=r"gone.json: file not found"):
            reader(tmp_path / "gone.json")
