"""A network that counts what goes through it."""

from collections import Counter

import torch


class Counted(torch.nn.Module):
    """Counts images by ``forward`` and ``gradients``: those whose pass is followed by one backward."""

    def __init__(self, network):
        super().__init__()
        self.network, self.count = network, Counter()

    def _counted(self, x, out):
        self.count["forward"] += len(x)
        if out.requires_grad:
            out.register_hook(lambda _: self.count.update(gradients=len(x), forward=-len(x)))
        return out

    def forward(self, x):
        return self._counted(x, self.network(x))

    def features(self, x):
        return self._counted(x, self.network.features(x))
