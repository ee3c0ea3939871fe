"""Arrays of a record: one safetensors file per attempt, loaded when an array is first read."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.codec import Json
from hrm.system.files import whole

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

array_key = "array"


def split(
    observations: Sequence[Mapping[str, Any]],
) -> tuple[tuple[dict[str, Json], ...], dict[str, "Array"]]:
    """Return observations with names in place of arrays, and the arrays by name.

    NumPy scalars become numbers, and tuples become lists, as after reading JSON.

    Raises:
        ValueError: If an array has elements that aren't numbers or booleans.
    """
    arrays: dict[str, Array] = {}
    plain = tuple(
        {key: _split(value, f"{arm}/{key}", arrays) for key, value in found.items()}
        for arm, found in enumerate(observations)
    )
    return plain, arrays


def _split(value: Any, name: str, arrays: dict[str, "Array"]) -> Json:
    import numpy as np

    match value:
        case np.ndarray():
            if value.dtype.kind not in "biuf":
                raise ValueError(f"{name} is an array of {value.dtype}; allowed are numbers")
            arrays[name] = np.ascontiguousarray(value)
            return {array_key: name}
        case np.generic():
            return value.item()
        case Mapping():
            if set(value) in ({array_key}, {"float"}):
                raise ValueError(f"{name} has the only key {next(iter(value))!r}, a reserved one")
            return {key: _split(inner, f"{name}/{key}", arrays) for key, inner in value.items()}
        case list() | tuple():
            return [_split(inner, f"{name}/{i}", arrays) for i, inner in enumerate(value)]
        case _:
            return value


def save(path: Path, arrays: Mapping[str, "Array"]) -> str:
    """Write arrays atomically, sync them, and return the file's SHA-256.

    Raises:
        OSError: If the file can't be written.
    """
    from safetensors.numpy import save as packed

    data = packed(dict(arrays))
    with whole(path) as temporary:
        temporary.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def load(path: Path, digest: str) -> dict[str, "Array"]:
    """Return the arrays of a sidecar.

    Raises:
        ValueError: If the file is missing, can't be read or isn't the one with this digest.
    """
    from safetensors.numpy import load as unpacked

    return unpacked(verified(path, digest))


def verified(path: Path, digest: str) -> bytes:
    """Return a file's bytes.

    Raises:
        ValueError: If the file is missing, can't be read or isn't the one with this digest.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path.name} can't be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{path.name} isn't the file that was written: its SHA-256 differs")
    return data


class Lazy(Mapping[str, Any]):
    """Observations of one arm; arrays are loaded when the first of them is read.

    Args:
        plain: The observations, with names in place of arrays.
        arrays: Returns all arrays; it should cache them.
    """

    def __init__(
        self, plain: Mapping[str, Json], arrays: Callable[[], Mapping[str, "Array"]]
    ) -> None:
        self._plain = plain
        self._arrays = arrays

    def __getitem__(self, key: str) -> Any:
        return self._joined(self._plain[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def _joined(self, value: Json) -> Any:
        if isinstance(value, dict):
            if len(value) == 1 and isinstance(name := value.get(array_key), str):
                return self._arrays()[name]
            return {key: self._joined(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._joined(inner) for inner in value]
        return value
