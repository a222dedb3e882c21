"""Synthetic studies as fixtures."""

from results.studies import (  # noqa: F401
    config,
    make_imagenet_study,
    make_study,
    make_tables,
    run_claims,
    run_figure,
    run_summary,
)
