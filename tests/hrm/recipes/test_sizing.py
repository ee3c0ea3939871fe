"""Systems have the sizes that their task wants."""

import pytest

from hrm import recipes
from hrm.config import Vector
from hrm.config.learning import SquaredError
from hrm.errors import UserError
from hrm.recipes import sizing
from hrm.tasks.maze import Maze
from hrm.tasks.pattern import Pattern
from hrm.tasks.regression import Regression

task = Maze(size=4, walls=0.2)


@pytest.mark.parametrize("name", recipes.named)
def test_a_named_recipe_takes_the_shapes_that_sizes_tells(name):
    make = recipes.named[name].make
    assert make(**sizing.sizes(make().model)) == make()


@pytest.mark.parametrize(
    ("recipe", "task", "sizes"),
    [
        ("gru", task, {"inputs": 16 * task.vocabulary, "outputs": 16}),
        ("v2", Pattern(), {"inputs": 12 * 12, "outputs": 12 * 11}),
        ("amulgent-baseline", Regression(size=80, outputs=3), {"inputs": 80, "outputs": 3}),
        ("act-v1", Pattern(), {"vocabulary": 12, "positions": 12, "classes": 11}),
        (
            "tiny-network",
            Pattern(),
            {"vocabulary": 12, "positions": 12, "classes": 11, "identities": 1},
        ),
        ("complete-tiny", Pattern(), {"inputs": 1, "positions": 12, "outputs": 11}),
    ],
)
def test_the_task_decides_the_shapes(recipe, task, sizes):
    system = sizing.sized(recipe, {}, task, task.generate(0, 0, 0, 1).test)
    assert sizing.sizes(system.model) == sizes


def test_real_numbers_are_learned_by_squared_error():
    one = Regression().generate(0, 0, 0, 1).test
    system = sizing.sized("amulgent-baseline", {"width": 8}, Regression(), one)
    assert system.objective.answer == SquaredError()
    assert isinstance(system.model.embedding, Vector)


@pytest.mark.parametrize("recipe", ["act-v1", "tiny-network", "complete-tiny"])
def test_systems_that_answer_with_classes_are_no_use_for_real_numbers(recipe):
    one = Regression().generate(0, 0, 0, 1).test
    with pytest.raises(UserError, match=r"real numbers: gru, v2, amulgent-original, .*; take one"):
        sizing.sized(recipe, {}, Regression(), one)
