"""Boolean satisfiability: assign values to variables so that every clause is true.

A formula has V variables and up to C clauses of one to three literals, each of which is a variable
or its negation; a clause is true if one of its literals is. Formulas are drawn uniformly, and those
that a SAT solver (python-sat) proves unsatisfiable are dropped. Planting a solution instead would
bias the literals towards it. The stored answer doesn't depend on which model the solver finds: it
is the first model in the order of variables, false before true.

The difficulty is the size of the *backbone*, the number of variables that have the same value in
all models. A wrong value of any of these makes an answer invalid.

Shapes: N boards; cells: C clauses of 3 literals, then V variables.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pysat.card import ITotalizer
from pysat.solvers import Solver

from hrm.config.parts import require
from hrm.tasks import Boards, Bools, Ints
from hrm.tasks.asking import Answers, Asking
from hrm.tasks.board import most_frequent

NONE = 0  # no literal; variable i >= 1 is token 2 i - 1, its negation 2 i

_solver = "minisat22"
_batch = 64  # formulas drawn at once: the stream of a seed depends on it


@dataclass(frozen=True, kw_only=True)
class Logic(Asking):
    """Satisfiable formulas; classes 0 false and 1 true at the variables, and 0 at given cells.

    One clause in 16 has one literal, three in 16 have two, and the others three, of different
    variables. A formula has one normal form (literals by variable, clauses in the order of their
    tokens, none twice), so that it can't occur in two sets in different orders. Every satisfying
    assignment counts as right.

    The natural form of a problem is a list of clauses as in DIMACS files, [[1, -3], [2, 3, 4]], the
    sign for a negation; that of an answer is the list of the literals that hold, [1, -2, ...].

    On one core, 10,000 formulas take about 2 s with the defaults, 6 s with 20 variables and 60
    clauses, 50 s with 80. Scoring takes half a millisecond where a prediction isn't a model.

    Args:
        variables: V, 4 to 20.
        clauses: C. With four clauses per variable, one formula in ten is satisfiable at 12
            variables; with more variables, fewer are.
    """

    variables: int = 12
    clauses: int = 36

    def __post_init__(self) -> None:
        super().__post_init__()
        v = self.variables
        require(4 <= v <= 20, "variables", v, "4 to 20", "use 12")
        require(
            1 <= self.clauses <= 5 * v,
            "clauses",
            self.clauses,
            f"1 to {5 * v} for {v} variables",
            "with more, hardly any formula is satisfiable",
        )

    @property
    def cells(self) -> int:
        """Cells per board, 3 C + V."""
        return self._given + self.variables

    @property
    def vocabulary(self) -> int:
        """Number of tokens: no literal, two literals per variable, and the mark of a variable."""
        return 2 * self.variables + 2

    @property
    def classes(self) -> int:
        """Number of classes: false and true."""
        return 2

    @property
    def _given(self) -> int:
        return 3 * self.clauses

    def decode(self, board: Ints, prediction: Ints | None = None) -> Any:
        """Return the clauses, or the literals that hold in a prediction."""
        if prediction is not None:
            values = prediction[self._given :].tolist()
            return [i if value else -i for i, value in enumerate(values, start=1)]
        tokens = board[: self._given]
        literals = np.where(tokens % 2, 1, -1) * ((tokens + 1) // 2)
        clauses = [[x for x in clause if x] for clause in literals.reshape(-1, 3).tolist()]
        return [clause for clause in clauses if clause]

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (all false), ``frequent``, ``majority`` and ``units``.

        ``majority`` gives each variable the sign of most of its literals, false in a tie. ``units``
        first applies unit propagation (while a clause has one open literal and no true one, that
        literal is made true) and then the majority to the variables that stay open.
        """
        literals = boards.inputs[:, : self._given, None] - 2 * np.arange(self.variables)
        balance = (literals == 1).sum(axis=1) - (literals == 2).sum(axis=1)
        majority = np.zeros_like(boards.inputs)
        majority[:, self._given :] = balance > 0
        units = majority.copy()
        for board, answer in zip(boards.inputs, units, strict=True):
            for literal in _propagated(self.decode(board)):
                answer[self._given + abs(literal) - 1] = literal > 0
        return {
            "copy": np.zeros_like(boards.inputs),
            "frequent": most_frequent(train.targets, self.classes, len(boards)),
            "majority": majority,
            "units": units,
        }

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return a clause per line, ``-`` for not; then the prediction; ``!`` where one fails."""
        values = [] if prediction is None else self.decode(board, prediction)
        lines = []
        for clause in self.decode(board):
            fails = prediction is not None and not set(clause) & set(values)
            lines.append(" or ".join(f"{x}" for x in clause) + (" !" if fails else ""))
        return "\n".join(lines if prediction is None else [*lines, " ".join(map(str, values))])

    def _row(self, problem: Any) -> Ints:
        allowed = (
            f"1 to {self.clauses} clauses of 1 to 3 literals of different variables, "
            f"1 to {self.variables}, negative for not"
        )
        if not isinstance(problem, list | tuple):
            raise self._refusal(problem, allowed)
        for i, clause in enumerate(problem):
            if not (
                isinstance(clause, list | tuple)
                and all(type(x) is int and 0 < abs(x) <= self.variables for x in clause)
                and 0 < len(clause) == len({abs(x) for x in clause}) <= 3
            ):
                raise self._refusal(f"clause {i}, {clause!r}", allowed)
        if not 0 < len(problem) <= self.clauses:
            raise self._refusal(f"{len(problem)} clauses", allowed)
        tokens = np.full((self.clauses, 3), NONE)
        for slots, clause in zip(tokens, problem, strict=False):
            slots[: len(clause)] = [2 * abs(x) - (x > 0) for x in clause]
        board: Ints = self._written(tokens[None])[0]
        return board

    def _written(self, tokens: Ints) -> Ints:
        """Return inputs [N, cells] from clauses [N, C, 3], in normal form."""
        absent = self.vocabulary  # after all literals
        literals = np.sort(np.where(tokens == NONE, absent, tokens), axis=2)
        weights = np.array([absent**2, absent, 1])
        codes = np.sort((literals % absent) @ weights, axis=1)
        again = codes[:, 1:] == codes[:, :-1]
        codes[:, 1:][again] = 0
        codes = np.sort(np.where(codes == 0, absent**3, codes), axis=1) % absent**3
        given = codes[:, :, None] // weights % absent
        asked = np.full((len(tokens), self.variables), self.vocabulary - 1)
        return np.concatenate([given.reshape(len(tokens), -1), asked], axis=1)

    def _draw(self, random: np.random.Generator) -> Ints:
        shape = (_batch, self.clauses)
        first = random.integers(self.variables, size=shape)
        second = (first + random.integers(1, self.variables, size=shape)) % self.variables
        low, high = np.minimum(first, second), np.maximum(first, second)
        third = random.integers(self.variables - 2, size=shape)
        third += third >= low
        third += third >= high
        variables = np.stack([first, second, third], axis=2)
        tokens = 2 * variables + random.integers(1, 3, size=variables.shape)
        drawn = random.integers(16, size=shape)
        tokens[drawn < 4, 2] = NONE
        tokens[drawn < 1, 1] = NONE
        return self._written(tokens)

    def _answer(self, inputs: Ints) -> Answers:
        targets = np.zeros_like(inputs)
        backbone = np.zeros(len(inputs))
        solvable = np.zeros(len(inputs), dtype=np.bool_)
        for i, board in enumerate(inputs):
            with Solver(name=_solver, bootstrap_with=self.decode(board)) as solver:
                solvable[i] = solver.solve()
                if solvable[i]:
                    answer = self._first(solver)
                    backbone[i] = _backbone(solver, answer)
                    targets[i, self._given :] = np.array(answer) > 0
        return Answers(targets=targets, difficulty=backbone, solvable=solvable)

    def _first(self, solver: Solver) -> list[int]:
        """Return the first model in the order of variables, false before true, as literals."""
        true = set(solver.get_model())
        fixed: list[int] = []
        for i in range(1, self.variables + 1):
            if i in true and solver.solve(assumptions=[*fixed, -i]):
                true = set(solver.get_model())
            fixed.append(i if i in true else -i)
        return fixed

    def _wrong(self, inputs: Ints, targets: Ints, predictions: Ints) -> Ints:
        wrong = np.zeros(len(inputs), dtype=np.int64)
        for i in np.flatnonzero(~self._satisfied(inputs, predictions)):
            wrong[i] = _distance(self.decode(inputs[i]), self.decode(inputs[i], predictions[i]))
        return wrong

    def _satisfied(self, inputs: Ints, predictions: Ints) -> Bools:
        """Return whether all clauses hold, [N]."""
        tokens = inputs[:, : self._given]
        variables = np.maximum((tokens - 1) // 2, 0)
        values = np.take_along_axis(predictions[:, self._given :], variables, axis=1)
        holds = ((values == tokens % 2) & (tokens != NONE)).reshape(-1, self.clauses, 3)
        empty = tokens.reshape(holds.shape)[:, :, 0] == NONE
        satisfied: Bools = (holds.any(axis=2) | empty).all(axis=1)
        return satisfied


def _backbone(solver: Solver, answer: list[int]) -> int:
    """Return how many literals of a model are in every model."""
    left, common = set(answer), 0
    while left:
        if solver.solve(assumptions=[-left.pop()]):
            left &= set(solver.get_model())
        else:
            common += 1
    return common


def _distance(clauses: list[list[int]], literals: list[int]) -> int:
    """Return how many variables differ between an assignment and the nearest model.

    A totalizer counts differences; the solver searches for models with increasing numbers of them.
    """
    with (
        Solver(name=_solver, bootstrap_with=clauses) as solver,
        ITotalizer(lits=[-x for x in literals], ubound=len(literals), top_id=len(literals)) as more,
    ):
        solver.append_formula(more.cnf.clauses)
        for distance, exceeded in enumerate(more.rhs):
            if solver.solve(assumptions=[-exceeded]):
                return distance
    return len(literals)


def _propagated(clauses: list[list[int]]) -> list[int]:
    """Return the literals of a satisfiable formula that unit propagation makes true."""
    true: list[int] = []
    while True:
        held = set(true)
        left = (
            [x for x in clause if -x not in held] for clause in clauses if not held & set(clause)
        )
        forced = next((clause[0] for clause in left if len(clause) == 1), None)
        if forced is None:
            return true
        true.append(forced)
