"""A timing claim is INVALID where contrasts drift, or where equal code differs."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.claims import ours
from ablations.judging import timing
from ablations.judging.cells import parts_of
from ablations.rule import Pairs, Word, judge, table_for, zones
from ablations.specs.claim import Statistical
from ablations.specs.protocols import Execute

SPEED = zones.ratio(null=0.1, because="felt", fewer=True, about=(0.1, 0.4))
SHARE = zones.ratio(null=0.01, because="seen", fewer=True, about=(0.9, 0.95))
TABLE = table_for(89)
LOUD = [0.02 * (-1) ** i for i in range(16)]


def test_the_lag_correlation_is_that_of_neighbours_about_the_common_mean():
    x = [1.0, 3.0, 2.0, 6.0]  # deviations -2, 0, -1, 3: (0 + 0 - 3) / 14
    assert timing.lag1(x) == pytest.approx(-3 / 14)


@given(
    x=st.lists(st.integers(-9, 9).map(float), min_size=2, max_size=20),
    shift=st.integers(-9, 9),
    scale=st.sampled_from([-2.0, 0.5]),
)
def test_the_lag_correlation_has_no_unit_and_no_origin(x, shift, scale):
    found = timing.lag1(x)
    assert -1 <= found <= 1
    assert timing.lag1([scale * value + shift for value in x]) == pytest.approx(found, abs=1e-9)
    assert timing.lag1(x[::-1]) == pytest.approx(found, abs=1e-9)


def test_what_is_not_finite_is_left_out_of_the_lag_correlation():
    assert timing.lag1([1.0, math.inf, 3.0, math.nan, 2.0, 6.0]) == pytest.approx(-3 / 14)
    assert timing.lag1([]) == timing.lag1([1.0]) == timing.lag1([2.0, 2.0, 2.0]) == 0


def test_contrasts_that_drift_make_a_claim_invalid_and_alternating_ones_do_not():
    drifting = [0.01 * i for i in range(16)]
    assert "0.81" in timing.drift(drifting)
    (fault,) = timing.faults(drifting, LOUD, SPEED, TABLE)
    assert judge(Pairs.exact([2.0] * 16), SPEED, TABLE, faults=[fault]).word is Word.INVALID
    assert timing.faults(LOUD, LOUD, SPEED, TABLE) == ()


@dataclass(frozen=True, kw_only=True)
class Timed(Execute):
    alone: ClassVar[bool] = True


def test_pairs_drift_in_the_order_in_which_they_were_measured(lab):
    places = [i // 2 if i % 2 else 15 - i // 2 for i in range(16)]  # by seed; neighbours far apart
    claim = lab.statistical(protocol=Timed(after=None))
    memory = lab.Memory().fill(claim, lab.pairs([0.3 + 0.01 * place for place in places]))
    assert lab.row(claim, memory).verdict.verdict is Word.CONFIRMED
    memory.results = {
        key: lab.replace(r, started=f"2026-01-01T00:00:{places[r.trial.seed % 1_000]:02d}Z")
        for key, r in memory.results.items()
    }
    row = lab.row(claim, memory)
    assert row.verdict.verdict is Word.INVALID
    assert "0.81" in row.faults[0]


def test_a_lag_correlation_at_the_limit_is_allowed(monkeypatch):
    for found, fault in ((timing.most_lag(16), False), (timing.most_lag(16) + 1e-9, True)):
        monkeypatch.setattr(timing, "lag1", lambda _, found=found: found)
        assert bool(timing.drift(LOUD)) == fault


def test_the_limit_falls_with_the_pairs_to_the_one_that_is_published():
    limits = [timing.most_lag(n) for n in range(10, 241)]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == timing.MOST_LAG
    assert [round(timing.most_lag(n), 2) for n in (16, 26, 60, 120)] == [0.57, 0.48, 0.34, 0.3]
    assert timing.drift([1.0, 2.0]) == "", "two contrasts tell nothing"


NOISES = {
    "normal": lambda chance, size: chance.normal(size=size),
    "uniform": lambda chance, size: chance.uniform(size=size),
    "t3": lambda chance, size: chance.standard_t(3, size=size),
    "Cauchy": lambda chance, size: chance.standard_cauchy(size=size),
    "ties": lambda chance, size: chance.integers(0, 3, size=size).astype(float),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("n", [16, 26, 60])
def test_a_report_whose_series_do_not_drift_raises_few_false_alarms(noise, n):
    reports = 400
    chance = np.random.default_rng(n)
    series = NOISES[noise](chance, (reports, timing.SERIES, n))
    alarms = sum(any(timing.drift(list(x)) for x in report) for report in series)
    assert alarms / reports <= 0.11, "5 %, more for tails, and three errors of sampling"
    published = sum(any(timing.lag1(x) > timing.MOST_LAG for x in report) for report in series)
    if n < 60:
        assert published / reports > 0.25, "which the published limit alone would raise"


def test_a_machine_whose_mood_lasts_for_half_of_the_pairs_is_noticed():
    chance = np.random.default_rng(0)
    moods = np.where(np.arange(26) < 13, 0.0, 4.0)
    found = [bool(timing.drift(list(moods + x))) for x in chance.normal(size=(400, 26))]
    assert np.mean(found) > 0.95


def test_a_report_of_ours_shows_no_more_series_than_the_limit_is_for():
    everything = [*ours().specs, *(control.claim for control in ours().controls())]
    timed = [
        claim
        for claim in everything
        if isinstance(claim, Statistical) and any(cell.protocol.alone for cell in claim.cells)
    ]
    assert 0 < sum(len(parts_of(claim)) for claim in timed) <= timing.SERIES


def test_a_twin_may_differ_by_the_null_zone_or_a_quarter_of_the_band():
    assert timing.tolerance(SPEED) == pytest.approx(-math.log(0.9)), "less than log(4) / 4"
    assert timing.tolerance(SHARE) == pytest.approx(-math.log(0.99)), "less than 0.0135"
    wide = zones.ratio(null=0.04, because="felt", fewer=True, about=(0.9, 0.95))
    assert timing.tolerance(wide) == pytest.approx((math.log(0.95) - math.log(0.9)) / 4)
    open_ended = zones.ratio(null=0.1, because="felt", fewer=True, at_least=0.5)
    assert timing.tolerance(open_ended) == pytest.approx(-math.log(0.9))
    margin = zones.not_worse(margin=0.02, because="noticed")
    assert timing.tolerance(margin) == pytest.approx(0.02)


def noisy(centre, n=16):
    return centre + np.random.default_rng(0).normal(0, 0.001, n)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_twin_that_differs_by_more_is_a_fault_on_either_side(side):
    (fault,) = timing.faults(LOUD, list(noisy(0.05 * side)), SHARE, TABLE)
    assert fault.startswith("equal code differs")


def test_a_twin_that_differs_by_less_is_none():
    assert timing.twin_differs(list(noisy(0.005)), SHARE, TABLE) == ""


def test_a_twin_whose_interval_holds_zero_is_open_and_no_fault():
    assert timing.twin_differs(LOUD, SHARE, TABLE) == "", "far beyond the tolerance on both sides"


def test_a_twin_on_one_side_of_zero_that_may_exceed_the_tolerance_is_a_fault():
    x = noisy(0.0095)
    assert 0 < x.min() < timing.tolerance(SHARE) < x.max()
    assert timing.twin_differs(list(x), SHARE, TABLE) != ""


def test_twins_are_judged_at_the_claims_own_looks():
    assert timing.twin_differs([0.05] * 15, SHARE, TABLE) == "", "before the first look"
    assert timing.twin_differs([0.05] * 16, SHARE, TABLE) != ""
    mixed = [0.05] * 23 + [-0.05] * 3  # 26 pairs: three exceptions are allowed
    assert timing.twin_differs(mixed, SHARE, TABLE) != ""
    assert timing.twin_differs([*mixed[:22], *[-0.05] * 4], SHARE, TABLE) != "", "the look at 16"
    assert timing.twin_differs([*[-0.05] * 4, *mixed[:22]], SHARE, TABLE) == ""


def test_an_unknown_twin_counts_as_an_exception():
    assert timing.twin_differs([0.05] * 15 + [math.nan], SHARE, TABLE) == ""
