"""This process may no longer write, but below some folders: for networks that are code (TorchScript).

A TorchScript file can write files when it is loaded and whenever it is run. Linux's Landlock (landlock(7), 5.13 and
later) takes the right to do so from a process, for good, without special rights. Reading is left as it is.
"""

import ctypes
import os
import struct
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on all of Linux's architectures but alpha
_VERSION, _PATH_BENEATH = 1, 1  # a flag, and a type of rule
_NO_NEW_PRIVILEGES = 38  # prctl(2)

# Rights by their bits (linux/landlock.h), and the version of Landlock from which each is known.
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))  # folders, files, devices, sockets, pipes, links
_REFER = 1 << 13  # rename and link between folders
_SINCE = {1: _WRITE_FILE | _REMOVE_AND_MAKE, 2: _REFER, 3: _TRUNCATE}

# What cannot be kept, and what drivers of GPUs open whenever they like.
_DEVICES = ("/dev/null", "/dev/nvidia*", "/dev/nvidia-caps/*")


def confine(*folders: Path) -> bool:
    """Take from this process, and all it starts, the right to write outside ``folders``, which are made if missing.

    Return whether the system did so; where it cannot, everything stays as it was. It holds for the calling thread and
    for threads started later, so it belongs before the first work of a step.
    """
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    if not sys.platform.startswith("linux"):
        return False
    tempfile.gettempdir()  # looked for by trying to write, and by libraries when they are imported, late
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    version = call(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    handled = sum(rights for since, rights in _SINCE.items() if since <= version)
    if version < 1 or not handled & _TRUNCATE:  # without it a file can still be emptied
        return False
    attributes = struct.pack("=Q", handled)
    rules = call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        allowed = all(_allow(call, rules, folder, handled) for folder in folders)
        for pattern in _DEVICES:
            for device in Path("/").glob(pattern[1:]):
                with suppress(OSError):
                    _allow(call, rules, device, _WRITE_FILE | _TRUNCATE)
        return allowed and _no_new_privileges() and bool(call(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(call: "ctypes._NamedFuncPointer", rules: int, path: Path, rights: int) -> bool:
    """Add a rule: ``rights`` on the file ``path``, or on all below the folder; return whether it was taken."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, descriptor)
        return bool(call(_ADD_RULE, rules, _PATH_BENEATH, rule, 0) == 0)
    finally:
        os.close(descriptor)


def _no_new_privileges() -> bool:
    """Give up what set-user-id programs would give: Landlock's condition."""
    return bool(ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0)
