"""How many images ImageNet has: ILSVRC 2012, classification (Russakovsky et al. 2015)."""

TRAIN = 1_281_167
VALIDATION = 50_000
