"""Mazes: mark an optimal path between two cells of a board with walls.

A board is a square of H x H cells. Walls are either random, where each cell is a wall with
probability p, or carved: a walk through all rooms opens walls between them, which gives a tree, and
each remaining wall between neighbouring rooms is then opened with probability q; see
`hrm.tasks.passages`.

Start and goal are drawn uniformly among the cells that are free and connected, at least `shortest`
moves apart. Moves go to the four neighbours. The answer marks the cells between start and goal on a
path of least length L; mostly there are several, and all of them count as right:

    agreement(y) = max over optimal paths P of  sum over cells c of [y_c = 1 if c in P else 0]

All optimal paths have L - 1 cells between the ends, so the maximum is reached by the path with the
most marked cells. A breadth-first search from the goal finds it, because distances decrease along
an optimal path. Boards that are rotations or reflections of one another are never in different
sets.

Shapes: N boards, H rows and columns, cells = H * H, row by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrm.config.parts import Part, require
from hrm.errors import UserError
from hrm.tasks import Boards, Bools, Ints, Scores, Splits
from hrm.tasks.board import everything, most_frequent, one_hot, randomness, share, split, unshifted
from hrm.tasks.passages import carve, flood, frame
from hrm.tasks.symmetry import Keys, square_keys, squares, versions

FREE, WALL, START, GOAL = range(4)

_first, _last = 16, 1024  # boards drawn at once, twice as many each time: a stream depends on it
_room = 2**17  # largest number of cells drawn at once
_patience = 64  # batches without a new board that end a search
_public = np.array([2, 1, 3, 4])  # the tokens of files: padding, then `#`, free, `S`, `G`, path
_path = 5
_free = " ."  # what stands for a free cell in text


@dataclass(frozen=True, kw_only=True)
class Carved(Part):
    """The walls that remain after a walk through all rooms.

    Args:
        openings: q, the probability that a wall between rooms is opened afterwards. With 0 there is
            exactly one path between any two cells.
    """

    openings: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            0 <= self.openings <= 1, "openings", self.openings, "a probability", "use 0, or 0.1"
        )


@dataclass(frozen=True, kw_only=True)
class Maze(Part):
    """Boards with walls; input tokens free, wall, start, goal; class 1 marks the path.

    The stored answer is the optimal path whose cells, in order, have the smallest indices: if
    several moves are optimal, it goes up, else left, else right, else down. The unknown cells are
    the free ones. The difficulty is the number of moves, L. The natural form of a board is its rows
    as lines of ``#`` wall, ``.`` free, ``S`` and ``G``; that of an answer has ``o`` on the path.

    Args:
        size: H, rows and columns.
        walls: p, the probability of a wall; or `Carved`.
        shortest: The least number of moves from start to goal.
        strata: Ranges of L, both ends included. Every split has equal numbers of boards (up to one)
            of each range, in turn; empty for lengths as they are drawn.
    """

    size: int
    walls: float | Carved = 0.3
    shortest: int = 2
    strata: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require(4 <= self.size <= 100, "size", self.size, "4 to 100", "draw other boards")
        require(
            isinstance(self.walls, Carved) or 0 <= self.walls < 1,
            "walls",
            self.walls,
            "a probability below 1, or Carved",
            "use 0.3",
        )
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
            bounds[:2] == sorted(bounds[:2])
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
        """Number of tokens: free, wall, start and goal."""
        return 4

    @property
    def classes(self) -> int:
        """Number of classes: off the path, and on it."""
        return 2

    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        """Return boards disjoint up to symmetry; see `Task.generate`.

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
            orbits=self._keys,
        )

    def augment(self, boards: Boards, random: np.random.Generator, copies: int = 7) -> Boards:
        """Return each board, followed by `copies` of its other symmetric versions, as one group.

        The stored answer of a version is that of the board, rotated or reflected like it. It is an
        optimal path, though not always that with the smallest indices.

        Raises:
            UserError: If the number of copies isn't 0 to 7.
        """
        require(0 <= copies <= 7, "copies", copies, "0 to 7", "a square has eight symmetries")
        others = random.permuted(np.tile(np.arange(1, 8), (len(boards), 1)), axis=1)[:, :copies]
        chosen = np.pad(others, ((0, 0), (1, 0)))
        return versions(boards, squares(self.size)[chosen])

    def encode(self, problem: str) -> Ints:
        """Return the input [cells] of a board's lines; a space is a free cell as well.

        Raises:
            UserError: If these aren't H lines of H of these characters, with one start, one goal,
                and a path of at least two moves between them.
        """
        lines = str(problem).strip("\r\n").splitlines()
        require(
            [len(line) for line in lines] == [self.size] * self.size
            and set(text := "".join(lines)) <= set("#SG" + _free)
            and text.count("S") == text.count("G") == 1,
            "board",
            problem,
            f"{self.size} lines of {self.size} characters: '#', '.', one 'S' and one 'G'",
            "write it row by row",
        )
        board = np.array([".#SG".index(c) for c in text.replace(" ", ".")], dtype=np.int64)
        moves = int(self._lengths(board[None])[0])
        require(
            moves >= 2,
            "board",
            problem,
            f"one whose ends are 2 moves apart or more, not {moves if moves > 0 else 'separated'}",
            "move an end or a wall",
        )
        return board

    def decode(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return a board's lines, with a prediction those of its answer."""
        picture = np.array(list(".#SG"))[board]
        if prediction is not None:
            picture[prediction == 1] = "o"
        return "\n".join("".join(row) for row in picture.reshape(self.size, self.size))

    @property
    def public_vocabulary(self) -> int:
        """Number of tokens in the public format: padding, wall, free, start, goal and path."""
        return _path + 1

    def to_public(self, boards: Boards) -> tuple[Ints, Ints]:
        """Return 1 for walls, 2 free, 3 start, 4 goal; labels are whole boards, 5 on the path."""
        inputs = _public[boards.inputs]
        return inputs, np.where(boards.targets == 1, _path, inputs)

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        """Return boards, their difficulty measured anew.

        Raises:
            UserError: If an input hasn't one start and one goal, 2 moves apart or more, or its
                label isn't the same board with an optimal path.
        """
        boards = _public.argsort()[unshifted("inputs", inputs, self.cells, 4)]
        targets = (unshifted("labels", labels, self.cells, _path) == _path - 1).astype(np.int64)
        right = ((boards == START).sum(axis=1) == 1) & ((boards == GOAL).sum(axis=1) == 1)
        lengths = np.zeros(len(boards))
        lengths[right] = self._lengths(boards[right])
        right &= ((labels == inputs) | (targets == 1)).all(axis=1) & (lengths > 1)
        right[right] = self._valid(boards[right], targets[right])
        if not right.all():
            raise UserError(
                f"row {right.argmin()} of the labels isn't its input with an optimal path; allowed "
                "is a board with one start, one goal and the cells between them marked; build the "
                "data again"
            )
        return Boards(inputs=boards, targets=targets, difficulty=lengths)

    def unknown(self, inputs: Ints) -> Bools:
        """Return which cells are free: neither wall, start nor goal."""
        free: Bools = inputs == FREE
        return free

    def one_hot(self, inputs: Ints) -> NDArray[np.float32]:
        """Return [N, cells * vocabulary] for vector models."""
        return one_hot(inputs, self.vocabulary)

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare marks with the nearest optimal path; only `exact` requires the stored one."""
        assert predictions.shape == boards.inputs.shape
        unknown = self.unknown(boards.inputs)
        known_right = (~unknown & (predictions == 0)).sum(axis=1)
        unknown_right = self._agreement(boards.inputs, predictions)
        return Scores(
            tokens=(known_right + unknown_right) / self.cells,
            unknown=share(unknown_right, unknown.sum(axis=1)),
            exact=(predictions == boards.targets).all(axis=1).astype(np.float64),
            valid=(known_right + unknown_right == self.cells).astype(np.float64),
        )

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (inputs mark no path), ``frequent`` and ``corner``.

        ``corner`` goes straight with one turn, through walls, along the upper one of the two rows.
        This is the stored answer of a board without walls.
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
        return bool(self._valid(board[None], prediction[None])[0])

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return rows of ``.`` free, ``#`` wall, ``S``, ``G``, ``*`` mark, ``!`` mark elsewhere."""
        picture = np.array(list(".#SG"))[board]
        if prediction is not None:
            picture[prediction == 1] = "!"
            picture[(prediction == 1) & (board == FREE)] = "*"
        return "\n".join(" ".join(row) for row in picture.reshape(self.size, self.size))

    def _keys(self, inputs: Ints) -> Keys:
        return square_keys(inputs, self.size)

    def _stream(self, random: np.random.Generator) -> Iterator[Boards]:
        count = _first
        while True:
            if isinstance(self.walls, Carved):
                free = carve(random, count, self.size, self.walls.openings).reshape(count, -1)
            else:
                free = random.random((count, self.cells)) >= self.walls
            start = np.where(free, random.random(free.shape), -1).argmax(axis=1)
            rank = random.random(free.shape)
            origin = np.arange(self.cells) == start[:, None]
            distance = flood(self._grid(free), self._grid(origin))[0].reshape(free.shape)
            goal = np.where(distance >= self.shortest, rank, -1).argmax(axis=1)
            length = distance[np.arange(count), goal]
            inputs = np.where(free, FREE, WALL)
            inputs[np.arange(count), start] = START
            inputs[np.arange(count), goal] = GOAL
            found = length >= self.shortest
            yield Boards(
                inputs=inputs[found],
                targets=self._canonical(inputs[found]),
                difficulty=length[found].astype(np.float64),
            )
            count = max(count, min(2 * count, _last, _room // self.cells))

    def _lengths(self, inputs: Ints) -> Ints:
        """Return the number of moves from start to goal, [N]; -1 if there is no path."""
        distance, _ = flood(self._grid(inputs != WALL), self._grid(inputs == GOAL))
        return distance[self._grid(inputs == START)].astype(np.int64)

    def _canonical(self, inputs: Ints) -> Ints:
        """Return the optimal path with the smallest cell indices, without its ends, as 0 and 1."""
        distance = flood(self._grid(inputs != WALL), self._grid(inputs == GOAL))[0]
        width = self.size + 2
        framed = np.pad(distance, frame, constant_values=-1).reshape(-1, width**2)
        started = np.pad(self._grid(inputs == START), frame)
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

    def _valid(self, inputs: Ints, predictions: Ints) -> Bools:
        """Return which predictions mark an optimal path and nothing else, [N]."""
        known = inputs != FREE
        right = ((predictions == 0) & known).sum(axis=1) + self._agreement(inputs, predictions)
        valid: Bools = right == self.cells
        return valid

    def _agreement(self, inputs: Ints, predictions: Ints) -> Ints:
        """Return how many free cells agree with the optimal path nearest to the marks, [N]."""
        marked = (predictions == 1) & (inputs == FREE)
        distance, most = flood(
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


def nearest_path(board: Ints, marks: Ints) -> Bools:
    """Return the optimal path of a maze that agrees with most marks, without its ends, [H * H].

    From the start it follows decreasing distances, always to the neighbour from which the most
    marks can be reached; ties are broken in the order up, left, right, down.
    """
    size = round(len(board) ** 0.5)
    square = board.reshape(1, size, size)
    marked = (marks == 1).reshape(square.shape) & (square == FREE)
    distance, most = (
        np.pad(found[0], 1, constant_values=-1).ravel()
        for found in flood(square != WALL, square == GOAL, marked)
    )
    width = size + 2
    at = int(np.flatnonzero(np.pad(square[0] == START, 1))[0])
    path = np.zeros(width**2, dtype=np.bool_)
    while distance[at] > 1:
        ahead = [at + move for move in (-width, -1, 1, width)]
        at = max((n for n in ahead if distance[n] == distance[at] - 1), key=lambda n: most[n])
        path[at] = True
    inside: Bools = path.reshape(width, width)[1:-1, 1:-1].ravel()
    return inside
