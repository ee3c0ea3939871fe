"""Filling, proving and digging grids, against exact covers and a plain recursive search."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.tasks.grids import BLANK, Digger, Search, peers, rules, shapes, solutions, units
from tests.hrm.tasks import sudoku_oracle as oracle

properties = settings(max_examples=24, deadline=None, derandomize=True)
seeds = st.integers(0, 10_000)


def tries(size: int, random: np.random.Generator | None = None) -> list[list[int]]:
    """Every cell's digits, ascending or in random order."""
    digits = np.tile(np.arange(1, size + 1), (size**2, 1))
    return (digits if random is None else random.permuted(digits, axis=1)).tolist()


def filled(size: int, seed: int) -> list[int]:
    return Search(size).fill([BLANK] * size**2, tries(size, np.random.default_rng(seed)))[0]


def dug(size: int, seed: int, clues: int | None) -> list[int]:
    with rules(size) as solver:
        order = np.random.default_rng(seed).permutation(size**2).tolist()
        return Digger(size, solver).dig(filled(size, seed), order, clues)


@pytest.mark.parametrize("size", sorted(shapes))
def test_peers_are_the_cells_of_common_constraints(size: int) -> None:
    met = [set(oracle.constraints(*divmod(k, size), 1, size)) for k in range(size**2)]
    for cell, others in enumerate(peers(size)):
        shared = [k for k in range(size**2) if met[k] & met[cell] and k != cell]
        assert others == shared
    assert sorted(units(size).ravel().tolist()) == sorted([*range(size**2)] * 3)


@properties
@given(size=st.sampled_from(sorted(shapes)), seed=seeds)
def test_a_full_grid_keeps_the_rules(size: int, seed: int) -> None:
    assert oracle.obeys(filled(size, seed), [BLANK] * size**2, size)


def test_all_full_grids_of_four_turn_up() -> None:
    search, random = Search(4), np.random.default_rng(0)
    grids = [search.fill([BLANK] * 16, tries(4, random))[0] for _ in range(4000)]
    found, counts = np.unique(grids, axis=0, return_counts=True)
    assert len(found) == sum(1 for _ in oracle.solutions([BLANK] * 16, 4)) == 288
    assert counts.max() < 4 * counts.mean()


@properties
@given(size_and_clues=st.sampled_from([(4, 6), (4, 10), (6, 12), (6, 18), (9, 32)]), seed=seeds)
def test_fillings_and_guesses_are_those_of_a_plain_search(
    size_and_clues: tuple[int, int], seed: int
) -> None:
    size, clues = size_and_clues
    random = np.random.default_rng(seed)
    full = filled(size, seed)
    kept = set(random.permutation(size**2)[:clues].tolist())  # most have several solutions
    puzzle = [d if k in kept else BLANK for k, d in enumerate(full)]
    assert Search(size).fill(puzzle, tries(size)) == oracle.guesses(puzzle, size)


@properties
@given(size=st.sampled_from([4, 6]), seed=seeds, share=st.sampled_from([0.4, 0.5, 0.7]))
def test_solutions_are_those_of_an_exact_cover(size: int, seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    board = np.where(random.random(size**2) < share, filled(size, seed), BLANK).tolist()
    board[0] = int(random.integers(0, size + 1))  # now and then against the rules
    expected = list(islice(oracle.solutions(board, size), 4))
    found = solutions(board, size, 4)
    assert len(found) == len(expected)
    if len(found) < 4:
        assert sorted(found) == sorted(expected)
    assert all(oracle.obeys(grid, board, size) for grid in found)
    assert len({tuple(grid) for grid in found}) == len(found)


def test_contradicting_clues_have_no_solution() -> None:
    assert solutions([1, 1, *[BLANK] * 14], 4) == []
    assert list(oracle.solutions([1, 1, *[BLANK] * 14], 4)) == []


@pytest.mark.parametrize("puzzle", oracle.seventeen)
def test_known_puzzles_of_seventeen_clues_have_one_solution_by_two_solvers(puzzle: str) -> None:
    board = [int(digit) for digit in puzzle]
    assert sum(digit > 0 for digit in board) == 17
    (only,) = solutions(board, 9)
    assert oracle.obeys(only, board, 9)
    # The search finds solutions in the order of digits tried, so these are the first and the last.
    first, _ = Search(9).fill(board, tries(9))
    last, _ = Search(9).fill(board, [digits[::-1] for digits in tries(9)])
    assert first == last == only


@pytest.mark.parametrize(("size", "boards"), [(4, 20), (6, 10), (9, 1)])
def test_without_a_clue_count_every_clue_is_needed(size: int, boards: int) -> None:
    for seed in range(boards):
        puzzle = dug(size, seed, None)
        assert list(oracle.solutions(puzzle, size)) == [filled(size, seed)]
        for cell in (k for k, digit in enumerate(puzzle) if digit):
            search = oracle.solutions([*puzzle[:cell], BLANK, *puzzle[cell + 1 :]], size)
            assert next(search) != next(search)


def test_digging_stops_at_the_clues_asked_for_and_follows_the_order() -> None:
    full = filled(6, 0)
    with rules(6) as solver:
        digger = Digger(6, solver)
        order = [*range(35, -1, -1)]
        assert digger.dig(full, order, 36) == full
        assert digger.dig(full, order, 33) == [*full[:33], *[BLANK] * 3]
        fewest = digger.dig(full, order, None)
        assert digger.dig(full, order, 1) == fewest
        assert digger.dig(full, order, None) == fewest  # whatever the solver has learnt


def test_a_puzzle_without_a_solution_is_our_mistake() -> None:
    with pytest.raises(AssertionError, match="the puzzle has no solution"):
        Search(4).fill([1, 2, 3, BLANK, *[BLANK] * 3, 4, *[BLANK] * 8], tries(4))
