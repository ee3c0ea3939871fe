import numpy as np
import pytest
from tiny_runs.stored import A, B, C, a_result, add, record

from ablations.records.trials import Status
from ablations.runs import weights
from ablations.runs.store import Store
from ablations.runs.upkeep import check, merge, prune
from hrm.errors import UserError


@pytest.fixture
def stores(tmp_path):
    return [Store.open(tmp_path / name, create=True) for name in ("one", "two", "three")]


# -- merging --------------------------------------------------------------------------------------
def test_a_merged_store_has_what_all_have_with_arrays_weights_and_journals(stores):
    one, two, three = stores
    one.add(a_result(A))
    digest = weights.save(two.folder, b"weights")
    add(two, fingerprint=B, observations=[{"losses": np.ones(3)}], weights=digest)
    three.add(a_result(A))
    three.add(a_result(C, status=Status.FAILED))
    three.note("planned", fingerprints=[C])
    assert merge(one, [two, three]) == 2
    merged = Store.open(one.folder)
    assert [result.fingerprint for result in merged.results()] == [A, B, C]
    assert merged.observations(merged.get(B))[0]["losses"].tolist() == [1.0, 1.0, 1.0]
    assert merged.weights(B) == digest
    assert merged.journal.verify() is None
    assert not merged.faults
    lines = list(merged.journal.entries())
    assert {line.get("source") for line in lines if line.get("fingerprint") == B} == {"two"}
    assert {line.get("source") for line in lines if line["what"] == "planned"} == {"three"}
    assert [line["source"] for line in lines if line["what"] == "merged"] == ["two", "three"]


def test_merging_again_changes_nothing(stores):
    one, two, _ = stores
    two.add(a_result(B))
    merge(one, [two])
    before = {p: p.read_bytes() for p in one.folder.rglob("*.json*")}
    assert merge(one, [two]) == 0
    assert {p: p.read_bytes() for p in one.folder.rglob("*.json*")} == before


def test_a_run_that_is_lost_in_one_store_is_unknown_in_the_merged_one(stores):
    one, two, _ = stores
    two.add(a_result(B))
    record(two, B).unlink()
    two.refresh()
    merge(one, [two])
    assert one.unknown(B)


def test_a_lost_record_is_restored_from_a_store_that_has_it(stores):
    one, two, _ = stores
    for store in (one, two):
        store.add(a_result(A))
    record(one).unlink()
    merge(one, [two])
    assert one.get(A) == a_result(A)


def test_one_attempt_with_different_bytes_is_refused_by_name_and_nothing_is_copied(stores):
    one, two, three = stores
    two.add(a_result(A))
    two.add(a_result(B))
    three.add(a_result(A, cpu_seconds=9.0))
    for target, others in ((one, [two, three]), (two, [three]), (three, [two])):
        before = sorted(target.folder.rglob("*.json"))
        with pytest.raises(
            UserError, match=r"are records of one attempt with different bytes"
        ) as found:
            merge(target, others)
        assert str(record(three)) in str(found.value)
        assert "\n" not in str(found.value)
        assert sorted(target.folder.rglob("*.json")) == before


def test_a_store_with_a_broken_journal_is_not_merged(stores):
    one, two, _ = stores
    two.add(a_result(A))
    two.add(a_result(B))
    lines = two.journal.path.read_bytes().splitlines(keepends=True)
    two.journal.path.write_bytes(lines[1])
    with pytest.raises(UserError, match=r"journal of store .* is broken: line 1"):
        merge(one, [two])


# -- checking -------------------------------------------------------------------------------------
def test_a_sound_store_has_no_faults(stores):
    store = stores[0]
    add(store, observations=[{"losses": np.ones(3)}], weights=weights.save(store.folder, b"w"))
    assert check(store) == check(store, repair=True) == ()


def test_a_check_reads_everything_again_and_a_repair_moves_what_is_spoiled_away(stores):
    store = stores[0]
    add(store, observations=[{"losses": np.ones(3)}])
    store.add(a_result(B))
    store.add(a_result(C))
    digest = weights.save(store.folder, b"weights")
    weights.path(store.folder, digest).write_bytes(b"others")
    record(store).write_text("{")
    record(store, C).unlink()
    orphan = record(store, B).with_name(record(store, number=7).name).with_suffix(".safetensors")
    orphan.write_bytes(b"")
    found = check(store)
    places = [record(store), record(store, C), orphan, weights.path(store.folder, digest)]
    assert [fault.path for fault in found] == places
    assert not any(fault.repaired for fault in found)
    repaired = check(store, repair=True)
    assert [fault.repaired for fault in repaired] == [True, False, True, True]
    assert not any(path.exists() for path in places)
    assert len(list(store.folder.glob("quarantine/**/*.*"))) == 4  # with the record's sidecar
    assert [store.unknown(f) for f in (A, B, C)] == [True, False, True]
    assert [fault.path for fault in check(store)] == [record(store), record(store, C)]


def test_a_check_names_the_journals_first_broken_line(stores):
    store = stores[0]
    for fingerprint in (A, B, C):
        store.add(a_result(fingerprint))
    lines = store.journal.path.read_bytes().splitlines(keepends=True)
    store.journal.path.write_bytes(lines[0] + lines[2])
    (fault,) = check(store)
    assert fault.path == store.journal.path
    assert fault.what.startswith("line 2 ")


# -- weights --------------------------------------------------------------------------------------
def test_weights_that_nobody_needs_are_removed(stores):
    store = stores[0]
    digests = [weights.save(store.folder, data) for data in (b"one", b"other", b"nobody's")]
    for fingerprint, digest in zip((A, B), digests, strict=False):
        store.add(a_result(fingerprint, weights=digest))
    assert prune(store, [A, C]) == len(b"other") + len(b"nobody's")
    assert store.weights(A) == digests[0]
    assert store.weights(B) is None
    assert not store.faults
