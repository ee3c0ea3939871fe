"""The Tower of Hanoi: from any legal position to a goal in the fewest moves.

Disks 0 ... n - 1 from the smallest to the largest stand on three pegs; a position is the peg of
each disk, and all 3^n are legal, since a peg orders its disks by size. A move takes the topmost
disk of a peg to another peg on which no smaller disk lies.

To gather disks 0 ... k on one peg g (*tower*): if disk k is on g, gather the smaller ones there;
otherwise gather them on the third peg, move k, and bring their tower of k disks over. That is the
only optimal way. Between any two positions, disks that are larger than all that differ stay; the
largest one that differs, from peg a to b with third peg c, moves once or twice:

    once    tower on c, move a -> b, and a tower on c backwards to the goal
    twice   tower on b, move a -> c, tower from b to a, move c -> b, and a tower on a backwards

Whichever is shorter is optimal, and both are where they are equally long (A. M. Hinz, "The Tower of
Hanoi", L'Enseignement Mathématique 35, 1989). No optimal solution has more than 2^n - 1 moves.

Shapes: N boards, D disks at most; cells: the disks' pegs [D], their goals [D], then the asked
moves, [1] or [2^D - 1].
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hrm.config.parts import require
from hrm.tasks import Boards, Bools, Ints
from hrm.tasks.asking import Answers, Asking
from hrm.tasks.board import most_frequent

Move = tuple[int, int]  # from peg, to peg

ABSENT, ASKED = 3, 4  # tokens; 0 to 2 are the pegs
MOVES: tuple[Move, ...] = ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))  # class 1 is the first

_batch = 256  # boards drawn at once: the stream of a seed depends on it


@dataclass(frozen=True, kw_only=True)
class Hanoi(Asking):
    """Positions and goals. Tokens are pegs 0 to 2, absent and asked; classes no move and six moves.

    All pairs of different positions with the same number of disks are equally likely, and so are
    the numbers of disks, until one of them has no more boards: for n disks there are 3^n (3^n - 1)
    of them, or 3 (3^n - 1) with towers as goals. The stored answer moves the largest disk once if
    that is optimal; every optimal answer counts as right. The difficulty is the number of moves.

    The natural form of a problem is (pegs, goals), both lists from the smallest disk on; that of an
    answer is the list of moves (from, to), with None for no move before another.

    Args:
        disks: Number of disks, 3 to 6; several numbers for boards of each.
        whole: Whether the whole solution is asked for, followed by class 0; otherwise the next
            move.
        towers: Whether goals are towers on one peg; otherwise they are any positions.
    """

    disks: int | tuple[int, ...] = (3, 4, 5, 6)
    whole: bool = False
    towers: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            len(self._sizes) > 0 and all(3 <= d <= 6 for d in self._sizes),
            "disks",
            self.disks,
            "3 to 6, or several of them",
            "use (3, 4, 5, 6)",
        )

    @property
    def _sizes(self) -> tuple[int, ...]:
        return self.disks if isinstance(self.disks, tuple) else (self.disks,)

    @property
    def _most(self) -> int:
        """D, the largest number of disks of a board."""
        return max(self._sizes)

    @property
    def cells(self) -> int:
        """Cells per board: pegs, goals and asked moves."""
        return 2 * self._most + (2**self._most - 1 if self.whole else 1)

    @property
    def vocabulary(self) -> int:
        """Number of tokens: three pegs, absent and asked."""
        return 5

    @property
    def classes(self) -> int:
        """Number of classes: no move, and six moves from one peg to another."""
        return len(MOVES) + 1

    def decode(self, board: Ints, prediction: Ints | None = None) -> Any:
        """Return (pegs, goals), or the moves of a prediction."""
        most = self._most
        if prediction is None:
            pegs, goals = (
                [peg for peg in half.tolist() if peg != ABSENT]
                for half in (board[:most], board[most : 2 * most])
            )
            return pegs, goals
        answer = np.trim_zeros(prediction[2 * most :], "b").tolist()
        return [MOVES[c - 1] if c else None for c in answer]

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (no move), ``frequent`` and ``greedy``.

        ``greedy`` moves the largest disk that can go directly to its goal, or else the smallest
        disk to the next peg (0 after 2), until the goal or the last asked cell is reached.
        """
        greedy = np.zeros_like(boards.inputs)
        for board, answer in zip(boards.inputs, greedy, strict=True):
            pegs, goals = self.decode(board)
            self._write(answer, _greedy(pegs, goals, self.cells - 2 * self._most))
        return {
            "copy": np.zeros_like(boards.inputs),
            "frequent": most_frequent(train.targets, self.classes, len(boards)),
            "greedy": greedy,
        }

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return each peg's disks in position and goal, and moves, ``!`` if not optimal."""
        pegs, goals = self.decode(board)
        lines = []
        for at in (pegs, goals):
            disks = [[str(d) for d in reversed(range(len(at))) if at[d] == p] for p in range(3)]
            lines.append("   ".join(f"{p}: {' '.join(on) or '-'}" for p, on in enumerate(disks)))
        if prediction is not None:
            moves = self.decode(board, prediction)
            steps = " ".join(f"{m[0]}>{m[1]}" if m else "-" for m in moves) or "no move"
            lines.append(steps if self.check(board, prediction) else f"{steps} !")
        return "\n".join(lines)

    def _row(self, problem: Any) -> Ints:
        fits = (
            isinstance(problem, list | tuple)
            and len(problem) == 2
            and all(isinstance(half, list | tuple) for half in problem)
            and len(problem[0]) == len(problem[1]) in self._sizes
            and all(type(peg) is int and 0 <= peg < 3 for half in problem for peg in half)
            and (not self.towers or len(set(problem[1])) == 1)
        )
        if not fits:
            goals = "goals all alike" if self.towers else "goals"
            raise self._refusal(
                problem, f"(pegs, {goals}), each 0 to 2 for each of {self.disks} disks"
            )
        board = np.full(self.cells, ASKED, dtype=np.int64)
        board[: 2 * self._most] = ABSENT
        for half, begin in zip(problem, (0, self._most), strict=True):
            board[begin : begin + len(half)] = half
        return board

    def _draw(self, random: np.random.Generator) -> Ints:
        sizes = np.array(self._sizes)[random.integers(len(self._sizes), size=(_batch, 1))]
        inputs = np.full((_batch, self.cells), ASKED, dtype=np.int64)
        absent = np.arange(self._most) >= sizes
        for half, alike in (0, False), (self._most, self.towers):
            pegs = random.integers(3, size=(_batch, 1 if alike else self._most))
            inputs[:, half : half + self._most] = np.where(absent, ABSENT, pegs)
        return inputs

    def _answer(self, inputs: Ints) -> Answers:
        targets = np.zeros_like(inputs)
        moves = np.zeros(len(inputs))
        for i, board in enumerate(inputs):
            solution = solutions(*self.decode(board))[0]
            self._write(targets[i], solution)
            moves[i] = len(solution)
        return Answers(targets=targets, difficulty=moves, solvable=moves > 0)

    def _wrong(self, inputs: Ints, targets: Ints, predictions: Ints) -> Ints:
        asked = slice(2 * self._most, None)
        wrong = np.full(len(inputs), self.cells)
        for i, board in enumerate(inputs):
            for solution in solutions(*self.decode(board)):
                answer = np.zeros(self.cells, dtype=np.int64)
                self._write(answer, solution)
                wrong[i] = min(wrong[i], (answer != predictions[i])[asked].sum())
        return wrong

    def _counted(self, inputs: Ints, targets: Ints, predictions: Ints) -> Bools:
        """Return asked cells, except where neither solution nor prediction has a move."""
        return self.unknown(inputs) & ((targets > 0) | (predictions > 0))

    def _write(self, answer: Ints, moves: list[Move]) -> None:
        """Write moves into the asked cells of an answer [cells], as many as fit."""
        begin = 2 * self._most
        classes = [MOVES.index(move) + 1 for move in moves[: self.cells - begin]]
        answer[begin : begin + len(classes)] = classes


def tower(pegs: list[int], goal: int) -> list[Move]:
    """Return the shortest way to gather disks on one peg."""
    if not pegs:
        return []
    *smaller, peg = pegs
    if peg == goal:
        return tower(smaller, goal)
    third = 3 - peg - goal
    return [*tower(smaller, third), (peg, goal), *tower([third] * len(smaller), goal)]


def solutions(pegs: list[int], goals: list[int]) -> list[list[Move]]:
    """Return all shortest ways between two positions, one or two."""
    if not pegs:
        return [[]]
    *smaller, a = pegs
    *ends, b = goals
    if a == b:
        return solutions(smaller, ends)
    c = 3 - a - b
    once = [*tower(smaller, c), (a, b), *_backwards(tower(ends, c))]
    across = tower([b] * len(smaller), a)
    twice = [*tower(smaller, b), (a, c), *across, (c, b), *_backwards(tower(ends, a))]
    shortest = min(len(once), len(twice))
    return [way for way in (once, twice) if len(way) == shortest]


def _backwards(moves: list[Move]) -> list[Move]:
    return [(end, start) for start, end in reversed(moves)]


def _greedy(pegs: list[int], goals: list[int], limit: int) -> list[Move]:
    """Return the moves of the baseline ``greedy``, at most `limit`."""
    pegs, moves = list(pegs), list[Move]()
    while pegs != goals and len(moves) < limit:
        disk, end = 0, (pegs[0] + 1) % 3
        for k in range(len(pegs)):
            if pegs[k] != goals[k] and not {pegs[k], goals[k]} & set(pegs[:k]):
                disk, end = k, goals[k]
        moves.append((pegs[disk], end))
        pegs[disk] = end
    return moves
