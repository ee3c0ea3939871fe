"""Results as JSON text with a digest.

A float that isn't finite is stored as ``{"float": "nan"}``, ``"inf"`` or ``"-inf"``, an array as
``{"array": name}`` (see `sidecars`). A record's ``sha256`` is that of the JSON of its other fields;
a record that was changed later, by hand or by a disk error, is refused.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from ablations.records.trials import SCHEMA, Machine, Result, Status, Trial
from ablations.runs.weights import is_digest
from hrm.codec import Json

float_key = "float"
digest_key = "sha256"

# Conversions from each schema to the next one; the digest covers the record as it was written.
migrations: Mapping[int, Callable[[dict[str, Json]], dict[str, Json]]] = {}


def encode(result: Result) -> str:
    """Return a result as strict JSON text.

    Raises:
        TypeError, ValueError: If an observation isn't JSON.
    """
    data = result.to_json()
    data["observations"] = _packed(data["observations"])
    return json.dumps({**data, digest_key: _digest(data)}, allow_nan=False)


def decode(text: str | bytes, known: str | None = None) -> tuple[Result, str]:
    """Return the result that `encode` turned into text, and its digest.

    Args:
        text: The text.
        known: Digest of a record that was decoded before, whose fields needn't be checked again.

    Raises:
        ValueError: If the text isn't JSON, or not a result, or was changed since, or was written by
            a newer release.
    """
    raw = text.encode() if isinstance(text, str) else text
    try:
        data = json.loads(raw)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError("it isn't a JSON object")
    schema = data.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise ValueError(f"a newer release wrote it: schema {schema}; this one reads {SCHEMA}")
    said = data.pop(digest_key, None)
    if not _as_written(raw, said) and said != _digest(data):
        raise ValueError(f"it was changed since it was written: its {digest_key} differs")
    data = _converted(data)
    if "observations" in data and f'"{float_key}"'.encode() in raw:
        data["observations"] = _unpacked(data["observations"])
    return (_trusted if said == known else _checked)(data), said


def _converted(data: dict[str, Json]) -> dict[str, Json]:
    """Return a record's fields in the present schema."""
    while isinstance(schema := data.get("schema"), int) and schema in migrations:
        data = {**migrations[schema](data), "schema": schema + 1}
    if schema != SCHEMA:
        raise ValueError(f"it has schema {schema!r}; this release reads {SCHEMA}")
    return data


def _checked(data: Json) -> Result:
    """Return the result with these fields, after checking their types."""
    result = Result.from_json(data)
    for digest in (result.sidecar, result.weights, result.start):
        if not is_digest(digest):
            raise ValueError(f"it names {digest!r:.80}, which isn't the SHA-256 of a file")
    return result


def _trusted(data: Json) -> Result:
    """Return the result with these fields, whose types were checked before."""
    trial = data["trial"]
    made = {
        "trial": Trial(**trial | {"arms": tuple(trial["arms"])}),
        "status": Status(data["status"]),
        "observations": tuple(data["observations"]),
        "machine": Machine(**data["machine"]),
    }
    return Result(**data | made)


def _as_written(raw: bytes, said: Json) -> bool:
    """Return whether a text is what `encode` wrote, to the byte; others may be laid out anew.

    The digest is that of the text without its last field, which needn't be encoded again.
    """
    end = f', "{digest_key}": "{said}"}}'.encode()
    whole = hashlib.sha256(raw[: -len(end)] + b"}").hexdigest()
    return raw.endswith(end) and said == whole


def _digest(data: Mapping[str, Json]) -> str:
    """Return the SHA-256 of a record's canonical JSON, which survives writing and reading."""
    return hashlib.sha256(json.dumps(data, allow_nan=False).encode()).hexdigest()


def _packed(value: Any) -> Json:
    match value:
        case float() if not math.isfinite(value):
            return {float_key: str(float(value))}
        case dict():
            return {k: _packed(v) for k, v in value.items()}
        case list():
            return [_packed(v) for v in value]
        case _:
            return value


def _unpacked(value: Json) -> Any:
    match value:
        case {"float": str(text), **others} if not others:
            return float(text)
        case dict():
            return {k: _unpacked(v) for k, v in value.items()}
        case list():
            return [_unpacked(v) for v in value]
        case _:
            return value
