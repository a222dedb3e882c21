"""``python -m tradeoffs VERB ...``, which is also the console script ``tradeoffs``."""

import signal
import sys

# While modules are imported there is nothing to put away: Ctrl-C ends this without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from tradeoffs.runner import fork_server


def main() -> int:
    """Run one command, forked from the warm process where there is one."""
    return fork_server.main(["tradeoffs.runner.commands", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
