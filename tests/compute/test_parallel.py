"""Threads that work ahead."""

import queue
import threading

from tradeoffs.compute.parallel import in_order


def test_an_abandoned_pass_may_be_closed_in_its_own_thread():
    """As the garbage collector does, whichever thread it happens to run in."""
    abandoned, outcome = threading.Event(), queue.SimpleQueue()

    def work(item):
        if item == 1:
            abandoned.wait(60)
            try:
                passes.close()
            except RuntimeError as error:
                outcome.put(error)
            else:
                outcome.put(None)

    passes = in_order(work, range(9), workers=1, ahead=1)
    next(passes).result()
    abandoned.set()
    assert outcome.get(timeout=60) is None


def test_what_has_not_begun_is_dropped_with_the_pass():
    begun, may_go_on, done = threading.Event(), threading.Event(), []

    def work(item):
        begun.set()
        may_go_on.wait(60)
        done.append((item, threading.current_thread()))

    passes = in_order(work, range(9), workers=1, ahead=5)
    first = next(passes)
    assert begun.wait(60)
    passes.close()
    may_go_on.set()
    first.result(60)
    done[0][1].join(60)
    assert [item for item, _ in done] == [0]
