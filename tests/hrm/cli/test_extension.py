"""A run that is extended is the longer run, and models of some evaluations are kept."""

import json

import pytest
import torch

from hrm.errors import UserError
from hrm.training import extension, runs, tracking

GRU = "train gru maze --task-set size=4 --set hidden_low=8 --set hidden_high=8"
FEW = "--batch 4 --train 12 --validation 4 --test 6 --training-set evaluate_every=2"
COSINE = """--training-set 'schedule={"kind": "Cosine", "floor": 0.1}'"""


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("schedule", ["", COSINE])
def test_an_extended_run_follows_the_longer_plan(hrm, tmp_path, schedule):
    line = f"{GRU} {FEW} {schedule}"
    assert hrm(f"{line} --updates 4 --output {tmp_path}/short")[0] == 0
    assert hrm(f"{line} --updates 8 --output {tmp_path}/long")[0] == 0
    status, out, err = hrm(f"train gru maze --output {tmp_path}/short --extend 8")
    assert status == 0, err
    assert "last, update 8" in out
    ours, theirs = (tracking.points(tmp_path / name) for name in ("short", "long"))
    assert [p["step"] for p in ours] == [2, 4, 6, 8]
    rates = [[p["learning_rate"] for p in points] for points in (ours, theirs)]
    assert rates[0][2:] == rates[1][2:]
    weights = [runs.weights(tmp_path / name / "last.safetensors")[1] for name in ("short", "long")]
    assert same(*weights) == (schedule == "")  # a constant rate is the same run
    assert runs.planned(tmp_path / "short") == runs.planned(tmp_path / "long")
    updates = [each["updates"] for each in tracking.described(tmp_path / "short")["environments"]]
    assert updates == [4, 8]


def test_extending_again_changes_nothing_and_less_is_refused(hrm, tmp_path):
    assert hrm(f"{GRU} {FEW} --updates 4 --output {tmp_path}/run")[0] == 0
    again = f"train gru maze --output {tmp_path}/run --extend"
    _, first, _ = hrm(f"{again} 6")
    assert hrm(f"{again} 6")[1] == first
    status, _, err = hrm(f"{again} 4")
    assert (status, err.count("\n")) == (2, 1)
    assert "extend is 4; allowed is 6 or more" in err


def test_a_run_from_anothers_weights_needs_them_to_begin_and_not_to_go_on(hrm, tmp_path):
    assert hrm(f"{GRU} {FEW} --updates 2 --output {tmp_path}/one")[0] == 0
    line = f"{GRU} {FEW} --seed 5 --from {tmp_path}/one"
    assert hrm(f"{line} --updates 4 --output {tmp_path}/two")[0] == 0
    assert hrm(f"{line} --updates 6 --output {tmp_path}/long")[0] == 0
    again = f"train gru maze --output {tmp_path}/two --extend 6"
    status, _, err = hrm(again)
    assert status == 0, err
    assert same(*(runs.weights(tmp_path / n / "last.safetensors")[1] for n in ("two", "long")))
    (tmp_path / "two/last.safetensors").unlink()
    status, _, err = hrm(again)
    assert status == 2 and "give that other run, --from RUN" in err
    assert hrm(f"{again} --from {tmp_path}/one")[0] == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("--extend 6 --batch 8", "--batch is given with --extend"),
        ("--extend 6 --seed 1", "--seed is given with --extend"),
    ],
)
def test_what_the_folder_says_already_is_refused(hrm, tmp_path, more, said):
    assert hrm(f"{GRU} {FEW} --updates 4 --output {tmp_path}/run")[0] == 0
    status, _, err = hrm(f"train gru maze --output {tmp_path}/run {more}")
    assert status == 2 and said in err


def test_an_extension_is_of_the_same_recipe_in_a_runs_folder(hrm, tmp_path):
    assert hrm(f"{GRU} {FEW} --updates 4 --output {tmp_path}/run")[0] == 0
    status, _, err = hrm(f"train v2 maze --output {tmp_path}/run --extend 6")
    assert status == 2 and "is for gru maze; allowed is one for " in err
    with pytest.raises(UserError, match="has no run to extend"):
        extension.longer(tmp_path / "none", 5)


def test_every_kth_model_is_kept_and_can_be_scored(hrm, tmp_path):
    line = f"{GRU} {FEW} --updates 8 --output {tmp_path}/run"
    assert hrm(f"{line} --keep-every 2")[0] == 0
    kept = sorted(path.name for path in (tmp_path / "run").glob("update-*"))
    assert kept == ["update-000004.safetensors", "update-000008.safetensors"]
    _, out, _ = hrm(f"eval {tmp_path}/run/{kept[1]} maze --json")
    _, whole, _ = hrm(f"eval {tmp_path}/run maze --json")
    ours, last = json.loads(out)["checkpoints"], json.loads(whole)["checkpoints"]["last"]
    assert ours["update-000008"] == last
    status, _, err = hrm(f"{line}2 --keep-every 0")
    assert status == 2 and "keep_every is 0; allowed is 1 or more" in err
