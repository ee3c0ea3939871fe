"""Change axes of a system from the command line: ``PATH=VALUE``, as in ``execution=Compacted``."""

import json
from collections.abc import Sequence
from typing import Any

from hrm.cli.options import did_you_mean
from hrm.config.learning import System
from hrm.config.parts import kinds, type_key
from hrm.errors import UserError


def changed(system: System, settings: Sequence[str]) -> System:
    """Return a system with some of its axes changed.

    Args:
        system: The system.
        settings: ``PATH=VALUE``. A path is a field of the model, such as ``execution``, or a field
            of a part in it, such as ``halting.max_steps``; a path that begins with ``objective`` is
            one of the objective. A value is JSON, or the name of a part, which then has its
            defaults.

    Raises:
        UserError: If there is no such field, or the system refuses a value.
    """
    data = system.to_json()
    for setting in settings:
        path, equals, text = setting.partition("=")
        *way, last = path.split(".")
        where: Any = data if [*way, last][0] == "objective" else data["model"]
        for name in way:
            where = _field(where, name, setting)[name]
        if not equals:
            raise UserError(f"--axis {setting} has no value; allowed is PATH=VALUE; give one")
        _field(where, last, setting)[last] = _value(text)
    return System.from_json(data)


def _field(where: Any, name: str, setting: str) -> dict[str, Any]:
    """Return the JSON of a part, checked to have a field."""
    names = [n for n in where if n not in (type_key, "model")] if isinstance(where, dict) else []
    if name not in names:
        of = where[type_key] if isinstance(where, dict) else "a value"
        raise UserError(
            f"--axis {setting} names no field of {of}, {name!r}; allowed is one of: "
            f"{', '.join(names) or 'none'}; {did_you_mean(name, names, 'give one of these')}"
        )
    found: dict[str, Any] = where
    return found


def _value(text: str) -> Any:
    if text in kinds():
        return {type_key: text}
    try:
        return json.loads(text)
    except ValueError:
        return {type_key: text}  # the error lists the kinds
