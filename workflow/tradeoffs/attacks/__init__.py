"""Adversarial attacks: PGD, the strong attack, what makes them fast, gradient masking."""
