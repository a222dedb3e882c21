"""The files that a guide of the documentation tells its reader to write."""

import re
from types import ModuleType

from project_root import ROOT

_FENCE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)


def files_of(guide: str) -> dict[str, str]:
    """Return the text of each titled block of docs/guides/<guide>.md by its title: a path below the project's root.

    A block for a file that exists already holds what is added to it.
    """
    return dict(_FENCE.findall((ROOT / f"docs/guides/{guide}.md").read_text()))


def module_of(guide: str) -> ModuleType:
    """Return the one Python module of a guide, run."""
    ((path, code),) = [(path, text) for path, text in files_of(guide).items() if path.endswith(".py")]
    module = ModuleType(path.removeprefix("workflow/").removesuffix(".py").replace("/", "."))
    exec(compile(code, path, "exec"), module.__dict__)
    return module
