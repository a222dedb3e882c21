"""Synthetic studies as fixtures."""

from results.studies import *  # noqa: F403 (its fixtures, which it lists)
