"""The measures of reliance on the background, one list for claims and figures."""

from typing import NamedTuple

TITLES = {
    "imagenet": "ImageNet",
    "rival10": "RIVAL10",
    "salient_imagenet": "Salient ImageNet",
    "imagenet9": "ImageNet-9",
    "waterbirds": "Waterbirds",
    "objectnet": "ObjectNet",
}


class Metric(NamedTuple):
    """A measure of reliance: ``sign`` is +1 where high values mean much reliance, -1 where low ones do."""

    benchmark: str
    name: str
    sign: int
    meaning: str


# The first metric of a benchmark is the one its part of the overall claim rests on: the published headline measure.
METRICS = (
    Metric("rival10", "rfs_linf", -1, "relative foreground sensitivity under noise of fixed standard deviation"),
    Metric("rival10", "rfs_l2", -1, "relative foreground sensitivity under noise of fixed l2 norm"),
    Metric("salient_imagenet", "rcs", -1, "relative core sensitivity"),
    Metric("imagenet9", "bg_gap", 1, "accuracy lost when the background is of a random class"),
    Metric("waterbirds", "background_swap_gap", 1, "accuracy lost on birds on the other background"),
    Metric("waterbirds", "worst_group_accuracy", -1, "accuracy of the worst of four groups"),
    Metric("objectnet", "relative_drop_official", 1, "share of accuracy lost under shifted backgrounds and viewpoints"),
    Metric("objectnet", "relative_drop_restricted", 1, "the same among shared classes only"),
    Metric("objectnet", "effective_robustness_official", -1, "accuracy beyond a standard model of equal accuracy"),
    Metric("objectnet", "effective_robustness_restricted", -1, "the same among shared classes only"),
)


def headline() -> dict[str, Metric]:
    """Return the first metric of each benchmark."""
    found: dict[str, Metric] = {}
    for metric in METRICS:
        found.setdefault(metric.benchmark, metric)
    return found


def saturated(metric: str, value: float, ci_low: float, ci_high: float) -> bool:
    """Whether a metric of reliance is a normalised gap (RFS, RCS) at the end of its scale, and so no measurement.

    It is 1 or -1, but for rounding, where and only where one of its two accuracies is 0 or 1, and then whatever the
    other one is; it is 0 in every bootstrap draw where both are. The evaluation's card says so under ``saturated``.
    """
    return metric.startswith(("rfs_", "rcs")) and (abs(value) > 1 - 1e-9 or value == ci_low == ci_high == 0)
