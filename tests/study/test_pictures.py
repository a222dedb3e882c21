"""Whose pictures a page or a report may show, and which models are shown with them."""

from copy import deepcopy

import pytest
import yaml

from project_root import ROOT
from tradeoffs.figures.catalogue import catalogue
from tradeoffs.runner import listing
from tradeoffs.step.declared_benchmarks import benchmarks, with_images
from tradeoffs.step.declared_data import data
from tradeoffs.study import examples, figures, pictures, plan
from tradeoffs.study.config import checked

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
ARCHIVED = ("rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet")
RESEARCH_ONLY = {"imagenet", "imagenet9", "rival10", "salient_imagenet", "waterbirds"}


def config_of(study, **changes):
    config = deepcopy(SHIPPED) | {"study": study}
    config[study] |= changes
    return checked(config, SCHEMA)


@pytest.fixture
def published(tmp_path):
    """The imagenet study with every data set at hand."""
    for split in ("train", "val"):
        (tmp_path / "ILSVRC" / split).mkdir(parents=True)
    given = {name: {"accept_licence": True} for name in ARCHIVED}
    return lambda **more: config_of(
        "imagenet", data=given | {"imagenet": {"path": str(tmp_path / "ILSVRC")}}, controls=[], **more
    )


def test_research_only_pictures_are_not_passed_on_and_it_is_said_why():
    assert {name for name in data() if not pictures.rule("imagenet", name).embed} == RESEARCH_ONLY
    for name in data():
        rule = pictures.rule("imagenet", name)
        assert rule.licence == data()[name].licence
        assert "does not say" not in rule.why
    assert "red border" in pictures.rule("imagenet", "objectnet").why


def test_the_miniature_s_pictures_are_its_own_and_their_authors_are_named():
    for name in listing.miniature():
        rule = pictures.rule("miniature", name)
        assert rule.embed
        assert "danielbuechele and vultilion, CC BY 2.0" in rule.licence


def test_a_data_set_that_says_nothing_is_not_passed_on(tmp_path):
    (tmp_path / "birds.yaml").write_text("{title: Birds, licence: CC BY 4.0, forbids: nothing, folder: birds}")
    assert not data(tmp_path)["birds"].embed


def test_no_figure_of_a_report_shows_research_only_pictures(published):
    showing = {entry.name: set(entry.data) for entry in catalogue() if entry.data}
    assert len(showing) == 6
    found = figures.figures(published())
    assert len(found) > 10
    assert not {name for name, shown in showing.items() if shown & RESEARCH_ONLY} & set(found)
    assert showing.keys() <= set(figures.figures(config_of("miniature")))


def test_the_page_is_told_what_it_may_embed(published):
    config, own = published(), config_of("miniature")
    assert set(examples.shown(config)) == {*ARCHIVED, "imagenet", "adversarial"}
    assert set(examples.shown(own)) == set(benchmarks()) == {*examples.shown(config), "shifted_correlation"}
    for name in examples.shown(config):
        assert examples.told(config, name)["pictures"]["embed"] == (name == "objectnet")
        assert examples.told(own, name)["pictures"]["embed"]


def test_standard_models_and_largest_budgets_are_shown_whatever_came_out(published):
    default = plan.models(config_of("miniature", replicates=2)).values()
    ends = ("standard", "linf_eps8", "l2_eps2")
    assert [m.id for m in examples.chosen(default)] == [f"{a}_{e}" for a in ("basic", "bottleneck") for e in ends]
    twenty = plan.models(published()).values()
    ends = ("standard", "linf_eps8", "l2_eps5")
    assert [m.id for m in examples.chosen(twenty)] == [f"{a}_{e}" for a in ("resnet18", "resnet50") for e in ends]


def test_own_models_are_shown_where_there_are_no_others(published):
    own = [{"id": f"mine{i}", "source": "torchvision", "name": "resnet18", "pretrained": "DEFAULT"} for i in range(8)]
    alone = plan.models(published(architectures=[], extra=own)).values()
    assert [model.id for model in examples.chosen(alone)] == [f"mine{i}" for i in range(6)]
    beside = plan.models(published(extra=own)).values()
    assert not [model.id for model in examples.chosen(beside) if model.role == "extra"]


def test_a_model_is_shown_with_the_benchmarks_that_it_is_put_through(published):
    own = [
        {"id": "mine", "source": "torchvision", "name": "resnet18", "pretrained": "DEFAULT", "benchmarks": ["rival10"]}
    ]
    config = published(architectures=[], extra=own)
    assert examples.shown(config) == ["rival10"]
    assert [model["id"] for model in examples.told(config, "rival10")["models"]] == ["mine"]


def test_every_module_of_examples_is_of_a_benchmark():
    modules = {path.stem for path in (ROOT / "workflow/tradeoffs/examples/sets").glob("*.py")} - {"__init__"}
    assert set(with_images()) == modules <= set(benchmarks())
