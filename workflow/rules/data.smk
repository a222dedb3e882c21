# The data: the miniature is made here, in the published layouts, from images inside the installed packages.


rule miniature_data:
    output:
        "resources/miniature/{world}/{dataset}/fingerprint.json",
    log:
        "logs/miniature/data/{world}/{dataset}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=lambda wc: code_id(f"tradeoffs.data.miniature.{wc.dataset}"),
        spec=lambda wc: canonical(miniature.world_spec(config, wc.world, wc.dataset)),
        folder=lambda wc: f"resources/miniature/{wc.world}/{wc.dataset}",
    shell:
        "python -m tradeoffs.warm tradeoffs.data.miniature.{wildcards.dataset}"
        " --spec {params.spec:q} --out {params.folder} > {log} 2>&1"
