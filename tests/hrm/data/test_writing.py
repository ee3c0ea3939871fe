"""Folders in the public format: what is written, and that it is whole or absent."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrm.data import public
from hrm.data.writing import write
from hrm.errors import UserError

names = ("<blank>", "a", "b", "c")


def test_a_folder_holds_what_the_public_builders_write(folder):
    assert json.loads((folder / "identifiers.json").read_text()) == list(names)
    assert json.loads((folder / "train" / "dataset.json").read_text()) == {
        "pad_id": 0,
        "ignore_label_id": 0,
        "blank_identifier_id": 0,
        "vocab_size": 4,
        "seq_len": 3,
        "num_puzzle_identifiers": 4,
        "total_groups": 3,
        "total_puzzles": 4,
        "mean_puzzle_examples": 7 / 4,
        "sets": ["all"],
    }
    arrays = {p.name: np.load(p) for p in (folder / "train").glob("*.npy")}
    assert {name: a.dtype for name, a in arrays.items()} == {
        "all__inputs.npy": np.uint8,
        "all__labels.npy": np.uint8,
        "all__puzzle_identifiers.npy": np.int32,
        "all__puzzle_indices.npy": np.int32,
        "all__group_indices.npy": np.int32,
    }
    assert arrays["all__inputs.npy"].tolist()[:2] == [[1, 1, 2], [2, 1, 2]]
    assert arrays["all__labels.npy"].tolist()[:2] == [[2, 0, 0], [2, 0, 2]]
    assert arrays["all__puzzle_identifiers.npy"].tolist() == [1, 2, 3, 0]
    assert arrays["all__puzzle_indices.npy"].tolist() == [0, 2, 3, 6, 7]
    assert arrays["all__group_indices.npy"].tolist() == [0, 1, 3, 4]


@settings(
    deadline=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_boards_come_back_as_they_were(tmp_path_factory, task, data):
    groups = data.draw(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=3), max_size=4))
    sizes = [size for group in groups for size in group]
    number = st.integers(0, 3)
    identities = data.draw(st.lists(number, min_size=len(sizes), max_size=len(sizes)))
    owners = np.repeat(np.arange(len(sizes)), sizes)
    group_of = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    written = task.boards(
        np.random.default_rng(len(sizes)).integers(0, 3, (sum(sizes), task.cells)),
        identities=np.array(identities, dtype=np.int64)[owners],
        puzzles=owners,
        groups=group_of[owners].astype(np.int64),
    )
    folder = tmp_path_factory.mktemp("sets") / "set"
    write(folder, task, {"train": [written], "test": [written]}, identifiers=names)
    for split in public.SPLITS:
        data_read = public.read(folder, split)
        assert (len(data_read), data_read.puzzles) == (sum(sizes), len(sizes))
        assert data_read.groups == len(groups)
        assert data_read.boards(task).digest() == written.digest()


def test_pieces_make_the_folder_that_the_whole_makes(tmp_path, task):
    first, second = (task.boards(np.full((n, 3), n % 3)) for n in (2, 3))
    both = task.boards(np.concatenate([first.inputs, second.inputs]))
    for name, pieces in (("one", [both]), ("two", [first, second])):
        write(tmp_path / name, task, {"train": pieces, "test": iter(pieces)})
    for split in public.SPLITS:
        pairs = zip(*(public.files(tmp_path / n, split) for n in ("one", "two")), strict=True)
        assert all(one.read_bytes() == two.read_bytes() for one, two in pairs)


def test_a_folder_in_use_is_kept(tmp_path, task, boards, folder):
    with pytest.raises(UserError, match=r"set' exists; allowed is a new folder, or an empty one"):
        write(folder, task, {"train": [boards], "test": [boards]})
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"file' exists"):
        write(tmp_path / "file", task, {"train": [boards], "test": [boards]})
    assert len(public.read(folder, "train")) == 7
    assert (tmp_path / "file").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path, task, boards):
    (tmp_path / "set").mkdir()
    write(tmp_path / "set", task, {"train": [boards], "test": [boards]}, identifiers=names)
    assert len(public.read(tmp_path / "set", "test")) == 7


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError, RuntimeError])
def test_nothing_is_left_of_a_write_that_is_stopped(tmp_path, task, boards, error):
    def pieces():
        yield boards
        raise error

    with pytest.raises(error):
        write(tmp_path / "set", task, {"train": [boards], "test": pieces()}, names)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path, task, boards, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match=r"set' can't be written \(No space left on device\)"):
        write(tmp_path / "set", task, {"train": [boards], "test": [boards]}, names)
    assert list(tmp_path.iterdir()) == []


def test_a_task_without_tokens_has_no_public_format(tmp_path, backwards, boards):
    with pytest.raises(UserError, match="Backwards has no public format"):
        write(tmp_path / "set", backwards(public_vocabulary=0), {"train": [], "test": []})
