"""One figure a module, each from the CSV tables; :mod:`tradeoffs.figures.catalogue` lists them."""
