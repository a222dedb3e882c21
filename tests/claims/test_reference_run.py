"""A study's verdicts beside those of the published run."""

import csv
from pathlib import Path

import pytest
import yaml

from project_root import ROOT
from tradeoffs.claims import findings, reference_run
from tradeoffs.claims.reference_run import CONFLICT, HERE, NOT_HERE, NOT_THERE, SAME, THERE, compare, other_settings
from tradeoffs.claims.row import Claim
from tradeoffs.results.table import write_csv
from tradeoffs.runner import commands, messages
from tradeoffs.step.files import read_json
from tradeoffs.step.settings import canonical
from tradeoffs.study import specification
from tradeoffs.study.config import checked

VERDICTS = ("supported", "contradicted", "equivalent", "undecided")


def row(claim: str, verdict: str, scope: str = "conclusion", **cells: str) -> dict[str, str]:
    plain = dict.fromkeys(Claim._fields, "") | {"subject": "networks"}
    return plain | {"claim": claim, "statement": f"{claim} is so", "verdict": verdict, "scope": scope} | cells


def relations(ours: list[dict[str, str]], theirs: list[dict[str, str]]) -> dict[str, str]:
    return {each.claim: each.relation for each in compare(ours, theirs)}


def test_only_two_decided_verdicts_can_be_in_conflict() -> None:
    for ours in VERDICTS:
        for theirs in VERDICTS:
            found = relations([row("a", ours)], [row("a", theirs)])["a"]
            decided = "undecided" not in (ours, theirs)
            assert (found == CONFLICT) == (decided and ours != theirs)
            assert (found == SAME) == (ours == theirs)
            assert (found == HERE) == (ours == "undecided" != theirs)
            assert (found == THERE) == (theirs == "undecided" != ours)


def test_a_claim_of_one_run_alone_is_in_the_table() -> None:
    found = relations([row("a", "supported"), row("b", "supported")], [row("b", "supported"), row("c", "undecided")])
    assert found == {"a": NOT_THERE, "b": SAME, "c": NOT_HERE}


def test_the_same_claim_about_another_scale_is_another_claim() -> None:
    found = compare([row("a", "supported", statement="at 0.2")], [row("a", "contradicted", statement="at 0.3")])
    assert [each.relation for each in found] == [NOT_THERE, NOT_HERE]


def test_settings_that_differ_are_named_with_both_values_but_not_the_replicates() -> None:
    ours = {"miniature.replicates": 1, "miniature.training.epochs": 12, "claims.ceiling": 1.0, "miniature.extra": 3}
    theirs = {"miniature.replicates": 10, "miniature.training.epochs": 24, "claims.ceiling": 1}
    assert other_settings(ours, theirs) == {
        "miniature.training.epochs": "12, there 24",
        "miniature.extra": "3, there not set",
    }


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """A run that is published: three claims."""
    rows = [row("a", "supported"), row("b", "supported"), row("c", "equivalent", scope="exploratory")]
    monkeypatch.setattr(reference_run, "TABLE", table(tmp_path / "published.csv", rows))
    facts = {"date": "2026-01-02", "commit": "abc", "replicates": 10, "settings": {"miniature.training.epochs": 24}}
    monkeypatch.setattr(reference_run, "FACTS", tmp_path / "published.yaml")
    (tmp_path / "published.yaml").write_text(yaml.safe_dump(facts))
    return rows


def table(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w") as file:
        writer = csv.DictWriter(file, Claim._fields)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_end_of_a_run_says_which_verdicts_differ(
    published: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messages.print_reference(tmp_path)
    assert capsys.readouterr().err == "", "nothing was compared"
    ours = [row("a", "contradicted"), row("b", "undecided"), row("c", "supported", scope="exploratory")]
    table(tmp_path / "claims.csv", ours)
    (tmp_path / "cards").mkdir()
    spec = canonical({"settings": {"miniature.training.epochs": 12}, "reference": "digest"})
    options = {"spec": spec, "claims": tmp_path / "claims.csv", "out": tmp_path / "reference.csv"}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    assert commands.main(["reference", *words, "--card", str(tmp_path / "cards/reference.json")]) == 0
    assert read_json(tmp_path / "cards/reference.json")["relations"] == {CONFLICT: 2, HERE: 1}
    capsys.readouterr()
    messages.print_reference(tmp_path)
    said = capsys.readouterr().err
    assert "0 of 3 verdicts are those of the reference run (10 replicates, 2026-01-02, commit abc); 2 " in said
    assert "a: contradicted here, supported there" in said
    assert "b: undecided here, supported there" in said
    assert "exploratory: 1 conflict" in said
    assert "miniature.training.epochs 12, there 24" in said


def test_a_broken_table_of_claims_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "claims.csv").write_text("claim,verdict\na,supported\n")
    options = ["--claims", str(tmp_path / "claims.csv"), "--out", str(tmp_path / "out.csv"), "--card", "card.json"]
    spec = canonical({"settings": {}, "reference": ""})
    assert commands.main(["reference", "--spec", spec, *options]) == 2
    assert "claims.csv: columns statement, " in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_what_is_published_is_the_default_study_but_for_its_replicates_and_what_its_page_says() -> None:
    """Else a default run would be compared with something else, and the pages would show it and not say so."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    default = specification.reference_run.flat(checked(config, ROOT / "workflow/schemas/config.schema.yaml"))
    changes = (ROOT / "docs/results.md").read_text().partition("Changes came after it:")[2].partition("\n\n")[0]
    for name, values in other_settings(default, reference_run.facts()["settings"]).items():
        assert values in " ".join(changes.split()), f"{name}: {values}"


def test_the_front_page_says_what_the_published_claims_come_to() -> None:
    text = (ROOT / "README.md").read_text()
    said = text.partition("<!-- findings -->\n")[2].partition("\n<!-- end of findings -->")[0]
    lead = [f"Of the miniature ({reference_run.in_words(reference_run.facts())}):", ""]
    assert said.splitlines() == lead + [f"* {each}" for each in findings.in_short(reference_run.published())]


def test_findings_name_every_verdict_of_the_headlines_with_its_effect() -> None:
    effects = {"value": "0.1", "ci_low": "0.05", "ci_high": "0.15"}
    benchmarks = ("rival10", "salient_imagenet", "imagenet9", "waterbirds")
    rows = [
        row(name, verdict, "headline", benchmarks=name, metric="m", at_equal_accuracy="False", **effects)
        for name, verdict in zip(benchmarks, VERDICTS, strict=True)
    ]
    (said,) = findings.findings(rows)
    effect = " (+0.100 [0.050, 0.150])"
    for words in ("more on RIVAL10", "less on Salient ImageNet", "within the margin, on ImageNet-9", "undecided on "):
        assert words in said
    assert said.count(effect) == 4
    assert findings.in_short(rows) == [said.replace(effect, "")]


def test_a_finding_says_where_a_criterion_took_the_verdict() -> None:
    """An interval far from 0 that is undecided would be a riddle."""
    effects = {"value": "0.1", "ci_low": "0.05", "ci_high": "0.15", "metric": "m", "at_equal_accuracy": "False"}
    rows = [
        row("a", "undecided", "headline", benchmarks="imagenet9", warning="no room to fall", **effects),
        row("b", "undecided", "headline", benchmarks="waterbirds", **effects),
    ]
    (said,) = findings.findings(rows)
    assert "; no verdict, as a criterion fails, on ImageNet-9 (+0.100" in said
    assert "undecided on Waterbirds (+0.100" in said
    (said,) = findings.findings([row("spurious_correlation.broken", "undecided", warning="at chance")])
    assert "at test: no verdict, as a criterion fails: accuracy under attack." in said
    (said,) = findings.findings([row("background_scale.l2", "undecided", warning="no room to fall")])
    assert said == "background_scale.l2 is so: no verdict, as a criterion fails."


def test_what_is_exploratory_is_said_to_be() -> None:
    claims = ("background_scale.linf.scale0.2", "shifted_correlation.excess_risk_removed")
    for scope, end in (("exploratory", " (exploratory)."), ("conclusion", ".")):
        rows = [
            row(claims[0], "supported", scope, norm="linf", background_scale="0.2"),
            row(claims[1], "undecided", scope),
        ]
        for said in findings.findings(rows):
            assert said.endswith(end)
            assert ("exploratory" in said) is (scope == "exploratory")
    assert len(findings.findings(rows)) == 2


def test_a_published_run_says_where_a_criterion_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its claims some columns alone are kept."""
    warned = row("spurious_correlation.broken", "undecided", warning="at chance: a (limit b)")
    columns = reference_run.COLUMNS
    write_csv(tmp_path / "published.csv", columns, [[warned[column] for column in columns]])
    monkeypatch.setattr(reference_run, "TABLE", tmp_path / "published.csv")
    assert findings.findings(reference_run.published()) == findings.findings([warned])


def test_a_finding_about_accuracy_that_falls_shows_the_fall() -> None:
    fall = row("spurious_correlation.broken", "supported", value="0.3", ci_low="0.2", ci_high="0.5")
    (said,) = findings.findings([fall])
    assert "lowers accuracy under attack (-0.300 [-0.500, -0.200])" in said
