"""Does adversarial training make networks rely more on backgrounds? Every step is ``python -m tradeoffs.<step>``."""
