"""What a step makes of the text of ``--spec``."""

from tradeoffs.step.command import kinds_of
from tradeoffs.step.specs import parse_spec


def settings_of(module, text):
    """Return the settings of a step's module; InputError for a text that says none."""
    settings = module.Settings
    return settings(**parse_spec(text, kinds_of(settings), optional=settings._field_defaults))
