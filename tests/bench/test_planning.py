"""The suite of planning: what it plans is what it should take long over."""

import pytest

from ablations.runs.store import Store
from bench import planning


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("planning") / "store"


def test_planning_reads_each_record_once_and_asks_for_the_pairs_that_are_left(folder, monkeypatch):
    made = planning.claims(3)
    assert planning.fill(folder, made) == 3 * 2 * 59
    read, seen = Store.read, []
    monkeypatch.setattr(
        Store, "read", lambda self, key, *k: seen.append(key) or read(self, key, *k)
    )
    chosen = planning.planned(Store.open(folder), made).chosen
    assert len(seen) == len(set(seen)) == 3 * 2 * 59
    assert {one.claim.id: len(one.trials) for one in chosen} == {c.id: 2 for c in made}


def test_the_suite_plans_over_ten_thousand_records(tmp_path, monkeypatch):
    (count,) = planning.Planning.params
    assert count * 2 * (planning.PAIRS - 1) > 9_900
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(planning.Planning, "params", (2,))
    suite = planning.Planning()
    folder = suite.setup_cache()
    suite.time_opening(folder, 2)
    suite.time_planning(folder, 2)
