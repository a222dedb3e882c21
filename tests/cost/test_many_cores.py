"""The simulation of many cores: known schedules, and bounds that no schedule breaks."""

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project_root import ROOT

SPEC = importlib.util.spec_from_file_location("cores", ROOT / "performance/cores.py")
cores = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(cores)
Job = cores.Job


def wall(listed, number, overhead=0.0, start=0.0, dispatch=0.0):
    return cores.simulate(listed, number, overhead, start, dispatch).wall


def test_jobs_wait_for_what_they_need_and_the_first_of_priority_goes_first():
    listed = {"data": Job(1, ()), "short": Job(2, ("data",), 1), "train long": Job(5, ("data",), 2)}
    listed["table"] = Job(1, ("short", "train long"))
    assert [wall(listed, number) for number in (1, 2, 9)] == [9, 7, 7]
    assert cores.simulate(listed, 1, 0, 0, 0).trained == 6
    assert cores.longest_chain(listed, 0.5) == (8.5, ["data", "train long", "table"])
    assert wall(listed, 2, overhead=0.5, start=10) == 18.5


def test_one_process_begins_one_job_after_the_other():
    listed = {str(number): Job(1, ()) for number in range(10)}
    assert wall(listed, 10) == 1
    assert wall(listed, 10, dispatch=0.5) == pytest.approx(9 * 0.5 + 1)


@given(
    st.lists(st.tuples(st.floats(0.1, 50), st.sets(st.integers(0, 11)), st.integers(0, 3)), min_size=1, max_size=12),
    st.integers(1, 6),
)
def test_no_schedule_is_faster_than_its_work_or_its_chain_nor_slower_than_one_core(drawn, number):
    listed = {
        str(i): Job(seconds, tuple(str(j) for j in after if j < i), priority)
        for i, (seconds, after, priority) in enumerate(drawn)
    }
    work = sum(job.seconds for job in listed.values())
    chain, _ = cores.longest_chain(listed, 0.0)
    taken = wall(listed, number)
    assert max(chain, work / number) <= taken + 1e-6
    assert taken <= wall(listed, 1) + 1e-6
    assert wall(listed, 1) == pytest.approx(work)
