"""A study repeated: what is new in a replicate, what stays as it was, and how many there may be."""

import json

import pytest
import yaml

from project_root import ROOT
from results.synthetic_study import told
from tradeoffs.models.ids import is_grid_name, training_seed
from tradeoffs.step.errors import InputError
from tradeoffs.study import miniature, plan, replicates
from tradeoffs.study.config import checked
from tradeoffs.study.specification import of_claims, of_look, specification

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


def config_with(study="miniature", **changes):
    config = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"study": study}
    config[study] |= changes
    return checked(config, SCHEMA)


@pytest.mark.parametrize("more", [2, 3, "auto"])
def test_more_replicates_change_nothing_of_those_there_are(more):
    one, several = config_with(replicates=1), config_with(replicates=more)
    first = plan.models(one)
    grown = plan.models(several)
    assert {name: grown[name] for name in first} == first
    for name, world in miniature.worlds(one["miniature"]).items():
        assert miniature.worlds(several["miniature"])[name] == world
        for dataset in ("imagenet", "waterbirds"):
            assert miniature.world_spec(several, name, dataset) == miniature.world_spec(one, name, dataset)
    for model in first.values():
        for benchmark in model.benchmarks:
            assert plan.evaluation_spec(one, model, benchmark) == plan.evaluation_spec(several, model, benchmark)


def test_a_replicate_has_the_same_models_with_other_seeds_in_another_world():
    config = config_with(replicates=3)
    models = plan.models(config)
    for model in models.values():
        bare = model.id.removesuffix(f"_rep{model.replicate}")
        assert model.id == (bare if model.replicate == 1 else f"{bare}_rep{model.replicate}")
        assert model.seed == model.spec["seed"] == training_seed(bare, model.replicate)
        first = models[bare]
        bare_of = {"id": "", "seed": 0, "world": "", "spec": {}, "replicate": 0, "benchmarks": ()}
        assert model._replace(**bare_of) == first._replace(**bare_of)
        # Attacks on the main grid, on which no claim rests, are of the first replicate alone.
        attacked = model.role == "main" and model.replicate > 1
        assert model.benchmarks == tuple(b for b in first.benchmarks if not (attacked and b == "adversarial"))
        assert model.spec | {"seed": 0} == first.spec | {"seed": 0}
        data = [miniature.world_spec(config, each.world, "imagenet") for each in (model, first)]
        assert data[0] == data[1] | {"seed": config["miniature"]["data"]["seed"] + model.replicate - 1}
        assert plan.evaluation_spec(config, model, model.benchmarks[0])["seed"] == model.replicate - 1
    assert len({model.seed for model in models.values()}) == len(models)
    in_first = replicates.until(models, 1)
    between = {f"{architecture}_standard_images2000" for architecture in ("basic", "bottleneck")}
    for number in (2, 3):
        assert {model.id for model in models.values() if model.replicate == number} == {
            f"{name}_rep{number}" for name in in_first.keys() - between
        }


def test_later_replicates_have_the_least_and_the_largest_controls_in_whatever_order():
    for images, epochs, kept in (
        ([2000, 500, 1000, 3000], [12, 4, 8], {"images500", "images3000", "epochs4", "epochs12"}),
        ([500], [], {"images500"}),
    ):
        models = plan.models(config_with(replicates=2, controls={"images": images, "epochs": epochs}))
        controls = [model.id for model in models.values() if model.role == "control" and model.replicate == 2]
        assert sorted(controls) == sorted(f"{a}_standard_{each}_rep2" for a in ("basic", "bottleneck") for each in kept)


def test_seeds_are_of_31_bits_and_never_change():
    """What is finished would be stale if they did."""
    assert (training_seed("basic_standard", 1), training_seed("basic_standard", 2)) == (728641146, 998762798)
    drawn = [training_seed(f"m{i}", j) for i in range(200) for j in range(5)]
    assert len(set(drawn)) == 1000
    assert 2**30 < max(drawn) < 2**31


def test_the_imagenet_study_repeats_what_is_trained_here_on_the_same_images(tmp_path):
    for split in ("train", "val"):
        (tmp_path / split / "n01440764").mkdir(parents=True)
    place = {"imagenet": {"path": str(tmp_path)}}
    config = config_with("imagenet", source="train", replicates=2, data=place, benchmarks={"imagenet": {}}, controls=[])
    models = plan.models(config)
    assert {"resnet18_l2_eps3", "resnet18_l2_eps3_rep2", "resnet50_standard_rep2"} <= models.keys()
    assert len(models) == 44
    assert {model.world for model in models.values()} == {"default"}
    assert {plan.evaluation_spec(config, model, "imagenet")["seed"] for model in models.values()} == {0}


@pytest.mark.parametrize("number", [2, "auto"])
def test_a_released_model_is_one(number):
    accepted = {"waterbirds": {"accept_licence": True}}
    config = config_with("imagenet", replicates=number, data=accepted)
    with pytest.raises(InputError, match=rf"imagenet.replicates = {number!r}; one checkpoint was released per model"):
        plan.models(config)


def test_the_grids_names_are_known_with_copy_and_replicate():
    for suffix in ("", "_copy2", "_rep3", "_copy2_rep3"):
        assert is_grid_name(f"basic_standard{suffix}", "basic", "none", 0)
    for suffix in ("_mine", "_rep3_copy2", "_seed1"):
        assert not is_grid_name(f"basic_standard{suffix}", "basic", "none", 0)


def test_results_are_told_of_the_replicates_there_are_and_claims_of_what_verdicts_depend_on():
    config = config_with(replicates="auto", most_replicates=4)
    assert {model.replicate for model in told(specification(config, 2)).models} == {1, 2}
    assert {model.replicate for model in told(specification(config)).models} == {1, 2, 3, 4}
    study = told(of_claims(config, 3, 0.01))
    assert study.level == 0.01
    assert study.margins == config["claims"]["margins"]
    assert study.criteria == config["claims"]["criteria"]
    assert (study.margin("bg_gap"), study.margin("one_of_tomorrow")) == (0.03, 0.05)
    assert told(of_claims(config)).level == 0.05
    look = json.loads(of_look(config, 3))
    assert (look["look"], look["looks"], look["hypotheses"]) == (3, 4, 5)
    assert {model["replicate"] for model in look["models"]} == {1, 2, 3}


def trained_on_imagenet(folder, *accepted, **changes):
    """A config that trains on ImageNet, and evaluates on it and on what is accepted, until headlines are decided."""
    for split in ("train", "val"):
        (folder / split / "n01440764").mkdir(parents=True)
    data = {"imagenet": {"path": str(folder)}} | {name: {"accept_licence": True} for name in accepted}
    return config_with("imagenet", source="train", replicates="auto", data=data, controls=[], **changes)


def test_a_look_is_at_headlines_whose_data_are_at_hand(tmp_path):
    """No replicate decides another: it would be asked for to the last."""
    config = trained_on_imagenet(tmp_path, "waterbirds")
    look = json.loads(of_look(config, 1))
    reliance = [each["name"] for each in look["benchmarks"] if any("direction" in m for m in each["metrics"])]
    assert reliance == ["imagenet9", "waterbirds"]
    assert look["hypotheses"] == 2
    claims = json.loads(of_claims(config))  # which has rows that say what is missing
    assert {each["name"] for each in claims["benchmarks"]} == set(config["imagenet"]["benchmarks"])


def test_looks_at_no_headline_whose_data_are_at_hand_are_one_line(tmp_path):
    config = trained_on_imagenet(tmp_path, benchmarks={"imagenet": {}, "rival10": {}})
    with pytest.raises(InputError, match=r"'auto': .* no benchmark at hand that measures reliance .* data are there"):
        plan.models(config)


def test_a_changed_margin_is_the_claims_business_alone():
    plain, changed = config_with(), config_with()
    changed["claims"]["margins"]["bg_gap"] = 0.01
    assert specification(plain) == specification(changed)
    assert of_claims(plain) != of_claims(changed)


def test_what_is_no_look_is_one_line(tmp_path):
    path = tmp_path / "1.json"
    path.write_text('{"decided": true}')
    with pytest.raises(SystemExit, match=r"error: .*1.json: no look at the claims .*delete it and run again"):
        replicates.look(path)
    path.write_text('{"decided": false, "level": 0.01}')
    assert replicates.look(path) == (False, 0.01)
