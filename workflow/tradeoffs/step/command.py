"""What every command shares: its options from a function's signature, its settings typed, its card written.

A step is a module with

* ``class Settings``, a NamedTuple or frozen dataclass: the keys of ``--spec`` with their types, which may be annotated
  with what they mean (left out by a step that has none);
* ``def run(settings: Settings, *, out: Annotated[Path, "CSV to write"], ...) -> Written``: every keyword is an option
  of the command line, with its help text.

The card is written here, of what :class:`Written` says and of what every card says. Where one command is many, one for
each benchmark or figure, a module has ``step(name)``, which returns the :class:`Step` (:mod:`tradeoffs.runner.commands`
lists the commands).
"""

import argparse
import inspect
import os
import time
import types
import typing
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tradeoffs.step.cards import digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import may_be_written
from tradeoffs.step.specs import Kinds, parse_spec


class Written(NamedTuple):
    """What a step leaves for its card: the ``kind`` of result, the files it wrote, what the card says of them.

    ``data`` maps the data sets that were read to their fingerprints; ``obsolete`` files go once the card is written.
    """

    kind: str
    files: Sequence[Path]
    content: Mapping[str, Any] = {}
    data: Mapping[str, str] = {}
    device: str = "cpu"
    obsolete: Sequence[Path] = ()


class Option(NamedTuple):
    """An option of the command line: its type, what it is for, whether it must be given and what it is if it is not."""

    kind: Any
    text: str
    required: bool
    default: Any = None


class Step(NamedTuple):
    """A command: ``run(settings, **options)``, or ``run(**options)`` where ``settings`` is None.

    ``code``: the modules whose code, with all they import, its result depends on. ``carded``: whether it returns a
    :class:`Written`, for the card. ``meanings``: of the settings, for help, where they are declared.
    """

    title: str
    settings: type[Any] | None
    options: Mapping[str, Option]
    run: Callable[..., Any]
    code: tuple[str, ...]
    carded: bool = True
    meanings: Mapping[str, str] = {}


def step_of(module: types.ModuleType) -> Step:
    """Return the step that a module is, from its ``Settings`` and the signature of its ``run``.

    ``CODE``, where the module has it, names the modules that it imports by name.
    """
    title = (module.__doc__ or "").split("\n")[0].removesuffix(":")
    carded = inspect.signature(module.run, eval_str=True).return_annotation is Written
    code = (module.__name__, *getattr(module, "CODE", ()))
    return Step(title, getattr(module, "Settings", None), options_of(module.run), module.run, code, carded)


def options_of(function: Callable[..., Any]) -> dict[str, Option]:
    """Return an option for each keyword-only parameter of a function; ``Annotated[type, "what it is for"]``."""
    found = {}
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        kind, text = parameter.annotation, ""
        if typing.get_origin(kind) is Annotated:
            kind, text = typing.get_args(kind)[:2]
        required = parameter.default is inspect.Parameter.empty
        found[name] = Option(kind, text, required, None if required else parameter.default)
    return found


def execute(step: Step, command: str, argv: Sequence[str]) -> None:
    """Run a step with the options ``argv`` of ``tradeoffs <command>`` and write its card.

    Raises InputError for settings that are missing, unknown or of another type; argparse ends the program for options.
    """
    kinds = kinds_of(step.settings) if step.settings else {}
    arguments = vars(parser(step, command).parse_args(list(argv)))
    _check_paths({name: value for name, value in arguments.items() if isinstance(value, Path)})
    if step.carded:
        may_be_written(arguments["card"])
    started = time.perf_counter()
    options = {name: _value(name, option, arguments[name]) for name, option in step.options.items()}
    spec: dict[str, Any] = {}
    settings = []
    if step.settings:
        spec = parse_spec(arguments["spec"], kinds, optional=_defaults(step.settings))
        settings = [step.settings(**spec)]
    written = step.run(*settings, **options)
    if step.carded:
        write_card(
            arguments["card"],
            kind=written.kind,
            spec=spec,
            code=code_id(*step.code),
            data=dict(written.data),
            started=started,
            device=written.device,
            files=digests(*written.files),
            **written.content,
        )
        for path in written.obsolete:
            path.unlink(missing_ok=True)


def _check_paths(given: Mapping[str, Path]) -> None:
    """Raise InputError where two options name one file or folder: what one writes there, the other would replace.

    By whatever links they are reached.
    """
    seen: dict[Path, str] = {}
    for name, path in given.items():
        there = path.absolute() if "\0" in str(path) else Path(os.path.realpath(path))  # the former is refused later
        before = seen.setdefault(there, name)
        if before != name:
            options = " and ".join(f"--{each.replace('_', '-')}" for each in (before, name))
            raise InputError(f"{options} are both {path}; expected a path of its own for each")


def parser(step: Step, command: str) -> argparse.ArgumentParser:
    """Return what reads the options of ``tradeoffs <command>``."""
    kinds = kinds_of(step.settings) if step.settings else {}
    found = argparse.ArgumentParser(
        prog=f"tradeoffs {command}",
        description=step.title,
        epilog=_described(step, kinds),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if step.settings:
        found.add_argument("--spec", required=True, help="settings as JSON, or a file of it")
    for name, option in step.options.items():
        found.add_argument(f"--{name.replace('_', '-')}", dest=name, **_argparse(option))
    if step.carded and "card" not in step.options:  # a step whose code is confined to its outputs' folders asks for it
        found.add_argument("--card", type=Path, required=True, help="JSON card to write")
    return found


def kinds_of(settings: type[Any]) -> Kinds:
    """Return the keys of settings and the types that JSON gives them."""
    hints = typing.get_type_hints(settings)
    return {name: _json_types(hints[name]) for name in _names(settings)}


def _names(settings: type[Any]) -> list[str]:
    if is_dataclass(settings):
        return [field.name for field in fields(settings)]
    return list(settings._fields)


def _defaults(settings: type[Any]) -> dict[str, Any]:
    """Return the keys that may be left out, with what they are then."""
    if is_dataclass(settings):
        return {field.name: field.default for field in fields(settings) if field.default is not MISSING}
    return dict(settings._field_defaults)


def _json_types(hint: Any) -> tuple[type, ...]:
    """Return what a value of a type hint is after JSON: ``list[float]`` is list, Mapping dict, ``int | None`` both."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return tuple(kind for part in typing.get_args(hint) for kind in _json_types(part))
    origin = typing.get_origin(hint) or hint
    if origin is typing.Literal:
        return tuple({type(value) for value in typing.get_args(hint)})
    if origin in (list, tuple):
        return (list,)
    return (dict,) if origin is Mapping else (origin,)


def _described(step: Step, kinds: Kinds) -> str | None:
    """Return a line for each setting: its type, and what it means or is where it is left out."""
    if step.settings is None:
        return None
    hints = typing.get_type_hints(step.settings, include_extras=True)
    meanings = {name: typing.get_args(hint)[1] for name, hint in hints.items() if typing.get_origin(hint) is Annotated}
    meanings |= {name: f"may be left out ({value})" for name, value in _defaults(step.settings).items()}
    meanings |= step.meanings
    words = {name: _words(kind if isinstance(kind, tuple) else (kind,)) for name, kind in kinds.items()}
    longest, widest = max(map(len, words)), max(map(len, words.values()))
    lines = [f"  {name:{longest}}  {kind:{widest}}  {meanings.get(name, '')}".rstrip() for name, kind in words.items()]
    return "\n".join(["settings:", *lines])


def _words(kinds: tuple[type, ...]) -> str:
    return " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)


def _argparse(option: Option) -> dict[str, Any]:
    kind, text, required, default = option
    shown = " ".join(map(str, default)) if isinstance(default, (list, tuple)) else default
    default_text = f" ({shown})" if default not in (None, (), {}) else ""
    common = {"required": required, "default": default, "help": f"{text}{default_text}"}
    if kind is bool:
        return {"action": "store_true", "help": text}
    if isinstance(kind, types.UnionType):
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    origin = typing.get_origin(kind)
    if origin in (list, tuple):  # given twice, it holds what was said both times
        return common | {"nargs": "+", "action": "extend", "type": typing.get_args(kind)[0], "default": None}
    if origin is dict:
        return common | {"action": "append", "type": _named, "metavar": "NAME=PATH", "default": None}
    return common | {"type": kind}


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r}; expected NAME=PATH")
    return name, Path(path)


def _value(name: str, option: Option, given: Any) -> Any:
    if typing.get_origin(option.kind) is not dict:
        return option.default if given is None else given
    pairs = given or ()
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1:
            raise InputError(f"--{name.replace('_', '-')}: {key} is named {times} times; expected each once")
    return dict(pairs)
