"""Why something is not known, in one line."""


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, whoever raised it, or else what kind it is."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]
