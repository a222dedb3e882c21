"""Tables beside a data set that say one thing of each of its images; published sets have none."""

from collections.abc import Sequence
from pathlib import Path

from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import is_file
from tradeoffs.step.inputs import read_csv, shown


def column(root: Path, file: str, name: str, paths: Sequence[Path], cure: str) -> list[str] | None:
    """Return what ``<root>/<file>`` says of each image; None where there is no such file.

    Its columns are ``path``, from ``root`` on, and ``name``; it may list more images than ``paths``. ``cure`` says what
    to do about a broken one. InputError for other columns or cells, a path listed twice, an image that is not listed.
    """
    table = root / file
    if not is_file(table):
        return None
    header, rows = read_csv(table, cure)
    if header != ["path", name]:
        raise InputError(f"{table}: header is {shown(header)}; expected path,{name}; {cure}")
    found: dict[str, str] = {}
    for number, cells in rows:
        if len(cells) != 2 or not all(cells):
            raise InputError(f"{table}: row {number} is {shown(cells)!r}; expected a path and a {name}; {cure}")
        if cells[0] in found:
            raise InputError(f"{table}: row {number} lists {shown(cells[:1])} a second time; {cure}")
        found[cells[0]] = cells[1]
    names = [path.relative_to(root).as_posix() for path in paths]
    for path in names:
        if path not in found:
            raise InputError(f"{table}: does not list {path}; {cure}")
    return [found[path] for path in names]
