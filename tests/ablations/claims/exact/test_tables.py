"""Checks of document complete: its tables, its halting, its tasks; and of a schedule's cost."""

from dataclasses import replace

import numpy as np
import pytest

from ablations.claims.exact import curriculum, q_halting, tables, tasks
from hrm import recipes
from hrm.config.learning import QHalting
from hrm.tasks import sparse
from hrm.tasks.maze import Maze
from tests.ablations.claims.exact.checks import beside, primary

TINY = {"h_dim": 16, "l_dim": 8, "h_layers": 1, "l_layers": 1, "h_heads": 1, "l_heads": 1}
CODED, DOCUMENTED = (recipes.complete(**TINY, positions=4, as_coded=c) for c in (True, False))


@pytest.mark.parametrize(
    ("high", "listed", "agree"),
    [("27M", "27M", True), ("27M", "26.8M", True), ("27.5M", "27M", True), ("28M", "26M", False)],
)
def test_two_printed_sizes_agree_if_some_number_prints_as_both(high, listed, agree):
    assert primary(tables.sizes, figures=["1K", high, "1K", listed]) == [agree]
    assert beside(tables.sizes, figures=["1K", high, "1K", listed]) == [True]


def test_domains_are_held_to_the_working_ones():
    assert primary(tables.domains, figures=["5", "7", "2", "5", "0"]) == [True]
    assert primary(tables.domains, figures=["5", "7", "2", "4", "1"]) == [False]
    assert beside(tables.domains, figures=["5", "7", "2", "4", "1"]) == [True, True]


def test_halting_that_learns_is_told_from_halting_that_does_not():
    assert primary(q_halting.trained, DOCUMENTED) == [True]
    assert primary(q_halting.trained, CODED) == [False]
    unlearned = replace(DOCUMENTED, objective=QHalting(weight=0.0))
    assert primary(q_halting.trained, unlearned) == [False]


def test_a_schedule_of_equal_stages_saves_nothing():
    one, two = (
        recipes.tiny_network(width=16, heads=2, positions=4, prefix=1, h_cycles=h, l_cycles=2)
        for h in (1, 2)
    )
    assert primary(curriculum.cost, two, two, two, figures=["0%"]) == [False, True]
    saves, *_ = curriculum.cost([one, two, two], 0, figures=["41.4%"])
    assert saves.holds
    levels = list(curriculum.cost([one, two, two], 0, figures=["15%"]))[-1]
    assert levels.holds, "three tenths of the updates take half"


def test_a_known_puzzle_with_two_solutions_or_another_clue_is_found(monkeypatch):
    assert primary(tasks.few_clues, figures=["17"], boards=2) == [True, True]
    monkeypatch.setattr("hrm.tasks.sudoku._version", lambda random: ([1] * 17 + [0] * 64, [1] * 81))
    monkeypatch.setattr("hrm.tasks.sudoku.Sudoku._guesses", lambda self, x: np.zeros(len(x)))
    monkeypatch.setattr("hrm.tasks.sudoku.Sudoku._keys", lambda self, x: np.arange(len(x)))
    monkeypatch.setattr("hrm.tasks.sudoku._patience", 4)
    monkeypatch.setattr(sparse, "PUZZLES", sparse.PUZZLES[:1])
    assert primary(tasks.few_clues, figures=["17"], boards=0) == [False, True]


def test_a_path_with_a_detour_is_found(monkeypatch):
    assert primary(tasks.optimal_paths, boards=5) == [True] * 6
    canonical = Maze._canonical

    def everywhere(self, inputs):
        return np.where(inputs == 0, 1, canonical(self, inputs))

    monkeypatch.setattr(Maze, "_canonical", everywhere)
    assert primary(tasks.optimal_paths, boards=5) == [False] * 6
