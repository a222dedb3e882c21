"""Conversions as the tests ask for them: the settings as a dictionary, the source among them."""

from tradeoffs.models import convert
from tradeoffs.models.conversion import Settings


def converted(spec, checkpoint):
    """Return what the source makes of a checkpoint, or of published weights where it is None."""
    settings = {key: value for key, value in spec.items() if key != "source"}
    return convert.convert(spec["source"], Settings(**settings), checkpoint)


def tensors_of(spec, checkpoint):
    """Return the tensors alone."""
    return converted(spec, checkpoint).tensors
