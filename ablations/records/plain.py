"""Records: frozen dataclasses that turn into JSON and back, checked by their annotations."""

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

Json = Any


class Record:
    """JSON in and out for the dataclasses below."""

    def to_json(self) -> dict[str, Json]:
        """Return JSON-ready data: one key a field, in order."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Rebuild from what `to_json` returned.

        Raises:
            ValueError: If a field is missing, unknown or of the wrong type.
        """
        return _build(cls, data, cls.__name__)  # type: ignore[no-any-return]


def _plain(value: Any) -> Json:
    match value:
        case Record():
            return value.to_json()
        case StrEnum():
            return value.value
        case tuple() | list():
            return [_plain(v) for v in value]
        case Mapping():
            return {k: _plain(v) for k, v in value.items()}
        case _:
            return value


def _build(kind: Any, data: Json, where: str) -> Any:
    """Turn JSON into `kind`, a type annotation of the classes above."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return data
    if origin is types.UnionType:
        if data is None and type(None) in arguments:
            return None
        return _build(next(a for a in arguments if a is not type(None)), data, where)
    if origin is tuple:
        _demand(isinstance(data, list), where, "a list", data)
        inner = arguments[:1] * len(data) if arguments[-1] is Ellipsis else arguments
        _demand(len(inner) == len(data), where, f"{len(inner)} values", data)
        return tuple(
            _build(a, d, f"{where}[{i}]") for i, (a, d) in enumerate(zip(inner, data, strict=True))
        )
    if origin is not None and issubclass(origin, Mapping):
        _demand(isinstance(data, dict), where, "an object", data)
        return {k: _build(arguments[1], v, f"{where}.{k}") for k, v in data.items()}
    if issubclass(kind, StrEnum):
        _demand(data in list(kind), where, f"one of {', '.join(kind)}", data)
        return kind(data)
    if issubclass(kind, Record):
        _demand(isinstance(data, dict), where, "an object", data)
        hints = _hints(kind)
        names = [f.name for f in dataclasses.fields(kind)]
        _demand(
            set(data) <= set(names),
            where,
            f"the fields {', '.join(names)}",
            sorted(set(data) - set(names)),
        )
        given = {n: _build(hints[n], data[n], f"{where}.{n}") for n in names if n in data}
        try:
            return kind(**given)
        except TypeError as error:
            raise ValueError(f"{where}: {error}") from error
    if kind is float:
        _demand(
            isinstance(data, int | float) and not isinstance(data, bool), where, "a number", data
        )
        return float(data)
    _demand(
        isinstance(data, kind) and (kind is bool or not isinstance(data, bool)),
        where,
        f"a {kind.__name__}",
        data,
    )
    return data


@functools.cache
def _hints(kind: type[Record]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _demand(holds: bool, where: str, expected: str, found: Any) -> None:
    if not holds:
        raise ValueError(f"{where} should be {expected}, is {found!r:.80}")
