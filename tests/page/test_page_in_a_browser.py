"""The page in a browser, as a reader uses it: sort, filter, open a card, follow a claim, download, move a slider."""

import csv
import re
import shutil

import numpy as np
import pytest

from page.made_study import hostile, pictures
from page.made_study import page as made_page
from tradeoffs.theory.curves import reliance
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import anticausal_model, two_feature_model
from tradeoffs.theory.risk import collapse_budget

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed: apt-get install chromium")
CLEAN = "th[data-by='0']"


LONG = f"its weights could not be fetched; to try again, delete {'results/imagenet/' * 8}card.json"


@pytest.fixture(scope="module")
def browser():
    library = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: uv sync")
    with library.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"], timeout=600_000)
        yield launched
        launched.close()


class Opened:
    """A page in a tab; ``wrong``: what its console said of errors, and what it asked of a network."""

    def __init__(self, browser, path):
        self.wrong = []
        self.tab = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        self.tab.set_default_timeout(600_000)  # a busy machine is no error
        self.tab.on("console", self.said)
        self.tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.tab.on("request", self.asked)
        self.tab.goto(path.as_uri())
        self.tab.wait_for_selector("#chart-networks[data-drawn]")

    def said(self, message):
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def asked(self, request):
        if not request.url.startswith(("file:", "blob:", "data:")):
            self.wrong.append(request.url)


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    found = Opened(browser, made_page(folder, images=pictures(folder / "pictures"), reason=LONG))
    found.folder = folder
    yield found
    assert found.wrong == []


@pytest.fixture
def tab(opened):
    """The page with its filters as they are at the start."""
    opened.tab.evaluate(
        "() => { for (const form of document.forms) { form.reset(); form.dispatchEvent(new Event('input')); } }"
    )
    return opened.tab


def column(tab, place):
    texts = tab.locator(f"#models tbody tr > :nth-child({place})").all_inner_texts()
    return [float(text.split()[0]) for text in texts]


def models(tab):
    return tab.locator("#models .model").all_inner_texts()


def test_a_heading_sorts_and_says_so(tab):
    tab.click(f"{CLEAN} button")
    assert tab.get_attribute(CLEAN, "aria-sort") == "descending"
    down = column(tab, 4)
    assert down == sorted(down, reverse=True)
    assert len(set(down)) > 3
    tab.keyboard.press("Enter")  # the heading keeps the focus
    assert tab.get_attribute(CLEAN, "aria-sort") == "ascending"
    assert column(tab, 4) == down[::-1]
    assert tab.get_attribute("th[data-by='norm']", "aria-sort") == "none"


def test_filters_leave_the_models_that_match(tab):
    assert "5 of 6 models" in tab.inner_text("#count")  # the control is beside the grid
    tab.select_option("#leaderboard [name=role]", "")
    assert "basic_standard_images50" in models(tab)
    tab.select_option("#leaderboard [name=norm]", "linf")
    tab.select_option("#leaderboard [name=architecture]", "basic")
    assert models(tab) == ["basic_linf_eps4_2"]
    tab.fill("#leaderboard [name=text]", "bottle")
    assert models(tab) == []


def test_a_column_can_be_added_and_taken_away(tab):
    before = tab.locator("#models thead th").count()
    tab.click(".columns summary")
    box = tab.locator("#columns input[value='imagenet9.accuracy_mixed_same']")
    box.check()
    assert tab.locator("#models thead th").count() == before + 1
    box.uncheck()
    assert tab.locator("#models thead th").count() == before


def test_a_model_opens_its_card(tab):
    tab.click("#models .model >> nth=0")
    card = tab.locator("#card")
    assert card.is_visible()
    text = card.text_content()
    for said in (
        "basic_none_eps0_0",
        "0123456789abcdef",
        "da7a",
        "5ba256",
        "epochs",
        "torch",
        "seconds",
        "Evaluation on imagenet9",
    ):
        assert said in text
    tab.keyboard.press("Escape")
    assert not card.is_visible()


def test_claims_are_filtered_and_lead_to_their_models(tab):
    shown = tab.locator(".claim:visible")
    assert shown.count() == 5  # exploratory ones are asked for
    tab.select_option("#claims [name=verdict]", "supported")
    tab.select_option("#claims [name=subject]", "networks")
    assert shown.count() == 2
    assert "2 of 7" in tab.inner_text("#claims-count")
    claim = tab.locator(".claim", has_text="Raises it at scale 1.")
    claim.locator("summary").click()
    claim.get_by_role("button", name="Show its 1 models").click()
    assert models(tab) == ["basic_linf_eps4_2"]
    tab.get_by_role("button", name="Show all").click()
    assert len(models(tab)) == 6


def test_a_claim_without_images_says_so(tab):
    claim = tab.locator(".claim", has_text="More reliance on Waterbirds.")
    assert "No images of Waterbirds are on this page." in claim.text_content()
    assert claim.locator("a").count() == 0


def test_the_download_has_the_numbers_of_summary_csv(opened, tab):
    tab.click("text=Columns >> nth=0")
    with tab.expect_download() as download:
        tab.click("#csv")
    with download.value.path().open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    with (opened.folder / "summary.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))
    shown = {key.removesuffix(".n") for key in next(iter(rows.values())) if key.endswith(".n")}
    compared = 0
    for row in expected:
        key = f"{row['benchmark']}.{row['metric']}"
        if key in shown:
            ours = rows[row["model"]]
            assert [ours[key + end] for end in ("", ".ci_low", ".ci_high", ".n")] == [
                row[c] for c in ("value", "ci_low", "ci_high", "n")
            ]
            assert [ours[name] for name in ("role", "architecture", "norm", "epsilon", "seed")] == [
                row[name] for name in ("role", "architecture", "norm", "epsilon", "seed")
            ]
            compared += 1
    assert compared == len(rows) * len(shown) == 5 * 4


def test_two_metrics_show_the_models_that_have_both(tab):
    tab.select_option("#metric-y", label="worst group")
    tab.wait_for_function("document.getElementById('metrics-said').textContent.startsWith('5 ')")
    tab.select_option("#metric-y", label="BG-gap")
    tab.wait_for_function("document.getElementById('metrics-said').textContent.startsWith('6 ')")
    tab.wait_for_function("document.querySelector('#chart-metrics').textContent.includes('ImageNet-9: BG-gap')")
    assert tab.locator("#chart-metrics .mark-symbol.role-mark path").count() == 6


@pytest.mark.parametrize("family", ["causal", "anticausal"])
def test_the_theory_minimises_as_the_exact_solver_does(tab, family):
    """Its two searches by the golden section against the solver whose minimisers are certified."""
    made = {"causal": two_feature_model, "anticausal": anticausal_model}[family]
    norms = {"l1": 1.0, "l2": 2.0, "linf": np.inf}
    asked = [
        (norm, a, rho, e) for norm in norms for a in (0.2, 1.0, 2.5) for rho in (0.1, 0.7) for e in (0.0, 0.3, 0.8)
    ]
    found = tab.evaluate(
        "([family, asked]) => asked.map(([norm, a, rho, e]) => page.theory.reliance(family, 0.5, norm, a, rho, e))",
        [family, asked],
    )
    for (norm, a, rho, share), value in zip(asked, found, strict=True):
        model, p = made(a, rho, 0.5), norms[norm]
        budget = share * collapse_budget(model.covariance, model.theta, model.noise, p)
        exact = reliance(model, minimise(model, p, [budget]).theta)[0]
        assert value == pytest.approx(exact, abs=2e-5), (norm, a, rho, share)


def test_a_slider_moves_what_is_said(tab):
    before = tab.inner_text("#theory-said")
    tab.locator("#theory-scale").press("End")
    tab.wait_for_function("before => document.getElementById('theory-said').textContent !== before", arg=before)
    assert re.search(r"linf 0\.\d{3}", tab.inner_text("#theory-said"))


@pytest.mark.parametrize("width", [390, 1024, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(tab, width, scheme):
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) > 380) == (scheme == "light")


def test_text_of_anybodys_runs_nowhere(browser, tmp_path):
    found = Opened(browser, hostile(tmp_path))
    for name in ("nth=0", "text=constructor"):
        found.tab.click(f"#models .model >> {name}")
        assert "epochs" in found.tab.text_content("#card")
        found.tab.keyboard.press("Escape")
    for detail in found.tab.locator("#claims details >> visible=true").all():
        detail.locator("summary").click()
    found.tab.hover("#chart-metrics .mark-symbol.role-mark path >> nth=0")
    assert found.tab.evaluate("window.hacked") is None
    assert found.wrong == []
    assert "<script>" in found.tab.inner_text("#models")
