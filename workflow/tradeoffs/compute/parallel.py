"""Work on many items in threads and get the results in order, holding only a few at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of ``workers`` threads; at the end, what has not begun is dropped and nothing is waited for.

    A generator that holds one may be abandoned, and is then closed by the garbage collector: in any thread, one of the
    pool's included, and whatever locks that holds.
    """
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
