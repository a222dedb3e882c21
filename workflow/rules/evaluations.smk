# One evaluation per (model, benchmark): a card with metrics and intervals, and the per-image outcomes behind it.


rule evaluate:
    input:
        weights="results/{study}/models/{model}/weights.pt",
        data=evaluation_fingerprints,
    output:
        card="results/{study}/evaluations/{benchmark}/{model}.json",
        outcomes="results/{study}/evaluations/{benchmark}/{model}.npz",
    log:
        "logs/{study}/evaluate/{benchmark}/{model}.log",
    priority: hooks.FIRST
    conda:
        "../../envs/environment.yaml"
    threads: EVALUATION_CORES
    resources:
        gpu=1,
        mem_mb=needed("memory", "evaluate"),
        runtime=needed("minutes", "evaluate"),
    params:
        code=lambda wc: code_id(
            "tradeoffs.benchmarks.evaluate", f"tradeoffs.benchmarks.{wc.benchmark}"
        ),
        spec=lambda wc: settings(
            plan.evaluation_spec(config, MODELS[wc.model], wc.benchmark)
        ),
        network=lambda wc: recipes.of_network(MODELS[wc.model].loads_as),
        data=evaluation_options,
    shell:
        "python -m tradeoffs evaluate {wildcards.benchmark:q} --spec {params.spec:q} {params.data:q}"
        " --weights {input.weights:q} --card {output.card:q} --outcomes {output.outcomes:q} > {log:q} 2>&1"
