"""Clean risk of the linear model in the training domain and in shifted ones."""

from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tradeoffs.figures.theory_drawing import BUDGET_AXIS, COLOURS, DASHES, MARKERS, column, norm_label, select, values
from tradeoffs.results.theory_tables import read_table

HARM = 1.1
"""Where the marker of the risk figure stands: the shifted domain's risk over the training domain's."""


def draw(*, risks: Annotated[Path, "risks.csv of the theory"]) -> Figure:
    """Clean risk in the training domain and in shifted ones: rows are scales, columns norms.

    A marker shows the first budget at which the shifted domain's risk is 10 % above the training domain's.
    """
    table = read_table(risks)
    norms, domains = values(table, "p"), list(dict.fromkeys(column(table, "domain")))
    every = values(table, "scale")
    scales = sorted({every[0], min(every, key=lambda scale: abs(scale - 1)), every[-1]})
    size = (3.3 * len(norms), 2.4 * len(scales) + 0.7)
    figure, axes = plt.subplots(len(scales), len(norms), figsize=size, sharex=True, sharey="row", squeeze=False)
    for i, scale in enumerate(scales):
        for j, p in enumerate(norms):
            for k, domain in enumerate(domains):
                rows = select(table, p=p, scale=scale, domain=domain)
                style: dict[str, Any] = {
                    "color": COLOURS[k % 4],
                    "linestyle": DASHES[k % 5],
                    "linewidth": 2.2 - 0.3 * k,
                }
                label = "training domain" if domain == "training" else f"test domain: {domain}"
                axes[i, j].plot(column(rows, "epsilon"), column(rows, "clean_risk"), **style, label=label)
                training = select(table, p=p, scale=scale, domain="training")
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
