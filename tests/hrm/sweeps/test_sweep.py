"""The definition of a sweep: equal budgets, and fields that exist."""

from dataclasses import replace

import pytest

from hrm.config.learning import Training
from hrm.errors import UserError
from hrm.sweeps.space import Choice, Range
from tests.hrm.sweeps.test_search import arm, sweep


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": Training(updates=5, batch=4, evaluate_every=2)}, "training.updates of arm"),
        ({"training": Training(updates=4, batch=2, evaluate_every=2)}, "training.batch of arm"),
        ({"training": Training(updates=4, batch=4)}, "training.evaluate_every of arm 'v2' is 50"),
        ({"train": 13}, "train of arm 'v2' is 13; allowed is 12, that of arm 'gru'"),
        ({"seed": 1}, "seed of arm 'v2' is 1"),
        ({"data_seed": 1}, "data_seed of arm 'v2' is 1"),
    ],
)
def test_arms_of_unequal_budgets_boards_or_seeds_are_refused(changes, said):
    with pytest.raises(UserError) as refused:
        sweep(2, gru=arm(), v2=arm("v2", **changes))
    assert said in str(refused.value)


@pytest.mark.parametrize("field", ["updates", "evaluate_every"])
def test_a_field_that_changes_the_budget_isnt_searched(field):
    with pytest.raises(
        UserError, match=f"space {field} is 9; allowed is a field that changes neither"
    ):
        sweep(2, {field: Choice(choices=(9,))})


def test_pruning_is_for_one_arm_alone():
    with pytest.raises(UserError, match="prune is True; allowed is false for several arms"):
        replace(sweep(2, gru=arm(), v2=arm("v2")), prune=True)


def test_a_value_that_is_refused_is_named_before_anything_runs():
    space = {"learning_rate": Range(low=-1.0, high=1.0)}
    with pytest.raises(
        UserError, match=r"space learning_rate has -1.0 \(arm 'gru'\): learning_rate"
    ):
        sweep(2, space)
    with pytest.raises(UserError, match="trials is 0"):
        sweep(0)
