"""Where the tables of networks and of published files' names lie."""

from pathlib import Path

VARIANTS = Path(__file__).with_name("variants.yaml")
KEY_RULES = Path(__file__).with_name("key_rules.yaml")
