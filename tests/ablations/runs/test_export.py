"""A store as a table: what is written comes back, in both formats."""

import csv
import errno
import json
import math
import os

import numpy as np
import pyarrow.parquet
import pytest
from tiny_runs.stored import A, B, C, a_result, add, record

from ablations.records.trials import Status, Trial
from ablations.runs.export import columns, export
from ablations.runs.store import Store
from hrm.errors import UserError

TWO = Trial(protocol={"kind": "Q"}, arms=({"kind": "X"}, {"kind": "Y", "n": 2}), seed=7)


@pytest.fixture
def store(tmp_path):
    made = Store.open(tmp_path / "store", create=True)
    made.add(a_result(A, 1, Status.DIED, observations=(), error="it was killed"))
    made.add(a_result(A, 2, observations=({"loss": 0.5, "steps": 3, "ok": True, "at": [1, 2]},)))
    left = [{"loss": math.nan, "steps": 4.5, "losses": np.zeros(3)}, {"loss": 1, "name": "é,\n"}]
    add(made, fingerprint=B, number=3, observations=left, trial=TWO)
    made.add(a_result(C))
    record(made, C).write_text("{")
    made.refresh()
    return made


def rows(path, kind):
    if kind == "parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_row_is_an_arm_of_an_attempt_and_a_column_what_arms_left_as_one_value(
    store, tmp_path, kind
):
    path = tmp_path / f"runs.{kind}"
    assert export(store, path, kind) == 4, "a record that can't be read is in none"
    found = rows(path, kind)
    observed = ["observed.loss", "observed.name", "observed.ok", "observed.steps"]
    assert list(found[0]) == [*columns, *observed]
    text = [{name: str(value) for name, value in row.items()} for row in found]
    assert [row["status"] for row in text] == ["died", "ok", "ok", "ok"]
    assert [row["stands"] for row in text] == ["False", "True", "True", "True"]
    assert [row["arm"] for row in text] == ["0", "0", "0", "1"]
    assert [float(row["observed.steps"]) for row in text[1:3]] == [3.0, 4.5]
    assert [json.loads(row["arm_json"])["kind"] for row in text] == ["X", "X", "X", "Y"]
    assert text[3]["observed.name"] == "é,\n"
    assert text[2]["observed.loss"] == "nan"
    assert found[0]["observed.loss"] in ("", None), "nothing is no number"


def test_parquet_keeps_types(store, tmp_path):
    export(store, tmp_path / "runs.parquet", "parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "runs.parquet")
    assert str(schema.field("seed").type) == "int64"
    assert str(schema.field("observed.ok").type) == "bool"
    assert str(schema.field("observed.steps").type) == "double"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_empty_store_is_a_table_without_rows(tmp_path, kind):
    path = tmp_path / f"runs.{kind}"
    assert export(Store.open(tmp_path / "new", create=True), path, kind) == 0
    assert rows(path, kind) == []


def test_a_full_disk_leaves_the_older_file(store, tmp_path, monkeypatch):
    path = tmp_path / "runs.csv"
    path.write_text("older")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"can't be written \(No space left on device\)") as found:
        export(store, path, "csv")
    assert "\n" not in str(found.value)
    assert path.read_text() == "older"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["runs.csv", "store"]


def test_without_the_package_its_extra_is_named(store, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"\.\[parquet\]"):
        export(store, tmp_path / "runs.parquet", "parquet")
    assert not (tmp_path / "runs.parquet").exists()
