"""Settings as flags of a command line: how they are defined, read and put together."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from absl import flags, logging

from rnnjax.errors import UsageError
from rnnjax.training.fields import check_place, kind_of, one_line, shown
from rnnjax.training.settings import Config

C = TypeVar("C", bound=Config)

Presets = Mapping[str, Mapping[str, Any]]
"""Named settings."""

HELP = ("help", "helpshort", "helpfull")
"""The names that absl gives to the flag that shows what flags there are."""

CHECK = "only_check_args"
"""Absl's name for the flag that ends a program before it does anything."""


def read_flags(config_type: type[C], presets: Presets, arguments: Sequence[str]) -> C:
    """The settings that a command line asks for.

    Besides the settings, it may have absl's ``--flagfile``, ``--undefok`` and those about the log.
    Absl's debuggers and profilers are left out: Python has both, ``python -m pdb`` and ``python -m
    cProfile``, and these end in a traceback without a terminal and write over files.

    Args:
        config_type: the type of the settings.
        presets: named configurations.
        arguments: the program's name and what follows it.

    Raises:
        UsageError: it has an unknown flag, no flag, or a value that its flag can't have.
        SystemExit: it asked for help, which is shown, or for nothing but to be checked.
    """
    values = define_flags(config_type, presets)
    try:
        stray = values(list(arguments))[1:]
    except UnicodeDecodeError:
        raise UsageError("--flagfile names a file that is no text in UTF-8.") from None
    except (flags.Error, OSError, ValueError) as error:
        raise UsageError(_sentence(error)) from None
    if not values["verbosity"].present:
        # Orbax and TFDS tell every file they touch; a user wants to hear of trouble only.
        logging.set_verbosity(logging.WARNING)
    if stray:
        raise UsageError(
            f"stray argument {shown(stray[0])!r}; every setting is a flag, as in --name=value."
        )
    names = [field.name for field in dataclasses.fields(config_type)]
    given = {name: values[name].value for name in names if values[name].present}
    config = merge(config_type, presets, given)
    for field in dataclasses.fields(config):
        check_place(field, given.get(field.name))
    if values[CHECK].value:
        sys.exit(0)
    return config


def define_flags(config_type: type[Config], presets: Presets) -> flags.FlagValues:
    """The flags of a program: one for each setting, and a few of absl's.

    Args:
        config_type: the type of the settings.
        presets: named configurations, for the help.
    """
    values = flags.FlagValues()
    types_by_name = typing.get_type_hints(config_type)
    definitions: dict[Any, Callable[..., Any]] = {
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        str: flags.DEFINE_string,
        bool: flags.DEFINE_bool,
        Sequence[str]: flags.DEFINE_multi_string,
    }
    for field in dataclasses.fields(config_type):
        choices = presets if field.name == "preset" else field.metadata["choices"]
        description = field.metadata["help"]
        if choices is not None:
            description += f": {', '.join(choices)}"
        define = definitions[kind_of(types_by_name[field.name])]
        define(field.name, field.default, description, flag_values=values)
    for flag in flags.FLAGS.flags_by_module_dict()["absl.logging"]:
        values[flag.name] = flag
    flags.DEFINE_bool(CHECK, False, "say what is wrong with the flags, and stop", values)
    for name in HELP:
        flags.DEFINE_flag(_Help(name, values), values)
    return values


def _sentence(error: Exception) -> str:
    """What absl says, in one line and without all of a long value."""
    text = one_line(error).removeprefix("ERROR:: ") + "."
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if len(text) <= 400 else f"{text[:200]} ... {text[-200:]}"


class _Help(flags.BooleanFlag):
    """Shows what the program is for, and its flags, as soon as it is read."""

    def __init__(self, name: str, values: flags.FlagValues) -> None:
        super().__init__(name, False, "show this")
        self._values = values

    def parse(self, argument: Any) -> None:
        super().parse(argument)
        if self.value:
            self._show()

    def _show(self) -> NoReturn:
        print(f"{sys.modules['__main__'].__doc__ or ''}\nflags:\n{self._values.get_help()}")
        sys.exit(0)


def merge(config_type: type[C], presets: Presets, given: Mapping[str, Any]) -> C:
    """The settings that follow from those given, among them perhaps the preset's name.

    Flags that were given win over the preset, the preset over what suits both
    (`rnnjax.training.settings.Config.suited_to`), and this over the other defaults.

    Raises:
        UsageError: the preset is unknown, a value is out of its range, or both --steps and
            --epochs were given.
    """
    name = given.get("preset")
    if name is not None and name not in presets:
        raise UsageError(
            f"--preset={shown(name)} is unknown; expected one of: {', '.join(sorted(presets))}."
        )
    if given.get("steps") is not None and given.get("epochs") is not None:
        raise UsageError("give --steps or --epochs, not both.")
    values: dict[str, Any] = {}
    preset = presets[name] if name is not None else {}
    for settings in (config_type.suited_to({**preset, **given}), preset, given):
        values |= of_one_length(settings)
    return config_type(**values)


def of_one_length(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that replace others, and the length of the run with them if they have one.

    It is one setting with two names, steps and epochs: the last one given counts.
    """
    other = {"steps": "epochs", "epochs": "steps"}
    replaced = {other[name]: None for name in other if settings.get(name) is not None}
    return replaced | dict(settings)
