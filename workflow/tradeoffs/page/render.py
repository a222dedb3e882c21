"""One file of HTML that holds all that it shows: data, style and scripts, nothing of which is fetched."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tradeoffs.claims.row import VERDICTS
from tradeoffs.page import look
from tradeoffs.page.beside import beside
from tradeoffs.page.charts import charts
from tradeoffs.page.claim_list import claim_list, difference_list, scale
from tradeoffs.page.embedding import embedded, script
from tradeoffs.page.facts import Facts
from tradeoffs.page.leaderboard import leaderboard
from tradeoffs.page.model_cards import model_cards
from tradeoffs.page.overview import overview
from tradeoffs.page.rows import number
from tradeoffs.page.theory_part import theory_part
from tradeoffs.step.files import write_atomically

QUESTION = (
    "Does adversarial training make an image classifier rely more on backgrounds and other spurious features, and when?"
)


def write(path: Path, facts: Facts, pictures: Sequence[dict[str, Any]]) -> int:
    """Write the page, whole or not at all; return its size in bytes."""
    text = page(facts, pictures).encode()

    def save(temporary: Path) -> None:
        temporary.write_bytes(text)

    write_atomically(path, save)
    return len(text)


def page(facts: Facts, pictures: Sequence[dict[str, Any]]) -> str:
    """Return the page. All text of models, claims and cards is shown as text, whatever stands in it."""
    told: dict[str, Any] = {
        "question": QUESTION,
        "facts": facts,
        "overview": overview(facts),
        "beside": beside(facts),
        "claims": claim_list(facts),
        "claims_scale": scale(facts.networks),
        "differences": [] if facts.claims else difference_list(facts),
        "differences_scale": scale(facts.differences),
        "verdicts": VERDICTS,
        "titles": facts.study.titles,
        "study": facts.study.name,
        "images": pictures,
        "shown": [each["benchmark"] for each in pictures],
        "data": {
            "leaderboard": leaderboard(facts),
            "cards": model_cards(facts),
            "theory": theory_part(facts),
            "charts": charts(),
        },
        "style": Markup("\n".join(path.read_text(encoding="utf-8") for path in look.styles())),
        "library": library(),
        "scripts": [script(path.read_text(encoding="utf-8")) for path in look.scripts()],
    }
    return environment().get_template("index.html").render(told)


@cache
def library() -> Markup:
    """Return Vega-Lite with all it needs. It takes seconds to be put together."""
    return script(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # a snippet may be left out


def environment() -> Environment:
    """Return what makes the templates into a page: everything is escaped, and an unknown name is an error."""
    found = Environment(
        loader=FileSystemLoader(look.TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"embedded": embedded, "short": short}
    return found


def short(text: str) -> str:
    """Return a number of a table with three digits; other text as it is."""
    value = number(text)
    return text if value is None else f"{value:.3g}"
