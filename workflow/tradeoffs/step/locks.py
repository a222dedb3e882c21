"""One process at a time: a lock on an open file, which the kernel frees however its holder dies.

Some network file systems have no such locks (Lustre mounted without flock, NFS without its lock daemon). There a
symbolic link beside the file stands in: making one is atomic everywhere, and it names its holder, so that whoever comes
next removes the link of a process that is gone.
"""

import errno
import fcntl
import os
import platform
import pwd
import stat
import sys
from contextlib import suppress
from pathlib import Path

from tradeoffs.step import processes
from tradeoffs.step.errors import InputError

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_told: set[str] = set()


def open_file(path: Path) -> int:
    """Open a lock file, made by whoever comes first and readable by all; return its descriptor.

    A file that exists is opened without O_CREAT, which Linux refuses in /tmp for files of other users; links are not
    followed, and nothing is waited for (a FIFO). Lock files are never removed: a file that another process is about to
    lock would be another file. Raises InputError where something else is in the way, or the file cannot be opened.
    """
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        for _ in range(10):
            # NFS locks only what is open for writing; others' files are often open for reading only.
            for access in (os.O_RDWR, os.O_RDONLY):
                with suppress(PermissionError, FileNotFoundError):
                    return _regular(os.open(path, flags | access), path)
            with suppress(FileExistsError):
                file = os.open(path, flags | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
                os.fchmod(file, 0o644)  # whatever the umask says
                return file
            os.close(os.open(path, flags | os.O_RDONLY))  # there, and cannot be opened: says why
    except OSError as error:
        raise InputError(_obstacle(path, error.strerror or str(error))) from None
    raise InputError(_obstacle(path, "it comes and goes"))


def _regular(file: int, path: Path) -> int:
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise InputError(_obstacle(path, "not a file"))


def _obstacle(path: Path, reason: str) -> str:
    """One line on why ``path`` cannot be a lock file, and what to do."""
    try:
        found = path.lstat()
    except OSError:
        return f"{path}: cannot make a lock file there ({reason}); correct that and run again"
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), "a file")
    try:
        owner = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        owner = str(found.st_uid)
    return f"{path}: is {kind} of user {owner} that cannot be locked ({reason}); remove it, or ask its owner to"


def take(file: int, path: Path) -> bool:
    """Lock the open ``file`` at ``path`` for this process; return False where another has it. Never waits.

    The lock ends with :func:`release` or the process. Says so once on stderr where the file system has no locks.
    Raises InputError where it is in the hands of a process that is gone and may not be taken out of them.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        _tell(
            f"{path.parent}: this file system has no locks ({error.strerror}); "
            "links that name their holder stand in for them"
        )
        return _take_link(_link(path))
    return True


def release(file: int, path: Path) -> None:
    """Give the lock back and close ``file``."""
    with suppress(OSError):
        if _target(_link(path)) == _me():
            _link(path).unlink()
    os.close(file)


def _link(path: Path) -> Path:
    return path.with_name(f"{path.name}.holder")


def _take_link(link: Path) -> bool:
    for _ in range(3):
        try:
            link.symlink_to(_me())
        except FileExistsError:
            pass
        else:
            return True
        try:
            holder = _target(link)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError(_obstacle(link, error.strerror or str(error))) from None
        if not _is_gone(holder, link):
            return False
        _remove(link, holder)
    return False


def _target(link: Path) -> str:
    return str(link.readlink())


def _me() -> str:
    """Name this process, on this machine, since this boot, as this container numbers its processes."""
    return " ".join([_machine(), _text("/proc/sys/kernel/random/boot_id"), _space(), processes.mark(os.getpid())])


def _is_gone(holder: str, link: Path) -> bool:
    """Whether a holder is known to be gone: this machine has been started anew, or has no such process any more."""
    parts = holder.split(" ")
    if len(parts) != 4:
        raise InputError(f"{link}: is not what a lock leaves ({holder[:80]!r}); remove it")
    machine, boot, space, process = parts
    if machine == _machine() and boot != _text("/proc/sys/kernel/random/boot_id"):
        return True
    if (machine, space) == (_machine(), _space()):
        return not processes.alive(process)
    _tell(
        f"{link}: held by process {process.partition(':')[0]} of {machine.partition('/')[0]}, which cannot be seen "
        "from here; if that is not at work any more, remove this link"
    )
    return False


def _remove(link: Path, holder: str) -> None:
    """Remove the link of a holder that is gone, one process at a time: a second might remove the first one's."""
    entitled = link.with_name(f"{link.name}.removal")
    try:
        entitled.symlink_to(_me())
    except FileExistsError:
        with suppress(FileNotFoundError):
            if _is_gone(_target(entitled), entitled):
                entitled.unlink()
        return
    try:
        if _target(link) == holder:
            link.unlink()
    except FileNotFoundError:
        pass
    except PermissionError:
        raise InputError(_obstacle(link, "its process is gone")) from None
    finally:
        entitled.unlink()


def _machine() -> str:
    return f"{platform.node()}/{_text('/etc/machine-id')}".replace(" ", "_")


def _space() -> str:
    """Which numbering of processes is in force here; a container may have its own."""
    with suppress(OSError):
        return _target(Path("/proc/self/ns/pid"))
    return "-"


def _text(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text().strip() or "-"
    return "-"


def _tell(message: str) -> None:
    """Say it once in this process."""
    if message not in _told:
        _told.add(message)
        print(message, file=sys.stderr, flush=True)
