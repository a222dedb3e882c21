"""The solver's linear algebra is on one thread, and what the process had is put back."""

import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from tradeoffs.theory import minimise, model, risk, samples, threshold
from tradeoffs.theory.model import block_model, gaussian_model
from tradeoffs.theory.one_thread import on_one_thread

BLAS = ThreadpoolController().select(user_api="blas")
ALLOWED = 2


def threads() -> set[int]:
    return {library["num_threads"] for library in BLAS.info()}


def allow(number) -> None:
    """Set the number, or what ``BLAS.info()`` was, by a thread that ends: one that lives would keep it from others."""
    setter = threading.Thread(target=lambda: BLAS.limit(limits=number))
    setter.start()
    setter.join()


@pytest.fixture(autouse=True)
def two_threads_are_allowed():
    before = BLAS.info()
    allow(ALLOWED)
    if threads() != {ALLOWED}:
        pytest.skip("a BLAS of one thread")
    yield
    after = threads()
    allow(before)
    assert after == {ALLOWED}


@contextmanager
def threads_at_entry(function, seen):
    """Note the number of threads whenever the body of a function begins."""
    body = function.__wrapped__.__code__

    def watch(frame, event, _):
        if event == "call" and frame.f_code is body:
            seen.append(threads())

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)


MODEL = block_model(4, 2.0, 0.7, 0.5)
X, Y = samples.draw(MODEL, 60, np.random.default_rng(0))
CALLS = {
    minimise.minimise: lambda: minimise.minimise(MODEL, 2, [0.1]),
    model.gaussian_model: lambda: gaussian_model(MODEL.covariance, MODEL.theta, 0.5),
    risk.residual_scale: lambda: risk.residual_scale(MODEL.theta, MODEL.covariance, MODEL.theta, 0.5),
    threshold.scale_threshold: lambda: threshold.scale_threshold(MODEL),
    threshold.relies: lambda: threshold.relies(MODEL),
    threshold.searched_threshold: lambda: threshold.searched_threshold(MODEL),
    samples.sample_minimiser: lambda: samples.sample_minimiser(X, Y, 2, 0.1),
}


@pytest.mark.parametrize("function", CALLS, ids=lambda function: function.__name__)
def test_solvers_run_on_one_thread_and_give_back_what_was_allowed(function):
    seen: list[set[int]] = []
    with threads_at_entry(function, seen):
        CALLS[function]()
    assert seen == [{1}]


def test_nested_calls_and_failures_leave_the_number_alone():
    @on_one_thread()
    def inner():
        assert threads() == {1}
        raise ArithmeticError

    @on_one_thread()
    def outer():
        with pytest.raises(ArithmeticError):
            inner()
        assert threads() == {1}

    outer()
    assert threads() == {ALLOWED}


def test_threads_of_python_take_turns_and_the_number_is_put_back():
    first_is_in, second_has_come = threading.Event(), threading.Event()
    seen = []

    @on_one_thread()
    def first():
        first_is_in.set()
        assert second_has_come.wait(20)
        seen.append(("first", threads()))

    @on_one_thread()
    def second():
        seen.append(("second", threads()))

    def come():
        second_has_come.set()
        second()

    workers = [threading.Thread(target=first), threading.Thread(target=come)]
    workers[0].start()
    assert first_is_in.wait(20)
    workers[1].start()
    for worker in workers:
        worker.join(20)
    assert seen == [("first", {1}), ("second", {1})]
    assert threads() == {ALLOWED}
