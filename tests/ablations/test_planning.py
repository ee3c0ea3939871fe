"""What plans tell: chances, needs, spreads that none of a claim's own runs gave, refusals."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ablations import claims, decide, family, pilots, planning
from ablations.costs import Costs, Source
from ablations.fingerprint import fingerprint
from ablations.forms import External, Quality
from ablations.plan import pilot, plan
from ablations.planning import chance, documented, needed
from ablations.records import Machine, Planning, Result, Status, Tier, Word, Zones
from ablations.specs import PILOTS, TRAINED, Assumed
from ablations.store import Store
from ablations.verdict import measure, settle, words

level = 1 - 0.05 / 79
plain = Zones(null=1.0, null_reason="test")
banded = replace(plain, band=(2.0, 4.0))


def spec(**changes):
    (claim,) = claims.choose(["refinement-quality"])
    form = Quality(metric="score", zones=plain, **changes.pop("form", {}))
    given = {"form": form, "arms": claim.arms[:2], "beside": (), "seeds": TRAINED, **changes}
    return replace(claim, **given)


def a_result(trial, score, status=Status.OK, cpu_seconds=2.0):
    return Result(
        fingerprint=fingerprint(trial),
        attempt="1",
        trial=trial,
        status=status,
        metrics=() if status is Status.FAILED else ({"score": score, "margin": 1.0, "error": 0.1},),
        error=None if status is Status.OK else "E: boom",
        deaths=0,
        wall_seconds=1.0,
        cpu_seconds=cpu_seconds,
        peak_memory_bytes=1,
        machine=Machine(cpu="c", cores=2, threads=1, system="s", accelerator=None, load=0.0),
        versions={},
        sources="",
        commit=None,
        dirty=None,
        started="2025-01-01T00:00:00+00:00",
    )


@pytest.fixture(autouse=True)
def _nothing_committed(monkeypatch):
    monkeypatch.setattr(pilots, "committed", dict)


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store", create=True)


def piloted(claim, store, contrasts):
    """Store pilot seeds with these contrasts."""
    for trials, contrast in zip(pilot(claim).trials, contrasts, strict=False):
        for trial, score in zip(trials, (0.0, contrast), strict=True):
            store.add(a_result(trial, score))
    return store


# -- chances --------------------------------------------------------------------------------------
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("n", [12, 20])
@pytest.mark.parametrize("zones", [plain, banded, replace(plain, margin=True)])
@pytest.mark.parametrize("sd", [0.7, 1.2])
def test_the_chance_that_is_promised_is_met_within_three_points(zones, n, sd, symmetric):
    truth = documented(zones)
    x = truth + sd * np.random.default_rng(1).standard_normal((2500, n))
    found = settle(measure(x, level), zones, symmetric=symmetric)
    promised = chance(Word.CONFIRMED, truth, zones, n, sd, level, symmetric)
    assert promised == pytest.approx((found == words.index(Word.CONFIRMED)).mean(), abs=0.03)


@pytest.mark.parametrize(
    ("word", "truth"), [(Word.NO_EFFECT, 0.0), (Word.NO_EFFECT, 0.3), (Word.CONTRADICTED, -2.0)]
)
def test_the_other_words_have_chances_too(word, truth):
    x = truth + 0.8 * np.random.default_rng(2).standard_normal((1500, 20))
    found = settle(measure(x, level), plain, symmetric=True)
    promised = chance(word, truth, plain, 20, 0.8, level, True)
    assert 0.1 < promised < 0.9
    assert promised == pytest.approx((found == words.index(word)).mean(), abs=0.03)


def test_fewer_pairs_than_the_sign_flips_take_have_no_chance():
    assert chance(Word.CONFIRMED, 100.0, plain, 11, 0.01, level, True) == 0.0
    assert chance(Word.CONFIRMED, 100.0, plain, 12, 0.01, level, True) > 0.9


def test_equal_contrasts_are_settled_by_where_they_are():
    assert chance(Word.CONFIRMED, 2.0, plain, 12, 0.0, level, True) == 1.0
    assert chance(Word.NO_EFFECT, 2.0, plain, 12, 0.0, level, True) == 0.0


def test_what_is_needed_is_the_fewest_pairs_with_that_power():
    def power(n):
        return chance(Word.CONFIRMED, 2.0, plain, n, 1.0, level, True)

    for share in (0.8, 0.9):
        n = needed(power, share)
        assert power(n - 1) < share <= power(n)
    assert needed(lambda n: 0.5, 0.8) is None


@pytest.mark.parametrize(
    ("zones", "effect"),
    [
        (plain, 2.0),
        (banded, 3.0),
        (replace(plain, band=(0.5, 4.0)), 2.5),
        (replace(plain, band=(2.0, math.inf), at_least=True), 3.0),
        (replace(plain, margin=True), 0.0),
    ],
)
def test_power_is_planned_for_the_documented_effect_or_what_stands_in_for_it(zones, effect):
    assert documented(zones) == effect


# -- spreads --------------------------------------------------------------------------------------
def test_no_tier_of_any_claim_or_control_reaches_the_pilot_seeds():
    for claim in (*claims.specs(), *(c.spec for c in claims.controls())):
        assert all(number <= PILOTS.start for number in claim.seeds.values())
        for tier in Tier:
            seeds = {trial.seed for trial in plan(claim, tier).flat}
            assert not seeds & set(PILOTS)


def test_a_spread_comes_from_pilot_seeds_and_never_from_the_claims_own(store):
    claim = spec()
    for trials in plan(claim, Tier.STANDARD).trials:
        for trial in trials:
            store.add(a_result(trial, float(trial.seed)))
    assert planning.spread(claim, store)[:2] == (None, "unknown: no pilot is stored")
    sd, source, _ = planning.spread(claim, piloted(claim, store, (1.0, 2.0, 3.0, 4.0, 5.0)))
    assert sd == pytest.approx(np.std([1, 2, 3, 4, 5], ddof=1))
    assert source == "5 pilot pairs"


def test_pilot_seeds_are_never_evidence(store, monkeypatch):
    monkeypatch.setattr(claims, "controls", lambda: ())
    claim = spec()
    report = decide.report([claim], piloted(claim, store, (9.0,) * 5), Tier.STANDARD)
    assert report.runs == 0
    assert report.rows[0].verdict.verdict is Word.NOT_RUN


def test_pilots_that_failed_or_are_too_few_leave_the_spread_unknown_or_assumed(store):
    claim = spec()
    first, *_ = pilot(claim).trials
    for trial in first:
        store.add(a_result(trial, 0.0, Status.FAILED))
    assert planning.spread(claim, store)[0] is None
    piloted(claim, store, ())
    for trials in pilot(claim).trials[1:3]:
        for trial in trials:
            store.add(a_result(trial, 1.0))
    sd, source, _ = planning.spread(claim, store)
    assert sd is None
    assert source.startswith("unknown: 2 pilot pairs")
    assumed = replace(claim, assumed=Assumed(sd=0.3, reason="a paper says so"))
    assert planning.spread(assumed, store)[:2] == (0.3, "assumed: a paper says so")


def test_claims_without_statistics_have_no_plan_of_this_kind_and_no_pilots():
    (claim,) = claims.choose(["halt-max"])
    assert planning.planning(claim, 1, None) is None
    assert pilot(claim).flat == []
    elsewhere = External(cost="8 GPUs for a day", inner=spec().form)
    assert planning.planning(spec(), 0, None).refusal
    outside = replace(claim, form=elsewhere)
    assert planning.planning(outside, 0, None) is None, "nobody plans to run it here"


# -- plans and refusals ---------------------------------------------------------------------------
def test_a_plan_tells_what_its_pairs_can_see_and_what_it_takes(store):
    claim = spec(assumed=Assumed(sd=0.3, reason="test"))
    found = planning.planning(claim, 20, store)
    assert (found.pairs, found.effect, found.refusal) == (20, 2.0, "")
    assert found.detectable == pytest.approx(claim.form.detectable(0.3, 20, family.level()))
    assert 0.8 < found.power < 0.95
    assert 16 <= found.pairs_80 <= found.pairs_90 <= 20
    assert Planning.from_json(found.to_json()) == found


def test_pairs_are_counted_where_a_seed_makes_several():
    (claim,) = claims.choose(["controller-speed"])
    assert planning.planning(claim, 10, None).pairs == 20


@pytest.mark.parametrize("seeds", [0, 1, 3, 11])
def test_a_plan_without_enough_pairs_is_refused_with_the_seeds_that_could(seeds):
    found = planning.planning(spec(), seeds, None)
    assert f"{seeds} pairs can't reject anything" in found.refusal
    assert found.could == 12
    assert found.power is None


def test_a_plan_that_leaves_everything_open_is_refused_with_the_seeds_that_could():
    claim = spec(assumed=Assumed(sd=2.0, reason="test"))
    found = planning.planning(claim, 20, None)
    assert "leave open even twice the least effect worth having" in found.refusal
    assert found.could > 20
    assert planning.planning(claim, found.could, None).refusal == ""
    hopeless = planning.planning(spec(assumed=Assumed(sd=1e6, reason="test")), 20, None)
    assert hopeless.refusal
    assert hopeless.could is None


def test_an_unknown_spread_refuses_nothing_that_has_enough_pairs():
    found = planning.planning(spec(), 12, None)
    assert (found.refusal, found.power, found.sd, found.detectable) == ("", None, None, None)


def test_a_verdict_of_a_refused_plan_says_so(store, monkeypatch):
    monkeypatch.setattr(claims, "controls", lambda: ())
    claim = spec(assumed=Assumed(sd=9.0, reason="test"))
    for trials in plan(claim, Tier.STANDARD).trials:
        for trial in trials:
            store.add(a_result(trial, 0.0))
    (row,) = decide.report([claim], store, Tier.STANDARD).rows
    assert any(note.startswith("Its plan is refused, and was run anyway") for note in row.notes)
    assert row.planning.refusal


# -- costs ----------------------------------------------------------------------------------------
def test_costs_come_from_runs_else_from_a_probe_else_from_the_spec(store):
    claim = spec(cost=30.0)
    planned = plan(claim, Tier.QUICK)
    costs = Costs([planned], store)
    assert (costs.of(planned.flat[0]), costs.source(planned.flat)) == (30.0, Source.DECLARED)
    for trial in pilot(claim, seeds=PILOTS[:1]).flat:
        store.add(a_result(trial, 0.0, cpu_seconds=7.0))
    costs = Costs([planned], store)
    assert (costs.of(planned.flat[0]), costs.source(planned.flat)) == (7.0, Source.PROBE)
    store.add(a_result(planned.flat[0], 0.0, cpu_seconds=5.0))
    costs = Costs([planned], store)
    assert costs.of(planned.flat[2]) == 5.0
    assert costs.source(planned.flat) is Source.PROBE, "the other arm was only probed"
    assert costs.source(planned.flat[:1]) is Source.STORED
