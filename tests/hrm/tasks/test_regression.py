"""The running fold, against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.errors import UserError
from hrm.tasks import Boards
from hrm.tasks.regression import Regression

properties = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 10_000)
sizes = {"depth": st.integers(1, 6), "outputs": st.integers(1, 5)}
tasks = st.builds(Regression, size=st.integers(17, 40), **sizes)


def wave(z: Fraction) -> Fraction:
    """The triangle wave, by its corners: 1 at even numbers, -1 at odd ones."""
    z %= 2
    return 1 - 2 * z if z <= 1 else 2 * z - 3


def folded(start: float, values: list[float], steps: int) -> Fraction:
    y = Fraction(start)
    for value in values[:steps]:
        y = wave(y + Fraction(value))
    return y


def one(task: Regression, seed: int) -> Boards:
    return task.generate(seed, 1, 0, 0).train


@properties
@given(task=tasks, seed=seeds)
def test_targets_are_the_exact_fold(task: Regression, seed: int) -> None:
    boards = task.generate(seed, 8, 0, 0).train
    for board, target in zip(boards.inputs, boards.targets, strict=True):
        starts, values, steps = task.decode(board)
        assert [Fraction(t) for t in target] == [folded(s, values, steps) for s in starts]


@properties
@given(
    starts=st.lists(st.floats(-1, 1), min_size=2, max_size=2),
    values=st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    steps=st.integers(1, 3),
    off=st.floats(-0.2, 0.2),
)
def test_answers_within_the_tolerance_are_right(
    starts: list[float], values: list[float], steps: int, off: float
) -> None:
    task = Regression(size=20, outputs=2, depth=3)
    board = task.encode((starts, values, steps))
    assert task.decode(board) == (starts, values, steps)
    truth = np.array([float(folded(s, values, steps)) for s in starts])
    assert task.check(board, truth)
    near = bool(abs(off) <= 0.1 / np.sqrt(3))
    answer = truth + np.array([0, off])
    assert task.check(board, answer) == near
    boards = Boards(inputs=board[None], targets=truth[None], difficulty=np.full(1, float(steps)))
    scores = task.score(boards, answer[None])
    assert scores.tokens[0] == scores.unknown[0] == (1 if near else 0.5)
    assert scores.valid[0] == scores.exact[0] == near


def test_an_input_repeats_its_features_until_it_is_full() -> None:
    task = Regression(size=12, outputs=1, depth=2)
    board = task.encode(([0.5], [-0.25, 1], 2))
    assert board.tolist() == [0.5, -0.25, 1, 0, 1, 0.5, -0.25, 1, 0, 1, 0.5, -0.25]


def test_nothing_is_lost_in_single_precision() -> None:
    task = Regression(size=40, depth=6)
    boards = task.generate(1, 60, 0, 0).train
    single = task.one_hot(boards.inputs)
    assert single.dtype == np.float32
    assert (single.astype(np.float64) == boards.inputs).all()
    assert (boards.targets.astype(np.float32) == boards.targets).all()


def test_every_difficulty_has_the_same_spread_and_nothing_linear() -> None:
    task = Regression(size=9, depth=4)
    splits = task.generate(2, 20_000, 0, 20_000)
    baselines = task.baselines(splits.train, splits.test)
    for k in range(1, 5):
        here = splits.test.difficulty == k
        assert here.sum() == 5000
        assert splits.test.targets[here].mean() == pytest.approx(0, abs=0.025)
        assert splits.test.targets[here].std() == pytest.approx(3**-0.5, abs=0.015)
        linear = (baselines["linear"][here] - splits.test.targets[here]) ** 2
        assert linear.mean() * 3 == pytest.approx(1, abs=0.03)
    assert task.errors(splits.test, baselines["frequent"]).explained == pytest.approx(0, abs=0.01)


def test_neighbours_help_with_the_first_difficulty_alone() -> None:
    task = Regression(size=9, depth=4)
    splits = task.generate(3, 4000, 0, 2000)
    baselines = task.baselines(splits.train, splits.test)
    squared = task.errors(splits.test, baselines["nearest"]).squared
    assert squared.shape == (2000,)
    explained = [1 - 3 * squared[splits.test.difficulty == k].mean() for k in range(1, 5)]
    assert explained[0] > 0.3 > 0 > explained[1]


def test_baselines_know_what_training_holds() -> None:
    task = Regression(size=9, depth=4)
    train = task.generate(4, 400, 0, 0).train
    baselines = task.baselines(train, train)
    assert (baselines["nearest"] == train.targets).all()
    assert (baselines["copy"] == train.inputs[:, :1]).all()
    assert baselines["frequent"] == pytest.approx(np.full((400, 1), train.targets.mean()))
    easy = train.difficulty == 1
    some = Boards(
        inputs=train.inputs[easy], targets=train.targets[easy], difficulty=train.difficulty[easy]
    )
    lacking = task.baselines(some, train)
    for name in ("linear", "nearest"):
        assert lacking[name][~easy] == pytest.approx(some.targets.mean())


def test_errors_are_squared_and_explained_against_the_mean() -> None:
    task = Regression(size=12, outputs=2, depth=2)
    boards = Boards(
        inputs=np.zeros((2, 12)), targets=np.array([[1.0, 0.0], [0.0, 0.0]]), difficulty=np.ones(2)
    )
    errors = task.errors(boards, np.array([[0.5, 0.0], [0.0, 0.5]]))
    assert errors.squared.tolist() == [0.125, 0.125]
    assert errors.explained == 0
    assert task.errors(boards, boards.targets).explained == 1


def test_a_drawing_shows_what_is_folded() -> None:
    task = Regression(size=12, outputs=2, depth=2)
    board = task.encode(([0.5, 0], [0.25, 1], 1))
    assert task.draw(board) == "0.500 folded with 0.250\n0.000 folded with 0.250"
    shown = task.draw(board, np.array([-0.5, 0.25]))
    assert shown == "0.500 folded with 0.250: -0.500\n0.000 folded with 0.250: 0.250! not 0.500"


def test_real_values_have_no_file_format() -> None:
    task = Regression()
    empty = np.zeros((0, 1024), dtype=np.int64)
    assert task.public_vocabulary == 0
    with pytest.raises(UserError, match="Regression has real values"):
        task.to_public(one(task, 0))
    with pytest.raises(UserError, match="Regression has real values"):
        task.from_public(empty, empty)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 8}, "size is 8; allowed is 9 or more, outputs + 2 * depth"),
        ({"outputs": 0}, "outputs is 0; allowed is 1 or more"),
        ({"depth": 0}, "depth is 0; allowed is 1 or more"),
        ({"tolerance": 0.0}, "tolerance is 0.0"),
        ({"tolerance": float("nan")}, "tolerance is nan"),
    ],
)
def test_impossible_settings_are_refused_on_one_line(
    settings: dict[str, float], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        Regression(**settings)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "problem",
    [
        ([0.5], [0.5], 1),
        ([0.5], [0.5, 1.5], 1),
        ([0.5], [0.5, float("nan")], 1),
        ([0.5], [0.5, 0.5], 3),
        ([0.5], [0.5, 0.5], 0),
        ([0.5], [0.5, 0.5]),
        (0.5, 0.5, 1),
        None,
    ],
)
def test_what_is_no_problem_is_refused(problem: object) -> None:
    with pytest.raises(UserError, match=r"allowed is \(starts, values, k\)"):
        Regression(size=9, depth=2).encode(problem)


def test_seeded_boards_never_change() -> None:
    plain = Regression().generate(0, 40, 20, 20)
    wide = Regression(size=128, outputs=64, depth=6).generate(7, 40, 0, 0).train
    assert [b.digest() for b in (plain.train, plain.validation, plain.test, wide)] == [
        "631b8f33c676df64140dcfd7204a6fc403f894ecd87c41a7d505a2e8c49700f5",
        "c38658f00c2f7fb56cbfa6ee95884b130e35434b68246c7f024f7e4430d9f147",
        "837e641c37f153bbdb39aec9effb4e2d178155aeeb7aebb26827c4830db5d0f4",
        "8124d4434893eb0847eb2645ea5456f19a1a5971e4103b818329c2afd365f02f",
    ]
