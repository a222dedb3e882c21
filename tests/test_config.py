"""A wrong config is refused in one line that names the key, the value and what was expected."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tradeoffs import study
from tradeoffs.config import checked
from tradeoffs.errors import InputError
from tradeoffs.studies.model import canonical

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())


def changed(path, value):
    config = deepcopy(SHIPPED)
    *parents, last = path.split(".")
    target = config
    for key in parents:
        target = target[key]
    target[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("studdy", "miniature", "top level: unknown key studdy; expected study, jobs_per_gpu"),
        ("study", "imaginary", "study = 'imaginary'; expected one of"),
        ("miniature.budgets.l3", [1], "miniature.budgets: unknown key l3; expected linf, l2"),
        ("miniature.budgets.l2", [0.5, -1], "miniature.budgets.l2.1 = '-1'; expected more than 0"),
        ("miniature.budgets.l2", [1, 1], "miniature.budgets.l2 = '[1, 1]'; expected values that differ"),
        ("miniature.training.learning_rate", "fast", "learning_rate = 'fast'; expected a value of type number"),
        ("miniature.data.correlation", 1.5, "miniature.data.correlation = '1.5'; expected at most 1"),
        ("miniature.architectures", ["resnet9"], "miniature.architectures.0 = 'resnet9'; expected one of basic"),
        ("miniature.seeds", [0, 0], "expected values that differ"),
        ("theory.curves.noise", -1, "theory.curves.noise = '-1'; expected at least 0"),
    ],
)
def test_mistakes_are_one_line(path, value, message):
    with pytest.raises(InputError) as raised:
        checked(changed(path, value), SCHEMA)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_unknown_overrides_name_the_ids_there_are():
    config = checked(changed("miniature.training.overrides", {"basic_l2_eps9": {"epochs": 2}}), SCHEMA)
    with pytest.raises(InputError, match=r"overrides names basic_l2_eps9.*ids look like basic_standard"):
        study.models(config)


def test_equal_budgets_written_differently_are_one_model_twice():
    with pytest.raises(InputError, match=r"basic_l2_eps1 is listed twice|differ"):
        study.models(checked(changed("miniature.budgets.l2", [1.0000001, 1]), SCHEMA))


def test_the_shipped_config_is_the_schemas_defaults():
    assert checked({"study": SHIPPED["study"]}, SCHEMA) == checked(SHIPPED, SCHEMA)


def walk(schema, path=""):
    for key, part in schema.get("properties", {}).items():
        yield f"{path}{key}", part
        yield from walk(part, f"{path}{key}.")


@pytest.mark.parametrize(("key", "part"), list(walk(yaml.safe_load(SCHEMA.read_text()))))
def test_every_key_has_a_description_and_a_default_and_no_unknown_neighbours(key, part):
    assert part.get("description"), key
    if "overrides." not in key:
        assert "default" in part, key
    if part.get("type") == "object":
        assert "additionalProperties" in part, key


def test_the_default_study_trains_the_twenty_and_their_standards():
    models = [m for m in study.models(checked(SHIPPED, SCHEMA)).values() if m.role == "main"]
    adversarial = [m for m in models if m.norm != "none"]
    assert len(adversarial) == 20
    assert {(m.architecture, m.norm) for m in adversarial} == {
        (a, n) for a in ("basic", "bottleneck") for n in ("l2", "linf")
    }
    assert sum(m.norm == "none" for m in models) == 2
    assert {m.spec["epsilon"] for m in adversarial if m.norm == "linf"} == {e / 255 for e in (0.5, 1, 2, 4, 8)}


def test_several_seeds_make_several_models_whose_ids_say_so():
    config = checked(changed("miniature.seeds", [0, 1]), SCHEMA)
    models = study.models(config)
    assert models["basic_l2_eps1_seed1"].spec["seed"] == 1
    assert len(models) == 2 * len(study.models(checked(SHIPPED, SCHEMA)))


def test_one_meaning_has_one_string():
    a = canonical({"b": 1.0, "a": [0.5, 2.0], "c": {"y": 1, "x": None}})
    assert a == canonical({"c": {"x": None, "y": 1.0}, "a": (0.5, 2), "b": 1})
    assert a != canonical({"b": 2, "a": [0.5, 1.0], "c": {"y": 1, "x": None}})


def test_an_override_reaches_its_model_only():
    config = checked(changed("miniature.training.overrides", {"basic_l2_eps1": {"epochs": 2}}), SCHEMA)
    plain, overridden = study.models(checked(SHIPPED, SCHEMA)), study.models(config)
    assert [name for name in plain if plain[name] != overridden[name]] == ["basic_l2_eps1"]
