"""What a step that failed said last, where the person who runs the workflow reads it, and not in its log alone.

Snakemake shows the logs of failed jobs only together with the description of every job (``quiet: rules`` hides both).
"""

import os
from pathlib import Path

STREAM = "TRADEOFFS_SPEAKS"  # the number of the descriptor of the workflow's own output
LINES = 20


def repeat() -> None:
    """Write the end of this process's log, the file that its errors go to, to the workflow's output, if it has both."""
    try:
        stream = int(os.environ.get(STREAM, ""))
        log = Path("/proc/self/fd/2").readlink()
        if log.is_file():
            lines = log.read_text(errors="replace").replace("\r", "\n").splitlines()
            shown = Path(os.path.relpath(log))
            os.write(stream, "\n".join([f"{shown} ends with", *lines[-LINES:], ""]).encode())
    except (ValueError, OSError):  # not started by the workflow, or no system with /proc
        return
