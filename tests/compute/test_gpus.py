"""A GPU that is there is used or complained about; one that is not wanted is neither."""

import re
from types import SimpleNamespace

import pytest
import torch

from tradeoffs.compute import device, gpus
from tradeoffs.compute.batching import halved
from tradeoffs.compute.memory import is_out_of_memory, or_say
from tradeoffs.runner import hooks
from tradeoffs.step.errors import InputError

WHOLE = "GPU 0: NVIDIA H100 (UUID: GPU-1111)\nGPU 1: NVIDIA H100 (UUID: GPU-2222)\n"
PARTED = (
    "GPU 0: NVIDIA A100 (UUID: GPU-1111)\n"
    "  MIG 3g.20gb     Device  0: (UUID: MIG-3333)\n"
    "  MIG 3g.20gb     Device  1: (UUID: MIG-4444)\n"
)
VARIABLES = ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE", "SLURM_GPUS")


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    """No GPU, no nvidia-smi, no scheduler; torch built for a CUDA and without a GPU."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setattr(gpus, "_DRIVER", tmp_path / "none")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.2")


@pytest.fixture
def smi(tmp_path):
    """Return a function that puts a nvidia-smi on the PATH, which lists what it is told."""

    def put(listed, driver="470.82.01", code=0):
        path = tmp_path / "bin/nvidia-smi"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ncase $1 in -L) printf '%s' '{listed}';; *) echo '{driver}';; esac\nexit {code}\n")
        path.chmod(0o755)

    return put


def refused():
    with pytest.raises(InputError) as raised:
        device.choose_device()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_without_any_sign_of_a_gpu_the_cpu_is_used():
    assert device.choose_device() == torch.device("cpu")
    assert hooks.count_gpus() == 0


def test_a_gpu_that_the_driver_is_too_old_for_is_named_with_the_cure(smi):
    smi(WHOLE)
    assert hooks.count_gpus() == 2
    said = refused()
    assert "nvidia-smi lists GPU 0: NVIDIA H100" in said
    assert re.search(r"built for CUDA 13\.2.* driver is 470\.82\.01: install", said)
    assert "CUDA_VISIBLE_DEVICES= (empty)" in said


def test_a_build_of_torch_without_cuda_beside_a_gpu_is_said(smi, monkeypatch):
    smi(WHOLE)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert re.search("is built without CUDA; install a build with CUDA", refused())


def test_the_driver_is_read_from_the_kernel_where_nvidia_smi_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "driver is not to be found" in refused()
    (tmp_path / "none").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.82.01  Wed Oct 27\n")
    assert "driver is 470.82.01" in refused()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CUDA_VISIBLE_DEVICES", "0"),
        ("CUDA_VISIBLE_DEVICES", "GPU-1111"),
        ("CUDA_VISIBLE_DEVICES", "MIG-3333"),
        ("SLURM_JOB_GPUS", "0"),
        ("SLURM_STEP_GPUS", "2,3"),
        ("SLURM_GPUS_ON_NODE", "1"),
        ("SLURM_GPUS", "a100:2"),
    ],
)
def test_a_gpu_that_was_granted_is_one_that_is_there(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    assert value in refused()


@pytest.mark.parametrize("variable", VARIABLES[3:])
def test_a_grant_of_none_is_none(monkeypatch, variable):
    monkeypatch.setenv(variable, "0")
    assert device.choose_device() == torch.device("cpu")


@pytest.mark.parametrize("value", ["", "-1", "NoDevFiles", "-1,0"])
def test_no_gpu_is_missed_where_none_is_wanted(smi, monkeypatch, value):
    smi(WHOLE)
    monkeypatch.setenv("SLURM_JOB_GPUS", "0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert device.choose_device() == torch.device("cpu")
    assert hooks.count_gpus() == 0


@pytest.mark.parametrize("said", ["", "NVIDIA-SMI has failed because it couldn t communicate with the NVIDIA driver."])
def test_a_nvidia_smi_that_finds_nothing_is_no_gpu(smi, said):
    smi(said, code=9)
    assert device.choose_device() == torch.device("cpu")
    assert hooks.count_gpus() == 0


def test_a_driver_that_was_exchanged_under_a_running_kernel_is_said(smi):
    smi("Failed to initialize NVML: Driver/library version mismatch", code=18)
    assert "restart the machine" in refused()


@pytest.mark.parametrize(("visible", "count"), [("0,1", 2), ("0,-1,1", 1), ("GPU-1,GPU-2", 2), ("MIG-1,MIG-2", 1)])
def test_what_cuda_opens_is_counted(monkeypatch, visible, count):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert hooks.count_gpus() == count


def test_of_mig_instances_cuda_opens_one_and_it_is_said(smi):
    smi(PARTED)
    assert hooks.count_gpus() == 1
    assert gpus.remark() == (
        "2 MIG instances, of which CUDA opens one per process: one job at a time; name another one in "
        "CUDA_VISIBLE_DEVICES for a second run"
    )
    smi(WHOLE)
    assert gpus.remark() is None


def workflow(gpu, cores=8, nodes=None, *, main=True):
    limits = {"gpu": SimpleNamespace(value=gpu), "_cores": SimpleNamespace(value=cores)}
    settings = SimpleNamespace(nodes=nodes)
    return SimpleNamespace(resource_settings=settings, global_resources=limits, is_main_process=main)


@pytest.mark.parametrize(
    ("gpu", "per_job", "cores", "expected"),
    [(0, 1, 8, 8), (1, 1, 8, 8), (2, 1, 8, 4), (8, 1, 8, 1), (16, 1, 8, 1), (2, 1, 64, 8), (4, 2, 8, 4), (0, 1, 4, 4)],
)
def test_cores_are_shared_among_the_jobs_that_gpus_allow(gpu, per_job, cores, expected):
    assert hooks.cores(workflow(gpu, cores), 8, per_job) == expected


def test_on_a_cluster_and_without_jobs_a_step_asks_for_what_it_needs():
    assert hooks.cores(workflow(2, nodes=100), 8) == 8
    assert hooks.cores(workflow(2, cores=None), 8) == 8


@pytest.mark.parametrize(
    ("place", "gpus", "expected"),
    [({}, "0", 1), ({}, "0,1", 2), ({}, "0,1,2", 2), ({}, "", 1), ({"nodes": 9}, "", 2), ({"main": False}, "0", 2)],
)
def test_a_model_is_trained_on_no_more_gpus_than_there_are_however_many_jobs_share_them(
    monkeypatch, place, gpus, expected
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    assert hooks.gpus_per_training(workflow(2, **place), {"gpus_per_training": 2}) == expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"gpu": 2}, 2),
        ({"gpu": 0}, 1),
        ({}, 1),
        ({"gpu": 0, "gres": "gpu:2"}, 2),
        ({"gpu": 0, "gres": "gpu:a100:2"}, 2),
    ],
)
def test_a_training_has_a_process_for_each_gpu_it_asks_for(resources, expected):
    assert hooks.training_processes(resources, 2) == expected


def test_gres_for_another_number_of_gpus_than_the_configs_is_refused():
    with pytest.raises(SystemExit, match=r'asks for 1 .* gpus_per_training is 2; write gres: "gpu:2"'):
        hooks.training_processes({"gpu": 0, "gres": "gpu"}, 2)


FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB"),
    torch.AcceleratorError("CUDA error: out of memory"),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
]


@pytest.mark.parametrize("error", FULL, ids=str)
def test_whoever_wanted_the_memory_it_is_out_of_memory(error):
    assert is_out_of_memory(error)
    with pytest.raises(InputError, match=r"^GPU out of memory with ten images$"), or_say("with ten images"):
        raise error


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: device-side assert triggered"), KeyError("out of memory")])
def test_what_is_something_else_stays_what_it_is(error):
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)), or_say("with ten images"):
        raise error


def test_a_batch_is_halved_down_to_one_image(capsys):
    assert halved(9) == 4
    assert "out of memory with 9 images" in capsys.readouterr().err
    with pytest.raises(InputError, match="a single image"):
        halved(1)
