"""A wrong config is refused in one line that names the key, the value and what was expected."""

import re
from copy import deepcopy
from dataclasses import replace

import pytest
import yaml

from project_root import ROOT
from tradeoffs.step import declared_benchmarks, declared_data
from tradeoffs.step.errors import InputError
from tradeoffs.step.settings import canonical
from tradeoffs.study import coherence, miniature, plan
from tradeoffs.study import schema as composition
from tradeoffs.study.config import checked
from tradeoffs.study.config_files import refuse_traps
from tradeoffs.study.schema import schema

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())


def changed(path, value):
    config = deepcopy(SHIPPED)
    *parents, last = path.split(".")
    target = config
    for key in parents:
        target = target.setdefault(key, {})
    target[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("studdy", "miniature", "top level: unknown key studdy; expected study, jobs_per_gpu"),
        ("study", "imaginary", "study = 'imaginary'; expected one of"),
        ("miniature.budgets.l3", [1], "miniature.budgets: unknown key l3; expected linf, l2"),
        ("miniature.budgets.l2", [0.5, -1], "miniature.budgets.l2.1 = '-1'; expected more than 0"),
        (
            "miniature.budgets.l2",
            [1, 1],
            "miniature.budgets.l2 = '[1, 1]'; expected each value once; 1 is",
        ),
        ("miniature.training.learning_rate", "fast", "learning_rate = 'fast'; expected a value of type number"),
        ("miniature.data.correlation", 1.5, "miniature.data.correlation = '1.5'; expected at most 1"),
        ("miniature.architectures", ["resnet9"], "miniature.architectures.0 = 'resnet9'; expected one of basic"),
        ("miniature.seeds", [0, 1], "miniature.seeds: is no key any more; write replicates, their number"),
        ("imagenet.seeds", [0], "imagenet.seeds: is no key any more; write replicates, their number"),
        (
            "miniature.sweeps.reference",
            {"images": [500]},
            "sweeps.reference: is no key any more; write ",
        ),
        ("miniature.replicates", 0, "miniature.replicates = '0'; expected at least 1 (How often the study is repeated"),
        ("miniature.replicates", -1, "miniature.replicates = '-1'; expected at least 1"),
        ("miniature.replicates", 1.5, "miniature.replicates = '1.5'; expected a value of type integer or string"),
        ("miniature.replicates", "many", "miniature.replicates = 'many'; expected text that matches ^auto$ (How often"),
        ("imagenet.decoded_gigabytes", -1, "imagenet.decoded_gigabytes = '-1'; expected at least 0 (Largest size of"),
        ("imagenet.decoded_gigabytes", "much", "decoded_gigabytes = 'much'; expected a value of type number"),
        ("miniature.decoded_gigabytes", 20, "miniature: unknown key decoded_gigabytes"),
        ("imagenet.replicates", [1], "imagenet.replicates = '[1]'; expected a value of type integer or string"),
        ("miniature.most_replicates", 0, "miniature.most_replicates = '0'; expected at least 1"),
        ("miniature.most_replicates", "auto", "most_replicates = 'auto'; expected a value of type integer"),
        (
            "miniature.standard_models",
            0,
            "miniature.standard_models = '0'; expected at least 1 (Standard models",
        ),
        ("miniature.controls.epochs", [0], "miniature.controls.epochs.0 = '0'; expected at least 1"),
        ("miniature.controls.images", [500, 500], "controls.images = '[500, 500]'; expected each value once"),
        ("claims.margins.bg_gap", 0, "claims.margins.bg_gap = '0'; expected more than 0"),
        ("claims.margins.bg_gap", -0.1, "claims.margins.bg_gap = '-0.1'; expected more than 0"),
        ("claims.margins.other", 2, "claims.margins.other = '2'; expected at most 1"),
        ("claims.margins.rcs", "small", "claims.margins.rcs = 'small'; expected a value of type number"),
        ("claims.criteria.ceiling", 1.5, "claims.criteria.ceiling = '1.5'; expected at most 1"),
        (
            "claims.criteria.floor",
            0.5,
            "claims.criteria: unknown key floor; expected chance_margin, ",
        ),
        ("theory.curves.norms", [1, "2"], "norms.0 = '1'; expected a value of type string: '1', in quotes"),
        ("theory.curves.noise", -1, "theory.curves.noise = '-1'; expected at least 0"),
    ],
)
def test_mistakes_are_one_line(path, value, message):
    with pytest.raises(InputError) as raised:
        checked(changed(path, value), SCHEMA)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("miniature.training.learning_rate", float("nan"), "learning_rate = nan; expected a finite number"),
        ("theory.curves.noise", float("inf"), "theory.curves.noise = inf; expected a finite number"),
        ("miniature.budgets.l2", [0.5, float("nan")], "miniature.budgets.l2.1 = nan; expected a finite number"),
        ("miniature.training.epochs", 10**30, "miniature.training.epochs is a number of 100 bits"),
        pytest.param("miniature.training.epochs", 1 << 20000, "a number of 20001 bits", id="endless"),
        ("miniature.training.epochs", 1e308, "miniature.training.epochs = "),
        ("miniature.training.epochs", 1.5, "epochs = '1.5'; expected a value of type integer"),
        ("miniature.data.seed", 2**40, "seed = '1099511627776'; expected at most 2147483647"),
        ("miniature.budgets.l2", [1e-5], "l2 = '[1e-05]'; expected 0, or numbers from 0.0001 to 999999: 1e-05 becomes"),
        ("miniature.budgets.l2", [1e7], "1e+07 becomes a name, which has no exponent"),
        ("miniature.budgets.l2", [1001], "miniature.budgets.l2.0 = '1001'; expected at most 1000"),
        ("miniature.sweeps.correlation.values", [0, 1e-5], "1e-05 becomes a name"),
        ("miniature.budgets.l2", [1, 1.0], "expected each value once; 1.0 is listed twice"),
        ("miniature.budgets.l2", [1, 1.0000001], "1 and 1.0000001 are both 1"),
        ("theory.curves.norms", ["2", "2.0"], "2 and 2.0 are both 2"),
        ("miniature.benchmarks.adversarial.domains", {"a b": "val"}, "domains: key 'a b'; expected a key that matches"),
        ("miniature.benchmarks.adversarial.domains", {"x_l2_eps1": "val"}, "domains: key 'x_l2_eps1'"),
        ("miniature.benchmarks.adversarial.domains", {1: "val"}, "key 1 is not text; write it in quotes"),
        ("imagenet.data.rival10.path", "a\nb", "holds a control character"),
        ("imagenet.data.rival10.path", "a\0b", "holds a control character"),
        ("imagenet.data.rival10.urls", ["ftp://x/y"], "urls.0 = 'ftp://x/y'; expected an address, one that starts"),
        ("imagenet.data.imagenet9.files", {"x.json": []}, "files: unknown key x.json; expected in_to_in9.json"),
        ("miniature.benchmarks.waterbird", {}, "miniature.benchmarks: unknown key waterbird; expected adversarial, "),
        ("imagenet.benchmarks", {}, "benchmarks = '{}'; expected at least 1 of adversarial, imagenet, "),
        ("miniature.replicates", 2000, "miniature.replicates = '2000'; expected at most 1000"),
    ],
)
def test_what_no_setting_can_be_is_one_line(path, value, message):
    with pytest.raises(InputError) as raised:
        checked(changed(path, value), SCHEMA)
    assert message in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("study_name", ["miniature", "imagenet"])
@pytest.mark.parametrize("pair", [[1, 1], [1, 1.0], [0.5, 0.50000001]])
def test_equal_values_are_refused_in_every_list_of_numbers_that_names_something(study_name, pair):
    """In both studies: a list without ``uniqueItems`` would merge them in silence."""
    found = [
        (key, part)
        for key, part in walk(schema(SCHEMA))
        if key.startswith(study_name) and isinstance(part.get("items"), dict) and key.rpartition(".")[2] != "extra"
    ]
    lists = [key for key, part in found if part["items"].get("type") in ("number", "integer")]
    assert len(lists) > 5
    for key in lists:
        with pytest.raises(InputError):
            checked(changed(key, pair), SCHEMA)


def test_every_number_has_a_largest_and_a_least_value():
    def parts(part):
        yield part
        for inner in [*part.get("properties", {}).values(), part.get("items"), part.get("additionalProperties")]:
            if isinstance(inner, dict):
                yield from parts(inner)

    numbers = 0
    for part in parts(schema(SCHEMA)):
        kinds = part.get("type", [])
        if {"number", "integer"} & set(kinds if isinstance(kinds, list) else [kinds]):
            numbers += 1
            assert {"minimum", "exclusiveMinimum"} & part.keys(), part
            assert {"maximum", "exclusiveMaximum"} & part.keys(), part
    assert numbers > 100


@pytest.mark.parametrize(
    ("path", "value", "meaning"),
    [
        ("miniature.controls.epochs", [2.0, 1.0], [2, 1]),
        ("miniature.controls.epochs", ["2", "1"], [2, 1]),  # as --config hands numbers over
        ("miniature.replicates", "3", 3),
        ("miniature.replicates", 3.0, 3),
        ("miniature.replicates", "auto", "auto"),
        ("miniature.training.epochs", "3", 3),
        ("miniature.training.epochs", 3.0, 3),
        ("miniature.training.learning_rate", "5e-4", 0.0005),  # YAML reads 5e-4 as text
        ("miniature.training.image_size", "null", None),
        ("miniature.budgets.l2", ["1", "0.5"], [1, 0.5]),
        ("imagenet.data.rival10.accept_licence", "true", True),
        ("imagenet.data.rival10.path", "null", None),
        ("imagenet.data.rival10.path", "0", "0"),  # text is allowed, so it stays
        ("theory.curves.norms", ["1", "inf"], ["1", "inf"]),
    ],
)
def test_values_are_read_as_what_the_schema_wants(path, value, meaning):
    full = checked(changed(path, value), SCHEMA)
    for key in path.split("."):
        full = full[key]
    assert full == meaning
    assert (
        [type(item) for item in full] == [type(item) for item in meaning]
        if isinstance(meaning, list)
        else (type(full) is type(meaning))
    )


@pytest.mark.parametrize("text", ["1_000", "0x10", "nan", "inf", "1e999", "1,5", " 1", "yes", "0.5.1", "", "-"])
def test_text_that_is_no_number_stays_text(text):
    with pytest.raises(InputError, match="expected a value of type number"):
        checked(changed("miniature.training.learning_rate", text), SCHEMA)


def test_a_config_that_holds_itself_is_one_line():
    config = {"study": "miniature"}
    config["miniature"] = config
    with pytest.raises(InputError, match="nested too deeply"):
        checked(config, SCHEMA)


def test_a_key_given_twice_is_named_with_file_and_lines(tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text("miniature:\n  replicates: 1\n  data: {seed: 1}\n  replicates: 2\n")
    with pytest.raises(InputError, match=r"lab.yaml, line 4: key replicates is given twice, first in line 2"):
        refuse_traps([path])
    path.write_text('{"study": "miniature",\n "study": "imagenet"}')
    with pytest.raises(InputError, match=r"lab.yaml, line 2: key study is given twice"):
        refuse_traps([path])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nepochs: 010\n", "line 2: 010 is read as 8 by YAML; write that, or in quotes what is text"),
        ("a: [1:30]", "1:30 is read as 90"),
        ("a: 0x1F", "0x1F is read as 31"),
        ("a: -0b11", "-0b11 is read as -3"),
    ],
)
def test_numbers_in_another_base_are_named(tmp_path, text, said):
    path = tmp_path / "lab.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(said)):
        refuse_traps([path])
    path.write_text("a: [0, 0.5, 1.0e-3, 10, -7, '010', 2026-01-02, 1:30 in words, 0.0]")
    refuse_traps([path])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("miniature.training.images", 1509, "miniature.training.images: 1509; expected a multiple of 10, as many"),
        ("miniature.controls.images", [10, 11], "miniature.controls.images: 11; expected a multiple of 10"),
        ("miniature.sweeps.correlation.images", 55, "sweeps.correlation.images: 55; expected a multiple of 10"),
        ("miniature.data.images.train", 3009, "data.images.train: 3009; expected a multiple of 10"),
        ("miniature.benchmarks.shifted_correlation.budgets", {}, "budgets: none of any norm; expected one or more"),
        ("miniature.benchmarks.shifted_correlation.budgets", {"linf": [], "l2": []}, "budgets: none of any norm"),
    ],
)
def test_what_steps_would_refuse_or_change_in_silence_is_one_line_before_anything_runs(path, value, message):
    config = checked(changed(path, value), SCHEMA)
    with pytest.raises(InputError) as raised:
        coherence.check(config)
    assert message in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("off", [False, "false", "False"])
def test_a_benchmark_that_is_false_is_left_out(off):
    config = deepcopy(SHIPPED)
    config["miniature"]["benchmarks"] |= {"waterbirds": off}
    found = checked(config, SCHEMA)["miniature"]["benchmarks"]
    assert found.keys() == SHIPPED["miniature"]["benchmarks"].keys() - {"waterbirds"}
    config["miniature"]["benchmarks"] |= {"waterbird": off}
    with pytest.raises(InputError, match=r"waterbird is left out, and there is no such benchmark; did you mean waterb"):
        checked(config, SCHEMA)
    del config["miniature"]["benchmarks"]["waterbird"]
    config["miniature"]["benchmarks"] |= {"waterbirds": True}
    with pytest.raises(InputError, match=r"miniature\.benchmarks\.waterbirds = 'True'"):
        checked(config, SCHEMA)


@pytest.mark.parametrize(
    "text",
    ["a: {x: 1}\nb: {x: 1}\n", "a: &a {x: 1}\nb: {<<: *a, y: *a}\nc: {<<: *a}\n", "a: [{x: 1}, {x: 2}]", "a: &a [*a]"],
)
def test_one_name_at_several_places_is_no_key_given_twice(tmp_path, text):
    (tmp_path / "lab.yaml").write_text(text)
    refuse_traps([tmp_path / "lab.yaml"])


def test_the_shipped_config_gives_no_key_twice():
    refuse_traps([ROOT / "config.yaml"])


def several(**values):
    """The shipped config with values at dotted paths, dots written as two underscores."""
    config = deepcopy(SHIPPED)
    for path, value in values.items():
        *parents, last = path.split("__")
        target = config
        for key in parents:
            target = target[key]
        target[last] = value
    return config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"miniature__benchmarks__adversarial__crop": 40}, r"adversarial.crop = 40; expected at most resize, 32"),
        ({"miniature__benchmarks__waterbirds__resize": 31}, r"waterbirds.crop = 32; expected at most resize, 31"),
        ({"miniature__benchmarks__objectnet__validation_resize": 20}, r"objectnet.crop = 32.*validation_resize, 20"),
        ({"miniature__benchmarks__objectnet__border": 18}, r"objectnet.border = 18; expected at most 17.*36 pixels"),
        ({"miniature__controls__images": [500, 3010]}, r"controls.images: 3010.*data.images.train, 3000"),
        ({"miniature__training__images": 3010}, r"training.images: 3010.*data.images.train, 3000"),
        ({"claims__margins__bg_gp": 0.1}, r"claims.margins names 'bg_gp', which no benchmark .*did you mean bg_gap"),
        (
            {"miniature__replicates": "auto", "miniature__budgets": {"linf": [], "l2": []}},
            r"replicates = 'auto'.*no adversarially trained model; list a budget, or give a number",
        ),
        (
            {"miniature__replicates": "auto", "miniature__benchmarks": {"adversarial": {}}},
            r"replicates = 'auto'.*no benchmark at hand that measures reliance",
        ),
        (
            {"miniature__benchmarks__adversarial__domains": {"broken": "val"}},
            r"domains.broken = 'val'.*val_decorrelated",
        ),
        (
            {"miniature__benchmarks__adversarial__domains": {"reversed": "val_decorrelated"}},
            r"domains.reversed = 'val_decorrelated'.*val_reversed",
        ),
        ({"theory__simulation__features": [100]}, r"theory.simulation.samples holds 100 with 100 features.* 500"),
        ({"miniature__data__image_size": 64}, r"miniature.benchmarks.imagenet.resize = 32; .*image_size, 64"),
        ({"miniature__training__image_size": 16}, r"miniature.training.image_size = 16; expected null: .*stored, 32"),
        ({"miniature__training__image_size": 32}, r"miniature.training.image_size = 32; expected null: .*stored, 32"),
        (
            {"miniature__training__overrides": {"basic_linf_eps8": {"image_size": 32}}},
            r"miniature.training.overrides.basic_linf_eps8.image_size = 32; expected null",
        ),
        (
            {"miniature__sweeps__objectives__trainings": {"larger": {"image_size": 32}}},
            r"miniature.sweeps.objectives.trainings.larger.image_size = 32; expected null",
        ),
        ({"theory__pgd__scale": 1.5}, r"theory.pgd.scale = 1.5; expected 2.0, that of theory.simulation"),
        ({"theory__curves__norms": ["2"]}, r"theory.curves.norms = 2; expected 1 among them"),
        ({"theory__anticausal_curves__norms": ["1", "2"]}, r"theory.anticausal_curves.norms = 1, 2; expected inf"),
        ({"miniature__benchmarks__rival10__size": 48}, r"miniature.benchmarks.rival10.size = 48; .*image_size, 32"),
        ({"theory__simulation__correlation": 0.3}, r"theory.simulation.correlation = 0.3; expected 0.7.*theory.curves"),
        ({"theory__pgd__noise": 0.9}, r"theory.pgd.noise = 0.9; expected 0.5"),
        (
            {"theory__pgd__scale": 0.3, "theory__simulation__scale": 0.3},
            r"theory.simulation.scale: 0.3; expected of theory.curves.scales, 0.5, 1, 1.5, 2, 3",
        ),
        ({"theory__anticausal_simulation__core_noise": 1}, r"anticausal_simulation.core_noise = 1; expected 0.5"),
        ({"theory__anticausal_simulation__scales": [0.2, 0.3]}, r"anticausal_simulation.scales: 0.3; expected of"),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(changes, message):
    with pytest.raises(InputError, match=message) as raised:
        plan.models(checked(several(**changes), SCHEMA))
    assert len(str(raised.value).splitlines()) == 1


def test_without_domains_the_adversarial_benchmark_and_what_only_it_measures_are_left_out():
    config = checked(several(miniature__benchmarks__adversarial__domains={}), SCHEMA)
    models = plan.models(config).values()
    assert "adversarial" not in plan.available_benchmarks(config)
    assert all(model.benchmarks for model in models)
    assert {model.role for model in models} == {"main", "background_scale_sweep", "control"}


def test_a_sweeps_world_has_the_value_of_the_config_not_of_its_name():
    config = checked(several(miniature__sweeps__correlation__values=[0.12345678]), SCHEMA)
    (world,) = {m.world for m in plan.models(config).values() if m.role == "correlation_sweep"}
    assert miniature.world_spec(config, world, "imagenet")["correlation"] == 0.12345678


def test_an_override_that_changes_nothing_is_one_line():
    config = checked(changed("miniature.training.overrides", {"basic_standard": {"attack_steps": 5}}), SCHEMA)
    with pytest.raises(InputError, match=r"overrides\.basic_standard: attack_steps = 5 changes nothing"):
        plan.models(config)


def test_unknown_overrides_name_the_ids_there_are():
    config = checked(changed("miniature.training.overrides", {"basic_l2_eps9": {"epochs": 2}}), SCHEMA)
    with pytest.raises(InputError, match=r"miniature\.training\.overrides names basic_l2_eps9.*like basic_standard"):
        plan.models(config)


def test_equal_budgets_written_differently_are_one_model_twice():
    with pytest.raises(InputError, match=r"basic_l2_eps1 is listed twice|differ"):
        plan.models(checked(changed("miniature.budgets.l2", [1.0000001, 1]), SCHEMA))


def test_the_shipped_config_is_the_schemas_defaults():
    assert checked({"study": SHIPPED["study"]}, SCHEMA) == checked(SHIPPED, SCHEMA)


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_benchmark_runs_where_the_config_lists_it_with_its_defaults(nothing):
    config = checked(changed("miniature.benchmarks", {"waterbirds": nothing, "imagenet9": {}}), SCHEMA)
    assert plan.available_benchmarks(config) == ["waterbirds", "imagenet9"]
    full = checked(SHIPPED, SCHEMA)["miniature"]["benchmarks"]
    assert config["miniature"]["benchmarks"] == {name: full[name] for name in ("waterbirds", "imagenet9")}
    models = plan.models(config).values()
    assert {model.role for model in models} == {"main", "control", "background_scale_sweep"}  # the last is attacked
    assert all(model.benchmarks for model in models)


@pytest.mark.parametrize("settings", [{"resize": 32}, {"resize": [32, 48], "crop": 40}, {"crop": 40}])
def test_a_new_benchmark_may_resize_without_a_crop_or_mean_something_else_by_it(settings):
    config = checked(SHIPPED, SCHEMA)
    config["miniature"]["benchmarks"]["waterbirds"] = settings
    assert plan.models(config)


@pytest.mark.parametrize(
    ("reads", "message"),
    [
        ("nowhere", r"^benchmarks/waterbirds.yaml: data: 'nowhere'; expected of imagenet, "),
        ("bare", r"^config: miniature.benchmarks.waterbirds: reads bare, which the miniature does not have; say in "),
    ],
)
def test_a_benchmark_of_data_that_are_not_there_is_one_line(reads, message, monkeypatch):
    found = dict(coherence.declared_benchmarks())
    found["waterbirds"] = found["waterbirds"]._replace(data=[reads])
    monkeypatch.setattr(coherence, "declared_benchmarks", lambda: found)
    bare = replace(coherence.data()["waterbirds"], miniature={})
    monkeypatch.setattr(coherence, "data", lambda: declared_data.data() | {"bare": bare})
    with pytest.raises(InputError, match=message) as raised:
        plan.models(checked(SHIPPED, SCHEMA))
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            {"type": "integer", "miniature": "wide", "imagenet": 8},
            "settings.crop.miniature = 'wide': 'wide' is not",
        ),
        (
            {"type": "integer", "maximum": 5, "miniature": 3, "imagenet": 8},
            "settings.crop.imagenet = '8': 8 is",
        ),
        ({"type": "integr", "miniature": 3, "imagenet": 8}, "settings.crop: not valid JSON Schema"),
        (
            {"type": "integer", "miniature": 3},
            "settings.crop: has no default for the study imagenet",
        ),
        ({"$ref": "#/$defs/side", "miniature": 3, "imagenet": 8}, "settings.crop: '#/$defs/side' is no definition"),
    ],
)
def test_a_mistake_in_a_declared_setting_is_one_line_with_file_and_key(setting, message, monkeypatch):
    found = dict(declared_benchmarks.benchmarks())
    found["waterbirds"] = found["waterbirds"]._replace(settings=found["waterbirds"].settings | {"crop": setting})
    monkeypatch.setattr(composition, "benchmarks", lambda: found)
    schema.cache_clear()
    try:
        with pytest.raises(InputError, match=re.escape(f"benchmarks/waterbirds.yaml: {message}")) as raised:
            schema(SCHEMA)
    finally:
        schema.cache_clear()
    assert len(str(raised.value).splitlines()) == 1


def walk(whole, path=""):
    for key, part in whole.get("properties", {}).items():
        yield f"{path}{key}", part
        yield from walk(part, f"{path}{key}.")


@pytest.mark.parametrize(("key", "part"), list(walk(schema(SCHEMA))))
def test_every_key_has_a_description_and_a_default_and_no_unknown_neighbours(key, part):
    assert part.get("description"), key
    # A benchmark is there when it is listed, and so are attacks in l1.
    if not ("overrides." in key or key.endswith("adversarial.budgets.l1") or part["type"] == ["object", "null"]):
        assert "default" in part, key
    if "object" in part.get("type", ()):
        assert "additionalProperties" in part, key


def test_the_default_study_trains_the_twenty_and_their_standards():
    models = [m for m in plan.models(checked(SHIPPED, SCHEMA)).values() if m.role == "main"]
    adversarial = [m for m in models if m.norm != "none"]
    assert len(adversarial) == 20
    assert {(m.architecture, m.norm) for m in adversarial} == {
        (a, n) for a in ("basic", "bottleneck") for n in ("l2", "linf")
    }
    standard = [m for m in models if m.norm == "none"]
    assert [m.id for m in standard if m.architecture == "basic"] == [
        f"basic_standard{copy}" for copy in ("", "_copy2", "_copy3")
    ]
    assert len({m.seed for m in models}) == len(models)
    assert len({canonical(m.spec | {"seed": 0, "architecture": ""}) for m in standard}) == 1  # their seeds alone differ
    assert {m.spec["epsilon"] for m in adversarial if m.norm == "linf"} == {e / 255 for e in (0.5, 1, 2, 4, 8)}


def test_one_meaning_has_one_string():
    a = canonical({"b": 1.0, "a": [0.5, 2.0], "c": {"y": 1, "x": None}})
    assert a == canonical({"c": {"x": None, "y": 1.0}, "a": (0.5, 2), "b": 1})
    assert a != canonical({"b": 2, "a": [0.5, 1.0], "c": {"y": 1, "x": None}})


def overriding(overrides, replicates):
    config = several(miniature__replicates=replicates, miniature__training__overrides=overrides)
    plain = plan.models(checked(several(miniature__replicates=replicates), SCHEMA))
    found = plan.models(checked(config, SCHEMA))
    return {name: found[name].spec["epochs"] for name in plain if plain[name] != found[name]}


def test_an_override_reaches_its_model_in_every_replicate_or_in_the_one_it_names():
    assert overriding({"basic_l2_eps1": {"epochs": 2}}, 1) == {"basic_l2_eps1": 2}
    assert overriding({"basic_l2_eps1": {"epochs": 2}}, 2) == {"basic_l2_eps1": 2, "basic_l2_eps1_rep2": 2}
    assert overriding({"basic_l2_eps1_rep2": {"epochs": 2}}, 3) == {"basic_l2_eps1_rep2": 2}
    both = {"basic_l2_eps1": {"epochs": 2}, "basic_l2_eps1_rep2": {"epochs": 3}}
    assert overriding(both, 2) == {"basic_l2_eps1": 2, "basic_l2_eps1_rep2": 3}
    with pytest.raises(InputError, match="overrides names basic_l2_eps1_rep2"):
        overriding({"basic_l2_eps1_rep2": {"epochs": 2}}, 1)


def test_attacked_are_models_of_the_first_replicate_and_no_copies():
    """As the caption of their figure says (figures/catalogue.yaml)."""
    config = deepcopy(SHIPPED)
    config["miniature"]["replicates"] = 2
    models = [model for model in plan.models(config).values() if model.role == "main"]
    attacked = {model.id for model in models if "adversarial" in model.benchmarks}
    assert attacked == {model.id for model in models if model.replicate == 1 and "_copy" not in model.id}


def test_criteria_that_no_accuracy_can_meet_are_one_line():
    with pytest.raises(
        InputError, match=r"claims\.criteria\.ceiling = 0\.05; expected more than chance_margin, 0\.05: no"
    ):
        plan.models(checked(changed("claims.criteria.ceiling", 0.05), SCHEMA))
