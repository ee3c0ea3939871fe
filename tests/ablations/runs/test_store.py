import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_runs.stored import A, B, C, a_result, add, attempt, record

from ablations.records.trials import SCHEMA, Status
from ablations.runs import encoding, index, sidecars, upkeep, weights
from ablations.runs.encoding import decode, encode
from ablations.runs.store import MOST_DEATHS, Store
from hrm.errors import UserError


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


# -- what goes in comes out -----------------------------------------------------------------------
def test_a_stored_result_comes_back_in_another_process_too(store):
    store.add(a_result())
    assert store.get(A) == a_result()
    assert Store.open(store.folder).get(A) == a_result()
    assert store.get(B) is None
    assert not store.unknown(B)


numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(), st.booleans(), st.none(), st.text())
observed = st.dictionaries(
    st.text(max_size=5), st.one_of(numbers, st.lists(numbers, max_size=3)), max_size=3
)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(observed, min_size=1, max_size=2))
def test_observations_come_back_as_they_were_nan_and_infinity_too(given):
    text = encode(a_result(observations=tuple(given)))
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} isn't JSON"))
    assert repr(decode(text)[0].observations) == repr(tuple(given))


def test_text_that_spells_nan_stays_text():
    (found,) = decode(encode(a_result(observations=({"said": "nan", "value": math.nan},))))[
        0
    ].observations
    assert found["said"] == "nan"
    assert math.isnan(found["value"])


def test_text_that_is_nested_too_deeply_is_no_record():
    with pytest.raises(ValueError, match="nested too deeply"):
        decode("[" * 100_000)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(observed, min_size=1, max_size=2), st.sampled_from(Status))
def test_a_record_that_was_checked_before_is_decoded_alike(given, status):
    text = encode(a_result(observations=tuple(given), status=status))
    found, digest = decode(text)
    assert repr(decode(text, digest)) == repr((found, digest))
    with pytest.raises(ValueError, match="changed since it was written"):
        decode(text.replace('"deaths": 0', '"deaths": 1'), digest)


# -- which attempt stands -------------------------------------------------------------------------
def test_the_first_finished_attempt_stands_and_all_are_kept(store):
    statuses = [Status.DIED, Status.OK, Status.FAILED, Status.DIVERGED]
    for number, status in enumerate(statuses):
        store.add(a_result(number=number, status=status))
    for opened in (store, Store.open(store.folder)):
        assert opened.get(A) == a_result(number=1)
        assert opened.deaths(A) == 1
        assert opened.is_finished(A)
        assert [result.status for result in opened.attempts(A)] == statuses


@pytest.mark.parametrize("status", Status)
def test_only_outcomes_are_finished_and_the_others_are_shown_all_the_same(store, status):
    finished = status in (Status.OK, Status.DIVERGED, Status.TIMED_OUT)
    store.add(a_result(status=status))
    assert store.is_finished(A) is status.finished is finished
    assert [result.status for result in store.results()] == [status]


def test_a_trial_that_killed_its_workers_too_often_is_quarantined_until_it_finishes(store):
    for number in range(MOST_DEATHS):
        assert not store.quarantined(A)
        assert not store.unknown(A)
        store.add(a_result(number=number, status=Status.DIED))
    assert store.quarantined(A)
    assert store.unknown(A)
    store.add(a_result(number=9))
    assert not store.quarantined(A)
    assert not store.unknown(A)


def test_results_come_in_the_order_of_fingerprints(store):
    for fingerprint in (C, A, B):
        store.add(a_result(fingerprint))
    assert [result.fingerprint for result in store.results()] == [A, B, C]


# -- arrays ---------------------------------------------------------------------------------------
def test_arrays_come_back_from_the_sidecar_with_their_types(store):
    given = {
        "losses": np.linspace(0, 1, 5, dtype=np.float32)[::2],
        "right": {"board": np.array([[True, False]]), "steps": [np.int64(3), np.arange(2)]},
        "n": 7,
    }
    result = add(store, observations=[given, {"losses": np.array([math.nan, math.inf])}])
    for opened in (store, Store.open(store.folder)):
        first, second = opened.observations(opened.get(A))
        assert first["losses"].dtype == np.float32
        assert first["losses"].tolist() == [0.0, 0.5, 1.0]
        assert first["right"]["board"].tolist() == [[True, False]]
        assert first["right"]["steps"][0] == 3
        assert first["right"]["steps"][1].tolist() == [0, 1]
        assert (first["n"], list(first)) == (7, ["losses", "right", "n"])
        assert np.array_equal(second["losses"], [math.nan, math.inf], equal_nan=True)
    assert result.observations[0]["losses"] == {"array": "0/losses"}


def test_a_sidecar_is_not_read_before_an_array_is(store, monkeypatch):
    add(store, observations=[{"n": 1, "losses": np.zeros(2)}])
    (found,) = store.observations(store.get(A))
    loads = []
    monkeypatch.setattr(sidecars, "load", lambda *_: loads.append(1) or {"0/losses": "loaded"})
    assert found["n"] == 1
    assert not loads
    assert found["losses"] == found["losses"] == "loaded"
    assert len(loads) == 1


def test_a_record_without_a_sidecar_has_its_observations_all_the_same(store):
    store.add(a_result(observations=({"loss": 0.5}, {"loss": math.inf})))
    assert [dict(found) for found in store.observations(store.get(A))] == [
        {"loss": 0.5},
        {"loss": math.inf},
    ]


@pytest.mark.parametrize(
    "value", [np.array(["a"]), np.array([{}]), {"array": "x"}, {"float": "nan"}]
)
def test_what_could_not_be_told_apart_when_it_is_read_is_refused(value):
    with pytest.raises(ValueError, match="0/x"):
        sidecars.split([{"x": value}])


# -- what is lost is unknown ----------------------------------------------------------------------
def test_a_deleted_record_leaves_its_trial_unknown_for_good(store):
    store.add(a_result(A))
    store.add(a_result(B))
    text = record(store).read_bytes()
    record(store).unlink()
    again = Store.open(store.folder)
    assert again.unknown(A)
    assert again.get(A) is None
    assert again.is_finished(A)
    assert [result.fingerprint for result in again.results()] == [B]
    again.add(a_result(A, number=2))
    again.refresh()
    assert again.unknown(A), "a second attempt doesn't stand for the first"
    record(store).write_bytes(text)
    assert Store.open(store.folder).get(A) == a_result(A)


def spoiled(text):
    data = json.loads(text)
    yield "half", text[: len(text) // 2]
    yield "empty", ""
    yield "bytes", b"\xff\xfe"
    yield "a list", "[]"
    yield "missing field", json.dumps({k: v for k, v in data.items() if k != "trial"})
    yield "unknown field", json.dumps({**data, "other": 1})
    yield "unknown status", json.dumps({**data, "status": "fine"})
    yield "another value", text.replace('"loss": 0.5', '"loss": 0.05')
    yield "another seed", text.replace('"seed": 4', '"seed": 5')
    yield "another fingerprint", encode(replace(a_result(), fingerprint=B))
    yield "another attempt", encode(replace(a_result(), attempt=attempt(2)))
    yield "another record", encode(replace(a_result(), cpu_seconds=9.0))


@pytest.mark.parametrize("text", [pytest.param(t, id=n) for n, t in spoiled(encode(a_result()))])
def test_a_corrupt_record_costs_its_own_trial_alone(store, text):
    store.add(a_result(A))
    store.add(a_result(C))
    written = text if isinstance(text, bytes) else text.encode()
    assert written != record(store).read_bytes()
    record(store).write_bytes(written)
    again = Store.open(store.folder)
    assert again.unknown(A)
    assert again.get(A) is None
    assert list(again.faults) == [record(store)]
    assert again.get(C) == a_result(C)
    assert not again.unknown(C)
    assert record(store).read_bytes() == written, "a reader changes nothing"


def test_an_unreadable_record_that_no_journal_knows_leaves_its_trial_unknown(store):
    store.add(a_result())
    record(store).write_text("{")
    store.journal.path.unlink()
    assert Store.open(store.folder).unknown(A), "nobody can tell whether it came to an end"


def test_a_record_in_the_place_of_another_trials_is_none(store):
    store.add(a_result(A))
    copy = record(store, B)
    copy.parent.mkdir()
    copy.write_bytes(record(store, A).read_bytes())
    again = Store.open(store.folder)
    assert again.get(B) is None
    assert f"it is the record of {A}" in again.faults[copy]


def test_a_record_that_is_laid_out_anew_is_the_same(store):
    store.add(a_result())
    record(store).write_text(json.dumps(json.loads(record(store).read_text()), indent=1))
    assert Store.open(store.folder).get(A) == a_result()


def test_a_record_of_a_newer_release_is_named_as_one(store):
    store.add(a_result())
    text = encode(a_result()).replace(f'"schema": {SCHEMA}', '"schema": 99, "new": 1')
    record(store).write_text(text)
    again = Store.open(store.folder)
    assert again.unknown(A)
    assert "a newer release wrote it: schema 99" in again.faults[record(store)]


@pytest.mark.parametrize("spoil", ["truncate", "remove", "change"])
def test_a_spoiled_sidecar_leaves_its_trial_unknown(store, spoil):
    add(store, observations=[{"losses": np.zeros(100)}])
    add(store, fingerprint=B, observations=[{"losses": np.ones(100)}])
    path = record(store).with_suffix(".safetensors")
    data = path.read_bytes()
    if spoil == "remove":
        path.unlink()
    else:
        path.write_bytes(data[:-8] if spoil == "truncate" else data[:-1] + b"\x01")
    again = Store.open(store.folder)
    assert again.unknown(A)
    assert path.name in again.faults[record(store)]
    assert again.observations(again.get(B))[0]["losses"].sum() == 100


def test_a_sidecar_that_is_lost_while_the_store_is_open_is_one_line(store):
    add(store, observations=[{"losses": np.zeros(2)}])
    (found,) = store.observations(store.get(A))
    record(store).with_suffix(".safetensors").unlink()
    with pytest.raises(UserError, match=r"can't be read \(No such file"):
        found["losses"]


def test_a_record_that_is_spoiled_while_the_store_is_open_becomes_unknown(store):
    store.add(a_result())
    record(store).write_text("{")
    assert store.get(A) is None
    assert store.unknown(A)


def test_foreign_and_hidden_files_are_none_of_ours(store):
    store.add(a_result())
    folder = record(store).parent
    for name in (".DS_Store", f"._{attempt(1)}.json", "notes.json", "notes.txt", "x.safetensors"):
        (folder / name).write_text("{")
    (store.folder / "runs" / "README").write_text("")
    (store.folder / "runs" / ".git").mkdir()
    (store.folder / "runs" / ".git" / f"{attempt(1)}.json").write_text("{")
    again = Store.open(store.folder)
    assert not again.faults
    assert list(again.results()) == [a_result()]


# -- the journal ----------------------------------------------------------------------------------
def test_every_attempt_has_a_line_with_the_records_digest(store):
    store.add(a_result(number=1, status=Status.DIED))
    store.note("planned", fingerprints=[A])
    store.add(a_result(number=2))
    lines = list(store.journal.entries())
    assert [(line["what"], line.get("status")) for line in lines] == [
        ("stored", "died"),
        ("planned", None),
        ("stored", "ok"),
    ]
    assert lines[2]["sha256"] == json.loads(record(store, number=2).read_text())["sha256"]
    assert store.journal.verify() is None


def test_records_that_the_journal_lacks_are_added_by_the_next_coordinator(store, tmp_path):
    other = Store.open(tmp_path / "other", create=True)
    other.add(a_result(B))
    (store.folder / "runs").mkdir()
    (other.folder / "runs" / B).rename(store.folder / "runs" / B)
    with store.coordinate():
        assert store.get(B) == a_result(B)
    assert [line["fingerprint"] for line in store.journal.entries()] == [B]
    with store.coordinate():
        pass
    assert len(list(store.journal.entries())) == 1
    record(store, B).unlink()
    assert Store.open(store.folder).unknown(B)


def test_a_broken_journal_still_opens(store):
    store.add(a_result(A))
    store.add(a_result(B))
    lines = store.journal.path.read_bytes().splitlines(keepends=True)
    store.journal.path.write_bytes(b"{\n" + lines[1])
    again = Store.open(store.folder)
    assert [result.fingerprint for result in again.results()] == [A, B]
    assert "line 1" in again.journal.verify()


# -- weights --------------------------------------------------------------------------------------
def test_equal_weights_are_kept_once_and_found_by_who_left_them(store):
    digest = weights.save(store.folder, b"weights")
    assert (
        digest == weights.save(store.folder, b"weights") == hashlib.sha256(b"weights").hexdigest()
    )
    assert len(list(store.folder.glob("weights/*"))) == 1
    store.add(a_result(A, weights=digest))
    store.add(a_result(B))
    for opened in (store, Store.open(store.folder)):
        assert opened.weights(A) == digest
        assert opened.weights(B) is None
        assert weights.load(opened.folder, digest) == b"weights"
    weights.path(store.folder, digest).unlink()
    assert store.weights(A) is None
    assert store.get(A).weights == digest


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
    for fingerprint in (A, B, C):
        store.add(a_result(fingerprint, status=Status.DIED))
    spoil(store.folder / "index.sqlite")
    again = Store.open(store.folder)
    assert [again.deaths(f) for f in (A, B, C)] == [1, 1, 1]
    assert not again.faults
    with sqlite3.connect(store.folder / "index.sqlite") as database:
        rows = database.execute("SELECT fingerprint, status FROM records ORDER BY 1").fetchall()
    database.close()
    assert rows == [(A, "died"), (B, "died"), (C, "died")]


def test_opening_reads_only_records_that_are_new_to_the_index(store, monkeypatch):
    fingerprints = [f"{number:064}" for number in range(20)]
    for fingerprint in fingerprints:
        store.add(a_result(fingerprint))
    record(store, C).parent.mkdir()
    record(store, C).write_text(encode(a_result(C)))
    read = []

    def reading(text, known=None):
        found = decode(text, known)
        read.append(found[0].fingerprint)
        return found

    monkeypatch.setattr("ablations.runs.store.decode", reading)
    Store.open(store.folder)
    assert read == [C]
    Store.open(store.folder)
    assert read == [C]


def test_a_store_that_cannot_keep_its_index_works_without(store, monkeypatch):
    store.add(a_result(A))

    def refuse(*_):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    again = Store.open(store.folder)
    again.add(a_result(B))
    assert [result.fingerprint for result in again.results()] == [A, B]
    index.forget(store.folder)


# -- refusals -------------------------------------------------------------------------------------
def test_a_reader_refuses_a_folder_that_does_not_exist(tmp_path):
    said = refusal(tmp_path / "absent")
    assert f"{str(tmp_path / 'absent')!r} doesn't exist" in said
    assert not (tmp_path / "absent").exists()


def test_an_empty_folder_becomes_a_store_only_when_asked(tmp_path):
    assert "is empty" in refusal(tmp_path)
    assert "new or empty" not in refusal(tmp_path)
    assert not list(tmp_path.iterdir())
    Store.open(tmp_path, create=True)
    assert json.loads((tmp_path / "store.json").read_text()) == {
        "format": "hrm-ablations",
        "version": 2,
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
    assert "its store.json differs" in refusal(tmp_path, create=True)


@pytest.mark.parametrize("version", [1, 3])
def test_another_version_is_refused_by_its_number(tmp_path, version):
    (tmp_path / "store.json").write_text(f'{{"format": "hrm-ablations", "version": {version}}}')
    assert f"has version {version}; allowed is version 2" in refusal(tmp_path)


def test_a_store_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "store.json").mkdir()
    assert "can't be used" in refusal(tmp_path)


# -- writing --------------------------------------------------------------------------------------
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(store, monkeypatch):
    store.add(a_result(A))

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"can't be written \(No space left on device\)") as found:
        store.add(a_result(B))
    assert "\n" not in str(found.value)
    assert not store.is_finished(B)
    assert list(store.folder.glob(f"runs/{B}/*")) == []
    monkeypatch.undo()
    again = Store.open(store.folder)
    assert [result.fingerprint for result in again.results()] == [A]
    assert not again.faults


def test_what_a_killed_writer_left_is_no_record_and_is_swept_by_the_next_run(store):
    store.add(a_result())
    left = record(store).with_name(f".{attempt(2)}.json.99.tmp")
    left.write_text("{")
    torn = store.folder / ".store.json.99.tmp"
    torn.write_text("{")
    assert list(Store.open(store.folder).results()) == [a_result()]
    with store.coordinate():
        assert not left.exists()
        assert not torn.exists()
    assert store.get(A) == a_result()


def test_who_takes_the_store_over_sees_what_was_added_before(store):
    other = Store.open(store.folder)
    store.add(a_result())
    assert not other.is_finished(A)
    with other.coordinate():
        assert other.is_finished(A)


def test_several_add_to_one_store_and_each_sees_what_the_others_added(store):
    others = [Store.open(store.folder) for _ in range(2)]
    with contextlib.ExitStack() as working:
        for each in (store, *others):
            working.enter_context(each.coordinate())
        store.add(a_result(A))
        others[0].add(a_result(B))
        assert not others[1].is_finished(A)
        others[1].sync()
        assert others[1].get(A) == a_result(A)
        assert others[0].get(A) == a_result(A), "who writes a line has read those before it"
        store.sync()
        assert store.get(B) == a_result(B)
    assert store.journal.verify() is None
    assert [line["fingerprint"] for line in store.journal.entries()] == [A, B]


def test_what_a_killed_one_wrote_without_a_line_is_found_by_who_leases_the_trial(store, tmp_path):
    other = Store.open(tmp_path / "other", create=True)
    other.add(a_result(A))
    with store.coordinate():
        shutil.copytree(other.folder / "runs", store.folder / "runs")
        store.sync()
        assert not store.is_finished(A)
        store.look(A)
        assert store.get(A) == a_result(A)
        store.look(A)
    assert [line["fingerprint"] for line in store.journal.entries()] == [A]


def test_who_tidies_up_is_alone(store):
    other = Store.open(store.folder)
    for mine, theirs in ((False, True), (True, False), (True, True)):
        with store.coordinate(alone=mine):
            with (
                pytest.raises(UserError, match=f"process id {os.getpid()};") as found,
                other.coordinate(alone=theirs),
            ):
                pass
            assert "\n" not in str(found.value)
            assert "--store" in str(found.value)
    with other.coordinate(alone=True):
        other.add(a_result(number=2))


def test_what_another_one_writes_now_is_not_swept(store):
    store.add(a_result())
    other = Store.open(store.folder)
    with store.coordinate():
        writing = record(store).with_name(f".{attempt(2)}.json.99.tmp")
        writing.write_text("{")
        with other.coordinate():
            assert writing.exists()
    with other.coordinate():
        assert not writing.exists()


def test_a_journal_that_names_files_outside_the_store_names_no_record(store, tmp_path):
    store.add(a_result())
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    line = {"status": "ok", "sha256": "0" * 64}
    for fingerprint, number in (("../..", "secret"), (A, "../../../secret"), ("", ""), (A, "x")):
        store.note("noted", **{**line, "fingerprint": fingerprint, "attempt": number})
    text = store.journal.path.read_text().replace('"noted"', '"stored"')
    store.journal.path.write_text(text)
    again = Store.open(store.folder)
    assert again.fingerprints() == [A]
    assert not again.faults
    upkeep.check(again, repair=True)
    assert secret.exists()


@pytest.mark.parametrize("field", ["weights", "sidecar", "start"])
def test_a_record_that_names_a_file_outside_the_store_cannot_be_used(store, field):
    store.add(a_result())
    record(store).write_text(encode(a_result(**{field: "../../../secret"})))
    again = Store.open(store.folder)
    assert again.unknown(A)
    assert "isn't the SHA-256 of a file" in again.faults[record(store)]


def test_links_are_not_followed(store, tmp_path):
    store.add(a_result(A))
    store.add(a_result(B))
    for fingerprint in (A, B):
        elsewhere = tmp_path / f"{fingerprint[0]}.json"
        record(store, fingerprint).rename(elsewhere)
        if fingerprint == A:
            record(store, A).symlink_to(elsewhere)
    again = Store.open(store.folder)
    assert again.unknown(A)
    assert again.unknown(B)


# -- other releases -------------------------------------------------------------------------------
def test_a_record_of_an_older_schema_is_read_as_one_of_this(store, monkeypatch):
    old = {**json.loads(encode(a_result())), "schema": SCHEMA - 1}
    old["seconds"] = old.pop("wall_seconds")
    del old["sha256"]
    digest = hashlib.sha256(json.dumps(old).encode()).hexdigest()
    record(store).parent.mkdir(parents=True)
    record(store).write_text(json.dumps({**old, "sha256": digest}))
    assert "schema" in Store.open(store.folder).faults[record(store)], "none knows what it means"

    def younger(data):
        return {
            "wall_seconds": data["seconds"],
            **{k: v for k, v in data.items() if k != "seconds"},
        }

    monkeypatch.setattr(encoding, "migrations", {SCHEMA - 1: younger})
    index.forget(store.folder)
    assert Store.open(store.folder).get(A) == a_result()
    assert decode(record(store).read_bytes())[1] == digest, "it is the digest of what was written"
