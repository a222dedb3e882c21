"""The network that a Python function of the user's makes, with the weights that it has or those of a file."""

import itertools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tradeoffs.models import choice, factory, state_dict, tensor_file, user_code
from tradeoffs.models.conversion import Converted, Preprocessing, Settings, chosen, images, probe
from tradeoffs.models.factory import Factory
from tradeoffs.models.normalised import Wrapped
from tradeoffs.step.errors import InputError


def read(settings: Settings, checkpoint: Path | None) -> Converted:
    """Return the model; InputError for a function that makes no network, a file that does not fit it, other faults."""
    of = Factory(str(settings.factory), settings.arguments or {})
    network = _made(of)
    weights: dict[str, Any] = {}
    if other := [name for name, item in network.state_dict().items() if not isinstance(item, Tensor)]:
        raise InputError(
            f"factory: {of}: its network keeps {other[0]}, which is no tensor, in its state_dict; leave it out"
        )
    if checkpoint is not None:
        content = state_dict.read(checkpoint)
        taken = choice.take(content, [choice.shapes(network)], settings.weights, checkpoint)
        settings, weights = tensor_file.fill(network, content, taken, settings, f"what {of} makes", checkpoint)
    whole = _proven(of, network, settings.classes, chosen(settings, None, str(of)), checkpoint)
    said = {"function": of.function, "arguments": dict(of.arguments), "sha256": user_code.digest(of.function)}
    return Converted(factory.pack(of, whole), "python", {"pretrained": None, "weights": weights, "factory": said}, {})


def _made(of: Factory) -> nn.Module:
    """Return the network; InputError where its tensors hold no values."""
    try:
        return factory.make(of)
    except NotImplementedError:
        raise InputError(
            f"factory: {of}: its network is on the device meta, which holds no values; make it on the CPU"
        ) from None


def _proven(
    of: Factory, network: nn.Module, num_classes: int, preprocessing: Preprocessing, checkpoint: Path | None
) -> Wrapped:
    """Return the network made once more and wrapped, its tensors in it, which gives the same logits.

    With features where its last linear layer can be set apart, which a network may not allow; plain where its code
    relies on how images lie in memory. InputError where it is another one the second time.
    """
    mean, std, size = preprocessing
    x = images(size)
    normalised = (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    expected = probe(network, normalised.contiguous(), num_classes, str(of))
    tensors = network.state_dict()
    for plain, features in itertools.product((False, True), (True, False)):
        again = factory.make(of)
        if checkpoint is None and not _equal(again, network):
            raise InputError(
                f"factory: {of} makes a network with other weights each time (they are random?); give the trained "
                "ones as file, or load them in the function"
            )
        state_dict.fit(again, tensors, checkpoint or Path(of.function), f"what {of} makes")
        whole = factory.dressed(again, num_classes, features, plain, mean, std, size)
        try:
            difference = (probe(whole, x, num_classes, str(of)) - expected).abs().max()
        except InputError:
            continue
        if difference <= 1e-3 * expected.std():
            return whole
    raise InputError(
        f"factory: {of}: made again with the same tensors it is another network; keep all that decides on its output "
        "in its parameters, its buffers or the arguments"
    )


def _equal(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have the same tensors, name by name."""
    tensors, others = one.state_dict(), other.state_dict()
    return tensors.keys() == others.keys() and all(torch.equal(tensors[name], others[name]) for name in tensors)
