"""The images of a benchmark in a browser: a claim leads to them, they unfold and are filtered, and text stays text."""

import json

import numpy as np
import pytest

from examples.test_local_page import CONTENT, everywhere
from page.made_study import HOSTILE, hostile
from page.made_study import page as made_page
from page.test_page_in_a_browser import BROWSER, Opened, browser  # noqa: F401 (a fixture)
from tradeoffs.examples.encoding import data_uri

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed: apt-get install chromium")
PICTURE = data_uri(np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8))


def answer(picture, **changes):
    """An answer to a picture."""
    return {"picture": picture, "predicted": "c", "probability": 0.5, "right": True} | changes


def images(folder, **changes):
    """Write what is shown of images of ImageNet-9, one of them under attack, and return the folder."""
    (one,) = CONTENT["images"]
    one = one | {
        "pictures": [{"what": "image", "data": PICTURE}, {"what": "object mask", "data": PICTURE}],
        "looks": {"m": {"data": PICTURE, "share_on_object": 0.25}},
    }
    answers = [*one["answers"]["m"], answer("attacked", predicted="d", right=False, recorded=True)]
    attacked = {
        "made": {"m": [{"what": "attacked", "data": PICTURE}, {"what": "difference", "data": PICTURE}]},
        "answers": {"m": answers},
    }
    listed = [
        one,
        one | {"id": "j", "reason": "torn"},
        one | {"id": "k", "missing": "k.JPEG: damaged"},
        one | {"id": "l", "reason": "fooled"} | attacked,
    ]
    content = CONTENT | {"benchmark": "imagenet9", "images": listed} | changes
    folder.mkdir()
    (folder / "imagenet9.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("page")
    found = Opened(browser, made_page(folder, images=images(folder / "images")))
    yield found
    assert found.wrong == []


def test_a_claim_leads_to_the_images_behind_it(opened):
    tab = opened.tab
    claim = tab.locator(".claim:visible", has=tab.locator("a[href='#images-imagenet9']")).first
    claim.locator("summary").click()
    claim.locator("a[href='#images-imagenet9']").click()
    assert tab.evaluate("location.hash") == "#images-imagenet9"
    top = "document.getElementById('images-imagenet9').getBoundingClientRect().top"
    tab.wait_for_function(f"0 <= {top} && {top} < 900")  # it scrolls smoothly
    assert tab.locator("#images-imagenet9 h3").inner_text() == CONTENT["title"]


def test_images_unfold_by_the_keyboard_and_say_what_models_answered(opened):
    first, second, third, _ = opened.tab.locator("#images-imagenet9 details").all()
    assert [each.evaluate("element => element.open") for each in (first, second, third)] == [True, False, False]
    second.locator("summary").focus()
    opened.tab.keyboard.press("Enter")
    row = " ".join(second.locator("tbody tr").inner_text().split())
    assert row == "m ✓ right says c true class 90 % 25 % on the object"
    shown = second.locator("table img")
    assert shown.count() == 3  # the image, the mask, the gradient
    for each in shown.all():
        each.scroll_into_view_if_needed()
        assert each.evaluate("image => image.decode().then(() => image.naturalWidth)") == 32
        assert each.get_attribute("alt")
    third.locator("summary").click()
    assert "Not shown: k.JPEG: damaged" in third.inner_text()
    assert third.locator("table").count() == 0


def test_images_are_filtered_by_their_reason(opened):
    choice = opened.tab.get_by_label("Show", exact=False).and_(opened.tab.locator("#images-imagenet9-reason"))
    choice.select_option("torn")
    shown = opened.tab.locator("#images-imagenet9 details:visible code")
    assert shown.all_inner_texts() == ["j"]
    choice.select_option("")
    assert shown.all_inner_texts() == ["i", "j", "k", "l"]


def test_what_was_made_against_a_model_stands_in_its_row_with_what_the_evaluation_found(opened):
    attacked = opened.tab.locator("#images-imagenet9 details").last
    attacked.locator("summary").click()
    headings = [" ".join(text.split()) for text in attacked.locator("thead tr > *").all_inner_texts()]
    assert headings[:4] == ["model", "image", "attacked", "difference"]
    cells = attacked.locator("tbody td")
    said = " ".join(cells.nth(1).inner_text().split())
    assert said == "✗ wrong says d withstood the evaluation's attacks true class 50 %"
    names = [cells.nth(at).get_by_role("img").get_attribute("alt") for at in (1, 2)]
    assert names == ["c, attacked, against m", "c, difference, against m"]
    assert cells.nth(2).inner_text() == ""


def test_text_of_images_runs_nowhere_and_sources_are_pictures_only(browser, tmp_path):  # noqa: F811
    made = images(tmp_path / "images")
    content = json.loads((made / "imagenet9.json").read_text())
    (made / "imagenet9.json").write_text(json.dumps(everywhere(content, HOSTILE)))
    found = Opened(browser, hostile(tmp_path, images=made))
    found.tab.evaluate("() => document.querySelectorAll('#images-imagenet9 details').forEach(each => each.open = true)")
    assert found.tab.evaluate("window.hacked") is None
    assert found.wrong == []
    assert found.tab.locator("#images-imagenet9 img").count() == 0
    assert "<script>" in found.tab.inner_text("#images-imagenet9")
