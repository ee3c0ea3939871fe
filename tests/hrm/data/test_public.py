"""The public format: what is refused, and in which batches it is read."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hrm.data import batches as batching
from hrm.data import overlap, public
from hrm.data.writing import write
from hrm.errors import UserError


def change(path: Path, **values) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


# -- reading --------------------------------------------------------------------------------------
def test_tokens_stay_on_disk(folder):
    data = public.read(folder, "train")
    assert isinstance(data.inputs, np.memmap)
    assert isinstance(data.labels, np.memmap)
    assert not data.inputs.flags.writeable


def test_the_share_of_labels_is_counted(folder, boards):
    assert public.read(folder, "train").labelled() == (boards.targets != 0).mean()


def test_another_tasks_folder_is_refused(folder, backwards):
    other = backwards(public_vocabulary=9)
    with pytest.raises(UserError, match=r"vocab_size and pad_id are \(4, 0\)"):
        public.read(folder, "train").boards(other)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("pad_id", -1, "a whole number from 0 on"),
        ("pad_id", 4, "less than vocab_size, 4"),
        ("ignore_label_id", "0", "a whole number"),
        ("total_puzzles", 5, "4, the puzzles of all__puzzle_indices.npy"),
        ("blank_identifier_id", 4, "less than num_puzzle_identifiers, 4"),
        ("vocab_size", 0, "a whole number from 1 on"),
        ("vocab_size", True, "a whole number from 1 on"),
        ("vocab_size", 4.0, "a whole number from 1 on"),
        ("seq_len", None, "a whole number from 1 on"),
        ("num_puzzle_identifiers", [], "a whole number from 1 on"),
        ("total_groups", 4, "3, the groups of all__group_indices.npy"),
        ("mean_puzzle_examples", 2, "1.75, boards per puzzle"),
        ("mean_puzzle_examples", None, "1.75, boards per puzzle"),
        ("sets", [], "a list of names"),
        ("sets", "all", "a list of names"),
        ("sets", ["all", "../test/all"], "a list of names"),
    ],
)
def test_a_wrong_field_is_named(folder, field, value, allowed):
    change(folder / "train" / "dataset.json", **{field: value})
    with pytest.raises(UserError, match=rf"train/dataset.json': {field} is .*allowed is {allowed}"):
        public.read(folder, "train")
    assert len(public.read(folder, "test")) == 7


@pytest.mark.parametrize("field", ["pad_id", "vocab_size", "sets", "mean_puzzle_examples"])
def test_a_missing_field_is_named(folder, field):
    path = folder / "train" / "dataset.json"
    path.write_text(
        json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != field})
    )
    with pytest.raises(UserError, match=rf"train/dataset.json': {field} is"):
        public.read(folder, "train")


@pytest.mark.parametrize(
    ("name", "array", "found"),
    [
        ("inputs", np.ones((7, 3)), "its type is float64"),
        ("inputs", np.ones((7, 3), bool), "its type is bool"),
        ("inputs", np.ones(21, int), r"its shape is \[21\]"),
        ("inputs", np.ones((7, 4), int), r"its shape is \[7, 4\]"),
        ("inputs", np.ones((6, 3), int), r"all__labels.npy': its shape is \[7, 3\]"),
        ("labels", np.ones((7, 3, 1), int), r"its shape is \[7, 3, 1\]"),
        ("inputs", np.eye(7, 3, -6, int) * 4, "token 4 at board 6, position 0"),
        ("labels", -np.eye(7, 3, -1, int), "token -1 at board 1, position 0"),
        ("puzzle_indices", np.array([[0, 7]]), r"its shape is \[1, 2\]"),
        ("puzzle_indices", np.array([], int), r"its ends are \[\]"),
        ("puzzle_indices", np.array([0, 2, 3, 6]), r"its ends are \[0, 6\]"),
        ("puzzle_indices", np.array([1, 2, 3, 6, 7]), r"its ends are \[1, 7\]"),
        ("puzzle_indices", np.array([0, 3, 3, 6, 7]), "its value 2 is 3 after 3"),
        ("puzzle_indices", np.array([0, 2, 7]), "all__group_indices.npy': its ends are"),
        ("group_indices", np.array([0, 3, 1, 4]), "its value 2 is 1 after 3"),
        ("group_indices", np.array([0, 4, 3, 4], np.uint8), "its value 2 is 3 after 4"),
        ("group_indices", np.array([0, 1, 3]), r"its ends are \[0, 3\]"),
        ("puzzle_identifiers", np.array([1, 2, 3]), "it holds 3 values"),
        ("puzzle_identifiers", np.array([1, 2, 4, 0]), "its value 2 is 4"),
        ("puzzle_identifiers", np.array([-1, 2, 3, 0]), "its value 0 is -1"),
        ("puzzle_identifiers", np.array(1), r"its shape is \[\]"),
    ],
)
def test_a_wrong_array_is_named(folder, name, array, found):
    np.save(folder / "test" / f"all__{name}.npy", array)
    here = "" if "npy'" in found else f"all__{name}.npy': "
    with pytest.raises(UserError, match=f"{here}{found}.*allowed is .*build or fetch the folder"):
        public.read(folder, "test")


@pytest.mark.parametrize("name", public.ARRAYS)
def test_a_truncated_array_is_refused_wherever_it_ends(folder, name):
    path = folder / "train" / f"all__{name}.npy"
    whole = path.read_bytes()
    for end in (0, 3, 60, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(UserError, match=rf"all__{name}.npy': it is truncated or no array"):
            public.read(folder, "train")


def test_pickles_and_archives_are_refused(folder):
    path = folder / "train" / "all__inputs.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"all__inputs.npy': it is truncated or no array"):
        public.read(folder, "train")
    with path.open("wb") as file:
        np.savez(file, inputs=np.ones((7, 3)))
    with pytest.raises(UserError, match=r"all__inputs.npy': it holds several arrays"):
        public.read(folder, "train")


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("train/dataset.json", None, "it can't be read"),
        ("train/dataset.json", b"{", "it isn't JSON"),
        ("train/dataset.json", b"\xff", "it isn't JSON"),
        ("train/dataset.json", b"[]", "it holds no object"),
        ("train/dataset.json", b"{}", "ignore_label_id is missing"),
        ("identifiers.json", b"{}", "it holds no list of names"),
        ("identifiers.json", b"[1, 2, 3, 4]", "it holds no list of names"),
        ("identifiers.json", b'["<blank>"]', "it holds 1 names; allowed is 4"),
        ("train/all__labels.npy", None, "it can't be read"),
    ],
)
def test_a_foreign_or_missing_file_is_named(folder, file, content, found):
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(UserError, match=f"{file}': {found}"):
        public.read(folder, "train")


# -- batches --------------------------------------------------------------------------------------
def rows_of(data, batch):
    """Which boards the real rows of a batch are; all boards here have different inputs."""
    known = {row.tobytes(): i for i, row in enumerate(np.array(data.inputs, dtype=np.int64))}
    return [known[row.tobytes()] for row in batch.inputs[: batch.real]]


def test_a_batch_holds_boards_their_labels_and_their_identities(folder, boards):
    data = public.read(folder, "train")
    for batch in batching.batches(data, 3, np.random.default_rng(0), epochs=5):
        rows = rows_of(data, batch)
        assert batch.real == 3
        assert {a.dtype for a in (batch.inputs, batch.labels, batch.identifiers)} == {np.dtype(int)}
        assert (batch.identifiers == boards.identities[rows]).all()
        targets = boards.targets[rows]
        assert (batch.labels == np.where(targets == 0, -100, targets + 1)).all()


def test_one_epoch_takes_each_group_once_with_one_puzzle_of_it(folder, boards):
    data = public.read(folder, "train")
    seen, lengths = Counter(), Counter()
    for seed in range(40):
        batches = list(batching.batches(data, 1, np.random.default_rng(seed)))
        rows = [row for batch in batches for row in rows_of(data, batch)]
        lengths[len(rows)] += 1
        seen.update(rows)
    assert lengths.keys() == {3}  # batches of one board: a puzzle fills one, its rest is left
    assert seen.keys() == set(range(7))
    assert sum(seen[row] for row in (0, 1)) == sum(seen[row] for row in range(2, 6)) == seen[6]
    assert 10 < seen[2] < 30  # the puzzle of one board in the group of two puzzles


def test_all_boards_of_the_chosen_puzzle_come_while_there_is_room(folder):
    data = public.read(folder, "train")
    for seed in range(10):
        (batch,) = batching.batches(data, 4, np.random.default_rng(seed))
        puzzles = [[0, 1], [2], [3, 4, 5], [6]]
        rows = rows_of(data, batch)
        assert len(set(rows)) == 4
        parts = [len(set(p) & set(rows)) for p in puzzles]
        assert sum(part not in (0, len(p)) for part, p in zip(parts, puzzles, strict=True)) <= 1
        assert not (parts[1] and parts[2])


def test_the_last_partial_batch_is_dropped_after_the_last_epoch_alone(folder):
    data = public.read(folder, "test")
    assert list(batching.batches(data, 9, np.random.default_rng(0))) == []
    lengths = [
        len(list(batching.batches(data, 9, np.random.default_rng(0), epochs=n))) for n in (3, 9)
    ]
    assert lengths[0] in (1, 2)
    assert lengths[1] >= 4


def test_equal_randomness_gives_equal_batches(folder):
    data = public.read(folder, "train")

    def drawn(seed):
        found = batching.batches(data, 2, np.random.default_rng(seed), epochs=4)
        return [batch.inputs.tolist() for batch in found]

    assert drawn(1) == drawn(1) != drawn(2)


def test_evaluation_goes_in_order_and_fills_the_last_batch(folder, boards):
    data = public.read(folder, "test")
    batches = list(batching.evaluation(data, 3))
    assert [rows_of(data, batch) for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [batch.inputs.shape for batch in batches] == [(3, 3)] * 3
    assert (batches[-1].inputs[1:] == 0).all()
    assert (batches[-1].labels[1:] == -100).all()
    assert (batches[-1].identifiers == 0).all()
    assert np.concatenate([b.identifiers for b in batches]).tolist()[:7] == list(boards.identities)


def test_no_label_is_ignored_where_the_folder_says_so(folder):
    change(folder / "test" / "dataset.json", ignore_label_id=None, pad_id=3, blank_identifier_id=2)
    data = public.read(folder, "test")
    last = list(batching.evaluation(data, 5))[-1]
    assert (last.labels[:2] == data.labels[5:]).all()
    assert (last.inputs[2:] == 3).all()
    assert (last.labels[2:] == -100).all()
    assert (last.identifiers[2:] == 2).all()
    assert data.labelled() == 1


def test_an_empty_split_has_no_batches(tmp_path, task, boards):
    empty = task.boards(np.zeros((0, 3), dtype=np.int64))
    write(tmp_path / "set", task, {"train": [empty], "test": [boards]}, identifiers=[*"-abc"])
    data = public.read(tmp_path / "set", "train")
    assert (len(data), data.puzzles, data.groups) == (0, 0, 0)
    assert list(batching.batches(data, 1, np.random.default_rng(0), epochs=2)) == []
    assert list(batching.evaluation(data, 2)) == []
    assert data.boards(task).digest() == empty.digest()


# -- what the public loaders read -----------------------------------------------------------------
def rewritten(path, function):
    np.save(path, function(np.load(path)))


def test_labels_of_minus_100_have_no_answer(folder, task, boards):
    change(folder / "train" / "dataset.json", ignore_label_id=-100)
    path = folder / "train" / "all__labels.npy"
    rewritten(path, lambda labels: np.where(labels == 0, -100, labels.astype(np.int32)))
    data, other = public.read(folder, "train"), public.read(folder, "test")
    assert data.labelled() == other.labelled() == (boards.targets != 0).mean()
    assert data.boards(task).digest() == other.boards(task).digest()
    pairs = zip(batching.evaluation(data, 3), batching.evaluation(other, 3), strict=True)
    assert all((one.labels == two.labels).all() for one, two in pairs)
    rewritten(path, lambda labels: labels - 1)
    with pytest.raises(UserError, match=r"all__labels.npy': token -101 at board 0"):
        public.read(folder, "train")


def test_without_identifiers_the_identities_have_numbers(folder):
    (folder / "identifiers.json").unlink()
    assert public.read(folder, "train").identifiers == ("0", "1", "2", "3")


def test_a_split_may_have_further_sets(folder):
    for path in (folder / "train").glob("all__*.npy"):
        np.save(path.with_name(path.name.replace("all", "hard")), np.load(path))
    change(folder / "train" / "dataset.json", sets=["all", "hard"], total_groups=6, total_puzzles=8)
    assert public.sets(folder, "train") == ["all", "hard"]
    one, other = (public.read(folder, "train", of) for of in ("all", "hard"))
    assert len(public.read(folder, "train")) == len(one) == len(other) == 7
    rewritten(folder / "train" / "hard__inputs.npy", lambda inputs: inputs[:, ::-1])
    assert (public.read(folder, "train", "hard").inputs == one.inputs[:, ::-1]).all()
    with pytest.raises(UserError, match="a set 'easy'; name one of these"):
        public.read(folder, "train", "easy")


def test_what_boards_share_is_counted(folder, tmp_path, task, boards):
    train = public.read(folder, "train")
    assert overlap.shared(train, public.read(folder, "test")) == 7
    few = task.boards(np.array([[0, 0, 1], [2, 2, 2]]))  # the first is among the others
    write(tmp_path / "few", task, {"train": [few], "test": [few]})
    assert overlap.shared(public.read(tmp_path / "few", "test"), train) == 1
    assert overlap.shared(train, public.read(tmp_path / "few", "test")) == 1


def test_cells_that_copy_the_input_are_counted_among_those_with_a_label(folder):
    path = folder / "train"
    data = public.read(folder, "train")
    labelled = data.labels != 0
    assert overlap.copied(data) == (data.labels == data.inputs)[labelled].mean()
    np.save(path / "all__labels.npy", np.load(path / "all__inputs.npy"))
    assert overlap.copied(public.read(folder, "train")) == 1
    np.save(path / "all__labels.npy", np.zeros((7, 3), np.uint8))
    assert overlap.copied(public.read(folder, "train")) == 0
