"""Kept images are those that decoding gives, bit for bit, whatever becomes of their file."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tradeoffs.data import decoded, decoded_folder, images
from tradeoffs.data.images import Geometry, UnreadableError
from tradeoffs.step import locks
from tradeoffs.step.errors import InputError

PACKAGE = Path(decoded.__file__).parents[2]
SQUARE = Geometry(resize=24, square=True)
CROP = Geometry(border=2, resize=30, crop=24)
SIDE = 24
PLAIN = images.colours  # what no test counts
# Reads all images of a folder, PNG files in the order of their names; so many of them, then it kills itself.
READS_ALL = """
import hashlib, os, signal, sys
from pathlib import Path
from tradeoffs.data import decoded
from tradeoffs.data.images import Geometry
root, count = Path(sys.argv[1]), int(sys.argv[2])
paths = sorted(root.glob("*.png"))
with decoded.kept({root: "f"}):
    read = decoded.reader(paths, Geometry(resize=24, square=True))
    print("begun", flush=True)
    sys.stdin.readline()
    found = [read(i) for i in range(min(count, len(paths)))]
    if count < len(paths):
        os.kill(os.getpid(), signal.SIGKILL)
print(hashlib.sha256(b"".join(pixels.tobytes() for pixels in found)).hexdigest())
"""


@pytest.fixture
def shown(tmp_path):
    """Return the paths of twenty images of different sizes, below a folder of their own."""
    draw = np.random.default_rng(0)
    root = tmp_path / "data"
    root.mkdir()
    for number in range(20):
        size = draw.integers(30, 60, 2)
        Image.fromarray(draw.integers(0, 256, (*size, 3), dtype=np.uint8)).save(root / f"{number:02}.png")
    return sorted(root.glob("*.png"))


def read(paths, geometry=SQUARE, fingerprint="f", threads=2, **how):
    """Read all of the images in threads, the first of them twice, as a pass does; return them."""
    with decoded.kept({paths[0].parent: fingerprint}, **how):
        reader = decoded.reader(paths, geometry)
        reader(0)
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(reader, range(len(paths))))


def same(found, paths, geometry=SQUARE):
    expected = [images._shaped(PLAIN(path), geometry, path) for path in paths]
    return all(np.array_equal(one, np.asarray(other)) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("geometry", [SQUARE, CROP, Geometry(resize=40, crop=SIDE)])
def test_images_are_decoded_once_and_the_same_ever_after(shown, kept_folder, decodings, geometry):
    first, decoded_first = read(shown, geometry), len(decodings)
    second, decoded_second = read(shown, geometry), len(decodings) - decoded_first
    assert (decoded_first, decoded_second) == (len(shown) + 1, 0)
    assert same(first, shown, geometry)
    assert same(second, shown, geometry)
    assert {pixels.dtype for pixels in [*first, *second]} == {np.dtype(np.uint8)}
    (file,) = kept_folder.iterdir()
    assert file.stat().st_size == decoded_folder.size_of(len(shown), SIDE)


def test_one_evaluation_reads_again_what_it_has_decoded(shown, kept_folder, decodings):
    with decoded.kept({shown[0].parent: "f"}):
        for _ in range(3):
            assert len([decoded.reader(shown, SQUARE)(i) for i in range(len(shown))]) == len(shown)
    assert len(decodings) == len(shown)


@pytest.mark.parametrize("what", ["fingerprint", "order", "part", "geometry", "code", "Pillow", "libjpeg", "nothing"])
def test_what_decides_the_pixels_decides_what_is_found(shown, kept_folder, decodings, monkeypatch, what):
    read(shown)
    decodings.clear()
    paths, geometry, fingerprint = shown, SQUARE, "f"
    if what == "fingerprint":
        fingerprint = "g"
    elif what == "order":
        paths = shown[::-1]
    elif what == "part":
        paths = shown[:-1]
    elif what == "geometry":
        geometry = Geometry(resize=30, crop=SIDE)
    elif what == "code":
        monkeypatch.setattr(decoded, "code_id", lambda *_: "another")
    elif what == "Pillow":
        monkeypatch.setattr(decoded.PIL, "__version__", "0.0")
    elif what == "libjpeg":
        monkeypatch.setattr(decoded.features, "version", lambda _: "0.0")
    found = read(paths, geometry, fingerprint)
    assert len(decodings) == (0 if what == "nothing" else len(paths) + 1)
    assert same(found, paths, geometry)
    assert len(list(kept_folder.iterdir())) == (1 if what == "nothing" else 2)


@pytest.mark.parametrize("geometry", [images.UNCHANGED, Geometry(border=1), Geometry(resize=30)])
def test_images_of_any_size_are_not_kept(shown, kept_folder, geometry):
    assert same(read(shown, geometry), shown, geometry)
    assert not kept_folder.exists()


def test_images_of_unknown_content_are_not_kept(shown, kept_folder, tmp_path):
    with decoded.kept({tmp_path / "another": "f"}):
        assert same([decoded.reader(shown, SQUARE)(i) for i in range(len(shown))], shown)
    assert not kept_folder.exists()


@pytest.mark.parametrize(("folder_said", "gigabytes"), [("", "1"), ("kept", "0"), ("kept", None)])
def test_nothing_is_kept_unless_it_is_asked_for(shown, tmp_path, monkeypatch, folder_said, gigabytes):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(decoded_folder.FOLDER, folder_said)
    monkeypatch.delenv(decoded_folder.GIGABYTES, raising=False)
    if gigabytes is not None:
        monkeypatch.setenv(decoded_folder.GIGABYTES, gigabytes)
    assert same(read(shown), shown)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("text", ["much", "-1", "nan", "inf", ""])
def test_a_bound_that_is_none_is_named(kept_folder, monkeypatch, text):
    monkeypatch.setenv(decoded_folder.GIGABYTES, text)
    with pytest.raises(InputError, match="expected a number of gigabytes"), decoded.kept({}):
        pass


def test_an_image_that_cannot_be_decoded_is_named_each_time_and_the_others_are_kept(shown, kept_folder, decodings):
    shown[3].write_bytes(shown[3].read_bytes()[:-200])

    others = [i for i in range(len(shown)) if i != 3]
    said = []
    for decoded_again in (range(20), [3]):
        decodings.clear()
        with decoded.kept({shown[0].parent: "f"}):
            reader = decoded.reader(shown, SQUARE)
            with pytest.raises(UnreadableError) as raised:
                reader(3)
            said.append((raised.value.path, str(raised.value)))
            assert same([reader(i) for i in others], [shown[i] for i in others])
        assert sorted(decodings) == [shown[i] for i in decoded_again]
    assert said[0] == said[1]
    assert said[0][0] == shown[3]


def test_an_evaluation_that_ends_early_leaves_nothing(shown, kept_folder):
    shown[12].unlink()
    with pytest.raises(InputError, match="not found"):
        read(shown)
    assert not list(kept_folder.iterdir())


def test_a_thread_that_is_late_writes_nowhere(shown, kept_folder):
    with decoded.kept({shown[0].parent: "f"}):
        reader = decoded.reader(shown, SQUARE)
        reader(0)
    assert not list(kept_folder.iterdir())
    assert same([reader(i) for i in range(20)], shown)
    assert not list(kept_folder.iterdir())


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "cut off":
        del content[-1000:]
    elif how == "half":
        del content[len(content) // 2 :]
    elif how == "empty":
        content.clear()
    elif how == "too long":
        content += b"0"
    elif how == "a bit":
        content[7 * SIDE * SIDE * 3 + 5] ^= 4
    elif how == "holes":
        content[:] = bytes(len(content))
    elif how == "sums":
        content[-160:] = bytes(160)
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut off", "half", "empty", "too long", "a bit", "holes", "sums"])
def test_a_damaged_file_is_removed_with_a_line_and_its_images_decoded_again(shown, kept_folder, decodings, capfd, how):
    read(shown)
    (file,) = kept_folder.iterdir()
    whole = file.read_bytes()
    damage(file, how)
    assert same(read(shown), shown)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"{file}: damaged")
    assert line.endswith("it is removed, and its images are decoded again")
    assert same(read(shown), shown)
    assert file.read_bytes() == whole
    decodings.clear()
    assert same(read(shown), shown)
    assert not decodings
    assert not capfd.readouterr().err


def test_a_file_that_shrinks_or_is_lost_while_it_is_read_is_no_end(shown, kept_folder, monkeypatch, capfd):
    read(shown)
    (file,) = kept_folder.iterdir()
    with decoded.kept({shown[0].parent: "f"}):
        reader = decoded.reader(shown, SQUARE)
        first = [reader(i) for i in range(5)]
        os.truncate(file, 6 * SIDE * SIDE * 3)
        assert same(first + [reader(i) for i in range(5, 20)], shown)
    assert "it ends too early" in capfd.readouterr().err
    read(shown)
    with decoded.kept({shown[0].parent: "f"}):
        reader = decoded.reader(shown, SQUARE)

        def stale(*_):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

        monkeypatch.setattr(os, "pread", stale)
        assert same([reader(i) for i in range(20)], shown)
    assert "Stale file handle" in capfd.readouterr().err


def test_a_file_that_is_removed_while_it_is_read_is_read_to_its_end(shown, kept_folder, decodings):
    read(shown)
    decodings.clear()
    with decoded.kept({shown[0].parent: "f"}):
        reader = decoded.reader(shown, SQUARE)
        next(kept_folder.iterdir()).unlink()
        found = [reader(i) for i in range(20)]
    assert not decodings
    assert same(found, shown)


@pytest.mark.parametrize("call", ["pwrite", "fsync", "ftruncate"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_costs_a_line(shown, kept_folder, monkeypatch, capfd, call, number):
    plain, calls = getattr(os, call), []

    def full(*given):
        calls.append(given)
        if call == "pwrite" and len(calls) < 7:
            return plain(*given)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, full)
    assert same(read(shown), shown)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("decoded images are not kept as ")
    assert line.endswith(os.strerror(number))
    assert not list(kept_folder.iterdir())


def test_a_disk_that_writes_in_pieces_writes_all(shown, kept_folder, decodings, monkeypatch):
    plain = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, content, start: plain(file, content[:1000], start))
    read(shown)
    decodings.clear()
    assert same(read(shown), shown)
    assert not decodings


@pytest.mark.parametrize("obstacle", ["a file", "no right"])
def test_a_folder_that_cannot_be_written_costs_a_line(shown, kept_folder, monkeypatch, capfd, obstacle):
    if obstacle == "a file":
        kept_folder.touch()
    else:

        def refused(*_, **__):
            raise PermissionError(errno.EACCES, "Permission denied", str(kept_folder))

        monkeypatch.setattr(Path, "mkdir", refused)
    assert same(read(shown), shown)
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_whoever_may_not_write_reads(shown, kept_folder, decodings):
    read(shown, writes=False)
    assert not kept_folder.exists()
    read(shown)
    decodings.clear()
    assert same(read(shown, writes=False), shown)
    assert not decodings


def started(root, count):
    return subprocess.Popen(
        [sys.executable, "-c", READS_ALL, str(root), str(count)],
        env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_at_once_read_the_same_and_one_of_them_writes(shown, kept_folder):
    root = shown[0].parent
    several = [started(root, 100) for _ in range(3)]
    for process in several:
        assert process.stdout.readline() == "begun\n"
    assert len(list(kept_folder.iterdir())) == 1
    said = [process.communicate("go\n", timeout=60) for process in several]
    expected = hashlib.sha256(b"".join(images.image(path, SQUARE).tobytes() for path in shown)).hexdigest()
    assert [out.strip() for out, _ in said] == [expected] * 3
    assert [err for _, err in said] == [""] * 3
    (file,) = kept_folder.iterdir()
    assert file.suffix == decoded_folder.SUFFIX


@pytest.mark.parametrize("locks_there", [True, False])
def test_what_a_killed_process_left_is_never_read_and_written_anew(
    shown, kept_folder, decodings, monkeypatch, locks_there
):
    if not locks_there:

        def flock(*_):
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr("fcntl.flock", flock)
    process = started(shown[0].parent, 12)
    process.communicate("go\n", timeout=60)
    assert process.returncode == -signal.SIGKILL
    (left,) = kept_folder.iterdir()
    assert left.suffix == ".pixels-part"
    assert same(read(shown), shown)
    assert len(decodings) == len(shown) + 1
    assert [path.suffix for path in kept_folder.iterdir()] == [decoded_folder.SUFFIX]
    decodings.clear()
    assert same(read(shown), shown)
    assert not decodings


def test_what_a_killed_process_left_goes_when_other_images_are_read(shown, kept_folder):
    process = started(shown[0].parent, 12)
    process.communicate("go\n", timeout=60)
    read(shown, fingerprint="another")
    assert [path.suffix for path in kept_folder.iterdir()] == [decoded_folder.SUFFIX]


def bound(monkeypatch, files):
    """Let so many files of the twenty images fit."""
    size = decoded_folder.size_of(20, SIDE)
    monkeypatch.setenv(decoded_folder.GIGABYTES, f"{(files * size + 10) / 1e9:.9f}")


def age(file, days):
    os.utime(file, (time.time() - days * 86_400,) * 2)


def added(kept_folder, shown, fingerprint):
    """Read images under a fingerprint; return the file that this adds, if it does."""
    before = set(kept_folder.iterdir()) if kept_folder.exists() else set()
    assert same(read(shown, fingerprint=fingerprint), shown)
    new = set(kept_folder.iterdir()) - before
    assert len(new) <= 1
    return new.pop() if new else None


def test_what_was_used_longest_ago_makes_room(shown, kept_folder, monkeypatch):
    bound(monkeypatch, 3)
    a, b, c = (added(kept_folder, shown, name) for name in "abc")
    for days, file in ((4, a), (5, b), (6, c)):
        age(file, days)
    read(shown, fingerprint="c")
    d = added(kept_folder, shown, "d")
    assert set(kept_folder.iterdir()) == {a, c, d}
    e = added(kept_folder, shown, "e")
    assert set(kept_folder.iterdir()) == {c, d, e}


def test_sets_that_do_not_fit_together_do_not_push_each_other_out(shown, kept_folder, monkeypatch, capfd):
    bound(monkeypatch, 2)
    a, b = added(kept_folder, shown, "a"), added(kept_folder, shown, "b")
    assert added(kept_folder, shown, "c") is None
    assert set(kept_folder.iterdir()) == {a, b}
    assert "used within a day, leave no room for it" in capfd.readouterr().err


def test_nothing_goes_for_a_set_that_does_not_fit_even_then(shown, kept_folder, monkeypatch):
    bound(monkeypatch, 2)
    a, b = added(kept_folder, shown, "a"), added(kept_folder, shown, "b")
    age(a, 3)
    root = shown[0].parent
    Image.fromarray(np.zeros((40, 40, 3), dtype=np.uint8)).save(root / "20.png")
    assert added(kept_folder, sorted(root.glob("*.png")), "c") is None  # by one image larger than what would go
    assert set(kept_folder.iterdir()) == {a, b}


def test_a_set_larger_than_the_bound_is_not_kept(shown, kept_folder, monkeypatch, capfd):
    bound(monkeypatch, 0.9)
    assert same(read(shown), shown)
    assert not kept_folder.exists() or not list(kept_folder.iterdir())
    assert "of which the bound allows" in capfd.readouterr().err


def test_a_lower_bound_holds_at_the_next_evaluation(shown, kept_folder, monkeypatch):
    a, b, c = (added(kept_folder, shown, name) for name in "abc")
    for days, file in ((0.1, a), (0.3, b), (0.2, c)):
        age(file, days)
    bound(monkeypatch, 2)
    with decoded.kept({}):
        assert set(kept_folder.iterdir()) == {a, c}
    bound(monkeypatch, 1)
    with decoded.kept({}):
        assert set(kept_folder.iterdir()) == {a}


def test_files_on_their_way_count(shown, kept_folder, monkeypatch):
    bound(monkeypatch, 2)
    a = added(kept_folder, shown, "a")
    age(a, 3)
    with decoded.kept({shown[0].parent: "b"}):
        reader = decoded.reader(shown, SQUARE)
        assert added(kept_folder, shown, "c").suffix == decoded_folder.SUFFIX
        assert not a.exists()
        for i in range(20):
            reader(i)
    assert len(list(kept_folder.iterdir())) == 2


def test_what_others_have_begun_counts_before_it_is_written(shown, kept_folder, monkeypatch, capfd):
    class Usage:
        free = 3 * 2**30

    monkeypatch.setattr(decoded_folder.shutil, "disk_usage", lambda _: Usage)
    monkeypatch.setenv(decoded_folder.GIGABYTES, "20")
    kept_folder.mkdir(parents=True, exist_ok=True)
    other = (kept_folder / "other").with_suffix(decoded_folder._PART)
    file = locks.open_file(other)
    assert locks.take(file, other)
    os.truncate(other, 2**31)
    assert same(read(shown), shown)
    assert "the disk is nearly full" in capfd.readouterr().err
    os.truncate(other, 0)
    assert same(read(shown), shown)
    os.close(file)
    assert len(list(kept_folder.glob(f"*{decoded_folder.SUFFIX}"))) == 1


def test_a_nearly_full_disk_is_left_to_results(shown, kept_folder, monkeypatch, capfd):
    class Usage:
        free = 2**30

    monkeypatch.setattr(decoded_folder.shutil, "disk_usage", lambda _: Usage)
    assert same(read(shown), shown)
    assert "the disk is nearly full" in capfd.readouterr().err
    assert not list(kept_folder.iterdir())
