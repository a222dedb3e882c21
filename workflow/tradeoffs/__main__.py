"""``python -m tradeoffs VERB ...``, which is also the console script ``tradeoffs``."""

import sys

from tradeoffs.runner import fork_server


def main() -> int:
    """Run one command, forked from the warm process where there is one."""
    return fork_server.main(["tradeoffs.runner.commands", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
