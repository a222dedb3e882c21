"""The figures of the theory, from its tables.

    python -m tradeoffs.figures.theory --tables results/theory --out results/miniature/figures --card figures.json

Reads curves.csv, risks.csv, phase.csv, onsets.csv, simulation.csv and pgd_simulation.csv from the folder and writes
theory_weights, theory_phase, theory_risks and theory_simulation, each as SVG and PNG.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tradeoffs.figures.style import save, use_style  # before matplotlib

# isort: split

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tradeoffs.figures.theory_drawing import (
    BUDGET_AXIS,
    COLOURS,
    DASHES,
    MARKERS,
    Rows,
    column,
    norm_label,
    select,
    values,
)
from tradeoffs.figures.theory_simulation import simulation_figure
from tradeoffs.results.theory_tables import read_table
from tradeoffs.step.cards import write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import exit_code

HARM = 1.1
"""Where the marker of the risk figure stands: the shifted domain's risk over the training domain's."""


def weights_figure(curves: Rows) -> Figure:
    """Core (top) and spurious weight (bottom) against the budget; one column per norm, one line per scale."""
    norms, scales = values(curves, "p"), values(curves, "scale")
    figure, axes = plt.subplots(
        2, len(norms), figsize=(3.3 * len(norms), 5.4), sharex=True, sharey="row", squeeze=False
    )
    shades = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(scales)))
    for j, p in enumerate(norms):
        for i, scale in enumerate(scales):
            rows = select(curves, p=p, scale=scale)
            for axis, weight in zip(axes[:, j], ("core_weight", "spurious_weight"), strict=True):
                style: dict[str, Any] = {"color": shades[i], "linestyle": DASHES[i % len(DASHES)]}
                axis.plot(column(rows, "epsilon"), column(rows, weight), **style, label=f"{scale:g}")
        axes[0, j].set_title(f"attack norm {norm_label(p)}")
        axes[1, j].set_xlabel(BUDGET_AXIS)
    axes[0, 0].set_ylabel("weight on the core feature")
    axes[1, 0].set_ylabel("weight on the spurious feature")
    rho = curves[0]["correlation"]
    handles, labels = axes[0, 0].get_legend_handles_labels()
    title = f"scale $a$ of the spurious feature (core: 1; correlation $\\rho$ = {rho:g})"
    figure.legend(handles, labels, title=title, ncols=len(scales), loc="outside lower center", handlelength=3.2)
    return figure


def phase_figure(phase: Rows) -> Figure:
    """Reliance over scale and correlation: one column per norm, one row per budget, the exact threshold drawn."""
    norms, fractions = values(phase, "p"), values(phase, "budget_fraction")
    scales, rhos = values(phase, "scale"), values(phase, "correlation")
    shape = (len(fractions), len(norms))
    size = (2.9 * shape[1] + 1.2, 2.5 * shape[0] + 0.4)
    figure, axes = plt.subplots(*shape, figsize=size, sharex=True, sharey=True, squeeze=False)
    for i, fraction in enumerate(fractions):
        for j, p in enumerate(norms):
            rows = sorted(
                select(phase, p=p, budget_fraction=fraction), key=lambda row: (row["scale"], row["correlation"])
            )
            grid = np.array(column(rows, "reliance")).reshape(len(scales), len(rhos)).T
            shown = np.ma.masked_less_equal(grid, 1e-9)
            colours = plt.get_cmap("viridis_r").with_extremes(bad="white")
            mesh = axes[i, j].pcolormesh(scales, rhos, shown, vmin=0, vmax=1, cmap=colours, rasterized=True)
            axes[i, j].grid(visible=False)
            if np.isinf(p):
                edge = np.linspace(min(scales), max(scales), 400)
                axes[i, j].plot(edge, 1 / edge, color="black", linewidth=1.6)
                axes[i, j].set_ylim(min(rhos), max(rhos))
                axes[i, j].text(0.07, 0.5, "none", transform=axes[i, j].transAxes)
            if i == 0:
                axes[i, j].set_title(f"attack norm {norm_label(p)}")
            if j == 0:
                axes[i, j].set_ylabel(f"$\\epsilon$ = {fraction:g} of collapse\ncorrelation $\\rho$")
            if i == shape[0] - 1:
                axes[i, j].set_xlabel("scale $a$ of the spurious feature")
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8)
    bar.set_label("share of the prediction carried by the spurious feature (white: none)")
    return figure


def risks_figure(risks: Rows) -> Figure:
    """Clean risk in the training domain and in shifted ones: rows are scales, columns norms.

    A marker shows the first budget at which the shifted domain's risk is 10 % above the training domain's.
    """
    norms, domains = values(risks, "p"), list(dict.fromkeys(column(risks, "domain")))
    every = values(risks, "scale")
    scales = sorted({every[0], min(every, key=lambda scale: abs(scale - 1)), every[-1]})
    size = (3.3 * len(norms), 2.4 * len(scales) + 0.7)
    figure, axes = plt.subplots(len(scales), len(norms), figsize=size, sharex=True, sharey="row", squeeze=False)
    for i, scale in enumerate(scales):
        for j, p in enumerate(norms):
            for k, domain in enumerate(domains):
                rows = select(risks, p=p, scale=scale, domain=domain)
                style: dict[str, Any] = {
                    "color": COLOURS[k % 4],
                    "linestyle": DASHES[k % 5],
                    "linewidth": 2.2 - 0.3 * k,
                }
                label = "training domain" if domain == "training" else f"test domain: {domain}"
                axes[i, j].plot(column(rows, "epsilon"), column(rows, "clean_risk"), **style, label=label)
                training = select(risks, p=p, scale=scale, domain="training")
                hurt = [a for a, b in zip(rows, training, strict=True) if a["clean_risk"] > HARM * b["clean_risk"]]
                if hurt:
                    marks: dict[str, Any] = {"color": COLOURS[k % 4], "marker": MARKERS[k % 4], "linestyle": "none"}
                    axes[i, j].plot(hurt[0]["epsilon"], hurt[0]["clean_risk"], **marks)
            if i == 0:
                axes[i, j].set_title(f"attack norm {norm_label(p)}")
        axes[i, 0].set_ylabel(f"scale $a$ = {scale:g}\nclean risk")
    for axis in axes[-1]:
        axis.set_xlabel(BUDGET_AXIS)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=len(domains), loc="outside lower center", handlelength=3.2)
    return figure


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.figures.theory", description="Figures of the theory")
    parser.add_argument("--tables", type=Path, required=True, help="folder of the theory's CSV files")
    parser.add_argument("--simulated-scale", type=float, required=True, help="spurious scale of the simulations")
    parser.add_argument("--out", type=Path, required=True, help="folder to write <figure>.svg and .png into")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    use_style()
    names = ("curves", "phase", "risks", "simulation", "pgd_simulation")
    tables = {name: read_table(arguments.tables / f"{name}.csv") for name in names}
    drawings: dict[str, Callable[[], Figure]] = {
        "theory_weights": lambda: weights_figure(tables["curves"]),
        "theory_phase": lambda: phase_figure(tables["phase"]),
        "theory_risks": lambda: risks_figure(tables["risks"]),
        "theory_simulation": lambda: simulation_figure(
            tables["simulation"], tables["pgd_simulation"], select(tables["curves"], scale=arguments.simulated_scale)
        ),
    }
    for name, draw in drawings.items():
        save(draw(), arguments.out / name)
    code = code_id("tradeoffs.figures.theory")
    spec = {"simulated_scale": arguments.simulated_scale}
    write_card(arguments.card, spec=spec, code=code, data={}, started=started)


if __name__ == "__main__":
    sys.exit(exit_code(main))
