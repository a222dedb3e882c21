"""The standard networks by which the imagenet study controls for accuracy."""

import pytest

from study.test_imagenet_models import SHIPPED, config_with, everything, imagenet
from tradeoffs.step.errors import InputError
from tradeoffs.study import plan

__all__ = ["imagenet"]  # the fixture
SHIPPED_CONTROLS = SHIPPED["imagenet"]["controls"]
CONTROL = {"id": "tv_resnet34", "source": "torchvision", "name": "resnet34", "pretrained": "IMAGENET1K_V1"}


def test_the_shipped_controls_are_standard_networks_that_go_through_all_but_the_attacks(imagenet):
    config = everything(imagenet, controls=SHIPPED_CONTROLS)
    controls = [model for model in plan.models(config).values() if model.role == "control"]
    assert len(controls) == len(SHIPPED_CONTROLS) >= 12
    assert {(model.norm, model.epsilon, model.file) for model in controls} == {("none", 0.0, None)}
    assert {model.benchmarks for model in controls} == {
        tuple(name for name in plan.available_benchmarks(config) if name != "adversarial")
    }
    assert {model.source for model in controls} == {"torchvision", "timm"}


def test_a_control_need_not_be_had_and_a_model_of_your_own_must(imagenet):
    models = plan.models(everything(imagenet, controls=[CONTROL], extra=[CONTROL | {"id": "mine"}]))
    assert models["tv_resnet34"].spec["required"] is False
    assert models["tv_resnet34"].loads_as == "torchvision/resnet34"
    assert models["mine"].spec.get("required", True)


def test_without_clean_accuracy_there_is_nothing_to_control_for_and_nothing_is_fetched():
    models = plan.models(config_with(data__waterbirds__accept_licence=True))
    assert not [model for model in models.values() if model.role == "control"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "resnet34_standard"}, "imagenet.controls, resnet34_standard: the grid's own models are named like"),
        ({"id": "resnet18_standard"}, "resnet18_standard is listed twice"),
        ({"name": "resnet35"}, r"imagenet.controls, tv_resnet34: name: torchvision has no classifier 'resnet35'; did"),
        ({"source": "timm", "name": "test_resnot"}, r"imagenet.controls, .* timm has no classifier 'test_resnot'; did"),
        ({"source": "state_dict"}, "imagenet.controls.0.source = 'state_dict'; expected"),
        ({"file": "mine.pt"}, "imagenet.controls.0: unknown key file"),
    ],
)
def test_a_control_that_is_described_wrongly_is_one_line(imagenet, change, message):
    with pytest.raises(InputError, match=message) as raised:
        plan.models(everything(imagenet, controls=[CONTROL | change]))
    assert "\n" not in str(raised.value)


def test_a_control_is_no_reference(imagenet):
    """It may turn out that it cannot be had."""
    robust = {"id": "robust", "source": "state_dict", "name": "resnet34", "file": "r.pt", "norm": "linf", "epsilon": 4}
    with pytest.raises(InputError, match="reference tv_resnet34 is no model of the grid or under"):
        plan.models(everything(imagenet, controls=[CONTROL], extra=[robust | {"reference": "tv_resnet34"}]))
