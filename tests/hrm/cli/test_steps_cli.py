"""`hrm eval` with other steps and other sizes than in training."""

import json

import pytest

ACT = "train act-v1 maze --set width=8 --set heads=2 --set h_layers=1 --set l_layers=1"
ACT += " --set max_steps=2 --set h_cycles=1 --set l_cycles=1 --task-set size=4"
FEW = "--updates 4 --batch 4 --train 12 --validation 4 --test 6"
COMPLETE = "train complete-tiny maze --task-set size=4"
GRU = "train gru maze --task-set size=4 --set hidden_low=8 --set hidden_high=8"


def scores(point):
    return {name: point[name] for name in ("tokens", "unknown", "exact", "valid")}


@pytest.mark.parametrize("recipe", [ACT, GRU, COMPLETE])
def test_the_curve_has_at_each_step_what_so_many_steps_score(hrm, tmp_path, recipe):
    assert hrm(f"{recipe} {FEW} --output {tmp_path}/run")[0] == 0
    line = f"eval {tmp_path}/run/best.safetensors maze --json"
    status, out, err = hrm(f"{line} --curve --steps 5")
    assert status == 0, err
    whole = json.loads(out)
    curve = whole["curve"]["best"]
    assert [point["step"] for point in curve] == [1, 2, 3, 4, 5]
    assert whole["checkpoints"]["best"]["steps"] == 5
    assert scores(whole["checkpoints"]["best"]) == scores(curve[4])
    for step in (1, 3):
        one = json.loads(hrm(f"{line} --steps {step}")[1])["checkpoints"]["best"]
        assert (one["steps"], scores(one)) == (step, scores(curve[step - 1]))


def test_the_curve_goes_to_twice_the_trained_steps_and_says_where_these_end(hrm, tmp_path):
    assert hrm(f"{ACT} {FEW} --output {tmp_path}/run")[0] == 0
    _, out, _ = hrm(f"eval {tmp_path}/run/best.safetensors maze --curve")
    rows = out.split("best, after step")[1].splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["1", "2", "3", "4"]
    assert [row for row in rows if "trained up to here" in row] == [rows[1]]


def test_the_curve_is_the_same_where_each_board_halts_for_itself(hrm, tmp_path):
    assert hrm(f"{ACT} {FEW} --output {tmp_path}/run")[0] == 0
    line = f"eval {tmp_path}/run/best.safetensors maze --curve --json"
    plain, halting = (json.loads(hrm(f"{line}{more}")[1]) for more in ("", " --halting"))
    assert plain["curve"] == halting["curve"]
    assert sum(halting["boards_by_steps"].values()) == 6 and plain["boards_by_steps"] == {}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("--steps 0", "--steps is 0; allowed is 1 or more"),
        ("--steps 2 --halting", "--steps is 2 with --halting"),
    ],
)
def test_steps_that_cant_be_are_refused(hrm, tmp_path, more, said):
    assert hrm(f"{ACT} {FEW} --output {tmp_path}/run")[0] == 0
    status, _, err = hrm(f"eval {tmp_path}/run maze {more}")
    assert (status, err.count("\n")) == (2, 1) and said in err


def test_boards_of_another_size_are_scored_where_no_position_is_learned(hrm, tmp_path):
    assert hrm(f"{ACT} {FEW} --output {tmp_path}/run")[0] == 0
    status, out, err = hrm(f"eval {tmp_path}/run maze --task-set size=7 --curve --json")
    assert status == 0, err
    found = json.loads(out)
    assert found["checkpoints"].keys() == {"best", "last"} == found["curve"].keys()
    assert found["margins"].keys() == {"copy", "frequent", "corner"}
    hrm(f"data build maze --set size=6 --train 3 --test 5 --output {tmp_path}/six")
    assert hrm(f"eval {tmp_path}/run maze --data {tmp_path}/six")[0] == 0


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (f"{ACT} --set learned_positions=true", "embed.positions.weight belongs to the positions"),
        (GRU, "Maze's inputs is 196; allowed is 64"),
    ],
)
def test_another_size_is_refused_where_weights_belong_to_one(hrm, tmp_path, recipe, said):
    assert hrm(f"{recipe} {FEW} --output {tmp_path}/run")[0] == 0
    status, _, err = hrm(f"eval {tmp_path}/run maze --task-set size=7")
    assert (status, err.count("\n")) == (2, 1), err
    assert said in err
