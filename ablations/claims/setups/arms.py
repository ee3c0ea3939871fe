"""Small arms, boards and trainings that controls measure."""

from dataclasses import replace

from ablations.metrics.curves import ValidationScore
from ablations.metrics.scores import Accuracy, HaltedAccuracy, Margin
from ablations.specs.arms import changed
from ablations.specs.protocols import (
    Boards,
    Train,
)
from hrm import recipes
from hrm.config import (
    Ahead,
    Compacted,
    Detached,
    Fixed,
    Kept,
    Minimum,
    QLearning,
    Segments,
)
from hrm.config.learning import QHalting, ReplayHalting, Training
from hrm.tasks.sudoku import Sudoku

SUDOKU = Boards(task=Sudoku(size=4, clues=11), train=2048, validation=128, test=256)
DECAY = 0.9
SIZE = 16 * 5  # cells times tokens
UPDATES = 80
LEVELS = recipes.act_v1_vector(inputs=SIZE, outputs=SIZE, width=32, heads=4)
TRAIN = Train(
    boards=SUDOKU,
    training=Training(
        updates=UPDATES, batch=64, learning_rate=1e-2, warmup=10, clip=1.0, evaluate_every=5
    ),
    rate_factors=(0.85, 1.2),
    shadows=(DECAY,),
)
WRONG = {"wrong_labels": 0.75}
SCORES = (Accuracy(), Margin(), ValidationScore(), HaltedAccuracy())
POLICY = recipes.v2(
    inputs=SIZE,
    outputs=SIZE,
    hidden_low=32,
    hidden_high=64,
    max_cycles=8,
    use_per_sample_act=True,
)
TEN = Train(boards=SUDOKU, training=Training(updates=10))
FIVE = Train(
    boards=Boards(task=Sudoku(size=4, clues=(5, 8, 11)), train=512, validation=64, test=256),
    training=Training(updates=5, batch=64, learning_rate=3e-3),
)
REFINED = changed(
    LEVELS,
    {
        "model.segments": Segments(count=3, detached=False, connection=0.05),
        "model.horizon": None,
    },
)
FOUR_STEPS = changed(
    LEVELS,
    {
        "model.halting": Fixed(steps=4),
        "model.cycles": 1,
        "model.low_steps": 1,
        "model.horizon": None,  # one answer after four steps is learned, and none after the first
        "model.carry": Kept(),
    },
)
SUPERVISED = recipes.act_v1_vector(
    inputs=SIZE, outputs=SIZE, width=32, heads=4, segments=2, every_segment=True
)
Q_HALTING = changed(
    LEVELS,
    {
        "model.halting": QLearning(
            max_steps=4, halt_in_evaluation=False, exploration=Minimum(probability=0.1)
        ),
        "model.carry": Detached(),
        "objective": QHalting(),
    },
)
SETTLING = changed(LEVELS, {"model.low_steps": 4, "model.cycles": 2, "model.horizon": None})
# Learns to halt, each sample for itself, from random Q values: it explores in every second step.
HALTING = changed(
    recipes.amulgent(
        inputs=SIZE, outputs=SIZE, width=32, h_layers=1, l_layers=1, max_steps=4, exploration=0.0
    ),
    {
        "model.halting.batch_mean": False,
        "model.halting.exploration": Ahead(probability=0.5, per_sample=True),
        "model.carry": Detached(),
        "model.execution": Compacted(),
        "objective": ReplayHalting(cost=0.1),
    },
)
SHORT = replace(
    TRAIN, training=replace(TRAIN.training, updates=20, warmup=5, evaluate_every=20), shadows=()
)
LONG = replace(SHORT, training=replace(TRAIN.training, evaluate_every=UPDATES))
NEVER = {
    "model.halting.zero_weight": True,
    "model.halting.biases": (-5.0, 5.0),
    "objective.weight": 0.0,
}
CALL, PASS = "bench.controller:controller_call", "bench.controller:forward"
BETWEEN = changed(  # its answers between the steps are supervised
    recipes.complete(positions=8, h_dim=16, l_dim=16, h_layers=1, max_steps=4),
    {"model.readout.softmax": False},
)
