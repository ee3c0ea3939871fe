"""What specs of several documents share."""

from collections.abc import Mapping

from ablations.plain import Json
from hrm.config.learning import Training

# The trained workload: boards of 8 x 8 with walls, as in the pathfinding that the documents cite,
# in equal thirds of short, middling and long ways. The mix was fixed from the trivial baselines
# alone, before any arm was compared.
BOARD: Json = {
    "kind": "Maze",
    "size": 8,
    "walls": 0.3,
    "shortest": 2,
    "strata": [[5, 7], [8, 10], [11, 64]],
}
MIX = "equal thirds of boards with 5-7, 8-10 and 11 or more moves on the shortest way"
CELLS = 64
TOKENS = 4
DATA_SEED = 20_251_122
MAZE = ("hrm.tasks.maze",)
SUDOKU = ("hrm.tasks.sudoku",)
ABOUT = (
    "the documented figure, × or ÷ 1.25: the document gives no spread, and a quarter is generous"
)
# For the GRU of document v2, which doesn't learn the board in a time that two cores have: sudoku of
# 4 x 4, in equal thirds of 5, 8 and 11 clues. It was fixed when nothing but its learning was known.
PUZZLE: Json = {"kind": "Sudoku", "size": 4, "clues": [5, 8, 11]}
PUZZLE_MIX = "equal thirds of 4×4 sudokus with 5, 8 and 11 clues"
PUZZLE_INPUTS = PUZZLE_OUTPUTS = 16 * 5  # cells times tokens; blank is a token, and a class
UNKNOWN = "in accuracy on unknown cells"


def boards(
    training: Training, *, train: int, task: Json = BOARD, **more: Json
) -> Mapping[str, Json]:
    """Return the settings of a trained workload on the board."""
    return {
        "task": task,
        "data_seed": DATA_SEED,
        "train": train,
        "validation": 256,
        "test": 1024,
        "training": training.to_json(),
        **more,
    }
