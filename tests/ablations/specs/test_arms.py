"""Arms are a configuration with some of its fields changed."""

import pytest

from ablations.specs.arms import changed, differing, vary
from hrm import recipes
from hrm.config import Compacted, Fixed, Lockstep, Masked
from hrm.config.learning import Supervised
from hrm.errors import UserError

GRU = recipes.gru()


def test_arms_differ_in_what_is_named_and_in_nothing_else():
    first, second = vary(GRU, {"masked": {}, "compacted": {"model.execution": Compacted()}})
    assert first.part == GRU
    assert (first.label, second.label) == ("masked", "compacted")
    (difference,) = GRU.differences(second.part)
    assert difference[0] == "model.execution"


def test_an_arm_may_be_a_whole_configuration():
    other = recipes.gru(max_cycles=2)
    assert vary(GRU, {"five": {}, "two": other})[1].part is other


def test_several_fields_change_at_once():
    """The first alone is refused: the objective belongs to the halting."""
    act = recipes.act_v1()
    with pytest.raises(UserError, match="objective"):
        changed(act, {"model.halting": Fixed()})
    found = changed(act, {"model.halting": Fixed(), "objective": Supervised()})
    assert found.objective == Supervised()


def test_a_part_and_a_field_of_it_may_both_be_given():
    found = changed(GRU, {"model.halting": Fixed(), "model.halting.steps": 7})
    assert found.model.halting == Fixed(steps=7)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("model.colour", "HRMConfig has no field 'colour'"),
        ("modell.width", "System has no field 'modell'"),
        ("model.cycles.deep", "has no field 'deep'"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path, said):
    with pytest.raises(UserError, match=said):
        changed(GRU, {path: 1})


def test_a_value_that_isnt_allowed_is_refused():
    with pytest.raises(UserError, match="low_steps"):
        changed(GRU, {"model.low_steps": 0})


def test_what_differs_is_listed_by_path_with_a_value_for_each():
    parts = [changed(GRU, {"model.execution": e}) for e in (Masked(), Compacted(), Lockstep())]
    found = differing([part.to_json() for part in parts])
    assert found == {"model.execution": ("Masked()", "Compacted()", "Lockstep()")}
    assert differing([GRU.to_json()]) == {}
