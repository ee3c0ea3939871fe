"""Two commits' benchmarks by turns: the rule on figures that are made up, and tiny real ones."""

import math
from fractions import Fraction

import numpy as np
import pytest

from ablations.history import processes, turns
from ablations.history.processes import Figure
from ablations.history.turns import Change
from ablations.planning.chances import Spread, chances
from ablations.rule import zones
from ablations.rule.table import error
from hrm.errors import UserError

KEY = ("suite.time_x", "a")


def figure(value, version="1"):
    return Figure(version=version, unit="seconds", value=value)


def pairs_of(*ratios):
    return [({KEY: figure(1.0)}, {KEY: figure(ratio)}) for ratio in ratios]


def judged(*ratios, threshold=0.05, members=1):
    table = turns.derived(members, len(ratios))
    (found,) = turns.judged(pairs_of(*ratios), table, threshold=threshold).figures
    return found


# -- the rule -------------------------------------------------------------------------------------
@pytest.mark.parametrize("members", [1, 7, 90, 300])
def test_so_many_figures_share_an_error_of_five_percent_and_no_more_exceptions_would(members):
    for pairs in (turns.fewest(members, 0), turns.fewest(members, 1), 40):
        table = turns.derived(members, pairs)
        (c,) = table.exceptions.values()
        assert 2 * members * error(table.exceptions, Fraction(1, 2)) <= Fraction(1, 20)
        assert 2 * members * error({pairs: c + 1}, Fraction(1, 2)) > Fraction(1, 20)


def test_the_fewest_pairs_are_the_fewest():
    assert turns.fewest(1, 0) == 6  # 2 / 2⁶ = 3.1 %
    assert turns.fewest(1, 1) == 9  # 2 · 10 / 2⁹ = 3.9 %
    with pytest.raises(UserError, match="6 or more"):
        turns.derived(1, 5)


def test_a_slowdown_is_established_where_all_pairs_but_the_exceptions_exceed_the_threshold():
    assert judged(*[1.06] * 9).change is Change.SLOWER
    assert judged(*[1.06] * 8, 1.0).change is Change.SLOWER
    assert judged(*[1.06] * 7, 1.0, 1.0).change is not Change.SLOWER
    assert judged(*[1.04] * 9).change is not Change.SLOWER
    assert judged(*[1.06] * 9).beyond == 9


def test_a_threshold_is_the_one_that_was_asked_for():
    assert judged(*[1.15] * 9, threshold=0.1).change is Change.SLOWER
    assert judged(*[1.15] * 9, threshold=0.2).change is not Change.SLOWER


def test_what_is_faster_equal_or_open_is_told_apart():
    assert judged(*[0.9] * 9).change is Change.FASTER
    assert judged(*[1.0] * 9).change is Change.EQUAL
    assert judged(*[0.9, 1.0] * 4, 1.0).change is Change.NOT_SLOWER
    assert judged(*[0.8, 1.3] * 4, 1.0).change is Change.OPEN


def test_one_disturbed_process_doesnt_hide_a_slowdown():
    assert judged(*[1.2] * 8, 0.001).change is Change.SLOWER


def test_a_figure_that_got_lost_counts_on_no_side():
    table = turns.derived(1, 9)
    found = pairs_of(*[1.2] * 9)
    for lost in (3, 4):
        found[lost] = (found[lost][0], {KEY: figure(None)})
    (one,) = turns.judged(found, table, threshold=0.05).figures
    assert one.change is Change.OPEN


def test_counts_are_compared_too_zero_included():
    assert turns.contrast(figure(0.0), figure(0.0)) == 0
    assert turns.contrast(figure(0.0), figure(3.0)) == math.inf
    assert turns.contrast(figure(2.0), figure(1.0)) == pytest.approx(-math.log(2))
    assert math.isnan(turns.contrast(None, figure(1.0)))


def test_more_figures_need_more_agreement():
    assert judged(*[1.2] * 6).change is Change.SLOWER
    with pytest.raises(UserError, match="14 or more"):
        judged(*[1.2] * 6, members=300)


@pytest.mark.parametrize("pairs", [9, 30])
@pytest.mark.parametrize("scatter", [0.01, 0.1])
def test_what_could_have_been_seen_is_what_planning_counts(pairs, scatter):
    table = turns.derived(3, pairs) if pairs > 9 else turns.derived(1, pairs)
    found = turns.settleable(0.05, scatter, table)
    fixed = zones.ratio(null=0.05, because="it is allowed")
    for truth, low, high in ((found, 0.799, 0.801), (found * (1 + scatter), 0.85, 1)):
        beyond = Spread(sd=scatter).beyond(math.log(truth))
        assert low <= chances(fixed, table, beyond)[-1].holds <= high
    assert turns.settleable(0.05, 0.0, table) == pytest.approx(1.05)


def test_figures_of_equal_commits_are_rarely_called_slower_even_where_they_scatter():
    noise = np.random.default_rng(0)
    table = turns.derived(1, 9)
    slower = sum(
        turns.judged(pairs_of(*np.exp(noise.normal(0, 0.3, 9))), table, threshold=0.05)
        .figures[0]
        .change
        is Change.SLOWER
        for _ in range(300)
    )
    assert slower <= 15


def test_figures_that_one_commit_lacks_or_means_otherwise_arent_compared():
    a = {("x", ""): figure(1), ("y", ""): figure(1), ("z", "b"): figure(None)}
    b = {("y", ""): figure(1, "2"), ("z", "b"): figure(1), ("w", ""): figure(2)}
    shared, left = turns.comparable([(a, b)])
    assert shared == []
    assert left["x"] == "only the first commit has it"
    assert left["w"] == "only the second commit has it"
    assert "version 1, then 2" in left["y"]
    assert "z b" in left


# -- commits ------------------------------------------------------------------------------------
def test_processes_take_turns_and_the_order_within_pairs_alternates(repository, monkeypatch):
    first, second = repository.commit(loops=1), repository.commit(loops=2)
    seen, done = [], []

    def measured(suites, pattern, *, quick):
        seen.append((suites.parent / "hrm/work.py").read_text()[14:15])
        return {KEY: figure(1.0)}

    monkeypatch.setattr(processes, "measured", measured)
    found = turns.compare(first, second, root=repository.root, said=lambda *now: done.append(now))
    assert "".join(seen) == "12211221122112211221"[: 2 * found.pairs]
    assert found.pairs == turns.fewest(1, 1) and done[-1] == (found.pairs, found.pairs)


def test_commits_without_a_benchmark_in_common_are_a_users_error(repository):
    first, second = repository.commit(version="1"), repository.commit(version="2")
    with pytest.raises(UserError, match="its meaning changed"):
        turns.compare(first, second, root=repository.root, pattern="time_work", quick=True)
    with pytest.raises(UserError, match="a share above 0"):
        turns.compare(first, second, root=repository.root, threshold=-1)


def test_a_count_that_grew_is_found_and_one_that_didnt_isnt(repository):
    first, second = repository.commit(size=100), repository.commit(size=107)
    for other, slower in ((second, 1), (first, 0)):
        found = turns.compare(first, other, root=repository.root, pattern="track_size", quick=True)
        assert len(found.slower) == slower
        assert found.pairs == turns.fewest(1, 0)


@pytest.mark.slow
def test_a_planted_slowdown_is_found_and_an_equal_commit_passes(repository):
    first, same, slow = (repository.commit(loops=n) for n in (1, 1, 3))
    found = turns.compare(first, slow, root=repository.root, pattern="Suite.time_work", quick=True)
    assert {f.name for f in found.slower} == {"suite.Suite.time_work"}
    assert len(found.slower) == 2
    assert all(f.ratio > 1.5 for f in found.slower)
    found = turns.compare(first, same, root=repository.root, pattern="Suite.time_work", quick=True)
    assert not found.slower
