"""From claims to trials, and what they cost."""

import json
from dataclasses import replace

import pytest

from ablations import claims
from ablations.costs import Costs, forecast
from ablations.fingerprint import fingerprint
from ablations.forms import Exact, Quality
from ablations.plan import plan
from ablations.records import Machine, Result, Status, Tier, Trial, Zones
from ablations.specs import ONCE, TRAINED, Arm, Claim
from ablations.store import Store
from hrm import recipes

SMALL = recipes.amulgent()
ENHANCED = recipes.amulgent_enhanced()
ZONES = Zones(null=0.1, null_reason="test")


def a_claim(name="halt-max", **changes):
    given = {
        "id": name,
        "section": "s",
        "reading": "r",
        "form": Quality(metric="score", zones=ZONES),
        "workload": "parameters:printed",
        "arms": (Arm(label="a", part=SMALL), Arm(label="b", part=ENHANCED)),
        "settings": {"printed": ["1"], "nested": {"list": [1, 2.0, "x"]}},
        "seeds": TRAINED,
        "cost": 10.0,
    }
    return Claim(**{**given, **changes})


def a_result(trial, cpu_seconds=1.0, attempt="1", status=Status.OK):
    return Result(
        fingerprint=fingerprint(trial),
        attempt=attempt,
        trial=trial,
        status=status,
        metrics=tuple({"score": 0.5} for _ in trial.arms),
        error=None,
        deaths=0,
        wall_seconds=cpu_seconds,
        cpu_seconds=cpu_seconds,
        peak_memory_bytes=1,
        machine=Machine(cpu="c", cores=2, threads=1, system="s", accelerator=None, load=0.0),
        versions={},
        sources="",
        commit=None,
        dirty=None,
        started="2025-01-01T00:00:00+00:00",
    )


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store", create=True)


# -- trials ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("tier", Tier)
def test_a_tier_plans_its_seeds_each_with_a_trial_an_arm(tier):
    planned = plan(a_claim(), tier)
    assert len(planned.trials) == TRAINED[tier]
    for seed, row in enumerate(planned.trials):
        assert [t.seed for t in row] == [seed, seed]
        assert [t.arms for t in row] == [(SMALL.to_json(),), (ENHANCED.to_json(),)]
    assert len(planned.flat) == 2 * TRAINED[tier]


def test_a_joint_claim_plans_one_trial_of_all_its_arms_a_seed():
    planned = plan(a_claim(joint=True), Tier.QUICK)
    assert all(len(row) == 1 for row in planned.trials)
    assert planned.flat[0].arms == (SMALL.to_json(), ENHANCED.to_json())


def test_a_claim_without_seeds_plans_nothing():
    planned = plan(a_claim(seeds=dict.fromkeys(Tier, 0), arms=()), Tier.FULL)
    assert planned.trials == ()
    assert planned.flat == []


def test_a_higher_tier_takes_in_the_trials_of_a_lower_one():
    few, many = (plan(a_claim(), tier).flat for tier in (Tier.QUICK, Tier.STANDARD))
    assert {fingerprint(t) for t in few} < {fingerprint(t) for t in many}


def test_only_trained_claims_run_on_the_device_that_was_asked_for():
    assert {t.device for t in plan(a_claim(trained=True), Tier.QUICK, "cuda").flat} == {"cuda"}
    assert {t.device for t in plan(a_claim(), Tier.QUICK, "cuda").flat} == {"cpu"}


def test_trials_carry_what_the_claim_says_of_them():
    claim = a_claim(alone=True, modules=("bench.process",))
    for trial in plan(claim, Tier.QUICK).flat:
        assert trial.alone
        assert trial.modules == ("bench.process",)
        assert trial.settings == claim.settings
        assert trial.workload == claim.workload


@pytest.mark.parametrize("claim", claims.specs(), ids=lambda claim: claim.id)
def test_every_planned_trial_survives_json_with_its_fingerprint(claim):
    for trial in plan(claim, Tier.QUICK).flat[:2]:
        back = Trial.from_json(json.loads(json.dumps(trial.to_json())))
        assert fingerprint(back) == fingerprint(trial)


def test_collect_gives_each_trial_its_result_or_none(store):
    planned = plan(a_claim(), Tier.QUICK)
    done = a_result(planned.trials[1][0])
    store.add(done)
    assert planned.collect(store) == [[None, None], [done, None], [None, None]]


# -- costs ----------------------------------------------------------------------------------------
def test_a_baseline_that_two_claims_share_is_run_once():
    other = a_claim(arms=(Arm(label="a", part=SMALL), Arm(label="c", part=recipes.v2())))
    plans = [plan(claim, Tier.QUICK) for claim in (a_claim(), other)]
    assert forecast(plans, None, 1).trials == 3 * 3  # three arms in all, three seeds
    assert sum(len(p.flat) for p in plans) == 12


def test_the_three_claims_of_the_controllers_series_share_its_runs():
    series = ["controller-speed", "controller-forward-share", "controller-consistency"]
    plans = [plan(claim, Tier.QUICK) for claim in claims.choose(series)]
    assert forecast(plans, None, 1).trials == len(plans[0].flat) == 10


def test_without_a_store_costs_are_the_specs():
    found = forecast([plan(a_claim(), Tier.QUICK)], None, 1)
    assert (found.trials, found.stored) == (6, 0)
    assert found.cpu_seconds == found.wall_seconds == 60.0


def test_jobs_share_the_work_but_no_run_is_split_and_timings_run_alone():
    together = [plan(a_claim(), Tier.QUICK)]
    assert forecast(together, None, 2).wall_seconds == 30.0
    assert forecast(together, None, 100).wall_seconds == 10.0
    alone = [*together, plan(a_claim(alone=True, joint=True), Tier.QUICK)]
    assert forecast(alone, None, 2).wall_seconds == 30.0 + 3 * 10.0
    assert forecast(alone, None, 2).cpu_seconds == 60.0 + 30.0


def test_stored_runs_are_not_counted_again_and_tell_what_the_others_cost(store):
    planned = plan(a_claim(), Tier.QUICK)
    for trial, seconds in zip([row[0] for row in planned.trials[:2]], (2.0, 4.0), strict=True):
        store.add(a_result(trial, seconds))
    found = forecast([planned], Store.open(store.folder), 1)
    assert (found.trials, found.stored) == (6, 2)
    assert found.cpu_seconds == 3.0 + 3 * 10.0  # one more of the first arm, three of the second


@pytest.mark.parametrize("claim", claims.specs(), ids=lambda claim: claim.id)
def test_every_claims_stored_runs_are_recognised_by_their_kind(claim, store):
    planned = plan(claim, Tier.QUICK)
    if not planned.flat:
        assert forecast([planned], store, 1).cpu_seconds == 0.0
        return
    store.add(a_result(planned.flat[0], 1234.5))
    costs = Costs([planned], Store.open(store.folder))
    assert costs.of(replace(planned.flat[0], seed=99)) == 1234.5


def test_a_failed_run_is_planned_again(store):
    planned = plan(a_claim(joint=True, seeds=ONCE, form=Exact()), Tier.QUICK)
    store.add(a_result(planned.flat[0], status=Status.FAILED))
    assert forecast([planned], Store.open(store.folder), 1).stored == 0
    store.add(a_result(planned.flat[0], attempt="2"))
    assert forecast([planned], Store.open(store.folder), 1).stored == 1


def test_a_trial_of_an_unknown_kind_costs_something():
    trial = Trial(workload="m:f", arms=(), settings={}, seed=0)
    assert Costs([], None).of(trial) > 0


def test_nothing_to_run_takes_no_time():
    found = forecast([], None, 2)
    assert (found.trials, found.cpu_seconds, found.wall_seconds) == (0, 0.0, 0.0)
