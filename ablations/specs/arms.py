"""Arms: configurations that differ only in what a claim is about."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hrm.config.parts import Part, canonical, differences, type_key
from hrm.errors import UserError


@dataclass(frozen=True)
class Arm:
    """An arm of a comparison: its name for the reader, and its configuration."""

    label: str
    part: Part


def vary(base: Part, arms: Mapping[str, Part | Mapping[str, Any]]) -> tuple[Arm, ...]:
    """Return arms that are a configuration with some of its fields changed.

        vary(recipes.gru(), {"masked": {}, "compacted": {"model.execution": Compacted()}})

    Args:
        base: The configuration to change.
        arms: Arms by label, the baseline first. An arm is new values by dotted path (empty for the
            base itself), or a whole configuration, if arguments of a recipe express the difference
            best.

    Raises:
        UserError: If there is no such path, or a value isn't allowed there.
    """
    return tuple(
        Arm(label, given if isinstance(given, Part) else changed(base, given))
        for label, given in arms.items()
    )


def changed(part: Part, values: Mapping[str, Any]) -> Part:
    """Return a part with new values at some dotted paths, all changed at once.

    Raises:
        UserError: If a path leads nowhere, or a value isn't allowed there.
    """
    inner: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        name, _, rest = path.partition(".")
        inner.setdefault(name, {})[rest] = value
    fields = [f.name for f in dataclasses.fields(part)]
    new: dict[str, Any] = {}
    for name, given in inner.items():
        if name not in fields:
            raise _nowhere(name, type(part).__name__, fields)
        found = given.pop("", getattr(part, name))
        if given and not isinstance(found, Part):
            raise _nowhere(next(iter(given)), repr(found), [])
        new[name] = changed(found, given) if given else found
    return dataclasses.replace(part, **new)


def _nowhere(path: str, what: str, fields: Sequence[str]) -> UserError:
    allowed = ", ".join(fields) or "a path that ends before it"
    return UserError(f"{what} has no field {path!r}; allowed is {allowed}; correct the path")


def differing(configurations: Sequence[Mapping[str, Any]]) -> Mapping[str, tuple[str, ...]]:
    """Return the values of each configuration at every path where not all are equal.

    Args:
        configurations: As JSON, the baseline first.
    """
    first, *others = configurations
    paths = {path: None for other in others for path, _, _ in differences("", first, other)}
    return {path: tuple(_shown(_at(data, path)) for data in configurations) for path in paths}


def _at(data: Any, path: str) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _shown(value: Any) -> str:
    if isinstance(value, dict) and type_key in value:
        fields = ", ".join(f"{k}={_shown(v)}" for k, v in value.items() if k != type_key)
        return f"{value[type_key]}({fields})"
    return value if isinstance(value, str) else canonical(value)
