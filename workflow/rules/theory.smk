# The theory: exact minimisers of adversarially trained linear regression, confronted with simulation.
# Nothing here depends on the study. What each part writes: the table of each of its options.


for part, tables in {
    "curves": {"out": "curves", "risks": "risks"},
    "phase": {"out": "phase"},
    "claims": {"out": "claims", "onsets": "onsets"},
    "simulation": {"out": "simulation"},
    "pgd": {"out": "pgd_simulation"},
    "anticausal_curves": {"out": "anticausal_curves", "risks": "anticausal_risks"},
    "anticausal_phase": {"out": "anticausal_phase"},
    "anticausal_simulation": {"out": "anticausal_simulation"},
}.items():

    rule:
        name:
            f"theory_{part}"
        output:
            **{name: f"results/theory/{table}.csv" for name, table in tables.items()},
            card=f"results/theory/{tables['out']}.json",
        log:
            f"logs/theory/{part}.log",
        localrule: True
        conda:
            "../../envs/environment.yaml"
        params:
            code=code_id(f"tradeoffs.theory.{theory_parts.PARTS[part]}"),
            part=part,
            spec=lambda wc, part=part: settings(config["theory"][part]),
            written=lambda wc, output: options(output),
        shell:
            "python -m tradeoffs theory {params.part:q} --spec {params.spec:q} {params.written:q} > {log:q} 2>&1"
