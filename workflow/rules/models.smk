# Twenty adversarially trained models, standard ones, and what stands beside them: trained here, released by others, or
# the user's own. Whatever the source, a model is its weights and its card.


rule train:
    input:
        lambda wc: f"{training_folder(MODELS[wc.model])}/fingerprint.json",
        # The model whose weights a fine-tuning begins with.
        start=lambda wc: (
            f"results/{wc.study}/models/{MODELS[wc.model].start}/weights.pt"
            if MODELS[wc.model].start
            else []
        ),
    output:
        weights="results/{study}/models/{model}/weights.pt",
        card="results/{study}/models/{model}/card.json",
    log:
        "logs/{study}/train/{model}.log",
    wildcard_constraints:
        model=one_of(models_from(["train"])),
    # Longest first, so that no core waits for a late long job at the end.
    priority: lambda wc: hooks.training_priority(MODELS[wc.model])
    conda:
        "../../envs/environment.yaml"
    threads: TRAINING_CORES
    resources:
        gpu=TRAINING_GPUS,
        mem_mb=needed("memory", "train"),
        runtime=needed("minutes", "train"),
    params:
        code=code_id("tradeoffs.training.train"),
        spec=lambda wc: settings(MODELS[wc.model].spec),
        folder=lambda wc, input: str(Path(input[0]).parent),
        checkpoint=lambda wc, output: str(Path(output.card).parent / "checkpoint.pt"),
        start=lambda wc, input: ["--start", input.start] if input.start else [],
        processes=lambda wc, resources: hooks.training_processes(
            resources, TRAINING_GPUS
        ),
    shell:
        "python -m tradeoffs train --spec {params.spec:q} --data {params.folder:q}"
        " --weights {output.weights:q} --card {output.card:q} --checkpoint {params.checkpoint:q}"
        " --processes {params.processes:q} {params.start:q} > {log:q} 2>&1"


# Published checkpoints and files at an address, whose download is an input, and the user's own models. A library fetches
# its published weights itself, and compute nodes often have no internet: local. The user's file is no input, whose time
# would count: its content decides, and the code of a factory (params: content; tracked, while the path in checkpoint is
# not).
rule convert:
    input:
        lambda wc: (
            download_card(MODELS[wc.model].file) if MODELS[wc.model].downloaded else []
        ),
    output:
        weights="results/{study}/models/{model}/weights.pt",
        card="results/{study}/models/{model}/card.json",
    log:
        "logs/{study}/convert/{model}.log",
    wildcard_constraints:
        model=one_of(models_from(sources.listed())),
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=lambda wc: code_id(
            "tradeoffs.models.convert",
            f"tradeoffs.models.sources.{MODELS[wc.model].source}",
        ),
        source=lambda wc: MODELS[wc.model].source,
        spec=lambda wc: settings(MODELS[wc.model].spec),
        content=lambda wc: OWN.weights.get(wc.model, ""),
        downloaded=lambda wc: checksum_of(MODELS[wc.model].file),
        published=lambda wc: published_of(MODELS[wc.model]),
        checkpoint=lambda wc, output: (
            ["--checkpoint", MODELS[wc.model].file] if MODELS[wc.model].file else []
        ),
    shell:
        "python -m tradeoffs convert {params.source:q} --spec {params.spec:q} {params.checkpoint:q}"
        " --weights {output.weights:q} --card {output.card:q} > {log:q} 2>&1"
