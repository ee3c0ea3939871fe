"""Extensions: what others bring, in modules that are included or in packages that are installed.

A package announces its tasks as entry points of the group ``hrm.tasks``, names to classes. Of an
included module, all parts are known that it defines: by their kinds in JSON, and its tasks by the
lower-case names of their classes at the command line.
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
_included: dict[str, ModuleType] = {}  # by the names that they were asked for with


def load(name: str) -> ModuleType:
    """Include a module, by its name or its file, and remember that.

    Raises:
        UserError: As `include`, or if it defines a kind of part that is there already.
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
    """Return what was included, as it was asked for, in that order."""
    return list(_included)


def names() -> tuple[str, ...]:
    """Return the names of all tasks: the built-in ones, installed ones and included ones."""
    installed = [point.name for point in importlib.metadata.entry_points(group=GROUP)]
    return tuple(dict.fromkeys([*BUILT_IN, *installed, *_tasks()]))


def task(name: str) -> Any:
    """Return a task's class.

    Raises:
        UserError: If there is none of this name.
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
    """Import the tasks that a part's JSON names, at whatever depth, so that it can be decoded."""
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
