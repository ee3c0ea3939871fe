"""Votes, attempts and submissions, on tasks of our own."""

import json

import numpy as np
import pytest

from hrm.errors import UserError
from hrm.tasks import Boards
from hrm.tasks.arc import Arc
from hrm.tasks.arc.data import ArcTask, Grid, Pair
from hrm.tasks.arc.scoring import (
    NOTHING,
    Submission,
    attempts,
    ranked,
    read_submission,
    score_submission,
    task_scores,
    vote,
    write_submission,
)
from tests.hrm.tasks.arc.test_task import some_tests, whole


def grid(*rows: list[int]) -> Grid:
    return np.array(rows, dtype=np.uint8)


A, B, C = grid([1, 2]), grid([1], [2]), grid([3])


def task(name: str, *outputs: Grid) -> ArcTask:
    pairs = tuple(Pair(input=grid([0, k]), output=output) for k, output in enumerate(outputs))
    return ArcTask(name=name, demonstrations=(), tests=pairs)


tasks = (task("aaaaaaaa", A), task("bbbbbbbb", B, C))


def perfect() -> Submission:
    return {t.name: [attempts([p.output]) for p in t.tests] for t in tasks}


# -- votes -----------------------------------------------------------------------------------------
def test_the_grid_with_most_votes_comes_first() -> None:
    order = ranked([(A, 9.0), (B, 0.0), (C, 0.0), (C, 0.0), (B, 0.0), (C, 0.0)])
    assert [g.tolist() for g in order] == [C.tolist(), B.tolist(), A.tolist()]


def test_ties_go_to_the_higher_mean_confidence_then_to_the_first_vote() -> None:
    assert [g.tolist() for g in ranked([(A, 0.1), (B, 0.2)])] == [B.tolist(), A.tolist()]
    order = ranked([(A, 0.5), (B, 0.9), (B, 0.3), (A, 0.5)])
    assert [g.tolist() for g in order] == [B.tolist(), A.tolist()]
    assert [g.tolist() for g in ranked([(B, 0.0), (A, 0.0)])] == [B.tolist(), A.tolist()]


def test_grids_of_equal_cells_and_other_shapes_are_different_and_empty_ones_do_not_count() -> None:
    empty = np.zeros((0, 0), dtype=np.uint8)
    order = ranked([(empty, 1.0), (empty, 1.0), (A, 0.0), (B, 0.0)])
    assert [g.shape for g in order] == [(1, 2), (2, 1)]
    assert ranked([(empty, 1.0)]) == ranked([]) == []


def test_attempts_are_the_two_best_grids_and_always_grids() -> None:
    assert attempts([A, B, C]) == {"attempt_1": [[1, 2]], "attempt_2": [[1], [2]]}
    assert attempts([C]) == {"attempt_1": [[3]], "attempt_2": [[3]]}
    assert attempts([]) == {"attempt_1": [[0]], "attempt_2": [[0]]}
    assert NOTHING.tolist() == [[0]]


# -- scores ----------------------------------------------------------------------------------------
def test_the_perfect_submission_scores_one_and_an_empty_one_zero() -> None:
    assert score_submission(perfect(), tasks) == 1
    nothing = {t.name: [attempts([]) for _ in t.tests] for t in tasks}
    assert score_submission(nothing, tasks) == 0


def test_a_task_scores_the_share_of_its_tests_and_the_score_is_the_mean_over_tasks() -> None:
    submission = perfect()
    submission["bbbbbbbb"][1] = attempts([A, B])
    assert task_scores(submission, tasks) == {"aaaaaaaa": 1.0, "bbbbbbbb": 0.5}
    assert score_submission(submission, tasks) == 0.75
    submission["aaaaaaaa"][0] = attempts([B, C])
    assert score_submission(submission, tasks) == 0.25


def test_either_attempt_may_be_right_and_tests_keep_their_order() -> None:
    submission = perfect()
    submission["aaaaaaaa"][0] = attempts([C, A])
    assert score_submission(submission, tasks) == 1
    submission["bbbbbbbb"].reverse()
    assert score_submission(submission, tasks) == 0.5


def test_the_same_cells_in_another_shape_are_wrong() -> None:
    submission = perfect()
    submission["aaaaaaaa"][0] = attempts([B, grid([1, 2, 0])])
    assert task_scores(submission, tasks)["aaaaaaaa"] == 0


entry = {"attempt_1": [[3]], "attempt_2": [[3]]}


def second(spoilt: object) -> dict[str, object]:
    """The perfect submission with another entry for the second test of the second task."""
    return perfect() | {"bbbbbbbb": [entry, spoilt]}


@pytest.mark.parametrize(
    ("submission", "message"),
    [
        ({"bbbbbbbb": [entry] * 2}, "the submission lacks task 'aaaaaaaa'"),
        (perfect() | {"cccccccc": []}, "has an entry 'cccccccc'; allowed are the 2 tasks"),
        (perfect() | {"bbbbbbbb": [entry]}, "entries of task 'bbbbbbbb' are 1; allowed is 2"),
        (perfect() | {"bbbbbbbb": [entry] * 3}, "entries of task 'bbbbbbbb' are 3; allowed is 2"),
        (perfect() | {"bbbbbbbb": entry}, "entries of task 'bbbbbbbb' are no list"),
        (second({"attempt_1": [[3]]}), r"keys of task 'bbbbbbbb', test 1 are \['attempt_1'\]"),
        (second(entry | {"attempt_3": [[0]]}), r"allowed is \['attempt_1', 'attempt_2'\]"),
        (second([[0]]), "task 'bbbbbbbb', test 1 are no object"),
        (
            second(entry | {"attempt_2": [[1, 2], [3]]}),
            "rows of task 'bbbbbbbb', test 1, attempt_2",
        ),
        (second(entry | {"attempt_1": [[10]]}), "test 1, attempt_1 is 10; allowed is 0 to 9"),
        (second(entry | {"attempt_1": None}), "task 'bbbbbbbb', test 1, attempt_1 is no grid"),
        ([entry], "the submission is no object"),
    ],
)
def test_what_is_no_submission_is_refused_on_one_line(submission, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        score_submission(submission, tasks)
    assert "\n" not in str(caught.value)


# -- files -----------------------------------------------------------------------------------------
def test_a_file_reads_back_as_it_was_written(tmp_path) -> None:
    path = tmp_path / "submission.json"
    write_submission(path, perfect())
    assert json.loads(path.read_text()) == read_submission(path) == perfect()
    write_submission(path, {})
    assert read_submission(path) == {}
    assert [p.name for p in tmp_path.iterdir()] == ["submission.json"]


def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch) -> None:
    path = tmp_path / "submission.json"
    write_submission(path, perfect())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"can't be written \(No space left on device\)"):
        write_submission(path, {})
    assert read_submission(path) == perfect()
    assert [p.name for p in tmp_path.iterdir()] == ["submission.json"]


def test_files_that_cannot_be_written_or_read_are_the_users_error(tmp_path) -> None:
    with pytest.raises(UserError, match=r"can't be written \(No such file"):
        write_submission(tmp_path / "nowhere" / "submission.json", {})
    with pytest.raises(UserError, match=r"can't be read \(No such file"):
        read_submission(tmp_path / "submission.json")
    for content in (b'{"a": [', b"\xff\xfe\x00"):
        (tmp_path / "submission.json").write_bytes(content)
        with pytest.raises(UserError, match="isn't JSON"):
            read_submission(tmp_path / "submission.json")


# -- boards of versions ----------------------------------------------------------------------------
@pytest.mark.parametrize("version", [1, 2])
def test_a_solver_of_real_tasks_ends_in_a_file_that_scores_itself(version: int, tmp_path) -> None:
    arc, splits, path = Arc(version=version), whole(version), tmp_path / "submission.json"
    predictions = arc.baselines(splits.train, splits.test)["recolour"]
    right = np.flatnonzero(splits.test.groups % 5 == 0)  # and a fifth of the tasks given away
    predictions[right] = splits.test.targets[right]
    write_submission(path, vote(arc, 0, splits.test, predictions))
    score = score_submission(read_submission(path), arc.evaluation_tasks)
    valid = arc.score(splits.test, predictions).valid
    shares = [valid[splits.test.groups == g].mean() for g in np.unique(splits.test.groups)]
    assert score == pytest.approx(np.mean(shares), abs=1e-12)
    assert 0.19 < score < 0.25


@pytest.mark.promise(
    "complete", "ARC-AGI-1, by its official score", "hrm predict RUN TASKS --submission FILE"
)
@pytest.mark.parametrize("version", [1, 2])
def test_stored_answers_score_one_and_no_answers_zero(version: int) -> None:
    arc, test = Arc(version=version), whole(version).test
    for predictions, score in ((test.targets, 1.0), (0 * test.targets, 0.0)):
        submission = vote(arc, 0, test, predictions)
        assert score_submission(submission, arc.evaluation_tasks) == score


def test_votes_of_all_versions_are_counted_after_their_augmentation_is_undone() -> None:
    arc = Arc(augmentations=4)
    boards = some_tests(arc, 3, 25)
    assert len(boards) > 25 * 5
    first = boards.identities % 5 == 1  # the tasks as they are; their predictions are spoilt
    spoilt = np.where(first[:, None], boards.inputs, boards.targets)
    submission = vote(arc, 3, boards, spoilt)
    tasks = arc.evaluation_tasks[:25]
    for asked in tasks:
        for test, entry in zip(asked.tests, submission[asked.name], strict=True):
            assert entry["attempt_1"] == test.output.tolist()
            assert entry["attempt_2"] == test.input.tolist()
    for asked in arc.evaluation_tasks[25:]:
        assert submission[asked.name] == [{"attempt_1": [[0]], "attempt_2": [[0]]}] * len(
            asked.tests
        )


def test_confidence_breaks_ties_and_without_it_the_plain_version_does() -> None:
    arc = Arc(augmentations=1)
    boards = some_tests(arc, 3, 5)
    plain = boards.identities % 2 == 1
    predictions = np.where(plain[:, None], boards.inputs, boards.targets)
    asked = arc.evaluation_tasks[0]
    first = vote(arc, 3, boards, predictions)[asked.name][0]
    assert first["attempt_1"] == asked.tests[0].input.tolist()
    sure = vote(arc, 3, boards, predictions, np.where(plain, 0.2, 0.8))[asked.name][0]
    assert sure["attempt_1"] == asked.tests[0].output.tolist()


def test_boards_of_another_seed_or_set_are_refused() -> None:
    arc = Arc(augmentations=1)
    boards = some_tests(arc, 3, 5)
    with pytest.raises(UserError, match="no test of an evaluation task under seed 4"):
        vote(arc, 4, boards, boards.targets)
    train = whole(1).train
    with pytest.raises(UserError, match="board 0, with identity 1, is no test"):
        vote(Arc(), 0, train, train.targets)
    blank = Boards(inputs=boards.inputs, targets=boards.targets, difficulty=boards.difficulty)
    with pytest.raises(UserError, match="with identity 0, is no test"):
        vote(arc, 3, blank, blank.targets)
