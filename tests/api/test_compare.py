"""Models on the same images: paired differences with the intervals of the claims, over images and no more."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import tradeoffs
from api.conftest import PIXELS, Own
from benchmarks.conftest import SMALL
from tradeoffs.runner import commands

TOLD = {
    "study": "miniature",
    "settings": {name: SMALL[name] | {"bootstrap": 200} for name in ("waterbirds", "rival10")},
    "progress": False,
}
ONE = TOLD["settings"]["waterbirds"]


@pytest.fixture
def places(miniature):
    return {name: miniature / name for name in TOLD["settings"]}


@pytest.fixture
def compared(own, places, tmp_path):
    models = {"mine": {"model": own} | PIXELS, "raw": own, "other": Own()}
    return tradeoffs.compare(models, list(places), places, reference="raw", out=tmp_path / "out", **TOLD)


def test_a_difference_is_that_of_values_and_its_interval_that_of_paired_draws(compared):
    assert set(compared.table.model) == {"mine", "other"}
    assert set(compared.table.reference) == {"raw"}
    for row in compared.table.itertuples():
        ours, theirs = (compared.results[name, row.benchmark] for name in (row.model, "raw"))
        a, b = (each.card["metrics"][row.metric]["value"] for each in (ours, theirs))
        assert (row.value, row.reference_value, row.difference) == (a, b, a - b)
        spread = np.std(ours.draws[row.metric].astype(float) - theirs.draws[row.metric].astype(float), ddof=1)
        units = ours.card["resampled"]
        t = stats.t(units["units"] - units["strata"])
        assert (row.ci_low, row.ci_high) == pytest.approx(
            (a - b - t.ppf(0.975) * spread, a - b + t.ppf(0.975) * spread)
        )
        expected = 2 * t.sf(abs(a - b) / spread) if spread > 0 else float(a == b)
        assert row.p_value == pytest.approx(expected)
        assert row.interval_over == "images"


def test_the_table_is_written_beside_the_results(compared, tmp_path):
    written = pd.read_csv(tmp_path / "out" / "differences.csv", keep_default_na=False)
    assert list(written.columns) == list(compared.table.columns)
    assert written["difference"].astype(float).tolist() == pytest.approx(compared.table.difference.tolist(), rel=1e-5)
    assert sorted(path.name for path in (tmp_path / "out" / "mine").iterdir()) == [
        f"{benchmark}.{suffix}" for benchmark in ("rival10", "waterbirds") for suffix in ("json", "npz")
    ]


def test_results_of_another_version_of_the_code_are_compared_with_a_word(compared):
    assert "different versions" not in repr(compared)
    first = next(iter(compared.results.values()))
    first.card["code"] = "0" * 16
    assert "waterbirds: results of different versions of the code; evaluate again" in repr(compared)
    assert "different versions of the code" in compared._repr_html_()


def test_headlines_are_one_family(compared):
    first = {"waterbirds": "background_swap_gap", "rival10": "rfs_linf"}
    headlines = compared.table[compared.table.scope == "headline"]
    assert set(zip(headlines.benchmark, headlines.metric, strict=True)) == set(first.items())
    assert compared.table.p_adjusted.notna().sum() == len(headlines) == 4
    ordered = headlines.sort_values("p_value", kind="stable")
    largest = np.maximum.accumulate(np.minimum(1, ordered.p_value.to_numpy() * [4, 3, 2, 1]))
    assert ordered.p_adjusted.to_numpy() == pytest.approx(largest)


def test_it_says_what_it_is_not(compared):
    for text in (repr(compared), compared._repr_html_()):
        assert "intervals over images alone" in text
        assert "each trained once" in text
    assert "waterbirds, background_swap_gap: mine - raw = " in repr(compared)
    assert len(repr(compared).splitlines()) >= 1 + 2 * 4


def test_a_model_that_is_named_is_loaded_once_for_all_benchmarks(own, places, tmp_path, monkeypatch):
    calls = tmp_path / "calls"
    torch.save(own, tmp_path / "own.pt")
    code = f"import torch\n\ndef make():\n    open({str(calls)!r}, 'a').write('x')\n"
    (tmp_path / "nets.py").write_text(
        f"{code}    return torch.load({str(tmp_path / 'own.pt')!r}, weights_only=False)\n"
    )
    made = {"model": f"{tmp_path / 'nets.py'}:make", "trust": True, "classes": 10, "input_size": 32} | PIXELS
    tradeoffs.evaluate(made.pop("model"), "waterbirds", places["waterbirds"], **made, **TOLD | {"settings": ONE})
    once = calls.stat().st_size
    models = {"made": {"model": f"{tmp_path / 'nets.py'}:make"} | made, "own": {"model": own} | PIXELS}
    found = tradeoffs.compare(models, list(places), places, **TOLD)
    assert calls.stat().st_size == 2 * once
    assert set(found.table.difference) == {0.0}


def test_what_was_evaluated_is_compared_again_without_the_models(compared, places, tmp_path, capsys):
    folders = {name: tmp_path / "out" / name for name in ("mine", "other", "raw")}
    again = tradeoffs.compare(folders, list(places), places)
    pd.testing.assert_frame_equal(again.table, compared.table.assign(reference="raw"))
    words = [f"{name}={folder}" for name, folder in folders.items()]
    assert (
        commands.main(["compare", "--models", *words, "--benchmarks", *places, "--out", str(tmp_path / "table")]) == 0
    )
    assert capsys.readouterr().out.startswith("Differences (95 % intervals over images alone")
    table = pd.read_csv(tmp_path / "table/differences.csv", keep_default_na=False)
    assert table.difference.to_numpy(float) == pytest.approx(compared.table.difference, abs=1e-5)
    assert list(table.metric) == list(compared.table.metric)


def test_a_comparison_has_the_page_of_a_study(compared, places, tmp_path):
    folders = {name: tmp_path / "out" / name for name in ("mine", "other", "raw")}
    tradeoffs.compare(folders, list(places), places, page=tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    data = {name: json.loads(found) for name, found in re.findall(r'id="data-(\w+)">(.*?)</script>', text)}
    board, differences = data["leaderboard"], data["cards"]["differences"]
    assert [model["model"] for model in board["models"]] == ["mine", "other", "raw"]
    keys = [metric["key"] for metric in board["metrics"]]
    for (model, benchmark), each in compared.results.items():
        for row in each.table.itertuples():
            shown = board["values"][model][keys.index(f"{benchmark}.{row.metric}")]
            assert [float(number) for number in shown] == pytest.approx(list(row)[2:], rel=1e-5)
    signs = {"more": 1, "less": -1, "": 0}
    for row in compared.table.itertuples():
        listed = [each for each in differences[row.model] if each["metric"] == row.metric]
        found = [float(each["value"]) for each in listed if each["benchmark"] == row.benchmark]
        expected = [signs[row.reliance] * row.difference] if row.reliance else []
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-12)
    assert "each trained once, with intervals over images alone" in text


def images_of(path):
    """What a page shows of each benchmark's images."""
    found = re.findall(r'id="data-images-\w+">(.*?)</script>', path.read_text())
    return {each["benchmark"]: each for each in map(json.loads, found)}


def test_the_page_shows_what_the_models_said_of_images(own, places, tmp_path):
    models = {"mine": {"model": own} | PIXELS, "raw": own, "other": Own()}
    found = tradeoffs.compare(models, list(places), places, reference="raw", page=tmp_path / "page.html", **TOLD)
    shown = images_of(tmp_path / "page.html")
    assert shown.keys() == places.keys()
    for benchmark, each in shown.items():
        assert [model["label"] for model in each["models"]] == ["mine", "other", "raw"]
        assert "raw and the others differ" in [reason["reason"] for reason in each["reasons"]]
        assert "standard" not in json.dumps(each)
        assert len(each["images"]) > 1
        for image in each["images"]:
            assert image["pictures"][0]["data"].startswith("data:image/webp;base64,")
            for model in models:
                own_answer = image["answers"][model][0]
                assert own_answer["right"] == (own_answer["predicted"] == image["class"]), (benchmark, model)
                assert image["looks"][model]["data"]
    accuracy = shown["waterbirds"]["worst"]["accuracy"]
    assert accuracy.keys() == models.keys()
    group = shown["waterbirds"]["worst"]["group"].replace(" ", "_")
    for model, value in accuracy.items():
        card = found.results[model, "waterbirds"].card
        assert value == pytest.approx(card["metrics"][f"accuracy_{group}"]["value"])


def test_of_folders_the_page_shows_what_outcomes_say_and_of_a_copy_of_a_research_only_set_no_picture(
    compared, places, tmp_path
):
    folders = {name: tmp_path / "out" / name for name in ("mine", "other", "raw")}
    copy = shutil.copytree(places["waterbirds"], tmp_path / "waterbirds")
    (copy / "fingerprint.json").unlink()  # so that nobody knows whose they are
    tradeoffs.compare(folders, ["waterbirds"], copy, page=tmp_path / "page.html")
    (shown,) = images_of(tmp_path / "page.html").values()
    assert not shown["may_embed"]
    assert "data:image" not in json.dumps(shown)
    for image in shown["images"]:
        for answers in image["answers"].values():
            assert [(each["predicted"], each["right"] is None) for each in answers] == [(None, False)]
    text = (tmp_path / "page.html").read_text()
    assert "Its pictures are not in this page" in text
    assert "tradeoffs show" not in text


def test_images_that_cannot_be_shown_take_nothing_from_the_page(compared, places, tmp_path):
    folders = {name: tmp_path / "out" / name for name in ("mine", "raw")}
    tradeoffs.compare(folders, ["waterbirds"], tmp_path / "gone", page=tmp_path / "page.html")
    (shown,) = images_of(tmp_path / "page.html").values()
    assert shown["images"] == []
    assert "cannot be shown" in shown["remark"]
    assert str(tmp_path / "gone") in shown["remark"]


def test_what_is_not_paired_is_not_compared(own, places, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, seed in ((one, 0), (other, 1)):
        changes = TOLD["settings"]["waterbirds"] | {"seed": seed}
        told = TOLD | {"settings": changes, "out": folder}
        tradeoffs.evaluate(own, "waterbirds", places["waterbirds"], **told)
    with pytest.raises(
        tradeoffs.InputError, match="waterbirds: setting seed of one is 0, but 1 of other; evaluate both"
    ):
        tradeoffs.compare({"one": one, "other": other}, "waterbirds", places)
    with pytest.raises(tradeoffs.InputError, match=r"rival10\.json: file not found"):
        tradeoffs.compare({"one": one, "other": other}, ["rival10"], places)
    card = json.loads((one / "waterbirds.json").read_text())
    (one / "waterbirds.json").write_text(json.dumps(card | {"metrics": {}}))
    for _ in range(2):  # the folder is the user's: nothing in it is moved
        with pytest.raises(tradeoffs.InputError, match=r"damaged, or made by an older version.*make or get .* again"):
            tradeoffs.compare({"one": one, "other": other}, "waterbirds", places)


def test_results_that_are_compared_are_not_written_over(compared, own, places, tmp_path):
    folder = tmp_path / "out" / "other"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    models = {"other": own, "earlier": folder}
    with pytest.raises(
        tradeoffs.InputError, match=r"earlier: its results are in .*, where those of other are to be wri"
    ):
        tradeoffs.compare(models, "waterbirds", places, out=tmp_path / "out", **TOLD)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    again = tradeoffs.compare({"other": {"model": folder}, "same": folder}, "waterbirds", places, **TOLD)
    assert (again.table.difference == 0).all()
    with pytest.raises(tradeoffs.InputError, match=r"other: classes is said of .*, which holds results; leave it out"):
        tradeoffs.compare({"other": {"model": folder, "classes": 3}, "same": folder}, "waterbirds", places, **TOLD)
    with pytest.raises(tradeoffs.InputError, match=r"other: mean is said of .*, which holds results; leave it out"):
        tradeoffs.compare({"other": {"model": folder, "mean": np.ones(3)}, "same": folder}, "waterbirds", places)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"l2_penalty": 10.0}, "setting l2_penalty of one is 0.01, but 10.0 of other"),
        ({"bootstrap": 100}, "setting bootstrap of one is 200, but 100 of other"),
    ],
)
def test_nor_what_was_measured_with_other_settings(own, places, tmp_path, change, said):
    """The same network would differ from itself."""
    for name, changes in (("one", ONE), ("other", ONE | change)):
        told = TOLD | {"settings": changes, "out": tmp_path / name}
        tradeoffs.evaluate(own, "waterbirds", places["waterbirds"], **told)
    with pytest.raises(tradeoffs.InputError, match=f"waterbirds: {said}; evaluate both"):
        tradeoffs.compare({name: tmp_path / name for name in ("one", "other")}, "waterbirds", places)


EVALUATED = ["evaluate", "--model", "x", "--benchmark", "waterbirds", "--out", "o"]
STEP = ["evaluate", "waterbirds", "--spec", "{}", "--weights", "w", "--outcomes", "o", "--card", "c"]
COMPARED = ["compare", "--benchmarks", "waterbirds", "--out", "o"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*COMPARED, "--models", "a=x", "a=y"], "--models: a is named twice"),
        ([*COMPARED, "--models", "a=x", "--models", "a=y"], "--models: a is named twice"),
        ([*EVALUATED, "--data", "x", "--settings", "a=1", "a=2"], "--settings: a is named twice"),
        ([*EVALUATED, "--data", "a=x", "--data", "a=y"], "--data: a is named twice"),
        ([*EVALUATED, "--data", "x", "--settings", "a=2026-99-99"], "--settings: 'a=2026-99-99'; expected NAME=VALUE"),
        ([*STEP, "--data", "a=x", "--data", "a=y"], "--data: a is named 2 times"),
    ],
)
def test_what_is_named_twice_is_one_line(words, said, capsys, tmp_path, monkeypatch):
    """The last of them would have counted, and the others have been dropped without a word."""
    monkeypatch.chdir(tmp_path)
    assert commands.main(words) == 2
    assert said in capsys.readouterr().err


def test_an_option_given_twice_holds_both(places, own, tmp_path, capsys):
    """The first ones too."""
    weights = tmp_path / "own.pt"
    torch.save(own, weights)
    words = ["evaluate", "--model", str(weights), "--benchmark", "waterbirds", "--data", str(places["waterbirds"])]
    words += ["--settings", "resise=1", "--settings", "bootstrap=50", "--out", str(tmp_path / "out")]
    assert commands.main(words) == 2
    assert "settings: 'resise' is unknown to waterbirds; did you mean resize" in capsys.readouterr().err


def test_a_function_on_the_command_line_is_evaluated_first(capsys, tmp_path):
    words = ["compare", "--models", "a=nets:make", "b=torchvision/resnet18", "--benchmarks", "waterbirds"]
    assert commands.main([*words, "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "a=nets:make is a function; evaluate it first (tradeoffs evaluate" in capsys.readouterr().err


def test_a_file_on_the_command_line_is_evaluated_first(tmp_path, capsys, places):
    torch.save(Own().state_dict(), tmp_path / "mine.pt")
    words = ["compare", "--models", f"a={tmp_path / 'mine.pt'}", "b=torchvision/resnet18", "--benchmarks", "waterbirds"]
    assert commands.main([*words, "--data", str(places["waterbirds"]), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert f"is a file; evaluate it first (tradeoffs evaluate --model {tmp_path / 'mine.pt'} ... --out DIR)" in said
    assert "and give a=DIR" in said


TWO = ["waterbirds", "rival10"]


@pytest.mark.parametrize(
    ("models", "said", "message"),
    [
        ({"mine": Own()}, {}, "models: expected two or more by name"),
        ([Own(), Own()], {}, "models: expected two or more by name"),
        ({"a": Own(), "b": Own()}, {"reference": "c"}, "reference: 'c' is none of the models; expected one of a, b"),
        ({"a": {"mean": [0] * 3}, "b": Own()}, {}, "models: a: model is missing; expected model and any of mean"),
        (
            {"a": {"model": Own(), "meen": 3}, "b": Own()},
            {},
            "models: a: meen: unknown; expected model and any of mean",
        ),
        *(
            ({name: Own(), "b": Own()}, {}, f"models: {name!r} names no folder below out")
            for name in ("../a", "..", "", "differences.csv", "a\0")
        ),
        ({3: Own(), "b": Own()}, {"reference": "b"}, "models: 3: expected names of the models, which are text"),
        ({"a": Own(), "b": Own()}, {"reference": ["a"]}, "reference: ['a'] is none of the models"),
        (
            {"a": Own(), "b": Own()},
            {"benchmarks": ["waterbirds", ["x"]]},
            "benchmarks: ['waterbirds', ['x']]; expected ",
        ),
        ({"a": "~nobody-here/a", "b": Own()}, {}, "models: a: '~nobody-here/a'; Could not determine home directory"),
        ({"a": Own(), "b": Own()}, {"settings": 3}, "settings: 3; expected changes by benchmark"),
        ({"a": Own(), "b": Own()}, {"settings": {"waterbirds": 3}}, "settings: 3; expected changes by name"),
        ({"a": Own(), "b": Own()}, {"benchmarks": None}, "benchmarks: None; expected one or more, each once"),
        ({"a": Own(), "b": Own()}, {"page": "."}, "page: .: is a folder; expected a file of HTML to write"),
        ({"a": Own(), "b": Own()}, {"page": 3}, "page: 3; expected a file of HTML to write"),
        ({"a": Own(), "b": Own()}, {"page": "/proc/none/x.html"}, "page: /proc/none: "),
        ({"a": Own(), "b": Own()}, {"page": "a\0.html"}, "page: 'a\\x00.html'; "),
        ({"a": Own(), "b": Own()}, {"page": "x" * 300}, f"page: '{'x' * 80}'; File name too long: correct the path"),
        ({"a": Own(), "b": "none.pt"}, {}, "model: 'none.pt'; no such file, and no name of a network"),
        ({"a": Own(), "b": "nets.py:make"}, {}, "model: 'nets.py:make' is code; if you trust it, say trust"),
        (
            {"a": Own(), "b": Own()},
            {"benchmarks": TWO, "settings": {"rival10": {"resise": 3}}},
            "settings: 'resise' is unk",
        ),
        ({"a": Own(), "b": Own()}, {"benchmarks": ["waterbirds", "imagenet9"]}, "data: no folder of imagenet9, which"),
        (
            {"a": Own(), "b": {"model": Own(), "mean": [0] * 3, "std": [0] * 3}},
            {},
            "std: [0.0, 0.0, 0.0]; expected three",
        ),
        ({"a": Own(), "b": {"model": Own(), "trust": "no"}}, {}, "trust: 'no'; expected True or False"),
        ({"a": Own(), "b" * 300: Own()}, {}, f"models: {'b' * 40}...: names no folder below out"),
        (
            {"a": Own(), "b": Own()},
            {"page": "/dev/null"},
            "/dev/null: a device, pipe or socket; expected the path of a f",
        ),
        ({"a": Own(), "b": Own()}, {"settings": {"hat": {}}}, "no benchmark is called 'hat'"),
        ({"a": Own(), "b": Own()}, {"benchmarks": []}, "benchmarks: none; expected one or more, each once"),
        ({"a": Own(), "b": Own()}, {"benchmarks": ["waterbirds"] * 2}, "benchmarks: waterbirds, waterbirds; expected"),
    ],
)
def test_what_does_not_fit_is_one_line_before_anything_is_computed(models, said, message, places, tmp_path):
    told = {"benchmarks": ["waterbirds"], "study": "miniature"} | said
    with pytest.raises(tradeoffs.InputError) as raised:
        tradeoffs.compare(models, data=places, out=tmp_path / "out", **told)
    assert str(raised.value).startswith(message)
    assert list(tmp_path.iterdir()) == []
