"""Does adversarial training make an image classifier rely more on backgrounds, and when?

snakemake --cores all        everything, for the study that config.yaml names
"""

import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from tradeoffs.study import config_files


# The folder's own config; called from elsewhere (snakemake -s), this one is there too.
configfile:
    config_files.readable(
        Path("config.yaml")
        if os.path.lexists("config.yaml")
        else Path(workflow.basedir) / "config.yaml"
    )


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/evaluations.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/results.smk"


rule all:
    default_target: True
    input:
        rules.figures.input,


onstart:
    hooks.start(workflow)


onsuccess:
    hooks.print_cost(workflow)
    hooks.print_missing(plan.missing_benchmarks(config))


onerror:
    hooks.end(workflow)
