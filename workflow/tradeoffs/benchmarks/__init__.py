"""One file per benchmark: what it measures, on what, by which formula."""
