"""Graph colouring: give neighbours different colours, with as few colours as possible.

Graphs have V vertices; each pair is joined with probability p, independently. The chromatic number
of a graph, the fewest colours it needs, is proved by a SAT solver (python-sat): variable x_{v,c}
means that vertex v has colour c; each vertex has a colour, and neighbours have different ones. A
greedy clique is fixed to the first colours, without loss of generality, so that the solver needn't
try permutations of colours. The stored answer doesn't depend on which colouring the solver finds:
it is the first proper colouring with the fewest colours, in the order of vertices, smallest colour
first.

With given colours, the task is *precolouring extension*: some vertices already have a colour, and
the solver proves that there is exactly one way to colour the others. Such a graph is drawn together
with its colouring: each vertex gets a random colour, pairs of different colours are joined with
probability p, independently, and random vertices keep their colour. Graphs with several colourings
are dropped.

Shapes: N boards, C colours at most; cells = V (V + 1) / 2: the upper triangle of the adjacency
matrix, row by row, on whose diagonal stand the vertices.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from hrm.config.parts import require
from hrm.tasks import Boards, Bools, Ints
from hrm.tasks.asking import Answers, Asking
from hrm.tasks.board import most_frequent
from hrm.tasks.coloring_solver import OPEN, first_coloring, only_coloring, rules

APART, JOINED, VERTEX = range(3)
FIRST = VERTEX  # with given colours, colour c is token FIRST + c, and a vertex the last one

_batch = 32  # graphs drawn at once: the stream of a seed depends on it
_many = 1024  # graphs drawn at once with given colours: few have a unique colouring


@dataclass(frozen=True, kw_only=True)
class Coloring(Asking):
    """Graphs. Tokens are apart, joined and vertex; classes are colours, and 0 at pairs.

    With given colours, there are C tokens for them before the token of a vertex, which then marks
    the vertices to colour.

    Any proper colouring with the fewest colours is valid. The cells of an invalid one are compared
    with the stored colouring under the best renaming of its colours. The difficulty is the
    chromatic number, which is at least 2, since a graph without edges isn't a problem.

    With given colours, only the proper colouring with C colours that keeps them is valid, and cells
    are compared with it. The difficulty is the number of vertices that elimination leaves open;
    elimination repeatedly colours a vertex whose neighbours have all colours but one.

    The natural form of a problem is the list of edges [(0, 3), ...], vertices counted from 0, with
    given colours the pair of that list and {vertex: colour}; that of an answer is the list of the
    vertices' colours.

    On one core, 10,000 graphs take about 6 s with the defaults, 20 s with 30 vertices and p = 0.2,
    and 80 s with p = 0.5. With 6 given of 4 colours, they take 10 s with 12 vertices and p = 0.6,
    and 50 s with 30 vertices and p = 0.4. Rare strata take longer.

    Args:
        vertices: V, 6 to 30.
        colors: C; graphs that need more are dropped.
        density: p; with given colours, for pairs whose colours differ.
        given: Number of vertices with a given colour: 0, or at least C - 1.
    """

    vertices: int = 12
    colors: int = 6
    density: float = 0.4
    given: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(6 <= self.vertices <= 30, "vertices", self.vertices, "6 to 30", "use 12")
        require(
            2 <= self.colors <= self.vertices,
            "colors",
            self.colors,
            f"2 to {self.vertices}, the vertices",
            "use 6",
        )
        require(0 < self.density < 1, "density", self.density, "a probability", "use 0.4")
        require(
            self.given == 0 or self.colors - 1 <= self.given < self.vertices,
            "given",
            self.given,
            f"0, or {self.colors - 1} to {self.vertices - 1}: a colour fewer than there are, and "
            "fewer than the vertices",
            "use 0 for graphs without given colours",
        )

    @property
    def cells(self) -> int:
        """Cells per board, V (V + 1) / 2."""
        return self.vertices * (self.vertices + 1) // 2

    @property
    def vocabulary(self) -> int:
        """Number of tokens: apart, joined, the colours if some are given, and vertex."""
        return 3 + (self.colors if self.given else 0)

    @property
    def classes(self) -> int:
        """Number of classes, one per colour; class 0 also stands at pairs."""
        return self.colors

    def decode(self, board: Ints, prediction: Ints | None = None) -> Any:
        """Return the edges, with given colours these too, or the vertices' colours in an answer."""
        if prediction is not None:
            return self._colors(board[None], prediction[None])[0].tolist()
        rows, columns = np.triu_indices(self.vertices)
        joined = board == JOINED
        edges = list(zip(rows[joined].tolist(), columns[joined].tolist(), strict=True))
        colors = enumerate(self._colors(board[None])[0].tolist())
        return (edges, {v: c for v, c in colors if c != OPEN}) if self.given else edges

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (one colour), ``frequent``, ``greedy`` and ``saturation``.

        ``greedy`` gives each vertex in turn the smallest colour that no neighbour has.
        ``saturation`` (DSATUR) does the same, but always continues at a vertex whose neighbours
        have the most different colours, among those at one with the most neighbours, and among
        those at the first. If no colour is left, both use the last one. Given colours are set from
        the start.
        """
        copied = np.zeros_like(boards.inputs)
        copied[:, self._diagonal] = np.maximum(self._colors(boards.inputs), 0)
        return {
            "copy": copied,
            "frequent": most_frequent(train.targets, self.classes, len(boards)),
            "greedy": self._greedy(boards.inputs, saturation=False),
            "saturation": self._greedy(boards.inputs, saturation=True),
        }

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return a line per vertex: its colour, ``!`` where a neighbour has it too; neighbours."""
        adjacent = self._adjacency(board[None])[0]
        colors = self._colors(board[None], None if prediction is None else prediction[None])[0]
        lines = []
        for vertex, near in enumerate(adjacent):
            shown = ""
            if colors[vertex] != OPEN:
                clash = (colors[near] == colors[vertex]).any()
                shown = f" = {colors[vertex]}{'!' if clash else ''}"
            lines.append(f"{vertex}{shown}: {' '.join(map(str, np.flatnonzero(near).tolist()))}")
        return "\n".join(line.rstrip() for line in lines)

    @property
    def _diagonal(self) -> Ints:
        """Return the cells that hold the vertices, [V]."""
        rows, columns = np.triu_indices(self.vertices)
        return np.flatnonzero(rows == columns)

    def _adjacency(self, inputs: Ints) -> Bools:
        """Return which vertices are joined, [N, V, V]."""
        rows, columns = np.triu_indices(self.vertices)
        joined = np.zeros((len(inputs), self.vertices, self.vertices), dtype=np.bool_)
        joined[:, rows, columns] = joined[:, columns, rows] = inputs == JOINED
        return joined

    @property
    def _solvable(self) -> str:
        return "a problem with one answer" if self.given else super()._solvable

    def _colors(self, inputs: Ints, predictions: Ints | None = None) -> Ints:
        """Return the vertices' colours [N, V]: the given ones, the rest as predicted, or `OPEN`."""
        tokens = inputs[:, self._diagonal]
        rest = OPEN if predictions is None else predictions[:, self._diagonal]
        colors: Ints = np.where(tokens == self.vocabulary - 1, rest, tokens - FIRST)
        return colors

    def _row(self, problem: Any) -> Ints:
        edges: Any = problem
        colors: Any = {}
        if self.given:
            pair = isinstance(problem, list | tuple) and len(problem) == 2
            edges, colors = problem if pair else (None, None)
        allowed = f"pairs of different vertices, 0 to {self.vertices - 1}"
        if self.given:
            allowed += f", with {{vertex: colour}}, colours 0 to {self.colors - 1}"
        if not isinstance(edges, list | tuple) or not isinstance(colors, dict):
            raise self._refusal(problem, allowed)
        for i, edge in enumerate(edges):
            if (
                not isinstance(edge, list | tuple)
                or len(edge) != 2
                or not all(type(v) is int and 0 <= v < self.vertices for v in edge)
                or edge[0] == edge[1]
            ):
                raise self._refusal(f"edge {i}, {edge!r}", allowed)
        for v, c in colors.items():
            if not (type(v) is type(c) is int and 0 <= v < self.vertices and 0 <= c < self.colors):
                raise self._refusal(f"colour {c!r} of vertex {v!r}", allowed)
        joined = {(min(edge), max(edge)) for edge in edges}
        rows, columns = np.triu_indices(self.vertices)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        board = np.array([JOINED if pair in joined else APART for pair in pairs], dtype=np.int64)
        vertex = self.vocabulary - 1
        board[self._diagonal] = [
            FIRST + colors[v] if v in colors else vertex for v in range(self.vertices)
        ]
        return board

    def _draw(self, random: np.random.Generator) -> Ints:
        if self.given:
            return self._precolored(random)
        joined = random.random((_batch, self.cells)) < self.density
        inputs = np.where(joined, JOINED, APART)
        inputs[:, self._diagonal] = VERTEX
        return inputs

    def _precolored(self, random: np.random.Generator) -> Ints:
        """Return inputs that may have exactly one colouring, with difficulties in the strata."""
        rows, columns = np.triu_indices(self.vertices)
        joined = random.random((_many, self.cells)) < self.density
        colors = random.integers(self.colors, size=(_many, self.vertices))
        given = random.permuted(np.tile(np.arange(self.vertices) < self.given, (_many, 1)), axis=1)
        inputs = np.where(joined & (colors[:, rows] != colors[:, columns]), JOINED, APART)
        inputs[:, self._diagonal] = np.where(given, FIRST + colors, self.vocabulary - 1)
        adjacent = self._adjacency(inputs)
        others = self._taken(adjacent, colors).sum(axis=2)
        fit = np.flatnonzero((given | (others == self.colors - 1)).all(axis=1))  # quick test first
        inputs = inputs[fit[self._chained(adjacent[fit], colors[fit], given[fit])]]
        if self.strata:
            left = (self._eliminated(inputs) == OPEN).sum(axis=1)
            inputs = inputs[
                np.any([(low <= left) & (left <= high) for low, high in self.strata], 0)
            ]
        return inputs

    def _chained(self, adjacent: Bools, colors: Ints, given: Bools) -> Bools:
        """Return for which graphs every Kempe chain has a vertex with a given colour, [N].

        A Kempe chain is a connected component of the vertices of two colours. Exchanging the two
        colours in a chain without given ones yields another proper colouring. Therefore the
        condition is necessary for a unique colouring; it is nearly always sufficient.
        """
        has = colors[:, :, None] == np.arange(self.colors)
        held = given[:, :, None] | has  # [N, V, C]: the chain of a vertex's colour and colour C
        while True:
            onward = adjacent & (has.astype(np.float32) @ held.swapaxes(1, 2) > 0)
            more = held | (onward.astype(np.float32) @ has > 0)
            if (more == held).all():
                chained: Bools = held.all(axis=(1, 2))
                return chained
            held = more

    def _answer(self, inputs: Ints) -> Answers:
        return self._only(inputs) if self.given else self._fewest(inputs)

    def _only(self, inputs: Ints) -> Answers:
        """Answer inputs with given colours."""
        targets, given = np.zeros_like(inputs), self._colors(inputs)
        solvable = np.zeros(len(inputs), dtype=np.bool_)
        for i, adjacent in enumerate(self._adjacency(inputs)):
            colors = only_coloring(adjacent, given[i].tolist(), self.colors)
            if colors is not None:
                targets[i, self._diagonal] = colors
                solvable[i] = OPEN in given[i]
        left = self._eliminated(inputs) == OPEN
        return Answers(targets=targets, difficulty=left.sum(axis=1) * 1.0, solvable=solvable)

    def _eliminated(self, inputs: Ints) -> Ints:
        """Return colours [N, V] after elimination; `OPEN` at vertices that it leaves open.

        As long as some vertex has only one possible colour left, it gets that colour.
        """
        adjacent, colors = self._adjacency(inputs), self._colors(inputs)
        while True:
            free = ~self._taken(adjacent, colors)
            sure = (colors == OPEN) & (free.sum(axis=2) == 1)
            if not sure.any():
                return colors
            colors[sure] = free.argmax(axis=2)[sure]

    def _taken(self, adjacent: Bools, colors: Ints) -> Bools:
        """Return which colours the neighbours of each vertex have, [N, V, C]."""
        has = colors[:, :, None] == np.arange(self.colors)
        taken: Bools = adjacent.astype(np.float32) @ has.astype(np.float32) > 0
        return taken

    def _fewest(self, inputs: Ints) -> Answers:
        """Answer inputs without given colours."""
        targets = np.zeros_like(inputs)
        needed = np.zeros(len(inputs))
        clauses = rules(self.vertices, self.colors)
        for i, adjacent in enumerate(self._adjacency(inputs)):
            colors = first_coloring(adjacent, self.colors, clauses)
            if colors is not None:
                targets[i, self._diagonal] = colors
                needed[i] = max(colors) + 1
        return Answers(targets=targets, difficulty=needed, solvable=needed > 1)

    def _wrong(self, inputs: Ints, targets: Ints, predictions: Ints) -> Ints:
        if self.given:
            differs = self._colors(inputs, predictions) != self._colors(inputs, targets)
            return np.asarray(differs.sum(axis=1))
        adjacent = self._adjacency(inputs)
        stored, found = targets[:, self._diagonal], predictions[:, self._diagonal]
        clash = (adjacent & (found[:, :, None] == found[:, None, :])).any(axis=(1, 2))
        palette = np.arange(self.colors)
        used, needed = ((c[:, :, None] == palette).any(axis=1).sum(axis=1) for c in (found, stored))
        wrong = np.zeros(len(inputs), dtype=np.int64)
        for i in np.flatnonzero(clash | (used > needed)):
            together = np.zeros((self.colors, self.colors), dtype=np.int64)
            np.add.at(together, (found[i], stored[i]), 1)
            best = linear_sum_assignment(together, maximize=True)
            wrong[i] = self.vertices - together[best].sum()
        return wrong

    def _greedy(self, inputs: Ints, *, saturation: bool) -> Ints:
        adjacent = self._adjacency(inputs)
        row = np.arange(len(inputs))
        colors = self._colors(inputs)
        taken = self._taken(adjacent, colors)
        urgency = adjacent.sum(axis=2)
        for turn in range(self.vertices):
            saturated = taken.sum(axis=2) * self.vertices + urgency
            open_first = np.where(colors == OPEN, saturated, -1).argmax(axis=1)
            vertex = open_first if saturation else np.full(len(inputs), turn)
            blocked, before = taken[row, vertex], colors[row, vertex]
            chosen = np.where(blocked.all(axis=1), self.colors - 1, blocked.argmin(axis=1))
            chosen = np.where(before == OPEN, chosen, before)  # given colours stay
            colors[row, vertex] = chosen
            taken[row, :, chosen] |= adjacent[row, vertex]
        answer = np.zeros_like(inputs)
        answer[:, self._diagonal] = colors
        return answer
