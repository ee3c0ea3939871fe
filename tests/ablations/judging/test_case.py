"""From made-up runs to words, groups and reasons, through the whole of judging."""

import json
import math
import statistics

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ablations.records.plans import Planning
from ablations.rule import Group, Word
from ablations.runs.trials import plan
from ablations.specs.claim import Tier
from ablations.specs.protocols import Evaluate
from ablations.specs.tests import (
    Both,
    Difference,
    Factorial,
    NotWorse,
    OneSample,
    Ratio,
    Reliable,
    TimeToTarget,
)

SIZED = Difference(null=0.1, because="made up", about=(0.3, 0.5), band_because="the printed figure")


@pytest.mark.parametrize(
    ("low", "high", "word", "group"),
    [
        (0.35, 0.45, Word.CONFIRMED, Group.HOLDS),
        (0.6, 0.8, Word.EXCEEDED, Group.HOLDS),
        (0.35, 0.8, Word.AT_LEAST, Group.HOLDS),
        (0.15, 0.25, Word.WEAKER, Group.PARTLY),
        (0.02, 0.2, Word.DIRECTION_ONLY, Group.PARTLY),
        (-0.05, 0.05, Word.NO_EFFECT, Group.FAILS),
        (-0.3, 0.08, Word.NO_GAIN, Group.FAILS),
        (-0.4, -0.2, Word.CONTRADICTED, Group.FAILS),
        (-0.6, 0.6, Word.INCONCLUSIVE, Group.OPEN),
    ],
)
def test_each_word_follows_from_where_the_pairs_lie(lab, low, high, word, group):
    claim = lab.statistical(SIZED)
    row = lab.row(claim, lab.Memory().fill(claim, lab.pairs(lab.spread(low, high))))
    assert (row.verdict.verdict, row.verdict.group) == (word, group)
    assert (row.verdict.n, row.verdict.look) == (26, 26)
    assert row.verdict.estimate == pytest.approx((low + high) / 2)
    assert row.verdict.low < row.verdict.estimate < row.verdict.high


def test_a_reason_is_a_sentence_with_counts(lab):
    claim = lab.statistical(Ratio(null=0.05, because="made up", fewer=True, about=(0.6, 0.8),
                                  band_because="the printed range"))  # fmt: skip
    rows = [(100.0, 70.0)] * 24 + [(100.0, 90.0)] * 2
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is Word.CONFIRMED
    assert "in 24 of 26 seeds the reduction is above 20 %" in row.verdict.reason
    assert row.verdict.sentence == row.verdict.reason
    assert row.verdict.estimate == pytest.approx(0.7)
    assert row.parts[0].scale.band == pytest.approx((0.6, 0.8))
    weak = next(e for e in row.verdict.exceptions if e.edge == pytest.approx(0.8))
    assert (weak.side, weak.pairs, weak.exceptions, weak.of) in {
        ("below", 24, 2, 26),
        ("above", 2, 24, 26),
    }


def test_the_standard_deviation_is_that_of_the_finite_contrasts_that_are_read(lab):
    claim = lab.statistical(SIZED)
    contrasts = [float(x) for x in lab.spread(0.3, 0.5, 29)]
    rows = lab.pairs(contrasts)
    rows[4] = (10.0, lab.Status.DIVERGED)
    rows[5] = ("gone", 10.4)
    (part,) = lab.row(claim, lab.Memory().fill(claim, rows)).parts
    read = [x for i, x in enumerate(contrasts[:26]) if i not in (4, 5)]
    assert part.sd == pytest.approx(statistics.stdev(read))
    ratio = lab.statistical(Ratio(null=0.05, because="made up"))
    rows = [(1.0, math.exp(x)) for x in contrasts[:3]]
    (part,) = lab.row(ratio, lab.Memory().fill(ratio, rows)).parts
    assert part.sd == pytest.approx(statistics.stdev(contrasts[:3])), "of logarithms"
    (part,) = lab.row(ratio, lab.Memory().fill(ratio, rows[:1])).parts
    assert part.sd is None


def test_a_mean_of_the_other_sign_splits_a_word(lab):
    claim = lab.statistical(SIZED)
    contrasts = [-10.0] * 3 + [0.4] * 23
    row = lab.row(claim, lab.Memory().fill(claim, lab.pairs(contrasts)))
    assert (row.verdict.verdict, row.verdict.group) == (Word.SPLIT, Group.PARTLY)
    assert "CONFIRMED for the typical pair" in row.verdict.reason


def test_failures_of_the_treatment_split_a_claim_that_it_takes_fewer(lab):
    claim = lab.statistical(
        Ratio(null=0.05, because="made up", fewer=True),
        metric=lab.Less(),
        schedule=dict.fromkeys(Tier, 40),
    )
    rows = [(10.0, 5.0)] * 33 + [(10.0, lab.Status.DIVERGED)] * 7
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is Word.SPLIT
    assert "against the claim in 7 of 40 seeds, and for it in 0" in row.verdict.reason
    turned = lab.row(claim, lab.Memory().fill(claim, [(b, a) for a, b in rows]))
    assert turned.verdict.verdict is Word.SPLIT  # CONTRADICTED, though the baseline fails more


@pytest.mark.parametrize("metric", ["Less", "Share"])
def test_failures_of_the_treatment_agree_with_a_claim_that_it_is_worse(lab, metric):
    more = metric == "Less"
    claim = lab.statistical(
        Difference(null=0.05, because="made up", fewer=not more),
        metric=getattr(lab, metric)(),
        schedule=dict.fromkeys(Tier, 40),
        unskilled=("base", "new"),
    )
    base, new = (0.3, 0.6) if more else (0.6, 0.3)
    good = [(base, new)] * 33
    row = lab.row(claim, lab.Memory().fill(claim, [*good, *[(base, lab.Status.DIVERGED)] * 7]))
    assert row.verdict.verdict is Word.CONFIRMED
    row = lab.row(claim, lab.Memory().fill(claim, [*good, *[(lab.Status.DIVERGED, new)] * 7]))
    assert row.verdict.verdict is Word.SPLIT
    assert "against the claim in 7 of 40 seeds, and for it in 0" in row.verdict.reason


@pytest.mark.parametrize("fewer", [False, True])
def test_a_failed_run_without_a_baseline_counts_against_the_claim(lab, fewer):
    test = OneSample(null=0.1, because="made up", constant=1.0, fewer=fewer)
    claim = lab.statistical(
        test, labels=("only",), metric=lab.Less(), schedule=dict.fromkeys(Tier, 40)
    )
    rows = [(0.5 if fewer else 1.5,)] * 33 + [(lab.Status.DIVERGED,)] * 7
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is Word.SPLIT
    assert "against the claim in 7 of 40 seeds, and for it in 0" in row.verdict.reason


def test_nothing_stored_is_not_run_and_says_what_tells_the_cost(lab):
    claim = lab.statistical()
    row = lab.row(claim, lab.Memory())
    assert (row.verdict.verdict, row.verdict.group) == (Word.NOT_RUN, Group.OPEN)
    assert "`ablations plan claim`" in row.verdict.reason
    assert (row.stored, row.planned) == (0, 52)
    assert not row.verdict.settled


def test_few_pairs_give_an_estimate_without_an_interval(lab):
    claim = lab.statistical(SIZED)
    memory = lab.Memory().fill(claim, lab.pairs([0.4] * 10))
    verdict = lab.row(claim, memory).verdict
    assert (verdict.verdict, verdict.look, verdict.n) == (Word.INCONCLUSIVE, 0, 10)
    assert verdict.estimate == pytest.approx(0.4)
    assert verdict.low is verdict.high is None
    quick = lab.row(claim, memory, Tier.QUICK).verdict
    assert (quick.n, quick.tier) == (1, "quick")


def test_pairs_count_up_to_the_first_seed_that_lacks_a_run(lab):
    claim = lab.statistical(SIZED)
    rows = lab.pairs(lab.spread(0.35, 0.45))
    rows[20] = (rows[20][0], None)
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert (row.verdict.n, row.verdict.look) == (20, 16)
    assert any("5 later seeds wait for seed 2020" in note for note in row.notes)
    assert [point.read for point in row.parts[0].points] == [True] * 16 + [False] * 4


def test_a_claim_that_settles_early_isn_t_short_of_runs(lab):
    claim = lab.statistical(SIZED)
    row = lab.row(claim, lab.Memory().fill(claim, lab.pairs(lab.spread(0.35, 0.45, 16))))
    assert row.verdict.verdict is Word.CONFIRMED
    assert row.verdict.settled
    assert (row.stored, row.planned) == (32, 32)
    assert row.parts[0].settled_at == 16
    more = lab.row(claim, lab.Memory().fill(claim, lab.pairs(lab.spread(0.35, 0.45))))
    assert (more.verdict.look, more.parts[0].settled_at) == (26, 16)


def test_a_run_whose_parent_is_there_is_still_to_be_made(lab):
    claim = lab.statistical(
        SIZED, protocol=Evaluate(after=lab.TRAIN), metric=lab.Share(), unskilled=("base", "new")
    )
    memory = lab.Memory().fill(claim, [(0.2, 0.6)] * 20 + [(0.2, None)])
    memory.put(plan(claim, [2_020]).rows[0][1].trial.parent)
    assert lab.row(claim, memory).verdict.n == 20


def test_a_diverged_run_has_the_worst_score_in_the_mean_that_splits_a_word(lab):
    claim = lab.statistical(SIZED, metric=lab.Share())
    rows = [(0.6, lab.Status.DIVERGED)] * 3 + [(0.6, 1.0)] * 23
    assert lab.row(claim, lab.Memory().fill(claim, rows)).verdict.verdict is Word.CONFIRMED
    few = lab.statistical(Difference(null=0.05, because="made up"), metric=lab.Share())
    rows = [(0.9, lab.Status.DIVERGED)] * 3 + [(0.9, 1.0)] * 23
    row = lab.row(few, lab.Memory().fill(few, rows))
    assert row.verdict.verdict is Word.SPLIT, "3 of 26 failures alone are no significant number"


def test_a_lost_record_is_an_exception_on_every_side_and_named(lab):
    claim = lab.statistical(SIZED)
    rows = lab.pairs(lab.spread(0.35, 0.45))
    rows[3] = ("gone", rows[3][1])
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.n == 26
    assert row.verdict.verdict is Word.CONFIRMED
    assert all(e.pairs <= 25 for e in row.verdict.exceptions)
    assert "Seed 2003: the record of 'base' is lost" in row.notes
    assert row.parts[0].points[3].low is row.parts[0].points[3].high is None
    rows[:4] = [("gone", "gone")] * 4  # four of 26 are one too many
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is Word.INCONCLUSIVE


@pytest.mark.parametrize("ended", ["DIVERGED", "TIMED_OUT"])
def test_a_run_without_an_outcome_is_the_worst_on_its_side(lab, ended):
    claim = lab.statistical(SIZED, metric=lab.Share())
    status = lab.Status[ended]
    rows = [(0.2, 0.6)] * 26
    rows[5] = (0.2, status)
    rows[6] = (status, 0.6)
    rows[7] = (status, status)
    points = lab.row(claim, lab.Memory().fill(claim, rows)).parts[0].points
    assert [points[i].infinite for i in (4, 5, 6, 7)] == [0, -1, 1, 0]
    assert points[5].failed == ("new",)
    assert points[7].low is points[7].high is None
    failures = lab.row(claim, lab.Memory().fill(claim, rows)).failures
    assert [(f.label, f.failed, f.of) for f in failures] == [("base", 2, 26), ("new", 2, 26)]
    assert failures[0].low == pytest.approx(0.00945, abs=1e-4)
    assert failures[0].high == pytest.approx(0.2513, abs=1e-4)


def test_a_run_that_can_t_begin_ended_as_what_it_starts_from(lab):
    claim = lab.statistical(
        SIZED, protocol=Evaluate(after=lab.TRAIN), metric=lab.Share(), unskilled=("base", "new")
    )
    memory = lab.Memory().fill(claim, [(0.2, 0.6)] * 25 + [(0.2, None)])
    assert lab.row(claim, memory).verdict.n == 25
    child = plan(claim, [2_025]).rows[0][1].trial
    memory.put(child.parent, lab.Status.DIVERGED)
    row = lab.row(claim, memory)
    assert row.verdict.n == 26
    assert row.parts[0].points[25].failed == ("new",)


def test_a_run_of_ours_that_failed_is_a_fault(lab):
    claim = lab.statistical(SIZED)
    rows = lab.pairs(lab.spread(0.35, 0.45))
    rows[17] = (lab.Status.FAILED, rows[17][1])
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is Word.INVALID
    assert row.faults == ("1 run failed: it failed",)
    assert "by itself CONFIRMED: in 16 of 16 seeds" in row.verdict.reason
    assert row.verdict.sentence.startswith("in 16 of 16 seeds")


def test_a_run_that_the_machine_ended_is_waited_for(lab):
    claim = lab.statistical(SIZED)
    rows = lab.pairs([0.4] * 26)
    rows[18] = (lab.Status.DIED, rows[18][1])
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert (row.verdict.n, row.faults) == (18, ())


def test_the_order_in_which_runs_were_stored_doesn_t_matter(lab):
    claim = lab.statistical(SIZED)
    rows = lab.pairs(lab.spread(0.2, 0.6))
    forwards = lab.Memory().fill(claim, rows)
    backwards = lab.Memory()
    backwards.results = dict(reversed(forwards.results.items()))
    assert lab.made([claim], forwards) == lab.made([claim], backwards)


@pytest.mark.parametrize("absurd", [1e308, -1e200])
def test_an_absurd_value_is_one_named_fault(lab, absurd):
    claim = lab.statistical(SIZED)
    rows = lab.pairs([0.4] * 26)
    rows[9] = rows[11] = (1.0, absurd)
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is Word.INVALID
    (fault,) = row.faults
    assert "Number reads" in fault and "of a run of 'new', seed 2009" in fault


def test_an_interval_without_inside_is_one_named_fault(lab):
    claim = lab.statistical(SIZED, metric=lab.Turned())
    row = lab.row(claim, lab.Memory().fill(claim, [(1.0, 1.4)] * 26))
    assert row.verdict.verdict is Word.INVALID
    assert "Turned reads 2 to 1 of a run of 'base', seed 2000" in row.faults


def test_a_contrast_that_cannot_be_formed_is_one_named_fault(lab, monkeypatch):
    def impossible(test, values):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(Difference, "contrast", impossible)
    claim = lab.statistical(SIZED)
    row = lab.row(claim, lab.Memory().fill(claim, lab.pairs([0.4] * 26)))
    assert row.verdict.verdict is Word.INVALID
    assert row.faults == ("no contrast can be formed (ZeroDivisionError: by nothing), seed 2000",)


def test_a_missing_observation_is_a_fault_and_a_nan_is_unknown(lab):
    claim = lab.statistical(SIZED)
    rows = [*lab.pairs([0.4] * 25), (1.0, math.nan)]
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is Word.CONFIRMED
    assert "Seed 2025: 'new' has no value" in row.notes
    rows[25] = (1.0, {"other": 2.0})
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.faults == ("Number finds no 'value' in a run of 'new', seed 2025",)


@pytest.mark.parametrize("malformed", [{"value": "text"}, {"value": None}, {"value": [1, 2]}])
def test_malformed_observations_are_one_named_fault(lab, malformed):
    claim = lab.statistical(SIZED)
    rows = [*lab.pairs([0.4] * 25), (1.0, malformed)]
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is Word.INVALID
    assert len(row.faults) == 1
    assert "can't read a run of 'new'" in row.faults[0]


def test_one_bad_record_costs_its_own_claim_alone(lab):
    good, bad = lab.statistical(SIZED, name="good"), lab.statistical(
        SIZED, name="bad", protocol=lab.replace(lab.COUNT, batch=64)
    )  # fmt: skip
    memory = lab.Memory().fill(good, lab.pairs([0.4] * 26))
    memory.fill(bad, [*lab.pairs([0.4] * 25), (1.0, {"value": "text"})])
    found = lab.made([good, bad], memory)
    assert [row.verdict.verdict for row in found.rows] == [Word.CONFIRMED, Word.INVALID]


def test_cells_at_one_floor_leave_nothing_to_compare(lab):
    claim = lab.statistical()
    floor = {"value": 0.0, "extreme": "floor: it is 0"}
    row = lab.row(claim, lab.Memory().fill(claim, [(floor, floor)] * 26))
    assert row.verdict.verdict is Word.INVALID
    assert row.faults == ("all cells sit at the same floor: it is 0",)
    row = lab.row(claim, lab.Memory().fill(claim, [(3.0, 3.0)] * 26))
    assert row.faults == ("all cells have the value 3 at every seed",)
    row = lab.row(claim, lab.Memory().fill(claim, [(3.0, 3.0)] * 25 + [(4.0, 4.0)]))
    assert row.verdict.verdict is Word.NO_EFFECT


def test_runs_that_never_arrive_leave_nothing_to_compare(lab):
    claim = lab.statistical(
        TimeToTarget(null=0.1, because="made up", fewer=True), metric=lab.Less()
    )
    diverged = (lab.Status.DIVERGED, lab.Status.DIVERGED)
    row = lab.row(claim, lab.Memory().fill(claim, [diverged] * 26))
    assert row.faults == ("no run of any cell reaches the target, or finishes",)


def test_an_arm_without_the_skill_that_the_claim_needs_makes_it_invalid(lab):
    rows = [(lab.scored(0.5, 0.0), lab.scored(0.9, 0.4))] * 26
    claim = lab.statistical(SIZED, protocol=lab.TRAIN)
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is Word.INVALID
    assert "'base' doesn't beat the best trivial method" in row.faults[0]
    assert [(s.label, s.passed) for s in row.skill] == [("base", False), ("new", True)]
    early = lab.row(claim, lab.Memory().fill(claim, rows[:16]))
    assert (early.verdict.verdict, early.verdict.settled) == (Word.INVALID, False)
    assert (early.stored, early.planned) == (32, 52), "more seeds may show its skill"
    free = lab.statistical(SIZED, protocol=lab.TRAIN, unskilled=("base",))
    assert lab.row(free, lab.Memory().fill(free, rows)).verdict.verdict is Word.CONFIRMED


def test_a_margin_s_error_is_that_of_its_mean_over_seeds(lab):
    claim = lab.statistical(SIZED, protocol=lab.TRAIN)
    margins = lab.spread(0.1, 0.3, 16)
    rows = [(lab.scored(0.5, m), lab.scored(0.9, 0.2)) for m in margins]
    base, new = lab.row(claim, lab.Memory().fill(claim, rows)).skill
    assert base.margin == pytest.approx(0.2)
    assert base.error == pytest.approx(statistics.stdev(margins) / 4)
    boards = statistics.stdev([i / 99 * 0.02 for i in range(100)]) / 10
    assert new.error == pytest.approx(boards / 4)  # equal margins: the boards' own spread


def test_skill_is_that_of_the_pairs_that_count(lab):
    claim = lab.statistical(SIZED, protocol=lab.TRAIN)
    rows = [(lab.scored(0.5, 0.3), lab.scored(0.9, 0.4))] * 16
    rows += [(lab.scored(0.5, -0.4), lab.scored(0.9, -0.4))] * 4
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert [(s.n, s.passed) for s in row.skill] == [(16, True)] * 2


def test_a_diverged_run_beats_no_trivial_method(lab):
    claim = lab.statistical(SIZED, protocol=lab.TRAIN, metric=lab.Share())
    rows = [(lab.scored(0.5, 0.3), lab.scored(0.9, 0.4))] * 26
    rows[:24] = [(lab.Status.DIVERGED, row[1]) for row in rows[:24]]
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.skill[0].margin == pytest.approx(0.3 * 2 / 26)
    assert not row.skill[0].passed


def test_a_conjunction_holds_if_all_parts_hold_and_fails_if_one_fails(lab):
    part = Difference(null=0.1, because="made up")
    both = Both(parts=(part, part), reads=((0, 1), (0, 2)))
    claim = lab.statistical(both, labels=("base", "one", "two"))

    def word(first, second):
        rows = [(1.0, 1.0 + a, 1.0 + b) for a, b in zip(first, second, strict=True)]
        row = lab.row(claim, lab.Memory().fill(claim, rows))
        assert len(row.parts) == 2
        assert list(row.parts[1].points[0].values) == ["base", "two"]
        return row.verdict.verdict

    up, none, wide = lab.spread(0.3, 0.5), lab.spread(-0.05, 0.05), lab.spread(-0.6, 0.6)
    assert word(up, up) is Word.CONFIRMED
    assert word(up, none) is Word.NO_EFFECT
    assert word(wide, none) is Word.NO_EFFECT
    assert word(up, wide) is Word.INCONCLUSIVE


def test_an_interaction_of_either_sign_holds_on_either_side(lab):
    test = Factorial(factors=(1.0, -1.0, -1.0, 1.0), null=0.1, because="made up", either_side=True)
    claim = lab.statistical(test, labels=("a", "b", "c", "d"))
    for sign in (1, -1):
        rows = [(0.0, 0.0, 0.0, sign * x) for x in lab.spread(0.3, 0.5)]
        row = lab.row(claim, lab.Memory().fill(claim, rows))
        assert row.verdict.verdict is Word.CONFIRMED
        assert row.parts[0].scale.two_sided


@pytest.mark.parametrize(("bad", "word"), [(0, Word.CONFIRMED), (2, Word.INCONCLUSIVE)])
def test_not_worse_is_about_nearly_all_pairs(lab, bad, word):
    claim = lab.statistical(
        NotWorse(margin=0.05, because="made up"),
        metric=lab.Share(),
        schedule=dict.fromkeys(Tier, 40),
    )
    rows = [(0.5, 0.51)] * (40 - bad) + [(0.5, 0.3)] * bad
    row = lab.row(claim, lab.Memory().fill(claim, rows))
    assert row.verdict.verdict is word
    assert row.parts[0].scale.edge == pytest.approx(-0.05)
    assert row.parts[0].scale.null is None


def test_reliability_and_a_constant_read_one_cell(lab):
    reliable = lab.statistical(
        Reliable(above=0.5, because="made up"), labels=("only",), schedule=dict.fromkeys(Tier, 40)
    )
    row = lab.row(reliable, lab.Memory().fill(reliable, [(0.6,)] * 40))
    assert row.verdict.verdict is Word.CONFIRMED
    row = lab.row(reliable, lab.Memory().fill(reliable, [(lab.Status.DIVERGED,)] * 40))
    assert row.verdict.verdict is Word.CONTRADICTED, "that every run fails is an answer"
    assert row.faults == ()
    constant = lab.statistical(
        OneSample(null=0.1, because="made up", constant=1.0), labels=("only",)
    )
    row = lab.row(constant, lab.Memory().fill(constant, [(x,) for x in lab.spread(1.2, 1.4)]))
    assert row.verdict.verdict is Word.CONFIRMED
    assert row.verdict.estimate == pytest.approx(0.3)


def test_other_readings_are_shown_and_decide_nothing(lab):
    from ablations.specs.claim import Reading

    claim = lab.statistical(
        SIZED,
        beside=(
            Reading(label="another", metric=lab.Number(name="other")),
            Reading(label="absent", metric=lab.Number(name="absent")),
        ),
    )
    rows = [
        ({"value": 1.0, "other": 5.0}, {"value": 1.4, "other": 2.0 + i / 100}) for i in range(26)
    ]
    memory = lab.Memory().fill(claim, rows)
    row = lab.shown(claim, memory)
    assert row.verdict.verdict is Word.CONFIRMED
    another, absent = row.beside
    assert another.estimate == pytest.approx(-2.875)
    assert another.low == pytest.approx(-2.97)
    assert another.high == pytest.approx(-2.85)  # the look at 16 leaves no more
    assert absent.estimate is None
    assert "finds no 'absent'" in absent.note
    assert lab.row(claim, memory).beside == (), "a verdict alone doesn't need them"


def test_what_surrounds_a_row_is_kept(lab):
    claim = lab.statistical(SIZED)
    told = Planning(sd=None, source="unknown", pairs=26, prospects=(), pairs_80=None, pairs_90=None)
    assert lab.row(claim, lab.Memory(), plans={"claim": told}).planning == told


@pytest.mark.parametrize("failed", [0, 1, 13, 25, 26])
def test_a_share_s_interval_is_that_of_clopper_and_pearson(failed):
    from scipy.stats import binomtest

    from ablations.judging.statements import share

    found = share("new", [True] * failed + [False] * (26 - failed))
    exact = binomtest(failed, 26).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-12)


anything = st.one_of(
    st.floats(),
    st.none(),
    st.text(max_size=3),
    st.lists(st.floats(), max_size=2),
    st.integers(),
    st.booleans(),
)


@given(
    st.lists(
        st.tuples(
            st.floats(-2, 2),
            st.one_of(
                st.floats(-2, 2),
                st.sampled_from(["gone", "DIVERGED", "TIMED_OUT", "FAILED", "DIED"]),
                st.dictionaries(st.sampled_from(["value", "extreme"]), anything),
            ),
        ),
        min_size=14,
        max_size=30,
    )
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_runs_left_there_is_a_verdict_and_strict_json(lab, rows):
    claim = lab.statistical(SIZED)
    found = [
        (base, lab.Status[new] if isinstance(new, str) and new != "gone" else new)
        for base, new in rows
    ]
    memory = lab.Memory().fill(claim, found)
    row = lab.row(claim, memory)
    assert json.dumps(row.to_json(), allow_nan=False)
    assert (row.verdict.verdict is Word.INVALID) == bool(row.faults)
    assert 0 <= row.verdict.look <= row.verdict.n <= min(len(rows), 26)
    assert row.verdict.reason
