"""One process at a time, also where the file system has no locks, and whatever lies where the lock file should."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tradeoffs.acquisition.storage import exclusive
from tradeoffs.step import locks, processes
from tradeoffs.step.errors import InputError

PACKAGE = Path(locks.__file__).parents[2]
NO_LOCKS = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP]
WITHOUT_FLOCK = """
import fcntl, os, sys
def flock(*_): raise OSError(int(sys.argv[2]), os.strerror(int(sys.argv[2])))
if sys.argv[2] != "0": fcntl.flock = flock
"""
HOLDER = (
    WITHOUT_FLOCK
    + """
import time
from pathlib import Path
from tradeoffs.step import locks
path = Path(sys.argv[1])
print(locks.take(locks.open_file(path), path), flush=True)
time.sleep(600)
"""
)
# Many rounds: nobody else is inside, or the file that says so would be there.
ROUNDS = (
    WITHOUT_FLOCK
    + """
from pathlib import Path
from tradeoffs.step import locks
path, inside = Path(sys.argv[1]), Path(sys.argv[1] + ".inside")
done = 0
while done < 100:
    file = locks.open_file(path)
    if not locks.take(file, path):
        os.close(file)
        continue
    os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
    inside.unlink()
    locks.release(file, path)
    done += 1
"""
)


def started(code, path, number):
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(number)],
        env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def without_flock(monkeypatch):
    """Return a function that takes flock away from this process."""

    def take_away(number):
        def flock(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", flock)
        monkeypatch.setattr(locks, "_told", set())

    return take_away


def taken(path):
    file = locks.open_file(path)
    if locks.take(file, path):
        return file
    os.close(file)
    return None


@pytest.mark.parametrize("number", [0, *NO_LOCKS])
def test_a_lock_is_held_by_one_until_it_is_killed(tmp_path, without_flock, number):
    path = tmp_path / "lock"
    if number:
        without_flock(number)
    holder = started(HOLDER, path, number)
    assert holder.stdout.readline() == "True\n"
    assert taken(path) is None
    holder.send_signal(signal.SIGKILL)
    _, said = holder.communicate()
    assert said.count("has no locks") == (number != 0)
    file = taken(path)
    assert file is not None
    locks.release(file, path)
    assert [left.name for left in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("number", [0, errno.ENOSYS])
def test_two_are_never_inside(tmp_path, number):
    path = tmp_path / "lock"
    if number:
        killed = started(HOLDER, path, number)  # what it leaves is found by all at once
        killed.stdout.readline()
        killed.kill()
        killed.communicate()
    crowd = [started(ROUNDS, path, number) for _ in range(4)]
    for process in crowd:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said


def holder_of(path, monkeypatch, **other):
    """Take the lock as another machine, boot or container would, and let go of the file only."""
    with monkeypatch.context() as patch:
        for name, value in other.items():
            patch.setattr(locks, name, lambda *_, value=value: value)
        os.close(taken(path))


def test_a_holder_on_another_machine_is_believed_and_named_once(tmp_path, without_flock, monkeypatch, capsys):
    without_flock(errno.ENOSYS)
    holder_of(tmp_path / "lock", monkeypatch, _machine="far/0123")
    capsys.readouterr()
    assert taken(tmp_path / "lock") is None
    assert taken(tmp_path / "lock") is None
    said = capsys.readouterr().err
    assert said.count(f"held by process {os.getpid()} of far, which cannot be seen from here") == 1
    assert str(tmp_path / "lock.holder") in said


def test_a_holder_in_another_container_is_believed(tmp_path, without_flock, monkeypatch):
    without_flock(errno.ENOSYS)
    holder_of(tmp_path / "lock", monkeypatch, _space="pid:[1]")
    assert taken(tmp_path / "lock") is None


def test_a_holder_before_a_power_cut_is_gone(tmp_path, without_flock, monkeypatch):
    without_flock(errno.ENOSYS)
    with monkeypatch.context() as patch:
        real = locks._text
        patch.setattr(locks, "_text", lambda path: "another" if "boot_id" in path else real(path))
        os.close(taken(tmp_path / "lock"))
    assert taken(tmp_path / "lock") is not None


@pytest.mark.parametrize("target", ["config.yaml", "a b c d e"])
def test_a_link_that_no_lock_left_is_named(tmp_path, without_flock, target):
    without_flock(errno.ENOSYS)
    (tmp_path / "lock.holder").symlink_to(target)
    with pytest.raises(InputError, match=r"lock\.holder: is not what a lock leaves"):
        taken(tmp_path / "lock")


def test_other_errors_of_the_file_system_are_told_as_they_are(tmp_path, without_flock):
    without_flock(errno.EIO)
    with (
        pytest.raises(InputError, match="big: Input/output error"),
        exclusive(tmp_path / "big"),
    ):
        pytest.fail("went on without the lock")


def test_a_big_file_is_made_by_one_at_a_time_without_flock(tmp_path, without_flock):
    without_flock(errno.ENOLCK)
    target = tmp_path / "big"
    with exclusive(target):
        assert taken(tmp_path / ".big.lock") is None
    assert taken(tmp_path / ".big.lock") is not None


def bound(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


OBSTACLES = {
    "a FIFO": os.mkfifo,
    "a folder": Path.mkdir,
    "a socket": bound,
    "a link": lambda path: path.symlink_to("precious"),
    "a link ": lambda path: path.symlink_to("nowhere"),
    "a link  ": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("kind", OBSTACLES)
def test_what_lies_in_the_way_is_named_at_once(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    (tmp_path / "precious").write_text("precious")
    OBSTACLES[kind](Path("lock"))
    with pytest.raises(InputError, match=f"^lock: is {kind.strip()} of user .* remove it, or ask its owner to$"):
        locks.open_file(Path("lock"))
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_file_of_another_user_is_locked_where_it_can_be_read_and_named_where_not(tmp_path, mode):
    for folder in [tmp_path, *list(tmp_path.parents)[:3]]:
        folder.chmod(folder.stat().st_mode | 0o755)
    (tmp_path / "lock").touch()
    (tmp_path / "lock").chmod(mode)
    code = HOLDER.replace("path =", "os.setuid(12345)\npath =").replace("time.sleep(600)", "")
    process = started(code, tmp_path / "lock", 0)
    out, said = process.communicate(timeout=60)
    if mode:
        assert out == "True\n"
    else:
        assert "lock: is a file of user root that cannot be locked (Permission denied)" in said


@pytest.mark.parametrize("place", ["missing/lock", "file/lock"])
def test_a_folder_that_cannot_hold_a_lock_is_named(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot make a lock file there"):
        locks.open_file(tmp_path / place)


def test_a_process_is_told_from_a_later_one_of_its_number():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    marked = processes.mark(child.pid)
    assert processes.alive(marked)
    number, _, begun = marked.partition(":")
    if begun:
        assert not processes.alive(f"{number}:{int(begun) - 1}")
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not processes.alive(marked) or not begun  # has ended, and is not waited for yet
    child.communicate()
    assert not processes.alive(marked)


@pytest.mark.parametrize("nonsense", ["", ":", "0:1", "-1:2", "x:1", "99999999999999999999:", "²:1"])
def test_what_is_no_mark_is_no_process(nonsense):
    assert not processes.alive(nonsense)
