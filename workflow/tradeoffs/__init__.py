"""Does adversarial training make a classifier rely more on backgrounds? Every step is ``python -m tradeoffs.<step>``."""
