# The data: the miniature is made here, in the published layouts; the published data sets are downloaded, unpacked and
# assembled from their parts, or from copies that the user has.


rule miniature_data:
    output:
        "resources/miniature/{world}/{dataset}/fingerprint.json",
    log:
        "logs/miniature/data/{world}/{dataset}.log",
    wildcard_constraints:
        world=one_of(miniature.worlds(config["miniature"])),
        dataset=one_of(miniature.data_sets()),
    priority: hooks.FIRST
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=lambda wc: code_id(f"tradeoffs.miniature.{wc.dataset}"),
        spec=lambda wc: settings(miniature.world_spec(config, wc.world, wc.dataset)),
        folder=lambda wc: f"resources/miniature/{wc.world}/{wc.dataset}",
    shell:
        "python -m tradeoffs miniature {wildcards.dataset:q}"
        " --spec {params.spec:q} --out {params.folder:q} > {log:q} 2>&1"


# The file itself is no output: Snakemake would delete it before the job runs again, only because an address changed.
# What is there already is verified, not fetched. Compute nodes often have no internet: local.
rule download:
    output:
        "resources/downloads/{file}.json",
    log:
        "logs/download/{file}.log",
    wildcard_constraints:
        file=one_of(DOWNLOADS),
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        spec=lambda wc: settings(DOWNLOADS[wc.file]),
        file=lambda wc, output: output[0].removesuffix(".json"),
    shell:
        "python -m tradeoffs download --spec {params.spec:q} --out {params.file:q} --card {output:q} 2>&1 | tee {log:q} >&2"


rule unpack:
    input:
        unpacked_from,
    output:
        "resources/unpacked/{dataset}/fingerprint.json",
    log:
        "logs/unpack/{dataset}.log",
    wildcard_constraints:
        dataset=one_of(
            name for name, declared in declared_data().items() if declared.archive
        ),
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=needed("memory", "unpack"),
        runtime=needed("minutes", "unpack"),
    params:
        code=code_id("tradeoffs.acquisition.unpack"),
        spec=lambda wc: settings(published_data.unpacking(wc.dataset)),
        content=lambda wc: checksum_of(published_data.archive(wc.dataset)),
        archive=lambda wc, input: input[0].removesuffix(".json"),
        folder=lambda wc: f"resources/unpacked/{wc.dataset}",
    shell:
        "python -m tradeoffs unpack --spec {params.spec:q} --archive {params.archive:q} --out {params.folder:q} > {log:q} 2>&1"


# What the user keeps is no file of ours: what it holds is looked at when the workflow starts, and its content decides
# (params: own) whether this is stale. The first time all of it is read.
rule assemble:
    input:
        assembled_from,
    output:
        "resources/imagenet/{world}/{dataset}/fingerprint.json",
    log:
        "logs/imagenet/data/{world}/{dataset}.log",
    wildcard_constraints:
        world=one_of([DEFAULT_WORLD, TRAINING_WORLD, ATTACKED_WORLD]),
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_id("tradeoffs.acquisition.assemble"),
        spec=lambda wc: settings({"dataset": wc.dataset, "parts": parts_of(wc)}),
        own=lambda wc: canonical(own_parts(wc)),
        records=str(own_copies.RECORDS),
        folder=lambda wc: f"resources/imagenet/{wc.world}/{wc.dataset}",
    shell:
        "python -m tradeoffs assemble --spec {params.spec:q} --own {params.own:q}"
        " --records {params.records:q} --out {params.folder:q} 2>&1 | tee {log:q} >&2"


# All that needs the internet, and what is made from it: snakemake fetch
rule fetch:
    input:
        [f"{path}/fingerprint.json" for path in default_folders().values()],
        [
            f"results/{STUDY}/models/{model}/weights.pt"
            for model in models_from(sources.listed())
        ],
    localrule: True
