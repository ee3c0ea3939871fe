import contextlib
import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

from ablations import locks, sources
from ablations.engine import Processes, Serial
from ablations.fingerprint import fingerprint, versions
from ablations.records import Result, Status, Trial
from ablations.runner import Job, What, execute, run, work
from ablations.store import Store, decode
from hrm.errors import UserError

here = Path(__file__).parent


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(monkeypatch, tmp_path):
    """Workloads that spawned processes find too, and a machine lock that no other test knows."""
    monkeypatch.syspath_prepend(str(here))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store", create=True)


def trial(name="add", *, seed=0, alone=False, **settings):
    return Trial(
        workload=f"tiny_workloads.jobs:{name}",
        arms=({"value": 10}, {"value": 20}),
        settings=settings,
        seed=seed,
        alone=alone,
    )


def attempts(store):
    """All attempts, by seed, in order of time."""
    paths = sorted(store.folder.glob("runs/*/*.json"), key=lambda path: path.stem)
    found: dict[int, list[Result]] = {}
    for path in paths:
        result = decode(path.read_bytes())
        found.setdefault(result.trial.seed, []).append(result)
    return found


# -- one trial ------------------------------------------------------------------------------------
def test_a_result_holds_what_is_needed_to_judge_it():
    result = execute(trial(seed=3), deaths=1)
    assert result.status is Status.OK
    assert result.error is None
    assert [m["sum"] for m in result.metrics] == [13, 23]
    assert result.fingerprint == fingerprint(trial(seed=3))
    assert result.deaths == 1
    assert result.versions["torch"] == versions()["torch"]
    assert result.machine.threads == 1
    assert len(result.sources) == 64
    assert Result.from_json(result.to_json()) == result


def test_a_failure_is_one_line_that_says_where():
    result = execute(trial("fail"))
    assert (result.status, result.metrics) == (Status.FAILED, ())
    assert result.error is not None
    assert result.error.startswith("ValueError: two lines (jobs.py:")


def test_an_unknown_workload_is_a_failure():
    result = execute(trial("absent"))
    assert result.status is Status.FAILED
    assert "absent" in str(result.error)


def test_a_divergence_keeps_its_metrics():
    result = execute(trial("diverge"))
    assert result.status is Status.DIVERGED
    assert result.error == "diverged at step 7: the loss is nan"
    losses = result.metrics[0]["losses"]
    assert losses[:2] == [1.0, float("inf")]
    assert losses[2] != losses[2]


@pytest.mark.parametrize("name", ["return_a_set", "return_too_much"])
def test_metrics_that_cannot_be_stored_are_a_failure(name):
    assert execute(trial(name)).status is Status.FAILED


def test_want_of_memory_is_the_machines_doing():
    assert execute(trial("run_out_of_memory")).status is Status.DIED


def test_cpu_time_is_that_of_the_attempt():
    result = execute(trial("burn", seconds=0.2))
    assert 0.19 < result.cpu_seconds < 0.4
    assert result.wall_seconds > 0.19


def test_peak_memory_is_that_of_the_attempt():
    large, small = (execute(trial("allocate", bytes=size)) for size in (100_000_000, 0))
    assert large.peak_memory_bytes > 100_000_000
    if Path("/proc/self/clear_refs").exists():
        assert small.peak_memory_bytes < large.peak_memory_bytes - 50_000_000


def test_a_trial_whose_sources_have_changed_since_it_was_planned_fails():
    result = execute(trial(), fingerprint="0" * 64)
    assert result.status is Status.FAILED
    assert "sources have changed" in str(result.error)


# -- many trials ----------------------------------------------------------------------------------
def test_both_engines_find_the_same(tmp_path):
    found = []
    for name, engine in (("serial", Serial()), ("processes", Processes(2))):
        store = Store.open(tmp_path / name, create=True)
        run([trial(seed=seed) for seed in range(4)], store, engine)
        found.append([(r.fingerprint, r.status, r.metrics) for r in store.results()])
    assert found[0] == found[1]
    assert len(found[0]) == 4


def test_equal_trials_run_once_and_finished_ones_not_again(store, tmp_path):
    events: list[str] = []

    def note(event):
        events.append(f"{event.what} {event.trial.seed}")

    asked = [trial(seed=seed, log=str(tmp_path / "log")) for seed in (0, 1, 0)]
    run(asked, store, Serial(), on_event=note)
    run(asked, store, Serial(), on_event=note)
    assert events == ["started 0", "stored 0", "started 1", "stored 1", "skipped 0", "skipped 1"]
    assert [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()] == ["0", "1"]


def test_the_costliest_trials_start_first_and_equal_costs_keep_their_order(store):
    order: list[int] = []
    run(
        [trial(seed=seed) for seed in range(5)],
        store,
        Serial(),
        on_event=lambda e: order.append(e.trial.seed) if e.what is What.STARTED else None,
        cost=lambda t: {1: 5.0, 3: 9.0}.get(t.seed, 1.0),
    )
    assert order == [3, 1, 0, 2, 4]


def test_a_killed_worker_costs_only_its_trial_which_is_made_again(store, tmp_path):
    killed = trial("kill_itself", seed=0, tries=str(tmp_path / "tries"), times=1)
    run([killed, *(trial(seed=seed, seconds=0.1) for seed in range(1, 5))], store, Processes(2))
    found = attempts(store)
    assert [(r.status, r.deaths) for r in found[0]] == [(Status.DIED, 0), (Status.OK, 1)]
    assert "killed" in str(found[0][0].error)
    assert [[r.status for r in found[seed]] for seed in range(1, 5)] == [[Status.OK]] * 4
    standing = store.get(fingerprint(killed))
    assert standing is not None
    assert standing.status is Status.OK


def test_a_trial_that_dies_three_times_stays_dead_until_the_next_run(store, tmp_path):
    killed = trial("kill_itself", tries=str(tmp_path / "tries"), times=4)
    run([killed], store, Processes(1))
    assert [(r.status, r.deaths) for r in attempts(store)[0]] == [
        (Status.DIED, n) for n in range(3)
    ]
    run([killed], store, Processes(1))  # died three times before: one more attempt, not three
    run([killed], store, Processes(1))
    assert [(r.status, r.deaths) for r in attempts(store)[0]][3:] == [
        (Status.DIED, 3),
        (Status.OK, 4),
    ]


def test_a_failed_trial_is_tried_again_by_the_next_run_alone(store):
    run([trial("fail")], store, Serial())
    assert len(attempts(store)[0]) == 1
    run([trial("fail")], store, Serial())
    assert [r.status for r in attempts(store)[0]] == [Status.FAILED] * 2


def test_a_divergence_is_a_result_and_never_made_again(store):
    run([trial("diverge")], store, Serial())
    run([trial("diverge")], store, Serial())
    assert [r.status for r in attempts(store)[0]] == [Status.DIVERGED]


def test_workers_have_one_thread(store):
    run([trial("threads")], store, Processes(1))
    assert set(attempts(store)[0][0].metrics[0].values()) == {"1"}


def test_a_worker_holds_the_machine_itself_so_that_orphans_are_not_timed_against():
    asked = trial("who_holds")
    job = Job(trial=asked, fingerprint=fingerprint(asked), deaths=0)
    with Processes(1) as engine:
        result = decode(engine.submit(work, job.encode()).result())
    assert result.metrics[0]["lock"] == "shared"


def test_trials_that_must_be_alone_run_last_here_and_hold_the_machine(store):
    order = []
    run(
        [trial("who_holds", seed=0, alone=True), trial("who_holds", seed=1)],
        store,
        Processes(2),
        on_event=lambda e: order.append(e.trial.seed) if e.what is What.STORED else None,
    )
    assert order == [1, 0]
    found = {seed: rs[0].metrics[0] for seed, rs in attempts(store).items()}
    assert found[0] == {"pid": os.getpid(), "lock": "alone", "main": True}
    assert found[1]["lock"] == "shared"
    assert found[1]["pid"] != os.getpid()


def test_an_edit_during_a_run_fails_what_must_be_alone(store, tmp_path, monkeypatch):
    package = tmp_path / "path" / "edited_workloads"
    package.mkdir(parents=True)
    source = package / "jobs.py"
    source.write_text("def nothing(arms, settings, seed, device):\n    return [{}]\n")
    monkeypatch.syspath_prepend(str(package.parent))
    changing = Trial(
        workload="edited_workloads.jobs:nothing", arms=({},), settings={}, seed=1, alone=True
    )

    def edit(event):
        if event.trial.seed == 0 and event.what is What.STORED:
            source.write_text(source.read_text() + "other = 1\n")

    run([trial(seed=0), changing], store, Serial(), on_event=edit)
    (result,) = attempts(store)[1]
    assert result.status is Status.FAILED
    assert "sources have changed" in str(result.error)
    sources.forget()
    run([changing], store, Serial())
    assert [r.status for r in attempts(store)[1]] == [Status.FAILED, Status.OK]


def test_an_interrupt_keeps_what_is_finished(store):
    with pytest.raises(KeyboardInterrupt):
        run([trial(seed=0), trial("interrupt", seed=1), trial(seed=2)], store, Serial())
    assert {seed: len(rs) for seed, rs in attempts(store).items()} == {0: 1}


def test_an_interrupt_stops_workers_at_once(store):
    def interrupt(event):
        if event.what is What.STORED:
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(
            [trial("hold_the_interpreter"), trial(seed=1, seconds=0.3)],
            store,
            Processes(2),
            on_event=interrupt,
        )
    assert time.monotonic() - started < 30
    assert list(attempts(store)) == [1]
    with store.coordinate():
        pass  # the store is free again


def test_a_full_disk_stops_the_run_with_one_line_and_nothing_half_written(store, monkeypatch):
    real, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > 6:  # a record takes three: itself, its folder, the folder above
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"^record .* can't be written \(No space left.*[^\n]$"):
        run([trial(seed=seed) for seed in range(4)], store, Serial())
    assert sorted(attempts(store)) == [0, 1]
    assert not list(store.folder.rglob("*.tmp"))
    monkeypatch.undo()


# -- a coordinator in a process of its own --------------------------------------------------------
def coordinator(tmp_path, count=6, seconds=0.2):
    command = [sys.executable, str(here / "tiny_workloads" / "coordinator.py")]
    arguments = [str(tmp_path / "store"), str(tmp_path / "log"), str(count), str(seconds)]
    return subprocess.Popen(
        [*command, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for_records(tmp_path, process, count):
    until = time.monotonic() + 30
    while len(list((tmp_path / "store").glob("runs/*/*.json"))) < count:
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < until
        time.sleep(0.01)


def finish(tmp_path):
    process = coordinator(tmp_path)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")
    found = attempts(Store.open(tmp_path / "store"))
    assert {seed: [r.status for r in rs] for seed, rs in found.items()} == {
        seed: [Status.OK] for seed in range(6)
    }
    return found


def test_a_killed_coordinator_loses_and_doubles_no_run(tmp_path):
    process = coordinator(tmp_path)
    wait_for_records(tmp_path, process, 2)
    process.kill()
    process.communicate()
    kept = {path: path.read_bytes() for path in (tmp_path / "store").glob("runs/*/*.json")}
    assert 2 <= len(kept) < 6

    started = time.monotonic()
    with locks.exclusive():  # free once the orphaned workers have ended
        assert time.monotonic() - started < 30

    finish(tmp_path)
    assert all(path.read_bytes() == data for path, data in kept.items())
    runs = Counter(line.split()[0] for line in (tmp_path / "log").read_text().splitlines())
    assert sum(runs.values()) <= 6 + 2  # the two that were running
    assert max(runs.values()) <= 2


def test_ctrl_c_ends_quietly_and_the_same_run_completes(tmp_path):
    process = coordinator(tmp_path)
    wait_for_records(tmp_path, process, 2)
    os.killpg(process.pid, signal.SIGINT)
    started = time.monotonic()
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, b"")
    assert time.monotonic() - started < 30
    finish(tmp_path)


def test_ctrl_c_while_workers_start_is_quiet_too(tmp_path):
    process = coordinator(tmp_path, seconds=60)
    until = time.monotonic() + 30
    while not (tmp_path / "store" / "lock.pid").exists():
        assert time.monotonic() < until
        time.sleep(0.005)
    time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, b"")


def test_a_second_run_on_the_same_store_is_refused_by_the_first_ones_process_id(tmp_path):
    process = coordinator(tmp_path, seconds=60)
    with contextlib.ExitStack() as last:
        last.callback(process.communicate)
        last.callback(process.kill)
        until = time.monotonic() + 30
        while not (tmp_path / "log").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        store = Store.open(tmp_path / "store")
        with pytest.raises(UserError, match=f"process id {process.pid};") as caught:
            run([trial()], store, Serial())
        assert "\n" not in str(caught.value)


# -- a budget -------------------------------------------------------------------------------------
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_trial_that_takes_longer_than_what_is_left_is_not_started(jobs, store):
    cost = {0: 5.0, 1: 50.0, 2: 5.0}
    trials = [trial(seed=seed) for seed in cost]
    where = Serial() if jobs == 1 else Processes(jobs)
    run(trials, store, where, cost=lambda t: cost[t.seed], left=lambda: 10.0)
    assert sorted(attempts(store)) == [0, 2], "dearer ones are passed over"
    run(trials, store, Serial(), cost=lambda t: cost[t.seed])
    assert sorted(attempts(store)) == [0, 1, 2], "the same command resumes"


def test_nothing_is_started_once_a_budget_is_spent(store):
    seconds = iter([1.0, 1.0, -1.0, -1.0])
    trials = [trial(seed=seed) for seed in range(4)]
    run(trials, store, Serial(), left=lambda: next(seconds))
    assert len(attempts(store)) == 2
