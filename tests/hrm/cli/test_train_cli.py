"""`hrm train` and `hrm eval` as their users call them."""

import json
import re
import shlex

import numpy as np
import pytest
import torch

from hrm import cli
from hrm.cli import options, plans, progress, scores
from hrm.system import environment
from hrm.tasks.arc import task
from hrm.tasks.arc.data import ArcTask, Pair
from hrm.training import compiled as steps
from hrm.training import runs, tracking

GRU = "train gru maze --task-set size=4 --set hidden_low=8 --set hidden_high=8"
ACT = "train act-v1 pattern --set width=8 --set heads=2 --set h_layers=1 --set l_layers=1"
FEW = "--updates 4 --batch 4 --train 12 --validation 4 --test 6"


def pair(*colours):
    """Return a row of colours and the same from right to left."""
    row = np.array([colours], dtype=np.uint8)
    return Pair(input=row, output=row[:, ::-1].copy())


mirrored = tuple(
    ArcTask(
        name=f"{i:08x}",
        demonstrations=(pair(1, i, 2), pair(2, 2, i)),
        tests=(pair(1, 1, i),),
    )
    for i in range(3, 9)
)


def test_train_prints_progress_then_scores_beside_trivial_methods(hrm, tmp_path):
    status, out, err = hrm(f"{GRU} {FEW} --output {tmp_path}/run")
    assert status == 0
    heading, *lines = err.splitlines()
    assert re.fullmatch(r"gru on maze: [\d,]+ parameters \([\d,]+ inputs, 16 outputs\)", heading)
    assert len(lines) == 4
    pattern = (
        r"update \d of 4  loss \S+  unknown +\S+%, trivial \S+% \(\w+\)  exact +\S+%  "
        r"steps \S+  \S+ samples/s  0:.."
    )
    assert all(re.fullmatch(f"{pattern} left", line) for line in lines)
    rows = [line.split("  ")[0] for line in out.splitlines()]
    assert rows[0] == "test scores" and rows[1].startswith("best, update ")
    assert rows[2:5] == ["last, update 4", "copy", "frequent"]
    assert out.splitlines()[0].split()[2:] == ["tokens", "unknown", "exact", "valid", "steps"]


def test_eval_scores_again_what_train_scored(hrm, tmp_path):
    _, out, _ = hrm(f"{GRU} {FEW} --output {tmp_path}/run")
    status, again, err = hrm(f"eval {tmp_path}/run maze")
    assert (status, err) == (0, "")
    assert again.startswith(out)
    assert re.fullmatch(
        r"unknown cells, beside the best trivial method, \w+: [+-]\S+%, standard error \S+%\n",
        again.removeprefix(out),
    )
    _, whole, _ = hrm(f"eval {tmp_path}/run maze --json")
    _, best, _ = hrm(f"eval {tmp_path}/run/best.safetensors maze --json")
    assert json.loads(best)["checkpoints"]["best"] == json.loads(whole)["checkpoints"]["best"]
    other = json.loads(hrm(f"eval {tmp_path}/run maze --task-set walls=0.1 --test 9 --json")[1])
    assert other["baselines"] != json.loads(whole)["baselines"]


def test_a_runs_curve_has_the_parts_of_its_loss_and_its_rates(hrm, tmp_path):
    line = f"{GRU} {FEW} --training-set halting_rate=0.01 --training-set warmup=8 --device cpu"
    assert hrm(f"{line} --output {tmp_path}/run")[0] == 0
    points = tracking.points(tmp_path / "run")
    for point in points:
        assert point["loss"] == pytest.approx(
            point["task_loss"] + point["policy_loss"] + point["baseline_loss"]
        )
    assert [point["learning_rate"] for point in points] == pytest.approx(
        [0.001 * step / 8 for step in (1, 2, 3, 4)]
    )
    assert [point["halting_rate"] for point in points] == pytest.approx(
        [0.01 * step / 8 for step in (1, 2, 3, 4)]
    )
    environment = tracking.described(tmp_path / "run")["environments"][0]
    assert (environment["device"], environment["processes"]) == ("cpu", 1)


def test_arc_trains_and_scores_and_padding_isnt_learned(hrm, tmp_path, monkeypatch):
    monkeypatch.setattr(task, "load", lambda version: (mirrored[:4], mirrored[4:]))
    line = f"{ACT} --set puzzle_size=4 --set max_steps=2 --set h_cycles=1 --set l_cycles=1"
    line = line.replace("act-v1 pattern", "act-v1-arc arc")
    few = "--updates 16 --batch 4 --train 8 --validation 4 --test 2"
    few += " --learning-rate 0.05 --training-set evaluate_every=4"
    status, out, err = hrm(f"{line} {few} --output {tmp_path}/run")
    assert status == 0, err
    assert hrm(f"eval {tmp_path}/run arc")[1].startswith(out)
    assert "recolour" in out
    first, *_, last = tracking.points(tmp_path / "run")
    assert last["task_loss"] < 0.8 * first["task_loss"]
    assert last["unknown"] > 0.2 > last["tokens"]  # answers everywhere, since padding is free


def test_json_is_the_summary(hrm, tmp_path):
    status, out, _ = hrm(f"{GRU} {FEW} --output {tmp_path}/run --json")
    found = json.loads(out)
    assert (status, found.pop("folder")) == (0, f"{tmp_path}/run")
    assert found == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert found["checkpoints"]["last"].keys() > {"update", "tokens", "unknown", "exact", "valid"}


def test_halting_systems_can_halt_in_evaluation(hrm, tmp_path):
    assert hrm(f"{ACT} --set max_steps=2 {FEW} --output {tmp_path}/run")[0] == 0
    status, out, _ = hrm(f"eval {tmp_path}/run pattern --halting --json")
    assert status == 0
    assert 1 <= json.loads(out)["checkpoints"]["last"]["steps"] <= 2


@pytest.mark.promise("gru", "halting sample by sample, evaluated", "hrm eval RUN TASK --halting")
@pytest.mark.promise("complete", "steps by the problem's complexity", "hrm eval RUN TASK --halting")
@pytest.mark.parametrize(
    "system",
    [
        GRU,
        "train complete-tiny maze --task-set size=5 --set max_steps=2",
        "train amulgent-baseline maze --task-set size=5 --set width=8 --set max_steps=2",
        "train v2 maze --task-set size=5 --set hidden_low=8 --set hidden_high=8",
    ],
)
def test_each_board_stops_for_itself_in_every_system_that_halts(hrm, tmp_path, system):
    assert hrm(f"{system} {FEW} --output {tmp_path}/run")[0] == 0
    status, out, err = hrm(f"eval {tmp_path}/run maze --halting --json")
    found = json.loads(out)
    counts = {int(steps): boards for steps, boards in found["boards_by_steps"].items()}
    assert status == 0, err
    total = sum(counts.values())
    mean = sum(steps * boards for steps, boards in counts.items()) / total
    assert found["checkpoints"]["best"]["steps"] == pytest.approx(mean)
    assert "boards by halting steps: " in hrm(f"eval {tmp_path}/run maze --halting")[1]


def test_a_system_whose_steps_are_fixed_cannot_halt(hrm, tmp_path):
    assert hrm(f"{GRU} --set use_act=false {FEW} --output {tmp_path}/run")[0] == 0
    status, _, err = hrm(f"eval {tmp_path}/run maze --halting")
    assert status == 2 and err.startswith("hrm: halting is Policy, whose steps are always 5;")


@pytest.mark.promise("complete", "transfer and few-shot adaptation", "hrm train ... --from RUN")
def test_training_starts_from_another_runs_weights_and_names_what_does_not_fit(hrm, tmp_path):
    assert hrm(f"{GRU} {FEW} --output {tmp_path}/one")[0] == 0
    line = f"{GRU} {FEW} --set hidden_high=24 --from {tmp_path}/one --output {tmp_path}/two"
    status, _, err = hrm(line)
    assert status == 0, err
    assert f"from {tmp_path}/one/best.safetensors, update " in err
    assert re.search(r"^  new: readout.weight \(\[\d+, 8\] there, \[\d+, 24\] here\)$", err, re.M)
    assert not re.search(r"new: low\..*weight_hh", err)
    assert hrm(line)[0] == 0  # the same run, which has ended
    status, _, err = hrm(line.replace(f" --from {tmp_path}/one", ""))
    assert status == 2 and "start" in err


def test_an_untrained_start_is_the_other_runs_weights(tmp_path, hrm):
    assert hrm(f"{GRU} {FEW} --output {tmp_path}/one")[0] == 0
    still = "--learning-rate 1e-30 --seed 5"
    assert hrm(f"{GRU} {FEW} {still} --from {tmp_path}/one --output {tmp_path}/two")[0] == 0
    one, two = (runs.weights(tmp_path / n / "best.safetensors")[1] for n in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_run_of_nothing_alike_is_refused(hrm, tmp_path):
    assert hrm(f"{GRU} {FEW} --output {tmp_path}/one")[0] == 0
    line = "train complete-tiny maze --task-set size=5"
    status, _, err = hrm(f"{line} {FEW} --from {tmp_path}/one --output {tmp_path}/two")
    assert status == 2 and "none of whose weights has the name and shape" in err


def test_after_ctrl_c_the_command_that_is_printed_goes_on(hrm, tmp_path, monkeypatch):
    class Impatient:
        def start(self, run):
            pass

        def log(self, step, metrics):
            if step == 3:
                raise KeyboardInterrupt

        def finish(self, summary):
            pass

    line = f"{GRU} {FEW} --output {tmp_path}/run"
    with monkeypatch.context() as patched:
        patched.setattr(tracking, "extras", lambda name, folder, *_: [Impatient()])
        status, out, err = hrm(line)
    assert (status, out) == (130, "")
    said = err.splitlines()[-1]
    assert said.startswith("hrm: stopped; ") and said.endswith(f": hrm {line}")
    status, _, err = hrm(said.partition(": hrm ")[2])
    assert status == 0
    assert [line.split()[1] for line in err.splitlines()[1:]] == ["3", "4"]  # 2 is on disk
    assert [point["step"] for point in tracking.points(tmp_path / "run")] == [1, 2, 3, 4]


def test_divergence_is_said_with_its_update(hrm, tmp_path):
    status, out, err = hrm(f"{GRU} {FEW} --learning-rate 1e38 --output {tmp_path}/run")
    assert (status, out) == (1, "")
    assert re.search(r"hrm: training diverged at update \d: .*\n$", err)


def test_every_field_can_be_set(tmp_path):
    line = (
        "train act-v1 maze --task-set size=6 --task-set walls=0.1 --set width=16 --set heads=2 "
        '--set expansion=2 --training-set ema=0.9 --training-set \'schedule={"kind": "Cosine"}\' '
        "--updates 40 --batch 8 --learning-rate 0.01 --seed 3 --data-seed 4 --train 50 "
        "--validation 6 --test 7 --output x"
    )
    plan = plans.plan_of(cli.parser().parse_args(shlex.split(line)))
    assert (plan.task.size, plan.task.walls) == (6, 0.1)
    assert (plan.system.model.low.width, plan.system.model.low.heads) == (16, 2)
    t = plan.training
    assert (t.updates, t.batch, t.learning_rate, t.ema, t.evaluate_every) == (40, 8, 0.01, 0.9, 2)
    assert type(t.schedule).__name__ == "Cosine"
    assert (plan.seed, plan.data_seed, plan.train, plan.validation, plan.test) == (3, 4, 50, 6, 7)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train grue maze", "did you mean 'gru'?"),
        ("train gru chess", "invalid choice: 'chess'"),
        ("train gru maze", "task maze has no value for size, .*; give --task-set size="),
        ("train gru sudoku --set width=3", "no field of gru .* one of: hidden_low .int, by def"),
        ("train gru sudoku --set inputs=3", "--set inputs=3 names no field of gru that can be set"),
        ("train gru sudoku --set hidden_low", "--set hidden_low names no field"),
        ("train gru sudoku --set hidden_low=big", "wrong type; allowed is hidden_low .int"),
        ("train gru sudoku --set use_act=1", "wrong type; allowed is use_act .bool"),
        ("train gru sudoku --task-set sise=4", "--task-set sise=4 names no field of sudoku"),
        ("train gru sudoku --training-set warm=4", "no field of training .* one of: pieces"),
        ("train gru sudoku --training-set updates=4", "names no field of training"),
        (
            "train gru sudoku --updates 400 --training-set every=4",
            r"evaluate_every \(int, by default 20\)",
        ),
        ("train gru sudoku --updates 0", "updates is 0; allowed is 1 or more"),
        ("train gru sudoku --batch 50 --train 20", "train boards is 20; allowed is a batch or"),
        ("train gru sudoku --threads 0", "threads is 0; allowed is 1 to 1024"),
        ("train gru maze --task-set size=4 --device gpu", "device is 'gpu'; allowed is cpu"),
        ("train act-v1 sudoku --set heads=3", "heads"),
        ("train act-v1 regression", "real numbers: gru, v2, amulgent"),
        ("eval nothing maze --device gpu", "device is 'gpu'; allowed is cpu"),
        ("eval nothing maze", "checkpoint is 'nothing'; allowed is a run's folder"),
    ],
)
def test_a_mistake_is_named_on_one_line(hrm, tmp_path, line, said):
    output = f" --output {tmp_path}/run" if line.startswith("train") else ""
    status, out, err = hrm(line + output)
    assert (status, out) == (2, "")
    assert re.search(said, err.splitlines()[-1])
    assert len([line for line in err.splitlines() if line.startswith("hrm")]) == 1


def test_eval_of_another_task_is_refused(hrm, tmp_path):
    hrm(f"{GRU} {FEW} --output {tmp_path}/run")
    status, _, err = hrm(f"eval {tmp_path}/run sudoku")
    assert status == 2
    assert re.fullmatch(r"hrm: Sudoku's inputs is \d+; allowed is \d+, what .*\n", err)
    status, _, err = hrm(f"eval {tmp_path}/run maze --test 0")
    assert status == 2
    assert err.startswith("hrm: --test is 0; allowed is 1 or more")


def test_a_person_at_a_terminal_sees_the_line_beside_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(progress, "watched", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    with progress.lines() as say:
        say(0.25, "update 1 of 4  loss 0.5")
    err = capsys.readouterr().err
    assert "update 1 of 4  loss 0.5" in err and "25 %" in err


@pytest.mark.parametrize("command", ["train", "eval", "plot", "sweep"])
def test_help_teaches_by_examples_that_work(hrm, command):
    status, out, _ = hrm(f"{command} --help")
    assert status == 0
    examples = re.findall(rf"^  hrm ({command} .*)$", out, re.MULTILINE)
    assert len(examples) >= 3
    for example in examples:
        asked = cli.parser().parse_args(shlex.split(example))
        if command == "train" and not (asked.data or asked.extend):  # of what is there already
            assert plans.plan_of(asked).task == options.task_of(asked.task, asked.task_set)


def test_eval_says_what_a_run_is_of_where_another_tasks_fields_are_missing(hrm, tmp_path):
    hrm(f"{GRU} {FEW} --output {tmp_path}/run")
    status, _, err = hrm(f"eval {tmp_path}/run pattern --task-set size=none")
    assert (status, err.count("\n")) == (2, 1)
    assert f"{str(tmp_path / 'run')!r} was trained on maze; allowed is that task" in err


def test_options_cant_be_abbreviated(hrm):
    status, _, err = hrm(f"{GRU} --dat x --output y")
    assert (status, err.count("\n")) == (2, 1)
    assert "unrecognized arguments: --dat x" in err


@pytest.mark.parametrize("accuracy", [0.5, 0.75])
def test_the_public_accuracy_stands_beside_tokens_where_they_differ(capsys, accuracy):
    means = {"tokens": 0.75, "accuracy": accuracy, "unknown": 0.25, "exact": 0.0, "valid": 0.125}
    best = {**means, "update": 3, "steps": 2.0}
    scores.show({"checkpoints": {"best": best}, "baselines": {"copy": means}})
    first, second, third, *more = capsys.readouterr().out.splitlines()
    apart = accuracy != 0.75
    assert (first.split()[3] == "accuracy", "50.0%" in second, "50.0%" in third) == (apart,) * 3
    assert [line[:36] for line in more] == ["accuracy, as in the public code: sha"] * apart


def test_steps_are_compiled_where_one_asks_and_the_run_says_so(hrm, tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(
        torch, "compile", lambda function, **_: compiled.append(function) or function
    )
    monkeypatch.setattr(steps, "_graphs", type(steps._graphs)())
    environment.compiler.cache_clear()
    for name, option in (("eager", ""), ("compiled", "--compile")):
        assert hrm(f"{GRU} {FEW} {option} --output {tmp_path}/{name}")[0] == 0
    assert len(compiled) == 2  # a trial of the compiler, and the step
    eager, other = (tracking.described(tmp_path / name) for name in ("eager", "compiled"))
    assert [d["environments"][0]["compiled"] for d in (eager, other)] == [False, True]
    assert eager["configuration"] == other["configuration"]
