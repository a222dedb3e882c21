"""A network of images and texts (CLIP, SigLIP) as a classifier: its image encoder, and the classes' texts as a head.

Zero-shot classification asks which class's text is nearest to the image: the cosine of the two embeddings, times a
temperature (Radford et al. 2021). That is a linear layer on image embeddings of length 1, so the text encoder is
needed only once. The networks are those of the library open_clip.
"""

import importlib
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tradeoffs.models.unavailable import UnavailableError
from tradeoffs.step.errors import InputError
from tradeoffs.step.similar import did_you_mean


class ZeroShot(nn.Module):
    """Logits [n, classes] of normalised images; ``head`` acts on embeddings [n, d] of length 1."""

    def __init__(self, encoder: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Logits, the cosines of images and texts times the temperature."""
        embedded = self.encoder(x)
        if isinstance(embedded, tuple):  # with its tokens, as CoCa's
            embedded = embedded[0]
        out: Tensor = self.head(F.normalize(embedded, dim=-1))
        return out


def import_open_clip() -> Any:
    """Return the module open_clip; UnavailableError where it is not installed."""
    try:
        return importlib.import_module("open_clip")
    except ImportError:
        raise UnavailableError(
            "open_clip is not installed and a model asks for it", "install it: pip install open-clip-torch"
        ) from None


def check_name(name: str) -> None:
    """Raise InputError, with the names that come close, where open_clip has no such network."""
    known = import_open_clip().list_models()
    if name not in known:
        raise InputError(f"architecture: open_clip has no model {name!r}{did_you_mean(name, known)}")


def both_towers(name: str, **weights: Any) -> nn.Module:
    """Return open_clip's network of a name, of images and texts, with fresh weights where none are named.

    InputError for an unknown name, and where the library is not installed.
    """
    check_name(name)
    fresh = {} if weights else {"load_weights": False, "pretrained_text": False}
    network: nn.Module = import_open_clip().create_model(name, **(weights or fresh))
    return network


def unwrapped(name: str, num_classes: int) -> ZeroShot:
    """Return the classifier of an open_clip network for normalised images, with fresh weights."""
    network = both_towers(name)
    embedding = int(import_open_clip().get_model_config(name)["embed_dim"])
    return ZeroShot(_encoder(network), nn.Linear(embedding, num_classes, bias=False))


@torch.no_grad()
def classifier(network: nn.Module, name: str, classes: Sequence[str], prompts: Sequence[str]) -> ZeroShot:
    """Return the zero-shot classifier of a network: a class's weights are the mean embedding of its prompts.

    ``prompts`` hold ``{}`` in the place of the class. The mean is over embeddings of length 1, and is brought to
    length 1 again, as published.
    """
    open_clip: Any = import_open_clip()
    network.eval()
    texts = open_clip.build_zero_shot_classifier(
        network, open_clip.get_tokenizer(name), classes, list(prompts), num_classes_per_batch=10, use_tqdm=True
    )  # [d, classes]
    temperature: Any = network.logit_scale
    # An offset (SigLIP's) is the same for all classes, and changes no answer.
    head = nn.Linear(texts.shape[0], texts.shape[1], bias=False)
    head.weight.copy_((temperature.exp() * texts).T)
    return ZeroShot(_encoder(network), head)


def _encoder(network: nn.Module) -> nn.Module:
    found: Any = network.visual
    return found  # type: ignore[no-any-return]
