"""Claim: adversarial training moves the share of the gradient on the background as it moves BG-gap, up or down.

Both are said to show reliance on backgrounds. For each architecture and norm of the grid there are two effects, of the
share (:mod:`tradeoffs.benchmarks.gradient_share`, on any benchmark that has masks) and of BG-gap, each of adversarially
trained networks less standard ones, oriented so that positive is more reliance. The row says in how many of them the
two have the same sign, and names those in which they have not.

A sign is known only where an effect differs from zero. So the claim is *supported* where all pairs agree and both
effects of each differ from zero at the level (an intersection-union test, Berger 1982), *contradicted* where both
effects of any pair that disagrees do, by Holm's procedure over the pairs, and *undecided* otherwise. Exploratory.
"""

from typing import NamedTuple

from tradeoffs.claims import regime
from tradeoffs.claims.contrasts import effect
from tradeoffs.claims.headlines import Warnings, warnings_of
from tradeoffs.claims.measures import Measure, compared_ids, measures
from tradeoffs.claims.reliance_effects import Compared, contrasts
from tradeoffs.claims.row import CONTRADICTED, SUPPORTED, UNDECIDED, Claim, Said, not_tested
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import holm
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Study

KEY = "gradient_agreement"
SHARE = "gradient_share_background"
GAP = ("imagenet9", "bg_gap")


class Pair(NamedTuple):
    """What adversarial training of one architecture and norm does to the share, and to BG-gap."""

    architecture: str
    norm: str
    share: Estimate
    gap: Estimate

    @property
    def agree(self) -> bool:
        """Whether the two effects have the same sign."""
        return self.share.value * self.gap.value > 0

    @property
    def p_value(self) -> float:
        """P-value of one of the effects, or both, being zero."""
        return max(self.share.p_value(), self.gap.p_value())

    def said(self) -> str:
        """Return both effects in words."""
        numbers = [
            f"{name} {each.value:+.3f} [{low:+.3f}, {high:+.3f}]"
            for name, each in (("share", self.share), ("BG-gap", self.gap))
            for low, high in [each.interval()]
        ]
        return f"{self.architecture} {self.norm} ({', '.join(numbers)})"


def claims(measured: Measurements, study: Study) -> list[Claim]:
    """Return a row for each benchmark that measures the share; none where BG-gap, or the share, was not measured."""
    raw = {
        (each.raw.benchmark, each.raw.name): each
        for each in measures(measured, study)
        if not each.beyond and each.compared.grid
    }
    if GAP not in raw:
        return []
    warnings = warnings_of(measured, study)
    return [row(study, each, raw[GAP], warnings) for (_, name), each in raw.items() if name == SHARE]


def pairs(study: Study, shares: Compared, gaps: Compared) -> list[Pair]:
    """Return the pairs of effects of which something is known."""
    found = []
    for cell in shares.cells:
        both = [effect(known, study.unseen_variance) for each in (shares, gaps) if (known := contrasts(each, cell))]
        if len(both) == 2 and both[0] is not None and both[1] is not None:
            found.append(Pair(*cell, both[0], both[1]))
    return found


def row(study: Study, share: Measure, gap: Measure, warnings: Warnings) -> Claim:
    """Return the row of one benchmark, whose measure the share is; with a warning on either it is undecided."""
    benchmark, found = share.raw.benchmark, pairs(study, share.compared, gap.compared)
    words = (
        f"{KEY}.{benchmark}",
        f"On {share.title}, adversarial training moves the share of the gradient on the background in the direction in "
        "which it moves BG-gap.",
        "share of architectures and norms in which both effects have the same sign; p: the largest of all, 1 where two "
        "signs differ",
    )
    ids = f"{compared_ids(share.compared)} {compared_ids(gap.compared)}".split()
    said = Said(
        *words,
        benchmark,
        benchmarks=" ".join(dict.fromkeys([benchmark, gap.raw.benchmark])),
        models=" ".join(dict.fromkeys(ids)),
    )
    if not found:
        return not_tested(said, "nothing says how an effect varies; three budgets of one network and norm do")
    differing = [pair for pair in found if not pair.agree]
    decided = UNDECIDED
    if not differing and all(pair.p_value <= study.level for pair in found):
        decided = SUPPORTED
    adjusted = holm([pair.p_value for pair in found]).adjusted
    if any(p <= study.level and not pair.agree for p, pair in zip(adjusted, found, strict=True)):
        decided = CONTRADICTED
    agreeing = [pair.said() for pair in found if pair.agree]
    evidence = f"{benchmark}: signs differ in {'; '.join(pair.said() for pair in differing) or 'none'}; "
    evidence += f"they agree in {'; '.join(agreeing) or 'none'}"
    p_value = 1.0 if differing else max(pair.p_value for pair in found)
    replicates = min(pair.share.replicates for pair in found)
    warning = regime.joined(warnings.get((each.raw.benchmark, each.raw.name)) for each in (share, gap))
    return Claim(
        **said._replace(evidence=evidence)._asdict(),
        value=len(agreeing) / len(found),
        ci_low=None,
        ci_high=None,
        p_value=p_value,
        verdict=UNDECIDED if warning else decided,
        replicates=replicates,
        level=study.level,
        warning=warning,
    )
