"""A small study as its steps would leave it: tables and cards, whose numbers and words a test chooses."""

import time

from tradeoffs.claims.reference_run import THERE, Compared
from tradeoffs.claims.regime import Check
from tradeoffs.claims.row import (
    CONCLUSION,
    CONTRADICTED,
    HEADLINE,
    LINEAR_MODEL,
    SUPPORTED,
    UNDECIDED,
    Claim,
)
from tradeoffs.page import command
from tradeoffs.results.table import SUMMARY_COLUMNS, SWEEP_COLUMNS, write_csv
from tradeoffs.step.cards import digests, write_card
from tradeoffs.step.files import write_json

BENCHMARKS = [
    {
        "name": "imagenet",
        "title": "ImageNet",
        "metrics": [{"name": "accuracy", "label": "clean accuracy", "meaning": "accuracy without noise"}],
        "rests_on": [],
        "chance": 0.1,
    },
    {
        "name": "imagenet9",
        "title": "ImageNet-9",
        "metrics": [
            {"name": "bg_gap", "label": "BG-gap", "meaning": "accuracy lost", "direction": "more"},
            {"name": "accuracy_mixed_same", "meaning": "accuracy on the same class"},
        ],
        "rests_on": [],
        "chance": 0.25,
    },
    {
        "name": "waterbirds",
        "title": "Waterbirds",
        "metrics": [{"name": "worst_group_accuracy", "label": "worst group", "direction": "less"}],
        "rests_on": [],
        "chance": 0.5,
    },
    {"name": "adversarial", "title": "Adversarial accuracy", "metrics": [], "rests_on": [], "chance": 0.1},
]
METRICS = [
    ("imagenet", "accuracy"),
    ("imagenet9", "bg_gap"),
    ("imagenet9", "accuracy_mixed_same"),
    ("waterbirds", "worst_group_accuracy"),
    ("adversarial", "adversarial_accuracy_val_linf_eps1"),
    ("adversarial", "adversarial_accuracy_val_linf_eps4"),
    ("adversarial", "adversarial_accuracy_val_linf_eps8"),
]


PIXEL = "data:image/webp;base64,UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="  # one, transparent


def model(name, *, role="main", architecture="basic", norm="none", epsilon=0.0, benchmarks=None, **more):
    listed = [each["name"] for each in BENCHMARKS] if benchmarks is None else benchmarks
    told = {"id": name, "role": role, "architecture": architecture, "norm": norm, "epsilon": epsilon, "seed": 7}
    return (
        told
        | {
            "world": "default",
            "benchmarks": listed,
            "images": 100,
            "correlation": 0.9,
            "background_scale": 1.0,
            "replicate": 1,
            "objective": None,
        }
        | more
    )


def grid(count=6):
    """Return models of two architectures and three trainings, and one control."""
    trainings = [("none", 0.0), ("linf", 4.0), ("l2", 0.5), ("linf", 0.5), ("linf", 8.0), ("l2", 2.0)]
    found = []
    for position in range(count - 1):
        norm, epsilon = trainings[position // 2 % len(trainings)]
        architecture = ("basic", "bottleneck")[position % 2]
        name = f"{architecture}_{norm}_eps{epsilon:g}_{position}"
        found.append(model(name, architecture=architecture, norm=norm, epsilon=epsilon))
    return [*found, model("basic_standard_images50", role="control", benchmarks=["imagenet", "imagenet9"])]


NONE = (None, None)  # no interval
CLAIMS = [
    Claim("background_reliance", "On every benchmark.", "share", 0.0, *NONE, 1.0, UNDECIDED, scope=HEADLINE, rerun=0.6),
    Claim(
        *("background_reliance.imagenet9.bg_gap", "More reliance on ImageNet-9.", "mean"),
        *(0.021, -0.01, 0.052, 0.2, UNDECIDED, 0.4, 8.0, 1, 0.75, 0.03),
        scope=HEADLINE,
        evidence="imagenet9: mean of basic linf (2 models)",
        benchmarks="imagenet9",
        metric="bg_gap",
    ),
    Claim(
        *("background_reliance.waterbirds.worst_group_accuracy", "More reliance on Waterbirds.", "mean"),
        *(0.3, 0.2, 0.4, 0.001, SUPPORTED, 0.002, 8.0, 1, 0.95, 0.05),
        scope=HEADLINE,
        evidence="waterbirds: mean of basic linf (2 models); by images 0.036, adversarial trainings 0.016",
        benchmarks="waterbirds",
        metric="worst_group_accuracy",
        models=" ".join(each["id"] for each in grid() if each["role"] == "main"),
    ),
    Claim(
        *("scale.linf", "Raises it at scale 1.", "change", 0.1, 0.05, 0.15, 0.01, SUPPORTED),
        rerun=0.9,
        scope=CONCLUSION,
        evidence="imagenet9: basic_linf_eps4_2 against the standard models",
        benchmarks="imagenet9",
        models="basic_linf_eps4_2",
    ),
    Claim(
        *("scale.linf.scale1", "At scale 1.", "gap", 0.1, 0.05, 0.15, 0.01, SUPPORTED),
        norm="linf",
        background_scale=1.0,
    ),
    Claim(
        *("cell", "One cell.", "gap", -0.9, -1.4, -0.4, 0.01, CONTRADICTED),
        evidence="imagenet9: nothing",
        warning="at chance",
    ),
    Claim(
        *("theory (i)", "Exact.", "share", 4.56905669284e-05, *NONE, None, SUPPORTED),
        subject=LINEAR_MODEL,
        scope=CONCLUSION,
    ),
]


def write(folder, models=None, claims=CLAIMS, benchmarks=BENCHMARKS, cards=True, sources=None, reason=None, beside=()):
    """Write tables and cards; return the step's settings and its options."""
    models = grid() if models is None else models
    columns = {"summary": SUMMARY_COLUMNS, "sweeps": SWEEP_COLUMNS}
    rows = {"summary": [], "sweeps": []}
    names = {each["name"] for each in benchmarks}
    for position, each in enumerate(models):
        who = ["made", each["id"], each["architecture"], each["norm"], each["epsilon"], each["seed"]]
        for place, (benchmark, metric) in enumerate(METRICS):
            if benchmark not in each["benchmarks"] or benchmark not in names:
                continue
            value = ((position * 7 + place * 3) % 11) / 11
            measured = [
                benchmark,
                metric,
                value,
                value - 0.05,
                value + 1 / 30,
                450,
                each["replicate"],
                each["objective"],
            ]
            if each["role"] in ("main", "extra"):
                rows["summary"].append([*who[:2], each["role"], *who[2:], *measured])
            else:
                rows["sweeps"].append([*who, each["role"], 0.9, 1.0, 100, None, *measured[:-1]])
    for name, listed in rows.items():
        write_csv(folder / f"{name}.csv", columns[name], listed)
    written = {"summary": folder / "summary.csv", "sweeps": folder / "sweeps.csv"}
    if claims:
        write_csv(folder / "claims.csv", Claim._fields, claims)
        checks = [
            Check("converged", "", "one", 0.1, 0.2, True, ""),
            Check("off chance", "", "two", 0.1, 0.2, False, ""),
        ]
        write_csv(folder / "regime.csv", Check._fields, checks)
        differences = [row for row in rows["summary"] if row[8] == "bg_gap"]
        write_csv(folder / "differences.csv", SUMMARY_COLUMNS, differences)
        written |= {name: folder / f"{name}.csv" for name in ("claims", "regime", "differences")}
    if beside:
        written["reference"] = compared(folder / "reference.csv", beside)
    if reason:
        write_csv(
            folder / "missing.csv",
            ("benchmark", "dataset", "model", "reason"),
            [["waterbirds", "waterbirds", None, reason]],
        )
        written["missing"] = folder / "missing.csv"
    if cards:
        written |= {name: folder / name for name in ("models", "evaluations", "theory")}
        _cards(folder, models)
    told = {"study": "made", "models": models, "benchmarks": benchmarks}
    told["sources"] = sources or {each["id"]: "train" for each in models}
    return command.Settings(**told, pictures=[each["name"] for each in benchmarks]), written


def compared(path, rows, **said):
    """Write verdicts beside those of the reference run, and the card that came with them; return the path."""
    write_csv(path, Compared._fields, rows)
    said = said or {"other_settings": {"miniature.training.epochs": "12, there 24"}}
    card = path.parent / "cards/reference.json"
    write_card(card, spec={}, code="c", data={}, started=0.0, files=digests(path), **said)
    return path


def _cards(folder, models):
    common = {"code": "0123456789abcdef", "started": time.perf_counter()}
    for each in models:
        told = {"seed": each["seed"], "epochs": 24, "norm": each["norm"]}
        card = folder / "models" / each["id"] / "card.json"
        write_card(
            card,
            spec=told,
            data={"imagenet": "da7a"},
            files={"weights.pt": "5ba256"},
            kind="model",
            history=[],
            **common,
        )
        for name in each["benchmarks"]:
            settings = {"seed": 0, "domains": {"val": "val"}} if name == "adversarial" else {"seed": 0}
            card = folder / "evaluations" / name / f"{each['id']}.json"
            write_card(card, spec=settings, data={name: "da7a"}, kind="evaluation", **common)
    write_card(folder / "theory/curves.json", spec={"noise": 0.5, "correlation": 0.7}, data={}, **common)
    write_card(
        folder / "theory/anticausal_curves.json", spec={"core_noise": 0.5, "correlation": 0.7}, data={}, **common
    )


def pictures(folder, text="zero"):
    """Write the pictures of ImageNet-9, one image with an answer of one model; return their folder."""
    shown = {
        "id": "basic_linf_eps4_2",
        "label": text,
        "role": "main",
        "architecture": text,
        "norm": "linf",
        "epsilon": 4.0,
    }
    image = {
        "id": f"{text}.png",
        "class": text,
        "group": text,
        "reason": text,
        "missing": None,
        "pictures": [{"what": text, "data": PIXEL}],
        "answers": {shown["id"]: [{"picture": text, "predicted": text, "probability": 0.25, "right": False}]},
        "looks": {shown["id"]: {"data": PIXEL, "share_on_object": 0.4}},
    }
    content = {
        **{"benchmark": "imagenet9", "title": f"ImageNet-9 {text}", "licence": text, "remark": text},
        **{"may_embed": True, "why": text, "why_not": text},
        "models": [shown | {"missing": None}, shown | {"id": "other", "missing": text}],
        "reasons": [{"reason": text, "fits": 1, "of": 450, "note": text}],
        "worst": {"group": text, "grouped_by": text, "picture": text, "accuracy": {shown["id"]: 0.25}},
        "images": [image],
    }
    write_json(folder / "imagenet9.json", content)
    return folder


def page(folder, images=None, **words):
    """Return the path of the page of a study that is made in ``folder``."""
    settings, written = write(folder, **words)
    command.run(settings, out=folder / "index.html", images=images, **written)
    return folder / "index.html"


HOSTILE = """<script>window.hacked=1</script><img src=x onerror="window.hacked=1">'"&amp;{{ 7*7 }}<!--"""


def hostile(folder, images=None):
    name = "<script>window.hacked=1<\\script>\"'&"
    models = [model(name, architecture=HOSTILE, world=HOSTILE), *grid()]
    models.append(model("constructor", role="extra", architecture="__proto__"))
    benchmarks = [each | {"title": each["title"] + HOSTILE} for each in BENCHMARKS]
    benchmarks[1] = benchmarks[1] | {
        "metrics": [each | {"label": HOSTILE, "meaning": HOSTILE} for each in benchmarks[1]["metrics"]]
    }
    claims = [
        each._replace(
            **dict.fromkeys(("statement", "statistic", "warning"), HOSTILE),
            evidence=f"{each.evidence} {HOSTILE}",
        )
        for each in CLAIMS
    ]
    sources = dict.fromkeys([each["id"] for each in models], HOSTILE)
    return page(
        folder,
        beside=[Compared(HOSTILE, HOSTILE, HEADLINE, SUPPORTED, UNDECIDED, THERE)],
        models=models,
        benchmarks=benchmarks,
        claims=claims,
        sources=sources,
        reason=HOSTILE,
        images=images or pictures(folder / "pictures", HOSTILE),
    )
