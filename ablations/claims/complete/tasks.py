"""Document complete: its tasks, and the accuracy that it names in its first line."""

from ablations.claims import accelerators
from ablations.claims.ledger import figure
from ablations.specs.claim import External, exact

_CLUES = figure("sudoku-17").printed

CLAIMS = (
    exact(
        "sudoku-17",
        "ablations.claims.exact.tasks:few_clues",
        section="Reasoning Tasks Implemented",
        reading=(
            f'A "puzzle" of {_CLUES[0]} clues, the fewest that a 9×9 sudoku can have, is read as '
            "the field reads it: with one solution. Boards that the task hands out with so many "
            "clues have exactly that number, and a solver finds no second solution. Digging "
            "doesn't reach them, so that the task turns known ones around by random symmetries. "
            "Beside stand these known ones, puzzles made as the document's code does, by emptying "
            "random cells of a full grid without asking for a single solution, and the fewest "
            "clues at which digging ends by itself."
        ),
        figures=_CLUES,
        cost=4.0,
    ),
    exact(
        "maze-optimal",
        "ablations.claims.exact.tasks:optimal_paths",
        section="Visualization Capabilities, Task-Specific Visualization; Reasoning Tasks",
        reading=(
            '"Optimal path" is read as a shortest one. On 15×15 boards of three difficulties, '
            "which the document names without saying what makes them, here fewer walls, more walls "
            "and carved passages, the marked cells form one path from start to goal, and it has as "
            "few moves as Dijkstra's algorithm of scipy finds, which shares no code with the task."
        ),
    ),
    External(
        id="arc-agi-1",
        section="Introduction",
        reading=(
            "The model with 27 million parameters, trained on about 1,000 tasks with augmentation, "
            "answers the evaluation tasks of ARC-AGI-1 in two attempts each. That is the published "
            "recipe, whose figure the document repeats; none of its own four sizes is described as "
            "trained on it."
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
