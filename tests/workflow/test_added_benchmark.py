"""A benchmark is added by two files and one key of the config, as the guide says; wrong ones are refused."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from guide_files import files_of
from project_root import ROOT, copy_project

NAME = "grey_border"
DECLARATION = f"workflow/tradeoffs/benchmarks/{NAME}.yaml"
RESULTS = Path("results/miniature")
FIGURES = [RESULTS / f"figures/{name}.svg" for name in (f"benchmark_{NAME}", "overview")]
WANTED = [RESULTS / "summary.csv", RESULTS / "claims.csv", *FIGURES]


def project(folder):
    """A copy of the project with the guide's benchmark, which is all that its small study has."""
    copy_project(folder)
    files = files_of("add-benchmark")
    (key,) = [yaml.safe_load(text) for path, text in files.items() if path.startswith("config.yaml")]
    config = yaml.safe_load((ROOT / "tests/small.yaml").read_text())
    config["miniature"]["benchmarks"] = key
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    written = {path: text for path, text in files.items() if not path.startswith("config.yaml")}
    assert sorted(Path(path).suffix for path in written) == [".py", ".yaml"]
    for path, text in written.items():
        assert not (folder / path).exists()
        (folder / path).write_text(text)
    return folder


def snakemake(folder, *arguments):
    command = [Path(sys.executable).with_name("snakemake"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = project(tmp_path_factory.mktemp("added"))
    done = snakemake(folder, "--cores", "2", *WANTED)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_its_metrics_are_in_the_summary(study):
    table = pd.read_csv(study / RESULTS / "summary.csv")
    assert set(table["benchmark"]) == {NAME}
    assert set(table["metric"]) == {"border_gap", "accuracy"}
    main = {"basic_standard", "basic_standard_copy2", "basic_linf_eps4", "basic_l2_eps0.5"}
    assert set(table["model"]) == main
    assert (table["ci_low"] <= table["ci_high"]).all()


def test_its_claims_have_verdicts(study):
    table = pd.read_csv(study / RESULTS / "claims.csv").set_index("claim")
    claim = f"background_reliance.{NAME}.border_gap"
    own = table[table.index.str.startswith(claim)]
    headlines = [claim, f"{claim}_beyond_accuracy"]
    assert (own.loc[headlines, "scope"] == "headline").all()
    assert (own.drop(headlines)["scope"] == "exploratory").all()
    assert own["verdict"].isin(["supported", "contradicted", "equivalent", "undecided"]).all()
    assert own["statement"].str.contains("On Grey border, .*accuracy lost when the border turns grey").all()
    assert NAME in table.loc["background_reliance", "evidence"]


def test_its_figure_is_drawn_and_the_overview_has_its_column(study):
    assert "Grey border" in text_of(study / FIGURES[0])
    overview = text_of(study / FIGURES[1])
    assert "Grey border" in overview
    assert "not measured" not in overview
    card = json.loads((study / RESULTS / "cards/figure_overview.json").read_text())
    assert NAME in str(card["spec"])


def test_the_report_shows_its_figure(study):
    done = snakemake(study, "--report", "report.html", *WANTED)
    assert done.returncode == 0, done.stdout + done.stderr
    report = (study / "report.html").read_text()
    assert f"benchmark_{NAME}.svg" in report
    assert "Grey border" in report
    assert "whole and with a grey border" in report


def text_of(svg):
    """What is written in a figure: matplotlib draws letters as paths, and says the text in a comment before them."""
    return " ".join(re.findall(r"<!-- (.*?) -->", svg.read_text(), re.DOTALL))


@pytest.fixture(scope="module")
def unrun(tmp_path_factory):
    return project(tmp_path_factory.mktemp("refused"))


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (
            "needs: []",
            "needs: [logits]",
            r"grey_border\.yaml: needs: 'logits' is unknown; expected any of features, gra",
        ),
        (
            "miniature: 4,",
            "miniature: 0,",
            r"benchmarks/grey_border\.yaml: settings\.border\.miniature = '0': .*minimum",
        ),
        ("miniature: 4,", "miniature: four,", r"grey_border\.yaml: settings\.border\.miniature = 'four': .*'integer'"),
        (
            "direction: more",
            "direction: up",
            r"grey_border\.yaml: metrics\.border_gap\.direction = 'up'; expected more o",
        ),
        (
            "data: [imagenet]",
            "data: [imagnet]",
            r"grey_border\.yaml: data: 'imagnet' is unknown; expected any of image",
        ),
        ("title: Grey border\n", "", r"grey_border\.yaml: missing or unknown key title; expected title, caption"),
    ],
)
def test_a_wrong_declaration_stops_everything_in_one_line(unrun, right, wrong, expected):
    path = unrun / DECLARATION
    declared = path.read_text()
    assert right in declared
    path.write_text(declared.replace(right, wrong))
    try:
        refused(unrun, expected)
    finally:
        path.write_text(declared)


def test_a_declaration_without_its_module_stops_everything_in_one_line(unrun):
    module = (unrun / DECLARATION).with_suffix(".py")
    code = module.read_text()
    module.unlink()
    try:
        refused(unrun, r"grey_border\.yaml: there is no grey_border\.py beside it; write it, or remove")
    finally:
        module.write_text(code)


def refused(folder, expected):
    done = snakemake(folder, "-n")
    assert done.returncode != 0
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert re.search(expected, line), line
