"""Tasks: boards, compared with the promises of a document."""

import itertools
from collections.abc import Iterator, Sequence

from ablations.claims.printed import parse
from ablations.records.checks import Check, Equal, Holds
from hrm.config.learning import System


def few_clues(
    _arms: Sequence[System], seed: int, *, figures: Sequence[str], boards: int = 4
) -> Iterator[Check]:
    """Puzzles that the task generates with the printed number of clues have it, and one solution.

    Also shown: puzzles whose cells are emptied at random, as in the document's code; and the fewest
    clues that removing clues reaches.
    """
    from ablations.protocols import solvers
    from hrm.tasks import sparse
    from hrm.tasks.sudoku import Sudoku

    (figure,) = figures
    clues = int(parse(figure)[0])
    splits = Sudoku(clues=clues).generate(seed, boards, boards // 2, boards // 2)
    handed = [row for part in (splits.train, splits.validation, splits.test) for row in part.inputs]
    yield Equal(
        f"clues of {len(handed)} boards of the task",
        expected=[clues],
        observed=sorted({int((board > 0).sum()) for board in handed}),
    )
    single = sum(solvers.count_solutions(board) == 1 for board in handed)
    yield Equal(
        "boards of the task with one solution",
        expected=f"{len(handed)} of {len(handed)}",
        observed=f"{single} of {len(handed)}",
    )
    known = [Sudoku().encode(text) for text in sparse.PUZZLES]  # refuses any that isn't unique
    yield Equal(
        f"known puzzles with {clues} clues and one solution",
        expected=f"{len(known)} of {len(known)}",
        observed=f"{sum(int((b > 0).sum()) == clues for b in known)} of {len(known)}",
        primary=False,
    )
    naive = list(itertools.islice(solvers.emptied(seed, clues=clues), 100))
    unique = sum(solvers.count_solutions(board) == 1 for board in naive)
    yield Equal(
        f"of {len(naive)} random grids emptied down to {clues} random cells, as coded: those with "
        "one solution",
        expected=len(naive),
        observed=unique,
        primary=False,
    )
    dug = Sudoku().generate(seed, 50, 0, 0).train.inputs
    fewest = int((dug > 0).sum(axis=1).min())
    yield Holds(
        f"fewest clues of {len(dug)} puzzles that lose their uniqueness with any further cell",
        documented=figure,
        observed=str(fewest),
        holds=fewest <= clues,
        rule="as few or fewer",
        primary=False,
    )


def optimal_paths(_arms: Sequence[System], seed: int, *, boards: int = 60) -> Iterator[Check]:
    """The stored answer of each maze is a path from start to goal, as short as scipy's shortest.

    Boards are 15×15, in the three named difficulties: with few walls, with more, and carved.
    """
    from ablations.protocols import solvers
    from hrm.tasks.maze import Carved, Maze

    for name, walls in (("easy", 0.2), ("medium", 0.35), ("hard", Carved(openings=0.1))):
        found = Maze(size=15, walls=walls, shortest=2).generate(seed, boards, 0, 0).train
        pairs = list(zip(found.inputs, found.targets, strict=True))
        lengths = [solvers.shortest(board) for board, _ in pairs]
        marked = [int(marks.sum()) + 1 for _, marks in pairs]
        whole = f"{len(pairs)} of {len(pairs)}"
        connected = sum(
            solvers.along(board, marks) == n
            for (board, marks), n in zip(pairs, marked, strict=True)
        )
        yield Equal(
            f"{name} boards whose marks are one path from start to goal, without a cell to spare",
            expected=whole,
            observed=f"{connected} of {len(pairs)}",
        )
        optimal = sum(a == b for a, b in zip(lengths, marked, strict=True))
        yield Equal(
            f"{name} boards whose path is as short as scipy's, {min(lengths):g} to "
            f"{max(lengths):g} moves",
            expected=whole,
            observed=f"{optimal} of {len(pairs)}",
        )
