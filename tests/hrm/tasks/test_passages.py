"""Floods and carving, against networkx."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.tasks import Bools
from hrm.tasks.passages import carve, flood

properties = settings(max_examples=40, deadline=None, derandomize=True)


def graph(free: Bools) -> nx.Graph:
    """The free cells of one board [H, H], joined with their neighbours."""
    grid = nx.grid_2d_graph(*free.shape)
    grid.remove_nodes_from([cell for cell in list(grid) if not free[cell]])
    return grid


@properties
@given(size=st.integers(2, 6), walls=st.sampled_from([0.0, 0.3, 0.5]), seed=st.integers(0, 9999))
def test_a_flood_finds_distances_and_the_most_marks(size: int, walls: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    free = random.random((3, size, size)) >= walls
    marked = random.random(free.shape) < 0.5
    free[:, 0, 0] = True
    origin = np.zeros_like(free)
    origin[:, 0, 0] = True
    distance, most = flood(free, origin, marked)
    assert (flood(free, origin)[0] == distance).all()
    assert (flood(free, origin)[1] == np.where(distance < 0, -1, 0)).all()
    for board in range(3):
        ways = graph(free[board])
        lengths = nx.single_source_shortest_path_length(ways, (0, 0))
        for cell in np.ndindex(size, size):
            assert distance[(board, *cell)] == lengths.get(cell, -1)
            if cell not in lengths:
                assert most[(board, *cell)] == -1
        far = max(lengths, key=lambda cell: lengths[cell])
        paths = nx.all_shortest_paths(ways, (0, 0), far)
        assert most[(board, *far)] == max(sum(marked[(board, *c)] for c in path) for path in paths)


@pytest.mark.parametrize("size", [4, 5, 8, 9])
def test_carved_boards_are_trees_through_all_rooms(size: int) -> None:
    carved = carve(np.random.default_rng(size), 60, size, 0.0)
    assert carved.shape == (60, size, size)
    rooms = ((size + 1) // 2) ** 2
    for free in carved:
        assert nx.is_tree(graph(free))
        assert free.sum() == 2 * rooms - 1


def test_every_tree_of_four_rooms_and_every_side_for_spare_walls_turns_up() -> None:
    carved = carve(np.random.default_rng(0), 2000, 4, 0.0)
    found, counts = np.unique(carved.reshape(2000, -1), axis=0, return_counts=True)
    assert len(found) == 4 * 4  # four trees, each at four places
    assert counts.min() > 80
    sides = [carved[:, 0].any(axis=1), carved[:, -1].any(axis=1)]
    assert (sides[0] != sides[1]).all()


def test_openings_are_walls_between_rooms_opened_with_their_probability() -> None:
    trees, opened, all_open = (carve(np.random.default_rng(0), 400, 9, q) for q in (0.0, 0.25, 1.0))
    assert (trees <= opened).all() and (opened <= all_open).all()
    assert (opened & ~trees).sum() / (all_open & ~trees).sum() == pytest.approx(0.25, abs=0.02)
    posts = np.zeros((9, 9), dtype=np.bool_)
    posts[1::2, 1::2] = True
    assert (all_open == ~posts).all()
