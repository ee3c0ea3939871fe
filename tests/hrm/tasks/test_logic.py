"""Satisfiability, against all assignments tried one by one, and another solver."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysat.solvers import Cadical153

from hrm.errors import UserError
from hrm.tasks import Boards, Ints
from hrm.tasks.logic import Logic

properties = settings(max_examples=30, deadline=None, derandomize=True)
seeds = st.integers(0, 10_000)
small = st.builds(Logic, variables=st.integers(4, 7), clauses=st.integers(4, 20))
Clauses = list[list[int]]


def holds(clauses: Clauses, values: tuple[int, ...]) -> bool:
    return all(any(values[abs(x) - 1] == (x > 0) for x in clause) for clause in clauses)


def models(clauses: Clauses, variables: int) -> list[tuple[int, ...]]:
    """Every satisfying assignment, false before true: the oracle."""
    return [v for v in product((0, 1), repeat=variables) if holds(clauses, v)]


def one(task: Logic, seed: int) -> Boards:
    return task.generate(seed, 1, 0, 0).train


def answer(task: Logic, values: tuple[int, ...]) -> Ints:
    return np.array([0] * (task.cells - task.variables) + list(values), dtype=np.int64)


@properties
@given(task=small, seed=seeds)
def test_the_answer_is_the_first_model_and_the_backbone_what_all_share(
    task: Logic, seed: int
) -> None:
    boards = one(task, seed)
    every = models(task.decode(boards.inputs[0]), task.variables)
    assert boards.targets[0].tolist() == answer(task, every[0]).tolist()
    assert boards.difficulty[0] == sum(len(set(values)) == 1 for values in zip(*every, strict=True))


@pytest.mark.promise(
    "complete", "logic puzzles", "hrm data show logic --set variables=4 --set clauses=12"
)
@properties
@given(task=small, seed=seeds, data=st.data())
def test_all_models_and_nothing_else_are_valid(task: Logic, seed: int, data: st.DataObject) -> None:
    boards = one(task, seed)
    board = boards.inputs[0]
    every = models(task.decode(board), task.variables)
    drawn = tuple(data.draw(st.lists(st.integers(0, 1), min_size=task.variables, max_size=7)))
    for values in (data.draw(st.sampled_from(every)), drawn[: task.variables]):
        distance = min(sum(a != b for a, b in zip(values, m, strict=True)) for m in every)
        scores = task.score(boards, answer(task, values)[None])
        assert scores.valid[0] == task.check(board, answer(task, values)) == (values in every)
        assert scores.exact[0] == (values == every[0])
        assert scores.unknown[0] == pytest.approx(1 - distance / task.variables, abs=1e-12)
        assert scores.tokens[0] == pytest.approx(1 - distance / task.cells, abs=1e-12)


def test_another_solver_agrees_on_twenty_variables() -> None:
    task = Logic(variables=20, clauses=64)
    boards = task.generate(1, 12, 0, 0).train
    for board, target, difficulty in zip(
        boards.inputs, boards.targets, boards.difficulty, strict=True
    ):
        with Cadical153(bootstrap_with=task.decode(board)) as solver:
            literals = task.decode(board, target)
            assert solver.solve(assumptions=literals)
            assert sum(not solver.solve(assumptions=[-x]) for x in literals) == difficulty
            for i, x in enumerate(literals):
                assert x < 0 or not solver.solve(assumptions=[*literals[:i], -x])


@properties
@given(
    clauses=st.lists(
        st.lists(st.integers(-4, 4).filter(bool), min_size=1, max_size=3, unique_by=abs),
        min_size=1,
        max_size=10,
    ),
    data=st.data(),
)
def test_a_formula_has_one_form(clauses: Clauses, data: st.DataObject) -> None:
    task = Logic(variables=4, clauses=10)
    if not models(clauses, 4):
        with pytest.raises(UserError, match="allowed is a problem that has an answer"):
            task.encode(clauses)
        return
    board = task.encode(clauses)
    other = data.draw(st.permutations([data.draw(st.permutations(c)) for c in clauses]))
    assert task.encode(other).tolist() == board.tolist()
    assert task.encode([*other, *other][:10]).tolist() == board.tolist()
    assert {frozenset(c) for c in task.decode(board)} == {frozenset(c) for c in clauses}
    assert task.encode(task.decode(board)).tolist() == board.tolist()


def test_literals_and_widths_are_drawn_as_documented() -> None:
    task = Logic(variables=20, clauses=10)
    clauses = [c for b in task.generate(2, 1000, 0, 0).train.inputs for c in task.decode(b)]
    widths = np.bincount([len(c) for c in clauses], minlength=4) / len(clauses)
    assert widths == pytest.approx([0, 1 / 16, 3 / 16, 3 / 4], abs=0.02)
    literals = [x for clause in clauses for x in clause]
    assert np.mean([x > 0 for x in literals]) == pytest.approx(1 / 2, abs=0.02)
    counts = np.bincount(np.abs(literals), minlength=21)[1:] / len(literals)
    assert counts == pytest.approx(np.full(20, 1 / 20), abs=0.005)


def test_baselines_follow_signs_and_units() -> None:
    task = Logic(variables=4, clauses=5)
    clauses = [[1], [-1, 2], [-2, -3, 4], [-2, 3], [-4, -3, 1]]
    boards = Boards(
        inputs=task.encode(clauses)[None],
        targets=answer(task, (1, 1, 1, 1))[None],
        difficulty=np.zeros(1),
    )
    baselines = task.baselines(boards, boards)
    assert task.decode(boards.inputs[0], baselines["majority"][0]) == [1, -2, -3, -4]
    assert task.decode(boards.inputs[0], baselines["units"][0]) == [1, 2, 3, 4]
    assert baselines["copy"].max() == 0
    assert baselines["frequent"].tolist() == boards.targets.tolist()


def test_a_drawing_has_a_line_per_clause() -> None:
    task = Logic(variables=4, clauses=3)
    board = task.encode([[-3, 1], [2]])
    assert task.draw(board) == "1 or -3\n2"
    assert task.draw(board, answer(task, (0, 1, 1, 0))) == "1 or -3 !\n2\n-1 2 3 -4"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variables": 3}, "variables is 3; allowed is 4 to 20"),
        ({"variables": 21}, "variables is 21; allowed is 4 to 20"),
        ({"variables": 4, "clauses": 21}, "clauses is 21; allowed is 1 to 20 for 4 variables"),
        ({"clauses": 0}, "clauses is 0"),
    ],
)
def test_impossible_settings_are_refused_on_one_line(
    settings: dict[str, int], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        Logic(**settings)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "problem",
    [[], [[]], [[0]], [[1, 1]], [[1, -1]], [[1, 2, 3, 4]], [[5]], [[1]] * 4, [[1.0]], ["1"], None],
)
def test_what_is_no_formula_is_refused(problem: object) -> None:
    with pytest.raises(UserError, match="allowed is 1 to 3 clauses of 1 to 3 literals"):
        Logic(variables=4, clauses=3).encode(problem)


def test_seeded_boards_never_change() -> None:
    middle = Logic().generate(0, 40, 20, 20)
    strict = Logic(variables=20, clauses=70, strata=((0, 12), (13, 20))).generate(7, 20, 0, 0)
    assert [b.digest() for b in (middle.train, middle.validation, middle.test, strict.train)] == [
        "ad55435b1a1046a6894f6c74e4423ae6ca965faef5627981706cefc685fab86a",
        "9e3a3e927448db4dcdb025020878359448837aa63cf28b32da4f70b99a8b4368",
        "eb179afbcd79217ccaf2186f2f143101142852eb795208441722c8407130b0b5",
        "c63f213685709e93ff89b6f9669faeac979d60f0517182154258e94d6a673817",
    ]


def test_the_clause_that_is_wrong_is_named():
    task = Logic(variables=4, clauses=3)
    with pytest.raises(UserError, match=r"Logic can't use clause 1, \[2, 5\]; allowed is 1 to 3"):
        task.encode([[1], [2, 5], [3]])
    with pytest.raises(UserError, match="Logic can't use 4 clauses; allowed is 1 to 3 clauses"):
        task.encode([[1], [2], [3], [4]])
