"""Networks, what a model id means, and how weights are loaded."""
