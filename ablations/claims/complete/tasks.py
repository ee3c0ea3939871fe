"""Document complete: its tasks, and the accuracy that it names in its first line."""

from ablations.claims import accelerators
from ablations.claims.ledger import figure
from ablations.specs.claim import External, exact

_CLUES = figure("sudoku-17").printed

CLAIMS = (
    exact(
        "sudoku-17",
        "ablations.claims.exact.tasks:few_clues",
        reading=(
            f'We read a "puzzle" of {_CLUES[0]} clues, the fewest that a 9×9 sudoku can have, as '
            "the field does: it has one solution. Boards that the task generates with so many "
            "clues must have exactly that number, and a solver must find no second solution. "
            "Removing clues one by one doesn't reach so few, so the task transforms known puzzles "
            "by random symmetries. We also show these known puzzles; puzzles made as in the "
            "document's code, by emptying random cells of a full grid without requiring a single "
            "solution; and the fewest clues at which removal ends by itself."
        ),
        figures=_CLUES,
        cost=4.0,
    ),
    exact(
        "maze-optimal",
        "ablations.claims.exact.tasks:optimal_paths",
        reading=(
            'We read "Optimal path" as a shortest path. The marked cells must form one path from '
            "start to goal, with as few moves as Dijkstra's algorithm in scipy finds, which shares "
            "no code with the task. Boards are 15×15 and of three difficulties, which the document "
            "names but doesn't define; here they have fewer walls, more walls, and carved "
            "passages."
        ),
    ),
    External(
        id="arc-agi-1",
        reading=(
            "We read the figure as follows: the model with 27 million parameters, trained on about "
            "1,000 tasks with augmentation, answers the evaluation tasks of ARC-AGI-1 in two "
            "attempts each. That is the published recipe, whose figure the document repeats. The "
            "document describes none of its own four sizes as trained on it."
        ),
        needs=accelerators.needs(
            "act-v1-arc",
            epochs=100_000,
            samples=4_000,
            said="about 1,000 tasks with some four pairs each",
            data="ARC-AGI-1, to which the recipe adds ConceptARC, 1,000 augmentations",
        ),
        command=accelerators.command(
            "build arc --set augmentations=1000",
            epochs=100_000,
            rate="1e-4",
            puzzle_rate="1e-2",
            decay="0.1",
        ),
    ),
)
