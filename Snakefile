"""Does adversarial training make an image classifier rely more on backgrounds, and when?

snakemake --cores all        everything, for the study that config.yaml names
"""


include: "workflow/Snakefile"
