"""Parts: frozen, keyword-only dataclasses that turn into JSON and back.

A part is encoded as ``{"kind": "Gru", "width": 256}``: the name of its class and its fields. The
kind is the only place where a part's name is a string; in code, a part is an object.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from hrm.codec import Json, Mismatch, Record, fields
from hrm.errors import UserError

type_key = "kind"
_kinds: dict[str, type["Part"]] = {}


@dataclass(frozen=True, kw_only=True)
class Part(Record):
    """Base class of everything that configures a model, a task or its training.

    A class defined with ``abstract=True`` is not a kind itself; the classes that derive from it
    are.
    """

    abstract: ClassVar[bool] = True

    def __init_subclass__(cls, *, abstract: bool = False, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.abstract = abstract
        if not abstract:
            _kinds[cls.__name__] = cls

    def __post_init__(self) -> None:
        """Check every field against its annotation; whole numbers given for floats are converted.

        Raises:
            UserError: If a field has another type, or is NaN or infinite.
        """
        for name, read in fields(type(self)).items():  # type: ignore[arg-type]
            value = getattr(self, name)
            held = read(value, f"{type(self).__name__}.{name}")
            if isinstance(held, float) and not math.isfinite(held):
                raise UserError(
                    f"{type(self).__name__}.{name} is {held}; allowed is a finite number, the "
                    f"only one that JSON has; pass one, or a large one for no bound"
                )
            if held is not value:
                object.__setattr__(self, name, held)

    def to_json(self) -> dict[str, Json]:
        """Return the part as JSON-ready data: its kind, then its fields in order."""
        return {type_key: type(self).__name__, **super().to_json()}

    @classmethod
    def stands_for(cls) -> list[type[Self]]:
        """Return the kinds that a field of this type may hold: itself, or all subclasses."""
        if not cls.abstract:
            return [cls]
        return [kind for kind in kinds().values() if issubclass(kind, cls)]

    @classmethod
    def from_fields(cls, data: Mapping[str, Json], where: str) -> Self:
        """Build the part that a JSON object describes, of the kind that it names."""
        name = data.get(type_key)
        kind = _kinds.get(name) if isinstance(name, str) else None
        if kind is None or not issubclass(kind, cls):
            raise Mismatch(where, data, cls)
        given = {key: value for key, value in data.items() if key != type_key}
        return super(Part, kind).from_fields(given, kind.__name__)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical JSON; equal parts have equal fingerprints."""
        return hashlib.sha256(canonical(self.to_json()).encode()).hexdigest()

    def differences(self, other: "Part") -> list[tuple[str, Any, Any]]:
        """Return (path, here, there) for every value in which two parts differ."""
        return list(differences("", self.to_json(), other.to_json()))


def canonical(data: Any) -> str:
    """Return JSON with sorted keys, no spaces and no NaN, so that equal data give equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def kinds() -> dict[str, type[Part]]:
    """Return every part class by its kind, abstract ones left out."""
    return dict(_kinds)


def require(holds: bool, what: str, value: Any, allowed: str, mend: str) -> None:
    """Refuse an impossible configuration at construction.

    Raises:
        UserError: If `holds` is false. The message says what is wrong, the value, what is allowed,
            and how to mend it.
    """
    if not holds:
        raise UserError(f"{what} is {value!r}; allowed is {allowed}; {mend}")


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
