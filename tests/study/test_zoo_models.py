"""Models of the zoo in the imagenet study: by name and by group, what is downloaded, what is got by hand."""

from pathlib import Path

import pytest

from study.test_imagenet_models import config_with
from tradeoffs.models import zoo
from tradeoffs.results.standard import is_standard
from tradeoffs.step.errors import InputError
from tradeoffs.study import own_copies, plan

NAME = "Liu2023Comprehensive_ConvNeXt-B"  # in the zoo as ARES_ConvNext_Base_AT


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    """Files that are got by hand lie below the folder that the workflow runs in."""
    monkeypatch.chdir(tmp_path)


def put(name):
    place = Path("resources/downloads", zoo.find(name).file)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()


def of_zoo(config):
    return {name: model for name, model in plan.models(config).items() if model.source == "zoo"}


@pytest.mark.parametrize("said", [{"zoo": [NAME]}, {"extra": [{"zoo": NAME}]}])
def test_a_model_is_named_and_stands_beside_the_twenty(said):
    config = config_with(**said)
    (model,) = of_zoo(config).values()
    assert model.id == "ARES_ConvNext_Base_AT"
    assert (model.role, model.architecture, model.loads_as) == ("extra", "convnext_base", "timm/convnext_base")
    assert (model.norm, model.epsilon) == ("linf", 4)
    assert model.benchmarks == plan.models(config)["resnet50_l2_eps3"].benchmarks
    assert model.spec == {"name": "ARES_ConvNext_Base_AT", "classes": 1000}
    assert plan.downloads(config)["ARES_ConvNext_Base_AT.pth"] == {
        "urls": ["https://ml.cs.tsinghua.edu.cn/~xiaoyang/aresbench/ckpt-imagenet/ARES_ConvNext_Base_AT.pth"],
        "sha256": None,
        "md5": None,
        "size": None,
    }
    assert own_copies.look(config, {model.id: model}, again=False).weights == {}  # no file of the user's


def test_networks_of_adversarial_propagation_are_no_standard_models():
    found = of_zoo(config_with(zoo=["all"])).values()
    assert {model.objective for model in found if not is_standard(model) and model.norm == "none"} == {"AdvProp"}
    assert {model.id for model in found if is_standard(model)} == {
        each.id for each in zoo.members("all none") if each.collection != "advprop" and each.id in {m.id for m in found}
    }
    entry = {"zoo": NAME, "reference": "tf_efficientnet_b0_ap"}
    with pytest.raises(InputError, match="tf_efficientnet_b0_ap is no standard model, but trained with AdvProp"):
        plan.models(config_with(extra=[entry, {"zoo": "tf_efficientnet_b0_ap"}]))


def test_an_entry_restricts_the_benchmarks_and_names_a_reference():
    entries = [{"zoo": NAME, "reference": "resnet50_standard", "benchmarks": ["imagenet9"]}]
    (model,) = of_zoo(config_with(extra=entries)).values()
    assert (model.reference, model.benchmarks) == ("resnet50_standard", ("imagenet9",))


def test_a_group_leaves_out_what_the_grid_has_and_what_must_be_got_by_hand():
    config = config_with(zoo=["all linf"])
    found = of_zoo(config)
    by_hand = {entry.name for entry in zoo.members("all linf") if entry.page}
    assert by_hand == set(plan.left_out(config))
    grid = {f"{name}_linf_eps{budget:.1f}.ckpt" for name in ("resnet18", "resnet50") for budget in (0.5, 1, 2, 4, 8)}
    assert {Path(model.file).name for model in found.values()} == {
        entry.file for entry in zoo.members("all linf") if entry.file not in grid and entry.name not in by_hand
    }
    assert {model.norm for model in found.values()} == {"linf"}
    put("Mo2022When_ViT-B")
    assert set(of_zoo(config)) == {*found, "Mo2022When_ViT_B"}
    assert "Mo2022When_ViT-B" not in plan.left_out(config)


def test_trained_here_the_released_checkpoints_are_no_grid(tmp_path):
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
    config = config_with(data__imagenet__path=str(tmp_path), source="train", zoo=["Salman2020Do_R18"])
    assert set(of_zoo(config)) == {"Salman2020_resnet18_linf_eps4"}
    assert set(plan.downloads(config)) & {"resnet18_linf_eps4.0.ckpt", "resnet18_l2_eps3.ckpt"} == {
        "resnet18_linf_eps4.0.ckpt"
    }


def test_a_study_may_have_only_models_of_the_zoo():
    config = config_with(architectures=[], budgets={}, zoo=["Salman2020Do_R18", NAME])
    assert set(plan.models(config)) == {"Salman2020_resnet18_linf_eps4", "ARES_ConvNext_Base_AT"}


def test_a_file_got_by_hand_is_verified_where_it_was_put():
    put("Mo2022When_ViT-B")
    config = config_with(zoo=["Mo2022When_ViT-B"])
    (model,) = of_zoo(config).values()
    assert model.file == "resources/downloads/Mo2022When_ViT-B.pt"
    assert plan.downloads(config)["Mo2022When_ViT-B.pt"]["urls"] == [zoo.find("Mo2022When_ViT-B").page]


def test_the_address_of_the_released_checkpoints_is_that_of_their_kin():
    config = config_with(
        zoo=["Salman2020_vgg16_bn_l2_eps3", NAME],
        checkpoints__address="http://here/{file}",
        checkpoints__sha256={"vgg16_bn_l2_eps3.ckpt": "0" * 64},
    )
    found = plan.downloads(config)
    assert found["vgg16_bn_l2_eps3.ckpt"]["urls"] == ["http://here/vgg16_bn_l2_eps3.ckpt"]
    assert found["vgg16_bn_l2_eps3.ckpt"]["sha256"] == "0" * 64
    assert "tsinghua" in found["ARES_ConvNext_Base_AT.pth"]["urls"][0]
    assert plan.models(config)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"zoo": ["Liu2023Comprehensive_ConvNext-B"]}, r"imagenet.zoo: .*did you mean Liu2023Comprehensive_ConvNeXt-B"),
        (
            {"extra": [{"zoo": "Wong2020Fsat"}]},
            r"imagenet.extra: 'Wong2020Fsat' is no model .*did you mean Wong2020Fas",
        ),
        ({"zoo": ["all l3"]}, r"imagenet.zoo: 'all l3' is no part of the zoo; expected all, all none"),
        (
            {"zoo": [NAME], "extra": [{"zoo": "ARES_ConvNext_Base_AT"}]},
            r"imagenet.extra: ARES_ConvNext_Base_AT is list",
        ),
        ({"zoo": ["Salman2020Do_R50"]}, r"imagenet.zoo: Salman2020Do_R50 is in the study's grid already"),
        (
            {"zoo": ["Wong2020Fast"]},
            r"imagenet.zoo: Wong2020Fast: drive.google.com asks for a browser: get https://drive.google.com/file/d/\S+ "
            r"by hand and put it at resources/downloads/Wong2020Fast.pt, where it is verified",
        ),
        ({"extra": [{"zoo": NAME, "norm": "l2", "file": "x.pt"}]}, r"imagenet.extra.0: norm, file beside zoo: Liu2023"),
        ({"extra": [{"zoo": "all linf"}]}, r"imagenet.extra.0: zoo: 'all linf' is many models"),
        ({"extra": [{"source": "timm"}]}, r"imagenet.extra.0: id is missing; or name a model of the zoo"),
        (
            {"extra": [{"zoo": NAME, "reference": "nobody"}]},
            r"ARES_ConvNext_Base_AT: reference nobody is no model of t",
        ),
    ],
)
def test_what_is_wrong_is_one_line(said, message):
    with pytest.raises(InputError, match=message) as raised:
        plan.models(config_with(**said))
    assert "\n" not in str(raised.value)
