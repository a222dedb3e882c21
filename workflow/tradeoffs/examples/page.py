"""The examples of one benchmark, as a page shows them: plain values, which JSON can hold.

    {benchmark, title, licence, may_embed, why, why_not,      pictures are in it only where they may be passed on
     models: [{id, label, role, architecture, norm, epsilon, objective, missing}],  missing: why nothing is known
     reasons: [{reason, fits, of, note}],            how many of the images each reason to show one fits
     worst: {group, grouped_by, picture, accuracy: {model: share right}},
     remark,                                         what the benchmark's images do not allow to be shown, and why
     images: [{id, class, group, reason, missing,    missing: why its pictures are not there, or null
               pictures: [{what, data}],             data: a WebP as data URI, or null
               made: {model: [{what, data}]},        pictures that were made against that model
               answers: {model: [{picture, predicted, probability, right, recorded}]},
               looks: {model: {data, share_on_object}}}]}

``right`` is that of the evaluation where its outcomes say it, else of the pass that was made for the page;
``predicted`` and ``probability`` (of the true class) are of that pass, null where there are no weights. Of a picture
that was made against a model ``right`` is of that pass too, and ``recorded``, which others lack, is what the evaluation
found: whether the image withstood its own, longer search.
``share_on_object`` is 1 less the evaluation's own share of the gradient on the background, null where the image has
none: the foreground's share is no metric beside it, for it is the same fact.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tradeoffs.data.images import UnreadableError
from tradeoffs.examples.answered import Answered, ask
from tradeoffs.examples.choice import DIVIDED, Reason, Right, choose
from tradeoffs.examples.collection import Collection, Evaluated, Example, Picture
from tradeoffs.examples.encoding import data_uri
from tradeoffs.examples.heat import heat
from tradeoffs.examples.words import against
from tradeoffs.models.networks import Network
from tradeoffs.results.standard import is_standard
from tradeoffs.results.standard import training as described


class Shown(NamedTuple):
    """A model of the page, as the settings name it: the fields that a study's models have."""

    id: str
    role: str
    architecture: str
    norm: str
    epsilon: float
    objective: str | None = None

    @property
    def label(self) -> str:
        """What it is called: network and training, of the user's own its id; its id alone where nobody said how."""
        if self.norm == "unknown":
            return self.id
        training = described(self) if self.norm == "none" else against(self.norm, self.epsilon)
        return f"{self.id if self.role == 'extra' else self.architecture}, {training}"


def content(
    benchmark: str, title: str, rule: Mapping[str, Any], models: Sequence[Shown], missing: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is said of a benchmark and of the models; ``rule``: embed, licence, why; ``missing`` by model."""
    return {
        "benchmark": benchmark,
        "title": title,
        "licence": rule["licence"],
        "may_embed": rule["embed"],
        "why": rule["why"] if rule["embed"] else "",
        "why_not": "" if rule["embed"] else rule["why"],
        "models": [model._asdict() | {"label": model.label, "missing": missing.get(model.id)} for model in models],
    }


def examples(
    collection: Collection,
    models: Sequence[Shown],
    evaluated: Mapping[str, Evaluated],
    networks: Mapping[str, Callable[[], Network]],
    *,
    embed: bool,
    reference: str | None = None,
) -> dict[str, Any]:
    """Return what the page shows of the ``evaluated`` models; ``networks``: of those that can be asked more.

    Without ``embed`` there are no pictures, but all that is said of them. An image that cannot be read is named.
    ``reference``: the model that the others are compared with, where they are not divided by their training.
    """
    right = {id: collection.right(each.outcomes) for id, each in evaluated.items()}
    divided = (
        ([model.id for model in models if is_standard(model)], DIVIDED)
        if reference is None
        else ([reference], f"{reference} and the others differ")
    )
    reasons, worst = choose(collection, right, *divided)
    shown: dict[int, Example] = {}
    missing: dict[int, str] = {}
    for place in (place for reason in reasons for place in reason.shown):
        try:
            shown[place] = collection.show(place)
        except UnreadableError as error:
            missing[place] = str(error)
    asked = {id: ask(evaluated[id], network(), collection, shown) for id, network in networks.items()}
    return {
        "reasons": [
            {"reason": each.reason, "fits": each.fits, "of": len(collection.names), "note": each.note}
            for each in reasons
        ],
        "worst": worst._asdict() | {"grouped_by": collection.grouped_by, "picture": collection.judged},
        "remark": collection.remark,
        "images": [
            _image(collection, place, reason)
            | {"missing": missing.get(place)}
            | _said(collection, place, shown.get(place), evaluated, right, asked, embed)
            for reason in reasons
            for place in reason.shown
        ],
    }


def _image(collection: Collection, place: int, reason: Reason) -> dict[str, Any]:
    return {
        "id": collection.names[place],
        "class": collection.answers[int(collection.labels[place])],
        "group": collection.groups[place],
        "reason": reason.reason,
    }


def _said(
    collection: Collection,
    place: int,
    example: Example | None,
    evaluated: Mapping[str, Evaluated],
    right: Right,
    asked: Mapping[str, Mapping[int, Answered]],
    embed: bool,
) -> dict[str, Any]:
    """Return pictures of an image, answers to them, and where the models look."""
    if example is None:
        return {"pictures": [], "made": {}, "answers": {}, "looks": {}}
    seen = [picture.what for picture in example.pictures if picture.seen is not None]
    mask = None if example.mask is None else example.mask[0].numpy().astype(np.float64)
    made, answers, looks = {}, {}, {}
    for id, each in evaluated.items():
        found = asked.get(id, {}).get(place)
        answers[id] = [_answer(collection, place, what, k, right[id], found) for k, what in enumerate(seen)]
        if collection.made is not None:
            made[id] = _data([] if found is None else found.made, embed)
            answers[id].append(_answer_to_made(collection, place, len(seen), right[id], found))
        there = heat(found.mass, mask) if found and embed else None
        looks[id] = {
            "data": None if there is None else data_uri(there),
            "share_on_object": _share(collection, each, place),
        }
    return {"pictures": _data(example.pictures, embed), "made": made, "answers": answers, "looks": looks}


def _data(pictures: Sequence[Picture], embed: bool) -> list[dict[str, Any]]:
    return [{"what": picture.what, "data": data_uri(picture.pixels) if embed else None} for picture in pictures]


def _answer(
    collection: Collection, place: int, what: str, number: int, right: Mapping[str, Any], found: Answered | None
) -> dict[str, Any]:
    known = right[what][place]
    answer = None if found is None else found.answers[number]
    judged = None if answer is None else answer == int(collection.labels[place])
    return {
        "picture": what,
        "predicted": None if answer is None else _named(collection, answer),
        "probability": None if found is None else round(found.probabilities[number], 4),
        "right": judged if np.isnan(known) else bool(known),
    }


def _answer_to_made(
    collection: Collection, place: int, number: int, right: Mapping[str, Any], found: Answered | None
) -> dict[str, Any]:
    assert collection.made is not None
    what = collection.made.answered
    recorded = {"recorded": None if np.isnan(known := right[what][place]) else bool(known)}
    return _answer(collection, place, what, number, {what: np.full(place + 1, np.nan)}, found) | recorded


def _named(collection: Collection, answer: int) -> str:
    """Return what an answer is called; below -1 the logits name no class (:mod:`tradeoffs.models.answers`)."""
    if answer < -1:
        return "no answer"
    return "another class" if answer == -1 else collection.answers[answer]


def _share(collection: Collection, evaluated: Evaluated, place: int) -> float | None:
    if collection.share is None or np.isnan(behind := float(evaluated.outcomes[collection.share][place])):
        return None
    return round(1 - behind, 6)
