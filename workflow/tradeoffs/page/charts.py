"""What the page draws, as Vega-Lite: data by name, colours and titles in words that its script replaces.

The script knows what is chosen and whether the reader's screen is light or dark; what is drawn of it stands here.
"""

from typing import Any

import altair as alt

Chart = alt.LayerChart | alt.FacetChart
X, Y = "title of x", "title of y"


def charts() -> dict[str, Any]:
    """Return the specifications by name."""
    drawn = {
        "metrics": _metrics(),
        "budget": _budget(),
        "scale": _scale(),
        "networks": _networks(),
    }
    return {name: _plain(chart) for name, chart in drawn.items()}


def _plain(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Return a specification without an address and without Altair's own look."""
    found: dict[str, Any] = chart.to_dict(context={"pre_transform": False})
    return {key: value for key, value in found.items() if key not in ("$schema", "config")}


def _legend() -> alt.Legend:
    return alt.Legend(labelExpr="datum.label == 'none' ? 'standard' : datum.label", symbolOpacity=1)


def _norm() -> dict[str, Any]:
    """Return domain, colours (which the script fills in), title and legend of a channel that says the norm."""
    scale = alt.Scale(domain=["norms"], range=["colours"])
    return {"scale": scale, "title": "trained against", "legend": _legend()}


def _colour() -> alt.Color:
    return alt.Color("norm:N", **_norm())


def _shape() -> alt.Shape:
    """Say the norm by the point too, as the figures do: grey is enough to tell them apart."""
    return alt.Shape(
        "norm:N", scale=alt.Scale(domain=["norms"], range=["shapes"]), title="trained against", legend=_legend()
    )


def _dash() -> alt.StrokeDash:
    """Say the norm by the line too, as the figures do."""
    lines = {"none": [2, 3], "linf": [1, 0], "l2": [6, 3], "l1": [8, 3, 2, 3]}
    return alt.StrokeDash("norm:N", scale=alt.Scale(domain=[*lines], range=[*lines.values()]), legend=None)


def _metrics() -> Chart:
    """Two metrics against each other, with intervals, and the line through the standard models."""
    points = alt.Chart(alt.NamedData("points"))
    x = alt.X("x:Q", title=X, scale=alt.Scale(zero=False))
    y = alt.Y("y:Q", title=Y, scale=alt.Scale(zero=False))
    told = [
        alt.Tooltip("model:N", title="model"),
        alt.Tooltip("training:N", title="trained against"),
        alt.Tooltip("architecture:N", title="network"),
        alt.Tooltip("x_text:N", title=X),
        alt.Tooltip("y_text:N", title=Y),
        alt.Tooltip("role:N", title="role"),
    ]
    return alt.layer(
        alt.Chart(alt.NamedData("standard"))
        .mark_line(strokeDash=[6, 4], strokeWidth=1.5, color="ink")
        .encode(x=x, y=y, detail="architecture:N"),
        points.mark_rule(opacity=0.35, strokeWidth=1.2).encode(
            x=alt.X("x_low:Q", title=X), x2="x_high:Q", y=y, color=_colour()
        ),
        points.mark_rule(opacity=0.35, strokeWidth=1.2).encode(
            x=x, y=alt.Y("y_low:Q", title=Y), y2="y_high:Q", color=_colour()
        ),
        points.mark_point(size=80, strokeWidth=1.8, opacity=1).encode(
            x=x,
            y=y,
            stroke=alt.Stroke("norm:N", **_norm()),
            fill=alt.Fill("norm:N", **_norm()),
            shape=_shape(),
            fillOpacity=alt.FillOpacity(
                "architecture:O",
                title="network",
                scale=alt.Scale(range=[1, 0.1, 0.5, 0.25]),
                legend=None,  # a legend draws no filling; the script says it in words
            ),
            tooltip=told,
        ),
    ).properties(width="container", height=380, data=alt.NamedData("points"))


def _lines(data: str, x: str, y: str, title: str) -> Chart:
    """Curves of the three norms, and where the slider stands."""
    curves = alt.Chart(alt.NamedData(data)).encode(
        x=alt.X(f"{x}:Q", title=title, axis=alt.Axis(tickCount=6)), y=alt.Y(f"{y}:Q", title=Y), color=_colour()
    )
    return alt.layer(
        alt.Chart(alt.NamedData("at")).mark_rule(color="ink", strokeDash=[4, 3]).encode(x=f"{x}:Q"),
        curves.mark_line(strokeWidth=2).encode(strokeDash=_dash()),
    ).properties(width="container", height=240, data=alt.NamedData(data))


def _budget() -> Chart:
    return _lines("budget", "budget", "reliance", "budget, as a share of that at which all weights are zero")


def _scale() -> Chart:
    curves = _lines("scale", "scale", "change", "scale of the spurious feature")
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(color="ink", opacity=0.5).encode(y="y:Q")
    return alt.layer(zero, *curves.layer).properties(width="container", height=240, data=alt.NamedData("scale"))


def _networks() -> Chart:
    """The networks' sweep of the background's scale: effects with intervals."""
    effects = alt.Chart(alt.NamedData("networks")).encode(
        x=alt.X("scale:Q", title="scale of the background", scale=alt.Scale(zero=False, padding=15)), color=_colour()
    )
    value = alt.Y("value:Q", title=Y)
    told = [alt.Tooltip("claim:N", title="claim"), alt.Tooltip("text:N", title="effect"), alt.Tooltip("verdict:N")]
    return alt.layer(
        alt.Chart(alt.NamedData("zero")).mark_rule(color="ink", opacity=0.5).encode(y="y:Q"),
        effects.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q", title=Y), y2="high:Q"),
        effects.mark_line(strokeWidth=1.5).encode(y=value, strokeDash=_dash()),
        effects.mark_point(filled=True, size=70).encode(y=value, shape=_shape(), tooltip=told),
    ).properties(width="container", height=240, data=alt.NamedData("networks"))
