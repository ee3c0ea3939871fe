"""The JSON codec: frozen dataclasses to JSON and back, checked against their annotations."""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Self

from hrm.errors import UserError

Json = Any
Read = Callable[[Any, str], Any]  # function from JSON or a value, and its path, to the value


class Malformed(UserError, ValueError):  # noqa: N818 (an error of the user's, as its base is)
    """Data that don't have the expected form."""


class Mismatch(Malformed):
    """A value doesn't match its annotation.

    Args:
        where: Path of the value in the data.
        found: The value.
        kind: The annotation.
    """

    def __init__(self, where: str, found: Any, kind: Any) -> None:
        allowed = " or ".join(_names(kind))
        super().__init__(f"{where} is {shown(found)}; allowed is {allowed}; pass one of those")
        self.where = where


class Record:
    """JSON in and out for the dataclasses that derive from it."""

    def to_json(self) -> dict[str, Json]:
        """Return JSON-ready data: one key per field, in order."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Rebuild a record from the result of `to_json`.

        Raises:
            Malformed: If a field is missing, unknown or of the wrong type.
        """
        return reader(cls)(data, cls.__name__)  # type: ignore[no-any-return]

    @classmethod
    def stands_for(cls) -> Iterable[type[Self]]:
        """Return the classes that this one allows as an annotation: only itself."""
        return (cls,)

    @classmethod
    def from_fields(cls, data: Mapping[str, Json], where: str) -> Self:
        """Build a record from the fields of a JSON object, each decoded by its annotation."""
        known = fields(cls)  # type: ignore[arg-type]
        for name in data:
            if name not in known:
                raise Malformed(
                    f"{where} has no field {name!r}; its fields are: {', '.join(known)}"
                )
        given = {name: known[name](value, f"{where}.{name}") for name, value in data.items()}
        try:
            return cls(**given)
        except TypeError as error:
            raise Malformed(f"{where} can't be built from {shown(data)}: {error}") from error


@functools.cache
def fields(kind: type[Record]) -> Mapping[str, Read]:
    """Return the function that decodes each field of a class from JSON, by the field's name.

    The result is cached, because a store has many thousand records of few classes.
    """
    hints = typing.get_type_hints(kind)
    return {field.name: reader(hints[field.name]) for field in dataclasses.fields(kind)}  # type: ignore[arg-type]


def reader(kind: Any) -> Read:
    """Return the function that decodes JSON to `kind`, a type annotation.

    Values that have the type already are returned unchanged. A whole number is accepted for a float
    and converted; a bool isn't accepted as a number.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return lambda data, _: data
    if origin is types.UnionType:
        return _union(kind, [reader(a) for a in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return _list(kind, reader(arguments[0]))
    if origin is tuple:
        return _fixed(kind, [reader(a) for a in arguments])
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(kind, reader(arguments[1]))
    if issubclass(kind, Record):
        return _record(kind)
    return _word(kind) if issubclass(kind, StrEnum) else _value(kind)


def shown(data: Any) -> str:
    """Return data as text for a message: on one line, shortened if long."""
    text = repr(data)
    return text if len(text) <= 80 else text[:77] + "..."


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


def _union(kind: Any, inner: list[Read]) -> Read:
    def read(data: Any, where: str) -> Any:
        for one in inner:
            try:
                return one(data, where)
            except Mismatch as error:
                if error.where != where:  # the value has this type, but something in it hasn't
                    raise
        raise Mismatch(where, data, kind)

    return read


def _list(kind: Any, inner: Read) -> Read:
    def read(data: Any, where: str) -> Any:
        if not isinstance(data, list | tuple):
            raise Mismatch(where, data, kind)
        return tuple(inner(d, f"{where}[{i}]") for i, d in enumerate(data))

    return read


def _fixed(kind: Any, inner: list[Read]) -> Read:
    def read(data: Any, where: str) -> Any:
        if not isinstance(data, list | tuple) or len(inner) != len(data):
            raise Mismatch(where, data, kind)
        return tuple(
            one(d, f"{where}[{i}]") for i, (one, d) in enumerate(zip(inner, data, strict=True))
        )

    return read


def _mapping(kind: Any, inner: Read) -> Read:
    def read(data: Any, where: str) -> Any:
        if not isinstance(data, Mapping):
            raise Mismatch(where, data, kind)
        return {k: inner(v, f"{where}.{k}") for k, v in data.items()}

    return read


def _record(kind: type[Record]) -> Read:
    def read(data: Any, where: str) -> Any:
        if isinstance(data, kind):
            return data
        if not isinstance(data, Mapping):
            raise Mismatch(where, data, kind)
        return kind.from_fields(data, where)

    return read


def _word(kind: type[StrEnum]) -> Read:
    words = {word.value: word for word in kind}

    def read(data: Any, where: str) -> Any:
        if not isinstance(data, str) or data not in words:
            raise Mismatch(where, data, kind)
        return words[data]

    return read


def _value(kind: type) -> Read:
    def read(data: Any, where: str) -> Any:
        if isinstance(data, kind) and (kind is bool or not isinstance(data, bool)):
            return data
        if kind is float and isinstance(data, int) and not isinstance(data, bool):
            return float(data)
        raise Mismatch(where, data, kind)

    return read


def _names(kind: Any) -> list[str]:
    """Return the names of the types that an annotation allows."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return [name for each in arguments for name in _names(each)]
    if origin is not None:
        of = ["..." if a is Ellipsis else " or ".join(_names(a)) for a in arguments]
        return [f"{origin.__name__}[{', '.join(of)}]"]
    if issubclass(kind, StrEnum):
        return list(kind)
    if issubclass(kind, Record):
        return [each.__name__ for each in kind.stands_for()]
    return [kind.__name__]
