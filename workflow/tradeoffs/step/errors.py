"""A user's mistake, or the system's refusal, is one clear line, never a traceback."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

# What to do, by the system's reason; the reason itself is in its own words.
_CURES = {
    errno.EACCES: "give yourself the right to it (chmod, chown), or use another folder",
    errno.EPERM: "give yourself the right to it (chmod, chown), or use another folder",
    errno.EROFS: "work in a folder on a file system that can be written to",
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some of your quota and run again",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f) and run again",
    errno.EIO: "check the disk, or the connection to the file server, and run again",
    errno.ESTALE: "the file server lost it; run again, and ask its administrator if that does not help",
    errno.ELOOP: "its links lead in a circle; correct them",
    errno.ENAMETOOLONG: "give it a shorter name, or work in a folder with a shorter path",
    errno.EEXIST: "something else is in its place; move that, or correct the path",
    errno.ENOENT: "make it first, or correct the path (a link that leads nowhere?)",
    errno.ENOTDIR: "a file is where a folder should be; correct the path",
    errno.EISDIR: "a folder is where a file should be; correct the path",
    errno.ENXIO: "a socket or pipe is where a file should be; correct the path",
    errno.EMFILE: "raise the limit on open files (ulimit -n) and run again",
    errno.ENFILE: "the machine has too many files open; run again when it is less busy",
    errno.ENOMEM: "the machine is out of memory; run again when it is less busy",
}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_MEMORY = ("DefaultCPUAllocator: can't allocate memory", "failed to map segment from shared object")  # of torch


class InputError(Exception):
    """Bad input. The message names the file or key, the value, what was expected and what to do, on one line."""

    def __str__(self) -> str:
        """The message; what is named in it may hold line breaks, which are written out."""
        return super().__str__().replace("\n", "\\n").replace("\r", "\\r")


class RefusedError(InputError):
    """A file that the system does not let us read, or that is no file at all: nothing is known of its content."""


def refusal(error: OSError, what: object = None, hint: str | None = None) -> str:
    """Say in one line what the system refused and what to do: "file: reason; cure".

    ``what`` names the file where ``error`` does not, or what it was part of; ``hint`` adds what became of the work.
    """
    file = error.filename if isinstance(error.filename, str) else None
    named = " ".join(str(what if what is not None else file or "a file").split())
    reason = "the disk or quota is full" if error.errno in _FULL else (error.strerror or str(error) or "refused")
    where = f" ({file})" if file and what is not None and file not in str(what) else ""
    cure = _CURES.get(error.errno or 0, "correct that and run again")
    return " ".join(f"{named}: {reason}{where}; {cure}{f': {hint}' if hint else ''}".split())


@contextmanager
def ending() -> Iterator[None]:
    """End the program with one line for an :class:`InputError` or an OSError: for what the Snakefile calls."""
    try:
        yield
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {refusal(error)}")


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the system refuses within the block into InputError: for calls in Python, which have no exit."""
    try:
        yield
    except OSError as error:
        raise InputError(refusal(error)) from None


def say_an_interruption_in_a_word() -> None:
    """Show no traceback where Snakemake is interrupted while it plans: there it lets KeyboardInterrupt end it."""
    shown = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("interrupted", file=sys.stderr)
        else:
            shown(kind, error, where)

    sys.excepthook = show


def exit_code(main: Callable[[], None]) -> int:
    """Run a command's ``main``; return 0, or 2 after one line on stderr for an :class:`InputError` or an OSError.

    Ctrl-C is no error: 130, and a word. Nor is a reader that has seen enough (``| head``): 141, as a shell has it.
    """
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would say so once more when it ends
        return 128 + signal.SIGPIPE
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {refusal(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (MemoryError, ImportError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(sign in str(error) for sign in _NO_MEMORY):
            raise
        print(f"error: {refusal(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), 'this step')}", file=sys.stderr)
        return 2
    return 0
