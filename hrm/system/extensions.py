"""Extensions: parts and tasks from included modules and from installed packages.

A package declares its tasks as entry points of the group ``hrm.tasks``, which map names to classes.
All parts that an included module defines are available: by their kinds in JSON, and its tasks on
the command line by the lower-case names of their classes.
"""

import importlib
import importlib.metadata
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from hrm.config.parts import Part, kinds, type_key
from hrm.errors import UserError
from hrm.system.include import include

BUILT_IN = (
    "sudoku",
    "maze",
    "pattern",
    "hanoi",
    "logic",
    "coloring",
    "arc",
    "regression",
    "mixture",
)
GROUP = "hrm.tasks"
_included: dict[str, ModuleType] = {}  # by the names or paths with which they were included


def load(name: str) -> ModuleType:
    """Include a module by its name or file, and record it for `included`.

    Raises:
        UserError: As `include`, or if it defines a kind of part that exists already.
    """
    before = kinds()
    module = include(name)
    for kind, cls in kinds().items():
        if before.get(kind, cls) is not cls:
            raise UserError(
                f"{name} defines {kind}, which {before[kind].__module__} has, too; allowed is a "
                f"name that no part has yet; rename the class"
            )
    _included[name] = module
    return module


def included() -> list[str]:
    """Return the names and files that were included, in order."""
    return list(_included)


def names() -> tuple[str, ...]:
    """Return the names of all tasks: built-in, installed and included."""
    installed = [point.name for point in importlib.metadata.entry_points(group=GROUP)]
    return tuple(dict.fromkeys([*BUILT_IN, *installed, *_tasks()]))


def task(name: str) -> Any:
    """Return the class of a task.

    Raises:
        UserError: If there is no task of this name.
    """
    if name in BUILT_IN:
        return getattr(importlib.import_module(f"hrm.tasks.{name}"), name.capitalize())
    if name in (own := _tasks()):
        return own[name]
    for point in importlib.metadata.entry_points(group=GROUP, name=name):
        return point.load()
    raise UserError(
        f"task is {name!r}; allowed are {', '.join(names())}; take one of them, or give "
        f"--include with the module that defines it"
    )


def known(data: Any) -> None:
    """Import the tasks that a part's JSON names at any depth, so that it can be decoded."""
    if isinstance(data, Mapping):
        kind = data.get(type_key)
        if isinstance(kind, str) and kind not in kinds() and kind.lower() in names():
            task(kind.lower())
    if isinstance(data, Mapping | list | tuple):
        for each in data.values() if isinstance(data, Mapping) else data:
            known(each)


def _tasks() -> dict[str, type[Part]]:
    """Return the tasks that included modules define, by their names."""
    modules = {module.__name__ for module in _included.values()}
    return {
        kind.lower(): cls
        for kind, cls in kinds().items()
        if cls.__module__ in modules and hasattr(cls, "generate") and hasattr(cls, "baselines")
    }
