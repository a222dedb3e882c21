"""What a person calls, in Python or on the command line, of any model: evaluate, compare, list, fetch."""
