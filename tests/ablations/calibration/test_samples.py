"""Samples judged by the rule; a rule that is broken on purpose is caught."""

from dataclasses import replace

import numpy as np
import pytest

from ablations.calibration import samples
from ablations.calibration.artefact import Calibration, problems
from ablations.calibration.questions import TESTS, edges
from ablations.calibration.samples import PLANS, fill, power
from ablations.planning.chances import chances
from ablations.rule import Zones, table_for

TABLE = table_for(89)


def calibrated(tests, noises, replicates, table=TABLE):
    cells = [fill(test, noise, replicates, table) for test in tests for noise in noises]
    return Calibration(digest="", replicates=replicates, cells=tuple(cells), powers=())


def more(exceptions):
    return {look: c + 1 for look, c in exceptions.items()}


def test_the_rule_as_it_is_has_no_problem():
    assert problems(calibrated(["both", "not worse"], ["ties", "diverged", "unknown"], 300)) == []


def test_equal_samples_come_of_equal_arguments():
    first, again = (fill("ratio, about", "Cauchy", 200, TABLE) for _ in range(2))
    assert first == again and set(first.false) == {p.name for p in edges(TESTS["ratio, about"])}


def test_one_more_exception_than_the_table_allows_is_caught():
    broken = replace(TABLE, exceptions=more(TABLE.exceptions))
    found = problems(calibrated(["difference", "either side"], ["normal", "t3"], 2000, broken))
    assert any(line.startswith("all places") for line in found)


def test_one_more_exception_of_nearly_all_pairs_is_caught():
    broken = replace(TABLE, shares=more(TABLE.shares))
    noises = ["normal", "Cauchy", "far for", "far against"]
    found = problems(calibrated(["not worse", "reliable"], noises, 6000, broken))
    assert any(line.startswith("all truths at three quarters") for line in found)


@pytest.mark.parametrize("test", ["ratio, about", "trend", "not worse", "both"])
def test_ties_that_count_as_beyond_an_edge_are_caught(monkeypatch, test):
    monkeypatch.setattr(Zones, "rounding", property(lambda self: -1e-9))
    assert problems(calibrated([test], ["ties", "scores"], 20))


def test_unknown_values_that_count_for_a_statement_are_caught(monkeypatch):
    taken = samples._taken

    def optimistic(of, drawn):
        found = taken(of, drawn)
        return replace(found, low=np.where(found.unknown, np.inf, found.low))

    assert not problems(calibrated(["difference"], ["unknown"], 2000))
    monkeypatch.setattr(samples, "_taken", optimistic)
    assert problems(calibrated(["difference"], ["unknown"], 2000))


def test_a_rule_that_stays_silent_is_caught():
    silent = replace(TABLE, exceptions={16: 0}, shares={40: 0})
    assert any(
        "stay open" in line
        for line in problems(calibrated(["difference"], ["unknown"], 100, silent))
    )


@pytest.mark.parametrize("name", PLANS)
def test_plans_promise_what_comes(name):
    found = power(name, 1.0, 3000, TABLE)
    assert found.promised == pytest.approx(found.found, abs=0.03)


def test_a_promise_that_is_not_kept_is_a_problem(monkeypatch):
    other = replace(TABLE, exceptions=more(more(TABLE.exceptions)))
    monkeypatch.setattr(samples, "chances", lambda zones, _, beyond: chances(zones, other, beyond))
    broken = power("direction", 1.0, 3000, TABLE)
    made = replace(calibrated(["difference"], ["normal"], 100), powers=(broken,))
    assert any("promises holds" in line for line in problems(made))
