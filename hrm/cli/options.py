"""Options shared by several commands: descriptions, recipes and ``FIELD=VALUE`` settings."""

import argparse
import difflib
import inspect
import json
import re
import typing
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.config.parts import Part, type_key
from hrm.errors import UserError
from hrm.recipes.names import nearest
from hrm.system import extensions

if TYPE_CHECKING:  # `--help` is quick without numpy
    from hrm.recipes import Named
    from hrm.tasks import Task


# -- descriptions ---------------------------------------------------------------------------------
def command(
    subparsers: "argparse._SubParsersAction[Any]", name: str, line: str, text: str
) -> argparse.ArgumentParser:
    """Return the parser of a new command, with a line for the list and a preformatted text."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=line,
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_include(parser)
    return parser


def add_include(parser: argparse.ArgumentParser) -> None:
    """Add the option for modules of extensions."""
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module, or a .py file, with tasks or parts of your own; may be repeated",
    )


def include(arguments: Sequence[str]) -> None:
    """Include modules before arguments are parsed, since arguments may name their parts.

    Raises:
        UserError: If a module can't be included.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    add_include(parser)
    try:
        asked, _ = parser.parse_known_args(arguments)
    except argparse.ArgumentError:  # reported where the whole command line is parsed
        return
    for name in asked.include:
        extensions.load(name)


def add_task(parser: argparse.ArgumentParser) -> None:
    """Add a task's name as the next argument."""
    names = extensions.names()
    parser.add_argument("task", choices=names, metavar="TASK", help=", ".join(names))


def add_settings(parser: argparse.ArgumentParser, option: str, what: str) -> None:
    """Add an option for ``FIELD=VALUE`` that may be repeated."""
    parser.add_argument(
        option,
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help=f"{what}, the value in JSON; may be repeated; an unknown name lists all names",
    )


def add_numbers(parser: argparse.ArgumentParser, *options: tuple[str, int | None, str]) -> None:
    """Add whole-number options: name, default, and help, which explains a default of None."""
    for option, default, what in options:
        said = what if default is None else f"{what} ({default})"
        parser.add_argument(option, type=int, default=default, metavar="N", help=said)


def add_data(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option for a user's own boards."""
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help=f"{what}; docs/tasks.md has the formats"
    )


def add_output(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option for the folder that a command writes, which it needs."""
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help=what)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the option for the device."""
    parser.add_argument(
        "--device", default="cpu", metavar="DEVICE", help="cpu, cuda or cuda:NUMBER (cpu)"
    )


def add_json(parser: argparse.ArgumentParser, what: str = "it") -> None:
    """Add `--json`, which every command that prints results has."""
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON")


# -- recipes --------------------------------------------------------------------------------------
def recipe(name: str) -> "Named":
    """Return a documented system by the name of its recipe.

    Raises:
        UserError: If there is none; the error lists all names, with the nearest last.
    """
    from hrm import recipes

    if name in recipes.named:
        return recipes.named[name]
    near = difflib.get_close_matches(name, recipes.named, n=1, cutoff=0.5)
    mend = f"did you mean {near[0]!r}?" if near else "name one of them"
    raise UserError(f"recipe is {name!r}; allowed are {', '.join(recipes.named)}; {mend}")


# -- settings -------------------------------------------------------------------------------------
def task_of(name: str, settings: Sequence[str], option: str = "--set") -> "Task":
    """Return a task by its name, with some fields set by ``FIELD=VALUE``.

    Args:
        name: Name of the task.
        settings: The settings.
        option: The option that took the settings, for error messages.

    Raises:
        UserError: If a setting is malformed, there is no such field, a required field is missing,
            or the task refuses a value.
    """
    kind = extensions.task(name)
    fields = inspect.signature(kind).parameters
    allowed = ", ".join(_shown(field) for field in fields.values())
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or key not in fields:
            raise UserError(
                f"{option} {setting} names no field of {name}; allowed is FIELD=VALUE with one of: "
                f"{allowed}; give one of these"
            )
        try:
            values[key] = json.loads(text)
        except ValueError as error:
            raise UserError(
                f"{option} {setting} has no JSON after the =; allowed is {_shown(fields[key])}; "
                f"write numbers as 3, lists as [3, 4], text as '\"abc\"', nothing as null"
            ) from error
    for field in fields.values():
        if field.default is field.empty and field.name not in values:
            raise UserError(
                f"task {name} has no value for {field.name}, which it needs; allowed are the "
                f"fields {allowed}; give {option} {field.name}=..."
            )
    extensions.known(list(values.values()))  # of a mixture, say
    task: Any = Part.from_json({"kind": kind.__name__, **values})
    return task  # type: ignore[no-any-return]


def settings_of(fields: Mapping[str, Any]) -> list[str]:
    """Return fields as ``FIELD=VALUE`` settings; a part's kind isn't one of its fields."""
    return [f"{name}={json.dumps(value)}" for name, value in fields.items() if name != type_key]


def assigned(
    option: str, settings: Sequence[str], of: str, allowed: Mapping[str, inspect.Parameter]
) -> dict[str, Any]:
    """Return the values of ``FIELD=VALUE`` settings, checked against annotations.

    Raises:
        UserError: If a setting is malformed, names no parameter, or has a value of another type.
    """
    listed = ", ".join(map(_shown, allowed.values()))
    found = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in allowed:
            raise UserError(
                f"{option} {setting} names no field of {of} that can be set; allowed is "
                f"FIELD=VALUE with one of: {listed}; "
                f"{did_you_mean(name, allowed, 'give one of these')}"
            )
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text  # a bare word fits no annotation, so that the error below shows it
        if not _fits(found[name], allowed[name].annotation):
            raise UserError(
                f"{option} {setting} has the wrong type; allowed is {_shown(allowed[name])}, in "
                f"JSON; write numbers as 3, truth as true or false, nothing as null"
            )
    return found


def did_you_mean(name: str, allowed: Collection[str], otherwise: str) -> str:
    """Return the end of an error message: the name that is likely meant, or other advice."""
    near = nearest(name, allowed)
    return f"did you mean {near!r}?" if near else otherwise


def _fits(value: Any, kind: Any) -> bool:
    """Return whether a value matches a plain annotation; parts check theirs at construction."""
    kinds = set(typing.get_args(kind) or (kind,))
    plain = kinds <= {bool, int, float, str, type(None)}
    return not plain or type(value) in kinds or (float in kinds and type(value) is int)


def _shown(parameter: inspect.Parameter) -> str:
    kind = parameter.annotation
    name = kind.__name__ if isinstance(kind, type) else re.sub(r"(\w+\.)+(?=\w)", "", str(kind))
    default = "" if parameter.default is inspect.Parameter.empty else repr(parameter.default)
    return f"{parameter.name} ({name}{default and f', by default {default}'})"
