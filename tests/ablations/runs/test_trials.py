import json
from dataclasses import dataclass

import pytest
from tiny_runs.kinds import Number, Tiny, TinyAlone, TinyJoint

from ablations.metrics.base import Metric
from ablations.metrics.value import number
from ablations.records.trials import Trial
from ablations.runs.fingerprints import fingerprint
from ablations.runs.trials import PILOTS, pilots, plan, seeds, with_parents
from ablations.specs.claim import (
    OFFSET,
    PILOT_BLOCK,
    TRAINED,
    Arm,
    Cell,
    Exact,
    External,
    Statistical,
    Tier,
)
from ablations.specs.protocols import Check, Protocol
from ablations.specs.tests import OneSample, Trend

ONE, TWO = (Arm(label=str(value), part=Number(value=value)) for value in (1, 2))


@dataclass(frozen=True, kw_only=True)
class Sum(Metric):
    @property
    def quantity(self):
        return "the sum"

    def read(self, found):
        return number(found["sum"])


def a_claim(protocol=None, arms=(ONE, TWO), **changes):
    levels = tuple(float(place) for place in range(len(changes.get("cells", arms))))
    zones = {"null": 1.0, "because": "a test"}
    test = Trend(levels=levels, **zones) if len(levels) > 1 else OneSample(**zones)
    given = {"id": "x", "reading": "r", "test": test, "schedule": TRAINED}
    if "cells" not in changes:
        given |= {"arms": arms, "protocol": protocol or Tiny(), "metric": Sum()}
    return Statistical(**{**given, **changes})


def a_cell(label, arm, protocol):
    return Cell(label=label, arm=arm, protocol=protocol, metric=Sum())


@pytest.mark.parametrize("tier", Tier)
def test_a_tier_has_its_seeds_each_with_a_trial_a_cell(tier):
    planned = plan(a_claim(), seeds(a_claim(), tier))
    assert len(planned.rows) == TRAINED[tier]
    for seed, row in enumerate(planned.rows, start=2 * OFFSET):
        assert [slot.trial.seed for slot in row] == [seed, seed]
        assert [slot.trial.arms for slot in row] == [(a.part.to_json(),) for a in (ONE, TWO)]
        assert [slot.arm for slot in row] == [0, 0]
    assert len(planned.trials) == 2 * TRAINED[tier]


def test_a_joint_protocol_has_one_trial_of_all_arms_a_seed():
    (row,) = plan(a_claim(TinyJoint()), [5]).rows
    assert row[0].trial is row[1].trial
    assert row[0].trial.arms == (ONE.part.to_json(), TWO.part.to_json())
    assert [slot.arm for slot in row] == [0, 1]


def test_cells_with_equal_trials_share_one():
    before, after = Tiny(), Tiny(after=Tiny())
    cells = (
        a_cell("a", ONE, before),
        a_cell("b", ONE, after),
        a_cell("c", ONE, Tiny(after=before)),
    )
    planned = plan(a_claim(cells=cells), range(3))
    assert len(planned.trials) == 2 * 3
    assert all(row[1].trial is row[2].trial for row in planned.rows)


def test_joint_cells_with_one_arm_twice_share_its_place():
    cells = (
        a_cell("a", ONE, TinyJoint()),
        a_cell("b", TWO, TinyJoint()),
        a_cell("c", ONE, TinyJoint()),
    )
    planned = plan(a_claim(cells=cells), [0])
    assert [slot.arm for slot in planned.rows[0]] == [0, 1, 0]
    assert len(planned.trials) == 1


def test_an_exact_claim_is_one_trial_of_all_its_arms():
    check = Check(function="tiny_runs.doing:add")
    claim = Exact(id="x", reading="r", check=check, arms=(ONE, TWO))
    planned = plan(claim, seeds(claim, Tier.FULL))
    assert [len(row) for row in planned.rows] == [1]
    assert planned.trials[0].arms == (ONE.part.to_json(), TWO.part.to_json())
    assert pilots(claim).rows == ()


def test_an_external_claim_has_no_trials():
    claim = External(id="x", reading="r", needs="n", command="c")
    assert plan(claim, seeds(claim, Tier.FULL)).rows == ()


def test_pilots_have_seeds_that_no_schedule_reaches():
    planned = pilots(a_claim())
    assert planned.seeds == tuple(PILOTS)
    first, second = (seeds(a_claim(block=block), OFFSET) for block in (0, 2))
    assert first[-1] < min(PILOTS) <= max(PILOTS) < second[0]


def test_blocks_of_seeds_have_no_seed_in_common():
    blocks = [seeds(a_claim(block=block), OFFSET) for block in (0, 2, 3, 7)]
    assert [block[0] for block in blocks] == [0, 2_000, 3_000, 7_000]
    assert len({seed for block in blocks for seed in block}) == 4 * OFFSET


def test_the_pilots_block_is_no_claim_s():
    with pytest.raises(AssertionError):
        a_claim(block=PILOT_BLOCK)


def test_more_pairs_go_on_with_the_seeds_of_the_block():
    found = seeds(a_claim(block=3), 5)
    assert list(found) == [3_000, 3_001, 3_002, 3_003, 3_004]
    assert seeds(a_claim(block=3), Tier.STANDARD)[:5] == found


def test_only_what_trains_or_may_be_trained_runs_on_the_device_that_was_asked_for():
    class Measured(Tiny):
        weights = False

    class Plain(Protocol):
        module = "tiny_runs.doing"

    cells = (
        a_cell("a", ONE, Tiny()),
        a_cell("b", ONE, Plain()),
        a_cell("c", ONE, Measured(after=Tiny())),
        a_cell("d", ONE, Measured()),
    )
    (row,) = plan(a_claim(cells=cells), [0], "cuda").rows
    assert [slot.trial.device for slot in row] == ["cuda", "cpu", "cuda", "cuda"]


def test_a_trials_parent_is_what_it_starts_from_with_equal_arms_and_seed():
    trial = plan(a_claim(Tiny(does="c", after=Tiny(does="b", after=Tiny(does="a")))), [7]).trials[0]
    chain = with_parents([trial])
    assert [step.protocol["does"] for step in chain] == ["a", "b", "c"]
    assert all((step.seed, step.arms) == (7, trial.arms) for step in chain)
    assert chain[-1] == trial
    assert chain[0].parent is None


@pytest.mark.parametrize("protocol", [Tiny(after=Tiny()), TinyAlone(), TinyJoint()])
def test_a_trial_survives_json_with_its_fingerprint(protocol):
    for trial in plan(a_claim(protocol), [3]).trials:
        back = Trial.from_json(json.loads(json.dumps(trial.to_json())))
        assert back == trial
        assert fingerprint(back) == fingerprint(trial)
