import errno
import json
import math
import os
import sqlite3
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations.records import Machine, Result, Status, Trial
from ablations.store import Store, decode, encode
from hrm.errors import UserError


def a_result(fingerprint="a", attempt="1", status=Status.OK, metrics=({"loss": 0.5},)):
    return Result(
        fingerprint=fingerprint,
        attempt=attempt,
        trial=Trial(workload="m:f", arms=({"kind": "X"},), settings={"steps": 3}, seed=4),
        status=status,
        metrics=metrics,
        error=None,
        deaths=0,
        wall_seconds=1.5,
        cpu_seconds=1.0,
        peak_memory_bytes=1024,
        machine=Machine(cpu="c", cores=2, threads=1, system="s", accelerator=None, load=0.1),
        versions={"python": "3.11"},
        sources="d",
        commit=None,
        dirty=None,
        started="2025-01-01T00:00:00+00:00",
    )


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store", create=True)


def refusal(folder, **options):
    """The one line that opening this folder is refused with."""
    with pytest.raises(UserError) as found:
        Store.open(folder, **options)
    said = str(found.value)
    assert "\n" not in said
    assert "allowed is" in said
    return said


def snapshot(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and "index" not in p.name}


# -- what goes in comes out -----------------------------------------------------------------------
def test_a_stored_result_comes_back_in_another_process_too(store):
    store.add(a_result())
    assert store.get("a") == a_result()
    assert Store.open(store.folder).get("a") == a_result()
    assert store.get("b") is None


numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(), st.booleans(), st.none(), st.text())
metrics = st.dictionaries(
    st.text(max_size=5), st.one_of(numbers, st.lists(numbers, max_size=3)), max_size=3
)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(metrics, min_size=1, max_size=2))
def test_metrics_come_back_as_they_were_nan_and_infinity_too(given):
    text = encode(a_result(metrics=tuple(given)))
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} isn't JSON"))
    assert repr(decode(text).metrics) == repr(tuple(given))


@pytest.mark.parametrize(
    ("written", "changed"),
    [('"loss": 0.5', '"loss": 0.05'), ('"seed": 4', '"seed": 5'), ('"ok"', '"diverged"')],
)
def test_a_record_that_was_changed_by_hand_is_refused(store, written, changed):
    store.add(a_result())
    (path,) = store.folder.glob("runs/a/*.json")
    text = path.read_text()
    assert written in text
    path.write_text(json.dumps(json.loads(text), indent=1))  # laid out anew is no change
    assert Store.open(store.folder).get("a") == a_result()
    path.write_text(text.replace(written, changed))
    assert "is corrupt (it was changed since it was written" in refusal(store.folder)


def test_a_record_from_before_there_were_digests_is_taken_as_it_is():
    data = json.loads(encode(a_result()))
    del data["sha256"]
    assert decode(json.dumps(data)) == a_result()


def test_text_that_is_nested_too_deeply_is_no_record():
    with pytest.raises(ValueError, match="nested too deeply"):
        decode("[" * 100_000)


def test_text_that_spells_nan_stays_text():
    result = decode(encode(a_result(metrics=({"said": "nan", "value": math.nan},))))
    assert result.metrics[0]["said"] == "nan"
    assert math.isnan(result.metrics[0]["value"])


def test_the_last_finished_attempt_stands_and_all_are_kept(store):
    for attempt, status in enumerate([Status.DIED, Status.OK, Status.FAILED]):
        store.add(a_result(attempt=str(attempt), status=status))
    for opened in (store, Store.open(store.folder)):
        assert opened.get("a") == a_result(attempt="1")
        assert opened.deaths("a") == 1
        assert opened.is_finished("a")
    assert len(list(store.folder.glob("runs/a/*.json"))) == 3


@pytest.mark.parametrize(
    ("status", "finished"),
    [(Status.OK, True), (Status.DIVERGED, True), (Status.FAILED, False), (Status.DIED, False)],
)
def test_only_ok_and_diverged_are_finished_and_the_others_are_shown_all_the_same(
    store, status, finished
):
    store.add(a_result(status=status))
    assert store.is_finished("a") is finished
    assert [r.status for r in store.results()] == [status]


def test_results_come_in_the_order_of_fingerprints(store):
    for fingerprint in "cab":
        store.add(a_result(fingerprint))
    assert [r.fingerprint for r in store.results()] == ["a", "b", "c"]


# -- the index ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no database at all" * 99),
        lambda path: path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 3000),
        lambda path: (
            sqlite3.connect(path)
            .executescript("DROP TABLE records; CREATE TABLE records (other)")
            .connection.close()
        ),
        lambda path: (
            sqlite3.connect(path, isolation_level=None)
            .execute("UPDATE records SET status = 'strange'")
            .connection.close()
        ),
    ],
    ids=["missing", "empty", "foreign", "damaged", "other table", "other words"],
)
def test_an_index_that_is_lost_or_spoiled_is_built_again(store, spoil):
    for fingerprint in "abc":
        store.add(a_result(fingerprint, status=Status.DIED))
    spoil(store.folder / "index.sqlite")
    again = Store.open(store.folder)
    assert [again.deaths(f) for f in "abc"] == [1, 1, 1]
    with sqlite3.connect(store.folder / "index.sqlite") as index:
        rows = index.execute("SELECT fingerprint, status FROM records ORDER BY 1").fetchall()
    index.close()
    assert rows == [("a", "died"), ("b", "died"), ("c", "died")]


def test_the_index_follows_records_that_are_moved_in_and_out(store, tmp_path):
    other = Store.open(tmp_path / "other", create=True)
    store.add(a_result("a"))
    other.add(a_result("b"))
    (other.folder / "runs" / "b").rename(store.folder / "runs" / "b")
    (store.folder / "runs" / "a" / "1.json").unlink()
    again = Store.open(store.folder)
    assert [r.fingerprint for r in again.results()] == ["b"]
    assert not again.is_finished("a")


def test_opening_reads_only_records_that_are_new_to_the_index(store, monkeypatch):
    for number in range(20):
        store.add(a_result(f"{number:02}"))
    late = store.folder / "runs" / "99" / "1.json"
    late.parent.mkdir()
    late.write_text(encode(a_result("99")))
    read: list[str] = []

    def reading(text):
        read.append(decode(text).fingerprint)
        return decode(text)

    monkeypatch.setattr("ablations.store.decode", reading)
    Store.open(store.folder)
    assert read == ["99"]
    Store.open(store.folder)
    assert read == ["99"]


def test_a_store_that_cannot_keep_its_index_works_without(store, monkeypatch):
    store.add(a_result("a"))

    def refuse(*_):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    again = Store.open(store.folder)
    again.add(a_result("b"))
    assert [r.fingerprint for r in again.results()] == ["a", "b"]


# -- refusals -------------------------------------------------------------------------------------
def test_a_reader_refuses_a_folder_that_does_not_exist(tmp_path):
    said = refusal(tmp_path / "absent")
    assert f"{str(tmp_path / 'absent')!r} doesn't exist" in said
    assert not (tmp_path / "absent").exists()


def test_an_empty_folder_becomes_a_store_only_when_asked(tmp_path):
    assert "is empty" in refusal(tmp_path)
    assert not list(tmp_path.iterdir())
    Store.open(tmp_path, create=True)
    assert json.loads((tmp_path / "store.json").read_text()) == {
        "format": "hrm-ablations",
        "version": 1,
    }


def test_a_foreign_folder_is_refused_and_left_as_it_was(tmp_path):
    (tmp_path / "thesis.tex").write_text("dear")
    assert "'thesis.tex'" in refusal(tmp_path, create=True)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file" in refusal(tmp_path / "file", create=True)


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"format": "other", "version": 1}'])
def test_a_marker_that_says_something_else_is_refused(tmp_path, said):
    (tmp_path / "store.json").write_text(said)
    assert "its store.json says otherwise" in refusal(tmp_path, create=True)


def test_a_newer_version_is_refused_by_its_number(tmp_path):
    (tmp_path / "store.json").write_text('{"format": "hrm-ablations", "version": 2}')
    assert "has version 2; allowed is version 1" in refusal(tmp_path)


def test_a_store_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "store.json").mkdir()
    assert "can't be used" in refusal(tmp_path)


def spoiled(text):
    data = json.loads(text)
    yield "half", text[: len(text) // 2]
    yield "empty", ""
    yield "bytes", b"\xff\xfe"
    yield "a list", "[]"
    yield (
        "missing field",
        json.dumps({k: v for k, v in data.items() if k != "seed" and k != "trial"}),
    )
    yield "unknown field", json.dumps({**data, "other": 1})
    yield "unknown status", json.dumps({**data, "status": "fine"})
    yield "other fingerprint", json.dumps({**data, "fingerprint": "b"})
    yield "other attempt", json.dumps({**data, "attempt": "2"})


@pytest.mark.parametrize("text", [pytest.param(t, id=n) for n, t in spoiled(encode(a_result()))])
def test_a_corrupt_record_is_named_with_the_mend_and_nothing_is_lost(store, text):
    store.add(a_result("a"))
    store.add(a_result("c"))
    path = store.folder / "runs" / "a" / "1.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = snapshot(store.folder)
    said = refusal(store.folder)
    assert f"record {str(path)!r} is corrupt" in said
    assert "move the file out of the store and run again" in said
    assert snapshot(store.folder) == before
    path.rename(store.folder.parent / "aside.json")
    assert [r.fingerprint for r in Store.open(store.folder).results()] == ["c"]


def test_a_record_that_is_spoiled_while_the_store_is_open_is_named_too(store):
    store.add(a_result())
    (store.folder / "runs" / "a" / "1.json").write_text("{")
    with pytest.raises(UserError, match="is corrupt"):
        store.get("a")


# -- writing --------------------------------------------------------------------------------------
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(store, monkeypatch):
    store.add(a_result("a"))

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"can't be written \(No space left on device\)") as found:
        store.add(a_result("b"))
    assert "\n" not in str(found.value)
    assert not store.is_finished("b")
    assert {p.name for p in store.folder.rglob("*")} == {
        "store.json",
        "index.sqlite",
        "runs",
        "a",
        "b",
        "1.json",
    }
    assert list(store.folder.glob("runs/b/*")) == []
    monkeypatch.undo()
    assert [r.fingerprint for r in Store.open(store.folder).results()] == ["a"]


def test_what_a_killed_writer_left_is_no_record_and_is_swept_by_the_next_run(store):
    store.add(a_result())
    left = store.folder / "runs" / "a" / ".2.json.99.tmp"
    left.write_text("{")
    assert list(Store.open(store.folder).results()) == [a_result()]
    with store.coordinate():
        assert not left.exists()
    assert store.get("a") == a_result()


def test_who_takes_the_store_over_sees_what_was_added_before(store):
    other = Store.open(store.folder)
    store.add(a_result())
    assert not other.is_finished("a")
    with other.coordinate():
        assert other.is_finished("a")


def test_two_cannot_add_to_one_store_at_a_time(store):
    other = Store.open(store.folder)
    with store.coordinate():
        with (
            pytest.raises(UserError, match=f"process id {os.getpid()};") as found,
            other.coordinate(),
        ):
            pass
        assert "\n" not in str(found.value)
        assert "--store" in str(found.value)
    with other.coordinate():
        other.add(replace(a_result(), attempt="2"))
