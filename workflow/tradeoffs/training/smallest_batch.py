"""Whether the last batch of an epoch, the smallest, can be trained on: asked before the first step, not after the last.

Batch normalisation of one image whose maps have shrunk to one pixel has nothing to take a variance of.
"""

import torch

from tradeoffs.compute import memory
from tradeoffs.models.networks import build
from tradeoffs.models.normalised import Wrapped
from tradeoffs.step.errors import InputError
from tradeoffs.training.data import Source
from tradeoffs.training.processes import Group
from tradeoffs.training.settings import Settings


def check_smallest_batch(settings: Settings, training: Source, group: Group) -> None:
    """Raise InputError where the smallest batch is too small for the processes that share it, or for the network.

    The network is asked itself, by one forward pass of a double on the CPU; no random state is used up.
    """
    batches = -(-training.size // settings.batch_size)
    smallest = training.size - (batches - 1) * settings.batch_size
    cure = f"change batch_size (now {settings.batch_size}) or images"
    if smallest < group.size:
        raise InputError(
            f"--processes: {group.size}, but the last of {batches} batches holds {smallest} images; {cure}"
        )
    ((image, _),) = training.batches([torch.arange(1)], 0)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = build(settings.architecture, training.classes).train()
        given: list[object] = []
        inside = network.backbone if isinstance(network, Wrapped) else network
        inside.register_forward_hook(lambda _, __, out: given.append(out))
        zeros = torch.zeros((smallest, *image.shape[1:]))
        try:
            # As of all processes: each takes the statistics of the whole batch.
            network(zeros)
        except Exception as error:  # whatever a library's network makes of images that are too small for it
            if memory.is_out_of_memory(error):
                raise
            if given and not isinstance(given[0], torch.Tensor):
                raise InputError(
                    f"--spec: architecture = {settings.architecture!r}, which in training gives more than logits "
                    f"({type(given[0]).__name__}, with auxiliary outputs) and cannot be trained here; choose another"
                ) from None
            height, width = image.shape[2:]
            raise InputError(
                f"--spec: the last of {batches} batches holds {smallest} images of {width}x{height} pixels, on which a "
                f"{settings.architecture} cannot be trained ({' '.join(str(error).split())}); {cure}, or image_size"
            ) from None
