"""What each step is told: the settings of an evaluation and of a data set in a world, key by key."""

from copy import deepcopy

import pytest
import yaml

from project_root import ROOT
from tradeoffs.step.settings import canonical
from tradeoffs.study import plan
from tradeoffs.study.config import checked
from tradeoffs.study.miniature import world_spec
from tradeoffs.study.model import grid

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture
def config():
    return checked(deepcopy(SHIPPED) | {"study": "miniature"}, SCHEMA)


def test_an_evaluation_is_told_its_benchmarks_settings_and_one_seed_for_every_model_of_a_replicate(config):
    config["miniature"]["replicates"] = 2
    config["miniature"]["bootstrap"] = 77
    for model in plan.models(config).values():
        for benchmark in model.benchmarks:
            assert plan.evaluation_spec(config, model, benchmark) == config["miniature"]["benchmarks"][benchmark] | {
                "model": model.id,
                "architecture": model.architecture,
                "classes": 10,
                "seed": model.replicate - 1,
                "bootstrap": 77,
                "unreadable": "fail",
            }


def test_an_evaluation_of_the_imagenet_study_has_its_classes_and_what_to_do_with_unreadable_images():
    config = deepcopy(SHIPPED) | {"study": "imagenet"}
    config["imagenet"] |= {"unreadable": "skip", "bootstrap": 88}
    config["imagenet"]["data"]["waterbirds"]["accept_licence"] = True
    config = checked(config, SCHEMA)
    model = plan.models(config)["resnet50_l2_eps3"]
    assert plan.evaluation_spec(config, model, "waterbirds") == config["imagenet"]["benchmarks"]["waterbirds"] | {
        "model": "resnet50_l2_eps3",
        "architecture": "resnet50",
        "classes": 1000,
        "seed": 0,
        "bootstrap": 88,
        "unreadable": "skip",
    }


def test_worlds_have_one_knob_at_the_sweeps_value_and_no_more_images_than_the_sweep_trains_on(config):
    data, sweeps = config["miniature"]["data"], config["miniature"]["sweeps"]
    data["images"] |= {"train": 5000, "val": 600, "imagenet9": 700}
    sweeps["correlation"]["images"], sweeps["background_scale"]["images"] = 1100, 1200
    config["miniature"]["replicates"] = 2
    fixed = {key: value for key, value in data.items() if key != "images"} | {"seed": 7}
    data["seed"] = 7
    swept = fixed | {"background_scale": 0.7, "correlation": sweeps["background_scale"]["correlation"]}
    expected = {
        ("default", "imagenet"): fixed | {"images": 5000, "test_images": 600},
        ("default", "imagenet9"): fixed | {"images": 700},
        ("correlation0.5", "imagenet"): fixed | {"correlation": 0.5, "images": 1100, "test_images": 600},
        ("background_scale0.7", "imagenet"): swept | {"images": 1200, "test_images": 600},
        ("default_rep2", "imagenet9"): fixed | {"seed": 8, "images": 700},
        ("correlation0.5_rep2", "imagenet"): fixed
        | {"seed": 8, "correlation": 0.5, "images": 1100, "test_images": 600},
        ("background_scale0.7", "imagenet9"): swept | {"images": 700},
    }
    for (world, dataset), spec in expected.items():
        assert world_spec(config, world, dataset) == spec
    assert {"correlation", "background_scale"} <= fixed.keys()


def test_swept_models_are_trained_on_the_sweeps_images_in_worlds_of_their_own(config):
    sweeps, train = config["miniature"]["sweeps"], config["miniature"]["training"]["images"]
    controls = config["miniature"]["controls"]
    for model in plan.models(config).values():
        images = {
            "main": {train},
            "correlation_sweep": {sweeps["correlation"]["images"]},
            "background_scale_sweep": {sweeps["background_scale"]["images"]},
            "control": {train, *controls["images"]},
        }[model.role]
        assert model.spec["images"] in images
        knob = model.role.removesuffix("_sweep")
        assert model.world.startswith(knob if model.role.endswith("_sweep") else "default")
        expected = {
            "correlation_sweep": ("adversarial", "shifted_correlation"),
            "background_scale_sweep": ("imagenet9",),
        }
        unattacked = tuple(name for name in config["miniature"]["benchmarks"] if name != "adversarial")
        expected["control"] = unattacked
        through = unattacked if "copy" in model.id else tuple(config["miniature"]["benchmarks"])
        assert model.benchmarks == expected.get(model.role, through)
        assert (model.spec["norm"], model.spec["seed"]) == (model.norm, model.seed)
        assert model.spec["epsilon"] == pytest.approx(model.epsilon / 255 if model.norm == "linf" else model.epsilon)


def test_controls_are_standard_models_of_every_architecture_that_differ_in_one_setting(config):
    config["miniature"]["controls"] = {"images": [300], "epochs": [1]}
    models = plan.models(config)
    for architecture in ("basic", "bottleneck"):
        whole = models[f"{architecture}_standard"]
        for name, changed in {"images300": {"images": 300}, "epochs1": {"epochs": 1}}.items():
            control = models[f"{architecture}_standard_{name}"]
            assert (control.role, control.norm, control.world) == ("control", "none", "default")
            assert control.spec == whole.spec | changed | {"seed": control.seed}
            assert control.seed != whole.seed
    assert sum(model.role == "control" for model in models.values()) == 4


def test_table_of_models_says_what_the_summary_needs(config):
    models = plan.models(config)
    table = plan.model_table(models.values())
    assert [row["id"] for row in table] == list(models)
    for row in table:
        for key in ("role", "architecture", "norm", "epsilon", "seed", "world", "benchmarks", "replicate"):
            assert row[key] == getattr(models[row["id"]], key)


def test_one_string_for_one_meaning():
    assert canonical({"b": [1.0, 0.5], "a": {"y": 2.0, "x": (True, None)}}) == (
        '{"a": {"x": [true, null], "y": 2}, "b": [1, 0.5]}'
    )
    assert canonical({"a": 1}) == canonical({"a": 1.0}) != canonical({"a": "1"})
    assert grid({"linf": [1, 2], "l2": [0.5]}) == [("none", 0.0), ("linf", 1), ("linf", 2), ("l2", 0.5)]
