"""`hrm data` as its users call it."""

import json
import re
import shlex
import shutil

import numpy as np
import pytest

from hrm import cli
from hrm.cli import data, options
from hrm.data import fetch, public
from hrm.system import extensions
from hrm.tasks.sudoku import Sudoku

SMALL = {
    "mixture": '--set \'tasks=[{"kind":"Maze","size":5},{"kind":"Pattern"}]\'',
    "sudoku": "--set size=4",
    "maze": "--set size=5",
    "pattern": "",
    "hanoi": "",
    "logic": "",
    "coloring": "",
    "arc": "",
    "regression": "",
}


# -- show -----------------------------------------------------------------------------------------
def test_show_draws_a_board_beside_its_solution(hrm, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = hrm("data show sudoku --set size=4 --number 2")
    assert (status, err) == (0, "")
    examples = re.split(r"difficulty \d+\n\n", out)[1:]
    assert len(examples) == 2
    task = Sudoku(size=4)
    boards = task.generate(0, 0, 0, 30).test
    pictures = task.draw(boards.inputs[0]), task.draw(boards.inputs[0], boards.targets[0])
    for row, left, right in zip(
        examples[0].split("\n"), *(p.split("\n") for p in pictures), strict=False
    ):
        assert row.startswith(left)
        assert row.endswith(right)


def test_pictures_stand_above_each_other_where_the_terminal_is_narrow(hrm, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    _, narrow, _ = hrm("data show sudoku --set size=4 --number 1")
    task = Sudoku(size=4)
    boards = task.generate(0, 0, 0, 30).test
    pictures = task.draw(boards.inputs[0]), task.draw(boards.inputs[0], boards.targets[0])
    assert narrow.endswith("\n\n" + "\n\n".join(pictures) + "\n\n")


@pytest.mark.promise(
    "complete", "mazes that are easy, medium or hard", "hrm data show maze --difficulty hard"
)
def test_difficulties_are_thirds_of_the_boards(hrm):
    shown = {}
    for level in data.LEVELS:
        _, out, _ = hrm(f"data show maze --set size=6 --number 10 --difficulty {level} --seed 3")
        shown[level] = [float(d) for d in re.findall(r"difficulty (\S+)", out)]
    assert [len(values) for values in shown.values()] == [10, 10, 10]
    assert max(shown["easy"]) <= min(shown["medium"])
    assert max(shown["medium"]) <= min(shown["hard"])
    assert max(shown["easy"]) < min(shown["hard"])


@pytest.mark.promise("complete", "pathfinding in grids of 15 x 15", "hrm data show maze")
def test_a_maze_is_shown_in_the_documented_size_unless_another_is_asked_for(hrm):
    for line, size in (("", 15), ("--set size=6", 6)):
        status, out, _ = hrm(f"data show maze --number 1 {line}")
        board = [row.split("    ")[0] for row in out.strip().splitlines()[2:]]
        assert status == 0 and len(board) == size
    status, _, err = hrm("data show maze --set sise=4")
    assert status == 2 and "names no field of maze" in err


@pytest.mark.promise("complete", "sudokus with 17 clues", "hrm data show sudoku --set clues=17")
def test_sudokus_with_17_clues_are_had_by_name(hrm):
    status, out, _ = hrm("data show sudoku --set clues=17 --number 1")
    rows = [line for line in out.splitlines() if "|" in line]
    assert status == 0 and len(rows) == 9
    assert sum(c.isdigit() for row in rows for c in row.split("    ")[0]) == 17


def test_show_depends_on_the_seed(hrm):
    lines = [f"data show maze --set size=5 --seed {seed}" for seed in (1, 1, 2)]
    first, same, other = (hrm(line)[1] for line in lines)
    assert first == same != other


@pytest.mark.parametrize("task", extensions.BUILT_IN)
def test_every_task_can_be_shown(hrm, task):
    status, out, err = hrm(f"data show {task} {SMALL[task]} --number 1 --difficulty hard")
    assert (status, err) == (0, "")
    assert out.startswith("difficulty ")


# -- build and info -------------------------------------------------------------------------------
def test_build_writes_what_the_task_generates(hrm, tmp_path):
    line = f"data build sudoku --set size=4 --seed 5 --train 6 --test 4 --output {tmp_path}/set"
    status, out, err = hrm(line)
    assert (status, err) == (0, "")
    assert re.search(r"boards +6 +4\n", out)
    splits = Sudoku(size=4).generate(5, 6, 0, 4)
    for split, boards in (("train", splits.train), ("test", splits.test)):
        data = public.read(tmp_path / "set", split)
        assert data.boards(Sudoku(size=4)).digest() == boards.digest()


def test_build_can_add_versions_of_training_boards(hrm, tmp_path):
    line = f"data build sudoku --set size=4 --train 3 --test 2 --augment 4 --output {tmp_path}/set"
    assert hrm(line)[0] == 0
    train, test = (public.read(tmp_path / "set", split) for split in public.SPLITS)
    assert (len(train), train.groups, len(test)) == (15, 3, 2)


@pytest.mark.parametrize(
    "task", [task for task in extensions.BUILT_IN if task not in ("arc", "regression", "mixture")]
)
def test_every_task_of_tokens_can_be_built(hrm, tmp_path, task):
    line = f"data build {task} {SMALL[task]} --train 4 --test 3 --output {tmp_path}/set"
    status, _, err = hrm(line)
    assert (status, err) == (0, "")
    splits = options.task_of(task, shlex.split(SMALL[task])[1:]).generate(0, 4, 0, 3)
    built = public.read(tmp_path / "set", "train")
    again = built.boards(options.task_of(task, shlex.split(SMALL[task])[1:]))
    assert (again.inputs == splits.train.inputs).all()


def test_a_task_of_real_numbers_cant_be_built(hrm, tmp_path):
    status, _, err = hrm(f"data build regression --train 4 --test 3 --output {tmp_path}/set")
    assert status == 2
    assert err.startswith("hrm: Regression has no public format")


def test_arc_is_built_with_the_names_of_its_identities(hrm, tmp_path):
    line = f"data build arc --set augmentations=1 --train 30 --test 3 --output {tmp_path}/set"
    status, _, err = hrm(line)
    assert (status, err) == (0, "")
    train, test = (public.read(tmp_path / "set", split) for split in public.SPLITS)
    assert (len(train), len(test)) == (30, 3)
    names = [train.identifiers[i] for i in train.puzzle_identifiers]
    assert "<blank>" not in names
    assert re.fullmatch(r"[0-9a-f]{8}", names[0])
    assert train.groups <= train.puzzles < 30


@pytest.mark.slow
def test_all_of_arc_is_built_where_no_number_is_given(hrm, tmp_path):
    assert hrm(f"data fetch arc --output {tmp_path}/set")[0] == 0
    train, test = (public.read(tmp_path / "set", split) for split in public.SPLITS)
    assert train.groups == 800
    assert (test.groups, len(test)) == (400, 419)


def test_info_says_what_a_folder_holds(hrm, tmp_path):
    for name in ("one", "same"):
        line = f"data build maze --set size=5 --train 6 --test 4 --output {tmp_path}/{name}"
        built = hrm(line)[1]
        assert hrm(f"data info {tmp_path}/{name}")[1] == built
    one, same = (json.loads(hrm(f"data info {tmp_path}/{n} --json")[1]) for n in ("one", "same"))
    assert one["folder"] == f"{tmp_path}/one"
    assert one["train"] == same["train"]
    assert one["train"].keys() == one["test"].keys()
    assert (one["train"]["boards"], one["test"]["groups"]) == (6, 4)
    assert (one["test"]["vocabulary"], one["test"]["positions"]) == (6, 25)
    files = public.files(tmp_path / "one", "test")
    assert one["test"]["bytes"] == sum(path.stat().st_size for path in files)
    assert len({one["train"]["sha256"], one["test"]["sha256"]}) == 2


def test_info_refuses_a_folder_that_contradicts_itself(hrm, tmp_path):
    hrm(f"data build maze --set size=5 --train 6 --test 4 --output {tmp_path}/set")
    np.save(tmp_path / "set" / "test" / "all__group_indices.npy", np.array([0, 4]))
    status, out, err = hrm(f"data info {tmp_path}/set")
    assert (status, out) == (2, "")
    assert "test/dataset.json': total_groups is 4; allowed is 1" in err
    assert err.count("\n") == 1


def test_info_warns_of_shared_boards_and_of_labels_that_are_the_inputs(hrm, tmp_path, caplog):
    hrm(f"data build sudoku --set size=4 --train 6 --test 6 --output {tmp_path}/set")
    folder = tmp_path / "set"
    clues = np.load(folder / "train" / "all__inputs.npy")
    status, out, err = hrm(f"data info {folder} --json")
    sound = json.loads(out)
    assert (status, err, caplog.text, sound["test"]["shared"]) == (0, "", "", 0)
    assert sound["train"]["copied"] == pytest.approx((clues > 1).mean())  # 1 is a blank
    shutil.rmtree(folder / "test")
    shutil.copytree(folder / "train", folder / "test")
    np.save(folder / "test" / "all__labels.npy", clues)
    _, out, _ = hrm(f"data info {folder}")
    assert re.search(r"copied +[\d.]+% +100.0%\n +shared +6 +6\n", out)
    assert f"{folder}: 6 of 6 test boards are training boards" in caplog.text
    assert f"{folder}: all labels of test equal their inputs" in caplog.text


def test_info_reads_a_split_alone_and_further_sets(hrm, tmp_path):
    hrm(f"data build sudoku --set size=4 --train 6 --test 4 --output {tmp_path}/set")
    folder = tmp_path / "set" / "train"
    shutil.rmtree(tmp_path / "set" / "test")
    for path in folder.glob("all__*.npy"):
        shutil.copy(path, path.with_name(path.name.replace("all", "hard")))
    said = json.loads((folder / "dataset.json").read_text())
    said |= {"sets": ["all", "hard"], "total_groups": 12, "total_puzzles": 12}
    (folder / "dataset.json").write_text(json.dumps(said))
    status, out, err = hrm(f"data info {tmp_path}/set --json")
    found = json.loads(out)
    assert (status, err) == (0, "") and found.keys() == {"folder", "train", "train/hard"}
    assert found["train/hard"]["boards"] == 6 and found["train"]["shared"] == 0
    assert "train/hard" in hrm(f"data info {tmp_path}/set")[1]


# -- fetch ----------------------------------------------------------------------------------------
def test_fetch_converts_what_the_hub_has(hrm, tmp_path, monkeypatch):
    boards = Sudoku(size=9, clues=50).generate(0, 3, 0, 0).train
    rows = ["source,question,answer,rating"]
    for question, answer in zip(boards.inputs.tolist(), boards.targets.tolist(), strict=True):
        rows.append(f"s,{''.join(map(str, question))},{''.join(map(str, answer))},0")
    (tmp_path / "file.csv").write_text("\n".join(rows))
    monkeypatch.setattr(fetch, "from_hub", lambda repository, name: tmp_path / "file.csv")
    line = f"data fetch sudoku-extreme --train 2 --augment 1 --seed 1 --output {tmp_path}/set"
    status, out, err = hrm(line)
    assert (status, err) == (0, "")
    assert re.search(r"boards +4 +3\n", out)


# -- mistakes -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("show sudoku --set sise=4", "--set sise=4 names no field of sudoku; allowed is FIELD="),
        ("show sudoku --set size", "--set size names no field of sudoku"),
        ("show sudoku --set kind=4", "--set kind=4 names no field of sudoku"),
        ("show sudoku --set size=four", "has no JSON after the =; allowed is size (int, by"),
        ("show sudoku --set size=5", "size is 5; allowed is 4, 6 or 9"),
        ("show sudoku --set 'size=\"4\"'", "Sudoku.size is '4'; allowed is int"),
        (
            "build maze --output {0}/set",
            "task maze has no value for size, which it needs; allowed are the fields size (int), ",
        ),
        ("show sudoku --number 0", "--number is 0; allowed is 1 or more"),
        ("show sudoku --set size=4 --seed -1", "data seed is -1"),
        ("show chess", "argument TASK: invalid choice: 'chess'"),
        ("show sudoku --difficulty extreme", "invalid choice: 'extreme'"),
        ("build sudoku", "the following arguments are required: --output"),
        ("build sudoku --set size=4 --train -1 --output {0}/set", "train boards is -1"),
        (
            "build sudoku --set size=4 --train 1 --test 1 --augment -1 --output {0}/set",
            "each board is -1",
        ),
        (
            "build pattern --train 1 --test 1 --augment 1 --output {0}/set",
            "doesn't make versions of its",
        ),
        ("build sudoku --output {0}", "exists; allowed is a new folder"),
        ("info {0}/nothing", "train/dataset.json': it can't be read"),
        ("fetch chess --output {0}/set", "invalid choice: 'chess'"),
        ("fetch arc --train 3 --output {0}/set", "training boards of arc are 3; allowed is all"),
    ],
)
def test_a_mistake_is_named_on_one_line(hrm, tmp_path, line, said):
    (tmp_path / "mine").write_text("")
    status, out, err = hrm(f"data {line.format(tmp_path)}")
    assert (status, out) == (2, "")
    assert said in err
    assert err.startswith("hrm")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_lists_and_null_are_values(hrm):
    task = options.task_of("maze", ["size=6", "strata=[[2, 3], [4, 9]]", "walls=0.1"])
    assert (task.strata, task.walls) == (((2, 3), (4, 9)), 0.1)
    assert options.task_of("sudoku", ["clues=null"]).clues is None


# -- help -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", ["", "build", "info", "show", "fetch"])
def test_help_teaches_by_examples_that_work(hrm, command):
    status, out, _ = hrm(f"data {command} --help")
    assert status == 0
    examples = re.findall(r"^  hrm (data .*)$", out, re.MULTILINE)
    assert len(examples) >= 2
    for example in examples:
        asked = cli.parser().parse_args(shlex.split(example))
        if hasattr(asked, "settings") and asked.task != "arc":
            options.task_of(asked.task, asked.set)
