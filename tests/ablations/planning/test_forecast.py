"""How long a plan says that runs take."""

import pytest

from ablations.planning import forecast
from ablations.planning.costs import STARTED, Costs
from ablations.planning.next import planning
from ablations.records.plans import Planning
from ablations.rule import Word
from ablations.runs.fingerprints import content
from ablations.runs.sequence import PAUSE
from ablations.runs.trials import PILOTS, plan, with_parents
from ablations.specs.claim import CONTROLS, Tier
from ablations.specs.protocols import Evaluate, Time
from ablations.specs.tests import Difference

TEST = Difference(null=0.1, because="made up")
START = forecast.START


def trials(claim, n):
    return plan(claim, range(n)).trials


def test_jobs_share_what_may_share_the_machine_and_each_run_costs_a_little_more(lab):
    claim = lab.statistical(TEST, cost=10.0)
    costs = Costs([claim], None, {})
    asked = trials(claim, 26)
    for jobs in (1, 2, 4):
        found = forecast.wall(asked, costs, jobs)
        assert found == pytest.approx(START + 52 * (10.0 + forecast.BETWEEN) / jobs)
    assert forecast.wall(asked[:1], costs, 4) == pytest.approx(START + 10.0)
    assert forecast.wall((), costs, 2) == 0


def test_timings_never_share_the_machine_and_their_pause_is_filled_or_waited_for(lab):
    timed = lab.statistical(TEST, protocol=Time(targets=("a:b",), batches=(1,)), cost=10.0)
    long = lab.statistical(TEST, name="long", cost=100.0)
    costs = Costs([timed, long], None, {})
    alone = 16 * (10.0 + forecast.BETWEEN_ALONE) + 2 * START
    assert forecast.wall(trials(timed, 16), costs, 2) == pytest.approx(alone + PAUSE)
    both = [*trials(timed, 16), *trials(long, 16)]
    filled = START + 16 * (100.0 + forecast.BETWEEN)
    assert forecast.wall(both, costs, 2) == pytest.approx(alone + filled)


def test_a_run_counts_as_far_as_it_is_likely(lab):
    claim = lab.statistical(TEST, cost=10.0)
    costs, asked = Costs([claim], None, {}), trials(claim, 26)
    chances = {content(trial): 0.5 for trial in asked}
    whole, half = (forecast.wall(asked, costs, 2, c) - START for c in (None, chances))
    assert half == pytest.approx(whole / 2)


def test_runs_that_start_from_trained_weights_are_taken_to_cost_less(lab):
    claim = lab.statistical(TEST, protocol=Evaluate(after=lab.TRAIN), cost=8.0)
    costs = Costs([claim], None, {})
    parent, child = with_parents(trials(claim, 1)[:1])
    assert (costs.of(parent), costs.of(child)) == (8.0, STARTED * 8.0)


def told(lab, contrasts):
    claim = lab.statistical(TEST, schedule=CONTROLS)
    memory = lab.Memory().fill(claim, lab.pairs(contrasts), seeds=PILOTS)
    found = planning(claim, lab.Reader(memory), Tier.QUICK, table=lab.TABLE, committed={})
    assert found is not None
    return found


def test_seeds_beyond_a_look_are_needed_as_far_as_it_leaves_claims_open(lab):
    clear, wide = told(lab, [0.4, 0.41, 0.39, 0.4, 0.4]), told(lab, [0.9, -0.8, 0.1, 0.4, -0.3])

    def chances(plan, seeds, **more):
        return [forecast.reached(plan, lab.TABLE, seed, **more) for seed in seeds]

    assert chances(clear, (0, 15)) == chances(wide, (0, 15)) == [1.0, 1.0]
    assert chances(clear, (16, 25)) == pytest.approx([0.0, 0.0], abs=1e-6)
    assert all(chance > 0.9 for chance in chances(wide, (16, 25, 30)))
    assert chances(None, (0, 30)) == [1.0, 1.0]
    for word in (Word.CONFIRMED, Word.NO_EFFECT, Word.CONTRADICTED):
        assert chances(clear, (16,), expected=word) == pytest.approx([0.0], abs=1e-6)


def test_controls_without_pilots_are_taken_to_settle_early_and_claims_are_not(lab):
    claim = lab.statistical(TEST, schedule=CONTROLS)
    unknown = planning(claim, None, Tier.QUICK, table=lab.TABLE, committed={})
    assert forecast.reached(unknown, lab.TABLE, 20) == 1.0
    found = forecast.reached(unknown, lab.TABLE, 20, expected=Word.NO_EFFECT)
    assert found == pytest.approx(1 - forecast.LIKELY)
    longer = lab.replace(unknown, pairs=40)
    assert forecast.reached(longer, lab.TABLE, 20, expected=Word.CONFIRMED) == 1.0


def test_what_is_refused_is_not_run(lab):
    refused = Planning(
        sd=None, source="", pairs=16, prospects=(), pairs_80=None, pairs_90=None, refusal="floor"
    )
    assert forecast.reached(refused, lab.TABLE, 0) == 0.0
