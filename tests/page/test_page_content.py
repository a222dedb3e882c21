"""What the page says: the answer from the claims, what is missing and why, and text of anybody's as text."""

import json
import re
from html.parser import HTMLParser

import hypothesis
import pytest
from hypothesis import strategies as st

from page.made_study import CLAIMS, HOSTILE, hostile, model, page, pictures, write
from tradeoffs.claims.reference_run import THERE, Compared
from tradeoffs.claims.row import CONTRADICTED, HEADLINE, SUPPORTED, UNDECIDED
from tradeoffs.page import command, facts, look
from tradeoffs.page.claim_list import claim_list, scale
from tradeoffs.page.embedding import embedded
from tradeoffs.page.leaderboard import leaderboard
from tradeoffs.page.overview import answer, run, sure
from tradeoffs.results import study
from tradeoffs.results.table import SUMMARY_COLUMNS, write_csv
from tradeoffs.runner import commands
from tradeoffs.step.cards import digests, read_card
from tradeoffs.step.errors import InputError

BESIDE = [Compared("a", "Any.", HEADLINE, SUPPORTED, UNDECIDED, THERE)]


def known(folder, **words):
    settings, written = write(folder, **words)
    told = study.study_of(study.Settings(settings.study, settings.models, settings.benchmarks))
    return facts.read(told, settings.sources, facts.Places(**written))


class Texts(HTMLParser):
    """What a reader sees, what is in each script of data, and the tags and attributes that there are."""

    def __init__(self):
        super().__init__()
        self.seen, self.data, self.tags, self.attributes, self._within = [], {}, [], set(), []

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.tags.append(tag)
        self.attributes |= told.keys()
        if tag in ("script", "style"):
            self._within = [told.get("id", "")]

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._within = []

    def handle_data(self, text):
        if not self._within:
            self.seen.append(text)
        elif self._within[0]:
            self.data[self._within[0]] = json.loads(text)


def read(path):
    found = Texts()
    found.feed(path.read_text())
    return found


def words(path):
    return " ".join(" ".join(read(path).seen).split()).replace(" :", ":")


def test_the_answer_is_computed_from_the_claims(tmp_path):
    first, second, third = answer(known(tmp_path))
    assert first == "Undecided: of 2 headline measures of reliance 1 is supported, 1 is undecided."
    assert second.startswith("Nothing is said of headlines at equal clean accuracy: too few standard models")
    said = "The other conclusion about networks is supported; the exact statement about linear models is supported."
    assert third == f"When? {said}"


def test_without_a_grid_nothing_is_said_of_headlines_and_the_reason_is_that(tmp_path):
    """Whether there is one says the study, and not whether a row is there."""
    own = CLAIMS[1]._replace(claim="own.a", scope="exploratory", at_equal_accuracy=True)
    models = [model("plain"), model("own", role="extra")]
    first, second, _ = answer(known(tmp_path, claims=[own], models=models))
    why = "the study has no grid of adversarially trained models to ask it of"
    assert first == f"No answer over all benchmarks: {why}."
    assert second == (
        f"Nothing is said of headlines at equal clean accuracy: {why}; rows of single models at equal accuracy: 1."
    )
    (tmp_path / "grid").mkdir()
    models.append(model("robust", norm="l2", epsilon=1.0))
    first, second, _ = answer(known(tmp_path / "grid", claims=[own], models=models))
    assert first == "No answer over all benchmarks: no measure of reliance was taken of it."
    assert second.startswith("Nothing is said of headlines at equal clean accuracy: too few standard models")


def test_an_answer_that_rests_on_each_headline_by_itself_says_so(tmp_path):
    """All of them hold by themselves, and none in the family: both are said."""
    whole = CLAIMS[0]._replace(verdict=SUPPORTED)
    rows = [row._replace(verdict=UNDECIDED) for row in CLAIMS[1:] if row.scope == "headline"]
    first, *_ = answer(known(tmp_path, claims=[whole, *rows]))
    assert first.startswith("Yes, on every benchmark, each by itself; corrected for their number: ")
    first, *_ = answer(known(tmp_path, claims=[whole, *(row._replace(verdict=SUPPORTED) for row in rows)]))
    assert first.startswith("Yes, on every benchmark: ")


@pytest.mark.parametrize(
    ("worlds", "said"),
    [
        (["default"], "one replicate: each network was trained once, in one world."),
        (["default", "default"], "2 replicates: each network of the grid was trained as many times, in one world."),
        (
            ["default", "default_rep2"],
            "2 replicates: each network of the grid was trained as many times, each in a world of its own",
        ),
    ],
)
def test_what_is_said_of_replicates_is_what_was_trained(tmp_path, worlds, said):
    models = [model(f"m{number}", replicate=number, world=world) for number, world in enumerate(worlds, start=1)]
    assert said in sure(known(tmp_path, models=models))[0]


@pytest.mark.parametrize(("source", "name"), [("train", "trainings"), ("torchvision", "conversions of weights")])
def test_seconds_are_said_of_what_was_done(tmp_path, source, name):
    models = [model("plain")]
    told = dict(run(known(tmp_path, models=models, sources={"plain": source})))
    assert re.search(rf"^[\d,]+ s of {name}, [\d,]+ s of evaluations, one after the other$", told["Time"])


def test_models_that_could_not_be_had_were_not_run(tmp_path):
    found = known(tmp_path)
    assert dict(run(found))["Models"] == "6 (5 main, 1 control)"
    measured = [row for row in found.summary if row["role"] != "control"]
    assert dict(run(found._replace(summary=measured, sweeps=[])))["Models"] == "5 (5 main)"


@pytest.mark.parametrize(("verdict", "start"), [(SUPPORTED, "Yes"), (CONTRADICTED, "No,")])
def test_another_verdict_is_another_answer(tmp_path, verdict, start):
    claims = [CLAIMS[0]._replace(verdict=verdict), *CLAIMS[1:]]
    assert answer(known(tmp_path, claims=claims))[0].startswith(start)


def test_how_sure_it_is_says_replicates_reruns_and_criteria(tmp_path):
    said = " ".join(sure(known(tmp_path)))
    assert "one replicate" in said
    assert "75% to 95%" in said
    assert "1 of 2 criteria" in said
    assert "off chance (1)" in said
    assert "1 claims have no verdict" in said


def test_a_row_has_the_numbers_of_the_table_as_they_stand_there(tmp_path):
    found = leaderboard(known(tmp_path))
    keys = [metric["key"] for metric in found["metrics"]]
    table = (tmp_path / "summary.csv").read_text().splitlines()
    assert len(table) > 20
    for line in table[1:]:
        cells = dict(zip(SUMMARY_COLUMNS, line.split(","), strict=True))
        numbers = found["values"][cells["model"]][keys.index(f"{cells['benchmark']}.{cells['metric']}")]
        assert numbers == [cells[name] for name in ("value", "ci_low", "ci_high", "n")]


def test_the_first_columns_are_clean_accuracy_the_middle_budget_and_the_headlines(tmp_path):
    shown = [metric["key"] for metric in leaderboard(known(tmp_path))["metrics"] if metric["shown"]]
    attacked = "adversarial.adversarial_accuracy_val_linf_eps4"
    assert shown == ["imagenet.accuracy", "imagenet9.bg_gap", "waterbirds.worst_group_accuracy", attacked]


def test_a_claim_leads_to_the_models_and_benchmarks_that_it_names(tmp_path):
    found = {each.row["claim"]: each for each in claim_list(known(tmp_path))}
    assert found["scale.linf"].models == ["basic_linf_eps4_2"]
    assert found["scale.linf"].benchmarks == ["imagenet9"]
    whole = found["background_reliance.waterbirds.worst_group_accuracy"]
    assert whole.benchmarks == ["waterbirds"]  # and not adversarial, which its evidence has as a word
    assert len(whole.models) == 5  # the grid, not the control
    assert found["theory (i)"][2:] == ([], [])


def test_nine_of_ten_intervals_lie_within_the_scale():
    rows = [{"ci_low": f"{-0.01 * n}", "ci_high": "0.001"} for n in range(1, 101)]
    limit = scale(rows)
    assert sum(abs(float(row["ci_low"])) <= limit for row in rows) == 90


def test_all_effects_are_drawn_on_one_scale_which_an_outlier_does_not_set(tmp_path):
    networks = known(tmp_path).networks
    assert scale(networks) == 0.9 or 0.1 <= scale(networks) < 1.4
    drawn = [each.drawing for each in claim_list(known(tmp_path)) if each.drawing is not None]
    assert len(drawn) == 5
    assert any('class="end"' in each for each in drawn)


TEXTS = st.text() | st.text("<>&/!-scriptSCRIPT\u2028\u2029'\"\\")


@hypothesis.settings(max_examples=50)
@hypothesis.given(TEXTS | st.lists(TEXTS | st.integers() | st.none()) | st.dictionaries(TEXTS, TEXTS))
def test_data_are_read_back_as_they_were_and_end_no_script(value):
    text = str(embedded(value))
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


def test_text_of_anybodys_is_shown_as_text_wherever_it_stands(tmp_path):
    plain, other = (
        read(page(tmp_path / "plain", images=pictures(tmp_path / "some"), reason="none", beside=BESIDE)),
        read(hostile(tmp_path / "hostile")),
    )
    assert set(other.tags) == set(plain.tags)  # no tag and no attribute more
    assert other.attributes == plain.attributes
    assert other.tags.count("script") == plain.tags.count("script")
    seen = "".join(other.seen)
    assert seen.count(HOSTILE) > 10
    cards = other.data["data-cards"]["models"]
    assert all(each["source"] == HOSTILE for each in cards.values())
    assert other.data["data-leaderboard"]["models"][0]["architecture"] == HOSTILE


def test_nothing_is_fetched(tmp_path):
    path = page(tmp_path)
    text = re.sub(r"<script>.*?</script>", "", path.read_text(), flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:,)[^"']*""", text)
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", text)
    assert "url(" not in text


def test_what_is_not_there_is_said_with_the_reason(tmp_path):
    alone = model("mine", role="extra", benchmarks=["imagenet"])
    path = page(tmp_path, models=[alone], claims=[], cards=False, reason="no data set at hand")
    said = words(path)
    assert "No answer to that: one model alone is compared with nothing" in said
    assert "No claims: one model alone is compared with nothing" in said
    assert "No images: none were made" in said
    assert "Waterbirds: no data set at hand" in said
    assert "No theory: its curves were not given" in said
    assert "Not measured ImageNet-9, Waterbirds, Adversarial accuracy" in said


def test_a_study_that_measured_nothing_has_a_page(tmp_path):
    path = page(tmp_path, models=[model("mine", benchmarks=[])], claims=[])
    assert "No model: summary.csv has no row" in words(path)


def test_a_table_of_other_columns_is_refused_in_one_line(tmp_path):
    settings, written = write(tmp_path)
    write_csv(tmp_path / "claims.csv", ("claim", "verdict"), [("a", "supported")])
    with pytest.raises(InputError, match=r"claims\.csv: columns statement, .* are missing"):
        command.run(settings, out=tmp_path / "index.html", **written)
    assert not (tmp_path / "index.html").exists()


def test_pictures_of_another_benchmark_are_refused(tmp_path):
    folder = pictures(tmp_path / "pictures")
    (folder / "imagenet9.json").rename(folder / "waterbirds.json")
    with pytest.raises(InputError, match=r"waterbirds\.json: not the pictures of waterbirds; delete it"):
        page(tmp_path, images=folder)


def test_the_command_writes_page_and_card(tmp_path):
    settings, written = write(tmp_path)
    options = [word for name, path in written.items() for word in (f"--{name}", str(path))]
    places = ["--out", str(tmp_path / "index.html"), "--card", str(tmp_path / "cards/index.json")]
    assert commands.main(["page", "--spec", json.dumps(settings._asdict()), *options, *places]) == 0
    card = read_card(tmp_path / "cards/index.json")
    assert card["files"] == digests(tmp_path / "index.html")
    assert (card["models"], card["claims"]) == (6, 7)


def luminance(colour):
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_is_legible_on_light_and_on_dark_ground():
    """Contrast of at least 4.5 for text and 3 for marks, as WCAG 2.2 asks at level AA."""
    light, dark = re.findall(r":root \{(.*?)\}", (look.STATIC / "page.css").read_text(), re.DOTALL)
    for scheme in (light, dark):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", scheme))
        assert len(colours) > 12
        for ground in ("ground", "raised"):
            for name in colours.keys() - {"ground", "raised", "rule"}:
                pair = sorted(luminance(colours[each]) for each in (name, ground))
                assert (pair[1] + 0.05) / (pair[0] + 0.05) >= (3 if name.startswith("c-") else 4.5), (name, ground)


def test_another_template_is_another_page(tmp_path, monkeypatch):
    before = look.fingerprint()
    for part in ("templates", "static"):
        (tmp_path / part).mkdir()
        for path in (look.HERE / part).iterdir():
            (tmp_path / part / path.name).write_text(path.read_text())
    monkeypatch.setattr(look, "TEMPLATES", tmp_path / "templates")
    monkeypatch.setattr(look, "STATIC", tmp_path / "static")
    assert look.fingerprint() == before
    (tmp_path / "static/page.css").write_text("body {}")
    assert look.fingerprint() != before


def test_a_network_with_an_objective_of_its_own_is_told_from_standard_ones(tmp_path):
    models = [model("plain"), model("spread", objective="AdvProp")]
    found = {each["model"]: each for each in leaderboard(known(tmp_path, models=models))["models"]}
    assert [found[name]["objective"] for name in ("plain", "spread")] == ["", "AdvProp"]
    assert "trained with ${model.objective}" in (look.STATIC / "page.js").read_text()
