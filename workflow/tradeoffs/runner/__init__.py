"""What the workflow does around its jobs: Snakemake's hooks, the process that steps are forked from, SLURM."""
