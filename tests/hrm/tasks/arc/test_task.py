"""Boards of real ARC tasks, and of a few made-up ones, to a scored submission file."""

from collections import Counter, defaultdict
from functools import cache

import numpy as np
import pytest

from hrm.config.parts import Part
from hrm.errors import UserError
from hrm.tasks import Boards, Ints, Splits, Task
from hrm.tasks.arc import Arc
from hrm.tasks.arc.data import ArcTask, Augmentation, Grid, Pair
from hrm.tasks.arc.tokens import cut_out, embedded, origins


@cache
def whole(version: int) -> Splits:
    return Arc(version=version).everything(0)


def grid(*rows: list[int]) -> Grid:
    return np.array(rows, dtype=np.uint8)


@cache
def public() -> Splits:
    return Arc(training_tests=True).everything(0)


def pairs_of(boards: Boards) -> list[tuple[int, Pair]]:
    """What boards show, each with its identity."""
    grids = (cut_out(boards.inputs, tokens) for tokens in (boards.inputs, boards.targets))
    pairs = [Pair(input=i, output=o) for i, o in zip(*grids, strict=True)]
    return list(zip(boards.identities.tolist(), pairs, strict=True))


def joined(boards: list[Boards]) -> Boards:
    """Boards one after the other; their puzzles and groups are numbered again."""
    names = ("inputs", "targets", "difficulty", "identities")
    return Boards(**{n: np.concatenate([getattr(b, n) for b in boards]) for n in names})


def some_tests(task: Arc, seed: int, number: int) -> Boards:
    """Test boards of the first evaluation tasks."""
    stream = task.stream(seed, "test")
    return joined([next(stream) for _ in range(number)])


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> tuple[ArcTask, ArcTask]:
    """One training and one evaluation task, whose demonstration is its test in other colours."""
    flip = ArcTask(
        name="11111111",
        demonstrations=(
            Pair(input=grid([1, 2]), output=grid([2, 1])),
            Pair(input=grid([3, 0, 4]), output=grid([4, 0, 3])),
            Pair(input=grid([5], [6]), output=grid([5], [6])),
        ),
        tests=(Pair(input=grid([7, 8, 0]), output=grid([0, 8, 7])),),
    )
    colours = ArcTask(
        name="22222222",
        demonstrations=(Pair(input=grid([1]), output=grid([2])),),
        tests=(Pair(input=grid([3]), output=grid([4])), Pair(input=grid([4]), output=grid([3]))),
    )
    monkeypatch.setattr("hrm.tasks.arc.task.load", lambda version: ((flip,), (colours,)))
    return flip, colours


# -- the protocol ----------------------------------------------------------------------------------
def test_it_is_a_task_and_a_part() -> None:
    task = Arc(version=2, augmentations=3, translate=False)
    assert isinstance(task, Task)
    assert isinstance(task, Part)
    assert Part.from_json(task.to_json()) == task
    assert (task.cells, task.vocabulary, task.classes, task.public_vocabulary) == (900, 12, 12, 12)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 3}, "version is 3; allowed is 1 or 2"),
        ({"augmentations": -1}, "augmentations is -1; allowed is 0 or more"),
    ],
)
def test_impossible_settings_are_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Arc(**fields)  # type: ignore[arg-type]


# -- which pairs are in which set ------------------------------------------------------------------
def test_the_sets_are_those_of_the_public_recipe_but_for_shared_pairs_and_validation() -> None:
    assert [len(s) for s in (whole(1).train, whole(1).validation, whole(1).test)] == [
        1302 + 1363 - 1,
        416 - 1,
        419,
    ]
    assert [len(s) for s in (whole(2).train, whole(2).validation, whole(2).test)] == [
        3232 + 359 - 1,
        1076,
        167,
    ]
    assert (len(public().train), len(public().validation)) == (1302 + 1363 + 416 - 2, 0)
    without = Arc(evaluation_demonstrations=False).everything(0)
    assert (len(without.train), len(without.test)) == (1302 - 1, 419)
    assert without.train.identities.max() <= 400 < without.test.identities.min()


@pytest.mark.parametrize("version", [1, 2])
def test_boards_are_the_pairs_of_their_tasks(version: int) -> None:
    tasks = Arc(version=version).tasks
    splits = whole(version)
    for boards, kind in (
        (splits.train, "demonstrations"),
        (splits.validation, "tests"),
        (splits.test, "tests"),
    ):
        found = defaultdict[int, Counter[bytes]](Counter)
        for identity, pair in pairs_of(boards):
            found[identity][pair.key] += 1
        for identity, keys in found.items():
            stored = Counter(p.key for p in getattr(tasks[identity - 1], kind))
            assert keys <= stored and (stored - keys).total() <= 1
        assert boards.difficulty.tolist() == (boards.targets >= 2).sum(axis=1).tolist()


def canonical(pair: Pair) -> str:
    """The same for all augmentations of a pair, and for no other pair: by trying all turns."""
    forms = []
    for k in range(4):
        for mirrored in (False, True):
            names = {0: 0}
            form = []
            for g in (pair.input, pair.output):
                g = np.rot90(g[:, ::-1] if mirrored else g, k)
                named = [names.setdefault(c, len(names)) for c in g.ravel().tolist()]
                form.append((g.shape, named))
            forms.append(repr(form))
    return min(forms)


@pytest.mark.parametrize("version", [1, 2])
def test_no_training_pair_is_a_held_out_pair_of_another_task_in_any_version(version: int) -> None:
    def rough(pair: Pair) -> tuple[object, ...]:
        counts = [np.bincount(g.ravel(), minlength=10) for g in (pair.input, pair.output)]
        return (*(sorted(g.shape) for g in (pair.input, pair.output)), *map(sorted, counts))

    train, held_out = (defaultdict[str, list[tuple[int, Pair]]](list) for _ in range(2))
    splits = whole(version)
    if version == 1:  # as the public recipe has it: every training task's tests are trained on
        splits = public()
    for boards, by_rough in (
        (splits.train, train),
        (splits.validation, held_out),
        (splits.test, held_out),
    ):
        for identity, pair in pairs_of(boards):
            by_rough[repr(rough(pair))].append((identity, pair))
    compared = 0
    for key, asked in held_out.items():
        for identity, pair in asked:
            for other, trained in train.get(key, ()):
                if other != identity:
                    compared += 1
                    assert canonical(pair) != canonical(trained), (identity, other)
    assert compared > 10


def test_the_pairs_left_out_are_those_that_tasks_share() -> None:
    tasks = {task.name: task for task in Arc(version=1).tasks}
    same = tasks["40853293"].tests[0], tasks["070dd51e"].tests[0]
    assert same[0].key == same[1].key
    alike = tasks["caa06a1f"].demonstrations[2], tasks["50a16a69"].tests[0]
    assert canonical(alike[0]) == canonical(alike[1])


def test_versions_of_a_demonstration_that_are_versions_of_a_test_are_left_out(made_up) -> None:
    task = Arc(augmentations=40, translate=False)
    splits = task.everything(0)

    train, *held_out = (
        {pair.key for _, pair in pairs_of(boards)}
        for boards in (splits.train, splits.validation, splits.test)
    )
    assert not train & set.union(*held_out)
    assert len(splits.test) == 2 * 41
    assert (splits.train.identities > 41).sum() < 41  # of the evaluation task; some are left out
    assert (splits.train.identities > 41).any()


# -- how pairs lie on boards -----------------------------------------------------------------------
def test_training_boards_stand_anywhere_and_one_of_each_puzzle_top_left() -> None:
    train = whole(1).train
    offsets = origins(train.inputs)
    top_left = (offsets == 0).all(axis=1)
    by_puzzle = defaultdict[int, list[bool]](list)
    for puzzle, at_home in zip(train.puzzles.tolist(), top_left.tolist(), strict=True):
        by_puzzle[puzzle].append(at_home)
    assert all(map(any, by_puzzle.values()))
    assert 0.3 < top_left.mean() < 0.5  # three to four pairs a puzzle; large ones can't move far
    assert offsets.max() >= 25
    for boards in (whole(1).validation, whole(1).test, Arc(translate=False).everything(0).train):
        assert (origins(boards.inputs) == 0).all()


def test_every_board_is_well_formed_so_that_files_read_back() -> None:
    for boards in (whole(1).train, whole(2).test):
        inputs, labels = Arc().to_public(boards)
        back = Arc().from_public(inputs, labels)
        assert (back.inputs == boards.inputs).all() and (back.targets == boards.targets).all()
        assert back.difficulty.tolist() == boards.difficulty.tolist()


def test_rows_that_are_no_boards_are_refused() -> None:
    test = whole(1).test
    labels = test.targets.copy()
    labels[3] = 0
    with pytest.raises(UserError, match="row 3 of labels is no board of ARC"):
        Arc().from_public(test.inputs, labels)
    with pytest.raises(UserError, match="row 0 of inputs is no board of ARC"):
        Arc().from_public(0 * test.inputs, test.targets)
    with pytest.raises(UserError, match=r"shape of labels is \(419, 81\)"):
        Arc().from_public(test.inputs, labels[:, :81])


# -- identities, puzzles, groups -------------------------------------------------------------------
def test_identities_name_the_version_that_a_board_shows() -> None:
    task = Arc(augmentations=2)
    names, tasks = task.identifiers(5), {t.name: t for t in task.tasks}
    assert len(names) == task.identities == 1 + 800 * 3
    assert names[0] == "<blank>"
    assert len(set(names)) >= task.identities - 5  # a few tasks have hardly any versions
    boards = task.generate(5, 60, 20, 20)
    for part, kind in ((boards.train, "demonstrations"), (boards.test, "tests")):
        for identity, pair in pairs_of(part):
            name, _, suffix = names[identity].partition("_t")
            augmentation = Augmentation()
            if suffix:
                dihedral, colours = suffix.split("_")
                augmentation = Augmentation(
                    dihedral=int(dihedral), colours=tuple(map(int, colours))
                )
            undone = Pair(
                input=augmentation.undo(pair.input),
                output=augmentation.undo(pair.output),
            )
            assert undone.key in {p.key for p in getattr(tasks[name], kind)}


def test_puzzles_are_versions_and_groups_are_tasks_side_by_side(made_up) -> None:
    splits = Arc(augmentations=3).everything(1)
    for boards in (splits.train, splits.test):
        for numbers in (boards.puzzles, boards.groups):
            steps = np.diff(numbers)
            assert numbers[0] == 0 and ((steps == 0) | (steps == 1)).all()
        same = boards.identities[1:] == boards.identities[:-1]
        assert (same == (np.diff(boards.puzzles) == 0)).all()
        assert (boards.groups == (boards.identities > 4) * boards.groups.max()).all()
    assert set(splits.train.identities) >= {1, 2, 3, 4}
    assert set(splits.test.identities) == {5, 6, 7, 8}


def test_a_stream_gives_everything_task_by_task(made_up) -> None:
    task = Arc(augmentations=3)
    splits = task.everything(2)
    for role in ("train", "validation", "test"):
        pieces = list(task.stream(2, role))  # type: ignore[arg-type]
        assert len(pieces) == (2 if role == "train" else 1)
        boards, expected = joined(pieces), getattr(splits, role)
        for name in ("inputs", "targets", "difficulty", "identities"):
            assert (getattr(boards, name) == getattr(expected, name)).all()
        assert all((piece.groups == 0).all() for piece in pieces)


# -- drawing boards --------------------------------------------------------------------------------
def rows(*sets: Boards) -> list[bytes]:
    return [row.tobytes() for boards in sets for row in boards.inputs]


def test_generated_sets_share_no_input_and_repeat_none() -> None:
    splits = Arc().generate(1, 900, 300, 400)
    assert [len(s) for s in (splits.train, splits.validation, splits.test)] == [900, 300, 400]
    assert len(set(rows(splits.train, splits.validation, splits.test))) == 1600


def test_more_training_boards_change_nothing_else() -> None:
    task = Arc(augmentations=1)
    few, many = task.generate(5, 6, 6, 6), task.generate(5, 40, 6, 6)
    assert few.test.digest() == many.test.digest()
    assert few.validation.digest() == many.validation.digest()
    assert rows(few.train) == rows(many.train)[:6]


def test_equal_seeds_give_equal_boards_and_other_seeds_others() -> None:
    task = Arc(augmentations=1)
    digests = [task.generate(seed, 10, 5, 5).train.digest() for seed in (3, 3, 4)]
    assert digests[0] == digests[1] != digests[2]


def test_seeded_boards_never_change() -> None:
    first, second = (
        Arc().generate(0, 40, 20, 20),
        Arc(version=2, augmentations=4).generate(7, 40, 20, 20),
    )
    assert [s.digest() for s in (first.train, first.validation, first.test, second.train)] == [
        "5b37d2d841a16cd86176433491f7bfdc0736a7b71d3a6b8db20a7377f504f193",
        "d66e8a7c2dc2a39a8d9e9860bc083b3bce110a34bdce81ee71bb3c52ffe18093",
        "4589d130007c5141cc61359c839a4b22d3deee9c15c8153b323913a452c91a56",
        "b32062343c5d72b89c75dc739d5667659e2e15465688303e17bee9a0b9dc03ec",
    ]


def test_more_boards_than_there_are_end_in_an_error() -> None:
    with pytest.raises(UserError, match=r"test boards is 420; allowed is up to 419 of Arc\("):
        Arc().generate(0, 1, 1, 420)
    with pytest.raises(UserError, match="validation boards is 1; allowed is up to 0"):
        Arc(training_tests=True).generate(0, 1, 1, 1)
    with pytest.raises(UserError, match="train boards is -1; allowed is 0 or more"):
        Arc().generate(0, -1, 1, 1)
    with pytest.raises(UserError, match="data seed is -1"):
        Arc().generate(-1, 1, 1, 1)
    with pytest.raises(UserError, match="data seed is -1"):
        Arc().everything(-1)


def test_empty_sets_are_allowed() -> None:
    splits = Arc().generate(0, 0, 0, 0)
    assert splits.train.inputs.shape == splits.test.targets.shape == (0, 900)
    assert splits.validation.groups.shape == (0,)


# -- scores ----------------------------------------------------------------------------------------
def test_the_stored_answer_scores_one_in_everything() -> None:
    for boards in (whole(1).train, whole(1).test):
        scores = Arc().score(boards, boards.targets)
        for values in (scores.tokens, scores.unknown, scores.exact, scores.valid):
            assert values.shape == (len(boards),) and (values == 1).all()
    assert Arc().unknown(whole(1).test.inputs).all()


def one(answer: Grid, offset: tuple[int, int] = (3, 4)) -> Boards:
    return Boards(
        inputs=embedded(grid([1, 2], [3, 4]), offset)[None],
        targets=embedded(answer, offset)[None],
        difficulty=np.array([answer.size], dtype=np.float64),
    )


def scored(boards: Boards, prediction: Ints) -> tuple[float, float, float]:
    scores = Arc().score(boards, prediction.reshape(1, 900))
    return tuple(float(v[0]) for v in (scores.unknown, scores.exact, scores.valid))  # type: ignore[return-value]


def test_what_stands_in_the_padding_does_not_count() -> None:
    boards = one(grid([5, 6]))
    prediction = boards.targets.copy()
    prediction[boards.targets == 0] = 9
    assert scored(boards, prediction) == (1, 1, 1)
    assert Arc().score(boards, prediction).tokens == 5 / 900


def test_a_lost_end_marker_is_not_exact_though_the_grid_is_valid() -> None:
    boards = one(grid([5, 6]))
    prediction = boards.targets.copy()
    prediction[prediction == 1] = 0
    assert scored(boards, prediction) == (2 / 5, 0, 1)


def test_a_wrong_colour_or_size_is_not_valid() -> None:
    boards = one(grid([5, 6]))
    for wrong in (grid([5, 7]), grid([5, 6, 6]), grid([5], [6]), grid([5]), grid([5, 6], [5, 6])):
        unknown, exact, valid = scored(boards, embedded(wrong, (3, 4)))
        assert unknown < 1 and exact == valid == 0
    assert scored(boards, embedded(grid([5, 6]), (3, 5)))[2] == 0  # right grid, wrong place
    assert scored(boards, 0 * boards.targets) == (0, 0, 0)


def test_check_agrees_with_the_score_on_real_boards_in_all_versions() -> None:
    task = Arc(augmentations=2)
    boards = task.generate(8, 200, 0, 12).test
    answers = boards.targets.copy()
    answers[::3] = boards.inputs[::3]
    checked = [task.check(b, p) for b, p in zip(boards.inputs, answers, strict=True)]
    assert checked == (task.score(boards, answers).valid == 1).tolist()
    assert 0 < sum(checked) < 12


def test_check_refuses_a_board_that_it_does_not_know() -> None:
    board = Arc().encode([[1, 2, 3, 4, 5, 6, 7, 8, 9]] * 3)
    with pytest.raises(UserError, match="grid of 3 x 9 cells is no version of an input of ARC-AGI"):
        Arc().check(board, board)


def test_one_hot_has_one_indicator_per_cell() -> None:
    inputs = whole(1).test.inputs[:3]
    encoded = Arc().one_hot(inputs)
    assert encoded.shape == (3, 900 * 12) and encoded.dtype == np.float32
    assert (encoded.reshape(3, 900, 12).argmax(axis=2) == inputs).all()


# -- natural forms ---------------------------------------------------------------------------------
def test_grids_are_encoded_top_left_and_decoded_wherever_they_stand() -> None:
    rows = [[0, 1, 2], [3, 4, 9]]
    board = Arc().encode(rows)
    assert board.dtype == np.int64 and board.shape == (900,)
    assert Arc().decode(board) == rows
    boards = one(grid([5, 6], [7, 0], [0, 0]), (20, 11))
    assert Arc().decode(boards.inputs[0]) == [[1, 2], [3, 4]]
    assert Arc().decode(boards.inputs[0], boards.targets[0]) == [[5, 6], [7, 0], [0, 0]]
    assert Arc().decode(boards.inputs[0], 0 * boards.targets[0]) == []
    with pytest.raises(UserError, match="lengths of the rows of the grid"):
        Arc().encode([[1], [2, 3]])


def test_a_drawing_shows_colours_as_digits() -> None:
    boards = one(grid([5, 6]))
    assert Arc().draw(boards.inputs[0]) == "1 2\n3 4"
    assert Arc().draw(boards.inputs[0], boards.targets[0]) == "1 2\n3 4\n\n5 6"


def test_versions_do_not_depend_on_the_sets_that_are_asked_for(made_up) -> None:
    names = Arc(augmentations=2).identifiers(4)
    assert names == Arc(augmentations=2, translate=False, training_tests=True).identifiers(4)
    assert names != Arc(augmentations=2).identifiers(5)
    assert names[1] == "11111111" and names[1:4] != names[4:]
