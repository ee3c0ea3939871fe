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


@pytest.mark.promise("complete", "graph colouring", "hrm data show coloring --set vertices=8")
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
    some = Coloring(vertices=10, colors=4, density=0.6, given=4).generate(0, 10, 5, 5)
    hard = Coloring(vertices=7, colors=3, density=0.6, given=2, strata=((1, 5),))
    chosen = (plain.train, plain.validation, plain.test, wide.train, some.train)
    assert [b.digest() for b in (*chosen, hard.generate(7, 10, 0, 0).train)] == [
        "04d9748f48774ca7b727575a34fbf78fae3a4c4e2a16922643acd4e7ed8c63ac",
        "1a551506a9949ee39af87fcafe84b9815bb923d915d5a9a6cb7e6e33afbfd5c4",
        "760db6f4a22f0094d97082edbf35bf482b7caccc603bab5f7382fbaee78240e3",
        "fd97d523647b29435d744b622f0c41ed680fa5088e647e9643f080fd9adce1fe",
        "2e2a849723f8c0e385ee10bc77656edfc9dfed9ef97bf191e3572be2a7098469",
        "19d38a4022e4f0faf7d4fbddd23fc02de6aac712b0483fcee8bc16821d0c1563",
    ]


# -- given colours --------------------------------------------------------------------------------
extension = st.sampled_from(
    [
        Coloring(vertices=7, colors=3, density=0.5, given=2),
        Coloring(vertices=7, colors=3, density=0.5, given=2, strata=((3, 5),)),
        Coloring(vertices=6, colors=4, density=0.8, given=3),
        Coloring(vertices=6, colors=3, density=0.4, given=4),
        Coloring(vertices=6, colors=2, density=0.4, given=1),
    ]
)


def extensions(task: Coloring, board: Ints) -> list[tuple[int, ...]]:
    """All proper colourings that keep the given colours, of all there are: the oracle."""
    edges, given_colors = task.decode(board)
    return [
        colors
        for colors in product(range(task.colors), repeat=task.vertices)
        if all(colors[v] != colors[w] for v, w in edges)
        and all(colors[v] == c for v, c in given_colors.items())
    ]


def neighbours(task: Coloring, board: Ints) -> list[set[int]]:
    near: list[set[int]] = [set() for _ in range(task.vertices)]
    for v, w in task.decode(board)[0]:
        near[v].add(w)
        near[w].add(v)
    return near


@properties
@given(task=extension, seed=seeds)
def test_given_colours_leave_one_colouring(task: Coloring, seed: int) -> None:
    boards = one(task, seed)
    (colors,) = extensions(task, boards.inputs[0])
    assert len(task.decode(boards.inputs[0])[1]) == task.given
    assert task.decode(boards.inputs[0], boards.targets[0]) == list(colors)
    assert boards.targets[0].tolist() == on_diagonal(task, colors).tolist()


def on_diagonal(task: Coloring, colors: tuple[int, ...]) -> Ints:
    found = np.zeros((task.vertices, task.vertices), dtype=np.int64)
    np.fill_diagonal(found, colors)
    return found[np.triu_indices(task.vertices)]


@properties
@given(task=extension, seed=seeds)
def test_the_difficulty_is_what_elimination_leaves(task: Coloring, seed: int) -> None:
    boards = one(task, seed)
    near, colors = neighbours(task, boards.inputs[0]), dict(task.decode(boards.inputs[0])[1])
    again = True
    while again:
        again = False
        for v in set(range(task.vertices)) - set(colors):
            left = set(range(task.colors)) - {colors[w] for w in near[v] if w in colors}
            if len(left) == 1:
                colors[v], again = left.pop(), True
    assert boards.difficulty[0] == task.vertices - len(colors)
    assert not task.strata or 3 <= boards.difficulty[0] <= 5


@properties
@given(task=extension, seed=seeds, data=st.data())
def test_another_colouring_is_right_where_it_agrees(
    task: Coloring, seed: int, data: st.DataObject
) -> None:
    boards = one(task, seed)
    asked = task.unknown(boards.inputs)
    palette = st.integers(0, task.colors - 1)
    found = boards.targets.copy()
    number = int(asked.sum())
    found[asked] = data.draw(st.lists(palette, min_size=number, max_size=number))
    found[~asked] = data.draw(palette)  # never asked for, never compared but in tokens
    agrees = (found == boards.targets)[asked].mean()
    scores = task.score(boards, found)
    assert scores.unknown[0] == pytest.approx(agrees, abs=1e-12)
    assert scores.valid[0] == scores.exact[0] == (agrees == 1)
    assert task.check(boards.inputs[0], found[0]) == (agrees == 1)


@properties
@given(seed=seeds, vertices=st.sampled_from([6, 7]), colors=st.sampled_from([3, 4]))
def test_what_one_colouring_is_left_for_is_never_dropped(
    seed: int, vertices: int, colors: int
) -> None:
    task = Coloring(vertices=vertices, colors=colors, given=colors - 1)
    random = np.random.default_rng(seed)
    found, kept = random.integers(colors, size=vertices), random.permutation(vertices) < colors
    pairs = [(v, w) for v in range(vertices) for w in range(v) if found[v] != found[w]]
    edges = [pair for pair in pairs if random.random() < 0.9]
    board = task._row((edges, {v: int(found[v]) for v in range(vertices) if kept[v]}))
    chained = task._chained(task._adjacency(board[None]), found[None], kept[None])[0]
    several = len(extensions(task, board)) > 1
    assert chained or several
    assert task._answer(board[None]).solvable[0] == (not several)


def dsatur(task: Coloring, board: Ints) -> list[int]:
    """The saturation heuristic, begun at the given colours, word for word."""
    near, colors = neighbours(task, board), dict(task.decode(board)[1])
    while len(colors) < task.vertices:
        has = {v: {colors[w] for w in near[v] if w in colors} for v in range(task.vertices)}
        vertex = min(
            set(range(task.vertices)) - set(colors),
            key=lambda v: (-len(has[v]), -len(near[v]), v),
        )
        left = [c for c in range(task.colors) if c not in has[vertex]]
        colors[vertex] = min(left, default=task.colors - 1)
    return [colors[v] for v in range(task.vertices)]


def test_baselines_begin_at_the_given_colours() -> None:
    for task in (
        Coloring(vertices=8, colors=3, density=0.5, given=2, strata=((0, 0), (1, 8))),
        Coloring(vertices=14, colors=4, density=0.6, given=6),
    ):
        boards = task.generate(2, 60, 0, 0).train
        baselines = task.baselines(boards, boards)
        for i, board in enumerate(boards.inputs):
            near, colors = neighbours(task, board), dict(task.decode(board)[1])
            assert task.decode(board, baselines["copy"][i]) == [
                colors.get(v, 0) for v in range(task.vertices)
            ]
            assert task.decode(board, baselines["saturation"][i]) == dsatur(task, board)
            for v in set(range(task.vertices)) - set(colors):
                taken = {colors[w] for w in near[v] if w in colors}
                left = [c for c in range(task.colors) if c not in taken]
                colors[v] = min(left, default=task.colors - 1)
            found = task.decode(board, baselines["greedy"][i])
            assert found == [colors[v] for v in range(task.vertices)]
        valid = task.score(boards, baselines["saturation"]).valid
        assert (valid[boards.difficulty == 0] == 1).all()  # it eliminates
        assert not (valid[boards.difficulty > 0] == 1).all() or task.vertices == 14


def test_a_problem_with_given_colours_has_one_colouring() -> None:
    task = Coloring(vertices=6, colors=2, given=1)
    path = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    board = task.encode((path, {2: 1}))
    assert task.decode(board) == (path, {2: 1})
    assert task.check(board, on_diagonal(task, (1, 0, 1, 0, 1, 0)))
    assert task.draw(board) == "0: 1\n1: 0 2\n2 = 1: 1 3\n3: 2 4\n4: 3 5\n5: 4"
    for edges, colors in (
        (path[1:], {2: 1}),  # several
        (path, {2: 1, 3: 1}),  # none
        (path, dict(enumerate([1, 0] * 3))),  # nothing to colour
    ):
        with pytest.raises(UserError, match="allowed is a problem with one answer"):
            task.encode((edges, colors))
    for problem in (path, (path, {6: 0}), (path, {0: 2}), (path, [(0, 1)]), ([(0, 0)], {0: 1})):
        with pytest.raises(UserError, match=r"with \{vertex: colour\}, colours 0 to 1"):
            task.encode(problem)


@pytest.mark.parametrize("given_colors", [-1, 1, 12])
def test_an_impossible_number_of_given_colours_is_refused(given_colors: int) -> None:
    with pytest.raises(UserError, match=f"given is {given_colors}; allowed is 0, or 2 to 11"):
        Coloring(colors=3, given=given_colors)


def test_the_edge_or_colour_that_is_wrong_is_named():
    edges = [(i, i + 1) for i in range(11)]
    with pytest.raises(UserError, match=r"Coloring can't use edge 11, \(3, 12\); allowed is pairs"):
        Coloring(vertices=12).encode([*edges, (3, 12)])
    task = Coloring(vertices=6, colors=2, given=2)
    with pytest.raises(UserError, match=r"can't use colour 5 of vertex 1; allowed is pairs"):
        task.encode(([(0, 1)], {0: 1, 1: 5}))
