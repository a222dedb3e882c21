"""How far images are from a network's decision boundary, to first order and in l2."""

from torch import Tensor

from tradeoffs.attacks.pgd import Loss
from tradeoffs.attacks.strong import input_gradient, margin


def distances(logits: Loss, x: Tensor, labels: Tensor) -> Tensor:
    """Return the distance of each image of ``x`` [n, c, h, w] in [0, 1] to the boundary: float64 [n].

    It is the true logit minus the largest other one, over the l2 norm of that difference's gradient at the image: the
    distance at which a linear network of the same values and gradients would change its answer, in pixel units; below
    0 where the image is on the wrong side already (Hein and Andriushchenko 2017, their bound with the gradient at the
    image in place of the largest one around it). Two images of [0, 1] are at most sqrt(c h w) apart: no distance is
    larger, also where the gradient is 0. Logits that are not finite are no answer: as far on the wrong side as may be.
    Raises InputError for a network without gradients.
    """
    x = x.detach().requires_grad_(True)
    lead = margin(logits(x).double(), labels)
    gradient = input_gradient(lead, x)
    norm = gradient.double().flatten(1).norm(dim=1)
    farthest = float(x[0].numel()) ** 0.5
    found: Tensor = (-lead.detach() / norm).nan_to_num(
        0.0
    )  # 0 / 0: on the boundary, and nothing says which way leads off it
    found = found.masked_fill(~norm.isfinite() | ~lead.detach().isfinite(), -farthest)
    return found.clamp(-farthest, farthest)
