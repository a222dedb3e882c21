"""What the config of the imagenet study means: its models, what is downloaded, what is missing and why."""

import hashlib
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
import yaml

from project_root import ROOT
from results.synthetic_study import told
from tradeoffs.claims.reliance_effects import baseline
from tradeoffs.step.declared_benchmarks import benchmarks
from tradeoffs.step.errors import InputError
from tradeoffs.study import coherence, figures, own_copies, plan, published_data
from tradeoffs.study.config import checked
from tradeoffs.study.specification import specification

OF_THE_MINIATURE = {"shifted_correlation"}  # its worlds alone can be shifted
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
ARCHIVED = ("rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet")


def config_with(**changes):
    """The checked config of the imagenet study; keys are dotted paths below ``imagenet``, dots as two underscores."""
    config = deepcopy(SHIPPED) | {"study": "imagenet"}
    for path, value in changes.items():
        *parents, last = path.split("__")
        part = config["imagenet"]
        for key in parents:
            part = part[key]
        part[last] = value
    return checked(config, SCHEMA)


@pytest.fixture
def imagenet(tmp_path):
    for split in ("train", "val"):
        (tmp_path / "ILSVRC" / split).mkdir(parents=True)
    return str(tmp_path / "ILSVRC")


def everything(imagenet, **more):
    accepted = {f"data__{name}__accept_licence": True for name in ARCHIVED}
    return config_with(**{"data__imagenet__path": imagenet, "controls": []} | accepted | more)


def test_the_twenty_and_their_standards_are_the_released_checkpoints(imagenet):
    models = plan.models(everything(imagenet))
    adversarial = [model for model in models.values() if model.norm != "none"]
    assert len(adversarial) == 20
    assert set(models) - {model.id for model in adversarial} == {"resnet18_standard", "resnet50_standard"}
    assert {model.source for model in models.values()} == {"released"}
    assert models["resnet18_linf_eps4"].file == "resources/downloads/resnet18_linf_eps4.0.ckpt"
    assert models["resnet50_l2_eps3"].file == "resources/downloads/resnet50_l2_eps3.ckpt"


def test_every_checkpoint_is_downloaded_with_the_checksum_that_was_published(imagenet):
    config = everything(imagenet)
    downloads = plan.downloads(config)
    checkpoints = {name for name in downloads if name.endswith(".ckpt")}
    assert checkpoints == {Path(model.file).name for model in plan.models(config).values()}
    known = "6f8ccef1ae4958c381617081e9e0fb5f50e7cccd4965192d1caa452fd6c5cd1e"
    assert downloads["resnet18_linf_eps4.0.ckpt"]["sha256"] == known
    assert downloads["resnet18_linf_eps4.0.ckpt"]["urls"] == [
        "https://huggingface.co/madrylab/robust-imagenet-models/resolve/main/resnet18_linf_eps4.0.ckpt"
    ]


def test_trained_here_the_same_ids_come_from_training(imagenet):
    released, trained = plan.models(everything(imagenet)), plan.models(everything(imagenet, source="train"))
    assert list(trained) == list(released)
    assert {model.source for model in trained.values()} == {"train"}
    assert trained["resnet50_linf_eps4"].spec["epsilon"] == 4 / 255
    assert not [name for name in plan.downloads(everything(imagenet, source="train")) if name.endswith(".ckpt")]


def test_with_everything_at_hand_nothing_is_missing(imagenet):
    config = everything(imagenet)
    assert plan.missing_benchmarks(config) == []
    assert set(plan.available_benchmarks(config)) == set(benchmarks()) - OF_THE_MINIATURE


def test_a_licence_not_accepted_is_named_with_what_it_forbids(imagenet):
    config = everything(imagenet, data__objectnet__accept_licence=False)
    (row,) = plan.missing_benchmarks(config)
    assert row["benchmark"] == row["dataset"] == "objectnet"
    assert "ObjectNet licence" in row["reason"]
    assert "tuning the parameters of any model" in row["reason"]
    assert "imagenet.data.objectnet.accept_licence" in row["reason"]
    assert not [name for name in plan.downloads(config) if "objectnet" in name]
    assert all("objectnet" not in model.benchmarks for model in plan.models(config).values())


def test_two_of_the_five_data_sets_are_a_study():
    config = config_with(data__waterbirds__accept_licence=True)
    assert plan.available_benchmarks(config) == ["imagenet9", "waterbirds"]
    assert {model.benchmarks for model in plan.models(config).values()} == {("imagenet9", "waterbirds")}
    assert {name for name in plan.downloads(config) if not name.endswith(".ckpt")} == {
        "backgrounds_challenge_data.tar.gz",
        "in_to_in9.json",
        "waterbird_complete95_forest2water2.tar.gz",
    }


def test_without_any_data_set_the_reasons_are_given():
    with pytest.raises(InputError, match=r"nothing can be evaluated.*licence.*imagenet.data.imagenet.path"):
        plan.models(config_with(data__imagenet9__accept_licence=False))


def test_only_what_reads_imagenet_asks_for_it():
    config = config_with(**{f"data__{name}__accept_licence": True for name in ARCHIVED})
    rows = plan.missing_benchmarks(config)
    assert {row["benchmark"] for row in rows} == {"imagenet", "salient_imagenet", "objectnet", "adversarial"}
    assert all("needs a login" in row["reason"] for row in rows)


def test_validation_images_alone_are_enough_for_what_reads_only_them(tmp_path):
    (tmp_path / "val").mkdir()
    config = everything(str(tmp_path))
    (row,) = plan.missing_benchmarks(config)
    assert row["benchmark"] == "salient_imagenet"
    assert "has no folder train" in row["reason"]


def test_addresses_and_checksum_of_the_config_take_the_place_of_the_published_ones(imagenet):
    published = plan.downloads(everything(imagenet))
    own = {"objectnet": "http://here/o.zip", "waterbirds": "http://here/w.tar.gz"}
    changes = {f"data__{name}__urls": [address] for name, address in own.items()}
    changes |= {"data__objectnet__sha256": "0" * 64, "data__imagenet9__files": {"in_to_in9.json": ["http://here/i"]}}
    found = plan.downloads(everything(imagenet, **changes))
    assert published["objectnet-1.0.zip"]["md5"]  # which is of another file than the config's checksum
    nothing = {"sha256": None, "md5": None, "size": None}
    assert found["objectnet-1.0.zip"] == nothing | {"urls": ["http://here/o.zip"], "sha256": "0" * 64}
    assert found["in_to_in9.json"] == nothing | {"urls": ["http://here/i"]}
    changed = {name for name in found if found[name] != published[name]}
    assert changed == {"objectnet-1.0.zip", "waterbird_complete95_forest2water2.tar.gz", "in_to_in9.json"}


def test_an_own_copy_needs_no_licence_and_no_download(tmp_path):
    (tmp_path / "RIVAL10").mkdir()
    config = config_with(data__rival10__path=str(tmp_path))
    assert "rival10" in plan.available_benchmarks(config)
    assert "rival10.zip" not in plan.downloads(config)
    assert published_data.parts(config["imagenet"], "rival10") == {"RIVAL10": f"{tmp_path}/RIVAL10"}


@pytest.mark.parametrize("folder", ["waterbird_complete95_forest2water2", "waterbirds_v1.0", "."])
def test_a_copy_of_waterbirds_may_be_that_of_wilds(folder, tmp_path):
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "metadata.csv").touch()
    config = config_with(data__waterbirds__path=str(tmp_path))
    assert "waterbirds" in plan.available_benchmarks(config)
    found = published_data.parts(config["imagenet"], "waterbirds")
    assert found == {"waterbird_complete95_forest2water2": str(tmp_path / folder)}
    own_copies.check(config)


def test_a_folder_that_is_no_copy_of_waterbirds_is_one_line_with_all_layouts(tmp_path):
    with pytest.raises(
        InputError, match=r"holds waterbird_\w+/, or waterbirds_v1.0/, or the metadata.csv of one; corr"
    ):
        plan.models(config_with(data__waterbirds__path=str(tmp_path)))


def test_of_objectnet_the_needed_members_are_fetched_unless_the_config_has_a_checksum(imagenet):
    assert plan.downloads(everything(imagenet))["objectnet-1.0.zip"]["members"] == "objectnet_overlap"
    own = everything(imagenet, data__objectnet__sha256="0" * 64)
    assert "members" not in plan.downloads(own)["objectnet-1.0.zip"]


def test_a_small_file_is_downloaded_unless_the_own_copy_has_it(tmp_path):
    (tmp_path / "bg_challenge").mkdir()
    config = config_with(data__imagenet9__path=str(tmp_path))
    assert published_data.parts(config["imagenet"], "imagenet9")["in_to_in9.json"].startswith("resources/downloads")
    assert "in_to_in9.json" in plan.downloads(config)
    (tmp_path / "in_to_in9.json").touch()
    assert published_data.parts(config["imagenet"], "imagenet9")["in_to_in9.json"] == f"{tmp_path}/in_to_in9.json"
    assert "in_to_in9.json" not in plan.downloads(config)


@pytest.mark.parametrize("name", ["imagenet", "rival10"])
def test_a_path_without_the_data_is_a_mistake_and_says_so(name):
    with pytest.raises(InputError, match=rf"imagenet.data.{name}.path = '/nowhere'"):
        plan.models(config_with(**{f"data__{name}__path": "/nowhere"}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replicates": 2}, r"imagenet.replicates.*one checkpoint was released per model"),
        (
            {"budgets__linf": [3]},
            r"imagenet: no checkpoint was released for resnet18, norm linf, epsilon 3; budgets ",
        ),
        ({"source": "train"}, r"source = 'train' needs ImageNet"),
        ({"training__overrides": {"resnet18_l2_eps1": {"epochs": 1}}}, r"it trains none: source is released"),
    ],
)
def test_what_cannot_be_had_is_one_line(changes, message):
    with pytest.raises(InputError, match=message) as error:
        plan.models(config_with(**changes))
    assert "\n" not in str(error.value)


def extra(**entry):
    return config_with(extra=[{"id": "mine", "source": "state_dict", "name": "resnet50", "file": "mine.pt"} | entry])


def test_an_own_model_is_put_through_every_benchmark_beside_the_twenty():
    models = plan.models(extra(norm="l2", epsilon=3))
    mine, other = models["mine"], models["resnet50_l2_eps3"]
    assert (mine.role, mine.architecture, mine.norm, mine.epsilon) == ("extra", "resnet50", "l2", 3)
    assert mine.benchmarks == other.benchmarks
    assert mine.file == "mine.pt"
    assert mine.source == "state_dict"
    assert mine.spec == {
        "name": "resnet50",
        "pretrained": None,
        "mean": None,
        "std": None,
        "input_size": None,
        "weights": None,
        "classes": 1000,
    }


def test_an_own_model_loads_as_its_library_calls_it():
    entry = {"source": "timm", "name": "vit_tiny_patch16_224", "pretrained": "augreg_in21k_ft_in1k", "file": None}
    config = extra(**entry)
    model = plan.models(config)["mine"]
    assert (model.architecture, model.loads_as) == ("vit_tiny_patch16_224", "timm/vit_tiny_patch16_224")
    assert plan.evaluation_spec(config, model, "imagenet9")["architecture"] == "timm/vit_tiny_patch16_224"


def test_a_torchscript_network_shows_no_features_so_no_head_is_fitted_on_them(imagenet):
    entry = {
        "id": "mine",
        "source": "torchscript",
        "trust": True,
        "file": "mine.pt",
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
    }
    model = plan.models(everything(imagenet, extra=[entry]))["mine"]
    assert set(benchmarks()) - set(model.benchmarks) - OF_THE_MINIATURE == {"rival10", "waterbirds"}


def test_an_own_model_goes_through_the_benchmarks_it_names(imagenet):
    entry = {
        "id": "mine",
        "source": "timm",
        "name": "vit_tiny_patch16_224",
        "file": "mine.pt",
        "benchmarks": ["objectnet", "imagenet9"],
    }
    assert plan.models(everything(imagenet, extra=[entry]))["mine"].benchmarks == ("imagenet9", "objectnet")


def test_a_model_that_would_be_put_through_nothing_is_one_line(imagenet):
    entry = {"id": "mine", "source": "torchvision", "name": "resnet50", "pretrained": "IMAGENET1K_V1"}
    for own, named in ((entry, "mine"), ({"zoo": "Wong2020Fast"}, "Wong2020Fast")):
        with pytest.raises(InputError, match=f"extra, {named}: benchmarks: shifted_correlation; expected of imagenet"):
            coherence.check(everything(imagenet, extra=[own | {"benchmarks": ["shifted_correlation"]}]))
    absent = config_with(data__imagenet__path=str(imagenet), extra=[entry | {"benchmarks": ["waterbirds"]}])
    with pytest.raises(InputError, match="extra, mine: none of its benchmarks has its data at hand; expected on"):
        plan.models(absent)


def test_a_checksum_beside_a_path_is_one_line_and_an_address_is_none(tmp_path):
    (tmp_path / "RIVAL10").mkdir()
    own = {"data__rival10__path": str(tmp_path), "data__rival10__urls": ["http://here/x"]}
    coherence.check(config_with(**own))  # a laboratory's addresses, and a user's path laid over them
    with pytest.raises(InputError, match=r"rival10.sha256 is of the archive, and path is given"):
        coherence.check(config_with(**own, data__rival10__sha256="0" * 64))


SCRIPT = {"source": "torchscript", "trust": True, "name": None, "mean": [0, 0, 0], "std": [1, 1, 1]}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"id": "resnet50_standard"}, "the grid's own models are named like this"),
        ({"id": "resnet18_standard"}, "resnet18_standard is listed twice"),
        ({"pretrained": "DEFAULT"}, "give one of pretrained .*, file and url"),
        ({"file": None}, "give one of pretrained .*, file and url"),
        ({"norm": "linf"}, "norm linf with epsilon 0"),
        ({"epsilon": 1}, "norm none with epsilon 1"),
        ({"name": None}, "source state_dict needs the name of a network"),
        ({"source": "torchscript", "trust": True}, "has no meaning for source torchscript"),
        (
            {"source": "torchscript", "trust": True, "name": None, "weights": "ema"},
            "only a file of tensors may hold more than one set",
        ),
        ({"source": "timm", "pretrained": "x", "file": None, "weights": "raw"}, "only a file of tensors may hold"),
        (
            {"source": "torchscript", "trust": True, "name": None},
            "mean and std: null, but a TorchScript file does not say",
        ),
        (
            {"source": "torchscript", "trust": True, "name": None, "mean": [0, 0, 0]},
            "std: null, but a TorchScript file does not say",
        ),
        ({"mean": [0, 0, 0]}, "std: null, but mean and std go together"),
        ({"file": None, "pretrained": "V1"}, "pretrained: 'V1' has no meaning for source state_dict"),
        ({"name": "resnet5o"}, "name: 'resnet5o' is unknown; expected basic, bottleneck, resnet18, resnet50, torchv"),
        ({"name": "torchvision/vit_b_61"}, r"torchvision has no classifier 'vit_b_61'; did you mean .*vit_b_16"),
        ({"source": "torchvision", "name": "vit_b_61"}, r"torchvision has no classifier 'vit_b_61'; did you mean"),
        (
            {"source": "timm", "name": "vit_tinny_patch16_224"},
            r"timm has no classifier .*did you mean vit_tiny_patch16_22",
        ),
        ({"source": "torchvision", "name": "timm/vit_b_16"}, "with source torchvision the <name> alone"),
        ({"norm": "linf", "epsilon": 256}, "epsilon = 256; expected at most 255"),
        ({"norm": "linf", "epsilon": 0.0157}, "epsilon = 0.0157; expected a budget of linf in 1/255, .* write 4$"),
        *(({"objective": each}, f"objective: '{each}' is no name of a training") for each in ("None", "standard")),
        ({**SCRIPT, "trust": False}, "mine: trust: false, but a TorchScript file is code, .*set trust: true if you"),
        ({"trust": True}, "mine: trust: true, but with source state_dict no code of a file is run"),
        ({**SCRIPT, "benchmarks": ["rival10"]}, "rival10 fits a head on features, which TorchScript does not show"),
    ],
)
def test_an_own_model_that_is_described_inconsistently_is_refused(entry, message):
    with pytest.raises(InputError, match=message):
        plan.models(extra(**entry))


PYTHON = {
    "source": "python",
    "trust": True,
    "name": None,
    "mean": [0, 0, 0],
    "std": [1, 1, 1],
    "factory": "nets.py:build",
}
ADDRESS = {"file": None, "url": "https://example.org/w.safetensors?download=true"}


def test_what_a_factory_makes_is_named_by_its_call_and_may_have_no_file(imagenet):
    entry = {"id": "mine", "arguments": {"width": 3, "kind": "a"}} | PYTHON
    config = everything(imagenet, extra=[entry, PYTHON | {"id": "other", "file": "w.pt", "weights": "ema"}])
    mine, other = (plan.models(config)[name] for name in ("mine", "other"))
    assert (mine.architecture, mine.loads_as, mine.file) == ("nets.py:build(width=3, kind=a)", "python", None)
    assert mine.spec["factory"] == "nets.py:build"
    assert mine.spec["arguments"] == {"width": 3, "kind": "a"}
    assert (other.architecture, other.file, "arguments" in other.spec) == ("nets.py:build()", "w.pt", False)
    assert set(mine.benchmarks) == set(benchmarks()) - OF_THE_MINIATURE


def test_a_zero_shot_classifier_loads_by_its_library_and_keeps_its_prompts():
    entry = {"source": "open_clip", "name": "ViT-B-32", "pretrained": "laion2b_s34b_b79k", "file": None}
    mine = plan.models(extra(**entry, prompts=["a photo of a {}."]))["mine"]
    assert (mine.architecture, mine.loads_as, mine.spec["prompts"]) == (
        "ViT-B-32",
        "open_clip/ViT-B-32",
        ["a photo of a {}."],
    )
    assert "prompts" not in plan.models(extra(**entry))["mine"].spec


def test_a_file_at_an_address_is_downloaded_with_its_checksum():
    config = extra(**ADDRESS, sha256="0" * 64)
    mine = plan.models(config)["mine"]
    assert (mine.file, mine.downloaded) == ("resources/downloads/mine.safetensors", True)
    wanted = {"urls": [ADDRESS["url"]], "sha256": "0" * 64, "md5": None, "size": None}
    assert plan.downloads(config)["mine.safetensors"] == wanted
    assert "sha256" not in mine.spec  # the download has compared it; told, it would make a conversion stale


def test_a_file_of_ones_own_is_compared_with_the_checksum_that_it_is_said_to_have(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pt").write_text("weights")
    right = hashlib.sha256(b"weights").hexdigest()
    plain, said = (extra(file="w.pt", sha256=digest) for digest in (None, right))
    assert plan.models(plain)["mine"] == plan.models(said)["mine"]
    assert own_copies.look(plain, plan.models(plain)) == own_copies.look(said, plan.models(said))
    wrong = extra(file="w.pt", sha256="0" * 64)
    with pytest.raises(InputError, match=rf"extra, mine: file = 'w.pt'; its SHA-256 is {right}, expected 0{{64}}"):
        own_copies.look(wrong, plan.models(wrong))


def test_the_workflows_own_folders_are_no_copy_of_the_users():
    with pytest.raises(InputError, match=r"data\.rival10\.path = 'resources/unpacked/rival10' is where the workflow"):
        coherence.check(config_with(data__rival10__path="resources/unpacked/rival10"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (ADDRESS, "mine: sha256: null, but url needs it"),
        (ADDRESS | {"file": "w.pt", "sha256": "0" * 64}, "file and url; file and url are given"),
        (
            {"source": "torchvision", "name": "resnet18", "file": None, "pretrained": "X", "sha256": "0" * 64},
            "sha256 is of",
        ),
        (PYTHON | {"factory": None}, "source python needs the function that makes the network"),
        (PYTHON | {"trust": False}, "the factory nets.py:build is code, which is run with all your rights"),
        (
            PYTHON | {"name": "resnet50"},
            r"'resnet50' has no meaning for source python \(the factory makes the network\)",
        ),
        (PYTHON | {"mean": None}, "mean: null, but what a factory makes does not say how its images were normalised"),
        (PYTHON | {"pretrained": "X"}, "pretrained and file are given"),
        (PYTHON | {"file": None, "weights": "ema"}, "only a file of tensors may hold more than one set"),
        (PYTHON | {"arguments": {"since": date(2020, 1, 1)}}, "arguments: .*date.*expected text, numbers"),
        *(
            (
                PYTHON | {"arguments": {"deep": each}},
                f"arguments: deep = '{each}' is text, as all is that --config says",
            )
            for each in ("false", "64", "1e-3", "null")
        ),
        ({"factory": "nets.py:build"}, "factory: 'nets.py:build' goes with source python alone"),
        ({"arguments": {"width": 3}}, "arguments go with source python alone"),
        ({"prompts": ["a photo of a {}."]}, "prompts go with source open_clip alone"),
    ],
)
def test_a_factory_or_an_address_that_is_described_inconsistently_is_one_line(entry, message):
    with pytest.raises(InputError, match=message) as raised:
        plan.models(extra(**entry))
    assert "\n" not in str(raised.value)


ROBUST = SCRIPT | {"id": "robust", "file": "robust.pt", "norm": "linf", "epsilon": 4}
PLAIN = SCRIPT | {"id": "plain", "file": "plain.pt"}


def test_a_reference_goes_with_the_model_to_the_tables(imagenet):
    entries = [ROBUST | {"reference": "plain"}, PLAIN]
    config = everything(imagenet, extra=entries)
    rows = {row["id"]: row for row in plan.model_table(plan.models(config).values())}
    assert {name for name, row in rows.items() if row["reference"] is not None} == {"robust"}
    models = {model.id: model for model in told(specification(config)).models}
    assert (models["robust"].reference, models["plain"].reference) == ("plain", None)
    assert baseline(list(models.values()), models["robust"]) == ("plain",)


@pytest.mark.parametrize("compared", [ROBUST, SCRIPT | {"id": "robust", "file": "other.pt"}])
@pytest.mark.parametrize("standard", ["plain", "resnet50_standard"])
def test_a_reference_may_be_any_standard_model_of_the_study(standard, compared):
    models = plan.models(config_with(extra=[compared | {"reference": standard}, PLAIN]))
    assert models["robust"].reference == standard


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            ROBUST | {"reference": "nobody"},
            "robust: reference nobody is no model of the grid or under extra; choose one of resnet18_st",
        ),
        (ROBUST | {"reference": "robust"}, "reference robust is the model itself"),
        (ROBUST | {"reference": "resnet50_l2_eps3"}, "reference resnet50_l2_eps3 is no standard model, but l2-trained"),
        (
            ROBUST | {"reference": "plain"},
            "reference plain is no standard model, but trained with noise",
        ),
    ],
)
def test_a_reference_that_is_no_standard_model_is_one_line(entry, message):
    with pytest.raises(InputError, match=message) as raised:
        plan.models(config_with(extra=[entry, PLAIN | {"objective": "noise"}]))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "entry",
    [
        {"source": "timm", "name": "resnet50.a1_in1k"},
        {"source": "timm", "name": "tv_resnet34"},
        {"name": "torchvision/vit_b_16"},
        {"name": "timm/vit_tiny_patch16_224"},
        {"source": "torchvision", "name": "vit_b_16", "file": None, "pretrained": "X", "mean": [0, 0, 0]},
        SCRIPT,
    ],
)
def test_an_own_model_of_a_network_that_exists_is_accepted(entry):
    assert "mine" in plan.models(extra(**entry))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"checkpoints__sha256": {"resnet18_l2_eps9.ckpt": "0" * 64}},
            r"no checkpoint is called 'resnet18_l2_eps9.ckpt'",
        ),
        ({"benchmarks__objectnet__crop": 230}, r"objectnet.crop = 230; expected at most resize, 224"),
        ({"benchmarks__adversarial__domains": {"sketch": "sketch"}}, r"domains.sketch = 'sketch'; there is no folder"),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(imagenet, changes, message):
    with pytest.raises(InputError, match=message) as raised:
        plan.models(everything(imagenet, **changes))
    assert len(str(raised.value).splitlines()) == 1


ATTACKS = ("adversarial", "imagenet")


def test_an_own_domain_is_linked_beside_the_validation_images(imagenet):
    (Path(imagenet) / "sketch").mkdir()
    config = everything(imagenet, benchmarks__adversarial__domains={"validation": "val", "sketch": "sketch"})
    assert plan.models(config)
    val, sketch = {"val": f"{imagenet}/val"}, {"sketch": f"{imagenet}/sketch"}
    assert published_data.parts(config["imagenet"], "imagenet") == val
    assert published_data.attacked_parts(config["imagenet"]) == val | sketch
    worlds = {name: {plan.evaluation_world(config, m, name) for m in plan.models(config).values()} for name in ATTACKS}
    assert worlds == {"adversarial": {"attacked"}, "imagenet": {"default"}}
    alone = everything(imagenet)  # validation images alone are those of all other benchmarks
    assert {plan.evaluation_world(alone, m, "adversarial") for m in plan.models(alone).values()} == {"default"}


def test_without_domains_the_adversarial_benchmark_is_left_out(imagenet):
    config = everything(imagenet, benchmarks__adversarial__domains={})
    assert "adversarial" not in plan.available_benchmarks(config)
    assert all("adversarial" not in model.benchmarks for model in plan.models(config).values())


def test_a_checksum_of_a_released_checkpoint_that_this_study_does_not_use_is_accepted(imagenet):
    assert plan.models(everything(imagenet, checkpoints__sha256={"resnet18_l2_eps0.01.ckpt": "0" * 64}))


OWN = {"id": "mine", "source": "state_dict", "name": "resnet50", "file": "mine.pt"}


@pytest.mark.parametrize("source", ["released", "train"])
def test_without_architectures_there_are_only_ones_own_models(source):
    config = config_with(architectures=[], extra=[OWN], source=source)
    assert set(plan.models(config)) == {"mine"}
    assert not [name for name in plan.downloads(config) if name.endswith(".ckpt")]
    assert "overview" in figures.figures(config)


def test_without_budgets_the_standard_models_stay(imagenet):
    models = plan.models(everything(imagenet, budgets={}, extra=[OWN]))
    assert set(models) == {"resnet18_standard", "resnet50_standard", "mine"}


def test_a_study_without_any_model_is_one_line():
    with pytest.raises(InputError, match=r"imagenet\.zoo are empty, so there is no model"):
        plan.models(config_with(architectures=[]))
