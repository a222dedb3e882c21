"""A source is one module and one line of facts; its code makes no other source's models again."""

import pytest

from project_root import ROOT
from tradeoffs.models import convert, sources
from tradeoffs.runner import commands
from tradeoffs.step import code_id
from tradeoffs.step.errors import InputError

REST = "pretrained: false, code: false, factory: false, normalisation: given, features: true}"
FOLDER = ROOT / "workflow/tradeoffs/models/sources"


def test_every_source_has_a_module_and_facts():
    assert set(sources.listed()) == {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert set(sources.own()) == set(sources.listed()) - {"released", "zoo"}


def reached(module):
    return set(code_id._closure(module, ROOT / "workflow/tradeoffs"))


@pytest.mark.parametrize("source", sources.listed())
def test_a_sources_models_depend_on_its_own_code_and_evaluations_on_none(source):
    step = convert.step(source)
    assert step.code == ("tradeoffs.models.convert", f"tradeoffs.models.sources.{source}")
    others = {f"tradeoffs.models.sources.{name}" for name in sources.listed() if name != source}
    assert not others & {name for module in step.code for name in reached(module)}
    assert not any(name.startswith("tradeoffs.models.sources") for name in reached("tradeoffs.models.networks"))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("{own: true}", "expected the keys own, name, pretrained, code, factory, normalisation, features"),
        ("here", "expected the keys own"),
        (
            f"{{own: true, name: file, {REST}",
            "name = 'file'; expected one of library, architecture, none",
        ),
        (
            f"{{own: 3, name: none, {REST}",
            "own = 3; expected one of True, False",
        ),
    ],
)
def test_a_mistake_in_the_facts_is_one_line(facts, said, tmp_path):
    table = tmp_path / "sources.yaml"
    table.write_text(f"keras: {facts}\n")
    with pytest.raises(InputError, match=rf"^{table}: keras.*{said}"):
        sources.listed(table)


def test_an_unknown_source_names_those_there_are():
    with pytest.raises(InputError, match="convert keras: no such source; expected one of released, torchvision, timm"):
        commands.step("convert", "keras")


def test_a_released_model_asks_for_its_file(tmp_path, capsys):
    spec = '{"architecture": "resnet18", "classes": 10}'
    out = ["--weights", str(tmp_path / "w.pt"), "--card", str(tmp_path / "c.json")]
    assert commands.main(["convert", "released", "--spec", spec, *out]) == 2
    assert capsys.readouterr().err == "error: source released needs a --checkpoint file; give one\n"
    assert not list(tmp_path.iterdir())
