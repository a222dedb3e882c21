"""Which claims there are: one module each, listed in catalogue.yaml. Imports none of them."""

from pathlib import Path

from tradeoffs.step.yaml_files import read


def catalogue() -> dict[str, str]:
    """Return what each claim is about, by the name of its module, in the order of the table's rows."""
    found: dict[str, str] = read(Path(__file__).with_name("catalogue.yaml"))
    return found


def modules() -> tuple[str, ...]:
    """Return the dotted names of the claims' modules."""
    return tuple(f"tradeoffs.claims.{name}" for name in catalogue())
