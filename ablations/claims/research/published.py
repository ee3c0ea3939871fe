"""Headline accuracies, which take more than one machine has."""

from ablations.claims import accelerators
from ablations.specs.claim import External

CLAIMS = (
    External(
        id="sudoku-extreme",
        reading=(
            "The model with 27 million parameters is trained on 1,000 boards of Sudoku-Extreme "
            "with 1,000 augmentations each. Its accuracy on whole boards of the test set is "
            "compared with the reported one."
        ),
        needs=accelerators.needs(
            "act-v1-sudoku",
            epochs=20_000,
            samples=1_000,
            said="1,000 boards",
            data="Sudoku-Extreme (423 thousand test boards)",
        ),
        command=accelerators.command(
            "fetch sudoku-extreme --train 1000 --augment 1000",
            epochs=20_000,
            rate="1e-4",
            puzzle_rate="1e-4",
            decay="1.0",
        ),
    ),
    External(
        id="maze-hard",
        reading=(
            "The model with 27 million parameters is trained on the 1,000 boards of Maze-Hard. "
            "Its accuracy on whole 30×30 boards of the test set is compared with the reported "
            "one. There, a path other than the stored one counts as wrong even if it has the same "
            "length."
        ),
        needs=accelerators.needs(
            "act-v1-maze",
            epochs=20_000,
            samples=1_000,
            said="1,000 boards",
            data="Maze-Hard (1,000 boards each to train on and to test)",
        ),
        command=accelerators.command(
            "fetch maze-hard", epochs=20_000, rate="1e-4", puzzle_rate="1e-4", decay="1.0"
        ),
    ),
)
