# The theory: exact minimisers of adversarially trained linear regression, confronted with simulation.
# Nothing here depends on the study.


rule theory_curves:
    output:
        out="results/theory/curves.csv",
        risks="results/theory/risks.csv",
        card="results/theory/curves.json",
    log:
        "logs/theory/curves.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.theory.curves"),
        spec=settings(config["theory"]["curves"]),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.theory.curves --spec {params.spec:q}"
        " --out {output.out:q} --risks {output.risks:q} --card {output.card:q} > {log:q} 2>&1"


rule theory_phase:
    output:
        out="results/theory/phase.csv",
        card="results/theory/phase.json",
    log:
        "logs/theory/phase.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.theory.phase"),
        spec=settings(config["theory"]["phase"]),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.theory.phase --spec {params.spec:q}"
        " --out {output.out:q} --card {output.card:q} > {log:q} 2>&1"


rule theory_claims:
    output:
        out="results/theory/claims.csv",
        onsets="results/theory/onsets.csv",
        card="results/theory/claims.json",
    log:
        "logs/theory/claims.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.theory.claims"),
        spec=settings(config["theory"]["claims"]),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.theory.claims --spec {params.spec:q}"
        " --out {output.out:q} --onsets {output.onsets:q} --card {output.card:q} > {log:q} 2>&1"


rule theory_simulation:
    output:
        out="results/theory/simulation.csv",
        card="results/theory/simulation.json",
    log:
        "logs/theory/simulation.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.theory.simulation"),
        spec=settings(config["theory"]["simulation"]),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.theory.simulation --spec {params.spec:q}"
        " --out {output.out:q} --card {output.card:q} > {log:q} 2>&1"


rule theory_pgd_simulation:
    output:
        out="results/theory/pgd_simulation.csv",
        card="results/theory/pgd_simulation.json",
    log:
        "logs/theory/pgd_simulation.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.theory.pgd_simulation"),
        spec=settings(config["theory"]["pgd"]),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.theory.pgd_simulation --spec {params.spec:q}"
        " --out {output.out:q} --card {output.card:q} > {log:q} 2>&1"
