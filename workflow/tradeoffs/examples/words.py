"""Norms and budgets as a page calls them."""

_SYMBOLS = {"l1": "ℓ1", "l2": "ℓ2", "linf": "ℓ∞"}


def against(norm: str, epsilon: float) -> str:
    """Return a norm with its budget, linf in 1/255: ``ℓ∞ 4/255``."""
    return f"{_SYMBOLS[norm]} {epsilon:g}{'/255' if norm == 'linf' else ''}"
