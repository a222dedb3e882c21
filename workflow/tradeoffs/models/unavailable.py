"""What is said where published weights cannot be had here: of an own model it ends the run, a control is left out."""

from tradeoffs.step.errors import InputError


class UnavailableError(InputError):
    """Weights that cannot be had; ``reason`` says why without what to do."""

    def __init__(self, reason: str, cure: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}; {cure}")


def not_fetched(name: str, pretrained: str, error: Exception) -> UnavailableError:
    """Return what is said where a library could not fetch its weights."""
    said = " ".join(str(error).split())[:200]
    return UnavailableError(
        f"the weights {pretrained} of {name} could not be downloaded ({said})",
        "try again, or download them by hand and give the file as --checkpoint with pretrained: null",
    )
