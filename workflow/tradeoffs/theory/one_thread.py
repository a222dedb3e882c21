"""Linear algebra of the theory on one thread, whatever number its process is allowed.

A solution is hundreds of products of small matrices, each of which takes microseconds. Threads of the BLAS that share
such a product wait for each other, and where another program is on one's core they wait for milliseconds.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import get_cached_controller

_turn = threading.RLock()
_limited = False


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Decorate a function that does linear algebra, ``@on_one_thread()``; such functions may call each other.

    The number of threads belongs to the whole process and is put back afterwards. Threads of Python therefore take
    turns: where two of them limit it at once, the one that ends last would put back what the other had set.
    """
    global _limited
    with _turn:
        if _limited:  # further out, by this thread: setting it again would cost 10 us
            yield
            return
        with get_cached_controller().limit(limits=1, user_api="blas"):
            _limited = True
            try:
                yield
            finally:
                _limited = False
