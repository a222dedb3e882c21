"""The section of images: what comes from data is shown as text, and nothing that is said to be absent is there."""

import json
from html.parser import HTMLParser

import pytest

from tradeoffs.api.show_command import rendered

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \" ' & {{ 7 * 7 }} \u2028"
CONTENT = {
    "benchmark": "rival10",
    "title": "RIVAL10",
    "licence": "ours",
    "may_embed": True,
    "why": "we drew them",
    "why_not": "",
    "models": [
        {
            "id": "m",
            "label": "m",
            "role": "main",
            "architecture": "a",
            "norm": "none",
            "epsilon": 0,
            "objective": None,
            "missing": None,
        }
    ],
    "reasons": [{"reason": "worst", "fits": 1, "of": 3, "note": ""}],
    "worst": {"group": "g", "grouped_by": "class", "picture": "image", "accuracy": {"m": 0.5}},
    "remark": "",
    "images": [
        {
            "id": "i",
            "class": "c",
            "group": "g",
            "reason": "worst",
            "missing": None,
            "pictures": [{"what": "image", "data": None}],
            "answers": {"m": [{"picture": "image", "predicted": "c", "probability": 0.9, "right": True}]},
            "looks": {"m": {"data": None, "share_on_object": None}},
        }
    ],
}


class Read(HTMLParser):
    """The elements of a page, and the text of its data."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.data, self.text, self._inside = [], "", "", None

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._inside = dict(attrs).get("type") if tag == "script" else None

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "application/json":
            self.data += data
        else:
            self.text += data


def read(content):
    page = Read()
    page.feed(rendered([content]))
    return page


def everywhere(value, text):
    """The content with the text in the place of all others, but of the name by which a script finds its data."""
    if isinstance(value, dict):
        return {
            (text if key == "m" else key): (each if key == "benchmark" else everywhere(each, text))
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [everywhere(each, text) for each in value]
    return text if isinstance(value, str) else value


def test_text_of_ids_and_labels_is_no_markup():
    plain, hostile = read(everywhere(CONTENT, "x")), read(everywhere(CONTENT, HOSTILE))
    assert hostile.tags == plain.tags
    assert json.loads(hostile.data) == everywhere(CONTENT, HOSTILE)
    assert hostile.text.count("<script>alert(1)</script>") > 3
    assert "49" not in hostile.text


def test_nothing_is_fetched():
    text = rendered([CONTENT])
    assert "http://" not in text
    assert "https://" not in text
    assert "src=" not in text.replace("image.src = data", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": []}, "No images are shown."),
        ({"may_embed": False, "why_not": "redistribution is forbidden"}, "redistribution is forbidden"),
        ({"may_embed": False}, "tradeoffs show rival10 --evaluations"),
        ({"remark": "The set has no masks."}, "The set has no masks."),
        ({"reasons": [{"reason": "torn", "fits": 0, "of": 3, "note": "no image divides them"}]}, "no image divides"),
        ({"models": [CONTENT["models"][0] | {"missing": "no route"}]}, "m is not shown: no route"),
    ],
)
def test_what_is_not_there_is_said(changes, said):
    assert said in " ".join(read(CONTENT | changes).text.split())
