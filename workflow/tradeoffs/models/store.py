"""Write a converted model: a plain state_dict and a card that says where it came from."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tradeoffs.step.cards import digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.files import write_whole


def write(
    tensors: dict[str, Tensor],
    weights: Path,
    card: Path,
    *,
    module: str,
    spec: dict[str, Any],
    started: float,
    **content: Any,
) -> None:
    """Write ``tensors`` to ``weights``, then ``card``; ``module`` is the command's name, ``content`` goes in the card.

    The tensors are written contiguous and on the CPU: the file loads anywhere with ``weights_only=True``.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}

    write_whole(weights, lambda buffer: torch.save(plain, buffer))
    files = digests(weights)
    write_card(
        card,
        kind="model",
        spec=spec,
        code=code_id(module),
        data={},
        started=started,
        classes=spec["classes"],
        files=files,
        weights_sha256=files[weights.name],
        **content,
    )
