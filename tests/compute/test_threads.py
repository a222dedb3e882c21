"""Steps compute with the threads that they are granted."""

import os
import subprocess
import sys

from project_root import ROOT


def test_a_forked_step_takes_the_threads_it_is_granted_for_linear_algebra_too():
    """A warm process has loaded its BLAS with one thread, before any step was known."""
    code = (
        "import os, numpy, scipy.linalg, torch, threadpoolctl\n"
        "from tradeoffs.compute.device import take_threads\n"
        "process = os.fork()\n"
        "if process:\n"
        "    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))\n"
        "os.environ['OMP_NUM_THREADS'] = '2'\n"
        "take_threads()\n"
        "print({each['num_threads'] for each in threadpoolctl.threadpool_info()}, torch.get_num_threads())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "{2} 2\n", done.stderr


def test_a_variable_of_the_blas_does_not_overrule_the_threads_that_are_granted():
    code = (
        "import numpy, scipy.linalg, torch, threadpoolctl\n"
        "from tradeoffs.compute.device import take_threads\n"
        "take_threads()\n"
        "print({each['num_threads'] for each in threadpoolctl.threadpool_info()}, torch.get_num_threads())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}
    environment |= {"OPENBLAS_NUM_THREADS": "2", "GOTO_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "{1} 1\n", done.stderr
