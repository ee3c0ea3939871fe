"""What runs left, reduced for pictures."""

import numpy as np
import pytest

from ablations.judging import checked_bytes
from ablations.judging.pictures import POINTS, Album, middle
from ablations.judging.report import report
from ablations.judging.row import Desk
from ablations.metrics.costs import BytesOf, Cycles
from ablations.metrics.curves import Arrival
from ablations.metrics.ladder import LargestRate
from ablations.metrics.scores import Accuracy
from ablations.metrics.timing import TimeRatio
from ablations.records.checks import Holds
from ablations.records.pictures import Kind
from ablations.specs.claim import Tier
from ablations.specs.contrasts import interaction
from ablations.specs.protocols import Evaluate, Forced
from ablations.specs.tests import Difference, Factorial, TimeToTarget, Timing, Trend

BECAUSE = {"null": 0.1, "because": "made up"}
N = 8


def drawn(lab, claim, memory):
    """Return the pictures of a claim by kind."""
    reader = lab.Reader(memory)
    desk = Desk(reader=reader, tier=Tier.STANDARD, table=lab.TABLE, album=Album(reader))
    (row,) = report([claim], desk, lab.claim_set([claim])).rows
    return {picture.kind: picture for picture in row.pictures}


def course(rate, updates=100):
    at = np.arange(1.0, updates + 1)
    return {"evaluation_update": at, "evaluation_score": 1 - np.exp(-rate * at), "value": rate}


def test_nothing_is_read_for_pictures_unless_a_report_asks(lab):
    claim = lab.statistical(Trend(levels=(1.0, 2.0), **BECAUSE))
    memory = lab.Memory().fill(claim, lab.pairs([0.4] * N))
    assert lab.row(claim, memory).pictures == ()
    assert list(drawn(lab, claim, memory)) == [Kind.CELLS]


def test_learning_curves_have_the_median_and_the_middle_half_of_the_runs(lab):
    claim = lab.statistical(protocol=lab.TRAIN)
    rates = np.linspace(0.01, 0.05, N)
    memory = lab.Memory().fill(claim, [(course(r), course(2 * r)) for r in rates])
    picture = drawn(lab, claim, memory)[Kind.COURSE]
    assert [(line.label, line.n) for line in picture.lines] == [("base", N), ("new", N)]
    for line, factor in zip(picture.lines, (1, 2), strict=True):
        assert len(line.across) == POINTS
        assert line.across[0] == 1
        assert line.across[-1] == 100
        for share, found in ((0.25, line.low), (0.5, line.middle), (0.75, line.high)):
            wanted = [np.quantile(1 - np.exp(-factor * rates * x), share) for x in line.across]
            assert found == pytest.approx(wanted, rel=1e-3)


def test_the_threshold_of_arrival_is_drawn_across_the_learning_curves(lab):
    metric = Arrival(threshold=0.6, cap=80.0, smooth=1)
    claim = lab.statistical(TimeToTarget(**BECAUSE), protocol=lab.TRAIN, metric=metric)
    slow = course(0.005)  # it never arrives
    rows = [(slow if i < 3 else course(0.02), course(0.05)) for i in range(N)]
    found = drawn(lab, claim, lab.Memory().fill(claim, rows))
    assert found[Kind.COURSE].level == 0.6
    base, new = found[Kind.ARRIVAL].lines
    assert (base.beyond, new.beyond) == (3, 0)
    assert base.middle[-1] == pytest.approx((N - 3) / N, rel=1e-3)
    assert new.middle[-1] == 1
    assert base.across[-1] == new.across[-1] == 80
    assert base.across[1] == pytest.approx(-np.log(0.4) / 0.02, rel=0.01)
    assert list(base.middle) == sorted(base.middle)


def test_a_run_that_diverged_ends_its_curve_and_takes_no_other_away(lab):
    rows = [course(0.02, 100), course(0.04, 100), course(0.03, 50)]
    curves = [(run["evaluation_update"], run["evaluation_score"]) for run in rows]
    line = middle("arm", curves)
    assert line.n == 3
    assert line.across[-1] == 100
    half = next(i for i, x in enumerate(line.across) if x > 50)
    wanted = [1 - np.exp(-0.02 * line.across[half]), 1 - np.exp(-0.04 * line.across[half])]
    assert line.middle[half] == pytest.approx(np.mean(wanted), rel=1e-3)


def test_each_run_is_read_once_however_many_claims_share_it(lab):
    first = lab.statistical(protocol=lab.TRAIN, name="first")
    second = lab.statistical(Difference(null=0.2, because="made up"), protocol=lab.TRAIN, name="x")
    memory = lab.Memory().fill(first, [(course(0.02), course(0.03))] * N)
    reader = lab.Reader(memory)
    seen = []
    observed = reader.observed
    reader.observed = lambda run: seen.append(run) or observed(run)
    album = Album(reader)
    desk = Desk(reader=reader, tier=Tier.STANDARD, table=lab.TABLE, album=album)
    cases = [desk.case(claim) for claim in (first, second)]
    seen.clear()
    assert [picture.kind for case in cases for picture in album.of(case)] == [Kind.COURSE] * 2
    assert len(seen) == 2 * N


def test_halting_steps_are_averaged_over_boards_of_equal_difficulty(lab):
    claim = lab.statistical(metric=Cycles())
    hard = np.repeat([10, 20, 30], 5)
    board = {"difficulty": hard, "steps": hard // 10, "max_steps": 4}
    later = board | {"steps": hard // 10 + 1}
    picture = drawn(lab, claim, lab.Memory().fill(claim, [(board, later)] * N))[Kind.DIFFICULTY]
    base, new = picture.lines
    assert base.across[0] == 10
    assert base.middle[0] == 1
    assert base.middle[-1] <= 3
    assert new.middle == tuple(y + 1 for y in base.middle)
    assert list(base.middle) == sorted(base.middle)


def test_equally_difficult_boards_have_no_picture(lab):
    claim = lab.statistical(metric=Cycles())
    board = {"difficulty": np.full(5, 3), "steps": np.arange(1, 6), "max_steps": 5}
    assert drawn(lab, claim, lab.Memory().fill(claim, [(board, board)] * N)) == {}


def test_accuracy_by_step_is_that_of_each_step(lab):
    claim = lab.statistical(
        metric=Accuracy(), protocol=Evaluate(after=lab.TRAIN, mode=Forced(steps=3))
    )
    found = {
        "right_by_step": np.array([[1, 2], [2, 4], [4, 4]]),
        "unknown": np.array([4, 4]),
        "right": np.array([4, 4]),
    }
    picture = drawn(lab, claim, lab.Memory().fill(claim, [(found, found)] * N))[Kind.STEPS]
    assert picture.lines[0].across == (1, 2, 3)
    assert picture.lines[0].middle == (0.375, 0.75, 1.0)


def test_timings_stand_in_the_order_of_measurement_with_the_twin_beside(lab):
    claim = lab.statistical(
        Timing(**BECAUSE), metric=TimeRatio(target="a:b", batch=1), unskilled=()
    )

    def timed(ratio):
        base = np.full((1, 1, 5), 2.0)
        return {
            "targets": ["a:b"],
            "batches": [1],
            "times": base * ratio,
            "baseline": base,
            "twin": base * 1.01,
        }

    ratios = np.linspace(0.3, 0.4, N)
    memory = lab.Memory().fill(claim, [(timed(1.0), timed(r)) for r in ratios])
    seeds = sorted({result.trial.seed for result in memory.results.values()})
    order = {seed: N - i for i, seed in enumerate(seeds)}  # the last seed ran first
    for key, result in memory.results.items():
        started = f"2026-01-01T00:00:{order[result.trial.seed]:02d}Z"
        memory.results[key] = lab.replace(result, started=started)
    picture = drawn(lab, claim, memory)[Kind.TURNS]
    measured, twin = picture.lines
    assert measured.middle == pytest.approx(ratios[::-1], rel=1e-3)
    assert twin.middle == pytest.approx([1.01] * N)
    assert picture.level == 1


def test_trends_stand_by_level_and_factorials_by_cell(lab):
    trend = lab.statistical(Trend(levels=(1.0, 4.0), **BECAUSE))
    found = drawn(lab, trend, lab.Memory().fill(trend, [(1.0, 2.0 + i) for i in range(N)]))
    (line,) = found[Kind.CELLS].lines
    assert line.across == (1, 4)
    assert line.middle == (1, 5.5)
    assert (line.low[0], line.high[0]) == (1, 1)
    cells = ("a0", "a1", "b0", "b1")
    factorial = lab.statistical(
        Factorial(factors=interaction((0.0, 1.0), (0.0, 1.0)), **BECAUSE), labels=cells
    )
    rows = [(1.0, 2.0, 3.0, 4.0)] * (N - 1) + [(lab.Status.DIVERGED, 2.0, 3.0, 4.0)]
    found = drawn(lab, factorial, lab.Memory().fill(factorial, rows))
    assert found[Kind.CELLS].names == cells
    assert found[Kind.CELLS].lines[0].middle == (1, 2, 3, 4)


def test_bytes_stand_by_batch(lab):
    claim = lab.statistical(metric=BytesOf(what="pass", batch=32))
    rows = [[{"pass_batches": [8, 32], "pass_bytes": [k * 100, k * 400]} for k in (1, 3)]] * N
    picture = drawn(lab, claim, lab.Memory().fill(claim, rows))[Kind.MEMORY]
    assert [line.middle for line in picture.lines] == [(100, 400), (300, 1200)]
    assert picture.lines[0].across == (8, 32)


def check(what, observed):
    return Holds(what, documented="more", observed=observed, holds=True, rule="rising")


def drawn_of(*checks):
    """Return the lines of checks' pictures, by picture and label."""
    return {
        picture.across: {line.label: (line.across, line.middle) for line in picture.lines}
        for picture in checked_bytes.pictures(checks)
    }


def test_checks_that_list_bytes_are_drawn_by_what_they_count():
    assert drawn_of(
        check("peak of an update by H_cycles, full gradient 1, 2, 4", "1,024, 2,048, 4,096 bytes"),
        check("peak of an update by L_cycles, full gradient 1, 2", "24, 1,000,000 bytes"),
        check("peak of an update by steps, averaged as printed, 2, 4", "10, 20 bytes"),
        check("peak of an update by seq_len 16, 32", "5, 6 bytes"),
    ) == {
        "peak of an update, full gradient": {
            "H_cycles": ((1, 2, 4), (1024, 2048, 4096)),
            "L_cycles": ((1, 2), (24, 1e6)),
        },
        "peak of an update, averaged as printed": {"steps": ((2, 4), (10, 20))},
        "peak of an update": {"seq_len": ((16, 32), (5, 6))},
    }


def test_checks_that_compare_bytes_are_drawn_over_what_they_are_of():
    what = "peak of an update of {} cycles, full and one-step gradient"
    call = "bytes that a call of batch {} allocates, direct over original"
    assert drawn_of(
        check(what.format(2), "1,920 and 440 bytes, ratio 0.479"),
        check(what.format(4), "3,692 and 440 bytes, ratio 0.260"),
        check(call.format(1), "0.002 (2,108,432 to 5,136)"),
        check(call.format(32), "0.071 (2,331,136 to 164,352)"),
        check(call.format(32) + ": not even less", "0.071 (9 to 9)"),
    ) == {
        "cycles; peak of an update": {
            "full": ((2, 4), (1920, 3692)),
            "one-step gradient": ((2, 4), (440, 440)),
        },
        "batch; bytes that a call": {
            "original": ((1, 32), (2108432, 2331136)),
            "direct": ((1, 32), (5136, 164352)),
        },
    }


def test_other_checks_have_no_picture():
    assert (
        drawn_of(
            check("bytes of a call", "12 bytes"),
            check("rows 1, 2", "3, 4"),
            check("peak by batch_size 4, 8", "1,000 bytes"),
            check("peak of an update of 2 cycles, full and one-step gradient", "9 and 4 bytes"),
            check("bytes that a cycle adds with the full gradient", "386,096, 386,096"),
        )
        == {}
    )


def test_the_loss_by_learning_rate_leaves_out_what_diverged(lab):
    claim = lab.statistical(metric=LargestRate())
    rates = {"rate": [0.1, 0.2, 0.4], "constant_loss": 1.0}
    found = rates | {"finite": [True, True, False], "final_loss": [0.5, 0.4, np.nan]}
    picture = drawn(lab, claim, lab.Memory().fill(claim, [(found, found)] * N))[Kind.RATES]
    assert picture.lines[0].across == (0.1, 0.2, 0.4)
    assert picture.lines[0].middle == (0.5, 0.4, None)


def test_a_curve_that_can_not_be_read_has_no_picture(lab):
    claim = lab.statistical(protocol=lab.TRAIN)
    for found in ({"value": 1.0}, {"value": 1.0, "evaluation_update": "x", "evaluation_score": 1}):
        assert drawn(lab, claim, lab.Memory().fill(claim, [(found, found)] * N)) == {}


# -- the smallest effect ---------------------------------------------------------------------------
def test_the_smallest_effect_is_the_least_that_would_have_been_established(lab):
    """Shifted by a hair more than it says, the pairs establish the claim; by a hair less, not."""
    claim = lab.statistical(Difference(null=0.1, because="made up"))
    contrasts = lab.spread(-0.3, 0.3)

    def judged(shift):
        rows = lab.pairs([x + shift for x in contrasts])
        return lab.row(claim, lab.Memory().fill(claim, rows)).parts[0]

    part = judged(0.0)
    assert part.seen is not None
    shift = part.seen - part.estimate
    for by, established in ((1e-6, True), (-1e-6, False)):
        found = judged(shift + by)
        above = [e for e in found.exceptions if e.edge == 0.1 and e.side == "above"]
        assert above[0].established is established
    assert judged(0.2).seen == pytest.approx(part.seen)


def test_there_is_none_before_a_look_or_with_too_many_failures(lab):
    claim = lab.statistical(Difference(null=0.1, because="made up"))
    few = lab.Memory().fill(claim, lab.pairs([0.4] * 3))
    assert lab.row(claim, few).parts[0].seen is None
    rows = lab.pairs(lab.spread(0.2, 0.3))
    rows[:8] = [(10.0, lab.Status.DIVERGED)] * 8
    assert lab.row(claim, lab.Memory().fill(claim, rows)).parts[0].seen is None
