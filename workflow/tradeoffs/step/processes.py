"""Whether a process that was met before is still there: its number alone says little, for numbers are used again."""

import os
from pathlib import Path

from tradeoffs.step.ranges import is_number


def mark(pid: int) -> str:
    """Return what tells process ``pid`` from a later one of the same number: '4711:298374', or '4711:' where unknown.

    The second part is the time of its start in clock ticks since boot (proc_pid_stat(5), field 22); a process that has
    ended and that nobody has waited for counts as gone, like one that never was: '4711:'.
    """
    try:
        # The second field is the program's name in brackets, and may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return f"{pid}:"
    return f"{pid}:" if fields[0] in "ZX" else f"{pid}:{fields[19]}"


def alive(marked: str) -> bool:
    """Whether the process of which :func:`mark` said ``marked`` is there; what is no such mark is not."""
    number, _, started = marked.partition(":")
    if not is_number(number) or int(number) == 0:
        return False
    if started:
        return mark(int(number)) == marked or (_hidden(int(number)) and _exists(int(number)))
    return _exists(int(number))


def _hidden(pid: int) -> bool:
    """Whether this system does not show the process (no /proc, or mounted so that others' processes are hidden)."""
    return not Path(f"/proc/{pid}").exists()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
