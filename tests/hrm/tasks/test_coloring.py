"""Graph colouring, against all colourings tried one by one, and networkx."""

from itertools import permutations, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.errors import UserError
from hrm.tasks import Boards, Ints
from hrm.tasks.coloring import Coloring

properties = settings(max_examples=30, deadline=None, derandomize=True)
seeds = st.integers(0, 10_000)
small = st.builds(
    Coloring,
    vertices=st.just(6),
    colors=st.just(5),
    density=st.sampled_from([0.3, 0.5, 0.8]),
)


def graph(task: Coloring, board: Ints) -> nx.Graph:
    found = nx.empty_graph(task.vertices)
    found.add_edges_from(task.decode(board))
    return found


def proper(edges: nx.Graph, colors: tuple[int, ...]) -> bool:
    return all(colors[v] != colors[w] for v, w in edges.edges)


def first(edges: nx.Graph, count: int) -> tuple[int, ...] | None:
    """The first proper colouring with so many colours, of all in order: the oracle."""
    every = product(range(count), repeat=len(edges))
    return next((colors for colors in every if proper(edges, colors)), None)


def backtracked(edges: nx.Graph, count: int, colors: tuple[int, ...] = ()) -> bool:
    """Whether so many colours are enough, by search: the oracle of larger graphs."""
    v = len(colors)
    if v == len(edges):
        return True
    free = set(range(min(count, max(colors, default=-1) + 2))) - {
        colors[w] for w in edges[v] if w < v
    }
    return any(backtracked(edges, count, (*colors, c)) for c in free)


def answer(task: Coloring, board: Ints, colors: tuple[int, ...]) -> Ints:
    found = np.zeros(task.cells, dtype=np.int64)
    found[task.unknown(board)] = colors
    return found


def one(task: Coloring, seed: int) -> Boards:
    return task.generate(seed, 1, 0, 0).train


@properties
@given(task=small, seed=seeds)
def test_the_answer_is_the_first_colouring_with_the_fewest_colours(
    task: Coloring, seed: int
) -> None:
    boards = one(task, seed)
    edges = graph(task, boards.inputs[0])
    needed = int(boards.difficulty[0])
    assert first(edges, needed - 1) is None
    found = first(edges, needed)
    assert found is not None
    assert boards.targets[0].tolist() == answer(task, boards.inputs[0], found).tolist()


@pytest.mark.parametrize(
    "task",
    [Coloring(), Coloring(vertices=18, density=0.6, colors=12), Coloring(vertices=30, density=0.1)],
    ids=repr,
)
def test_larger_graphs_need_all_their_colours(task: Coloring) -> None:
    boards = task.generate(1, 12, 0, 0).train
    for board, target, needed in zip(
        boards.inputs, boards.targets, boards.difficulty.astype(int).tolist(), strict=True
    ):
        edges = graph(task, board)
        colors = tuple(task.decode(board, target))
        assert proper(edges, colors)
        assert set(colors) == set(range(needed))
        assert not backtracked(edges, needed - 1)


@properties
@given(task=small, seed=seeds, data=st.data())
def test_all_proper_colourings_with_the_fewest_colours_are_valid(
    task: Coloring, seed: int, data: st.DataObject
) -> None:
    boards = one(task, seed)
    board = boards.inputs[0]
    edges = graph(task, board)
    needed = int(boards.difficulty[0])
    every = [c for c in product(range(needed), repeat=task.vertices) if proper(edges, c)]
    names = data.draw(st.permutations(range(task.colors)))
    colors = tuple(names[c] for c in data.draw(st.sampled_from(every)))
    scores = task.score(boards, answer(task, board, colors)[None])
    assert scores.valid == scores.unknown == scores.tokens == 1
    assert scores.exact[0] == (list(colors) == task.decode(board, boards.targets[0]))
    assert task.check(board, answer(task, board, colors))


@properties
@given(task=small, seed=seeds, data=st.data())
def test_others_are_not_and_agree_as_the_best_renaming_does(
    task: Coloring, seed: int, data: st.DataObject
) -> None:
    boards = one(task, seed)
    board = boards.inputs[0]
    edges, stored = graph(task, board), task.decode(board, boards.targets[0])
    palette = st.integers(0, data.draw(st.integers(0, task.colors - 1)))
    colors = tuple(data.draw(st.lists(palette, min_size=task.vertices, max_size=task.vertices)))
    valid = proper(edges, colors) and len(set(colors)) <= boards.difficulty[0]
    agreement = max(
        sum(names[c] == s for c, s in zip(colors, stored, strict=True))
        for names in permutations(range(task.colors))
    )
    scores = task.score(boards, answer(task, board, colors)[None])
    assert scores.valid[0] == task.check(board, answer(task, board, colors)) == valid
    expected = task.vertices if valid else agreement
    assert scores.unknown[0] == pytest.approx(expected / task.vertices, abs=1e-12)
    missed = task.vertices - expected
    assert scores.tokens[0] == pytest.approx(1 - missed / task.cells, abs=1e-12)


def test_a_colour_more_than_needed_is_not_valid() -> None:
    task = Coloring(vertices=6)
    board = task.encode([(0, 1)])
    assert task.check(board, answer(task, board, (0, 1, 1, 0, 0, 1)))
    assert task.check(board, answer(task, board, (5, 2, 5, 2, 2, 2)))
    assert not task.check(board, answer(task, board, (0, 1, 2, 0, 0, 0)))
    assert not task.check(board, answer(task, board, (0, 0, 0, 0, 0, 0)))


def test_baselines_are_those_of_networkx() -> None:
    task = Coloring(vertices=15, colors=8)
    boards = task.generate(2, 60, 0, 0).train
    baselines = task.baselines(boards, boards)
    used = []
    for i, board in enumerate(boards.inputs):
        edges = graph(task, board)
        expected = nx.greedy_color(edges, strategy=lambda g, _: sorted(g))
        found = task.decode(board, baselines["greedy"][i])
        assert found == [expected[v] for v in range(15)]
        saturation = tuple(task.decode(board, baselines["saturation"][i]))
        assert proper(edges, saturation)
        theirs = nx.greedy_color(edges, strategy="saturation_largest_first")
        used.append((len(set(saturation)), len(set(theirs.values()))))
    ours, theirs_mean = np.mean(used, axis=0)
    assert abs(ours - theirs_mean) < 0.1  # ties fall differently
    scores = {name: task.score(boards, b).valid.mean() for name, b in baselines.items()}
    assert scores["copy"] == scores["frequent"] == 0
    assert scores["greedy"] < scores["saturation"]


def test_too_few_colours_drop_a_graph_and_end_in_the_last_colour() -> None:
    task = Coloring(vertices=6, colors=2)
    square = [(0, 1), (1, 2), (2, 3), (0, 3)]
    assert task.decode(task.encode(square)) == sorted(square)
    with pytest.raises(UserError, match="allowed is a problem that has an answer"):
        task.encode([(0, 1), (1, 2), (0, 2)])
    with pytest.raises(UserError, match="allowed is a problem that has an answer"):
        task.encode([])
    assert (task.generate(0, 20, 0, 0).train.difficulty == 2).all()
    path = task.encode([(0, 2), (2, 3), (1, 3)])
    boards = Boards(inputs=path[None], targets=path[None] * 0, difficulty=np.full(1, 2.0))
    greedy = task.baselines(boards, boards)["greedy"]
    assert task.decode(path, greedy[0]) == [0, 0, 1, 1, 0, 0]


def test_edges_are_as_dense_as_asked_for() -> None:
    boards = Coloring(vertices=14, density=0.25).generate(3, 200, 0, 0).train
    edges = (boards.inputs == 1).sum() / 200
    assert edges == pytest.approx(0.25 * 14 * 13 / 2, rel=0.04)


def test_a_drawing_has_a_line_per_vertex() -> None:
    task = Coloring(vertices=6)
    board = task.encode([(0, 1), (1, 2), (2, 0)])
    assert task.draw(board) == "0: 1 2\n1: 0 2\n2: 0 1\n3:\n4:\n5:"
    shown = task.draw(board, answer(task, board, (0, 1, 1, 0, 0, 0)))
    assert shown == "0 = 0: 1 2\n1 = 1!: 0 2\n2 = 1!: 0 1\n3 = 0:\n4 = 0:\n5 = 0:"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vertices": 5}, "vertices is 5; allowed is 6 to 30"),
        ({"vertices": 31}, "vertices is 31"),
        ({"colors": 1}, "colors is 1; allowed is 2 to 12"),
        ({"vertices": 6, "colors": 7}, "colors is 7; allowed is 2 to 6"),
        ({"density": 0.0}, "density is 0.0; allowed is a probability"),
        ({"density": float("nan")}, "density is nan"),
    ],
)
def test_impossible_settings_are_refused_on_one_line(
    settings: dict[str, float], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        Coloring(**settings)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("problem", [[(0, 0)], [(0, 6)], [(0, 1, 2)], [0], [(0, 1.0)], "01", None])
def test_what_is_no_list_of_edges_is_refused(problem: object) -> None:
    with pytest.raises(UserError, match="allowed is pairs of different vertices, 0 to 5"):
        Coloring(vertices=6).encode(problem)


def test_seeded_boards_never_change() -> None:
    plain = Coloring().generate(0, 40, 20, 20)
    wide = Coloring(vertices=20, density=0.3, strata=((3, 4), (5, 6))).generate(7, 10, 0, 0)
    assert [b.digest() for b in (plain.train, plain.validation, plain.test, wide.train)] == [
        "04d9748f48774ca7b727575a34fbf78fae3a4c4e2a16922643acd4e7ed8c63ac",
        "1a551506a9949ee39af87fcafe84b9815bb923d915d5a9a6cb7e6e33afbfd5c4",
        "760db6f4a22f0094d97082edbf35bf482b7caccc603bab5f7382fbaee78240e3",
        "fd97d523647b29435d744b622f0c41ed680fa5088e647e9643f080fd9adce1fe",
    ]
