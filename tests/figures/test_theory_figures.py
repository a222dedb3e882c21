"""What the theory's figures draw is what the tables say: every mark of a simulation lies by the line of its model."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from matplotlib.figure import Figure

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


def test_a_deviation_however_large_is_within_its_panel() -> None:
    """One that is far outside its band is what the panel is there to show."""
    axes = Figure().subplots()
    rows = [
        {"samples": 10.0, "p": 2.0, "mean": mean, "exact": 0.0, "band_low": mean - 0.1, "band_high": mean + 0.1}
        for mean in (0.05, 1.0, -0.7)
    ]
    theory_simulation._deviations_panel(axes, rows, rows)
    low, high = axes.get_ylim()
    drawn = [float(y) for line in axes.lines for y in line.get_ydata()]
    assert max(drawn) == pytest.approx(10)
    assert low < min(drawn)
    assert max(drawn) < high
