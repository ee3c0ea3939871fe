"""Arms: configurations that differ in what a claim is about, and in nothing else."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hrm.config.parts import Part, canonical, differences, type_key
from hrm.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One side of a comparison: its name for the reader, and its configuration."""

    label: str
    part: Part


def vary(base: Part, arms: Mapping[str, Part | Mapping[str, Any]]) -> tuple[Arm, ...]:
    """Return arms that are a configuration with some of its fields changed.

        vary(recipes.gru(), {"masked": {}, "compacted": {"model.execution": Compacted()}})

    Args:
        base: What is changed.
        arms: By label, the baseline first: new values by dotted path, none for the base itself; or
            a whole configuration, where a recipe's own arguments say best what differs.

    Raises:
        UserError: If a path leads nowhere, or a value isn't allowed there.
    """
    return tuple(
        Arm(label=label, part=given if isinstance(given, Part) else changed(base, given))
        for label, given in arms.items()
    )


def changed(part: Part, values: Mapping[str, Any]) -> Part:
    """Return a part with new values at some dotted paths.

    Raises:
        UserError: If a path leads nowhere, or a value isn't allowed there.
    """
    for path, value in values.items():
        part = _with(part, path, path, value)
    return part


def _with(part: Any, path: str, whole: str, value: Any) -> Any:
    name, _, rest = path.partition(".")
    fields = [f.name for f in dataclasses.fields(part)] if isinstance(part, Part) else []
    if name not in fields:
        raise UserError(
            f"{whole!r} leads to no field: {type(part).__name__} has no {name!r}; allowed are "
            f"{', '.join(fields) or 'paths that end before it'}; correct the path"
        )
    inner = _with(getattr(part, name), rest, whole, value) if rest else value
    return dataclasses.replace(part, **{name: inner})


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
