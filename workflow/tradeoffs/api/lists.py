"""What there is, as tables: benchmarks, models, data."""

from typing import TYPE_CHECKING

from tradeoffs.runner import listing

if TYPE_CHECKING:
    import pandas as pd

_OF = {"benchmarks": "benchmarks", "models": "ways", "data": "data"}


def table(what: str) -> "pd.DataFrame":
    """Return what there is of benchmarks, models (what a model may be) or data, and what each needs."""
    import pandas as pd

    header, *rows = listing.LISTS[_OF[what]]()
    return pd.DataFrame(rows, columns=list(header))
