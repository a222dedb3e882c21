"""One command per family of figures, each from the CSV tables."""
