"""The published schema: what a report is held to, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablations.records.rows import SCHEMA, Report
from hrm.errors import UserError
from reports import files, schema
from tests.reports.pictured import full_report

TYPES: dict[str, Callable[[Any], bool]] = {
    "array": lambda x: isinstance(x, list),
    "boolean": lambda x: isinstance(x, bool),
    "integer": lambda x: isinstance(x, int) and not isinstance(x, bool),
    "null": lambda x: x is None,
    "number": lambda x: isinstance(x, int | float) and not isinstance(x, bool),
    "object": lambda x: isinstance(x, dict),
    "string": lambda x: isinstance(x, str),
}
UNDERSTOOD = {
    *("$ref", "anyOf", "const", "enum", "type", "properties", "required", "additionalProperties"),
    *("items", "prefixItems", "minItems", "description", "title", "$defs", "$id", "$schema"),
}


def faults(data: Any, rule: Any, root: Any, where: str = "") -> list[str]:
    """Return what of some data a schema refuses, by the keywords that ours has."""
    if isinstance(rule, bool):
        return [] if rule else [f"{where}: nothing is allowed"]
    assert rule.keys() <= UNDERSTOOD, rule.keys() - UNDERSTOOD
    found = []
    if "$ref" in rule:
        found += faults(data, root["$defs"][rule["$ref"].rpartition("/")[2]], root, where)
    if "anyOf" in rule and all(faults(data, one, root, where) for one in rule["anyOf"]):
        found.append(f"{where}: fits none of {len(rule['anyOf'])}")
    if "const" in rule and data != rule["const"]:
        found.append(f"{where}: {data!r} isn't {rule['const']!r}")
    if "enum" in rule and data not in rule["enum"]:
        found.append(f"{where}: {data!r} is none of {rule['enum']}")
    if "type" in rule and not TYPES[rule["type"]](data):
        return [*found, f"{where}: {data!r:.40} is no {rule['type']}"]
    return found + inside(data, rule, root, where)


def inside(data: Any, rule: Any, root: Any, where: str) -> list[str]:
    """Return what of an object's or a list's contents a schema refuses."""
    found = []
    if isinstance(data, dict):
        found += [f"{where}: lacks {key}" for key in rule.get("required", ()) if key not in data]
        for key, value in data.items():
            inner = rule.get("properties", {}).get(key, rule.get("additionalProperties", True))
            found += faults(value, inner, root, f"{where}.{key}")
    if isinstance(data, list):
        first = rule.get("prefixItems", [])
        if len(data) < rule.get("minItems", 0):
            found.append(f"{where}: too short")
        for i, value in enumerate(data):
            inner = first[i] if i < len(first) else rule.get("items", True)
            found += faults(value, inner, root, f"{where}[{i}]")
    return found


@pytest.fixture(scope="module")
def published() -> Any:
    return json.loads(schema.published().read_text("utf-8"))


def test_the_published_schema_is_that_of_todays_records() -> None:
    told = "run `python -m reports.publish`; if a published version changed, raise SCHEMA first"
    assert schema.published().read_text("utf-8") == schema.text(), told


def test_a_report_lies_beside_its_schema_and_fits_it(folder: Path, published: Any) -> None:
    data = json.loads((folder / "report.json").read_text("utf-8"))
    beside = json.loads((folder / data["$schema"]).read_text("utf-8"))
    assert beside == published
    assert data["schema"] == SCHEMA
    assert faults(data, published, published) == []


def test_a_report_with_pictures_and_origins_fits_too(published: Any) -> None:
    data = json.loads(files.data(full_report(20, 16)))
    assert faults(data, published, published) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.pop("rows"),
        lambda data: data.update(more=1),
        lambda data: data.update(schema=SCHEMA + 1),
        lambda data: data["rows"][0]["verdict"].update(verdict="PROVEN"),
        lambda data: data["rows"][0]["verdict"].update(n="many"),
        lambda data: data["rows"][0]["verdict"].update(estimate="large"),
        lambda data: data["rows"][0]["parts"][0]["scale"].update(null=[0.9]),
        lambda data: data["rows"][0]["parts"][0]["points"][0].pop("seed"),
        lambda data: data["rows"][0]["pictures"][0].update(kind="pie"),
    ],
)
def test_what_is_no_report_is_refused(spoil: Callable[[Any], Any], published: Any) -> None:
    data = json.loads(files.data(full_report(3, 16)))
    spoil(data)
    assert faults(data, published, published) != []


def test_a_report_is_read_back_as_it_was_written(varied: Report) -> None:
    assert files.read(files.data(varied), "report.json") == varied


@pytest.mark.parametrize("version", [2, 3])
def test_a_report_of_a_version_before_is_read(version: int, varied: Report) -> None:
    data = json.loads(files.data(varied))
    for row in data["rows"]:
        for part in row["parts"]:
            part.pop("sd")
        for name in ("pictures", "origin", "replication") if version < 3 else ():
            row.pop(name)
    lacking = ("$schema", "first", "last") if version < 3 else ("$schema",)
    data = {k: v for k, v in data.items() if k not in lacking} | {"schema": version}
    found = files.read(json.dumps(data), "report.json")
    assert [row.verdict for row in found.rows] == [row.verdict for row in varied.rows]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "isn't a report"),
        ("[]", "isn't a report"),
        ("{}", "isn't a report"),
        ('{"schema": 99}', "has version 99"),
        ('{"schema": 1}', "has version 1"),
        ('{"schema": 3}', "doesn't fit its schema"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        files.read(text, "a.json")
    assert "\n" not in str(refused.value)
    assert "'a.json'" in str(refused.value)
