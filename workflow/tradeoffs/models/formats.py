"""What a file is that is no weights of torch, told by its first bytes: one table, and what to do about each kind."""

import json
import struct
import zipfile
import zlib
from pathlib import Path

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import opened

_UNPACK = "unpack it and give the file of weights inside"
_CONVERT = "load it with the library that wrote it, and save the network's tensors under its names with torch.save"
_PAGE = "a web page, not weights; the address needs a login or has moved, get the file again"
_LARGE = "a pointer of Git LFS, not the file it stands for; fetch that with: git lfs pull"
_EXPORTED = (
    "written by torch.export (.pt2), not a state_dict; save model.state_dict() with torch.save and use that file"
)
_SAFETENSORS = "in the format safetensors; give it a name that ends in .safetensors, by which torch knows it"

# Lower case where text is; after blanks.
_TEXTS = {
    b"<!doctype": _PAGE,
    b"<html": _PAGE,
    b"<?xml": _PAGE,
    b"<head": _PAGE,
    b"version https://git-lfs": _LARGE,
    b"version https://hawser": _LARGE,
}
_MAGIC = {
    b"\x1f\x8b": f"compressed (gzip); {_UNPACK}",
    b"BZh": f"compressed (bzip2); {_UNPACK}",
    b"\xfd7zXZ\x00": f"compressed (xz); {_UNPACK}",
    b"\x28\xb5\x2f\xfd": f"compressed (zstd); {_UNPACK}",
    b"\x04\x22\x4d\x18": f"compressed (lz4); {_UNPACK}",
    b"7z\xbc\xaf\x27\x1c": f"an archive (7z); {_UNPACK}",
    b"Rar!\x1a\x07": f"an archive (rar); {_UNPACK}",
    b"\x89HDF\r\n\x1a\n": f"an HDF5 file (Keras, TensorFlow); {_CONVERT}",
    b"\x93NUMPY": f"an array of numpy, not a state_dict; {_CONVERT}",
    b"PK\x05\x06": "an empty zip archive; get the file again",
    b"\x89PNG": "an image, not weights; correct the path",
    b"\xff\xd8\xff": "an image, not weights; correct the path",
    b"%PDF": "a document (PDF), not weights; correct the path",
    b"\x7fELF": "a program or library, not weights; save the network's tensors with torch.save",
}
_ONNX = f"an ONNX network, not weights; {_CONVERT}"
_TENSORFLOW = f"of TensorFlow; {_CONVERT}"
_ENDINGS = {
    ".onnx": _ONNX,
    ".pb": _TENSORFLOW,
    ".index": _TENSORFLOW,
    ".meta": _TENSORFLOW,
    ".tflite": _TENSORFLOW,
    ".msgpack": f"of Flax; {_CONVERT}",
}
# Names in a zip archive by which it is known, as they end; the first that is there decides.
_MEMBERS = {
    ("archive_format", "serialized_exported_program.json", "models/model.json"): _EXPORTED,
    ("model.weights.h5", "saved_model.pb"): f"a network of Keras or TensorFlow; {_CONVERT}",
    (".npy",): f"arrays of numpy (.npz), not a state_dict; {_CONVERT}",
}


def refuse(path: Path) -> None:
    """InputError where ``path`` is missing, no file, empty, or known to be of another kind than what torch saves."""
    kind = _kind(path)
    if kind is not None:
        raise InputError(f"{path}: {kind}")


def is_script(path: Path) -> bool:
    """Whether a zip archive holds TorchScript's code beside its tensors."""
    return any(_inside(name) == "constants.pkl" for name in _names(path) or [])


def damage(path: Path) -> str | None:
    """Say what is wrong with a file that begins as a zip archive, torch's format; None where nothing is.

    A changed bit of a tensor shows in the checksums alone, which torch writes and does not compare.
    """
    with opened(path) as file:
        if file.read(4) != b"PK\x03\x04":
            return None
    try:
        with zipfile.ZipFile(path) as archive:
            changed = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, EOFError, struct.error):
        return "its end is missing, or its directory"
    return None if changed is None else f"{changed} is not what its checksum says"


def _kind(path: Path) -> str | None:
    """Say what a file is and what to do; None where it may be what torch saves."""
    with opened(path, cure="train or fetch the model first, or correct the path") as file:
        head = file.read(512)
    if not head.strip(b"\x00"):
        return "nothing but zeros; get the file again" if head else "the file is empty; get it again"
    text = head.lstrip().lower()
    for start, kind in (*_TEXTS.items(), *_MAGIC.items()):
        if (text if start in _TEXTS else head).startswith(start):
            return kind
    if head[257:262] == b"ustar":
        return f"an archive (tar); {_UNPACK}"
    if head[4:8] == b"TFL3":
        return _TENSORFLOW
    if _is_safetensors(path, head):
        return None if path.suffix == ".safetensors" else _SAFETENSORS
    names = _names(path)
    if names:
        return _zip(names)
    if _is_json(head):
        return f"JSON, not weights ({_shown(head)}); correct the path, or get the file again"
    saved_by_torch = head.startswith((b"PK\x03\x04", b"\x80"))
    if not saved_by_torch and head[:1] == b"\x08" and (b"pytorch" in head or b"onnx" in head):
        return _ONNX
    return None if saved_by_torch else _ENDINGS.get(path.suffix.lower())


def _zip(names: list[str]) -> str | None:
    if any(_inside(name) in ("data.pkl", "constants.pkl") for name in names):
        return None
    for ends, kind in _MEMBERS.items():
        if any(name.endswith(ends) for name in names):
            return kind
    return f"a zip archive ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''}), not of torch; {_UNPACK}"


def _names(path: Path) -> list[str] | None:
    """Return what a zip archive holds; None where the file is none, or its end is missing."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error):
        return None


def _inside(name: str) -> str:
    """Return a member's name below the one folder that holds all of an archive of torch."""
    return name.partition("/")[2]


def _is_safetensors(path: Path, head: bytes) -> bool:
    """Whether the file begins with the length of a JSON object and that object, which is how safetensors begins."""
    if len(head) < 10 or head[8:9] != b"{":
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return bool(length <= path.stat().st_size)


def _is_json(head: bytes) -> bool:
    if len(head) == 512:
        return head.lstrip()[:2] in (b'{"', b"{\n", b"[{") and head.isascii()
    try:
        return isinstance(json.loads(head), dict | list)
    except (ValueError, RecursionError):
        return False


def _shown(head: bytes) -> str:
    return " ".join(head.decode("utf-8", "replace").split())[:60]
