"""Parts: frozen, keyword-only dataclasses that turn into JSON and back.

A part is encoded as ``{"kind": "Gru", "width": 256}``: the name of its class and its fields. The
kind is the only place where a part's name is a string; in code, a part is an object.
"""

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from hrm.errors import UserError

type_key = "kind"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Base of everything that configures a model, a task or its training.

    A class made with ``abstract=True`` is no kind of its own; those that derive from it are.
    """

    abstract: ClassVar[bool] = True

    def __init_subclass__(cls, *, abstract: bool = False, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.abstract = abstract

    def __post_init__(self) -> None:
        """Hold every field to its annotation; a whole number given for a float becomes one.

        Raises:
            UserError: If a field is of another type, or a NaN or infinite.
        """
        for name, kind in _hints(type(self)).items():
            value = getattr(self, name)
            if float in _alternatives(kind) and type(value) is int:
                object.__setattr__(self, name, float(value))
            elif not _fits(value, kind):
                wanted = " or ".join(n for k in _alternatives(kind) for n in _names(k))
                raise UserError(
                    f"{type(self).__name__}.{name} is {_shown(value)}; allowed is {wanted}; "
                    f"pass one of those"
                )
            elif isinstance(value, float) and not math.isfinite(value):
                raise UserError(
                    f"{type(self).__name__}.{name} is {value}; allowed is a finite number, the "
                    f"only one that JSON has; pass one, or a large one for no bound"
                )

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Rebuild a part from what `to_json` returned.

        Raises:
            UserError: If the data isn't a part, names an unknown kind or field, lacks a field, or
                is of another kind than this class.
        """
        part = _decode(data)
        if not isinstance(part, cls):
            raise UserError(
                f"expected a {cls.__name__}, got {_shown(data)}; allowed are: "
                f"{', '.join(sorted(k for k, c in kinds().items() if issubclass(c, cls)))}"
            )
        return part

    def to_json(self) -> dict[str, Any]:
        """Return the part as JSON-ready data: its kind, then its fields in order."""
        fields = {f.name: _encode(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {type_key: type(self).__name__, **fields}

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical JSON: equal parts, equal fingerprints."""
        return hashlib.sha256(canonical(self.to_json()).encode()).hexdigest()

    def differences(self, other: "Part") -> list[tuple[str, Any, Any]]:
        """Return (path, here, there) for every value in which two parts differ."""
        return list(differences("", self.to_json(), other.to_json()))


def canonical(data: Any) -> str:
    """Return JSON with sorted keys, no spaces and no NaN: equal data, equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def kinds() -> dict[str, type[Part]]:
    """Return every part class by its kind, abstract ones left out."""

    def descend(base: type[Part]) -> Iterator[type[Part]]:
        for child in base.__subclasses__():
            yield child
            yield from descend(child)

    return {c.__name__: c for c in descend(Part) if not c.abstract}


def require(holds: bool, what: str, value: Any, allowed: str, mend: str) -> None:
    """Refuse an impossible configuration at construction.

    Raises:
        UserError: If `holds` is false, with what is wrong, its value, what is allowed, a way out.
    """
    if not holds:
        raise UserError(f"{what} is {value!r}; allowed is {allowed}; {mend}")


def _hints(cls: type[Part]) -> dict[str, Any]:
    """Return the annotation of each field; class attributes are none."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _alternatives(kind: Any) -> list[Any]:
    return list(typing.get_args(kind)) if isinstance(kind, types.UnionType) else [kind]


def _names(kind: Any) -> list[str]:
    """Return the names of a type, or of all that an abstract part stands for."""
    if isinstance(kind, type) and issubclass(kind, Part) and kind.abstract and kind is not Part:
        return [name for name, each in kinds().items() if issubclass(each, kind)]
    return [kind.__name__]


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of an annotated type; a bool isn't a number here."""
    for k in _alternatives(kind):
        plain = typing.get_origin(k) or k
        if isinstance(value, plain) and (plain is bool or not isinstance(value, bool)):
            return True
    return False


def _encode(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_json()
    if isinstance(value, tuple):
        return [_encode(v) for v in value]
    return value


def _decode(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_decode(v) for v in data)
    if not isinstance(data, Mapping):
        return data
    known = kinds()
    kind = data.get(type_key)
    if not isinstance(kind, str) or kind not in known:
        raise UserError(
            f"unknown kind {kind!r} in {_shown(data)}; allowed are: {', '.join(sorted(known))}"
        )
    cls = known[kind]
    allowed = [f.name for f in dataclasses.fields(cls)]
    given = {k: _decode(v) for k, v in data.items() if k != type_key}
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise UserError(f"{kind} has no field {unknown[0]!r}; its fields are: {', '.join(allowed)}")
    try:
        return cls(**given)
    except TypeError as error:
        raise UserError(f"{kind} can't be built from {_shown(data)}: {error}") from error


def differences(path: str, here: Any, there: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, here, there) for every value in which two parts' JSON differs."""
    if (
        isinstance(here, dict)
        and isinstance(there, dict)
        and here.get(type_key) == there.get(type_key)
    ):
        for key in [*here, *(k for k in there if k not in here)]:
            yield from differences(f"{path}.{key}" if path else key, here.get(key), there.get(key))
    elif here != there:
        yield path, here, there


def _shown(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 80 else text[:77] + "..."
