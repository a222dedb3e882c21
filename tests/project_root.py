"""Where the project lies, for the tests that run it."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
