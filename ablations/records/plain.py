"""Records: frozen dataclasses that turn into JSON and back, checked by their annotations."""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Self

Json = Any
Read = Callable[[Json, str], Any]  # from JSON, and where it stands, to a value


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
        return _reader(cls)(data, cls.__name__)  # type: ignore[arg-type,no-any-return]


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


@functools.cache
def _reader(kind: Any) -> Read:
    """Return what turns JSON into `kind`, a type annotation of a record's field.

    Annotations are taken apart once: a store has many thousand records of few kinds.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return lambda data, _: data
    if origin is types.UnionType:
        inner = _reader(next(a for a in arguments if a is not type(None)))
        optional = type(None) in arguments
        return lambda data, where: None if optional and data is None else inner(data, where)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return _list(_reader(arguments[0]))
        return _fixed(tuple(map(_reader, arguments)))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_reader(arguments[1]))
    if issubclass(kind, Record):
        return _record(kind)
    return _word(kind) if issubclass(kind, StrEnum) else _value(kind)


def _list(inner: Read) -> Read:
    def read(data: Json, where: str) -> Any:
        if not isinstance(data, list):
            raise _wrong(where, "a list", data)
        return tuple(inner(d, f"{where}[{i}]") for i, d in enumerate(data))

    return read


def _fixed(inner: tuple[Read, ...]) -> Read:
    def read(data: Json, where: str) -> Any:
        if not isinstance(data, list):
            raise _wrong(where, "a list", data)
        if len(inner) != len(data):
            raise _wrong(where, f"{len(inner)} values", data)
        return tuple(
            one(d, f"{where}[{i}]") for i, (one, d) in enumerate(zip(inner, data, strict=True))
        )

    return read


def _mapping(inner: Read) -> Read:
    def read(data: Json, where: str) -> Any:
        if not isinstance(data, dict):
            raise _wrong(where, "an object", data)
        return {k: inner(v, f"{where}.{k}") for k, v in data.items()}

    return read


def _word(kind: type[StrEnum]) -> Read:
    words = {word.value: word for word in kind}

    def read(data: Json, where: str) -> Any:
        if not isinstance(data, str) or data not in words:
            raise _wrong(where, f"one of {', '.join(words)}", data)
        return words[data]

    return read


def _record(kind: type["Record"]) -> Read:
    hints = typing.get_type_hints(kind)
    fields = {f.name: _reader(hints[f.name]) for f in dataclasses.fields(kind)}  # type: ignore[arg-type]

    def read(data: Json, where: str) -> Any:
        if not isinstance(data, dict):
            raise _wrong(where, "an object", data)
        if not data.keys() <= fields.keys():
            others = sorted(set(data) - set(fields))
            raise _wrong(where, f"the fields {', '.join(fields)}", others)
        given = {
            name: inner(data[name], f"{where}.{name}")
            for name, inner in fields.items()
            if name in data
        }
        try:
            return kind(**given)
        except TypeError as error:
            raise ValueError(f"{where}: {error}") from error

    return read


def _value(kind: type) -> Read:
    if kind is float:
        return _number

    def read(data: Json, where: str) -> Any:
        if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
            raise _wrong(where, f"a {kind.__name__}", data)
        return data

    return read


def _number(data: Json, where: str) -> float:
    if not isinstance(data, int | float) or isinstance(data, bool):
        raise _wrong(where, "a number", data)
    return float(data)


def _wrong(where: str, expected: str, found: Any) -> ValueError:
    return ValueError(f"{where} should be {expected}, is {found!r:.80}")
