"""An effect with its interval, drawn small: read at a glance, in grey too."""

from markupsafe import Markup

WIDTH, HEIGHT = 240, 26
_INSET = 8  # room for the arrows of what goes beyond the scale


def interval(value: float, low: float, high: float, margin: float | None, limit: float) -> Markup:
    """Return an SVG of ``value`` in [``low``, ``high``] on a scale from -``limit`` to ``limit``.

    A band shows effects within the ``margin``, which are of no relevance; arrows what goes beyond the scale.
    """
    middle = HEIGHT / 2

    def x(number: float) -> float:
        share = min(max(number / limit, -1.0), 1.0)
        return round(WIDTH / 2 + share * (WIDTH / 2 - _INSET), 1)

    parts = []
    if margin:
        parts.append(f'<rect class="margin" x="{x(-margin)}" y="2" width="{x(margin) - x(-margin)}" height="22"/>')
    parts.append(f'<line class="zero" x1="{WIDTH / 2}" x2="{WIDTH / 2}" y1="0" y2="{HEIGHT}"/>')
    parts.append(f'<line class="range" x1="{x(low)}" x2="{x(high)}" y1="{middle}" y2="{middle}"/>')
    for end, sign in ((low, -1), (high, 1)):
        at = x(end)
        if abs(end) > limit:
            parts.append(f'<path class="end" d="M{at} {middle - 5}l{sign * 7} 5l{-sign * 7} 5"/>')
        else:
            parts.append(f'<line class="range" x1="{at}" x2="{at}" y1="{middle - 4}" y2="{middle + 4}"/>')
    parts.append(f'<circle class="value" cx="{x(value)}" cy="{middle}" r="4.5"/>')
    words = f"effect {value:.3g}, 95 % interval {low:.3g} to {high:.3g}"
    return Markup(f'<svg class="interval" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">') + Markup(
        "".join(parts) + "</svg>"
    )
