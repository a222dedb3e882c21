"""Does adversarial training make an image classifier rely more on backgrounds, and when?

snakemake --cores all        everything, for the study that config.yaml names
"""


include: "workflow/Snakefile"


# Snakemake forgets which rule is the default of a file that is included.
rule default:
    default_target: True
    input:
        rules.all.input,
