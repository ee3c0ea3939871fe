"""The Tower of Hanoi, against the shortest paths of networkx through all legal positions."""

from functools import cache
from itertools import pairwise, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.errors import UserError
from hrm.tasks import Boards, Ints
from hrm.tasks.hanoi import MOVES, Hanoi, Move, solutions

properties = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 10_000)
Position = tuple[int, ...]


@cache
def moves_between(disks: int) -> nx.Graph:
    """All positions, joined by legal moves as the rules state them: the oracle."""
    graph = nx.Graph()
    for position in product(range(3), repeat=disks):
        stacks = [[d for d in range(disks) if position[d] == peg] for peg in range(3)]
        for start, end in MOVES:
            top = min(stacks[start], default=disks)
            if top < min(stacks[end], default=disks):
                graph.add_edge(position, (*position[:top], end, *position[top + 1 :]))
    return graph


def optimal(start: Position, goal: Position) -> set[tuple[Move, ...]]:
    paths = nx.all_shortest_paths(moves_between(len(start)), start, goal)
    return {
        tuple(
            next((a, b) for a, b in zip(here, there, strict=True) if a != b)
            for here, there in pairwise(path)
        )
        for path in paths
    }


def found(start: Position, goal: Position) -> list[tuple[Move, ...]]:
    return [tuple(way) for way in solutions(list(start), list(goal))]


def one(task: Hanoi, seed: int) -> Boards:
    return task.generate(seed, 1, 0, 0).train


def whole(task: Hanoi, board: Ints, moves: tuple[Move, ...]) -> Ints:
    """An answer with these moves in the asked cells."""
    answer = np.zeros(task.cells, dtype=np.int64)
    begin = int(task.unknown(board).argmax())
    answer[begin : begin + len(moves)] = [MOVES.index(m) + 1 for m in moves]
    return answer


def positions(disks: int) -> st.SearchStrategy[Position]:
    return st.tuples(*[st.integers(0, 2)] * disks)


pairs = st.integers(3, 6).flatmap(lambda n: st.tuples(positions(n), positions(n)))


def test_every_pair_of_positions_of_three_disks_has_exactly_these_solutions() -> None:
    twofold = 0
    for start, goal in product(product(range(3), repeat=3), repeat=2):
        ways = found(start, goal)
        assert len(set(ways)) == len(ways)
        assert set(ways) == optimal(start, goal)
        twofold += len(ways) > 1
    assert twofold > 0


@properties
@given(pair=pairs)
def test_any_pair_of_positions_has_exactly_these_solutions(
    pair: tuple[Position, Position],
) -> None:
    assert set(found(*pair)) == optimal(*pair)


@pytest.mark.parametrize("disks", [3, 4, 5, 6])
def test_a_tower_has_one_optimal_solution_from_every_position(disks: int) -> None:
    graph = moves_between(disks)
    assert graph.number_of_nodes() == 3**disks
    for peg in range(3):
        tower = (peg,) * disks
        moves = nx.single_source_shortest_path_length(graph, tower)
        for position in graph:
            closer = [other for other in graph[position] if moves[other] < moves[position]]
            assert len(closer) == (position != tower)
            (way,) = found(position, tower)
            assert len(way) == moves[position] <= 2**disks - 1


@pytest.mark.promise("complete", "the tower of Hanoi", "hrm data show hanoi --set disks=6")
@pytest.mark.parametrize(
    "task",
    [Hanoi(), Hanoi(whole=True), Hanoi(disks=4, towers=True), Hanoi(disks=(3, 5), whole=True)],
    ids=repr,
)
def test_stored_answers_are_optimal(task: Hanoi) -> None:
    boards = task.generate(1, 40, 0, 0).train
    rows = zip(boards.inputs, boards.targets, boards.difficulty.tolist(), strict=True)
    for board, target, difficulty in rows:
        pegs, goals = task.decode(board)
        ways = optimal(tuple(pegs), tuple(goals))
        moves = tuple(task.decode(board, target))
        assert difficulty == len(min(ways))
        assert any(way[: len(moves)] == moves for way in ways)
        assert len(moves) == (difficulty if task.whole else 1)
        assert not task.towers or len(set(goals)) == 1


@properties
@given(pair=pairs.filter(lambda p: p[0] != p[1]), all_moves=st.booleans(), data=st.data())
def test_all_optimal_answers_and_no_others_are_valid(
    pair: tuple[Position, Position], all_moves: bool, data: st.DataObject
) -> None:
    task = Hanoi(disks=(3, 4, 5, 6), whole=all_moves)
    board = task.encode(pair)
    ways = optimal(*pair)
    for way in ways:
        assert task.check(board, whole(task, board, way if all_moves else way[:1]))
    way = list(data.draw(st.sampled_from(sorted(ways))) if all_moves else [(0, 1)])
    at = data.draw(st.integers(0, len(way) - 1))
    way[at] = data.draw(st.sampled_from(MOVES))
    right = tuple(way) in ways if all_moves else any(w[0] == way[0] for w in ways)
    assert task.check(board, whole(task, board, tuple(way))) == right


def twofold() -> tuple[Position, Position]:
    return next(
        (start, goal)
        for start, goal in product(product(range(3), repeat=3), repeat=2)
        if len(optimal(start, goal)) == 2
    )


def test_the_other_optimal_solution_counts_as_right_but_is_not_exact() -> None:
    task = Hanoi(disks=3, whole=True)
    board = task.encode(twofold())
    first, second = (whole(task, board, tuple(w)) for w in solutions(*task.decode(board)))
    boards = Boards(inputs=board[None], targets=first[None], difficulty=np.ones(1))
    scores = task.score(boards, second[None])
    assert scores.valid == scores.unknown == scores.tokens == 1
    assert scores.exact == 0


def test_padding_is_no_skill() -> None:
    task = Hanoi(disks=3, whole=True)
    boards = Boards(
        inputs=task.encode(([0, 0, 0], [0, 1, 0]))[None],
        targets=np.zeros((1, task.cells), dtype=np.int64),
        difficulty=np.ones(1),
    )
    board = boards.inputs[0]
    moves = solutions(*task.decode(board))[0]
    boards.targets[0] = whole(task, board, tuple(moves))
    assert task.score(boards, np.zeros_like(boards.inputs)).unknown == 0
    longer = whole(task, board, (*moves, (0, 1)))
    scores = task.score(boards, longer[None])
    assert scores.unknown[0] == pytest.approx(len(moves) / (len(moves) + 1), abs=1e-12)
    assert scores.tokens[0] == pytest.approx(1 - 1 / task.cells, abs=1e-12)
    assert scores.valid == scores.exact == 0


def test_every_board_turns_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hrm.tasks.asking._patience", 4)
    towers = Hanoi(disks=3, towers=True).generate(0, 78, 0, 0).train
    assert len({row.tobytes() for row in towers.inputs}) == 78 == 3 * (3**3 - 1)
    with pytest.raises(UserError, match="no new one turns up after 78"):
        Hanoi(disks=3, towers=True).generate(0, 79, 0, 0)


def test_greedy_moves_are_legal_and_solve_some_boards() -> None:
    task = Hanoi(disks=4, whole=True)
    boards = task.generate(4, 100, 0, 0).train
    greedy = task.baselines(boards, boards)["greedy"]
    graph = moves_between(4)
    for board, answer in zip(boards.inputs, greedy, strict=True):
        here = tuple(task.decode(board)[0])
        for start, end in task.decode(board, answer):
            disk = min(d for d in range(4) if here[d] == start)
            there = (*here[:disk], end, *here[disk + 1 :])
            assert graph.has_edge(here, there)
            here = there
    assert 0 < task.score(boards, greedy).valid.mean() < 0.5


def test_a_drawing_shows_pegs_and_moves() -> None:
    task = Hanoi(disks=(3, 4), whole=True)
    board = task.encode(([1, 0, 0], [0, 0, 0]))
    assert task.draw(board) == "0: 2 1   1: 0   2: -\n0: 2 1 0   1: -   2: -"
    answer = whole(task, board, ((1, 0),))
    assert task.draw(board, answer).splitlines()[2] == "1>0"
    answer[-1] = 1
    assert task.draw(board, answer).splitlines()[2] == "1>0" + " -" * 13 + " 0>1 !"
    answer[:] = 0
    assert task.draw(board, answer).splitlines()[2] == "no move !"


@pytest.mark.parametrize("disks", [2, 7, (), (3, 8)])
def test_impossible_settings_are_refused_on_one_line(disks: int | tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"disks is .*; allowed is 3 to 6, or several of them;"):
        Hanoi(disks=disks)


@pytest.mark.parametrize(
    "problem",
    [
        ([0, 0, 0], [0, 0, 1]),
        ([0, 0, 0, 0], [1, 1, 1, 1]),
        ([0, 0, 3], [1, 1, 1]),
        ([0, 0, 0],),
        "000",
        None,
    ],
)
def test_what_is_no_problem_is_refused(problem: object) -> None:
    with pytest.raises(UserError, match="goals all alike"):
        Hanoi(disks=(3, 5), towers=True).encode(problem)


def test_a_solved_position_is_refused() -> None:
    with pytest.raises(UserError, match="allowed is a problem that has an answer"):
        Hanoi().encode(([0, 1, 2], [0, 1, 2]))


def test_seeded_boards_never_change() -> None:
    steps = Hanoi().generate(0, 40, 20, 20)
    ways = Hanoi(disks=5, whole=True, towers=True, strata=((1, 9), (10, 31))).generate(7, 40, 0, 0)
    assert [b.digest() for b in (steps.train, steps.validation, steps.test, ways.train)] == [
        "d6026a73f63838cb02afa02332c0974908988e50cbd7cc1990877644e96181d0",
        "ddd2617e290d8c5986438283bcef693a17887e67b0e059c1bf73400624a910f3",
        "68c202af6f89052204d957116c27e1847667007f162de4e2e0b0702b9ce2c398",
        "598c8cc32dda676a2c9d2121bddd281b12eb66bd559bc4b89b537e440eab0211",
    ]
