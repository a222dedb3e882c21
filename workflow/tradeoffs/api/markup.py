"""A result as HTML for notebooks: a heading, a table, remarks; in the colours of what is around it, light or dark."""

import html
from collections.abc import Iterable, Sequence

# Inline, because a notebook's own style of tables differs from one program to the next, and some have none.
_TABLE = "border-collapse:collapse;border:none;margin:0;font-size:0.9em"
_CELL = "text-align:{side};padding:0.2em 0.7em;border:none;white-space:nowrap"
_HEAD = _CELL + ";border-bottom:1px solid currentColor"


def shown(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], words: int, remarks: Iterable[str]) -> str:
    """Return the HTML; the first ``words`` columns are words, the others numbers. A wide table scrolls by itself."""
    sides = ["left"] * words + ["right"] * (len(header) - words)
    head = _row("th", _HEAD, header, sides)
    body = "".join(_row("td", _CELL, row, sides) for row in rows)
    table = f'<table style="{_TABLE}"><thead>{head}</thead><tbody>{body}</tbody>'
    said = "".join(f"<li>{html.escape(remark)}</li>" for remark in remarks)
    listed = f"<ul>{said}</ul>" if said else ""
    return f'<p><b>{html.escape(title)}</b></p><div style="overflow-x:auto">{table}</table></div>{listed}'


def interval(low: float, high: float, form: str) -> str:
    """Return an interval as text, in a format of numbers."""
    return f"[{low:{form}}, {high:{form}}]"


def _row(tag: str, style: str, cells: Sequence[str], sides: Sequence[str]) -> str:
    made = (
        f'<{tag} style="{style.format(side=side)}">{html.escape(cell)}</{tag}>'
        for cell, side in zip(cells, sides, strict=True)
    )
    return f"<tr>{''.join(made)}</tr>"
