"""`hrm sweep` as its users call it, and `hrm train --plan` with what it found."""

import json
import re
import shlex

import pytest

from hrm import cli
from hrm.cli import sweep
from hrm.sweeps import space
from hrm.sweeps.sweep import Sweep
from hrm.training import runs, tracking

FEW = "--updates 4 --batch 4 --train 12 --validation 4 --test 6"
GRU = f"gru maze --task-set size=4 --set hidden_high=8 {FEW}"
FIELDS = {
    "training.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True},
    "recipe.hidden_low": {"choices": [4, 8]},
    "model.low_steps": {"low": 1, "high": 2},
    "objective.normalise": {"choices": [True, False]},
    "training.schedule": {"choices": [{"kind": "Constant"}, {"kind": "Cosine"}]},
}


@pytest.fixture
def fields(tmp_path):
    path = tmp_path / "space.json"
    path.write_text(json.dumps(FIELDS))
    return path


@pytest.mark.promise(
    "complete", "a search for hyperparameters", "hrm sweep RECIPE TASK --space FILE"
)
def test_two_arms_are_swept_and_the_best_of_each_is_scored(hrm, tmp_path, fields):
    line = f"sweep {GRU} --space {fields} --trials 2 --arms 'gru recipe.use_act=false'"
    status, out, err = hrm(f"{line} --output {tmp_path}/sweep")
    assert status == 0
    heading, *lines = err.splitlines()
    assert heading == ("2 arms x 2 trials x 4 updates of 4 boards: at most 16 updates, 64 boards")
    assert [line.split("  ")[:2] for line in lines] == [
        ["gru trial 0", "finished"],
        ["gru-recipe.use_act=false trial 0", "finished"],
        ["gru trial 1", "finished"],
        ["gru-recipe.use_act=false trial 1", "finished"],
    ]
    assert "gru: 2 finished; 8 updates" in out.splitlines()
    (columns, _) = re.findall(r"^trial .*$", out, re.MULTILINE)
    assert columns.split() == ["trial", "state", "validation", "updates", *FIELDS]
    (beside,) = set(re.findall(r"^validation: .*; (trivial \S+% \(\w+\))$", out, re.MULTILINE))
    assert all(beside in line for line in err.splitlines() if "  unknown " in line)
    assert out.count("test scores") == out.count("chosen: trial") == 2

    status, again, _ = hrm(f"{line} --output {tmp_path}/sweep --json")
    found = json.loads(again)
    assert (status, found.pop("folder")) == (0, f"{tmp_path}/sweep")
    assert found == json.loads((tmp_path / "sweep" / "results.json").read_text())
    without = json.loads(
        (tmp_path / "sweep" / "gru-recipe.use_act=false" / "best.json").read_text()
    )
    assert without["system"]["model"]["halting"]["obeyed"] is False


def test_what_was_found_can_be_trained(hrm, tmp_path, fields):
    found = hrm(f"sweep {GRU} --space {fields} --trials 2 --output {tmp_path}/sweep --json")[1]
    arm = json.loads(found)["arms"]["gru"]
    best = tmp_path / "sweep" / "gru" / "best.json"
    status, out, _ = hrm(f"train gru maze --plan {best} --output {tmp_path}/same --json")
    assert status == 0
    assert json.loads(out)["checkpoints"] == arm["test"]["checkpoints"]
    hrm(f"train gru maze --plan {best} --seed 5 --data-seed 6 --output {tmp_path}/other")
    plan = runs.planned(tmp_path / "other")
    assert (plan.seed, plan.data_seed) == (5, 6)
    chosen = arm["chosen"]["fields"]
    assert plan.training.learning_rate == chosen["training.learning_rate"]
    assert plan.training.schedule.to_json().items() >= chosen["training.schedule"].items()
    assert plan.system.model.low.width == chosen["recipe.hidden_low"]
    assert plan.system.model.low_steps == chosen["model.low_steps"]
    assert plan.system.objective.normalise == chosen["objective.normalise"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "gru sudoku --plan {best}",
            r"best\.json is for gru maze; allowed is one for gru sudoku, ",
        ),
        ("v2 maze --plan {best}", r"best\.json is for gru maze; allowed is one for v2 maze, "),
        (
            "gru maze --plan {best} --updates 9",
            "--updates is given with --plan, .* leave it out",
        ),
        ("gru maze --plan {best} --set hidden_low=3", "--set is given with --plan"),
        ("gru maze --plan {best}x", "--plan is '.*x', which can't be read"),
        ("gru maze --plan {broken}", "Plan is {'task': 3}; allowed is Plan"),
    ],
)
def test_a_plan_has_it_all(hrm, tmp_path, line, said):
    best, broken = tmp_path / "best.json", tmp_path / "broken.json"
    asked = cli.parser().parse_args(shlex.split(f"train {GRU} --output x"))
    best.write_text(json.dumps(sweep.configured(asked, "gru", {}, {}).to_json()))
    broken.write_text('{"task": 3}')
    line = line.format(best=best, broken=broken)
    status, out, err = hrm(f"train {line} --output {tmp_path}/run")
    assert (status, out) == (2, "")
    assert re.search(said, err) and err.count("\n") == 1


def test_after_ctrl_c_the_command_that_is_printed_goes_on(hrm, tmp_path, fields, monkeypatch):
    def impatient(say, told, trivial):
        if told.number == 1 and told.update == 3:
            raise KeyboardInterrupt

    line = f"sweep {GRU} --space {fields} --trials 2 --output {tmp_path}/sweep"
    with monkeypatch.context() as patched:
        patched.setattr(sweep, "_say", impatient)
        status, out, err = hrm(line)
    assert (status, out) == (130, "")
    said = err.splitlines()[-1]
    assert said.startswith("hrm: stopped; ") and said.endswith(f": hrm {line}")
    assert [p["step"] for p in tracking.points(tmp_path / "sweep/gru/0001")] == [1, 2, 3]
    status, _, err = hrm(said.partition(": hrm ")[2])
    assert status == 0
    assert [line.split("  ")[0] for line in err.splitlines()[1:]] == ["gru trial 1"]


def test_where_every_trial_diverges_the_status_says_so(hrm, tmp_path, fields):
    fields.write_text(json.dumps({"training.learning_rate": {"choices": [1e37, 1e38]}}))
    status, out, err = hrm(f"sweep {GRU} --space {fields} --trials 2 --output {tmp_path}/sweep")
    assert status == 1
    assert out.startswith("gru: 2 failed; ") and out.count("diverged at update ") == 2
    assert err.splitlines()[-1] == "hrm: no trial of gru has finished, so none was chosen"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recipe.width": {"choices": [1]}}, "space recipe.width has 1 .*: --set width=1 names no"),
        ({"recipe.hidden_low": {"choices": ["x"]}}, "has 'x' .* wrong type; allowed is hidden_low"),
        (
            {"training.rate": {"choices": [1]}},
            "'training.rate' names no field;(.*) one of updates",
        ),
        ({"training.kind": {"choices": ["x"]}}, "'training.kind' names no field"),
        ({"model.low.cell.x": {"choices": [1]}}, "allowed in model.low is one of width"),
        ({"model.low.width.x": {"choices": [1]}}, "allowed in model.low.width is .* itself, "),
        ({"training.clip": {"choices": ["x"]}}, "Training.clip is 'x'; allowed is float or None"),
        ({"training.learning_rate": {"choices": [-1]}}, "learning_rate is -1.0; allowed is a pos"),
        ({"training.updates": {"choices": [9]}}, "neither budget, .* set training.updates once"),
        ({"training.warmup": {"low": 3, "high": 1}}, "warmup.high is 1; allowed is a number above"),
    ],
)
def test_a_mistake_in_the_space_is_named_on_one_line(hrm, tmp_path, fields, change, said):
    fields.write_text(json.dumps(change))
    status, out, err = hrm(f"sweep {GRU} --space {fields} --output {tmp_path}/sweep")
    assert (status, out) == (2, "")
    assert re.search(said, err) and err.count("\n") == 1
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--arms grue", "did you mean 'gru'"),
        ("--arms gru", "--arms 'gru' is given twice"),
        ("--arms 'gru use_act'", "has 'use_act'; allowed is FIELD=VALUE after a recipe"),
        ("--arms 'gru recipe.use_act=no'", "without JSON after the ="),
        ("--arms 'v2 training.updates=5'", "training.updates of arm .* is 5; allowed is 4, that"),
        (
            "--arms 'gru recipe.hidden_low=4'",
            "recipe.hidden_low is in the search space, but --arms sets it",
        ),
        ("--arms v2 --prune", "prune is True; allowed is false for several arms"),
        ("--arms act-v1", "arm 'act-v1'.*--set hidden_high=8 names no field of act-v1"),
        ("--trials 0", "trials is 0; allowed is 1 or more"),
        ("--jobs 0", "jobs is 0; allowed is 1 or more"),
        ("--device meta", "device is 'meta'; allowed is cpu"),
        ("--device cuda:99", "device is 'cuda:99'; allowed is cpu"),
    ],
)
def test_a_mistake_in_the_arms_is_named_on_one_line(hrm, tmp_path, fields, options, said):
    line = f"sweep {GRU} --space {fields} {options} --output {tmp_path}/sweep"
    status, out, err = hrm(line)
    assert (status, out) == (2, "")
    assert re.search(said, err.splitlines()[-1])
    assert len([line for line in err.splitlines() if line.startswith("hrm")]) == 1


def test_help_teaches_by_examples_that_work(hrm, tmp_path, monkeypatch):
    status, out, _ = hrm("sweep --help")
    assert status == 0
    examples = re.findall(r"^  hrm (sweep .*)$", out, re.MULTILINE)
    assert len(examples) == 3
    shown = out.partition("recipe makes):\n\n")[2].partition("\n\nWith")[0]
    path = tmp_path / "space.toml"
    path.write_text("\n".join(line.strip() for line in shown.splitlines()))
    found = space.read(path)
    assert list(found) == ["training.learning_rate", "recipe.hidden_low"]
    for example in examples[:2]:
        asked = cli.parser().parse_args(shlex.split(example))
        Sweep(arms=sweep.arms(asked), space=found, trials=asked.trials, prune=asked.prune)


def test_more_trials_extend_a_finished_sweep_to_the_longer_one(hrm, tmp_path, fields):
    line = f"sweep {GRU} --space {fields} --json"
    _, short, _ = hrm(f"{line} --trials 2 --output {tmp_path}/short")
    status, out, err = hrm(f"{line} --trials 3 --output {tmp_path}/short")
    assert status == 0, err
    found = json.loads(out)
    (earlier,) = found.pop("earlier")
    assert earlier["trials"] == 2
    assert earlier["arms"]["gru"]["chosen"] == json.loads(short)["arms"]["gru"]["chosen"]
    whole = json.loads(hrm(f"{line} --trials 3 --output {tmp_path}/long")[1])
    fields_of = [[t["fields"] for t in each["arms"]["gru"]["trials"]] for each in (found, whole)]
    assert fields_of[0] == fields_of[1]
    assert found["arms"]["gru"]["test"] == whole["arms"]["gru"]["test"]
    status, _, err = hrm(f"{line} --trials 2 --output {tmp_path}/short")
    assert status == 2 and "has trials = 3, and the command asks for 2" in err
