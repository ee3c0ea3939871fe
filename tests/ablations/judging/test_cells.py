"""Cells read from a real store: deleted and spoiled records, shared and joint trials."""

import numpy as np
import pytest

from ablations.judging.cells import Reader, gather
from ablations.judging.report import report
from ablations.rule import Word
from ablations.runs.fingerprints import fingerprint
from ablations.runs.store import Store
from ablations.runs.trials import plan, seeds
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
