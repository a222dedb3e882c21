# Tables, claims, figures. Nothing here imports torch; every step reads cards or tables that are already there.


report: "../report/workflow.rst"


rule summary:
    input:
        cards=cards(ROLES),
        outcomes=outcomes(ROLES),
    output:
        summary=report(
            f"results/{STUDY}/summary.csv",
            category="Tables",
            labels={"table": "Summary: every metric of every model"},
            caption="../report/summary.rst",
        ),
        sweeps=report(
            f"results/{STUDY}/sweeps.csv",
            category="Tables",
            labels={"table": "Sweeps: models beside the main grid"},
            caption="../report/sweeps.rst",
        ),
        card=f"results/{STUDY}/cards/summary.json",
    log:
        f"logs/{STUDY}/results/summary.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.results.summary"),
        spec=SPECIFICATION,
        evaluations=lambda wc, input: str(Path(input.cards[0]).parents[1]),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.results.summary --spec {params.spec:q} --evaluations {params.evaluations:q}"
        " --out {output.summary:q} --sweeps {output.sweeps:q} --card {output.card:q} > {log:q} 2>&1"


rule claims:
    input:
        cards=cards(ROLES),
        outcomes=outcomes(ROLES),
        theory="results/theory/claims.csv",
    output:
        claims=report(
            f"results/{STUDY}/claims.csv",
            category="Claims",
            labels={"claims": "Table: every claim, statistic and verdict"},
            caption="../report/claims.rst",
        ),
        differences=report(
            f"results/{STUDY}/differences.csv",
            category="Tables",
            labels={"table": "Differences: each model against its standard model"},
            caption="../report/differences.rst",
        ),
        card=f"results/{STUDY}/cards/claims.json",
    log:
        f"logs/{STUDY}/results/claims.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.claims.command"),
        spec=SPECIFICATION,
        evaluations=lambda wc, input: str(Path(input.cards[0]).parents[1]),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.claims.command --spec {params.spec:q} --evaluations {params.evaluations:q}"
        " --theory {input.theory:q} --out {output.claims:q} --differences {output.differences:q} --card {output.card:q}"
        " > {log:q} 2>&1"


rule figure_overview:
    input:
        differences=rules.claims.output.differences,
        summary=rules.summary.output.summary,
    output:
        report(
            f"results/{STUDY}/figures/overview.svg",
            category="Overview",
            labels={"figure": "All models over the five benchmarks"},
            caption="../report/overview.rst",
        ),
        f"results/{STUDY}/figures/overview.png",
        card=f"results/{STUDY}/cards/figure_overview.json",
    log:
        f"logs/{STUDY}/results/figure_overview.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.figures.overview"),
        figures=lambda wc, output: str(Path(output.card).parents[1] / "figures"),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.figures.overview --differences {input.differences:q}"
        " --summary {input.summary:q} --out {params.figures:q} --card {output.card:q} > {log:q} 2>&1"


rule figure_claims:
    input:
        claims=rules.claims.output.claims,
    output:
        report(
            f"results/{STUDY}/figures/claims.svg",
            category="Claims",
            labels={"claims": "Picture: the claims from which conclusions are drawn"},
            caption="../report/claims.rst",
        ),
        report(
            f"results/{STUDY}/figures/claims_theory.svg",
            category="Claims",
            labels={"claims": "Picture: the claims about the linear model"},
            caption="../report/claims.rst",
        ),
        f"results/{STUDY}/figures/claims.png",
        f"results/{STUDY}/figures/claims_theory.png",
        card=f"results/{STUDY}/cards/figure_claims.json",
    log:
        f"logs/{STUDY}/results/figure_claims.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.figures.claims"),
        figures=lambda wc, output: str(Path(output.card).parents[1] / "figures"),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.figures.claims --claims {input.claims:q}"
        " --out {params.figures:q} --card {output.card:q} > {log:q} 2>&1"


rule figure_benchmarks:
    input:
        summary=rules.summary.output.summary,
    output:
        *[
            report(
                f"results/{STUDY}/figures/benchmark_{name}.svg",
                category="Benchmarks",
                labels={"benchmark": DATA_TITLES[name]},
                caption=f"../report/benchmark_{name}.rst",
            )
            for name in BENCHMARKS
            if name in DATA_TITLES
        ],
        *[
            f"results/{STUDY}/figures/benchmark_{name}.png"
            for name in BENCHMARKS
            if name in DATA_TITLES
        ],
        card=f"results/{STUDY}/cards/figure_benchmarks.json",
    log:
        f"logs/{STUDY}/results/figure_benchmarks.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.figures.benchmarks"),
        figures=lambda wc, output: str(Path(output.card).parents[1] / "figures"),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.figures.benchmarks --summary {input.summary:q}"
        " --out {params.figures:q} --card {output.card:q} > {log:q} 2>&1"


rule figure_adversarial:
    input:
        summary=rules.summary.output.summary,
    output:
        report(
            f"results/{STUDY}/figures/adversarial.svg",
            category="Adversarial accuracy",
            labels={"figure": "Main models under attack"},
            caption="../report/adversarial.rst",
        ),
        f"results/{STUDY}/figures/adversarial.png",
        card=f"results/{STUDY}/cards/figure_adversarial.json",
    log:
        f"logs/{STUDY}/results/figure_adversarial.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.figures.adversarial"),
        figures=lambda wc, output: str(Path(output.card).parents[1] / "figures"),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.figures.adversarial --summary {input.summary:q}"
        " --out {params.figures:q} --card {output.card:q} > {log:q} 2>&1"


rule figure_correlation:
    input:
        sweeps=rules.summary.output.sweeps,
    output:
        report(
            f"results/{STUDY}/figures/correlation.svg",
            category="Adversarial accuracy",
            labels={"figure": "By spurious correlation in training"},
            caption="../report/correlation.rst",
        ),
        f"results/{STUDY}/figures/correlation.png",
        card=f"results/{STUDY}/cards/figure_correlation.json",
    log:
        f"logs/{STUDY}/results/figure_correlation.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.figures.correlation"),
        figures=lambda wc, output: str(Path(output.card).parents[1] / "figures"),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.figures.correlation --sweeps {input.sweeps:q}"
        " --out {params.figures:q} --card {output.card:q} > {log:q} 2>&1"


rule figure_background_scale:
    input:
        sweeps=rules.summary.output.sweeps,
        claims=rules.claims.output.claims,
    output:
        report(
            f"results/{STUDY}/figures/background_scale.svg",
            category="Background scale",
            labels={"figure": "Reliance by scale of the background"},
            caption="../report/background_scale.rst",
        ),
        f"results/{STUDY}/figures/background_scale.png",
        card=f"results/{STUDY}/cards/figure_background_scale.json",
    log:
        f"logs/{STUDY}/results/figure_background_scale.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.figures.background_scale"),
        figures=lambda wc, output: str(Path(output.card).parents[1] / "figures"),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.figures.background_scale --sweeps {input.sweeps:q} --claims {input.claims:q}"
        " --out {params.figures:q} --card {output.card:q} > {log:q} 2>&1"


rule figure_training:
    input:
        summary=rules.summary.output.summary,
        cards=model_cards(["main"]),
    output:
        report(
            f"results/{STUDY}/figures/training.svg",
            category="Training",
            labels={"figure": "Training curves of the main models"},
            caption="../report/training.rst",
        ),
        f"results/{STUDY}/figures/training.png",
        card=f"results/{STUDY}/cards/figure_training.json",
    log:
        f"logs/{STUDY}/results/figure_training.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.figures.training"),
        figures=lambda wc, output: str(Path(output.card).parents[1] / "figures"),
        models=lambda wc, input: str(Path(input.cards[0]).parents[1]),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.figures.training --summary {input.summary:q} --models {params.models:q}"
        " --out {params.figures:q} --card {output.card:q} > {log:q} 2>&1"


rule contact_sheets:
    input:
        [f"{path}/fingerprint.json" for path in default_folders().values()],
    output:
        *[
            report(
                f"results/{STUDY}/figures/contact_sheet_{name}.svg",
                category="Data",
                labels={"data set": title},
                caption=f"../report/contact_sheet_{name}.rst",
            )
            for name, title in DATA_TITLES.items()
            if name in default_folders()
        ],
        *[
            f"results/{STUDY}/figures/contact_sheet_{name}.png"
            for name in default_folders()
        ],
        card=f"results/{STUDY}/cards/contact_sheets.json",
    log:
        f"logs/{STUDY}/results/contact_sheets.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.figures.contact_sheets"),
        figures=lambda wc, output: str(Path(output.card).parents[1] / "figures"),
        data=options(default_folders()),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.figures.contact_sheets {params.data:q}"
        " --out {params.figures:q} --card {output.card:q} > {log:q} 2>&1"


rule published:
    input:
        rules.summary.output.summary,
    output:
        published=report(
            f"results/{STUDY}/published.csv",
            category="Tables",
            labels={"table": "Published numbers, and ours beside them"},
            caption="../report/published_comparison.rst",
        ),
        card=f"results/{STUDY}/cards/published.json",
    log:
        f"logs/{STUDY}/results/published.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.results.published"),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.results.published --summary {input:q}"
        " --out {output.published:q} --card {output.card:q} > {log:q} 2>&1"


rule figure_published:
    input:
        rules.published.output.published,
    output:
        report(
            f"results/{STUDY}/figures/published.svg",
            category="Benchmarks",
            labels={"figure": "Published numbers, and ours"},
            caption="../report/published.rst",
        ),
        f"results/{STUDY}/figures/published.png",
        card=f"results/{STUDY}/cards/figure_published.json",
    log:
        f"logs/{STUDY}/results/figure_published.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.figures.published"),
        figures=lambda wc, output: str(Path(output.card).parents[1] / "figures"),
    shell:
        "python -m tradeoffs.runner.fork_server tradeoffs.figures.published --comparison {input:q}"
        " --out {params.figures:q} --card {output.card:q} > {log:q} 2>&1"


rule missing:
    output:
        missing=report(
            f"results/{STUDY}/missing.csv",
            category="Data",
            labels={"data set": "Table: what is missing, and what to do"},
            caption="../report/missing.rst",
        ),
        card=f"results/{STUDY}/cards/missing.json",
    log:
        f"logs/{STUDY}/results/missing.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.results.missing"),
        spec=settings({"missing": plan.missing_benchmarks(config)}),
    shell:
        "python -m tradeoffs missing --spec {params.spec:q}"
        " --out {output.missing:q} --card {output.card:q} > {log:q} 2>&1"


# Everything of this file that the study has: snakemake figures
rule figures:
    input:
        rules.summary.output,
        rules.claims.output,
        rules.figure_overview.output,
        rules.figure_claims.output,
        rules.figure_benchmarks.output if COMPARED else [],
        rules.contact_sheets.output,
        rules.figure_adversarial.output if "adversarial" in BENCHMARKS else [],
        rules.figure_correlation.output if cards(["correlation_sweep"]) else [],
        rules.figure_background_scale.output
        if cards(["background_scale_sweep"])
        else [],
        rules.figure_training.output if models_from(["train"]) else [],
        rules.missing.output if STUDY == "imagenet" else [],
        rules.published.output if STUDY == "imagenet" else [],
        rules.figure_published.output if STUDY == "imagenet" else [],
