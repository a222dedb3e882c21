"""Work on many items in threads and get the results in order, holding only a few at a time."""

import ctypes
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


# Of glibc's mallopt; the largest threshold that it takes for memory of its own from the system.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT, _ARENA = 2**30, 2**25


@cache
def keep_freed_memory() -> None:
    """Have this process keep what threads free, for the next image; where the C library is another than glibc, nothing.

    Otherwise each returns it to the system after every image and fetches it again, page by page, and they all wait for
    one lock: 16 threads decoded 1,000 photographs a second on 16 cores, and then 1,600 (a virtual machine with an Intel
    Xeon; processes of their own, which share no lock, 2,180), and two threads a tenth more than without.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _ARENA)
        library.mallopt(_TRIM_THRESHOLD, _KEPT)


@contextmanager
def threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of ``workers`` threads; at the end, what has not begun is dropped and nothing is waited for.

    A generator that holds one may be abandoned, and is then closed by the garbage collector: in any thread, one of the
    pool's included, and whatever locks that holds.
    """
    keep_freed_memory()
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, ahead: int
) -> Iterator[Future[Result]]:
    """Yield the finished call ``work(item)`` of each item, in order; ``workers`` threads stay ``ahead`` items in front.

    Futures, not results, so that the caller decides what an item's exception means to the others.
    """
    waiting: deque[Future[Result]] = deque()
    with threads(workers) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
