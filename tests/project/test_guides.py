"""What the guides tell their reader to write does what they say."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from guide_files import files_of, module_of
from tradeoffs.claims import catalogue as claims_catalogue
from tradeoffs.claims.row import SUPPORTED
from tradeoffs.figures import catalogue as figures_catalogue
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.study import Model, Study
from tradeoffs.results.table import SUMMARY_COLUMNS, write_csv
from tradeoffs.step.declared_benchmarks import benchmarks
from tradeoffs.step.declared_data import data
from tradeoffs.step.errors import InputError


def declared(guide, folder):
    """Write the declaration of a guide into a folder, and an empty module beside it; return its name."""
    ((path, text),) = [(Path(p), t) for p, t in files_of(guide).items() if p.endswith(".yaml") and "config" not in p]
    (folder / path.name).write_text(text)
    (folder / path.name).with_suffix(".py").touch()
    return path.stem


def test_the_benchmark_s_border_turns_grey_and_nothing_else():
    module = module_of("add-benchmark")
    images = torch.rand(2, 3, 9, 8)
    found = module.grey(images, 2)
    assert torch.equal(found[:, :, 2:-2, 2:-2], images[:, :, 2:-2, 2:-2])
    outside = torch.ones(9, 8, dtype=torch.bool)
    outside[2:-2, 2:-2] = False
    assert (found[:, :, outside] == 0.5).all()


def test_the_benchmark_s_declaration_is_one(tmp_path):
    name = declared("add-benchmark", tmp_path)
    (code,) = [text for path, text in files_of("add-benchmark").items() if path.endswith(".py")]
    (tmp_path / f"{name}.py").write_text(code)
    found = benchmarks(tmp_path)[name]
    assert (found.title, list(found.data), list(found.needs)) == ("Grey border", ["imagenet"], [])
    used = yaml.safe_load(next(text for path, text in files_of("add-benchmark").items() if path.startswith("config")))
    assert used == {name: {}}


def test_the_data_set_is_declared_and_read(tmp_path):
    name = declared("add-data-set", tmp_path)
    found = data(tmp_path)[name]
    module = module_of("add-data-set")
    assert found.folder == module.FOLDER
    with pytest.raises(InputError, match="no images of any species"):
        module.read(tmp_path)
    for species, count in (("wren", 2), ("owl", 1)):
        (tmp_path / module.FOLDER / species).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (4, 4)).save(tmp_path / module.FOLDER / species / f"{i}.png")
    read = module.read(tmp_path)
    assert [path.parent.name for path in read.paths] == ["owl", "wren", "wren"]
    assert read.y.tolist() == [0, 1, 1]


def test_the_figure_is_drawn_and_listed(tmp_path):
    rows = [
        (
            "miniature",
            f"{net}_{norm}_{epsilon}",
            "main",
            net,
            norm,
            epsilon,
            0,
            "imagenet",
            "accuracy",
            0.5,
            0.4,
            0.6,
            9,
        )
        for net in ("basic", "bottleneck")
        for norm in ("linf", "l2")
        for epsilon in (1.0, 2.0)
    ]
    table = tmp_path / "summary.csv"
    write_csv(table, SUMMARY_COLUMNS, rows)
    module = module_of("add-figure")
    (axes,) = module.draw(summary=table).axes
    assert [line.get_label() for line in axes.get_lines()] == [
        "basic l2",
        "basic linf",
        "bottleneck l2",
        "bottleneck linf",
    ]
    write_csv(table, SUMMARY_COLUMNS, [(*row[:8], "bg_gap", *row[9:]) for row in rows])
    assert not module.draw(summary=table).axes
    listed = yaml.safe_load(files_of("add-figure")["workflow/tradeoffs/figures/catalogue.yaml"])
    assert module.__name__.rpartition(".")[2] in listed
    for entry in listed.values():
        assert entry.keys() <= set(figures_catalogue.Entry._fields)


def test_the_claim_holds_where_its_effect_is_positive():
    module = module_of("add-claim")
    draws = np.random.default_rng(0).normal(0, 0.01, 1000)

    def model(norm, epsilon):
        name = f"basic_{norm}_eps{epsilon}"
        return Model(name, "main", "basic", norm, epsilon, 0, "default", ("waterbirds",), None, None, None)

    models = [model("none", 0), model("linf", 2), model("linf", 4), model("linf", 8)]
    values = dict(zip([m.id for m in models], (0.9, 0.8, 0.7, 0.61), strict=True))
    key = (module.METRIC.benchmark, module.METRIC.name)
    measured = {(name, *key): Measured(value, value + draws[::-1] * value, 50) for name, value in values.items()}
    (row,) = module.claims(measured, Study("miniature", models, []))
    assert row.value == pytest.approx(0.9 - 0.7033333)
    assert row.verdict == SUPPORTED
    (row,) = module.claims(measured, Study("miniature", models[:3], []))
    assert (row.value, row.evidence) == (
        None,
        "waterbirds: basic_linf_eps2, basic_linf_eps4: fewer than three budgets, and one replicate",
    )
    assert row[-5:] == (
        *("waterbirds", "adjusted_average_accuracy", "basic_linf_eps2 basic_linf_eps4 basic_none_eps0", False),
        "fewer than three budgets, and one replicate",
    )
    assert module.claims({}, Study("miniature", models, [])) == []
    (line,) = yaml.safe_load(files_of("add-claim")["workflow/tradeoffs/claims/catalogue.yaml"])
    assert line == module.__name__.rpartition(".")[2]
    assert line not in claims_catalogue.catalogue()
