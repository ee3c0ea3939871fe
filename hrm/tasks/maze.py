"""Mazes: mark an optimal path between two cells of a board with walls.

A board is a square of H x H cells. Each is a wall with probability p, independently; start and goal
are drawn uniformly among the cells that are free and connected, at least `shortest` moves apart.
Moves go to the four neighbours. The answer marks the cells between start and goal on a path of
least length L; mostly there are several, and all of them count as right:

    agreement(y) = max over optimal paths P of  sum over cells c of [y_c = 1 if c in P else 0]

All optimal paths have L - 1 cells between the ends, so the maximum belongs to the path with most
marked cells; one breadth-first flood from the goal finds it, since an optimal path goes down the
distances. Shapes: N boards, H rows and columns, cells = H * H, row by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrm.parts import Part, require
from hrm.tasks import Boards, Bools, Ints, Scores, Splits
from hrm.tasks.board import everything, most_frequent, one_hot, randomness, split

FREE, WALL, START, GOAL = range(4)

_batch = 1024  # boards drawn at once: the stream of a seed depends on it
_patience = 64  # batches without a new board that end a search
_frame = ((0, 0), (1, 1), (1, 1))  # around each board, for np.pad

Counts = NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class Maze(Part):
    """Boards with random walls; input tokens free, wall, start, goal; class 1 marks the path.

    The stored answer is the optimal path whose cells, in order, have the smallest indices: where
    several moves are optimal, it goes up, else left, else right, else down. Unknown are the free
    cells. The difficulty is the number of moves, L.

    Args:
        size: H, rows and columns.
        walls: p, the probability of a wall.
        shortest: The least number of moves from start to goal.
        strata: Ranges of L, both ends included, of which every split holds equal numbers (to one
            board, where the size isn't a multiple), in turn; empty for lengths as they come.
    """

    size: int
    walls: float = 0.3
    shortest: int = 2
    strata: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.size >= 4, "size", self.size, "4 or more", "draw larger boards")
        require(0 <= self.walls < 1, "walls", self.walls, "a probability below 1", "use 0.3")
        require(
            2 <= self.shortest < self.cells,
            "shortest",
            self.shortest,
            f"2 to {self.cells - 1} moves on this board",
            "with fewer than 2 there is nothing to mark",
        )
        bounds = [self.shortest, *(b for stratum in self.strata for b in stratum)]
        lows, highs = bounds[1::2], bounds[2::2]
        require(
            all(len(s) == 2 for s in self.strata)
            and bounds[:2] == sorted(bounds[:2])
            and all(low <= high for low, high in zip(lows, highs, strict=True))
            and all(high < low for high, low in zip(highs, lows[1:], strict=False)),
            "strata",
            self.strata,
            f"ascending ranges apart, from shortest, {self.shortest}, on",
            "use ((2, 4), (5, 8), (9, 64))",
        )

    @property
    def cells(self) -> int:
        """Cells per board, H * H."""
        return self.size**2

    @property
    def vocabulary(self) -> int:
        """Free, wall, start and goal."""
        return 4

    @property
    def classes(self) -> int:
        """Off the path and on it."""
        return 2

    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        """Return disjoint boards; see `Task.generate`.

        Raises:
            UserError: If a number is negative, or so many different boards can't be found.
        """
        return split(
            self._stream(randomness(seed)),
            cells=self.cells,
            train=train,
            validation=validation,
            test=test,
            patience=_patience,
            strata=self.strata or everything,
        )

    def unknown(self, inputs: Ints) -> Bools:
        """Return which cells are free: neither wall, start nor goal."""
        free: Bools = inputs == FREE
        return free

    def one_hot(self, inputs: Ints) -> NDArray[np.float32]:
        """Return [N, cells * vocabulary] for vector models."""
        return one_hot(inputs, self.vocabulary)

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare marks with the nearest optimal path; only `exact` asks for the stored one."""
        assert predictions.shape == boards.inputs.shape
        unknown = self.unknown(boards.inputs)
        known_right = (~unknown & (predictions == 0)).sum(axis=1)
        unknown_right = self._agreement(boards.inputs, predictions)
        tokens = (known_right + unknown_right) / self.cells
        return Scores(
            tokens=tokens,
            unknown=unknown_right / unknown.sum(axis=1),
            exact=(predictions == boards.targets).all(axis=1).astype(np.float64),
            valid=(known_right + unknown_right == self.cells).astype(np.float64),
        )

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (inputs mark no path), ``frequent`` and ``corner``.

        ``corner`` goes straight with one turn, through walls, by the upper of the two rows: the
        stored answer of a board without walls.
        """
        starts, goals = ((boards.inputs == t).argmax(axis=1) for t in (START, GOAL))
        upper, lower = np.minimum(starts, goals)[:, None], np.maximum(starts, goals)[:, None]
        row, column = np.divmod(np.arange(self.cells), self.size)
        turn = lower % self.size
        left, right = np.minimum(upper % self.size, turn), np.maximum(upper % self.size, turn)
        across = (row == upper // self.size) & (left <= column) & (column <= right)
        down = (column == turn) & (upper // self.size <= row) & (row <= lower // self.size)
        ends = (boards.inputs == START) | (boards.inputs == GOAL)
        return {
            "copy": np.zeros_like(boards.inputs),
            "frequent": most_frequent(train.targets, self.classes, len(boards)),
            "corner": ((across | down) & ~ends).astype(np.int64),
        }

    def check(self, board: Ints, prediction: Ints) -> bool:
        """Return whether the marks are exactly the cells between the ends of an optimal path."""
        known_right = not prediction[board != FREE].any()
        agreement = self._agreement(board[None], prediction[None])[0]
        return bool(known_right and agreement == (board == FREE).sum())

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return rows of ``.`` free, ``#`` wall, ``S``, ``G``, ``*`` mark, ``!`` mark elsewhere."""
        picture = np.array(list(".#SG"))[board]
        if prediction is not None:
            picture[prediction == 1] = "!"
            picture[(prediction == 1) & (board == FREE)] = "*"
        return "\n".join(" ".join(row) for row in picture.reshape(self.size, self.size))

    def _stream(self, random: np.random.Generator) -> Iterator[Boards]:
        while True:
            free = random.random((_batch, self.cells)) >= self.walls
            start = np.where(free, random.random(free.shape), -1).argmax(axis=1)
            rank = random.random(free.shape)
            origin = np.arange(self.cells) == start[:, None]
            distance = _flood(self._grid(free), self._grid(origin))[0].reshape(free.shape)
            goal = np.where(distance >= self.shortest, rank, -1).argmax(axis=1)
            length = distance[np.arange(_batch), goal]
            inputs = np.where(free, FREE, WALL)
            inputs[np.arange(_batch), start] = START
            inputs[np.arange(_batch), goal] = GOAL
            found = length >= self.shortest
            yield Boards(
                inputs=inputs[found],
                targets=self._canonical(inputs[found]),
                difficulty=length[found].astype(np.float64),
            )

    def _canonical(self, inputs: Ints) -> Ints:
        """Return the optimal path with the smallest cell indices, without its ends, as 0 and 1."""
        distance = _flood(self._grid(inputs != WALL), self._grid(inputs == GOAL))[0]
        width = self.size + 2
        framed = np.pad(distance, _frame, constant_values=-1).reshape(-1, width**2)
        started = np.pad(self._grid(inputs == START), _frame)
        at = started.reshape(-1, width**2).argmax(axis=1)
        moves = np.array([-width, -1, 1, width])
        path = np.zeros(framed.shape, dtype=np.int64)
        row = np.arange(len(inputs))
        while len(row := row[framed[row, at[row]] > 1]):
            here = at[row]
            ahead = framed[row[:, None], here[:, None] + moves] == framed[row, here][:, None] - 1
            at[row] += moves[ahead.argmax(axis=1)]
            path[row, at[row]] = 1
        return path.reshape(-1, width, width)[:, 1:-1, 1:-1].reshape(inputs.shape)

    def _agreement(self, inputs: Ints, predictions: Ints) -> Ints:
        """Return how many free cells agree with the optimal path nearest to the marks, [N]."""
        marked = (predictions == 1) & (inputs == FREE)
        distance, most = _flood(
            self._grid(inputs != WALL), self._grid(inputs == GOAL), self._grid(marked)
        )
        start = self._grid(inputs == START)
        marked_on, length = most[start].astype(np.int64), distance[start].astype(np.int64)
        unmarked = ((predictions == 0) & (inputs == FREE)).sum(axis=1)
        unmarked_on = length - 1 - marked_on
        agreement: Ints = unmarked - unmarked_on + marked_on
        return agreement

    def _grid(self, flags: Bools) -> Bools:
        return flags.reshape(-1, self.size, self.size)


def _flood(passable: Bools, origin: Bools, marked: Bools | None = None) -> tuple[Counts, Counts]:
    """Return distances from the origin, and how many marked cells a shortest path can have.

    Args:
        passable: Where moves may go, [N, H, H].
        origin: One true cell per board, [N, H, H].
        marked: Cells to count on the way, both ends included, [N, H, H]; None for none.

    Returns:
        Both [N, H, H], -1 where no path leads.
    """
    gain = np.zeros(passable.shape, np.int16) if marked is None else marked.astype(np.int16)
    layer = np.pad(np.where(origin, gain, np.int16(-1)), _frame, constant_values=-1)
    inner = layer[:, 1:-1, 1:-1]
    most = inner.copy()
    distance = np.where(origin, np.int16(0), np.int16(-1))
    open_ = passable & ~origin
    moves = 0
    while (inner >= 0).any():
        moves += 1
        across = np.maximum(layer[:, 1:-1, :-2], layer[:, 1:-1, 2:])
        reach = np.maximum(across, np.maximum(layer[:, :-2, 1:-1], layer[:, 2:, 1:-1]))
        new = open_ & (reach >= 0)
        inner[:] = np.where(new, reach + gain, np.int16(-1))
        np.copyto(most, inner, where=new)
        np.copyto(distance, np.int16(moves), where=new)
        open_ &= ~new
    return distance, most
