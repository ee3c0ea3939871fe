"""Checks of who stops when find a wrong account, a loop that goes on, and stops that are shared."""

import dataclasses

import pytest

from ablations.claims import sets
from ablations.claims.exact import printed, stopping
from ablations.protocols import rigged
from hrm import recipes
from hrm.config import Compacted, Lockstep, Masked
from hrm.model import execution
from tests.ablations.protocols.tiny import executed, tiny


def primary(function, *arms, **settings):
    return [c.holds for c in function(arms, 0, **settings) if c.primary]


@pytest.mark.parametrize(
    ("part", "holds"), [(Compacted(), True), (Masked(), False), (Lockstep(), True)]
)
def test_cycles_are_accounted_for_where_rows_that_stopped_are_not_computed(part, holds):
    found = primary(stopping.accounting, executed(tiny(), part), batch=6, batches=4)
    assert found == [holds]


def test_one_cycle_too_many_in_the_account_is_found(monkeypatch):
    finish = execution._Log.finish
    monkeypatch.setattr(execution._Log, "finish", lambda log, z, taken: finish(log, z, taken + 1))
    compacted = executed(tiny(), Compacted())
    assert primary(stopping.accounting, compacted, batch=6, batches=2) == [False]


@pytest.mark.parametrize(
    ("part", "holds"), [(Compacted(), True), (Masked(), True), (Lockstep(), False)]
)
def test_a_loop_ends_with_its_slowest_sample_unless_the_batch_is_one(part, holds):
    found = primary(stopping.ends, executed(tiny(), part), batch=4, batches=12)
    assert found == [holds, holds]


def test_samples_stop_apart_in_the_modes_in_which_each_stops_for_itself():
    system = recipes.gru(inputs=8, hidden_low=8, hidden_high=16)
    assert primary(stopping.apart, system) == [True, False]
    evaluation = dataclasses.replace(system.model, evaluation=Masked())
    assert primary(stopping.apart, dataclasses.replace(system, model=evaluation)) == [True, True]


def test_the_rig_makes_half_of_the_samples_want_to_stop_early():
    model = rigged.HRM(executed(tiny(), Masked()).model).double()
    inputs = rigged.inputs(model.config, 32, rigged.seeded(0)).double()
    rigged.diversify(model, inputs)
    run = model.eval()(inputs).run
    assert int((run.margins[:-1] > 0).any(0).sum()) == 16


FIGURES = {
    "act-savings-mixed": ("20%", "40%"),
    "act-ops-mixed-batch": ("38%", "256", "160"),
    "act-easy-cycles": ("70%", "8", "2", "3"),
    "act-hard-cycles": ("8", "6", "8"),
}


def test_savings_within_the_range_that_some_mix_gives_go_together():
    figures = [text for texts in FIGURES.values() for text in texts]
    assert primary(printed.one_mix, figures=figures) == [True, True]
    assert primary(printed.one_mix, figures=[*figures[:2], "45%", *figures[3:]]) == [False, True]
    assert primary(printed.one_mix, figures=[*figures[:2], "90%", *figures[3:]]) == [False, False]


def test_the_figures_of_the_consistency_claim_are_the_ledgers_in_the_functions_order():
    (claim,) = sets.choose(["act-scope-consistency"])
    assert len(claim.check.figures) == sum(map(len, FIGURES.values()))
    found = list(printed.one_mix([], 0, figures=claim.check.figures))
    assert "from 256 to 140" in found[0].observed
