# Twenty adversarially trained models, standard ones, and the models of the sweeps: one job each.


rule train:
    input:
        lambda wc: f"{folder(MODELS[wc.model].world, 'imagenet')}/fingerprint.json",
    output:
        weights="results/{study}/models/{model}/weights.pt",
        card="results/{study}/models/{model}/card.json",
    log:
        "logs/{study}/train/{model}.log",
    # Longest first, so that no core waits for a late long job at the end.
    priority: lambda wc: launch.training_priority(MODELS[wc.model])
    conda:
        "../../envs/environment.yaml"
    resources:
        gpu=1,
        mem_mb=memory("train"),
        runtime=minutes("train"),
    params:
        code=code_id("tradeoffs.train"),
        spec=lambda wc: canonical(MODELS[wc.model].spec),
        folder=lambda wc: folder(MODELS[wc.model].world, "imagenet"),
        checkpoint=lambda wc: f"results/{wc.study}/models/{wc.model}/checkpoint.pt",
    shell:
        "python -m tradeoffs.warm tradeoffs.train --spec {params.spec:q} --data {params.folder}"
        " --weights {output.weights} --card {output.card} --checkpoint {params.checkpoint} > {log} 2>&1"
