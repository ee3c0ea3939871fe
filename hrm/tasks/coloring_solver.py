"""Colourings of a graph, found by a SAT solver (python-sat): the first one, or the only one.

Variable x_{v,c} means that vertex v has colour c; each vertex has a colour, and neighbours have
different ones. Shapes: V vertices, C colours at most.
"""

import numpy as np
from pysat.solvers import Solver

from hrm.tasks import Bools

OPEN = -1  # no colour yet


def _holds(vertex: int, color: int, colors: int) -> int:
    """Return the number of the variable that says that a vertex has a colour."""
    return vertex * colors + color + 1


def rules(vertices: int, colors: int) -> list[list[int]]:
    """Return the clauses that don't depend on the edges: each vertex has a colour.

    Further clauses require that a colour is used only after the colour before it, in the order of
    vertices. The first colouring satisfies them, and they spare the solver permutations of colours.
    They apply only if an additional variable, the last one, is assumed to be true.
    """
    ordered = _holds(vertices, 0, colors)
    table = [[_holds(v, c, colors) for c in range(colors)] for v in range(vertices)]
    return table + [
        [-ordered, -table[v][c], *(table[w][c - 1] for w in range(v))]
        for v in range(vertices)
        for c in range(1, colors)
    ]


def _apart(adjacent: Bools, table: list[list[int]]) -> list[list[int]]:
    """Return the clauses that keep neighbours from sharing a colour."""
    joined = zip(*(ends.tolist() for ends in np.nonzero(np.triu(adjacent))), strict=True)
    pairs = [zip(table[v], table[w], strict=True) for v, w in joined]
    return [[-a, -b] for pair in pairs for a, b in pair]


def only_coloring(adjacent: Bools, given: list[int], colors: int) -> list[int] | None:
    """Return the only proper colouring that keeps given colours; None if there isn't exactly one.

    Args:
        adjacent: Which vertices are joined, [V, V].
        given: Colours, `OPEN` where there is none, [V].
        colors: C.
    """
    table = rules(len(adjacent), colors)[: len(adjacent)]
    fixed = [table[v][color] for v, color in enumerate(given) if color != OPEN]
    with Solver(name="minisat22", bootstrap_with=table + _apart(adjacent, table)) as solver:
        if not solver.solve(assumptions=fixed):
            return None
        true = set(solver.get_model())
        found = [
            next(c for c, x in enumerate(table[v]) if x in true) if color == OPEN else color
            for v, color in enumerate(given)
        ]
        solver.add_clause([-table[v][c] for v, c in enumerate(found)])
        return None if solver.solve(assumptions=fixed) else found


def first_coloring(adjacent: Bools, colors: int, clauses: list[list[int]]) -> list[int] | None:
    """Return the first proper colouring with the fewest colours; None if it needs more than C.

    Args:
        adjacent: Which vertices are joined, [V, V].
        colors: C.
        clauses: From `rules`.
    """
    vertices = range(len(adjacent))
    table = clauses[: len(adjacent)]
    before: list[list[int]] = [np.flatnonzero(adjacent[v, :v]).tolist() for v in vertices]
    clique = _clique(adjacent)
    with Solver(name="minisat22", bootstrap_with=clauses + _apart(adjacent, table)) as solver:
        fixed = [table[v][c] for c, v in enumerate(clique[:colors])]
        for count in range(len(clique), colors + 1):
            without = [-x for row in table for x in row[count:]]
            if solver.solve(assumptions=[*without, *fixed]):
                break
        else:
            return None
        fixed, found = [_holds(len(adjacent), 0, colors), *without], list[int]()
        model: set[int] = set()  # empty, or a model that satisfies `fixed`
        for v in vertices:
            taken = {found[w] for w in before[v]}
            unused = max(found, default=-1) + 1  # equivalent to all colours after it
            options = [c for c in range(min(unused + 1, count)) if c not in taken]
            for color in options[:-1]:
                if table[v][color] in model:
                    break
                if solver.solve(assumptions=[*fixed, table[v][color]]):
                    model = set(solver.get_model())
                    break
            else:
                color = options[-1]  # the only option left
                model = model if table[v][color] in model else set()
            found.append(color)
            fixed.append(table[v][color])
        return found


def _clique(adjacent: Bools) -> list[int]:
    """Return a greedy clique: vertices in descending degree, each if joined to all chosen ones."""
    clique: list[int] = []
    for v in np.argsort(-adjacent.sum(axis=1), kind="stable").tolist():
        if adjacent[v, clique].all():
            clique.append(v)
    return clique
