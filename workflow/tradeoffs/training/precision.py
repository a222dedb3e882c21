"""In what precision a training computes: float32 on a CPU, bfloat16 where it can be on a GPU."""

import torch


def autocast(device: torch.device) -> torch.autocast:
    """Return the context of a forward pass: on a GPU matrix products and convolutions take bfloat16.

    Weights, their updates, losses and attacked images stay float32; bfloat16 has float32's range, so that no loss needs
    scaling. Evaluations do not use it: there an error of rounding would count as robustness, or as its lack.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
