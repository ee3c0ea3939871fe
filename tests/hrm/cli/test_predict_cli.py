"""`hrm predict` as its users call it."""

import json

import pytest

from hrm.data import public
from hrm.tasks.arc.data import Augmentation
from hrm.tasks.maze import Maze
from hrm.tasks.sudoku import Sudoku
from hrm.training import answering, runs

ACT = "--set width=8 --set heads=2 --set h_layers=1 --set l_layers=1"
ACT += " --set max_steps=2 --set h_cycles=1 --set l_cycles=1"
FEW = "--updates 4 --batch 4 --train 12 --validation 4 --test 6"
SUDOKU = Sudoku(size=4, clues=7)


@pytest.fixture
def sudoku(hrm, tmp_path):
    line = f"train act-v1 sudoku --task-set size=4 --task-set clues=7 {ACT} {FEW}"
    assert hrm(f"{line} --output {tmp_path}/run")[0] == 0
    return tmp_path / "run"


@pytest.fixture(scope="module")
def puzzles():
    return [SUDOKU.decode(board) for board in SUDOKU.generate(9, 0, 0, 3).test.inputs]


def test_a_line_is_answered_as_a_text_a_picture_and_json(hrm, sudoku, puzzles):
    status, text, err = hrm(f"predict {sudoku} {puzzles[0]} --as text")
    assert (status, err) == (0, "")
    _, out, _ = hrm(f"predict {sudoku} {puzzles[0]} --as json")
    (found,) = json.loads(out)
    assert found.keys() == {"name", "answer", "valid", "steps"}
    assert (found["answer"], found["steps"]) == (text.strip(), 2)
    board = SUDOKU.encode(puzzles[0])
    answer = [int(c) if c != "." else 0 for c in found["answer"]]
    assert found["valid"] == SUDOKU.check(board, board * 0 + answer)
    _, picture, _ = hrm(f"predict {sudoku} {puzzles[0]}")
    heading, drawn = picture.split("\n\n", 1)
    assert heading == f"puzzle: {'valid' if found['valid'] else 'not valid'}, 2 steps"
    assert drawn.rstrip("\n") == SUDOKU.draw(board, board * 0 + answer)


def test_files_and_folders_are_answered_in_order(hrm, tmp_path, sudoku, puzzles):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(f"{puzzles[0]}\n{puzzles[1]}\n")
    (folder / "b.csv").write_text(f"quizzes,solutions\n{puzzles[2].replace('.', '0')},\n")
    _, each, _ = hrm(f"predict {sudoku} {' '.join(puzzles)} --as text")
    assert hrm(f"predict {sudoku} {folder} --as text")[1] == each
    assert hrm(f"predict {sudoku} {folder}/a.txt {puzzles[2]} --as text")[1] == each
    names = [e["name"] for e in json.loads(hrm(f"predict {sudoku} {folder} --as json")[1])]
    assert names == [f"{folder}/a.txt, line {i}" for i in (1, 2)] + [f"{folder}/b.csv, line 2"]


def test_steps_are_as_many_as_asked_for(hrm, sudoku, puzzles):
    _, out, _ = hrm(f"predict {sudoku} {puzzles[0]} --as json --steps 5")
    assert json.loads(out)[0]["steps"] == 5


def test_a_maze_as_a_text_is_answered_in_another_size(hrm, tmp_path):
    line = f"train act-v1 maze --task-set size=4 {ACT} {FEW} --output {tmp_path}/run"
    assert hrm(line)[0] == 0
    task = Maze(size=6)
    boards = task.generate(3, 0, 0, 2).test
    path = tmp_path / "mazes.txt"
    path.write_text("\n\n".join(task.decode(board) for board in boards.inputs) + "\n")
    status, out, err = hrm(f"predict {tmp_path}/run {path} --task-set size=6 --as text")
    assert status == 0, err
    answers = out.strip().split("\n\n")
    for answer, board in zip(answers, boards.inputs, strict=True):
        pairs = zip(answer, task.decode(board), strict=True)
        assert all(given in (own, "o") for given, own in pairs)
    status, _, err = hrm(f"predict {tmp_path}/run {path}")
    assert status == 2 and "mazes.txt, board 1: board is" in err


def test_a_formula_is_answered_with_its_literals(hrm, tmp_path):
    line = "train gru logic --task-set variables=4 --task-set clauses=6"
    line += f" --set hidden_low=8 --set hidden_high=8 {FEW} --output {tmp_path}/run"
    assert hrm(line)[0] == 0
    (tmp_path / "a.cnf").write_text("p cnf 4 2\n1 -2 0\n3 4 0\n")
    for puzzle in (f"{tmp_path}/a.cnf", "'[[1, -2], [3, 4]]'"):
        status, out, err = hrm(f"predict {tmp_path}/run {puzzle} --as json")
        assert status == 0, err
        (found,) = json.loads(out)
        answer = found["answer"]
        assert [abs(x) for x in answer] == [1, 2, 3, 4]
        right = bool({1, -2} & set(answer)) and bool({3, 4} & set(answer))
        assert found["valid"] == right


@pytest.mark.parametrize(
    ("puzzle", "said"),
    [
        ("none.txt", "there is no such file; allowed is a puzzle, a file or a folder"),
        ("12x4", "puzzle: puzzle is '12x4'; allowed is 16 characters"),
        ("''", "which holds no puzzle; allowed is one or more"),
        ("1234 --submission x.json", "for task sudoku; allowed is that option for arc only"),
        ("1234 --steps 0", "steps is 0; allowed is 1 or more"),
    ],
)
def test_what_is_no_puzzle_is_refused_in_one_line(hrm, sudoku, puzzle, said):
    status, _, err = hrm(f"predict {sudoku} {puzzle}")
    assert (status, err.count("\n")) == (2, 1), err
    assert said in err


# -- arc ------------------------------------------------------------------------------------------
def arc_task(shift):
    shown = [{"input": [[1, 0, shift]], "output": [[shift, 0, 1]]}]
    shown.append({"input": [[2, shift, 0]], "output": [[0, shift, 2]]})
    return {"train": shown, "test": [{"input": [[3, shift, 1]], "output": [[1, shift, 3]]}]}


@pytest.fixture
def arc(hrm, tmp_path):
    folder = tmp_path / "tasks"
    folder.mkdir()
    for i in range(4):
        (folder / f"task{i}.json").write_text(json.dumps(arc_task(4 + i)))
    assert hrm(f"data import {folder} --augment 2 --output {tmp_path}/set")[0] == 0
    line = f"train act-v1-arc arc {ACT} --set puzzle_size=4 --updates 4 --batch 4"
    status, _, err = hrm(f"{line} --data {tmp_path}/set --validation 2 --output {tmp_path}/run")
    assert status == 0, err
    return tmp_path


def test_arcs_submission_has_two_attempts_for_each_test(hrm, arc):
    line = f"predict {arc}/run {arc}/tasks --as json --submission {arc}/out.json"
    status, out, err = hrm(line)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found == json.loads((arc / "out.json").read_text())
    assert found.keys() == {f"task{i}" for i in range(4)}
    assert all(set(test) == {"attempt_1", "attempt_2"} for t in found.values() for test in t)
    _, shown, _ = hrm(f"predict {arc}/run {arc}/tasks/task1.json")
    assert shown.startswith("task1, test 0\n\n3 5 1\n\n")
    beside = "of 1 tasks with known answers, trivial 0.0% (copying the input)"
    assert shown.splitlines()[-1].endswith(beside)


def test_all_versions_of_a_task_vote_in_its_own_colours(arc, monkeypatch):
    found = runs.stored(arc / "run")
    model = answering.Answering(found, found.plan.task)
    asked = []

    def mirrored(boards):  # an oracle: the answer to each version is its input, mirrored
        asked.extend(boards.identities.tolist())
        from hrm.tasks.arc.tokens import cut_out, embedded

        names = public.read(arc / "set", "train").identifiers
        answers = []
        for grid, identity in zip(
            cut_out(boards.inputs, boards.inputs), boards.identities, strict=True
        ):
            suffix = names[identity].partition("_")[2]
            made = answering._augmentation(suffix)
            answers.append(embedded(made.apply(made.undo(grid)[:, ::-1])))
        return boards.inputs * 0 + answers, boards.difficulty

    monkeypatch.setattr(model, "boards", mirrored)
    from hrm.data import arcs

    submission, unknown = model.arc(arcs.read(arc / "tasks" / "task2.json"))
    assert unknown == []
    assert submission["task2"][0]["attempt_1"] == [[1, 6, 3]]
    assert len(asked) == len(set(asked)) == 3


def test_unknown_tasks_get_the_blank_identity_with_a_warning(hrm, arc, caplog):
    (arc / "new.json").write_text(json.dumps(arc_task(9)))
    status, out, _ = hrm(f"predict {arc}/run {arc}/new.json --as json")
    assert status == 0
    assert json.loads(out).keys() == {"new"}
    assert "the model wasn't trained on 1 of 1 tasks, such as new" in caplog.text


def test_a_versions_name_says_its_augmentation():
    made = Augmentation(dihedral=3, colours=(0, 2, 1, *range(3, 10)))
    assert answering._augmentation(made.name) == made
    assert answering._augmentation("") == Augmentation()
