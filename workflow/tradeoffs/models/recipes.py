"""What tables beside the code say of how a network is built and a published file read: text that changes as they do.

Code is tracked by what it says (:mod:`tradeoffs.step.code_id`), tables are not: what depends on them takes this along.
"""

from tradeoffs.models.tables import KEY_RULES, VARIANTS
from tradeoffs.models.zoo import Entry
from tradeoffs.step.yaml_files import read

# Of an entry of the zoo, what conversion reads or writes down; a note or a licence that is reworded changes nothing.
_READ = (
    *("name", "architecture", "file", "address", "page", "sha256", "keys", "mean", "std", "input_size"),
    *("clean", "autoattack", "source"),
)


def of_network(architecture: str) -> str:
    """Return what ``variants.yaml`` says of a network; empty for one that is no variant, or an unknown one."""
    kind, _, name = architecture.partition("/")
    return str(read(VARIANTS).get(name, "")) if kind == "variant" else ""


def of_entry(entry: Entry) -> str:
    """Return what decides how a published model of the zoo is converted."""
    said = {key: getattr(entry, key) for key in _READ}
    return str((said, read(KEY_RULES).get(entry.keys), of_network(entry.architecture)))
