"""Cells read from a real store: deleted and spoiled records, shared and joint trials."""

import numpy as np
import pytest

from ablations.judging.cells import Reader, gather
from ablations.judging.report import report
from ablations.records.trials import Trial
from ablations.rule import Word
from ablations.runs.fingerprints import fingerprint
from ablations.runs.store import Store
from ablations.runs.trials import Slot, plan, seeds
from ablations.specs.protocols import Evaluate
from ablations.specs.tests import Difference

TEST = Difference(null=0.1, because="made up")


@pytest.fixture
def stored(lab, monkeypatch, tmp_path):
    """A claim with 26 complete pairs in a store on disk."""
    from ablations.judging import cells

    monkeypatch.setattr(cells, "fingerprint", fingerprint)
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs(lab.spread(0.3, 0.5)))
    store = Store.open(tmp_path / "store", create=True)
    with store.coordinate():
        for result in memory.results.values():
            store.add(lab.replace(result, fingerprint=fingerprint(result.trial)))
    return claim, store


def row(claim, store, lab):
    return report([claim], lab.desk(store), lab.claim_set([claim])).rows[0]


def test_a_claim_is_judged_from_a_store_on_disk(stored, lab):
    claim, store = stored
    found = row(claim, store, lab)
    assert found.verdict.verdict is Word.CONFIRMED
    assert found.stored == found.planned == 52


def test_deleted_and_spoiled_records_are_unknown_and_can_t_help(stored, lab):
    claim, store = stored
    slots = [slots[1] for slots in plan(claim, seeds(claim, 4)).rows]
    paths = [next((store.folder / "runs" / fingerprint(s.trial)).glob("*.json")) for s in slots]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:-20])
    found = row(claim, Store.open(store.folder), lab)
    assert found.verdict.n == 26
    assert found.verdict.verdict is Word.CONFIRMED
    assert [note for note in found.notes if "is lost" in note] == [
        "Seed 2000: the record of 'new' is lost",
        "Seed 2001: the record of 'new' is lost",
    ]
    for path in paths[2:]:
        path.unlink()
    assert row(claim, Store.open(store.folder), lab).verdict.verdict is Word.INCONCLUSIVE


def test_a_run_that_two_cells_share_is_read_once(lab):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs([0.4] * 16))
    reader = Reader(memory)
    gather(claim, reader, seeds(claim, 16))
    gather(claim, reader, seeds(claim, 16))
    assert memory.read == 32


def test_values_follow_their_cells_whatever_their_order(lab):
    claim = lab.statistical(TEST, labels=("a", "b"))
    memory = lab.Memory().fill(claim, [(1.0, 2.0)] * 3)
    turned = lab.replace(claim, cells=claim.cells[::-1])
    there, back = (gather(c, Reader(memory), seeds(c, 3)).pairs[0] for c in (claim, turned))
    assert there.contrasts[0].low == -back.contrasts[0].low == 1.0
    assert np.array_equal([v.low for v in there.values], [v.low for v in back.values[::-1]])


# -- trials that the machine killed in every attempt ----------------------------------------------
def killed(lab, memory, trial, *, every=True):
    """Store that the machine killed a trial, in every attempt or in one so far."""
    memory.put(trial, lab.Status.DIED, error="it died")
    if every:  # a store with two deaths says so
        memory.gone.add(lab.fingerprint(trial))


def test_what_starts_from_a_trial_that_was_killed_in_every_attempt_is_unknown(lab):
    claim = lab.statistical(TEST, protocol=Evaluate(after=lab.TRAIN), unskilled=("base", "new"))
    rows = [(10.0, 10.4)] * 26
    rows[3] = (10.0, None)
    memory = lab.Memory().fill(claim, rows)
    parent = plan(claim, seeds(claim, 26)).rows[3][1].trial.parent
    assert lab.row(claim, memory).verdict.n == 3, "it is waited for as long as it may be run"
    killed(lab, memory, parent, every=False)
    assert lab.row(claim, memory).verdict.n == 3, "one death is tried again"
    killed(lab, memory, parent)
    found = lab.row(claim, memory)
    assert found.verdict.n == 26
    assert found.stored == found.planned
    assert "Seed 2003: what 'new' starts from was killed in every attempt" in found.notes
    assert found.parts[0].points[3].low is found.parts[0].points[3].high is None
    assert {one.exceptions for one in found.verdict.exceptions if one.established} == {1}
    assert not found.faults


def test_a_trial_that_was_killed_in_every_attempt_is_unknown_itself(lab):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, [(10.0, 10.4)] * 26)
    killed(lab, memory, plan(claim, seeds(claim, 26)).rows[3][1].trial)
    found = lab.row(claim, memory)
    assert found.verdict.n == 26
    assert "Seed 2003: 'new' was killed in every attempt" in found.notes


@pytest.fixture
def chain():
    """A trial that starts from one that starts from another, with both of these."""
    between = {"kind": "Between", "after": {"kind": "First"}}
    last = Trial(protocol={"kind": "Last", "after": between}, arms=(), seed=0)
    return last, last.parent, last.parent.parent


def run_of(memory, trial):
    return Reader(memory).run(Slot(trial=trial, arm=0))


def test_a_death_far_back_in_a_chain_ends_all_that_comes_after_it(lab, chain):
    last, between, first = chain
    memory = lab.Memory()
    assert not any(Reader(memory).over(trial) for trial in chain)
    killed(lab, memory, first)
    assert all(Reader(memory).over(trial) for trial in chain)
    for trial in (last, between):
        run = run_of(memory, trial)
        assert (run.lost, run.status, run.result) == (True, lab.Status.DIED, None)


def test_a_parent_whose_record_is_lost_or_that_failed_ends_nothing(lab, chain):
    _, trial, parent = chain
    lost, failed = lab.Memory(), lab.Memory()
    lost.gone.add(lab.fingerprint(parent))
    failed.put(parent, lab.Status.FAILED, error="it failed")
    for memory in (lost, failed):  # its weights may be there, or are made again
        assert not Reader(memory).over(trial)
        assert run_of(memory, trial).status is None


def test_a_result_counts_although_what_it_started_from_was_killed_later(lab, chain):
    _, trial, parent = chain
    memory = lab.Memory()
    memory.put(trial, observed=[{"value": 1.0}])
    killed(lab, memory, parent)
    run = run_of(memory, trial)
    assert (run.lost, run.status) == (False, lab.Status.OK)
