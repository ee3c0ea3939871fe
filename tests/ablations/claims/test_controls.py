"""Controls are derived from what claims measure: equal cells, and a planted configuration."""

from dataclasses import replace

import pytest

from ablations.claims import controls, sets
from ablations.claims.controls import Measurement, derived, measurements
from ablations.claims.setups import SETUPS
from ablations.metrics.curves import GradientNorm
from ablations.metrics.scores import Accuracy
from ablations.rule import Word
from ablations.runs.trials import plan
from ablations.specs.claim import Cell, Statistical, Tier, differences
from ablations.specs.protocols import Execute, Train
from ablations.specs.tests import (
    Both,
    Difference,
    Factorial,
    NotWorse,
    OneRatio,
    OneSample,
    Ratio,
    Reliable,
    Test,
    Trend,
)
from hrm.errors import UserError

STATISTICAL = [claim for claim in sets.specs() if isinstance(claim, Statistical)]
CONTROLS = sets.guards()
(TREND,) = sets.choose(["refinement-quality"])
WHY = {"null": 0.05, "because": "a test"}
JOINT = [control for control in CONTROLS if control.of.protocol.joint]
each = pytest.mark.parametrize("control", CONTROLS, ids=[c.claim.id for c in CONTROLS])


def compared(control):
    """The two cells that a control compares, as a claim of their own."""
    test = control.claim.test
    test, places = (test.parts[0], test.reads[0]) if isinstance(test, Both) else (test, (0, 1))
    cells = tuple(control.claim.cells[place] for place in places)
    labels = tuple(cell.label for cell in cells)
    return replace(control.claim, test=test, cells=cells, beside=(), unskilled=labels)


def with_test(test, cells=2):
    return replace(TREND, test=test, cells=TREND.cells[:cells], arms=(), beside=())


@pytest.mark.parametrize("claim", STATISTICAL, ids=[claim.id for claim in STATISTICAL])
def test_every_claim_decided_by_pairs_has_a_negative_and_a_positive_control(claim):
    guards = [control for control in CONTROLS if control.guards(claim)]
    for of in measurements(claim):
        assert sorted(bool(c.planted) for c in guards if c.of == of) == [False, True]


def test_controls_run_on_the_device_of_what_they_guard():
    for claim in STATISTICAL:
        slots = zip(claim.cells, plan(claim, [0], "cuda").rows[0], strict=True)
        devices = {type(cell.protocol): slot.trial.device for cell, slot in slots}
        for control in sets.guards([claim]):
            (row,) = plan(control.claim, [0], "cuda").rows
            assert {slot.trial.device for slot in row} == {devices[control.of.protocol]}


def test_no_control_guards_nothing_and_exact_claims_have_none():
    for control in CONTROLS:
        assert any(control.guards(claim) for claim in STATISTICAL)
    (exact,) = sets.choose(["halt-max"])
    assert measurements(exact) == frozenset()
    assert derived([exact]) == ()


def test_ids_depend_on_the_three_kinds_alone():
    ids = {control.claim.id for control in sets.guards([TREND])}
    assert ids == {
        "controls/train-accuracy-trend-equal",
        "controls/train-accuracy-trend-planted",
    }
    again = replace(TREND, id="other", test=replace(TREND.test, null=0.1))
    assert {control.claim.id for control in derived([again, TREND])} == ids


@each
def test_a_controls_cells_differ_in_the_configuration(control):
    """Equal JSON would be one run, and a planted effect that isn't in it would be ours to make."""
    assert differences(compared(control))
    first, second = compared(control).cells
    assert type(first.protocol) is type(second.protocol) is control.of.protocol
    assert first.metric == second.metric
    assert type(first.metric) is control.of.metric


@each
def test_equal_cells_are_independent_measurements_of_one_thing(control):
    if not control.planted:
        idle = {"protocol.replica", "protocol.after.replica", "objective.masked_mean"}
        assert set(differences(compared(control))) <= idle


@each
def test_a_control_has_as_many_pairs_in_every_tier_and_an_expected_word(control):
    shares = control.of.test is NotWorse
    assert control.claim.schedule == dict.fromkeys(
        Tier, 40 if shares and not control.planted else 26
    )
    words = (Word.CONFIRMED, Word.CONTRADICTED) if shares else (Word.NO_EFFECT, Word.CONFIRMED)
    assert control.expected is words[bool(control.planted)]
    assert control.claim.unskilled == tuple(cell.label for cell in control.claim.cells)
    assert control.planted in control.claim.reading


def test_both_controls_of_a_measurement_are_held_to_the_same_zones():
    for equal, planted in zip(CONTROLS[::2], CONTROLS[1::2], strict=True):
        assert equal.of == planted.of
        assert compared(equal).test == compared(planted).test


def test_controls_whose_arms_are_measured_together_share_all_their_runs():
    assert len(JOINT) >= 4
    runs = [plan(control.claim, range(3)).trials for control in JOINT]
    assert len({repr(trial) for trials in runs for trial in trials}) == 3
    expected = {("second",): False, ("planted 1",): True, ("planted 2",): True}
    for control in JOINT:
        first, second = compared(control).cells
        assert first.label == "first" and expected[(second.label,)] == bool(control.planted)


@pytest.mark.parametrize(
    ("test", "cells", "kind"),
    [
        (Difference(**WHY), 2, Difference),
        (Ratio(**WHY), 2, Ratio),
        (Trend(levels=(0.0, 1.0, 2.0), **WHY), 3, Trend),
        (Factorial(factors=(-1.0, 1.0), **WHY), 2, Difference),
        (OneSample(**WHY), 1, Difference),
        (OneRatio(**WHY), 1, Ratio),
        (NotWorse(margin=0.1, because="a test"), 2, NotWorse),
        (Reliable(above=0.1, because="a test"), 1, NotWorse),
    ],
)
def test_what_compares_with_a_constant_is_guarded_by_what_compares_two(test, cells, kind):
    (of,) = measurements(with_test(test, cells))
    assert of == Measurement(protocol=Train, metric=Accuracy, test=kind)
    for control in derived([with_test(test, cells)]):
        assert type(control.claim.test) is kind


def test_each_part_of_a_conjunction_is_guarded():
    both = Both(parts=(Difference(**WHY), Ratio(**WHY)), reads=((0, 1), (1, 2)))
    assert {of.test for of in measurements(with_test(both, 3))} == {Difference, Ratio}


def test_every_kind_of_test_has_a_control():
    def kinds(base):
        for kind in base.__subclasses__():
            yield kind
            yield from kinds(kind)

    concrete = {kind for kind in kinds(Test) if not kind.__abstractmethods__} - {Both}
    assert set(controls._two_cells) == concrete


def test_not_worse_is_contradicted_by_the_plant_and_confirmed_without():
    equal, planted = derived([with_test(NotWorse(margin=0.1, because="a test"))])
    assert (equal.expected, planted.expected) == (Word.CONFIRMED, Word.CONTRADICTED)
    assert equal.claim.schedule[Tier.QUICK] == 40  # the fewest that can confirm it
    assert equal.claim.test.zones.sign == 1


def test_a_metric_that_nothing_is_planted_for_is_refused():
    cells = tuple(replace(cell, metric=GradientNorm()) for cell in TREND.cells[:3])
    with pytest.raises(UserError, match="no effect is planted where GradientNorm is read of Train"):
        derived([replace(TREND, cells=cells, beside=())])


def test_own_setups_come_first():
    (execute,) = (s for s in SETUPS if isinstance(s.protocol, Execute))
    own = replace(execute, cost=99.0)
    (claim,) = sets.choose(["act-savings-mixed"])
    assert {c.claim.cost for c in derived([claim], [own])} == {99.0}
    assert {c.claim.cost for c in derived([claim])} == {execute.cost}


def test_every_plant_of_every_setup_makes_a_configuration():
    for setup in SETUPS:
        for plant in setup.plants:
            for metric in plant.metrics:
                cell = Cell(
                    label="any",
                    arm=TREND.cells[0].arm,
                    protocol=setup.protocol,
                    metric=metric,
                )
                claim = replace(
                    TREND,
                    arms=(),
                    cells=(cell, replace(cell, label="other")),
                    test=Difference(**WHY),
                    beside=(),
                )
                equal, planted = derived([claim])
                assert planted.claim.test.zones.sign == (1 if plant.rises else -1)
                assert differences(compared(equal)) != differences(compared(planted))
