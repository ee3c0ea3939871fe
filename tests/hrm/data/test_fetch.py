"""Fetched sets are converted as they are, or refused with file and line; the hub is a folder."""

import csv
import sys

import numpy as np
import pytest

from hrm.data import fetch as fetching
from hrm.data import public
from hrm.data.fetch import fetch, from_hub
from hrm.errors import UserError
from hrm.tasks.maze import FREE, GOAL, START, WALL, Maze
from hrm.tasks.sudoku import Sudoku

headings = ["source", "question", "answer", "rating"]


def sudoku_rows(boards):
    def text(row):
        return "".join(map(str, row)).replace("0", ".")

    pairs = zip(boards.inputs.tolist(), boards.targets.tolist(), strict=True)
    return [["s", text(question), text(answer), "3"] for question, answer in pairs]


def maze_rows(boards):
    symbols = {FREE: " ", WALL: "#", START: "S", GOAL: "G"}
    questions = [[symbols[token] for token in row] for row in boards.inputs.tolist()]
    answers = [
        ["o" if marked else symbol for marked, symbol in zip(target, question, strict=True)]
        for target, question in zip(boards.targets.tolist(), questions, strict=True)
    ]
    pairs = zip(questions, answers, strict=True)
    return [["m", "".join(q), "".join(a), "112"] for q, a in pairs]


@pytest.fixture(scope="module")
def sudokus():
    splits = Sudoku(size=9, clues=50).generate(0, 7, 0, 3)
    return splits.train, splits.test


@pytest.fixture(scope="module")
def mazes():
    splits = Maze(size=30).generate(0, 5, 0, 2)
    return splits.train, splits.test


@pytest.fixture
def hub(tmp_path):
    """A hub that holds rows, by repository and split, and notes what is asked of it."""

    class Hub:
        def __init__(self):
            self.files, self.asked = {}, []

        def put(self, repository, split, rows, heading=headings):
            path = tmp_path / "hub" / repository / f"{split}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([heading, *rows])
            self.files[repository, f"{split}.csv"] = path
            return path

        def __call__(self, repository, name):
            self.asked.append((repository, name))
            return self.files[repository, name]

    return Hub()


@pytest.fixture
def sudoku_hub(hub, sudokus):
    for split, boards in zip(("train", "test"), sudokus, strict=True):
        hub.put("sapientinc/sudoku-extreme", split, sudoku_rows(boards))
    return hub


def test_sudoku_extreme_becomes_the_public_format(tmp_path, sudoku_hub, sudokus):
    fetch("sudoku-extreme", tmp_path / "set", download=sudoku_hub)
    assert sudoku_hub.asked == [
        ("sapientinc/sudoku-extreme", "train.csv"),
        ("sapientinc/sudoku-extreme", "test.csv"),
    ]
    for split, boards in zip(public.SPLITS, sudokus, strict=True):
        data = public.read(tmp_path / "set", split)
        assert (data.vocabulary, data.positions, data.groups) == (11, 81, len(boards))
        assert (data.inputs == boards.inputs + 1).all()
        assert (data.labels == boards.targets + 1).all()
        assert data.identifiers == ("<blank>",)


def test_maze_hard_becomes_the_public_format(tmp_path, hub, mazes):
    for split, boards in zip(public.SPLITS, mazes, strict=True):
        hub.put("sapientinc/maze-30x30-hard-1k", split, maze_rows(boards))
    fetch("maze-hard", tmp_path / "set", download=hub)
    for split, boards in zip(public.SPLITS, mazes, strict=True):
        data = public.read(tmp_path / "set", split)
        assert (data.vocabulary, data.positions, data.groups) == (6, 900, len(boards))
        tokens = np.array([2, 1, 3, 4])[boards.inputs]  # file tokens of free, wall, start, goal
        assert (data.inputs == tokens).all()
        assert (data.labels == np.where(boards.targets == 1, 5, tokens)).all()


def test_long_files_are_converted_in_pieces(tmp_path, sudoku_hub, monkeypatch):
    fetch("sudoku-extreme", tmp_path / "one", download=sudoku_hub)
    monkeypatch.setattr(fetching, "_piece", 2)
    steps = []
    fetch("sudoku-extreme", tmp_path / "many", download=sudoku_hub, step=steps.append)
    for split in public.SPLITS:
        pairs = [public.files(tmp_path / name, split) for name in ("one", "many")]
        assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*pairs, strict=True))
    assert len(steps) == 6
    assert steps == sorted(steps)
    assert steps[-1] == 1


def test_zeros_are_blanks_as_well(tmp_path, hub, sudokus):
    rows = [[s, q.replace(".", "0"), a, r] for s, q, a, r in sudoku_rows(sudokus[1])]
    for split in public.SPLITS:
        hub.put("sapientinc/sudoku-extreme", split, rows)
    fetch("sudoku-extreme", tmp_path / "set", download=hub)
    assert (public.read(tmp_path / "set", "train").inputs == sudokus[1].inputs + 1).all()


def test_training_boards_are_drawn_and_augmented_and_test_boards_are_not(
    tmp_path, sudoku_hub, sudokus, monkeypatch
):
    monkeypatch.setattr(fetching, "_piece", 3)
    for name, seed in (("one", 4), ("same", 4), ("other", 5)):
        fetch("sudoku-extreme", tmp_path / name, download=sudoku_hub, train=4, augment=2, seed=seed)
    one, same, other = (public.read(tmp_path / n, "train") for n in ("one", "same", "other"))
    assert (len(one), one.puzzles, one.groups) == (12, 12, 4)
    originals = np.array(one.inputs)[::3].astype(int) - 1
    assert {row.tobytes() for row in originals} < {row.tobytes() for row in sudokus[0].inputs}
    assert len({row.tobytes() for row in one.inputs}) == 12
    boards = one.boards(Sudoku(size=9))  # which checks that solutions stayed solutions
    assert (Sudoku(size=9).score(boards, boards.targets).valid == 1).all()
    assert (one.inputs == same.inputs).all()
    assert (one.inputs != other.inputs).any()
    assert len(public.read(tmp_path / "one", "test")) == 3


def test_no_training_boards_are_allowed_and_too_many_are_not(tmp_path, sudoku_hub):
    fetch("sudoku-extreme", tmp_path / "none", download=sudoku_hub, train=0, augment=3)
    assert len(public.read(tmp_path / "none", "train")) == 0
    with pytest.raises(UserError, match="training boards is 8; allowed is 0 to 7"):
        fetch("sudoku-extreme", tmp_path / "more", download=sudoku_hub, train=8)
    assert not (tmp_path / "more").exists()


@pytest.mark.parametrize(
    ("column", "change", "found"),
    [
        (1, lambda text: text[:-1], "its fields have 1, 80, 81, 1 characters"),
        (2, lambda text: text + "1", "its fields have 1, 81, 82, 1 characters"),
        (1, lambda text: "x" + text[1:], "the question has another character"),
        (1, lambda text: "é" + text[1:], "the question has another character"),
        (2, lambda text: "#" + text[1:], "the answer has another character"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_left(
    tmp_path, sudoku_hub, sudokus, column, change, found
):
    rows = sudoku_rows(sudokus[1])
    rows[1][column] = change(rows[1][column])
    sudoku_hub.put("sapientinc/sudoku-extreme", "test", rows)
    with pytest.raises(UserError, match=rf"test.csv', line 3: {found}; allowed is"):
        fetch("sudoku-extreme", tmp_path / "set", download=sudoku_hub)
    assert [path.name for path in tmp_path.iterdir()] == ["hub"]


@pytest.mark.parametrize("train", [None, 7])
def test_a_file_without_headings_loses_no_board(tmp_path, sudoku_hub, sudokus, train):
    first, *others = sudoku_rows(sudokus[0])
    sudoku_hub.put("sapientinc/sudoku-extreme", "train", others, heading=first)
    fetch("sudoku-extreme", tmp_path / "set", download=sudoku_hub, train=train)
    assert (public.read(tmp_path / "set", "train").inputs == sudokus[0].inputs + 1).all()


@pytest.mark.parametrize("train", [None, 7])
def test_empty_lines_a_byte_order_mark_and_windows_line_ends_are_read(
    tmp_path, sudoku_hub, sudokus, train
):
    path = sudoku_hub.files["sapientinc/sudoku-extreme", "train.csv"]
    lines = path.read_text().split()
    text = "\r\n".join([*lines[:3], "", *lines[3:], "", ""])
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    fetch("sudoku-extreme", tmp_path / "set", download=sudoku_hub, train=train)
    assert (public.read(tmp_path / "set", "train").inputs == sudokus[0].inputs + 1).all()


def test_a_wrong_line_behind_an_empty_one_keeps_its_number(tmp_path, sudoku_hub, sudokus):
    path = sudoku_hub.files["sapientinc/sudoku-extreme", "train.csv"]
    lines = path.read_text().split()
    path.write_text("\n".join([*lines[:3], "", "a,b,c,d", *lines[3:]]))
    with pytest.raises(UserError, match=r"train.csv', line 5: its fields have 1, 1, 1, 1"):
        fetch("sudoku-extreme", tmp_path / "set", download=sudoku_hub)


def test_an_answer_that_changes_a_given_cell_is_refused(tmp_path, sudoku_hub, sudokus):
    rows = sudoku_rows(sudokus[0])
    given = next(i for i, symbol in enumerate(rows[4][1]) if symbol != ".")
    other = "1" if rows[4][2][given] != "1" else "2"
    rows[4][2] = rows[4][2][:given] + other + rows[4][2][given + 1 :]
    sudoku_hub.put("sapientinc/sudoku-extreme", "train", rows)
    with pytest.raises(UserError, match=r"line 6: the answer changes a cell that the question"):
        fetch("sudoku-extreme", tmp_path / "set", download=sudoku_hub)


@pytest.mark.parametrize("rows", [[], [["s", "question", "answer"]]])
def test_a_file_of_another_kind_is_refused(tmp_path, sudoku_hub, rows):
    sudoku_hub.put("sapientinc/sudoku-extreme", "train", rows)
    with pytest.raises(UserError, match=r"train.csv', line 2: .*allowed is .*fetch it again"):
        fetch("sudoku-extreme", tmp_path / "set", download=sudoku_hub)


@pytest.mark.parametrize("content", [b"a,b\n\xff,1\n", b"a,b\n" + b'"' + b"1" * 200_000 + b'"\n'])
def test_what_isnt_csv_is_refused(tmp_path, sudoku_hub, content):
    sudoku_hub.files["sapientinc/sudoku-extreme", "train.csv"].write_bytes(content)
    with pytest.raises(UserError, match=r"train.csv', line 2: .*allowed is CSV in UTF-8"):
        fetch("sudoku-extreme", tmp_path / "set", download=sudoku_hub)


def test_invalid_answers_are_kept_and_counted(tmp_path, hub, mazes, caplog):
    rows = maze_rows(mazes[1])
    rows[0][2] = rows[0][2].replace("o", " ")
    for split in public.SPLITS:
        hub.put("sapientinc/maze-30x30-hard-1k", split, rows)
    fetch("maze-hard", tmp_path / "set", download=hub)
    assert len(public.read(tmp_path / "set", "train")) == 2
    assert [r.getMessage().split(": ")[1] for r in caplog.records] == [
        "1 of 2 answers aren't valid"
    ] * 2


def test_a_folder_in_use_is_refused_before_anything_is_fetched(tmp_path, sudoku_hub):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine").write_text("")
    with pytest.raises(UserError, match=r"set' exists"):
        fetch("sudoku-extreme", tmp_path / "set", download=sudoku_hub)
    assert sudoku_hub.asked == []


def test_an_unknown_set_is_refused(tmp_path):
    with pytest.raises(UserError, match="allowed is sudoku-extreme, maze-hard, arc; choose one"):
        fetch("sudoku", tmp_path / "set")


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r"pip install -c constraints.txt -e '.\[fetch\]'"):
        from_hub("sapientinc/sudoku-extreme", "train.csv")


class FakeHub:
    """What huggingface_hub offers us, on a machine of our choice."""

    def __init__(self, answer):
        self.answer = answer

    def hf_hub_download(self, repository, name, repo_type):
        assert repo_type == "dataset"
        if isinstance(self.answer, Exception):
            raise self.answer
        return f"{self.answer}/{repository}/{name}"


def test_without_network_it_says_what_to_do(monkeypatch):
    offline = OSError("Name or service not known")
    monkeypatch.setitem(sys.modules, "huggingface_hub", FakeHub(offline))
    with pytest.raises(UserError, match=r"train.csv of sapientinc/.*Name or service not known"):
        from_hub("sapientinc/sudoku-extreme", "train.csv")


def test_the_hubs_own_file_is_used(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", FakeHub("/cache"))
    assert from_hub("a/b", "test.csv").as_posix() == "/cache/a/b/test.csv"


def test_nothing_of_the_hub_is_loaded_before_it_is_needed():
    assert "huggingface_hub" not in vars(fetching)
