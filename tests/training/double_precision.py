"""Train in double precision, where rounding cannot hide a mistake; alone, or as one of several processes.

python double_precision.py SPECS DATA OUT
"""

import json
import sys
from pathlib import Path

import torch

from tradeoffs.train import sources
from tradeoffs.training import distributed, loop

specs, data, out = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
cpu = torch.device("cpu")


def doubled(source):
    def batches(parts, epoch):
        return ((x.double(), labels) for x, labels in source.batches(parts, epoch))

    return source._replace(batches=batches)


group = distributed.join(cpu)
results = []
for spec in specs:
    training, validation = map(doubled, sources(spec, data, cpu))
    network, history = loop.train(spec, training, validation, cpu, group=group)
    results.append({"network": network.state_dict(), "history": history})
distributed.leave(group)
if group.rank == 0:
    torch.save(results, out)
