"""Show the images of a benchmark from a folder of yours, with what a study's models answered.

tradeoffs show rival10 --evaluations results/imagenet/evaluations --data PATH --out rival10.html
"""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tradeoffs.api.folders import folder
from tradeoffs.api.kinds import html_file
from tradeoffs.benchmarks.evaluate import find
from tradeoffs.examples import evaluations as read_evaluations
from tradeoffs.examples.command import code, shown
from tradeoffs.examples.page import Shown
from tradeoffs.models import confinement
from tradeoffs.page import look
from tradeoffs.page.embedding import embedded, script
from tradeoffs.step.command import Step, options_of
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json, write_atomically


def step(benchmark: str) -> Step:
    """Return the command of a benchmark; InputError for one whose images are not shown."""
    code(benchmark)
    title = (__doc__ or "").splitlines()[0]
    return Step(title, None, options_of(run), partial(run, benchmark), (), carded=False)


def run(
    benchmark: str,
    *,
    data: Annotated[Path, "folder of the benchmark's own data set"],
    evaluations: Annotated[Path, "folder of a study's evaluations: results/<study>/evaluations"],
    out: Annotated[Path, "HTML file to write"],
    page: Annotated[Path | None, "what is shown: page/<benchmark>.json beside the evaluations, if left out"] = None,
    models: Annotated[Path | None, "folder with <model>/weights.pt; models beside the evaluations, if left out"] = None,
) -> None:
    """Write one page that opens by itself, for yourself: licences may forbid to pass it on.

    InputError for data, evaluations or a page that are missing, damaged or not of each other.
    """
    html_file("--out", out)
    source = page or evaluations.parent / "page" / f"{benchmark}.json"
    said = read_json(source)
    try:
        listed = [Shown(**{key: row[key] for key in Shown._fields}) for row in said["models"]]
        rule = {"embed": True, "licence": str(said["licence"]), "why": _why(said)}
    except (KeyError, TypeError):
        raise InputError(
            f"{source}: not what tradeoffs examples writes; make it again, or name another by --page"
        ) from None
    places = models or evaluations.parent / "models"
    found = {model.id: read_evaluations.read(evaluations, benchmark, model.id) for model in listed}
    if any(each.card["spec"]["architecture"] == "torchscript" for each in found.values()):  # which is code
        confinement.confine(out.parent)
    weights = {model.id: place for model in listed if (place := places / model.id / "weights.pt").is_file()}
    own = find(benchmark).data[0]
    with folder(own, data.expanduser()) as given:
        content = shown(benchmark, str(said["title"]), listed, found, weights, {own: given.root}, rule)
    text = rendered([content])
    write_atomically(out, lambda temporary: _write(temporary, text))
    print(f"{out}: {len(content['images'])} images of {content['title']}; {rule['why']}")


def _why(said: dict[str, Any]) -> str:
    return str(said["why"] if said["may_embed"] else f"for yourself, not to be passed on: {said['why_not']}")


def rendered(images: list[dict[str, Any]]) -> str:
    """Return a page of images, each as :mod:`tradeoffs.examples.page` describes it, with nothing to fetch."""
    environment = Environment(
        loader=FileSystemLoader(look.TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    static = {name: script((look.STATIC / f"images.{name}").read_text(encoding="utf-8")) for name in ("css", "js")}
    data = {each["benchmark"]: embedded(each) for each in images}
    return environment.get_template("local.html").render(images=images, data=data, **static)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
