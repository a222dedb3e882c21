"""What is known of each model beside its numbers: settings, provenance, checksums, versions, seconds."""

from typing import Any

from tradeoffs.page.facts import Card, Facts
from tradeoffs.step.cards import DIGEST, FILES

# Of a card that is shown as a whole, what is shown elsewhere or is long.
_LEFT_OUT = {"history", "kind", "spec", "versions", "data", "code", "seconds", "device", "seed", FILES, DIGEST}


def model_cards(facts: Facts) -> dict[str, Any]:
    """Return by model what its dialog shows; ``versions`` are listed once and named by their place."""
    versions: list[Any] = []

    def place(card: Card) -> int:
        if card["versions"] not in versions:
            versions.append(card["versions"])
        return versions.index(card["versions"])

    def said(card: Card) -> dict[str, Any]:
        known = {key: card.get(key) for key in ("code", "data", "device", "seconds", "seed")}
        return known | {"settings": card["spec"], "files": card.get(FILES, {}), "versions": place(card)}

    models = {}
    for model in facts.study.models:
        card = facts.cards.get(model.id)
        models[model.id] = {
            "source": facts.sources.get(model.id, ""),
            "world": model.world,
            "made": None if card is None else said(card),
            "more": {} if card is None else {key: value for key, value in card.items() if key not in _LEFT_OUT},
            "evaluations": {
                name: said(facts.evaluations[model.id, name])
                for name in model.benchmarks
                if (model.id, name) in facts.evaluations
            },
        }
    return {"models": models, "versions": versions, "differences": _differences(facts)}


def _differences(facts: Facts) -> dict[str, list[dict[str, str]]]:
    """Return by model how it differs from its standard models, positive for more reliance."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in facts.differences:
        kept = {key: row[key] for key in ("benchmark", "metric", "value", "ci_low", "ci_high")}
        found.setdefault(row["model"], []).append(kept)
    return found
