"""A user's mistake is one clear line, never a traceback."""

import sys
from collections.abc import Callable


class InputError(Exception):
    """Bad input. The message names the file or key, the value, what was expected and what to do, on one line."""


def exit_code(main: Callable[[], None]) -> int:
    """Run a command's ``main``; return 0, or 2 after printing an :class:`InputError` as one line on stderr.

    Ctrl-C is no error: 130, and a word.
    """
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0
