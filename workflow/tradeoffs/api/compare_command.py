"""Compare models on the same images: paired differences, with intervals over images.

tradeoffs compare --models mine=DIR reference=torchvision/resnet50 --benchmarks waterbirds --data PATH --out DIR
"""

import re
from pathlib import Path
from typing import Annotated

from tradeoffs.api.compare import compare
from tradeoffs.api.evaluate_command import folders_of, named
from tradeoffs.api.kinds import path_of
from tradeoffs.compute.device import choose_device
from tradeoffs.step.cards import check
from tradeoffs.step.errors import InputError


def run(
    *,
    models: Annotated[list[str], "NAME=MODEL of each: a name as in evaluate, or a folder that evaluate wrote (--out)"],
    benchmarks: Annotated[list[str], "what to measure"],
    out: Annotated[Path, "folder for differences.csv, and below it for each model's results"],
    data: Annotated[list[str] | None, "folder of the data set; NAME=PATH for each where there are several"] = None,
    reference: Annotated[str | None, "name of the model to compare with, if not the last"] = None,
    page: Annotated[Path | None, "HTML to write: all of it on one page"] = None,
    study: Annotated[str, "whose settings are taken"] = "imagenet",
) -> None:
    """Compare two models or more, write the table and print the measures of reliance."""
    told = named("--models", models, "NAME=MODEL, as mine=results/mine")
    for name, model in told.items():  # of which more has to be said than fits here
        path = path_of(f"--models: {name}", model)
        told_by_card = path.is_file() and check(path, ours=False)[1] is not None
        function = not path.exists() and re.fullmatch(r".+:\w+", model)  # as by_name has it
        if (path.is_file() and not told_by_card) or function:
            kind = "function" if function else "file"
            raise InputError(
                f"--models: {name}={model} is a {kind}; evaluate it first (tradeoffs evaluate --model {model} ... "
                f"--out DIR), and give {name}=DIR"
            )
    places = folders_of(data or [])
    computed = not all(Path(model).expanduser().is_dir() for model in told.values())
    device = choose_device() if computed else "cpu"
    found = compare(told, benchmarks, places, reference=reference, study=study, device=device, out=out, page=page)
    print(found)
