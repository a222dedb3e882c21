"""What the theory's figures draw is what the tables say: every mark of a simulation lies by the line of its model."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from project_root import ROOT
from tradeoffs.figures import theory_simulation
from tradeoffs.results.theory_tables import read_table
from tradeoffs.runner import commands
from tradeoffs.step.settings import canonical
from tradeoffs.theory.risk import NORMS

PARTS = ("curves", "simulation", "pgd")
SHIPPED, SMALL = (yaml.safe_load((ROOT / name).read_text())["theory"] for name in ("config.yaml", "tests/small.yaml"))
TOLD = {part: SHIPPED[part] | SMALL[part] for part in PARTS}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the tables of a small study's theory by its own steps."""
    folder = tmp_path_factory.mktemp("theory")
    for part in PARTS:
        more = ["--risks", str(folder / "risks")] if part == "curves" else []
        out = ["--out", str(folder / part), "--card", str(folder / f"{part}.json"), *more]
        assert commands.main(["theory", part, "--spec", canonical(TOLD[part]), *out]) == 0
    return folder


def test_marks_lie_by_the_lines_of_their_norm(tables: Path) -> None:
    figure = theory_simulation.draw(
        theory_simulation.Settings(TOLD["simulation"]["scale"]),
        curves=tables / "curves",
        simulation=tables / "simulation",
        pgd_simulation=tables / "pgd",
    )
    exact = {
        (row["p"], row["epsilon"], name): row["exact"]
        for table in ("simulation", "pgd")
        for row in read_table(tables / table)
        if row.get("features", 2) == 2
        for name in [row["quantity"]]
    }
    for axes, p in zip(figure.axes, NORMS, strict=False):
        lines = {line.get_label(): line for line in axes.lines if str(line.get_label()).startswith("exact")}
        for quantity, label in (("core_weight", "exact, core"), ("spurious_weight", "exact, spurious")):
            x, y = lines[label].get_data()
            assert len(x) > 2
            budgets = {key[1]: value for key, value in exact.items() if (key[0], key[2]) == (p, quantity)}
            assert budgets
            for epsilon, value in budgets.items():
                assert np.interp(epsilon, x, y) == pytest.approx(value, abs=0.02)
