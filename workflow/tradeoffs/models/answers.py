"""Which class a network's logits name, if they name one.

An answer is right only where every logit is finite and the true class alone has the largest. What is said of a network
must not rest on how a library breaks ties or orders NaN: a network that always answers NaN, or always the same, would
otherwise get the images of its first class right, and withstand every attack on them.
"""

import torch
from torch import Tensor

NOT_FINITE = -2  # instead of a class: a logit is NaN or infinite
TIED = -3  # the largest logit belongs to more than one class


def answers(logits: Tensor, classes: Tensor | None = None) -> Tensor:
    """Return the class named by ``logits`` [n, classes], [n]; NOT_FINITE or TIED where they name none.

    ``classes`` [classes] says what each logit stands for, where that is not its own place: integers from -1 on. Logits
    that share the largest value and stand for the same name it.
    """
    if classes is None:
        classes = torch.arange(logits.shape[1], device=logits.device)
    leading = logits == logits.amax(1, keepdim=True)
    least = torch.where(leading, classes, torch.iinfo(classes.dtype).max).amin(1)
    most = torch.where(leading, classes, torch.iinfo(classes.dtype).min).amax(1)
    return least.masked_fill(least != most, TIED).masked_fill(~finite(logits), NOT_FINITE)


def finite(values: Tensor) -> Tensor:
    """Whether all numbers of each example of ``values`` [n, ...] are finite: bool [n]."""
    return values.isfinite().flatten(1).all(1)
