"""Sequences, against every rule there is, tried one by one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.errors import UserError
from hrm.tasks import Boards
from hrm.tasks.pattern import Pattern

properties = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 10_000)
patterns = st.builds(
    Pattern,
    modulus=st.sampled_from([5, 7, 11, 13]),
    strands=st.integers(1, 3),
    shown=st.integers(3, 5),
    asked=st.integers(1, 3),
)


def rules(shown: list[int], modulus: int) -> list[tuple[int, int]]:
    """Every (r, d) of the family that explains a strand's elements: the oracle."""
    return [
        (r, d)
        for r in range(1, modulus)
        for d in range(modulus)
        if len(set(shown)) > 1 and all((r * a + d) % modulus == b for a, b in pairwise(shown))
    ]


def continuation(element: int, rule: tuple[int, int], modulus: int, count: int) -> list[int]:
    found = []
    for _ in range(count):
        element = (rule[0] * element + rule[1]) % modulus
        found.append(element)
    return found


def one(task: Pattern, seed: int) -> Boards:
    return task.generate(seed, 1, 0, 0).train


@properties
@given(task=patterns, seed=seeds)
def test_one_rule_explains_what_is_shown_and_gives_the_answer(task: Pattern, seed: int) -> None:
    boards = one(task, seed)
    shown = task.decode(boards.inputs[0])
    asked = task.decode(boards.inputs[0], boards.targets[0])
    parameters = 0
    for s in range(task.strands):
        strand = shown[s :: task.strands]
        (rule,) = rules(strand, task.modulus)
        assert asked[s :: task.strands] == continuation(strand[-1], rule, task.modulus, task.asked)
        parameters += (rule[0] != 1) + (rule[1] != 0)
    assert boards.difficulty[0] == parameters


@properties
@given(task=patterns, seed=seeds, data=st.data())
def test_one_wrong_element_is_not_valid_and_given_ones_do_not_matter(
    task: Pattern, seed: int, data: st.DataObject
) -> None:
    boards = one(task, seed)
    answer = boards.targets[0].copy()
    cell = data.draw(st.integers(0, task.cells - 1))
    answer[cell] = data.draw(st.integers(0, task.modulus - 1).filter(lambda e: e != answer[cell]))
    scores = task.score(boards, answer[None])
    given_cell = cell < task.shown * task.strands
    assert scores.valid[0] == scores.exact[0] == given_cell
    assert task.check(boards.inputs[0], answer) == given_cell
    assert scores.tokens[0] == pytest.approx(1 - 1 / task.cells, abs=1e-12)
    missed = 0 if given_cell else 1 / (task.asked * task.strands)
    assert scores.unknown[0] == pytest.approx(1 - missed, abs=1e-12)


@properties
@given(
    modulus=st.sampled_from([5, 7]),
    elements=st.lists(st.integers(0, 4), min_size=4, max_size=4),
)
def test_what_no_rule_or_no_only_rule_explains_is_refused(
    modulus: int, elements: list[int]
) -> None:
    task = Pattern(modulus=modulus, strands=1, shown=4)
    if len(rules(elements, modulus)) == 1:
        assert task.decode(task.encode(elements)) == elements
    else:
        with pytest.raises(UserError, match="a problem that has an answer"):
            task.encode(elements)


def test_there_are_as_many_strands_as_documented() -> None:
    boards = Pattern(modulus=5, strands=1).generate(0, 80, 0, 0).train
    assert (boards.difficulty == 1).sum() == 2 * (5 - 1) ** 2
    with pytest.raises(UserError, match="no new one turns up after 80"):
        Pattern(modulus=5, strands=1).generate(0, 81, 0, 0)


def test_kinds_are_drawn_equally() -> None:
    boards = Pattern(modulus=97, strands=1).generate(1, 3000, 0, 0).train
    first, second, third = boards.inputs[:, :3].T
    arithmetic = ((third - second - second + first) % 97 == 0).mean()
    geometric = ((first * third - second * second) % 97 == 0).mean()
    assert arithmetic == pytest.approx(1 / 3, abs=0.03)
    assert geometric == pytest.approx(1 / 3, abs=0.03)


def test_the_difference_solves_arithmetic_strands_alone() -> None:
    task = Pattern(modulus=11, strands=1)
    boards = task.generate(2, 300, 0, 0).train
    baselines = task.baselines(boards, boards)
    first, second, third = boards.inputs[:, :3].T
    arithmetic = (third - second - second + first) % 11 == 0
    assert (task.score(boards, baselines["difference"]).valid == arithmetic).all()
    last = task.score(boards, baselines["last"])
    assert last.unknown.mean() < 0.1
    assert (baselines["last"][:, 4:] == boards.inputs[:, 3:4]).all()


def test_strata_hold_equal_numbers_in_every_set() -> None:
    task = Pattern(strata=((2, 2), (3, 3), (4, 4)))
    splits = task.generate(3, 30, 6, 3)
    for boards in (splits.train, splits.validation, splits.test):
        assert boards.difficulty.tolist() == [2, 3, 4] * (len(boards) // 3)


def test_a_drawing_has_a_line_per_strand() -> None:
    task = Pattern(modulus=11, shown=3, asked=2)
    board = task.encode([1, 2, 3, 4, 5, 8])
    assert task.draw(board) == "1 3 5 ? ?\n2 4 8 ? ?"
    answer = np.array([0, 0, 0, 0, 0, 0, 7, 5, 8, 10])
    assert task.draw(board, answer) == "1 3 5 7' 8!\n2 4 8 5' 10'"
    assert task.decode(board, answer) == [7, 5, 8, 10]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"modulus": 12}, "modulus is 12; allowed is a prime from 5 to 251"),
        ({"modulus": 3}, "modulus is 3"),
        ({"modulus": 257}, "modulus is 257"),
        ({"shown": 2}, "shown is 2; allowed is 3 or more"),
        ({"strands": 0}, "strands is 0; allowed is 1 or more"),
        ({"asked": 0}, "asked is 0; allowed is 1 or more"),
        ({"strata": ((3, 2),)}, "strata is ((3, 2),); allowed is ascending ranges apart"),
        ({"strata": ((1, 2), (2, 3))}, "strata is"),
        ({"strata": ((1, 2, 3),)}, "strata[0] is (1, 2, 3); allowed is tuple[int, int]"),
    ],
)
def test_impossible_settings_are_refused_on_one_line(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        Pattern(**settings)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("problem", [[1, 2], [1] * 9, "12345678", [1.0] * 8, [11] * 8, None])
def test_what_is_no_list_of_elements_is_refused(problem: object) -> None:
    with pytest.raises(UserError, match="allowed is 8 integers from 0 to 10"):
        Pattern().encode(problem)


def test_seeded_boards_never_change() -> None:
    plain = Pattern().generate(0, 40, 20, 20)
    other = Pattern(modulus=97, strands=1, strata=((1, 1), (2, 2))).generate(7, 40, 0, 0)
    assert [b.digest() for b in (plain.train, plain.validation, plain.test, other.train)] == [
        "1fce03ce2705b12ed6b22f96d53b0c9d799b0351e8be522cc2b339f64195456d",
        "da8eebb7cead816923a2864dbd4e702f33edd8529ad1c179db32e33a86299ba5",
        "d6530fa35671326086cddafe52a64bd39ebbec6448dfd76e4eb4e4653ed1fa41",
        "73882752a1cdfef344c2a43a05673259633b47faa64020fde436e1f7ae829b4d",
    ]
