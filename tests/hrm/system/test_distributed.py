"""Several processes train as one does, and end together."""

import importlib.util
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from hrm import cli, recipes
from hrm.config import DirectController, LastStep
from hrm.config.learning import AdamAtan2, Cosine, Training
from hrm.errors import Lost, UserError
from hrm.system import distributed, environment
from hrm.tasks.maze import Maze
from hrm.training import checkpoint, loop, tracking
from hrm.training.learner import Learner
from hrm.training.loop import Recipe

script = Path(__file__).with_name("gloo_training.py")
spec = importlib.util.spec_from_file_location("gloo_training", script)
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)

task = Maze(size=4, walls=0.2, shortest=2)
boards = task.generate(0, 24, 0, 0).train
vectors = {"inputs": task.cells * task.vocabulary, "outputs": task.cells}
tokens = {"vocabulary": task.vocabulary, "positions": task.cells, "classes": task.classes}
blocks = {"width": 8, "heads": 2, "max_steps": 3}
training = Training(updates=4, batch=8, evaluate_every=2, learning_rate=1e-2)


def halting(system, **changes):
    """Return a system whose two halves of a batch would each halt otherwise than the whole."""
    part = replace(system.model.halting, **changes)
    return replace(system, model=replace(system.model, halting=part))


def still(system):
    """Return a v2 without dropout, whose masks depend on the number of processes."""
    system = halting(system, controller=DirectController(dropout=0.0))
    summary = LastStep(project=True, dropout=0.0)
    return replace(system, model=replace(system.model, summary=summary))


v2 = {**vectors, "hidden_low": 8, "hidden_high": 16, "max_cycles": 3}
puzzles = {**tokens, **blocks, "identities": 5}
act = recipes.act_v1(**puzzles, h_layers=1, l_layers=1, puzzle_size=8, exploration=0.5)
systems = {
    "gru": (
        recipes.gru(**vectors, hidden_low=4, hidden_high=8, max_cycles=3),
        replace(training, clip=0.1, halting_rate=1e-3, warmup=3),
    ),
    "v2": (still(recipes.v2(**v2, use_per_sample_act=True, use_corrected_meta_rl=True)), training),
    "lockstep": (still(recipes.v2(**v2)), training),
    "act-v1": (
        act,
        replace(training, updates=6, pieces=2, puzzle_rate=0.1, puzzle_decay=0.1, clip=1.0),
    ),
    "tiny-network": (
        halting(
            recipes.tiny_network(
                **puzzles, layers=1, h_cycles=1, l_cycles=1, prefix=1, exploration=0.5
            ),
            biases=(0.1, -5.0),
        ),
        replace(training, optimiser=AdamAtan2(), ema=0.9, schedule=Cosine()),
    ),
    "complete": (
        halting(
            recipes.complete(
                inputs=1,
                outputs=task.classes,
                positions=task.cells,
                h_dim=8,
                l_dim=8,
                h_layers=1,
                max_steps=3,
            ),
            threshold=0.6831631384944539,
        ),
        replace(training, ema=0.9),
    ),
    "amulgent": (
        halting(
            recipes.amulgent_enhanced(**vectors, width=8, max_steps=3, exploration=0.4),
            biases=(0.15, 0.0),
        ),
        training,
    ),
}


def case(name, folder=None, fatal=None, **changes):
    """Return what the worker trains, in double precision."""
    system, how = systems[name]
    how = replace(how, **changes)
    data = loop.encode(system, task, boards)
    inputs = data.inputs.double() if data.inputs.is_floating_point() else data.inputs
    identities = None if data.identities is None else torch.arange(24) % 5
    return {
        "recipe": Recipe(system=system, training=how, weights=1, order=2).to_json(),
        "data": {"inputs": inputs, "targets": data.targets, "identities": identities},
        "folder": None if folder is None else str(folder),
        "fatal": fatal,
    }


def started(folder, cases):
    """Start two processes that train cases together."""
    checkpoint.save(folder / "cases.safetensors", cases)
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), "2", str(folder)],
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for rank in range(2)
    ]


def alike(found, expected):
    """Hold a run to another one, to rounding."""
    assert len(found["curve"]) == len(expected["curve"])
    for here, there in zip(found["curve"], expected["curve"], strict=True):
        here, there = ({**m, **m["parts"], **m["rates"]} for m in (here, there))
        for name in there.keys() - {"parts", "rates"}:
            assert here[name] == pytest.approx(there[name], rel=1e-9, abs=1e-12), name
    weights = expected["weights"]
    assert found["weights"].keys() == weights.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(found["weights"][name], weight, rtol=1e-8, atol=1e-10)


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What two processes found, and how they ended.

    They train each system, act-v1 from where one process was interrupted, and what diverges; at
    last one of them is killed.
    """
    folder = tmp_path_factory.mktemp("together")
    interrupted = case("act-v1", folder / "interrupted")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "_save", cut(loop._save, 2))
        with pytest.raises(KeyboardInterrupt):
            worker.run(interrupted)
    cases = {name: case(name) for name in systems} | {"resumed": interrupted}
    cases["diverging"] = case("gru", learning_rate=1e300)
    cases["killed"] = case("act-v1", folder / "killed", fatal=5)
    children = started(folder, cases)
    said = [child.communicate(timeout=240)[1] for child in children]
    del cases["killed"]
    assert all((folder / f"{name}1.safetensors").exists() for name in cases), said
    found = {
        name: [checkpoint.load(folder / f"{name}{rank}.safetensors") for rank in range(2)]
        for name in cases
    }
    ends = [child.returncode for child in children]
    return found | {"folder": folder, "ends": ends, "said": said}


def cut(save, at):
    """Interrupt a run after the checkpoint of an update."""

    def saved(last, recipe, where, *others):
        save(last, recipe, where, *others)
        if where.update == at:
            raise KeyboardInterrupt

    return saved


# -- the same as one process ----------------------------------------------------------------------
@pytest.mark.parametrize("name", systems)
def test_losses_scores_and_weights_are_those_of_one_process(name, together):
    alike(together[name][0], worker.run(case(name)))


@pytest.mark.parametrize("name", systems)
def test_all_processes_have_the_same_weights_to_the_bit(name, together):
    first, second = together[name]
    assert first["curve"] == second["curve"]
    assert all(torch.equal(second["weights"][n], w) for n, w in first["weights"].items())


def test_two_processes_go_on_where_one_was_interrupted(together):
    alike(together["resumed"][0], worker.run(case("act-v1")))


def test_divergence_is_seen_by_all_at_the_same_update(together):
    alone = worker.run(case("gru", learning_rate=1e300))
    assert together["diverging"] == [alone, alone]
    step, reason = alone["diverged"]
    assert 1 <= step <= 4 and reason


# -- the end of one is the end of all -------------------------------------------------------------
def test_a_killed_process_ends_the_others_and_another_number_goes_on(together):
    assert together["ends"] == [1, -signal.SIGKILL]
    assert "hrm.errors.Lost" in together["said"][0]
    folder = together["folder"] / "killed"
    stored = checkpoint.load(folder / "last.safetensors")
    assert [moment["update"] for moment in stored["curve"]] == [2, 4]
    assert stored["learner"]["dropout"].shape[0] == 2
    alike(worker.run(case("act-v1", folder)), worker.run(case("act-v1")))


def test_a_lost_process_is_said_with_the_command_that_goes_on(capsys, monkeypatch, tmp_path):
    def lost(*given, **more):
        raise Lost("Connection closed by peer")

    monkeypatch.setattr("hrm.training.runs.execute", lost)
    line = f"train gru maze --task-set size=4 --output {tmp_path}/run"
    with pytest.raises(SystemExit) as ended:
        cli.main(shlex.split(line))
    said = capsys.readouterr().err.splitlines()[-1]
    assert ended.value.code == 1
    assert said.startswith("hrm: another process of this job has ended (Connection closed by peer)")
    assert said.endswith(f": hrm {line}")


@pytest.mark.promise(
    "act-v1", "training in several processes", "torchrun --nproc-per-node 2 -m hrm train ..."
)
@pytest.mark.slow
def test_torchrun_trains_ends_with_a_killed_process_and_goes_on(tmp_path):
    line = (
        "train act-v1 maze --task-set size=4 --set width=8 --set heads=2 --set h_layers=1 "
        "--set l_layers=1 --set max_steps=2 --training-set evaluate_every=10 --batch 4 --train 12 "
        f"--validation 4 --test 6 --output {tmp_path}/run"
    )
    torchrun = "-m torch.distributed.run --nproc-per-node 2 --rdzv-backend=c10d "
    torchrun += "--rdzv-endpoint=127.0.0.1:0 --local-addr 127.0.0.1 -m hrm"
    environment = os.environ | {
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    endless, short = (shlex.split(f"{torchrun} {line} --updates {n}") for n in (100_000, 20))
    run = {"env": environment, "cwd": Path(cli.__file__).parents[2], "text": True}
    job = subprocess.Popen([sys.executable, *endless], stderr=subprocess.PIPE, **run)
    curve = tmp_path / "run" / "curve.jsonl"
    deadline = time.monotonic() + 120
    while not (curve.exists() and curve.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()
    assert len(children) == 2, job.communicate(timeout=60)[1]
    os.kill(int(children[1]), signal.SIGKILL)
    _, said = job.communicate(timeout=120)
    assert job.returncode == 1
    assert re.search(r"Signal 9 \(SIGKILL\) received by PID " + children[1], said)
    assert said.splitlines()[0].startswith("act-v1 on maze: ")  # once, by the first process
    assert tracking.points(tmp_path / "run")[0]["step"] == 10

    other = [*short[:-1], "20"]
    other[other.index(f"{tmp_path}/run")] = f"{tmp_path}/whole"
    done = subprocess.run(
        [sys.executable, *other], capture_output=True, timeout=240, check=False, **run
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("test scores")
    assert len(done.stdout.splitlines()) == 6  # not twice
    whole = tracking.points(tmp_path / "whole")
    assert [point["step"] for point in whole] == [10, 20]
    assert tracking.described(tmp_path / "whole")["environments"][0]["processes"] == 2


# -- what is refused ------------------------------------------------------------------------------
def test_a_batch_that_cant_be_shared_out_is_refused(monkeypatch):
    monkeypatch.setattr(distributed, "world", lambda: 3)
    system, _ = systems["gru"]
    model = loop.build(system, loop.Seeds(weights=0, order=0))
    with pytest.raises(UserError, match=r"batch is 8; allowed is a multiple of .*, 3 x 1; change"):
        Learner(model, system, training, torch.Generator())


def test_devices_that_arent_there_are_refused(monkeypatch):
    monkeypatch.setattr(environment, "gpus", lambda: ())
    for name in ("cuda", "cuda:0", "gpu"):
        with pytest.raises(UserError, match=f"device is '{name}'; allowed is cpu, since torch"):
            distributed.on(name)
    monkeypatch.setattr(environment, "gpus", lambda: ("one", "two"))
    with pytest.raises(UserError, match="device is 'cuda:2'; allowed is cpu, cuda, cuda:0, cuda:1"):
        distributed.on("cuda:2")
    assert distributed.on("cuda:1") == torch.device("cuda", 1)


def test_each_of_several_processes_has_the_gpu_of_its_number(monkeypatch):
    job = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "x"}
    for name, value in {**job, "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="device is 'cuda:0'; allowed is cpu or cuda where several"):
        distributed.joined("cuda:0").__enter__()
    monkeypatch.setattr(environment, "gpus", lambda: ("one",))
    with pytest.raises(UserError, match="device is 'cuda:1'; allowed is cpu, cuda, cuda:0; choose"):
        distributed.joined("cuda").__enter__()
    monkeypatch.setenv("MASTER_PORT", "0")
    with pytest.raises(UserError, match=r"port at which processes meet is 0; .* --standalone"):
        distributed.joined("cpu").__enter__()


def test_one_process_needs_nobody():
    with distributed.joined() as device:
        assert (device, distributed.world(), distributed.rank()) == (torch.device("cpu"), 1, 0)
    part = torch.tensor([1.0, 3.0], requires_grad=True)
    assert distributed.gathered(part) is part
    assert distributed.total(part).tolist() == [1, 3] and distributed.mean(part) == 2
    assert distributed.everywhere(part > 0) and not distributed.everywhere(part > 1)
    assert distributed.first(lambda: 7) == 7
    distributed.sum_gradients([part])
    assert part.grad is None


def test_moments_have_the_parts_of_the_loss_and_the_rates():
    found = worker.run(case("act-v1"))["curve"]
    names = {"task_loss", "halt_loss", "continue_loss", "gradient_norm"}
    assert all(m["parts"].keys() == names for m in found)
    assert all(m["rates"] == {"learning_rate": 1e-2, "puzzle_rate": 0.1} for m in found)
    assert asdict(loop.Moment(**found[0])) == found[0]
