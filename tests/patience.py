"""How long a test waits for what is to happen, on however busy a machine: that ends what hangs, and says no speed."""

PATIENCE = 900  # seconds
