"""The pages by axe-core's rules (WCAG 2 A and AA, and good practice): names, contrast, order, roles, sizes of targets.

Every fold is open and every claim shown, on a phone and on a wide screen, light and dark. What no rule can see, such as
whether a description says the right thing, people look at.
"""

import pytest

from examples.test_local_page import CONTENT
from page.made_study import model
from page.made_study import page as made_page
from page.test_beside import ROWS
from page.test_images_in_a_browser import images
from page.test_page_in_a_browser import BROWSER, LONG, Opened, browser  # noqa: F401 (a fixture)
from tradeoffs.api.show_command import rendered

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed: apt-get install chromium")
RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}  # WCAG 2.2, off by default
SCREENS = [(390, "dark"), (1400, "light"), (390, "light"), (1400, "dark")]
UNFOLD = "document.querySelectorAll('details').forEach(each => each.open = true)"

FAULTS = {  # by the rule that each breaks
    "image-alt": "document.querySelector('#images-imagenet9 table img').removeAttribute('alt')",
    "html-has-lang": "document.documentElement.removeAttribute('lang')",
    "select-name": "document.querySelector('#claims label').replaceWith(document.querySelector('#claims select'))",
    "heading-order": "document.querySelector('#claims h2').outerHTML = '<h5>Claims</h5>'",
    "color-contrast": "document.querySelector('.scope').style.color = '#bbbbbb'",
    "target-size": "document.querySelector('nav').style.cssText = 'gap: 0; font-size: 6px; flex-direction: column'",
}


@pytest.fixture(scope="module")
def axe():
    library = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: uv sync")
    return library.Axe()


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("page")
    found = Opened(browser, made_page(folder, images=images(folder / "images"), reason=LONG, beside=ROWS))
    found.tab.select_option("#claims [name=scope]", "")
    yield found
    assert found.wrong == []


def violations(axe, tab):
    """What breaks a rule: the rule, where, and the element."""
    found = axe.run(tab, options=RULES).response["violations"]
    return [(each["id"], node["target"], node["html"][:200]) for each in found for node in each["nodes"]]


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_the_page_keeps_the_rules(axe, opened, width, scheme):
    opened.tab.set_viewport_size({"width": width, "height": 900})
    opened.tab.emulate_media(color_scheme=scheme)
    opened.tab.evaluate(UNFOLD)
    assert violations(axe, opened.tab) == []
    assert opened.tab.locator("th:not([scope])").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_card_keeps_the_rules(axe, opened, scheme):
    opened.tab.emulate_media(color_scheme=scheme)
    opened.tab.click("#models .model >> nth=0")
    opened.tab.evaluate(UNFOLD)
    assert violations(axe, opened.tab) == []
    opened.tab.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_of_images_for_oneself_keeps_the_rules(axe, browser, tmp_path, scheme):  # noqa: F811
    (tmp_path / "local.html").write_text(rendered([CONTENT]))
    assert violations_of(axe, browser, tmp_path / "local.html", scheme) == []


def test_lines_that_say_what_is_not_there_keep_the_rules(axe, browser, tmp_path):  # noqa: F811
    alone = model("mine", role="extra", benchmarks=["imagenet"])
    path = made_page(tmp_path, models=[alone], claims=[], cards=False, reason="no data set at hand")
    assert violations_of(axe, browser, path, "dark") == []


def violations_of(axe, browser, path, scheme):  # noqa: F811
    """What breaks a rule in a file on a phone."""
    tab = browser.new_page(viewport={"width": 390, "height": 900}, color_scheme=scheme)
    tab.goto(path.as_uri())
    tab.evaluate(UNFOLD)
    found = violations(axe, tab)
    tab.close()
    return found


def test_faults_are_found(axe, browser, tmp_path):  # noqa: F811
    found = Opened(browser, made_page(tmp_path, images=images(tmp_path / "images")))
    for fault in FAULTS.values():
        found.tab.evaluate(fault)
    assert {each[0] for each in violations(axe, found.tab)} >= FAULTS.keys()
    found.tab.close()
