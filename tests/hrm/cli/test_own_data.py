"""Boards of one's own: each form is imported, trained on, scored on and drawn."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hrm.data import imports, own, public
from hrm.tasks.coloring import Coloring
from hrm.tasks.logic import Logic
from hrm.tasks.maze import Maze
from hrm.tasks.sudoku import Sudoku
from hrm.training import runs, tracking

ACT = "act-v1 {task} --set width=8 --set heads=2 --set h_layers=1 --set l_layers=1 "
ACT += "--set max_steps=2 --set h_cycles=1 --set l_cycles=1"
FEW = "--updates 4 --batch 4"
SMALL = Sudoku(size=4, clues=7)


@pytest.fixture(scope="module")
def sudokus():
    return SMALL.generate(0, 24, 0, 6)


def lines(boards):
    return [
        (SMALL.decode(board), SMALL.decode(board, answer))
        for board, answer in zip(boards.inputs, boards.targets, strict=True)
    ]


def table(path, rows, heading):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([*([heading] if heading else []), *rows])
    return path


def dimacs(path, clauses):
    path.parent.mkdir(parents=True, exist_ok=True)
    variables = max(abs(x) for clause in clauses for x in clause)
    text = [f"c made here\np cnf {variables} {len(clauses)}"]
    text += [" ".join(map(str, [*clause, 0])) for clause in clauses]
    path.write_text("\n".join([*text, "%", "0", ""]))


def graph(path, vertices, edges):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = [f"c made here\np edge {vertices} {len(edges)}"]
    path.write_text("\n".join([*text, *(f"e {a + 1} {b + 1}" for a, b in edges), ""]))


def arc_task(shift):
    pairs = [([[1, 0, shift]], [[shift, 0, 1]]), ([[2, shift, 0]], [[0, shift, 2]])]
    shown = [{"input": a, "output": b} for a, b in pairs]
    return {"train": shown, "test": [{"input": [[3, shift, 3]], "output": [[3, shift, 3]]}]}


def arc_folder(folder, number=6):
    folder.mkdir(parents=True)
    for i in range(number):
        (folder / f"task{i}.json").write_text(json.dumps(arc_task(4 + i % 6)))
    return folder


# -- import ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("a.csv", ["quizzes", "solutions"]),
        ("a.csv", ["source", "question", "answer", "rating"]),
        ("a.csv", None),
        ("a.txt", "alone"),
        ("a.sdm", "solved"),
    ],
)
def test_sudokus_in_every_form_become_the_same_folder(hrm, tmp_path, sudokus, name, heading):
    pairs = lines(sudokus.train)
    if name == "a.csv":
        zeros = [(q.replace(".", "0"), a) for q, a in pairs]
        long = heading is not None and len(heading) == 4
        rows = [("s", *pair, "3") for pair in pairs] if long else zeros
        table(tmp_path / name, rows, heading)
    else:
        solved = [f"{q} {a}" if heading == "solved" else q for q, a in pairs]
        (tmp_path / name).write_text("\n".join(solved) + "\n")
    status, out, err = hrm(f"data import {tmp_path}/{name} --output {tmp_path}/out --test 5 --json")
    assert status == 0, err
    found = json.loads(out)
    assert (found["train"]["boards"], found["test"]["boards"]) == (19, 5)
    whole = [public.read(tmp_path / "out", split).boards(SMALL) for split in public.SPLITS]
    inputs = np.concatenate([boards.inputs for boards in whole])
    targets = np.concatenate([boards.targets for boards in whole])
    expected = sorted(map(tuple, np.hstack([sudokus.train.inputs, sudokus.train.targets]).tolist()))
    assert sorted(map(tuple, np.hstack([inputs, targets]).tolist())) == expected


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_a_byte_order_mark_and_windows_line_ends_are_no_board(hrm, tmp_path, sudokus, name):
    rows = [",".join((q, a)) if name == "a.csv" else q for q, a in lines(sudokus.train)]
    text = "\r\n".join([*(row.replace(".", "0") for row in rows), "", ""])
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    status, out, err = hrm(f"data import {tmp_path}/{name} --output {tmp_path}/out --json")
    assert status == 0, err
    found = json.loads(out)
    assert found["train"]["boards"] + found["test"]["boards"] == 24


def test_names_say_which_boards_are_for_testing_and_training_ones_are_drawn(hrm, tmp_path, sudokus):
    table(tmp_path / "in" / "train.csv", lines(sudokus.train), ["quizzes", "solutions"])
    table(tmp_path / "in" / "test.csv", lines(sudokus.test), ["quizzes", "solutions"])
    line = f"data import {tmp_path}/in --train 8 --augment 3"
    assert hrm(f"{line} --output {tmp_path}/out")[0] == 0
    train, test = (public.read(tmp_path / "out", split) for split in public.SPLITS)
    assert (len(train), train.groups, len(test)) == (32, 8, 6)
    assert (test.boards(SMALL).inputs == sudokus.test.inputs).all()
    status, _, err = hrm(f"{line} --test 3 --output {tmp_path}/more")
    assert status == 2 and "test boards is 3; allowed is those that are named so" in err


def test_formulas_and_graphs_are_solved(hrm, tmp_path):
    logic, coloring = Logic(variables=4, clauses=6), Coloring(vertices=6, colors=3)
    boards = {"cnf": logic.generate(0, 5, 0, 0).train, "col": coloring.generate(0, 5, 0, 0).train}
    for i in range(5):
        dimacs(tmp_path / "cnf" / f"{i}.cnf", logic.decode(boards["cnf"].inputs[i]))
        graph(tmp_path / "col" / f"{i}.col", 6, coloring.decode(boards["col"].inputs[i]))
    for name, task, more in (("cnf", logic, ""), ("col", coloring, "--set colors=3")):
        more = "--set clauses=6" if name == "cnf" else more
        line = f"data import {tmp_path}/{name} --output {tmp_path}/{name}-out --test 1 {more}"
        assert hrm(line)[0] == 0
        found = [public.read(tmp_path / f"{name}-out", s).boards(task) for s in public.SPLITS]
        rows = np.concatenate([b.inputs for b in found])
        assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, boards[name].inputs.tolist()))
        for each in found:
            assert (task.score(each, each.targets).valid == 1).all()


def test_mazes_as_pictures_get_their_shortest_paths(hrm, tmp_path):
    task = Maze(size=5)
    boards = task.generate(0, 6, 0, 0).train
    pictures = [task.decode(board) for board in boards.inputs]
    (tmp_path / "mazes.txt").write_text("\n\n".join(pictures))
    assert hrm(f"data import {tmp_path}/mazes.txt --output {tmp_path}/out --test 2")[0] == 0
    found = [public.read(tmp_path / "out", split).boards(task) for split in public.SPLITS]
    targets = {tuple(b): tuple(t) for e in found for b, t in zip(e.inputs, e.targets, strict=True)}
    assert targets == {
        tuple(b): tuple(t) for b, t in zip(boards.inputs, boards.targets, strict=True)
    }


def test_tasks_of_arcs_form_keep_their_names_and_tests(hrm, tmp_path):
    arc_folder(tmp_path / "in" / "evaluation", 2)
    (tmp_path / "in" / "training").mkdir()
    (tmp_path / "in" / "training" / "old.json").write_text(json.dumps(arc_task(9)))
    (tmp_path / "in" / "generated.json").write_text(json.dumps(arc_task(8)["train"]))
    status, out, err = hrm(f"data import {tmp_path}/in --augment 2 --output {tmp_path}/out --json")
    assert status == 0, err
    names = public.read(tmp_path / "out", "test").identifiers
    assert {"old", "generated", "task0", "task1"} < set(names)
    assert len(names) == 1 + 4 * 3
    assert json.loads(out)["test"]["groups"] == 3


def test_examples_alone_are_trained_on_and_the_last_tenth_of_them_tests(hrm, tmp_path):
    (tmp_path / "re_arc").mkdir()
    for i in range(3):
        grids = [[i, k % 10, k // 10] for k in range(23)]
        pairs = [{"input": [grid], "output": [grid[::-1]]} for grid in grids]
        (tmp_path / "re_arc" / f"{i:08x}.json").write_text(json.dumps(pairs))
    line = f"train {ACT.format(task='arc').replace('act-v1', 'act-v1-arc')} --set puzzle_size=4"
    line = f"{line} {FEW} --data {tmp_path}/re_arc --task-set augmentations=0 --validation 2"
    status, _, err = hrm(f"{line} --output {tmp_path}/run")
    assert status == 0, err
    plan = runs.planned(tmp_path / "run")
    assert (plan.train, plan.validation, plan.test) == (3 * 21 - 2, 2, 3 * 2)


def test_the_challenges_files_are_read_with_their_solutions(hrm, tmp_path):
    whole = {f"t{i}": arc_task(4 + i) for i in range(3)}
    solutions = {name: [pair.pop("output") for pair in t["test"]] for name, t in whole.items()}
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "arc_evaluation_challenges.json").write_text(json.dumps(whole))
    (folder / "arc_evaluation_solutions.json").write_text(json.dumps(solutions))
    assert hrm(f"data import {folder} --output {tmp_path}/out")[0] == 0
    assert len(public.read(tmp_path / "out", "test")) == 3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "12\n", "the task of the boards in "),
        ("a.cnf", "1 2 0\n", "it has no heading; allowed is a line p cnf VARIABLES CLAUSES"),
        ("a.cnf", "p cnf 4 2\n1 0 -1 0\n", "Logic can't use [[1], [-1]]"),
        ("a.cnf", "p cnf 4 1\n1 x 0\n", "it has '1 x 0'; allowed is whole numbers"),
        ("a.cnf", "p cnf 99 1\n99 0\n", "variables is 99; allowed is 4 to 20"),
        ("a.col", "p edge 3 1\ne 1 4\n", "it has 'e 1 4'; allowed is two vertices, 1 to 3"),
        ("a.col", "e 1 2\n", "it has 'e 1 2'; allowed is two vertices, 1 to 0"),
        ("a.json", "{", "it isn't JSON"),
        ("a.json", '{"a": 1}', "entry 'a' is no task"),
        ("a.json", '{"train": [{"input": [[1]]}]}', "train pair 0 of task 'a' lacks a grid"),
        ("a.json", '{"train": [{"input": [[77]], "output": [[1]]}]}', "is 77; allowed is 0 to 9"),
        ("a.txt", "1" * 16 + "\n", "a.txt, line 1: puzzle is '1111111111111111'; allowed is"),
        ("a.csv", f"quizzes,solutions\n{'0' * 16},{'1' * 16}\n", "the answer of board 1 is no"),
        (
            "a.txt",
            "12..34..21..43.. 1111111111111111\n",
            "one with a single solution, and it has several",
        ),
    ],
)
def test_files_that_arent_of_their_form_are_refused_in_one_line(hrm, tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    status, _, err = hrm(f"data import {tmp_path}/{name} --output {tmp_path}/out")
    assert (status, err.count("\n")) == (2, 1), err
    assert said in err
    assert not (tmp_path / "out").exists()


def test_a_wrong_solution_behind_a_puzzle_is_refused(hrm, tmp_path, sudokus):
    puzzle, answer = lines(sudokus.train)[0]
    (tmp_path / "a.txt").write_text(f"{puzzle} {answer[::-1]}\n")
    status, _, err = hrm(f"data import {tmp_path}/a.txt --output {tmp_path}/out --test 0")
    assert status == 2 and "allowed is that of the puzzle, row by row" in err


# -- train, eval, plot ----------------------------------------------------------------------------
@pytest.fixture
def folder(hrm, tmp_path, sudokus):
    table(tmp_path / "in" / "train.csv", lines(sudokus.train), ["quizzes", "solutions"])
    table(tmp_path / "in" / "test.csv", lines(sudokus.test), ["quizzes", "solutions"])
    assert hrm(f"data import {tmp_path}/in --augment 2 --output {tmp_path}/set")[0] == 0
    return tmp_path / "set"


def test_a_folder_is_trained_on_and_its_test_boards_score_it(hrm, tmp_path, folder):
    line = f"train {ACT.format(task='sudoku')} {FEW} --data {folder} --output {tmp_path}/run"
    status, out, err = hrm(line)
    assert status == 0, err
    plan = runs.planned(tmp_path / "run")
    assert (plan.task, plan.train, plan.validation, plan.test) == (Sudoku(size=4), 21 * 3, 3, 6)
    status, again, err = hrm(f"eval {tmp_path}/run sudoku")
    assert status == 0, err
    assert again.startswith(out)
    _, same, _ = hrm(f"eval {tmp_path}/run sudoku --data {folder} --json")
    whole = json.loads(hrm(f"eval {tmp_path}/run sudoku --json")[1])
    assert json.loads(same)["checkpoints"] == whole["checkpoints"]
    _, few, _ = hrm(f"eval {tmp_path}/run sudoku --data {tmp_path}/in/test.csv --test 2 --json")
    assert json.loads(few)["checkpoints"] != whole["checkpoints"]
    said = json.loads(hrm(f"plot {tmp_path}/run --only puzzle --data {folder} --json")[1])
    assert Path(said["drawn"]["puzzle"]).is_file()


def test_boards_that_were_trained_on_and_labels_that_are_inputs_are_said(
    hrm, tmp_path, folder, caplog
):
    line = f"train {ACT.format(task='sudoku')} {FEW} --data"
    assert hrm(f"{line} {folder} --output {tmp_path}/sound")[0] == 0
    assert caplog.text == ""
    shutil.rmtree(folder / "test")
    shutil.copytree(folder / "train", folder / "test")
    assert hrm(f"{line} {folder} --output {tmp_path}/run")[0] == 0
    count = len(public.read(folder, "test"))
    said = f"{folder}: {count} of {count} test boards are training boards too"
    assert caplog.text.count(said) == 1
    caplog.clear()
    assert hrm(f"eval {tmp_path}/run sudoku --data {tmp_path}/in/train.csv")[0] == 0
    assert "in/train.csv: 24 of 24 test boards are training boards too" in caplog.text
    np.save(folder / "test" / "all__labels.npy", np.load(folder / "test" / "all__inputs.npy"))
    hrm(f"{line} {folder} --output {tmp_path}/copied")
    assert f"{folder}: all labels of test equal their inputs" in caplog.text


def test_an_interrupted_run_on_a_folder_goes_on_to_the_identical_curve(tmp_path, folder, hrm):
    line = f"train {ACT.format(task='sudoku')} {FEW} --data {folder}"
    assert hrm(f"{line} --output {tmp_path}/whole")[0] == 0
    assert hrm(f"{line} --output {tmp_path}/short --updates 2")[0] == 0
    assert hrm(f"train act-v1 sudoku --output {tmp_path}/short --extend 4")[0] == 0

    def curve(name):
        return [(p["step"], p["loss"]) for p in tracking.points(tmp_path / name)]

    assert curve("short") == curve("whole")


@pytest.mark.parametrize("recipe", ["gru", "act-v1"])
def test_a_file_is_trained_on_by_every_kind_of_system(hrm, tmp_path, sudokus, recipe):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(q for q, _ in lines(sudokus.train)))
    system = ACT.format(task="sudoku")
    if recipe == "gru":
        system = "gru sudoku --set hidden_low=8 --set hidden_high=8"
    status, _, err = hrm(f"train {system} {FEW} --data {path} --output {tmp_path}/run")
    assert status == 0, err
    assert runs.planned(tmp_path / "run").test == 2


def test_a_folder_of_another_content_is_another_run(hrm, tmp_path, folder, sudokus):
    line = f"train {ACT.format(task='sudoku')} {FEW} --data {folder} --output {tmp_path}/run"
    assert hrm(line)[0] == 0
    path = folder / "train" / "all__labels.npy"
    np.save(path, np.load(path)[::-1])
    status, _, err = hrm(line)
    assert status == 2 and "data.sha256" in err


def test_wrong_labels_are_refused_where_they_are_read(hrm, tmp_path, folder):
    path = folder / "train" / "all__labels.npy"
    np.save(path, np.ones_like(np.load(path)))  # digit 0
    line = f"train {ACT.format(task='sudoku')} {FEW} --data {folder} --output {tmp_path}/run"
    status, _, err = hrm(line)
    assert (status, err.splitlines()[-1].count("hrm: ")) == (2, 1)
    assert "is no solution of its input" in err


def test_arc_trains_on_a_folder_and_holds_demonstrations_out(hrm, tmp_path):
    folder = arc_folder(tmp_path / "in")
    assert hrm(f"data import {folder} --augment 1 --output {tmp_path}/set")[0] == 0
    line = f"train {ACT.format(task='arc').replace('act-v1', 'act-v1-arc')} --set puzzle_size=4"
    status, _, err = hrm(
        f"{line} {FEW} --data {tmp_path}/set --validation 3 --output {tmp_path}/run"
    )
    assert status == 0, err
    data = public.read(tmp_path / "set", "train")
    held = own.held_out(data, 3, 0)
    assert len(held.validation) == 3
    assert not np.isin(held.validation, held.rows(data)).any()
    taken = data.puzzle_identifiers[
        np.searchsorted(data.puzzle_indices, held.rows(data), "right") - 1
    ]
    assert set(taken) == set(data.puzzle_identifiers)  # all identities are learned
    assert hrm(f"eval {tmp_path}/run arc --data {tmp_path}/set")[0] == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("--train 5", "--train is 5 with --data, which trains on all boards"),
        ("--validation 999", "validation boards is 999; allowed is 1 to 23"),
        ("--test 99", "test boards is 99; allowed is 1 to 6"),
        ("--task-set size=6", "vocab_size and pad_id are (6, 0)"),
    ],
)
def test_what_a_folder_hasnt_is_refused(hrm, tmp_path, folder, more, said):
    line = f"train {ACT.format(task='sudoku')} {FEW} --data {folder} --output {tmp_path}/run"
    status, _, err = hrm(f"{line} {more}")
    assert (status, err.count("\n")) == (2, 1), err
    assert said in err


@pytest.mark.parametrize("lacking", public.SPLITS)
def test_training_needs_both_splits_and_scoring_one(hrm, tmp_path, folder, lacking):
    line = f"{ACT.format(task='sudoku')} {FEW} --data {folder}"
    assert hrm(f"train {line} --output {tmp_path}/run")[0] == 0
    alone = shutil.copytree(folder, tmp_path / "alone")
    shutil.rmtree(alone / lacking)
    status, _, err = hrm(f"train {line.replace(str(folder), str(alone))} --output {tmp_path}/no")
    assert (status, err.count("\n")) == (2, 1)
    assert f"which has no {lacking} boards; allowed are boards to train on and others" in err
    assert hrm(f"data info {alone}")[0] == 0
    assert (hrm(f"eval {tmp_path}/run sudoku --data {alone}")[0] == 0) == (lacking == "train")


def test_data_is_no_abbreviation_of_the_data_seed(hrm, tmp_path):
    status, _, err = hrm(f"train gru maze --task-set size=4 --output {tmp_path}/x --data 3")
    assert status == 2 and "'3': it isn't there; allowed is sudoku lines" in err
    status, _, err = hrm(f"train gru maze --task-set size=4 --output {tmp_path}/x --dat 3")
    assert status == 2 and "unrecognized arguments: --dat 3" in err


def test_groups_are_taken_once_an_epoch_with_one_of_their_puzzles(folder):
    from hrm.data.batches import Grouped

    data = public.read(folder, "train")
    held = own.held_out(data, 4, 0)
    dealt = Grouped(data, held, 5, 7)
    rows = np.concatenate([dealt.rows() for _ in range(8)])  # two epochs of 20 groups
    groups = np.searchsorted(data.group_indices, rows, "right") - 1  # a puzzle is a board here
    assert sorted(groups[:20]) == sorted(groups[20:]) == held.groups.tolist()
    assert not np.isin(groups, data.group_indices.searchsorted(held.validation)).any()
    state, following = dealt.state(), dealt.rows()
    again = Grouped(data, held, 5, 7)
    again.load(state)
    assert (again.rows() == following).all()


def test_fields_that_boards_need_are_read_from_a_folder(folder, tmp_path, hrm):
    assert imports.fields_of(folder, "sudoku") == {"size": 4}
    for line, name in (
        ("logic --set variables=5 --set clauses=7", "logic"),
        ("coloring --set vertices=7", "coloring"),
        ("maze --set size=6", "maze"),
    ):
        assert hrm(f"data build {line} --train 2 --test 1 --output {tmp_path}/{name}")[0] == 0
    assert imports.fields_of(tmp_path / "logic", "logic") == {"variables": 5, "clauses": 7}
    assert imports.fields_of(tmp_path / "coloring", "coloring") == {"vertices": 7}
    assert imports.fields_of(tmp_path / "maze", "maze") == {"size": 6}


def test_a_folder_that_has_changed_since_training_is_refused(hrm, tmp_path, folder):
    line = f"train {ACT.format(task='sudoku')} {FEW} --data {folder} --output {tmp_path}/run"
    assert hrm(line)[0] == 0
    own._read.cache_clear()  # as in another process
    path = folder / "train" / "all__group_indices.npy"
    path.write_bytes(path.read_bytes() + b" ")
    status, _, err = hrm(f"eval {tmp_path}/run sudoku")
    assert (status, err.count("\n")) == (2, 1)
    assert "has changed since the run was made; allowed is the folder as it was" in err


def test_a_sweep_takes_a_folder_too(hrm, tmp_path, folder):
    space = tmp_path / "space.json"
    space.write_text(json.dumps({"training.learning_rate": {"low": 1e-3, "high": 1e-1}}))
    line = f"sweep {ACT.format(task='sudoku')} {FEW} --data {folder} --space {space} --trials 2"
    status, out, err = hrm(f"{line} --output {tmp_path}/sweep --json")
    assert status == 0, err
    assert json.loads(out)["arms"]["act-v1"]["counts"] == {"finished": 2}
    plan = tmp_path / "sweep" / "act-v1" / "best.json"
    assert hrm(f"train act-v1 sudoku --plan {plan} --output {tmp_path}/run")[0] == 0


def test_labels_that_a_folder_leaves_out_are_not_learned(folder):
    import torch

    from hrm.recipes import sizing
    from hrm.training.mapped import Mapped

    path = folder / "train" / "all__labels.npy"
    labels = np.load(path)
    labels[:, 3:] = 0
    np.save(path, labels)
    data = public.read(folder, "train")
    held = own.held_out(data, 2, 0)
    settings = {"width": 8, "heads": 2, "h_layers": 1, "l_layers": 1}
    system = sizing.sized("act-v1", settings, SMALL, SMALL.generate(0, 0, 0, 1).test)
    batch = Mapped(system, SMALL, data, held).batch(torch.tensor([0, 4]))
    assert (batch.targets[:, 3:] == -100).all()
    assert (batch.targets[:, :3].numpy() == labels[[0, 4], :3].astype(int) - 1).all()
    assert (batch.inputs.numpy() == data.inputs[[0, 4]].astype(int) - 1).all()


def test_arc_trains_on_the_files_themselves_with_augmentations(hrm, tmp_path):
    folder = arc_folder(tmp_path / "in", 3)
    line = f"train {ACT.format(task='arc').replace('act-v1', 'act-v1-arc')} --set puzzle_size=4"
    line = f"{line} {FEW} --data {folder} --task-set augmentations=1 --validation 2"
    status, _, err = hrm(f"{line} --output {tmp_path}/run")
    assert status == 0, err
    assert runs.planned(tmp_path / "run").identities == 1 + 3 * 2
    assert hrm(f"predict {tmp_path}/run {folder} --as json")[0] == 0
