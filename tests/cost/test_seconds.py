"""Seconds of a job: trainings have rates of their own, images of another size take as long as they have pixels."""

import pytest

from tradeoffs.benchmarks.work import attack
from tradeoffs.cost import hours, jobs, networks, study, throughput
from tradeoffs.cost.seconds import Machine, Rates, passing, seconds

TRAINED = ["study=imagenet", "imagenet={source: train, controls: [], budgets: {linf: [4], l2: []}}"]
MACHINE = Machine(0.0, 0.0, 0.0, {"train": 16, "evaluate": 8}, True, 1e12, 0.0, 224, 250)


def listed(*more):
    """The jobs of a study that trains, and its config."""
    found = study.read([], [*TRAINED, *more], complete=True)
    return found.config, jobs.listed(found.config, found.models.values()).jobs


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_trainings_attack_at_their_own_rate_and_evaluations_at_theirs():
    _, found = listed()
    for job in found:
        evaluated, trained = passing(job, Rates(0, 1, 0, 0, 0)), passing(job, Rates(0, 0, 0, 0, 1))
        gradients = job.estimate.expected.gradients
        expected = (0, gradients) if job.rule == "train" else (gradients, 0)
        assert (evaluated, trained) == pytest.approx(expected)
    assert {job.rule for job in found} == {"train", "evaluate"}


def test_of_images_that_leave_an_attack_every_call_counts_however_few_are_left():
    _, found = listed()
    alone = MACHINE._replace(beside=False, together=100)
    rates, free = Rates(0, 0, 0.01, 0, 0), Rates(0, 0, 0, 0, 0)
    for job in found:
        more = seconds(job, rates, alone, 0) - seconds(job, free, alone, 0)
        leaving = 0.01 * job.estimate.expected.gradients / (100 * attack.STANDING)
        assert more == pytest.approx(leaving if job.part == "adversarial" else 0)
        two = job._replace(estimate=job.estimate._replace(units=2))
        more = seconds(two, rates, alone, 0) - seconds(two, free, alone, 0)  # there is no call without an image
        assert more == pytest.approx(0.01 * job.estimate.expected.gradients if job.part == "adversarial" else 0)
    assert "adversarial" in {job.part for job in found}


def test_rates_on_a_gpu_are_in_the_proportions_that_were_measured_on_one():
    found = throughput.on_a_gpu(3270, "auto")
    assert found == throughput.on_a_gpu(3270, "bfloat16")
    assert 1 / found.gradient == pytest.approx(1310)
    assert 1 / found.attack == pytest.approx(5810)
    assert 1 / (3 * found.attack + found.update) == pytest.approx(1260)  # a training step of 3 attack steps
    wide = throughput.on_a_gpu(3270, "float32")
    assert (1 / wide.attack, wide.update / wide.attack) == pytest.approx((1120, found.update / found.attack))
    half = throughput.on_a_gpu(1635, "auto")
    halves = (half.forward, half.gradient, half.update, half.attack)
    assert halves == pytest.approx([2 * value for value in (found.forward, found.gradient, found.update, found.attack)])


def test_a_training_on_a_gpu_takes_what_its_steps_take():
    config, found = listed()
    known = hours.measured(config, found, {"resnet50": 3270})
    job = next(job for job in found if job.model.id == "resnet50_linf_eps4" and job.rule == "train")
    steps = 90 * 1_281_167 / 1260
    assert known.seconds[id(job)] == pytest.approx(steps, rel=0.02)  # and what is measured between epochs


@pytest.mark.parametrize(
    ("said", "rule", "factor"),
    [
        ("imagenet={training: {image_size: 112}}", "train", 0.25),
        ("imagenet={benchmarks: {imagenet: {resize: 512, crop: 448}}}", "evaluate", 4),
        ("imagenet={benchmarks: {rival10: {size: 112}}}", "evaluate", 0.25),
    ],
)
def test_passes_take_as_long_as_images_have_pixels(said, rule, factor):
    part = "rival10" if "rival10" in said else "imagenet"
    usual, other = (
        next(job for job in listed(*more)[1] if job.rule == rule and job.part == ("" if rule == "train" else part))
        for more in ((), (said,))
    )
    alone = MACHINE._replace(beside=False)
    first, second = (
        seconds(job, Rates(1, 0, 0, 0, 0), alone, 0) - seconds(job, Rates(0, 0, 0, 0, 0), alone, 0)
        for job in (usual, other)
    )
    assert second == pytest.approx(factor * first, rel=1e-6)


def test_trainings_on_images_of_any_size_are_named():
    config, found = listed("imagenet={training: {image_size: null}}")
    known = hours.measured(config, found, {"resnet50": 2500})
    trainings = [job for job in found if job.rule == "train"]
    assert (
        f"hours of {len(trainings)} training(s) on images of whatever size they are stored in (image_size: null)"
        in (known.unknown)
    )
    assert not any(id(job) in known.seconds for job in trainings)
    assert all(id(job) in known.seconds for job in found if job.rule == "evaluate")


def test_a_training_reads_with_the_cores_that_it_asks_for():
    _, found = listed()
    slow = MACHINE._replace(read=1.0)
    for job in found:
        work = job.estimate.expected
        if work.read > 10_000:
            cores = {"train": 16, "evaluate": 8}[job.rule]
            taken = seconds(job, Rates(0, 0, 0, 0, 0), slow, 0)
            assert taken * cores == pytest.approx(work.read * job.estimate.reading, rel=0.1)


def test_a_network_that_a_library_builds_begins_later():
    found = [networks.facts(name, 10, 64).start for name in ("basic", "bottleneck", "resnet18", "torchvision/alexnet")]
    assert found[:2] == [0, 0]
    assert found[2] == found[3] > 0
    _, (job, *_) = listed()
    twice = MACHINE._replace(pace=2.0)
    rates = Rates(1e-3, 2e-3, 3e-3, 1e-3, 1e-3)
    later = seconds(job, rates._replace(start=0.4), twice, 0) - seconds(job, rates, twice, 0)
    assert later == pytest.approx(0.8)
