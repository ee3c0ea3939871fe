"""From hand-made results to rows."""

import itertools
import json
import math
from dataclasses import replace

import pytest

from ablations import calibration, claims, decide, noise, pilots
from ablations.fingerprint import fingerprint
from ablations.forms import External, NonInferior, OneSample
from ablations.plan import plan
from ablations.records import Check, Machine, Report, Result, Status, Tier, Word, Zones
from ablations.store import Store
from ablations.tables import Calibration, Cell, Whole

STANDARD, QUICK = Tier.STANDARD, Tier.QUICK
attempts = itertools.count()


def spec(name):
    return claims.choose([name])[0]


def a_result(trial, metrics, **changes):
    given = {
        "fingerprint": fingerprint(trial),
        "attempt": f"{next(attempts):06}",
        "trial": trial,
        "status": Status.OK,
        "metrics": tuple(metrics),
        "error": None,
        "deaths": 0,
        "wall_seconds": 2.0,
        "cpu_seconds": 1.5,
        "peak_memory_bytes": 1,
        "machine": Machine(cpu="c", cores=2, threads=1, system="s", accelerator=None, load=0.0),
        "versions": {"torch": "2"},
        "sources": "d",
        "commit": "abc",
        "dirty": False,
        "started": "2025-01-01T00:00:00+00:00",
    }
    return Result(**{**given, **changes})


def calibrated(wrong=0):
    """A table on which every cell has so many false verdicts in 200,000."""
    cells = [
        Cell(
            form=form,
            noise=shape,
            varies=varies,
            n=n,
            looks=False,
            level=1 - 0.05 / 79,
            replicates=200_000,
            wrong={"CONFIRMED": wrong},
            place={"CONFIRMED": "weak edge"},
            plain=None,
        )
        for form in noise.worlds
        for shape in noise.shapes
        for varies in (noise.ONE, noise.ALL)
        for n in (12, 20, 40)
    ]
    return Calibration(
        digest="of some engine",
        level=1 - 0.05 / 79,
        replicates=200_000,
        cells=tuple(cells),
        wholes=(Whole(looks=False, members=79, reports=1000, confirmed=10, wrong=20),),
        powers=(),
    )


@pytest.fixture(autouse=True)
def table(monkeypatch):
    """Choose what the calibration measured; at first nothing is beyond its bound."""

    def set_(made):
        monkeypatch.setattr(calibration, "committed", lambda: made)

    set_(calibrated())
    return set_


@pytest.fixture(autouse=True)
def _by_themselves(monkeypatch):
    """No controls (`test_controls.py` puts them beside claims), and no committed pilots."""
    monkeypatch.setattr(claims, "controls", lambda: ())
    monkeypatch.setattr(pilots, "committed", dict)


@pytest.fixture
def folder(tmp_path):
    Store.open(tmp_path / "store", create=True)
    return tmp_path / "store"


@pytest.fixture
def row(folder):
    """Store results for a claim and decide it."""

    def made(name, tier, make, order=1):
        store = Store.open(folder)
        results = [
            result
            for seed, trials in enumerate(plan(spec(name), tier).trials)
            for group, trial in enumerate(trials)
            if (result := make(trial, seed, group)) is not None
        ]
        for result in results[::order]:
            store.add(result)
        return decide.report([spec(name)], Store.open(folder), tier).rows[0]

    return made


def said(row):
    return row.verdict.verdict, row.verdict.reason


def wobble(seed):
    """A spread without skew."""
    return 0.015 * (seed % 5 - 2)


def a_check(holds, primary=True, what="a"):
    return Check(
        what=what, documented="1", observed="2", holds=holds, rule="equal", primary=primary
    ).to_json()


# -- the metrics that each workload gives ---------------------------------------------------------
def savings(ratio=0.7, margin=0.1, error=0.01, extreme=""):
    """Two arms of act-savings-mixed, a joint trained claim with a band of 20-40 % fewer."""

    def make(trial, seed, group):
        shared = {"margin": margin, "error": error, "extreme": extreme, "flops": 8.0}
        counts = {"sampled_operations": 9.0, "slowest": 1000}
        saved = 1000 * ratio * math.exp(wobble(seed))
        arms = [{**shared, **counts, "operations": n} for n in (1000.0, saved)]
        return a_result(trial, arms)

    return make


def supervision(fast=100.0, margins=(0.1, 0.1)):
    """One arm a trial of deep-supervision: time to target, baseline at 300."""

    def make(trial, seed, group):
        at = (300.0, fast * math.exp(wobble(seed)))[group]
        metrics = {"margin": margins[group], "error": 0.01, "score": 0.9}
        return a_result(trial, [{**metrics, "curve": [[0, 0.1], [at, 0.99]]}])

    return make


def series(speedup=5.0, drift=1.0):
    """Blocks of the controller's series: two processes an arm, the second `drift` as slow."""

    def make(trial, seed, group):
        arms = []
        for arm, time in enumerate((1.0, 1 / speedup)):
            noise = math.exp(arm * 0.1 * wobble(seed))
            times = [time * noise, time * drift / noise]
            keys = [f"{m}_{b}" for m in ("call", "forward") for b in (1, 4, 32, 128)]
            arms.append(dict.fromkeys(keys, times))
        return a_result(trial, arms)

    return make


def checked(*checks):
    def make(trial, seed, group):
        return a_result(trial, [{"checks": list(checks)}, *({} for _ in trial.arms[1:])])

    return make


def but(make, wrong, **changes):
    """The same results with these changes where `wrong(seed, group)`."""

    def changed(trial, seed, group):
        made = make(trial, seed, group)
        return replace(made, **changes) if wrong(seed, group) else made

    return changed


def without(make, missing):
    return lambda trial, seed, group: None if missing(seed, group) else make(trial, seed, group)


# -- exact and consistency claims -----------------------------------------------------------------
def test_an_exact_claim_whose_primary_checks_hold_is_exact(row):
    found = row("halt-max", QUICK, checked(a_check(True), a_check(False, primary=False)))
    assert found.verdict.verdict is Word.EXACT
    assert (found.verdict.estimate, found.verdict.low, found.null, found.level) == (None,) * 4
    assert [c.primary for c in found.checks] == [True, False]
    assert (found.verdict.n, found.planned, found.stored) == (1, 1, 1)


def test_one_primary_check_that_fails_is_a_mismatch_with_both_values(row):
    found = row("halt-max", QUICK, checked(a_check(True), a_check(False, what="b")))
    word, reason = said(found)
    assert word is Word.MISMATCH
    assert "b: documented 1, observed 2 (equal)" in reason
    assert "1 of 2 checks fail" in reason


def test_an_exact_claim_without_any_check_is_invalid(row):
    assert said(row("halt-max", QUICK, checked()))[0] is Word.INVALID


def test_the_demonstration_is_decided_without_a_run(folder):
    found = decide.report([spec("act-demo-arithmetic")], Store.open(folder), QUICK).rows[0]
    assert found.verdict.verdict is Word.MISMATCH
    assert (found.planned, found.stored, found.cost_seconds) == (0, 0, 0)


def test_consistency_is_derived_from_the_stored_series(row):
    found = row("controller-consistency", QUICK, series())
    word, reason = said(found)
    assert word is Word.MISMATCH  # 8 calls that each take as long as the pass
    assert "800.0 %" in reason
    assert found.verdict.n == 10


def test_an_exact_claim_whose_run_failed_is_invalid(row):
    failed = but(
        checked(a_check(True)),
        lambda *_: True,
        status=Status.FAILED,
        metrics=(),
        error="ValueError: boom (x.py:1)",
    )
    found = row("halt-max", QUICK, failed)
    assert said(found) == (Word.INVALID, "1 runs failed: ValueError: boom (x.py:1)")
    assert found.failures == ("seed 0: failed: ValueError: boom (x.py:1)",)


# -- runs that are missing ------------------------------------------------------------------------
def test_an_empty_store_decides_nothing_and_says_what_it_would_cost(folder):
    for found in decide.report(claims.specs(), Store.open(folder), QUICK).rows:
        if found.verdict.id == "act-demo-arithmetic":
            continue
        word, reason = said(found)
        assert word is Word.NOT_RUN
        assert "CPU seconds" in reason
        assert found.command == f"ablations run {found.verdict.id} --tier quick"
        assert (found.verdict.n, found.verdict.estimate, found.stored) == (0, None, 0)
        assert found.planned > 0


def test_seeds_that_are_missing_leave_a_claim_inconclusive(row):
    found = row("act-savings-mixed", STANDARD, without(savings(), lambda seed, _: seed == 7))
    word, reason = said(found)
    assert word is Word.INCONCLUSIVE
    assert reason.startswith("incomplete: 19 of 20 planned seeds")
    assert found.verdict.n == 19
    assert (found.planned, found.stored) == (20, 19)


def test_half_a_pair_is_no_pair(row):
    lone = without(supervision(), lambda seed, group: (seed, group) == (3, 1))
    found = row("deep-supervision", STANDARD, lone)
    assert said(found)[0] is Word.INCONCLUSIVE
    assert found.verdict.n == 39
    assert 3 not in [point.seed for point in found.points]
    assert found.stored == 79


def test_only_baselines_make_no_pair_at_all(row):
    found = row("deep-supervision", STANDARD, without(supervision(), lambda _, group: group == 1))
    assert said(found)[0] is Word.INCONCLUSIVE
    assert (found.verdict.n, found.points, found.controls) == (0, (), ())


def test_a_timing_whose_only_block_failed_is_invalid_and_has_no_control(row):
    def failed(trial, seed, group):
        if seed == 0:
            return a_result(trial, [], status=Status.FAILED, error="E: boom (x.py:1)")
        return None

    for name in ("controller-speed", "controller-consistency"):
        found = row(name, QUICK, failed)
        assert said(found) == (Word.INVALID, "1 runs failed: E: boom (x.py:1)")
        assert found.controls == ()
        json.dumps(found.to_json(), allow_nan=False)


# -- failures -------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [Status.FAILED, Status.DIED])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("act-savings-mixed", savings()),
        ("deep-supervision", supervision()),
        ("controller-speed", series()),
        ("controller-consistency", series()),
    ],
)
def test_a_run_that_failed_makes_its_claim_invalid(name, make, status, row):
    wrong = but(
        make, lambda seed, group: seed == group == 0, status=status, metrics=(), error="E: boom"
    )
    found = row(name, STANDARD, wrong)
    assert said(found) == (Word.INVALID, "1 runs failed: E: boom")
    assert found.failures == (f"seed 0: {status}: E: boom",)


def test_a_run_that_failed_and_then_worked_counts_as_it_worked(row, folder):
    bad = but(savings(), lambda *_: True, status=Status.FAILED, metrics=(), error="E: boom")
    row("act-savings-mixed", STANDARD, bad)
    found = row("act-savings-mixed", STANDARD, savings())
    assert found.verdict.verdict is Word.CONFIRMED
    assert found.failures == ()


def test_deaths_of_the_machine_are_told_and_change_nothing(row):
    found = row("act-savings-mixed", STANDARD, but(savings(), lambda s, _: s == 2, deaths=2))
    assert found.verdict.verdict is Word.CONFIRMED
    assert found.failures == ("seed 2: 2 earlier attempts died of the machine",)


def test_a_pair_with_a_diverged_run_counts_and_withholds_the_word(row):
    lost = but(
        savings(),
        lambda seed, _: seed == 3,
        status=Status.DIVERGED,
        metrics=(),
        error="diverged at step 9: the loss is nan",
    )
    found = row("act-savings-mixed", STANDARD, lost)
    word, reason = said(found)
    assert word is Word.INCONCLUSIVE
    assert "1 of 20 pairs have no finite contrast" in reason
    assert found.verdict.n == 20
    assert found.verdict.estimate is None
    (point,) = [p for p in found.points if p.contrast is None]
    assert (point.seed, point.note) == (3, "no contrast")
    assert set(point.values.values()) == {None}
    assert found.failures == ("seed 3: diverged: diverged at step 9: the loss is nan",)


def test_an_arm_whose_every_run_diverges_is_beaten_by_the_baselines(row):
    lost = but(
        supervision(),
        lambda _, group: group == 0,
        status=Status.DIVERGED,
        metrics=(),
        error="diverged",
    )
    word, reason = said(row("deep-supervision", STANDARD, lost))
    assert word is Word.INVALID
    assert "last segment beats the trivial baselines" in reason


def test_how_many_runs_arrive_is_noted_with_mcnemars_test(row):
    found = row("deep-supervision", STANDARD, supervision())
    (note,) = [n for n in found.notes if n.startswith("Arrived")]
    assert "40 of 40 (last segment; median 300), 40 of 40 (every segment; median 100)" in note
    assert note.endswith("exact McNemar p = 1")


def test_a_diverged_run_never_arrives_and_counts_at_the_cap(row):
    lost = but(
        supervision(),
        lambda seed, group: (seed, group) == (3, 0),
        status=Status.DIVERGED,
        metrics=(),
        error="diverged",
    )
    found = row("deep-supervision", STANDARD, lost)
    assert found.verdict.n == 40
    (point,) = [p for p in found.points if p.note]
    assert point.note == "at the cap: last segment"
    assert point.values["last segment"] == spec("deep-supervision").form.cap


# -- controls -------------------------------------------------------------------------------------
def test_an_arm_that_does_not_beat_the_trivial_baselines_makes_its_claim_invalid(row):
    found = row("deep-supervision", STANDARD, supervision(margins=(0.029, 0.1)))
    word, reason = said(found)
    assert word is Word.INVALID
    assert "last segment beats the trivial baselines" in reason
    assert [c.passed for c in found.controls] == [False, True]
    assert found.controls[0].low == pytest.approx(0.029 - 0.03)


def test_three_standard_errors_are_what_it_takes_to_beat_them(row):
    found = row("deep-supervision", STANDARD, supervision(margins=(0.031, 0.031)))
    assert [c.passed for c in found.controls] == [True, True]
    assert found.verdict.verdict is Word.CONFIRMED


def test_an_untrained_tier_still_checks_its_arms_against_the_baselines(row):
    assert said(row("act-savings-mixed", QUICK, savings(margin=0.0)))[0] is Word.INVALID


def test_equal_code_that_differs_between_processes_makes_a_timing_invalid(row):
    word, reason = said(row("controller-speed", QUICK, series(drift=1.3)))
    assert word is Word.INVALID
    assert "A versus A" in reason


def test_equal_code_within_a_quarter_of_the_band_lets_a_timing_be_decided(row):
    found = row("controller-speed", QUICK, series(drift=1.001))
    assert found.verdict.verdict is Word.CONFIRMED
    assert found.verdict.estimate == pytest.approx(0.2, rel=0.01)
    assert found.verdict.n == 20  # two pairs a block
    (control,) = found.controls
    assert control.passed
    assert control.low < control.estimate < control.high


@pytest.mark.parametrize(("others", "told"), [(0.02, False), (0.8, True), (None, False)])
def test_what_other_processes_took_while_it_was_timed_is_told(others, told, row):
    found = row("controller-speed", QUICK, spoilt(series(), "others", others))
    assert any(n.startswith("Other processes took up to 0.80 cores") for n in found.notes) is told
    assert found.verdict.verdict is Word.CONFIRMED


def test_arms_at_the_same_floor_make_a_claim_invalid(row):
    found = row("act-savings-mixed", STANDARD, savings(extreme="floor: all stop at once"))
    assert said(found)[0] is Word.INVALID
    assert "floor: all stop at once" in said(found)[1]


def test_one_seed_off_the_floor_is_enough_to_compare(row):
    def make(trial, seed, group):
        return savings(extreme="floor" if seed else "")(trial, seed, group)

    assert said(row("act-savings-mixed", STANDARD, make))[0] is Word.CONFIRMED


# -- words ----------------------------------------------------------------------------------------
def test_twenty_pairs_inside_the_band_confirm(row):
    found = row("act-savings-mixed", STANDARD, savings())
    assert said(found)[0] is Word.CONFIRMED
    v = found.verdict
    assert (v.n, v.tier, v.form, v.document) == (20, "standard", "ratio", "v2")
    assert v.estimate == pytest.approx(0.7, rel=1e-6)
    assert 0.6 < v.low < v.estimate < v.high < 0.8
    assert found.band == pytest.approx((0.6, 0.8))
    assert found.null == pytest.approx((0.95, 1 / 0.95))
    assert (found.neutral, found.log) == (1.0, True)
    assert found.level == 1 - 0.05 / 79
    assert found.labels == ("batch-wise", "per sample")
    assert [d.path for d in found.differences] == ["model.execution"]
    assert found.differences[0].values == ("Lockstep()", "Compacted()")
    assert [b.label for b in found.beside] == [r.label for r in spec("act-savings-mixed").beside]


@pytest.mark.parametrize(
    ("ratio", "word"),
    [(0.4, Word.EXCEEDED), (0.88, Word.WEAKER), (1.0, Word.NO_EFFECT), (1.3, Word.CONTRADICTED)],
)
def test_the_size_of_the_ratio_decides_between_the_words(ratio, word, row):
    assert said(row("act-savings-mixed", STANDARD, savings(ratio)))[0] is word


def test_the_quick_tier_shows_an_estimate_of_a_trained_claim_and_decides_nothing(row):
    found = row("act-savings-mixed", QUICK, savings())
    word, reason = said(found)
    assert word is Word.INCONCLUSIVE
    assert "quick tier" in reason
    assert found.verdict.n == 3
    assert found.verdict.estimate == pytest.approx(0.7, rel=0.05)


def test_the_quick_tier_decides_claims_that_are_not_trained(row):
    def make(trial, seed, group):
        ratio = 0.08 / 0.15 * math.exp(wobble(seed))
        arms = [{"variance": v, "relative": 1.0, "mean_norm": 1.0} for v in (1.0, ratio)]
        return a_result(trial, arms)

    found = row("metarl-gradient-variance", QUICK, make)
    assert said(found)[0] is Word.CONFIRMED
    assert found.verdict.n == 40


def test_a_trend_reads_one_slope_a_seed_over_all_its_arms(row):
    def make(trial, seed, group):
        score = 0.7 + 0.03 * group + 0.001 * (seed % 5 - 2) * (group - 1)
        return a_result(
            trial, [{"score": score, "valid": 0.1, "margin": 0.1, "error": 0.01, "curve": []}]
        )

    found = row("refinement-quality", STANDARD, make)
    assert said(found)[0] is Word.CONFIRMED
    assert found.verdict.estimate == pytest.approx(0.03, abs=1e-6)
    assert (found.neutral, found.log, found.verdict.n) == (0.0, False, 20)
    beside = {b.label: b.estimate for b in found.beside}
    assert beside["4 segments less 2"] == pytest.approx(0.03, abs=1e-6)
    assert len(found.controls) == 3
    assert all(len(p.values) == 3 for p in found.points)
    assert {"model.segments.count"} == {
        d.path for d in found.differences if d.values[1] != d.values[2]
    }


def test_a_cap_that_hides_the_size_leaves_the_direction_alone(row):
    def make(trial, seed, group):
        made = supervision()(trial, seed, group)
        if group == 0 and seed % 3 == 0:
            (metrics,) = made.metrics
            return replace(made, metrics=({**metrics, "curve": [[0, 0.1]]},))
        return made

    assert said(row("deep-supervision", STANDARD, make))[0] is Word.DIRECTION_ONLY


# -- what a sample looks like, and what the calibration withholds ---------------------------------
def test_the_shape_of_the_contrasts_is_told(row):
    found = row("act-savings-mixed", STANDARD, savings())
    (shape,) = [note for note in found.notes if note.startswith("Shape")]
    assert "20 contrasts: skewness -0.00" in shape or "20 contrasts: skewness +0.00" in shape
    assert "(bound 0.95), excess kurtosis -1.3" in shape
    assert "15 equal to an earlier one" in shape
    assert any("reads an interval 2.4 times as wide" in note for note in found.notes)


def test_zeros_among_the_contrasts_are_counted(row):
    found = row("act-savings-mixed", STANDARD, savings(1.0))
    assert any(note.endswith("4 exactly zero") for note in found.notes)


def test_timings_are_symmetric_by_construction_and_say_why(row):
    found = row("controller-speed", QUICK, series())
    assert any(note.startswith("Symmetric by construction: the machine") for note in found.notes)
    assert not any("times as wide" in note for note in found.notes)


def test_a_claim_whose_cell_is_beyond_its_bound_is_withheld(row, table):
    table(calibrated(wrong=150))
    found = row("act-savings-mixed", STANDARD, savings())
    word, reason = said(found)
    assert word is Word.INCONCLUSIVE
    assert "by itself CONFIRMED, but at 20 pairs with normal and t3 and" in reason
    assert found.verdict.estimate == pytest.approx(0.7, rel=1e-6)


def test_without_any_calibration_every_verdict_is_withheld(row, table):
    table(None)
    word, reason = said(row("act-savings-mixed", STANDARD, savings()))
    assert word is Word.INCONCLUSIVE
    assert "nothing is calibrated yet" in reason


# -- bad input ------------------------------------------------------------------------------------
BAD = [math.nan, math.inf, -math.inf, None, "much", [], [1.0, 2.0, 3.0], {}]
PASSES = {Word.CONFIRMED, Word.EXCEEDED, Word.NO_EFFECT, Word.EXACT}


def spoilt(make, metric, value, seeds=(3,), arms=(0, 1)):
    """The same results with a metric replaced, or taken away where the value is `...`."""

    def changed(trial, seed, group):
        made = make(trial, seed, group)
        if seed not in seeds or made is None:
            return made
        metrics = [
            {k: v for k, v in {**m, metric: value}.items() if v is not ...} if i in arms else m
            for i, m in enumerate(made.metrics)
        ]
        return replace(made, metrics=tuple(metrics))

    return changed


@pytest.mark.parametrize("arms", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("bad", [*BAD, 0.0, -3.0, ...])
def test_a_metric_that_gives_no_ratio_withholds_the_word_and_counts_its_pair(bad, arms, row):
    if arms == (0, 1) and isinstance(bad, list):
        bad = [*bad, math.nan]  # three numbers in both arms would be three pairs
    found = row("act-savings-mixed", STANDARD, spoilt(savings(), "operations", bad, arms=arms))
    word, reason = said(found)
    assert word is Word.INCONCLUSIVE
    assert found.verdict.n in (20, 22, 23)  # three values make three pairs
    assert "have no finite contrast" in reason
    assert (found.verdict.estimate, found.verdict.low) == (None, None)
    assert [p.note for p in found.points].count("no contrast") in (1, 3)
    if bad in (0.0, -3.0):
        assert any("1 of 20 pairs have a value that isn't positive" in n for n in found.notes)
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("bad", [*BAD, -0.5, ...])
@pytest.mark.parametrize("metric", ["margin", "error"])
def test_a_margin_that_is_no_number_beats_nothing(metric, bad, row):
    everywhere = spoilt(savings(), metric, bad, seeds=range(20))
    found = row("act-savings-mixed", STANDARD, everywhere)
    assert found.verdict.verdict is (
        Word.INVALID if metric == "margin" or bad != -0.5 else ...
    ) or (metric == "error" and bad == -0.5)
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("bad", [*BAD, [], [1.0], [0.0, 1.0], [1.0, math.nan], ["a", 1.0], ...])
def test_equal_code_without_a_ratio_of_times_fails_its_control(bad, row):
    found = row("controller-speed", QUICK, spoilt(series(), "call_32", bad, seeds=(2,)))
    word, reason = said(found)
    assert word is Word.INVALID
    assert "2 of 20 pairs of equal code have no ratio of times" in reason
    assert [c.passed for c in found.controls] == [False]
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    "bad", [*BAD[:-2], {}, ..., [[25, math.inf]], [[25, math.nan]], [[25, "x"]]]
)
def test_a_curve_that_is_none_never_arrives(bad, row):
    found = row("deep-supervision", STANDARD, spoilt(supervision(), "curve", bad, arms=(0,)))
    assert [p.note for p in found.points if p.note] == ["at the cap: last segment, every segment"]
    assert found.verdict.n == 40
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, ..., [], "x"])
def test_figures_that_cannot_be_derived_make_a_consistency_claim_invalid(bad, row):
    found = row("controller-consistency", QUICK, spoilt(series(), "forward_32", bad))
    word, reason = said(found)
    assert word is Word.INVALID
    assert "what was measured doesn't give the figures" in reason


@pytest.mark.parametrize(("ratio", "word"), [(0.7, Word.CONFIRMED), (1.0, Word.NO_EFFECT)])
def test_constant_metrics_are_their_own_interval(ratio, word, row):
    def make(trial, seed, group):
        arms = [{"operations": n, "margin": 0.1, "error": 0.01} for n in (1000.0, 1000.0 * ratio)]
        return a_result(trial, arms)

    found = row("act-savings-mixed", STANDARD, make)
    assert said(found)[0] is word
    assert found.verdict.low == found.verdict.estimate == found.verdict.high
    assert any("19 equal to an earlier one" in note for note in found.notes)


@pytest.mark.parametrize("left", [0, 1, 2, 3, 11])
def test_a_handful_of_pairs_decides_nothing(left, row):
    found = row("act-savings-mixed", STANDARD, without(savings(), lambda seed, _: seed >= left))
    word, _ = said(found)
    assert word is (Word.INCONCLUSIVE if left else Word.NOT_RUN)
    assert found.verdict.n == left
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("seeds", [0, 1, 2, 3, 11])
def test_a_tier_without_enough_seeds_decides_nothing(seeds, folder):
    few = replace(spec("act-savings-mixed"), seeds=dict.fromkeys(Tier, seeds))
    store = Store.open(folder)
    for trials in plan(few, STANDARD).trials:
        store.add(savings()(trials[0], trials[0].seed, 0))
    (found,) = decide.report([few], Store.open(folder), STANDARD).rows
    word, reason = said(found)
    assert word is Word.INCONCLUSIVE
    assert f"{seeds} pairs were planned" in reason
    assert "at least 12 pairs" in reason
    json.dumps(found.to_json(), allow_nan=False)


def test_seeds_with_results_in_one_arm_only_are_counted_and_shown(row):
    lone = without(supervision(), lambda seed, group: (seed, group) in ((3, 1), (7, 0)))
    found = row("deep-supervision", STANDARD, lone)
    assert "2 seeds have results in some arms only, make no pair, and drop out" in found.notes
    one = without(supervision(), lambda seed, group: (seed, group) == (3, 1))
    found = row("deep-supervision", Tier.FULL, one)
    assert "1 seed has results in some arms only, makes no pair, and drops out" in found.notes


def test_no_spoilt_number_ever_turns_into_a_pass(row):
    for metric in ("operations", "margin", "error", "extreme"):
        for bad in (math.nan, math.inf, None, "much", []):
            everywhere = spoilt(savings(), metric, bad, seeds=range(20))
            if metric != "extreme":
                assert said(row("act-savings-mixed", STANDARD, everywhere))[0] not in PASSES


# -- other forms ----------------------------------------------------------------------------------
def decided(folder, claim, make):
    store = Store.open(folder)
    for seed, trials in enumerate(plan(claim, STANDARD).trials):
        for group, trial in enumerate(trials):
            store.add(make(trial, seed, group))
    return decide.report([claim], Store.open(folder), STANDARD).rows[0]


@pytest.mark.parametrize(
    ("shift", "word"),
    [(0.0, Word.CONFIRMED), (-0.04, Word.INCONCLUSIVE), (-0.2, Word.CONTRADICTED)],
)
def test_a_claim_that_nothing_is_lost_is_decided_against_its_margin(shift, word, folder):
    zones = Zones(null=0.05, null_reason="5 points", margin=True, unit="points")
    form = NonInferior(metric="score", zones=zones)

    def make(trial, seed, group):
        score = 0.8 + group * (shift + wobble(seed))
        return a_result(trial, [{"score": score, "margin": 0.1, "error": 0.01}])

    claim = replace(spec("deep-supervision"), form=form, beside=())
    found = decided(folder, claim, make)
    assert said(found)[0] is word
    assert (found.verdict.form, found.null) == ("non-inferior", (-0.05, 0.05))


def test_an_external_claim_is_not_run_until_there_is_a_record_of_it(folder):
    zones = Zones(null=0.05, null_reason="5 points", band=(0.38, 0.43), unit="accuracy")
    form = External(cost="8 GPUs for a day", inner=OneSample(metric="score", zones=zones))
    claim = replace(spec("deep-supervision"), form=form, beside=(), arms=spec("halt-max").arms[:1])
    (found,) = decide.report([claim], Store.open(folder), STANDARD).rows
    assert said(found) == (Word.NOT_RUN, "no run is stored; it takes 8 GPUs for a day")
    assert found.command == "ablations run deep-supervision --tier standard"
    assert found.verdict.form == "external"

    def make(trial, seed, group):
        return a_result(trial, [{"score": 0.4 + wobble(seed) / 30, "margin": 0.1, "error": 0.01}])

    found = decided(folder, claim, make)
    assert said(found)[0] is Word.CONFIRMED
    assert (found.verdict.form, found.verdict.n) == ("external", 40)


# -- reports --------------------------------------------------------------------------------------
MIX = ("act-savings-mixed", "deep-supervision", "controller-speed", "halt-max")


def everything(name):
    makes = [savings(), supervision(), series(), checked(a_check(True))]
    return dict(zip(MIX, makes, strict=True))[name]


def a_report(folder, order=1):
    """A report on the same results, stored forwards or backwards."""
    store = Store.open(folder, create=True)
    results = [
        replace(everything(name)(trial, seed, group), attempt="1")
        for name in MIX
        for seed, trials in enumerate(plan(spec(name), STANDARD).trials)
        for group, trial in enumerate(trials)
    ]
    for result in results[::order]:
        store.add(result)
    return decide.report(claims.choose(MIX), Store.open(folder), STANDARD)


def as_bytes(report):
    return json.dumps(report.to_json(), allow_nan=False).encode()


def test_equal_stores_give_equal_bytes_whatever_the_order_of_results(tmp_path):
    forwards, backwards = (a_report(tmp_path / str(order), order) for order in (1, -1))
    assert as_bytes(forwards) == as_bytes(backwards)
    again = decide.report(claims.choose(MIX), Store.open(tmp_path / "1"), STANDARD)
    assert as_bytes(again) == as_bytes(forwards)


def test_a_report_comes_back_from_its_json(tmp_path):
    report = a_report(tmp_path / "store")
    assert Report.from_json(json.loads(as_bytes(report))) == report


def test_a_report_counts_its_verdicts_runs_and_costs(tmp_path):
    report = a_report(tmp_path / "store")
    assert report.tally == {"EXACT": 1, "CONFIRMED": 3}
    assert report.runs == 20 + 80 + 10 + 1
    assert report.cpu_seconds == pytest.approx(1.5 * report.runs)
    assert (report.commits, report.dirty, report.members) == (("abc",), False, 79)
    assert report.machines == ("c, 2 cores, 1 thread a run, s",)
    assert report.versions == {"torch": "2"}
    assert [r.verdict.id for r in report.rows] == list(MIX)


def test_a_report_says_what_became_of_the_family(tmp_path):
    found = a_report(tmp_path / "store").family
    assert (found.members, found.tested, found.withheld, found.failed) == (79, 3, 0, 0)
    statistical = sum(claim.form.name not in ("exact", "consistency") for claim in claims.specs())
    assert found.not_run == statistical - 3
    assert found.tested + found.not_run + found.without_spec == 79


def test_a_report_carries_the_calibration_and_says_when_the_engine_has_changed(tmp_path, table):
    assert not a_report(tmp_path / "a").calibration.current
    table(replace(calibrated(), digest=calibration.digest()))
    found = a_report(tmp_path / "b").calibration
    assert found.current
    assert (found.replicates, found.limit, len(found.cells)) == (200_000, 1.25, 8 * 5 * 2 * 3)
    table(None)
    assert a_report(tmp_path / "c").calibration is None


def test_runs_that_claims_share_are_counted_once(folder):
    store = Store.open(folder)
    for trials in plan(spec("controller-speed"), QUICK).trials:
        store.add(series()(trials[0], trials[0].seed, 0))
    names = ["controller-speed", "controller-forward-share", "controller-consistency"]
    report = decide.report(claims.choose(names), Store.open(folder), QUICK)
    assert report.runs == 10
    assert [r.stored for r in report.rows] == [10, 10, 10]


def test_results_of_another_tier_or_claim_are_left_out(folder):
    store = Store.open(folder)
    for trials in plan(spec("act-savings-mixed"), STANDARD).trials:
        store.add(savings()(trials[0], trials[0].seed, 0))
    report = decide.report([spec("act-savings-mixed")], Store.open(folder), QUICK)
    assert (report.runs, report.rows[0].stored) == (3, 3)


def test_a_report_without_runs_has_no_machine(folder):
    report = decide.report(claims.specs(), Store.open(folder), QUICK)
    assert (report.runs, report.machines, report.commits, report.dirty) == (0, (), (), False)
    assert report.tally["NOT RUN"] == len(claims.specs()) - 1
    assert Report.from_json(json.loads(as_bytes(report))) == report
