"""Times that drift, and twins that differ, through the whole of judging."""

import numpy as np
import pytest

from ablations.metrics.timing import Milliseconds, TimeRatio
from ablations.planning.next import due
from ablations.rule import Word
from ablations.runs.trials import plan, seeds
from ablations.specs.claim import TIMED, Tier
from ablations.specs.protocols import Time
from ablations.specs.tests import Timing

TARGET = "bench.controller:forward"
RATIO = TimeRatio(target=TARGET, batch=32)


def timed(lab, metric=RATIO):
    return lab.statistical(
        Timing(null=0.05, because="made up", fewer=True),
        metric=metric,
        protocol=Time(targets=(TARGET,), batches=(32,)),
        schedule=TIMED,
    )


def process(ratio, twin=1.0, rounds=5):
    """What a process leaves for both arms, whose second takes `ratio` of the first one's time."""
    baseline = np.full((1, 1, rounds), 0.01)
    shared = {
        "targets": [TARGET],
        "batches": [32],
        "baseline": baseline,
        "twin": baseline * twin,
    }
    return [{**shared, "times": baseline}, {**shared, "times": baseline * ratio}]


def filled(lab, claim, ratios, twins=None):
    memory = lab.Memory()
    for pair, ((slot, other), ratio) in enumerate(
        zip(plan(claim, seeds(claim, len(ratios))).rows, ratios, strict=True)
    ):
        assert slot.trial is other.trial
        twin = 1.0 if twins is None else twins[pair]
        memory.put(slot.trial, observed=process(ratio, twin))
    return memory


STEADY = np.exp(np.tile([-0.5, -0.6], 13))


def test_steady_times_with_a_faithful_twin_are_judged(lab):
    claim = timed(lab)
    row = lab.row(claim, filled(lab, claim, STEADY))
    assert row.verdict.verdict is Word.CONFIRMED
    assert row.noun == "processes"
    assert "in 26 of 26 processes the reduction is above 5 %" in row.verdict.reason
    assert (row.stored, row.planned) == (26, 26)


@pytest.mark.parametrize("metric", [RATIO, Milliseconds(target=TARGET, batch=32)])
def test_times_that_drift_make_a_claim_invalid(lab, metric):
    claim = timed(lab, metric)
    row = lab.row(claim, filled(lab, claim, np.exp(np.linspace(-0.8, -0.4, 26))))
    assert row.verdict.verdict is Word.INVALID
    assert row.faults[0].startswith("contrasts drift")


def test_order_of_measurement_counts_rather_than_that_of_seeds(lab):
    claim = timed(lab)
    ratios = np.exp(np.linspace(-0.8, -0.4, 26))
    memory = filled(lab, claim, ratios)
    for i, (key, result) in enumerate(sorted(memory.results.items())):
        memory.results[key] = lab.replace(result, started=f"2026-01-01T00:{i:02d}:00Z")
    assert lab.row(claim, memory).verdict.verdict is Word.CONFIRMED  # keys are hashes: shuffled


def test_a_twin_that_differs_makes_a_claim_invalid(lab):
    claim = timed(lab)
    row = lab.row(claim, filled(lab, claim, STEADY, [1.2, 1.21] * 13))
    assert row.verdict.verdict is Word.INVALID
    assert row.faults[0].startswith("equal code differs")
    open_ = lab.row(claim, filled(lab, claim, STEADY, [0.9, 1.1] * 13))
    assert open_.verdict.verdict is Word.CONFIRMED


def test_a_joint_trial_is_due_once_for_both_arms(lab):
    claim = timed(lab)
    (one,) = due([claim], lab.Reader(lab.Memory()), Tier.STANDARD, table=lab.TABLE)
    assert (one.look, len(one.trials)) == (16, 16)
