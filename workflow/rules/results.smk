# Tables, claims, figures. Nothing here imports torch; every step reads cards or tables that are already there.


report: "../report/workflow.rst"


# With replicates: auto. After each replicate: are the headline claims decided? If not, the next one is planned, and what
# is finished stays. All below rests on the replicates that there are in the end.
checkpoint look:
    input:
        cards=lambda wc: evaluations("json", replicates.until(MODELS, int(wc.number))),
        outcomes=lambda wc: evaluations("npz", replicates.until(MODELS, int(wc.number))),
    output:
        f"results/{STUDY}/looks/{{number}}.json",
    log:
        f"logs/{STUDY}/results/look_{{number}}.log",
    wildcard_constraints:
        number="[1-9][0-9]*",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.claims.look", *claims_catalogue.modules()),
        spec=lambda wc: settings(specification.of_look(config, int(wc.number))),
        evaluations=lambda wc: f"results/{STUDY}/evaluations",
    shell:
        "python -m tradeoffs look --spec {params.spec:q} --evaluations {params.evaluations:q} --card {output:q} > {log:q} 2>&1"


rule summary:
    input:
        cards=lambda wc: evaluations("json", reached()),
        outcomes=lambda wc: evaluations("npz", reached()),
    output:
        out=table("summary", "Tables", "Summary: every metric of every model"),
        sweeps=table("sweeps", "Tables", "Sweeps: models beside the main grid"),
        card=f"results/{STUDY}/cards/summary.json",
    log:
        f"logs/{STUDY}/results/summary.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.results.summary"),
        spec=lambda wc: settings(specification.specification(config, last_look()[0])),
        evaluations=lambda wc: f"results/{STUDY}/evaluations",
    shell:
        "python -m tradeoffs summary --spec {params.spec:q} --evaluations {params.evaluations:q}"
        " --out {output.out:q} --sweeps {output.sweeps:q} --card {output.card:q} > {log:q} 2>&1"


rule claims:
    input:
        cards=lambda wc: evaluations("json", reached()),
        outcomes=lambda wc: evaluations("npz", reached()),
        theory="results/theory/claims.csv",
    output:
        out=table("claims", "Claims", "Table: every claim, statistic and verdict"),
        differences=table(
            "differences",
            "Tables",
            "Differences: each model against its standard model",
        ),
        regime=table(
            "regime", "Claims", "Table: criteria that do not look at the claims"
        ),
        card=f"results/{STUDY}/cards/claims.json",
    log:
        f"logs/{STUDY}/results/claims.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.claims.command", *claims_catalogue.modules()),
        spec=lambda wc: settings(specification.of_claims(config, *last_look())),
        evaluations=lambda wc: f"results/{STUDY}/evaluations",
    shell:
        "python -m tradeoffs claims --spec {params.spec:q} --evaluations {params.evaluations:q} --theory {input.theory:q}"
        " --out {output.out:q} --differences {output.differences:q} --regime {output.regime:q}"
        " --card {output.card:q} > {log:q} 2>&1"


# Of the miniature: which verdicts differ from those of the run that the documentation shows.
rule reference:
    input:
        rules.claims.output.out,
    output:
        out=table("reference", "Claims", "Verdicts beside those of the reference run"),
        card=f"results/{STUDY}/cards/reference.json",
    log:
        f"logs/{STUDY}/results/reference.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.claims.reference"),
        spec=lambda wc: settings(specification.of_reference(config)),
    shell:
        "python -m tradeoffs reference --spec {params.spec:q} --claims {input:q} --out {output.out:q}"
        " --card {output.card:q} > {log:q} 2>&1"


rule published:
    input:
        rules.summary.output.out,
    output:
        out=table("published", "Tables", "Published numbers, and ours beside them"),
        card=f"results/{STUDY}/cards/published.json",
    log:
        f"logs/{STUDY}/results/published.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.results.published"),
        released=lambda wc: str((released_files.RELEASED, zoo.listed())),
    shell:
        "python -m tradeoffs published --summary {input:q} --out {output.out:q} --card {output.card:q} > {log:q} 2>&1"


rule missing:
    input:
        control_cards(),
    output:
        out=table("missing", "Data", "Table: what is missing, and what to do"),
        card=f"results/{STUDY}/cards/missing.json",
    log:
        f"logs/{STUDY}/results/missing.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.results.missing"),
        # A function: in other text Snakemake takes braces for wildcards, and a reason may name a path that has some.
        spec=lambda wc: settings(
            {
                "missing": plan.missing_benchmarks(config),
                "models": plan.left_out(config),
            }
        ),
        controls=lambda wc, input: ["--controls", *input] if input else [],
    shell:
        "python -m tradeoffs missing --spec {params.spec:q} {params.controls:q} --out {output.out:q}"
        " --card {output.card:q} > {log:q} 2>&1"


# Every figure: workflow/tradeoffs/figures/catalogue.yaml lists them.
rule figure:
    input:
        figure_tables,
        lambda wc: [f"{path}/fingerprint.json" for path in figure_folders(wc).values()],
    output:
        report(
            f"results/{STUDY}/figures/{{figure}}.svg",
            category=lambda wc: FIGURES[wc.figure].category,
            labels=lambda wc: {"result": FIGURES[wc.figure].label},
            caption="../report/figure.rst",
        ),
        f"results/{STUDY}/figures/{{figure}}.png",
        card=f"results/{STUDY}/cards/figure_{{figure}}.json",
    log:
        f"logs/{STUDY}/results/figure_{{figure}}.log",
    wildcard_constraints:
        figure=one_of(FIGURES),
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=lambda wc: code_id("tradeoffs.figures.command", FIGURES[wc.figure].dotted),
        options=figure_options,
        caption=lambda wc: FIGURES[wc.figure].caption,
        folder=lambda wc: f"results/{STUDY}/figures",
    shell:
        "python -m tradeoffs figure {wildcards.figure:q} {params.options:q}"
        " --out {params.folder:q} --card {output.card:q} > {log:q} 2>&1"


# What people look at first: one page with all of it. Its templates and scripts are no Python, so they count by content.
rule page:
    input:
        unpack(page_tables),
        cards=lambda wc: page_cards(),
        images=[f"results/{STUDY}/page/{name}.json" for name in SHOWN],
    output:
        out=report(
            f"results/{STUDY}/index.html",
            category="1. Results page",  # the report sorts by name
            labels={"result": "Answer, leaderboard, claims, images and theory"},
            caption="../report/page.rst",
        ),
        card=f"results/{STUDY}/cards/index.json",
    log:
        f"logs/{STUDY}/results/page.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.page.command"),
        look=page_look.fingerprint(),
        spec=lambda wc: settings(specification.of_page(config, last_look()[0])),
        tables=lambda wc: options(page_tables(wc)),
        models=f"results/{STUDY}/models",
        evaluations=f"results/{STUDY}/evaluations",
        images=lambda wc: f"results/{STUDY}/page",
    shell:
        "python -m tradeoffs page --spec {params.spec:q} {params.tables:q} --models {params.models:q}"
        " --evaluations {params.evaluations:q} --images {params.images:q} --theory results/theory"
        " --out {output.out:q} --card {output.card:q} > {log:q} 2>&1"


# Everything of this file that the study has: snakemake figures
rule figures:
    input:
        rules.summary.output,
        rules.claims.output,
        rules.reference.output if STUDY == "miniature" else [],
        [f"results/{STUDY}/figures/{name}.svg" for name in FIGURES],
        rules.missing.output if STUDY == "imagenet" else [],
        rules.published.output if STUDY == "imagenet" else [],
        rules.page.output,
