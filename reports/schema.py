"""The published JSON Schema of `report.json`, generated from the annotations of records.

`python -m reports.publish` writes it into the package. A published schema never changes: a change
of a record raises `ablations.records.rows.SCHEMA`, whose schema is a new file.
"""

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from ablations.records.rows import SCHEMA, Report
from hrm.codec import Json, Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BESIDE = "report.schema.json"  # name of its copy beside a report, to which the report refers
_plain = {bool: "boolean", int: "integer", float: "number", str: "string"}
_entry = re.compile(r"(?:^|(?<=[.;] ))(?P<names>[a-z_0-9]+(?:, [a-z_0-9]+)*): ")


def published() -> Path:
    """Return the path of the current schema in the package."""
    return Path(__file__).parent / "schemas" / f"report-{SCHEMA}.schema.json"


def schema() -> dict[str, Json]:
    """Return the JSON Schema (draft 2020-12) of the current report."""
    definitions: dict[str, Json] = {}
    _of(Report, definitions)
    whole = definitions.pop(Report.__name__)
    whole["properties"] = {"$schema": {"const": BESIDE}} | whole["properties"]
    whole["properties"]["schema"] = {"const": SCHEMA, "description": "The version of this format."}
    whole["required"] = sorted({*whole["required"], "schema"})
    return {
        "$schema": DIALECT,
        "$id": f"urn:hrm-ablations:report:{SCHEMA}",
        "title": f"report.json of HRM Ablations, version {SCHEMA}",
        **whole,
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """Return the schema as text, as in the package."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _of(kind: Any, definitions: dict[str, Json]) -> Json:
    """Return the schema of an annotation; those of records and enumerations become definitions."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return {}
    if origin is types.UnionType:
        inner = next(a for a in arguments if a is not type(None))
        return {"anyOf": [_of(inner, definitions), {"type": "null"}]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if origin is tuple:
        items = [_of(a, definitions) for a in arguments]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    if kind in _plain:
        return {"type": _plain[kind]}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # set first, because a record may refer to itself
        definitions[kind.__name__] = (
            {"enum": [word.value for word in kind]}
            if issubclass(kind, StrEnum)
            else _record(kind, definitions)
        )
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _record(kind: type[Record], definitions: dict[str, Json]) -> Json:
    summary, described = _said(kind)
    hints = typing.get_type_hints(kind)
    given = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    properties = {}
    for name in given:
        properties[name] = _of(hints[name], definitions)
        if name in described:
            properties[name] = {**properties[name], "description": described[name]}
    return {
        "type": "object",
        "description": summary,
        "properties": properties,
        "required": sorted(n for n, f in given.items() if f.default is dataclasses.MISSING),
        "additionalProperties": False,
    }


def _said(kind: type) -> tuple[str, dict[str, str]]:
    """Return a docstring's first line, and its description of each field."""
    summary, _, rest = inspect.cleandoc(kind.__doc__ or "").partition("\n")
    arguments = " ".join(rest.partition("Args:")[2].split())
    starts = list(_entry.finditer(arguments))
    ends = [*(start.start() for start in starts[1:]), len(arguments)]
    said = {}
    for start, end in zip(starts, ends, strict=False):
        for name in start["names"].split(", "):
            said[name] = arguments[start.end() : end].strip()
    return summary, said
