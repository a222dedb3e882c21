"""What the page's theory needs: the settings of the linear models, whose risk it minimises itself, and the networks."""

from typing import Any

from tradeoffs.page.facts import Facts
from tradeoffs.page.rows import number


def theory_part(facts: Facts) -> dict[str, Any]:
    """Return noise and correlation of both linear models, and the effects over the background's scale.

    None of a model whose curves were not computed. ``networks``: the claims about one norm at one background scale.
    """
    causal, anticausal = (facts.theory.get(name, {}).get("spec") for name in ("curves", "anticausal_curves"))
    return {
        "causal": causal and {"noise": causal["noise"], "correlation": causal["correlation"]},
        "anticausal": anticausal and {"noise": anticausal["core_noise"], "correlation": anticausal["correlation"]},
        "networks": [
            {
                "claim": row["claim"],
                "norm": row["norm"],
                "verdict": row["verdict"],
                "scale": number(row["background_scale"]),
                "value": number(row["value"]),
                "low": number(row["ci_low"]),
                "high": number(row["ci_high"]),
            }
            for row in facts.networks
            if row["norm"] and number(row["background_scale"]) is not None and number(row["value"]) is not None
        ],
    }
