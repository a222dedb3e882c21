"""Claim: where the spurious correlation is another at test, adversarial training costs more than standard training.

Claim (iii) of the theory (:mod:`tradeoffs.theory.shift_claims`), asked of the networks of the grid by the benchmark
``shifted_correlation``. For the clean risk and the risk under attack there is a row

* of the excess risk, risk where the correlation is removed, or reversed, less that where it is preserved: this is the
  claim. It is made against the standard networks, against standard ones of equal accuracy, and for each architecture
  and norm;
* of the risk in each domain, against the standard networks: what the excess is a difference of. Adversarial training is
  meant to lower the risk under attack, so that those rows are expected to be contradicted where it works.

Effects and their variances are those of :mod:`tradeoffs.claims.reliance_effects`. All rows are exploratory.
"""

from collections.abc import Iterator

from tradeoffs.claims import regime
from tradeoffs.claims.contrasts import effect
from tradeoffs.claims.headlines import rule
from tradeoffs.claims.measures import compared_ids, sources
from tradeoffs.claims.reliance_effects import Compared, compare, compare_beyond_accuracy, contrasts, with_standard
from tradeoffs.claims.row import Claim, Said, not_tested
from tradeoffs.claims.verdicts import findings
from tradeoffs.results import beyond_accuracy as lines
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Metric, beyond_accuracy
from tradeoffs.results.study import Study

BENCHMARK = "shifted_correlation"
DOMAINS = ("preserved", "removed", "reversed")
SHIFTED = ("removed", "reversed")
KINDS = {"": "clean risk", "adversarial_": "risk under attack"}
FEW = "nothing says how much a value varies from one training to another: three budgets of one network and norm do"


def claims(measured: Measurements, study: Study) -> list[Claim]:
    """Return the rows of the excess, then those of the risks; none where nothing was measured."""
    own = [benchmark for benchmark in study.benchmarks if benchmark.name == BENCHMARK]
    warnings = {kind: regime.warning_on(measured, study, own[0], kind) if own else None for kind in KINDS}
    rows = []
    for kind, risk in KINDS.items():
        for domain in SHIFTED:
            metric = Metric(BENCHMARK, f"{kind}excess_risk_{domain}", direction="more")
            rows += list(_excess(measured, study, metric, risk, domain, warnings[kind]))
    for kind, risk in KINDS.items():
        for domain in DOMAINS:
            metric = Metric(BENCHMARK, f"{kind}accuracy_{domain}", direction="less")
            compared = compare(measured, study.models, metric)
            if not compared.grid:
                continue
            words = (
                f"{BENCHMARK}.{kind}risk_{domain}",
                f"Where the spurious correlation is {domain} at test, adversarially trained networks have a higher "
                f"{risk} than standard ones.",
                f"minus mean over budgets of {metric.name} - standard; p: Student's t, two-sided",
            )
            rows.append(_row(study, metric, compared, words, warnings[kind]))
    return rows


def _excess(
    measured: Measurements, study: Study, metric: Metric, risk: str, domain: str, warning: str | None
) -> Iterator[Claim]:
    """Yield the rows of what a shift adds to a risk: over the grid, at equal accuracy, by network and norm."""
    compared = compare(measured, study.models, metric)
    if not compared.grid:
        return
    beside = {
        key: each._replace(df=measured[(*key[:2], metric.name)].df)
        for key, each in lines.of_models(measured, study.models, [metric]).items()
    }
    at_equal = compare_beyond_accuracy({**measured, **beside}, study.models, metric)

    def words(name: str, who: str, whom: str, along: str = "") -> tuple[str, str, str]:
        return (
            f"{BENCHMARK}.{name}",
            f"Where the spurious correlation is {domain} at test, the {risk} of {who} grows more than that of {whom}.",
            f"mean over budgets of {metric.name} - standard{along}; p: Student's t, two-sided",
        )

    everybody = "adversarially trained networks"
    yield _row(study, metric, compared, words(metric.name, everybody, "standard ones"), warning)
    if at_equal.grid:
        along = " along the line of standard models at equal accuracy"
        said = words(beyond_accuracy(metric).name, everybody, "standard ones of equal accuracy", along)
        yield _row(study, metric, at_equal, said, warning, at_equal_accuracy=True)
    for architecture, norm in compared.cells:
        said = words(f"{metric.name}.{architecture}.{norm}", f"{norm}-trained {architecture} networks", "standard ones")
        yield _row(study, metric, compared, said, warning, (architecture, norm))


def _row(
    study: Study,
    metric: Metric,
    compared: Compared,
    words: tuple[str, str, str],
    warning: str | None,
    cell: tuple[str, str] | None = None,
    *,
    at_equal_accuracy: bool = False,
) -> Claim:
    """Return the row of one effect, over the grid or one architecture and norm of it."""
    found = contrasts(compared, cell)
    estimate = effect(found, study.unseen_variance)
    norm = cell[1] if cell else None
    trained = [model for of, models in compared.cells.items() if cell in (None, of) for model in models]
    named = f"{BENCHMARK}: {', '.join(with_standard(study.models, trained))}"
    said = Said(
        *words,
        named,
        norm=norm,
        benchmarks=BENCHMARK,
        metric=metric.name,
        models=compared_ids(compared, cell),
        at_equal_accuracy=at_equal_accuracy,
    )
    if estimate is None:
        return not_tested(said, FEW)
    (finding,) = findings([estimate], [rule(study, metric)])
    return finding.claim(said._replace(evidence=f"{named}; {sources(found, study.unseen_variance)}"), warning)
