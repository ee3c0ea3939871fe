"""Graph colouring: give neighbours different colours, with as few colours as possible.

Graphs have V vertices; each pair is joined with probability p, independently. How few colours a
graph needs, its chromatic number, is proved by a solver (python-sat): variable x_{v,c} says that
vertex v has colour c; each vertex has a colour, neighbours don't share one, and a greedy clique has
the first colours, which loses nothing and spares the solver their permutations. The stored answer
doesn't depend on which colouring the solver finds: it is the first proper one with so few colours
in the order of vertices, smallest colour first.

Shapes: N boards, C colours at most; cells = V (V + 1) / 2: the upper triangle of the adjacency
matrix, row by row, on whose diagonal stand the vertices.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pysat.solvers import Solver
from scipy.optimize import linear_sum_assignment

from hrm.parts import require
from hrm.tasks import Boards, Bools, Ints
from hrm.tasks.asking import Answers, Asking
from hrm.tasks.board import most_frequent

APART, JOINED, VERTEX = range(3)

_batch = 32  # graphs drawn at once: the stream of a seed depends on it


@dataclass(frozen=True, kw_only=True)
class Coloring(Asking):
    """Graphs; tokens apart, joined and vertex; classes are colours, and 0 at pairs.

    Any proper colouring with the fewest colours is valid. The cells of one that isn't are compared
    with the stored one under the best renaming of its colours. The difficulty is the chromatic
    number, from 2 on: a graph without edges isn't a problem.

    The natural form of a problem is the list of edges [(0, 3), ...], vertices counted from 0; that
    of an answer is the list of the vertices' colours.

    On one core, 10,000 graphs take about 6 s with the defaults, 20 s with 30 vertices and p = 0.2,
    80 s with p = 0.5.

    Args:
        vertices: V, 6 to 30.
        colors: C; graphs that need more are dropped.
        density: p.
    """

    vertices: int = 12
    colors: int = 6
    density: float = 0.4

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

    @property
    def cells(self) -> int:
        """Cells per board, V (V + 1) / 2."""
        return self.vertices * (self.vertices + 1) // 2

    @property
    def vocabulary(self) -> int:
        """Apart, joined, and vertex."""
        return 3

    @property
    def classes(self) -> int:
        """The colours."""
        return self.colors

    def decode(self, board: Ints, prediction: Ints | None = None) -> Any:
        """Return the edges, or the vertices' colours in a prediction."""
        if prediction is not None:
            return prediction[self._diagonal].tolist()
        rows, columns = np.triu_indices(self.vertices)
        joined = board == JOINED
        return list(zip(rows[joined].tolist(), columns[joined].tolist(), strict=True))

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (one colour), ``frequent``, ``greedy`` and ``saturation``.

        ``greedy`` gives each vertex in turn the smallest colour that no neighbour has.
        ``saturation`` (DSATUR) does so too, always at a vertex whose neighbours have most colours
        already; among those, at one with most neighbours; the first among equals. Where no
        colour is left, both give the last.
        """
        return {
            "copy": np.zeros_like(boards.inputs),
            "frequent": most_frequent(train.targets, self.classes, len(boards)),
            "greedy": self._greedy(boards.inputs, saturation=False),
            "saturation": self._greedy(boards.inputs, saturation=True),
        }

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return a line per vertex: its colour, ``!`` where a neighbour has it too; neighbours."""
        adjacent = self._adjacency(board[None])[0]
        lines = []
        for vertex, near in enumerate(adjacent):
            shown = ""
            if prediction is not None:
                colors = prediction[self._diagonal]
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

    def _row(self, problem: Any) -> Ints:
        fits = isinstance(problem, list | tuple) and all(
            isinstance(edge, list | tuple)
            and len(edge) == 2
            and all(type(v) is int and 0 <= v < self.vertices for v in edge)
            and edge[0] != edge[1]
            for edge in problem
        )
        if not fits:
            raise self._refusal(problem, f"pairs of different vertices, 0 to {self.vertices - 1}")
        edges = {(min(edge), max(edge)) for edge in problem}
        rows, columns = np.triu_indices(self.vertices)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        tokens = [VERTEX if i == j else JOINED if (i, j) in edges else APART for i, j in pairs]
        return np.array(tokens, dtype=np.int64)

    def _draw(self, random: np.random.Generator) -> Ints:
        joined = random.random((_batch, self.cells)) < self.density
        inputs = np.where(joined, JOINED, APART)
        inputs[:, self._diagonal] = VERTEX
        return inputs

    def _answer(self, inputs: Ints) -> Answers:
        targets = np.zeros_like(inputs)
        needed = np.zeros(len(inputs))
        rules = _rules(self.vertices, self.colors)
        for i, adjacent in enumerate(self._adjacency(inputs)):
            colors = _first_coloring(adjacent, self.colors, rules)
            if colors is not None:
                targets[i, self._diagonal] = colors
                needed[i] = max(colors) + 1
        return Answers(targets=targets, difficulty=needed, solvable=needed > 1)

    def _wrong(self, inputs: Ints, targets: Ints, predictions: Ints) -> Ints:
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
        colors = np.full((len(inputs), self.vertices), -1)
        taken = np.zeros((len(inputs), self.vertices, self.colors), dtype=np.bool_)
        urgency = adjacent.sum(axis=2)
        for turn in range(self.vertices):
            saturated = taken.sum(axis=2) * self.vertices + urgency
            open_first = np.where(colors < 0, saturated, -1).argmax(axis=1)
            vertex = open_first if saturation else np.full(len(inputs), turn)
            blocked = taken[row, vertex]
            chosen = np.where(blocked.all(axis=1), self.colors - 1, blocked.argmin(axis=1))
            colors[row, vertex] = chosen
            taken[row, :, chosen] |= adjacent[row, vertex]
        answer = np.zeros_like(inputs)
        answer[:, self._diagonal] = colors
        return answer


def _holds(vertex: int, color: int, colors: int) -> int:
    """Return the number of the variable that says that a vertex has a colour."""
    return vertex * colors + color + 1


def _rules(vertices: int, colors: int) -> list[list[int]]:
    """Return the clauses of every graph.

    The second kind binds where the variable after all others is assumed: a colour is used only
    after the one before it. So is it in the first colouring; the solver need not try the rest.
    """
    ordered = _holds(vertices, 0, colors)
    table = [[_holds(v, c, colors) for c in range(colors)] for v in range(vertices)]
    return table + [
        [-ordered, -table[v][c], *(table[w][c - 1] for w in range(v))]
        for v in range(vertices)
        for c in range(1, colors)
    ]


def _first_coloring(adjacent: Bools, colors: int, rules: list[list[int]]) -> list[int] | None:
    """Return the first proper colouring with the fewest colours; None where there are too few.

    Args:
        adjacent: Which vertices are joined, [V, V].
        colors: C.
        rules: From `_rules`.
    """
    vertices = range(len(adjacent))
    table = rules[: len(adjacent)]
    before: list[list[int]] = [np.flatnonzero(adjacent[v, :v]).tolist() for v in vertices]
    pairs = [zip(table[v], table[w], strict=True) for v in vertices for w in before[v]]
    apart = [[-a, -b] for pair in pairs for a, b in pair]
    clique = _clique(adjacent)
    with Solver(name="minisat22", bootstrap_with=rules + apart) as solver:
        fixed = [table[v][c] for c, v in enumerate(clique[:colors])]
        for count in range(len(clique), colors + 1):
            without = [-x for row in table for x in row[count:]]
            if solver.solve(assumptions=[*without, *fixed]):
                break
        else:
            return None
        fixed, found = [_holds(len(adjacent), 0, colors), *without], list[int]()
        model: set[int] = set()  # empty, or one that holds what is fixed
        for v in vertices:
            taken = {found[w] for w in before[v]}
            unused = max(found, default=-1) + 1  # as good as all after it
            options = [c for c in range(min(unused + 1, count)) if c not in taken]
            for color in options[:-1]:
                if table[v][color] in model:
                    break
                if solver.solve(assumptions=[*fixed, table[v][color]]):
                    model = set(solver.get_model())
                    break
            else:
                color = options[-1]  # one of them is possible
                model = model if table[v][color] in model else set()
            found.append(color)
            fixed.append(table[v][color])
        return found


def _clique(adjacent: Bools) -> list[int]:
    """Return a clique: vertices by degree, each where it is joined to all before."""
    clique: list[int] = []
    for v in np.argsort(-adjacent.sum(axis=1), kind="stable").tolist():
        if adjacent[v, clique].all():
            clique.append(v)
    return clique
