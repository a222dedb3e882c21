"""Read a weights file safely, and fit its tensors into a network: one clear line for whatever is wrong with it."""

import pickle
import re
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tradeoffs.models import formats
from tradeoffs.step.errors import InputError, refusal


def read(path: Path) -> Any:
    """Return what ``torch.save`` or safetensors wrote to ``path``, on the CPU: tensors and plain containers only.

    And the ``argparse.Namespace`` of a training's settings, which timm saves beside the weights: values by their names.

    InputError for a missing or damaged file, one of another format (:mod:`tradeoffs.models.formats`), a TorchScript
    file, and a pickle that asks for code.
    """
    formats.refuse(path)
    if formats.is_script(path):
        raise InputError(f"{path}: a TorchScript file, not a state_dict; give it as source: torchscript")
    if (why := formats.damage(path)) is not None:
        raise InputError(f"{path}: damaged ({why}); get the file again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of TorchScript before it refuses it
            if path.suffix == ".safetensors":
                return _safetensors(path)
            with torch.serialization.safe_globals([Namespace]):
                return torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except OSError as error:
        raise InputError(refusal(error, path)) from None
    except pickle.UnpicklingError as error:
        asked = re.search(r"(?:GLOBAL|Unsupported class) (\S+)", str(error))
        if asked:
            raise InputError(
                f"{path}: holds more than tensors ({asked[1]}) and could run code when loaded, so it is refused; save "
                "model.state_dict() alone and use that file"
            ) from None
        raise InputError(f"{path}: not weights saved by torch; get the file again") from None
    except Exception as error:
        text = " ".join(str(error).split())
        raise InputError(f"{path}: damaged or not weights saved by torch ({text[:200]}); get the file again") from None


def _safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file of safetensors, which torch itself reads from 2.13 on, by the same function."""
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise InputError(
            f"{path}: safetensors is not installed, which reads it; install it with: pip install safetensors"
        ) from None
    loaded: dict[str, Tensor] = load_file(path)
    return loaded


def fit(network: nn.Module, state: Any, path: Path, what: str) -> None:
    """Load ``state`` into ``network``, every tensor and no other; ``what`` names the network in the error.

    InputError names tensors that are missing, surplus, of another shape, or of a type that weights are not. Floats of
    any width are taken, and become those of the network: half precision exactly, double rounded.
    """
    expected = network.state_dict()
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: not weights of {what} (expected a state_dict: names and tensors, nothing else)")
    reshaped = [
        f"{name} is {list(state[name].shape)} instead of {list(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    ]
    # Networks saved before torch 0.4.1 do not have the counter; it plays no part in evaluation.
    missing = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    differences = {
        "missing": missing,
        "surplus": [name for name in state if name not in expected],
        "other shape": reshaped,
    }
    if any(differences.values()):
        listed = "; ".join(f"{kind}: {_some(names)}" for kind, names in differences.items() if names)
        raise InputError(f"{path}: not weights of {what} ({listed}); check the architecture and the number of classes")
    for name, tensor in expected.items():
        if name in state and (why := _unlike(state[name], tensor, name)):
            raise InputError(
                f"{path}: {name} is {why}, which would be cast in silence; save the state_dict "
                "of the network in floating point, before any quantisation"
            )
    # Into the network's own mapping, which knows the version of each module: MNASNet asks for its.
    expected.update({name: state.get(name, tensor) for name, tensor in expected.items()})
    network.load_state_dict(expected)
    for name, tensor in network.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"{path}: {name} is not finite; the training diverged or the file is damaged")


def float_types(state: dict[str, Any]) -> list[str]:
    """Return the floating-point types in which the tensors of a state_dict are stored, for the card."""
    floats = [item.dtype for item in state.values() if isinstance(item, Tensor) and item.is_floating_point()]
    return sorted({str(dtype).removeprefix("torch.") for dtype in floats})


def _unlike(given: Tensor, expected: Tensor, name: str) -> str | None:
    """Say of what kind a tensor is, where it is not one that may stand for the expected one; else None."""
    kind = str(given.dtype).removeprefix("torch.")
    if given.layout != torch.strided or given.is_quantized or given.is_meta:
        return f"{kind}, {'without values' if given.is_meta else 'quantised' if given.is_quantized else 'sparse'}"
    if expected.is_floating_point():
        return None if given.is_floating_point() else f"{kind} instead of floating point"
    if given.dtype == torch.bool or given.is_complex():
        return f"{kind} instead of {str(expected.dtype).removeprefix('torch.')}"
    # An average over training makes a fraction of this counter, which plays no part in evaluation.
    if name.endswith("num_batches_tracked") or torch.equal(given.to(expected.dtype).to(given.dtype), given):
        return None
    return f"{kind} with values that {str(expected.dtype).removeprefix('torch.')} does not hold"


def _some(names: list[str]) -> str:
    shown = ", ".join(str(name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
