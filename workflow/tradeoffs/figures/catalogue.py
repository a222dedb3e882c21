"""Which figures there are, what each reads and what is said of it: catalogue.yaml. Imports no figure."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.step.errors import InputError
from tradeoffs.step.yaml_files import read

_FAMILY = re.compile(r"\{(\w+)\}")


class Entry(NamedTuple):
    """A figure of the catalogue, or a family of figures: one for each of what its name has in braces."""

    name: str
    module: str
    category: str  # of the report
    caption: str
    label: str = ""  # where it is left out, the title of the first data set that it shows
    reads: tuple[str, ...] = ()  # tables, or ``models``: the folder of the training cards
    data: tuple[str, ...] = ()  # data sets whose folders it reads
    when: str | None = None  # what a study must have: a role or source of models, a benchmark, ``compared``, ...
    told: str | None = None  # what its settings say, as catalogue.yaml explains

    @property
    def dotted(self) -> str:
        """The name of the module from the top."""
        return f"tradeoffs.figures.{self.module}"

    @property
    def family(self) -> str | None:
        """What there is one figure for each of; None for a single figure."""
        match = _FAMILY.search(self.name)
        return match[1] if match else None

    def member(self, name: str, **words: str) -> "Entry":
        """Return the figure of a family that is about ``name``; ``words`` are put into label and caption."""
        return self._replace(
            name=_FAMILY.sub(name, self.name), label=self.label.format(**words), caption=self.caption.format(**words)
        )

    def covers(self, figure: str) -> bool:
        """Whether a figure is this one, or of this family."""
        pattern = "(.+)".join(map(re.escape, _FAMILY.split(self.name)[::2]))
        return re.fullmatch(pattern, figure) is not None


def catalogue() -> list[Entry]:
    """Return all entries. InputError for a missing or unknown key, and for a module that is not in this folder."""
    folder = Path(__file__).parent
    listed: Mapping[str, Mapping[str, Any]] = read(folder / "catalogue.yaml")
    return [_entry(folder, name, row) for name, row in listed.items()]


def _entry(folder: Path, name: str, row: Mapping[str, Any]) -> Entry:
    where = f"figures/catalogue.yaml: {name}"
    fields = {"name": name, "module": name} | dict(row)
    if wrong := (fields | Entry._field_defaults).keys() ^ set(Entry._fields):
        raise InputError(f"{where}: missing or unknown {', '.join(sorted(wrong))}; expected {', '.join(Entry._fields)}")
    entry = Entry(**fields | {key: tuple(fields.get(key, ())) for key in ("reads", "data")})
    if not (entry.label or entry.data):
        raise InputError(f"{where}: label is missing; say what the report calls it")
    if not (folder / f"{entry.module}.py").is_file():
        raise InputError(f"{where}: no module figures/{entry.module}.py; write it, or name another by module")
    return entry


def entry(figure: str) -> Entry:
    """Return the entry of a figure, a single one before a family. InputError for one that there is none of."""
    entries = catalogue()
    for each in sorted(entries, key=lambda each: each.family is not None):
        if each.covers(figure):
            return each
    raise InputError(f"no figure {figure!r}; expected one of {', '.join(each.name for each in entries)}")
