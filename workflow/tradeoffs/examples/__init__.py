"""Examples: test images of a benchmark, what chosen models answered, and where they look; a file for each page."""
