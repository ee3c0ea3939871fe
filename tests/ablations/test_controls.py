"""Controls as specs of their own: which claims they guard, and what a failed one does."""

import argparse
import math
from dataclasses import replace

import numpy as np
import pytest

from ablations import calibration as table
from ablations import claims, decide, family
from ablations.cli import running
from ablations.fingerprint import fingerprint
from ablations.forms import NonInferior, Quality
from ablations.plan import plan
from ablations.power import fewest_pairs
from ablations.records import Machine, Result, Status, Tier, Word, Zones
from ablations.specs import CONTROL_BLOCKS, CONTROLS
from ablations.store import Store
from ablations.workloads import controller, policy, training
from bench.controller import times
from hrm.errors import UserError

CONTROLS_BY_ID = {control.spec.id: control for control in claims.controls()}
each = pytest.mark.parametrize("control", CONTROLS_BY_ID.values(), ids=CONTROLS_BY_ID)


@pytest.fixture(autouse=True)
def _calibrated(monkeypatch):
    monkeypatch.setattr(table, "flag", lambda *_, **__: "")


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store", create=True)


def a_result(trial, metrics, status=Status.OK):
    return Result(
        fingerprint=fingerprint(trial),
        attempt="1",
        trial=trial,
        status=status,
        metrics=tuple(metrics),
        error=None if status is Status.OK else "E: boom",
        deaths=0,
        wall_seconds=1.0,
        cpu_seconds=1.0,
        peak_memory_bytes=1,
        machine=Machine(cpu="c", cores=2, threads=1, system="s", accelerator=None, load=0.0),
        versions={},
        sources="",
        commit=None,
        dirty=None,
        started="2025-01-01T00:00:00+00:00",
    )


def fill(store, claim, tier, values, status=Status.OK):
    """Store a joint claim's runs; `values(seed)` gives each arm's metrics."""
    for trials in plan(claim, tier).trials:
        for trial in trials:
            made = [] if status is Status.FAILED else values(trial.seed)
            store.add(a_result(trial, made, status))


def variances(ratio, planted=0.2, spread=0.1):
    def made(seed):
        wobble = float(np.exp(spread * np.sin(2.4 * seed)))
        first = {"variance": 1.0, "planted_variance": 1.0, "relative": 1.0, "mean_norm": 1.0}
        second = {"variance": ratio * wobble, "planted_variance": planted * wobble}
        return [first, {**first, **second}]

    return made


CLAIM = "metarl-gradient-variance"
EQUAL, PLANTED = "controls/variance-equal", "controls/variance-planted"


def reported(store, equal=1.0, planted=0.2, tier=Tier.STANDARD, spread=0.1):
    """The claim's row, and its controls by id, with these contrasts."""
    (claim,) = claims.choose([CLAIM])
    fill(store, claim, tier, variances(0.08 / 0.15))
    control = CONTROLS_BY_ID[EQUAL].spec  # both read the same runs
    fill(store, control, tier, variances(equal, planted, spread))
    made = decide.report([claim], store, tier)
    return made.rows[0], {c.row.verdict.id: c for c in made.controls}, made


# -- specs ----------------------------------------------------------------------------------------
@each
def test_a_control_is_a_spec_like_a_claims_and_no_member_of_the_family(control):
    claim = control.spec
    assert claim.id.startswith("controls/")
    assert claim.id not in {name for member in family.members() for name in member.claims}
    assert claim.id not in claims.ledger()
    assert claims.choose([claim.id]) == (claim,)
    assert claims.entry(claim.id)["claim"].endswith(".")
    assert claim.seeds is (CONTROL_BLOCKS if claim.alone else CONTROLS)
    zones = claim.form.zones
    assert zones.null_reason and bool(zones.band) == bool(zones.band_reason)
    assert [arm.part for arm in claim.arms] == [claim.arms[0].part] * 2, "both arms are one recipe"


def test_every_negative_control_has_a_positive_one_on_the_same_runs():
    for name, control in CONTROLS_BY_ID.items():
        if name.endswith("-equal"):
            other = CONTROLS_BY_ID[name.replace("-equal", "-planted")]
            assert not control.planted and other.planted
            assert plan(control.spec, Tier.QUICK).flat == plan(other.spec, Tier.QUICK).flat


@pytest.mark.parametrize(
    ("claim", "names"),
    [
        ("metarl-gradient-variance", {"variance"}),
        ("refinement-quality", {"trend"}),
        ("deep-supervision", {"arrival"}),
        ("act-savings-mixed", {"savings"}),
        ("controller-memory", {"memory"}),
        ("controller-speed", {"timing"}),
        ("controller-forward-share", {"timing-pass"}),
        ("controller-consistency", set()),
        ("halt-max", set()),
        ("act-demo-arithmetic", set()),
    ],
)
def test_a_claim_is_guarded_by_the_controls_of_its_workload_metric_and_form(claim, names):
    found = {c.spec.id for c in claims.guarding(claims.choose([claim]))}
    assert found == {f"controls/{n}-{kind}" for n in names for kind in ("equal", "planted")}


def test_claims_of_other_forms_on_scores_will_have_their_controls():
    (claim,) = claims.choose(["deep-supervision"])
    zones = Zones(null=0.02, null_reason="test")
    quality = replace(claim, form=Quality(metric="score", zones=zones))
    margin = replace(claim, form=NonInferior(metric="score", zones=replace(zones, margin=True)))
    for other, name in ((quality, "score"), (margin, "margin")):
        found = {c.spec.id for c in claims.guarding([other])}
        assert found == {f"controls/{name}-equal", f"controls/{name}-planted"}


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("claim", claims.specs(), ids=lambda claim: claim.id)
def test_every_claim_that_statistics_decide_has_controls_that_can_be_decided(claim, tier):
    guards = claims.guarding([claim])
    assert bool(guards) == (claim.statistics is not None)
    assert list(claims.unguarded([claim])) == []
    for control in guards:
        pairs = len(plan(control.spec, tier).trials) * control.spec.pairs
        assert pairs >= fewest_pairs(family.level())


def test_a_claim_without_controls_of_its_measurement_is_refused(monkeypatch):
    claim, other = claims.choose([CLAIM, "halt-max"])
    new = replace(claim, form=replace(claim.form, metric="relative"))
    (said,) = claims.unguarded([new, other])
    assert said == (
        f"claim {CLAIM!r} has no negative and no positive control of its measurement "
        "(ratio of 'relative' in 'policy:gradient_variance')"
    )
    kept = [c for c in claims.controls() if c.spec.id != PLANTED]
    monkeypatch.setattr(claims, "controls", lambda: tuple(kept))
    with pytest.raises(UserError, match=f"claim {CLAIM!r} has no positive control of its"):
        running.chosen_of(argparse.Namespace(claims=[]))


def test_controls_cost_the_quick_tier_less_than_a_seventh():
    def cost(specs):
        seen = {}
        for claim in specs:
            seen |= {fingerprint(t): claim.cost for t in plan(claim, Tier.QUICK).flat}
        return sum(seen.values())

    assert cost(c.spec for c in claims.controls()) < cost(claims.specs()) / 7


# -- what counts as passed ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "word", "passed"),
    [
        ("controls/score-equal", Word.NO_EFFECT, True),
        ("controls/score-equal", Word.DIRECTION_ONLY, False),
        ("controls/score-equal", Word.CONTRADICTED, False),
        ("controls/score-equal", Word.CONFIRMED, False),
        ("controls/score-equal", Word.INVALID, False),
        ("controls/score-equal", Word.INCONCLUSIVE, None),
        ("controls/score-equal", Word.NOT_RUN, None),
        ("controls/score-planted", Word.CONFIRMED, True),
        ("controls/score-planted", Word.NO_EFFECT, False),
        ("controls/score-planted", Word.WEAKER, False),
        ("controls/score-planted", Word.EXCEEDED, False),
        ("controls/score-planted", Word.DIRECTION_ONLY, None),
        ("controls/score-planted", Word.INCONCLUSIVE, None),
        ("controls/margin-equal", Word.CONFIRMED, True),
        ("controls/margin-equal", Word.CONTRADICTED, False),
        ("controls/margin-planted", Word.CONTRADICTED, True),
        ("controls/margin-planted", Word.CONFIRMED, False),
    ],
)
def test_a_control_passes_with_its_word_and_fails_with_what_is_false(name, word, passed):
    assert CONTROLS_BY_ID[name].passed(word) is passed


# -- in a report ----------------------------------------------------------------------------------
def test_controls_that_pass_stand_beside_their_claim_and_let_it_be_decided(store):
    row, controls, made = reported(store)
    assert row.verdict.verdict is Word.CONFIRMED
    assert [c.name for c in row.controls] == [EQUAL, PLANTED]
    assert [c.passed for c in row.controls] == [True, True]
    assert controls[EQUAL].claims == (CLAIM,)
    assert controls[PLANTED].row.verdict.estimate == pytest.approx(0.2, rel=0.05)
    assert made.tally == {"CONFIRMED": 1}, "controls aren't counted among the claims"
    assert made.family.tested == 1
    assert made.runs == 40 + 20


@pytest.mark.parametrize(
    ("wrong", "name"),
    [({"equal": 3.0}, EQUAL), ({"planted": 1.0}, PLANTED), ({"planted": 0.03}, PLANTED)],
)
def test_a_failed_control_makes_its_claims_invalid_with_its_name(wrong, name, store):
    row, controls, made = reported(store, **wrong)
    assert controls[name].passed is False
    assert row.verdict.verdict is Word.INVALID
    assert f"control failed: {name} is" in row.verdict.reason
    assert made.family.failed == 1


def test_a_control_whose_run_failed_is_a_failed_one(store):
    (claim,) = claims.choose([CLAIM])
    fill(store, claim, Tier.STANDARD, variances(0.5))
    fill(store, CONTROLS_BY_ID[EQUAL].spec, Tier.STANDARD, None, Status.FAILED)
    row = decide.report([claim], store, Tier.STANDARD).rows[0]
    assert row.verdict.verdict is Word.INVALID
    assert f"control failed: {EQUAL} is INVALID rather than NO EFFECT" in row.verdict.reason


def test_a_control_without_power_is_open_and_takes_nothing_away(store):
    row, controls, _ = reported(store, spread=3.0)
    assert [c.passed for c in controls.values()] == [None, None]
    assert row.verdict.verdict is Word.CONFIRMED
    assert [c.passed for c in row.controls] == [None, None]


def test_three_seeds_show_an_estimate_and_make_nothing_invalid(store, monkeypatch):
    few = [
        replace(c, spec=replace(c.spec, seeds=dict.fromkeys(Tier, 3))) for c in claims.controls()
    ]
    monkeypatch.setattr(claims, "controls", lambda: tuple(few))
    (claim,) = claims.choose([CLAIM])
    fill(store, claim, Tier.QUICK, variances(0.08 / 0.15))
    (control,) = (c.spec for c in few if c.spec.id == EQUAL)
    fill(store, control, Tier.QUICK, variances(3.0, 1.0))  # both would fail with more
    made = decide.report([claim], store, Tier.QUICK)
    assert [c.passed for c in made.controls] == [None, None]
    assert all(c.row.verdict.estimate is not None for c in made.controls)
    assert made.rows[0].verdict.verdict is Word.CONFIRMED


@pytest.mark.parametrize("left", [0, 7])
def test_a_claim_is_not_decided_before_its_controls_are_run(left, store):
    (claim,) = claims.choose([CLAIM])
    fill(store, claim, Tier.STANDARD, variances(0.08 / 0.15))
    control = CONTROLS_BY_ID[EQUAL].spec
    for trials in plan(control, Tier.STANDARD).trials[:left]:
        store.add(a_result(trials[0], variances(1.0)(trials[0].seed)))
    row = decide.report([claim], store, Tier.STANDARD).rows[0]
    assert row.verdict.verdict is Word.INCONCLUSIVE
    assert f"control {EQUAL} has {left} of 20 runs" in row.verdict.reason
    assert f"`ablations run {EQUAL} --tier standard`" in row.verdict.reason
    assert "by itself CONFIRMED" in row.verdict.reason


# -- what they run --------------------------------------------------------------------------------
def test_twins_differ_by_their_seeds_and_a_plant_changes_the_last_alone():
    control = CONTROLS_BY_ID["controls/score-equal"].spec
    learning = {**control.settings["training"], "updates": 4, "warmup": 2, "evaluate_every": 2}
    sizes = {"train": 64, "validation": 16, "test": 32, "spoilt": 1.0}
    settings = {**control.settings, "training": learning, **sizes}
    arms = [arm.part.to_json() for arm in control.arms]
    first, second = training.planted(arms, settings, 0, "cpu")
    assert first["score"] != second["score"]
    assert first["planted_score"] == first["score"]
    assert second["planted_score"] == 0.0, "every answer was spoilt"
    assert first["planted_curve"] == first["curve"]
    assert [u for u, _ in second["planted_curve"]] == [2 * u for u, _ in second["curve"]]
    (alone,) = training.planted(arms[:1], {**settings, "spoilt": 0.0}, settings["apart"], "cpu")
    assert alone["score"] == second["score"], "an arm is what its own seed makes it"
    (plain,) = training.scores(arms[:1], settings, 0, "cpu")
    assert {k: first[k] for k in plain} == plain, "measured as the claims are"


def test_a_plant_in_the_variance_is_of_the_size_that_was_asked_for():
    control = CONTROLS_BY_ID[EQUAL].spec
    learning = {**control.settings["training"], "updates": 2}
    settings = {**control.settings, "training": learning, "train": 64, "resamples": 4}
    arms = [arm.part.to_json() for arm in control.arms]
    first, second = policy.planted_variance(arms, settings, 0, "cpu")
    assert first["variance"] != second["variance"], "each arm has batches of its own"
    assert first["planted_variance"] == first["variance"]
    assert second["planted_variance"] == pytest.approx(0.2 * second["variance"])


def drawn(name, workload, seeds=20, **changes):
    """Each seed's metrics of both arms, as the control's spec has them."""
    control = CONTROLS_BY_ID[name].spec
    arms = [arm.part.to_json() for arm in control.arms]
    return [workload(arms, {**control.settings, **changes}, seed, "cpu") for seed in range(seeds)]


def test_equal_stops_cost_as_much_and_waiting_for_the_last_costs_what_is_known():
    found = drawn("controls/savings-equal", training.planted_savings, seeds=2, batches=2)
    rows, cycles = 2 * 32, 8
    counted = {arm["operations"] for arms in found for arm in arms}
    assert len(counted) > 2, "each arm has stops of its own"
    for first, second in found:
        assert first["planted_operations"] == rows * cycles, "the batch waits for its last sample"
        assert second["planted_operations"] == second["operations"] < rows * cycles
    equal, planted = (CONTROLS_BY_ID[f"controls/savings-{k}"].spec for k in ("equal", "planted"))
    mean = np.mean([[arm["operations"] for arm in arms] for arms in found]) / (rows * cycles)
    (low, high), sign = planted.form.zones.band, planted.form.zones.sign
    assert (low + high) / 2 * sign == pytest.approx(math.log((31 * 4.5 + 8) / (32 * 8)))
    assert mean == pytest.approx((31 * 4.5 + 8) / (32 * 8), rel=0.15)
    assert equal.form.metric == "operations"


def test_planted_bytes_are_as_many_as_was_asked_for():
    for first, second in drawn("controls/memory-equal", controller.planted_memory, seeds=2):
        size = first["controller_32"]
        assert second["controller_32"] == first["planted_controller_32"] == size > 0
        assert second["planted_controller_32"] == 1.5 * size
    low, high = CONTROLS_BY_ID["controls/memory-planted"].spec.form.zones.band
    assert (low + high) / 2 == pytest.approx(math.log(1.5))


@pytest.mark.parametrize("name", ["timing", "timing-pass"])
def test_the_planted_slowdown_is_the_number_of_calls_that_the_benchmark_makes(name):
    spec = CONTROLS_BY_ID[f"controls/{name}-planted"].spec
    once, twice = spec.settings["first"]
    low, high = spec.form.zones.band
    assert (low + high) / 2 == pytest.approx(math.log(times[twice] / times[once]))
    assert spec.control is None, "noise leaves it open, and makes nothing invalid"


@pytest.mark.parametrize(
    ("spread", "passed"), [(0.02, [True, True]), (0.2, [True, True]), (1.5, [None, None])]
)
def test_noise_leaves_the_controls_of_timings_open_rather_than_failed(spread, passed, store):
    (claim,) = claims.choose(["controller-speed"])
    control = CONTROLS_BY_ID["controls/timing-equal"].spec

    def timed(seed):
        noise = np.random.default_rng(seed)
        first, second, third, fourth = np.exp(spread * 0.5**0.5 * noise.standard_normal((4, 2)))
        return [
            {"call_32": first.tolist(), "planted_call_32": second.tolist()},
            {"call_32": third.tolist(), "planted_call_32": (2 * fourth).tolist()},
        ]

    fill(store, control, Tier.QUICK, timed)
    made = decide.report([claim], store, Tier.QUICK)
    assert [c.passed for c in made.controls] == passed
    assert len(made.controls[0].row.points) == 12
