"""Arms of document complete that several claims share, and how they are trained.

The document names tasks and sizes, but no budget: `train_fixed.py` takes 5 or 10 epochs, the usage
example 1,000 samples. The budgets here are what two cores can do; they were fixed beforehand. With
them, the document's model beats no trivial method on mazes of this size, which was checked on pilot
seed 1000 for one arm only, the joint one.
"""

from dataclasses import replace

from ablations.claims import arms_act_v1
from ablations.specs.arms import Arm, changed
from ablations.specs.protocols import Boards, Train
from hrm import recipes
from hrm.config import Fixed
from hrm.config.learning import AdamAtan2, Supervised, System, Training
from hrm.tasks.maze import Maze
from hrm.tasks.mixture import Mixture
from hrm.tasks.pattern import Pattern

# -- the document's own model, of its usage example -----------------------------------------------
_MAZE = Maze(size=9)
_PATTERN = Pattern(modulus=7, strands=2, shown=3, asked=1)
PATTERNS = Boards(task=_PATTERN, train=1_000, validation=64, test=256)
JOINT = Boards(task=Mixture(tasks=(_MAZE, _PATTERN)), train=2_000, validation=128, test=512)
MAZE_TASK, PATTERN_TASK = 0, 1  # their places in the mixture
_UPDATES = 40  # on each task
OWN = Training(
    updates=_UPDATES,
    batch=8,
    learning_rate=1e-3,
    halting_rate=1e-4,  # as coded
    clip=1.0,
    evaluate_every=20,
)
ON_BOTH = Train(boards=JOINT, training=replace(OWN, updates=2 * _UPDATES))
ON_BOTH_AS_DOCUMENTED = replace(
    ON_BOTH, training=replace(ON_BOTH.training, optimiser=AdamAtan2(), halting_rate=None)
)


def small(boards: Boards, *, as_coded: bool = True, low_steps: int | None = None) -> System:
    """Return the document's small model for a task's boards, read as a series of numbers.

    Args:
        boards: Whose cells are the positions; the output has ten classes, as in the document.
        as_coded: As in `recipes.complete`.
        low_steps: Low updates a cycle, the recipe's if None.
    """
    system = recipes.complete(positions=boards.task.cells, as_coded=as_coded)  # type: ignore[attr-defined]
    found = system if low_steps is None else changed(system, {"model.low_steps": low_steps})
    assert isinstance(found, System)
    return found


# The text leaves open how many low updates a cycle has; it says that they converge.
LOW_STEPS = 4
BOTH_AS_CODED = Arm("as coded", small(JOINT))
BOTH_AS_DOCUMENTED = Arm("as documented", small(JOINT, as_coded=False, low_steps=LOW_STEPS))

# -- what stands in for it where arms have to be skilled ------------------------------------------
SHORT_MAZE = Maze(size=5, shortest=4)
_FIVES = 2_048  # test boards of each task
SHORT_MAZES = Boards(task=Mixture(tasks=(SHORT_MAZE,)), train=8_000, test=_FIVES)
VECTOR_PATTERNS = Boards(task=Mixture(tasks=(_PATTERN,)), train=8_000, test=_FIVES)
SHORT_BOTH = Boards(
    task=Mixture(tasks=(SHORT_MAZE, _PATTERN)), train=16_000, validation=512, test=2 * _FIVES
)


def levels(inputs: int, outputs: int) -> System:
    """Return transformer levels as in act-v1, of width 64, on a board as one vector."""
    found = changed(
        arms_act_v1.levels(inputs, outputs),
        {"model.halting": Fixed(), "objective": Supervised()},
    )
    assert isinstance(found, System)
    return found


def levels_for(boards: Boards) -> System:
    """Return those levels for a task's boards."""
    task = boards.task
    assert isinstance(task, Mixture)
    return levels(task.cells * task.vocabulary, task.cells * task.classes)
