"""What is due, in which order, at what cost."""

import pytest

from ablations.planning.costs import Costs, Source
from ablations.planning.next import Due, due, order, values
from ablations.runs.trials import PILOTS, plan, seeds
from ablations.specs.claim import CHEAP, Reading, Tier
from ablations.specs.protocols import Evaluate
from ablations.specs.tests import Difference

TEST = Difference(null=0.1, because="made up")


def asked(lab, claims, memory, tier=Tier.STANDARD, **more):
    return due(claims, lab.Reader(memory), tier, table=lab.TABLE, **more)


@pytest.mark.parametrize(
    ("tier", "stored", "look", "trials"),
    [
        (Tier.QUICK, 0, 1, 2),
        (Tier.STANDARD, 0, 16, 32),
        (Tier.STANDARD, 1, 16, 30),
        (Tier.STANDARD, 16, 26, 20),
        (Tier.FULL, 26, 40, 28),
        (Tier.FULL, 40, 60, 40),
    ],
)
def test_tiers_are_looks_and_go_on_from_one_another(lab, tier, stored, look, trials):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs(lab.spread(-0.6, 0.6, stored)))
    (one,) = asked(lab, [claim], memory, tier)
    assert (one.look, len(one.trials)) == (look, trials)


def test_a_tier_that_is_complete_has_nothing_due(lab):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs(lab.spread(-0.6, 0.6, 26)))
    assert asked(lab, [claim], memory) == ()
    assert asked(lab, [claim], memory, Tier.QUICK) == ()


def test_a_settled_claim_is_left_out_unless_all_are_asked_for(lab):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs([0.4] * 8 + [0.3] * 8))
    assert asked(lab, [claim], memory, Tier.FULL) == ()
    (one,) = asked(lab, [claim], memory, Tier.FULL, all_=True)
    assert (one.look, len(one.trials), one.chance) == (60, 88, 0.0)


def test_a_new_metric_or_reading_runs_nothing(lab):
    claim = lab.statistical(TEST)
    both = [
        tuple({"value": value, "other": 2 * value} for value in row)
        for row in lab.pairs(lab.spread(-0.6, 0.6, 26))
    ]
    memory = lab.Memory().fill(claim, both)
    assert lab.row(claim, memory).verdict.n == 26
    other = lab.Number(name="other")
    changed = lab.replace(
        claim,
        cells=tuple(lab.replace(cell, metric=other) for cell in claim.cells),
        test=Difference(null=0.3, because="another question"),
        beside=(Reading(label="the former one", metric=lab.Number()),),
    )
    assert asked(lab, [changed], memory) == ()
    row = lab.shown(changed, memory)
    assert row.verdict.n == 26
    assert row.verdict.estimate == pytest.approx(2 * lab.row(claim, memory).verdict.estimate)
    assert row.beside[0].estimate == pytest.approx(lab.row(claim, memory).verdict.estimate)


def test_an_invalid_claim_is_looked_at_again(lab):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs([0.0] * 16))  # INVALID: one value everywhere
    (one,) = asked(lab, [claim], memory)
    assert one.look == 26


def test_a_direction_alone_isn_t_settled(lab):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs(lab.spread(0.02, 0.2, 16)))
    (one,) = asked(lab, [claim], memory, Tier.FULL)
    assert one.look == 26


def test_gaps_and_runs_that_failed_are_due_again_and_ends_aren_t(lab):
    claim = lab.statistical(TEST)
    rows = lab.pairs(lab.spread(-0.6, 0.6, 16))
    rows[2] = (None, rows[2][1])
    rows[3] = (lab.Status.FAILED, lab.Status.DIED)
    rows[4] = (lab.Status.DIVERGED, lab.Status.TIMED_OUT)
    rows[5] = ("gone", rows[5][1])
    (one,) = asked(lab, [claim], lab.Memory().fill(claim, rows))
    assert sorted(trial.seed for trial in one.trials) == [2_002, 2_003, 2_003]


def test_what_failed_isn_t_made_again_by_the_same_command(lab):
    claim = lab.statistical(TEST)
    rows = [*lab.pairs(lab.spread(-0.6, 0.6, 15)), (lab.Status.FAILED, None)]
    memory = lab.Memory().fill(claim, rows)
    (one,) = asked(lab, [claim], memory)
    assert len(one.trials) == 2
    (rest,) = asked(lab, [claim], memory, tried=one.trials[:1])
    assert rest.trials == one.trials[1:]
    assert asked(lab, [claim], memory, tried=one.trials) == ()


def test_what_a_trial_starts_from_comes_before_it_once(lab):
    claim = lab.statistical(
        TEST, protocol=Evaluate(after=lab.TRAIN), schedule=dict.fromkeys(Tier, 16)
    )
    (one,) = asked(lab, [claim], lab.Memory())
    assert len(one.trials) == 64
    seen = []
    for trial in one.trials:
        assert trial.parent is None or trial.parent in seen
        seen.append(trial)
    memory = lab.Memory()
    for trial in one.trials[::2]:
        memory.put(trial, lab.Status.DIVERGED if trial.parent is None else lab.Status.OK)
    assert asked(lab, [claim], memory) == ()  # nothing can begin from weights that diverged


def test_an_exact_claim_is_due_once(lab):
    claim = lab.exact()
    (one,) = asked(lab, [claim], lab.Memory())
    assert (one.look, len(one.trials), one.chance) == (1, 1, 1.0)
    memory = lab.Memory().fill(claim, [({"checks": []},)])
    assert asked(lab, [claim], memory) == ()


def test_a_hopeless_claim_is_refused_with_its_reason(lab):
    claim = lab.statistical(TEST)
    floor = {"value": 0.0, "extreme": "floor: it is 0"}
    memory = lab.Memory().fill(claim, [(floor, floor)] * 5, seeds=PILOTS)
    (one,) = asked(lab, [claim], memory)
    assert one.trials == ()
    assert "all cells sit at the same floor" in one.refusal
    (one,) = asked(lab, [claim], memory, all_=True)
    assert len(one.trials) == 32


def test_a_wide_spread_alone_refuses_nothing(lab):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs([-50, 40, 3, 90, -70], base=1e3), seeds=PILOTS)
    (one,) = asked(lab, [claim], memory)
    assert one.refusal == ""
    assert 0 < one.chance < 0.05


# -- order and cost -------------------------------------------------------------------------------
def three(lab):
    """A likely and an unlikely claim of one cost, and a likely one that costs ten times as much."""
    likely = lab.statistical(TEST, name="likely", protocol=lab.replace(lab.COUNT, batch=1))
    unlikely = lab.statistical(TEST, name="unlikely", protocol=lab.replace(lab.COUNT, batch=2))
    dear = lab.statistical(TEST, name="dear", protocol=lab.replace(lab.COUNT, batch=3))
    memory = lab.Memory()
    memory.fill(likely, lab.pairs([0.39, 0.4, 0.41, 0.4, 0.4]), seeds=PILOTS, cpu=1.0)
    memory.fill(unlikely, lab.pairs([0.1, 0.9, -0.8, 0.4, 0.3]), seeds=PILOTS, cpu=1.0)
    memory.fill(dear, lab.pairs([0.39, 0.4, 0.41, 0.4, 0.4]), seeds=PILOTS, cpu=10.0)
    claims = [dear, unlikely, likely]
    found = asked(lab, claims, memory)
    return found, Costs(claims, lab.Reader(memory), {})


def test_what_settles_most_per_second_comes_first(lab):
    found, costs = three(lab)
    whole = order(found, costs)
    assert [one.claim.id for one in whole.chosen] == ["likely", "dear", "unlikely"]
    assert whole.left == ()
    assert whole.cpu_seconds == pytest.approx(32 + 32 + 320)


@pytest.mark.parametrize(
    ("budget", "chosen"), [(31, []), (32, ["likely"]), (100, ["likely", "unlikely"])]
)
def test_a_budget_pays_for_whole_looks_and_passes_over_what_it_can_t(lab, budget, chosen):
    found, costs = three(lab)
    paid = order(found, costs, budget=budget)
    assert [one.claim.id for one in paid.chosen] == chosen
    assert paid.cpu_seconds <= budget
    assert len(paid.chosen) + len(paid.left) == 3


def test_trials_that_two_claims_share_are_paid_and_run_once(lab):
    one, two = lab.statistical(TEST, name="one"), lab.statistical(TEST, name="two")
    found = asked(lab, [one, two], lab.Memory())
    paid = order(found, Costs([one, two], None, {}), budget=32)
    assert [len(d.trials) for d in paid.chosen] == [32, 0]
    assert paid.cpu_seconds == 32


def test_a_control_is_worth_the_claims_that_wait_for_it(lab):
    from types import SimpleNamespace

    found, costs = three(lab)
    guard = SimpleNamespace(claim=found[1].claim, guards=lambda claim: True)
    worth = values([guard], [one.claim for one in found] * 30)
    assert worth == {"unlikely": 90.0}
    assert order(found, costs, values=worth).chosen[0].claim.id == "unlikely"


def test_a_cost_comes_from_the_best_source_there_is(lab):
    claim = lab.statistical(TEST, cost=7.0)
    trial = plan(claim, seeds(claim, 1)).trials[0]
    memory = lab.Memory()

    def cost(committed=()):
        costs = Costs([claim], lab.Reader(memory), dict(committed))
        return costs.source(trial), costs.of(trial)

    assert cost() == (Source.DECLARED, 7.0)
    from ablations.planning import pilots

    memory.fill(claim, lab.pairs([0.1] * 5), seeds=PILOTS, cpu=5.0)
    kept = pilots.measure(claim, lab.Reader(memory))
    memory.results.clear()
    assert cost({"claim": kept}) == (Source.COMMITTED, 5.0)
    memory.fill(claim, lab.pairs([0.1] * 5), seeds=PILOTS, cpu=4.0)
    assert cost({"claim": kept}) == (Source.PROBE, 4.0)
    memory.fill(claim, lab.pairs([0.1] * 2), cpu=3.0)
    assert cost({"claim": kept}) == (Source.STORED, 3.0)


def test_each_record_is_read_once_however_often_it_is_asked_for(lab):
    claims = [lab.statistical(TEST, name=f"claim-{i}") for i in range(5)]
    memory = lab.Memory().fill(claims[0], lab.pairs(lab.spread(-0.6, 0.6, 16)))
    reader = lab.Reader(memory)
    due(claims, reader, Tier.STANDARD, table=lab.TABLE)
    Costs(claims, reader, {})
    assert memory.read <= 2 * (26 + len(PILOTS))


def test_cheap_claims_go_on_to_the_last_look(lab):
    claim = lab.statistical(TEST, schedule=CHEAP)
    memory = lab.Memory().fill(claim, lab.pairs(lab.spread(-0.6, 0.6, 120)))
    (one,) = asked(lab, [claim], memory, Tier.FULL)
    assert isinstance(one, Due)
    assert one.look == 240
