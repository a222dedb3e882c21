# What the results page shows beside tables and figures. A few images on a CPU: no GPU is asked for.


rule examples:
    input:
        cards=lambda wc: examples_of(wc, "evaluations/{benchmark}/{id}.json"),
        outcomes=lambda wc: examples_of(wc, "evaluations/{benchmark}/{id}.npz"),
        weights=lambda wc: examples_of(wc, "models/{id}/weights.pt"),
        data=lambda wc: [
            f"{path}/fingerprint.json" for path in examples_folders(wc).values()
        ],
    output:
        out=f"results/{STUDY}/page/{{benchmark}}.json",
        card=f"results/{STUDY}/cards/examples_{{benchmark}}.json",
    log:
        f"logs/{STUDY}/results/examples_{{benchmark}}.log",
    wildcard_constraints:
        benchmark=one_of(SHOWN),
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=needed("memory", "examples"),
        runtime=needed("minutes", "examples"),
    params:
        code=lambda wc: code_id(
            "tradeoffs.examples.command", f"tradeoffs.examples.sets.{wc.benchmark}"
        ),
        spec=lambda wc: settings(study_examples.told(config, wc.benchmark)),
        data=lambda wc: data_options(examples_folders(wc)),
        evaluations=f"results/{STUDY}/evaluations",
        models=f"results/{STUDY}/models",
    shell:
        "python -m tradeoffs examples {wildcards.benchmark:q} --spec {params.spec:q} {params.data:q}"
        " --evaluations {params.evaluations:q} --models {params.models:q}"
        " --out {output.out:q} --card {output.card:q} > {log:q} 2>&1"
