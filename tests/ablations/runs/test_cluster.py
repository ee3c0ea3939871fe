"""Runs on a real Dask scheduler with workers, each a process of its own on loopback."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import distributed
import pytest
from tiny_runs import certificates, doing
from tiny_runs.dask_processes import Dask
from tiny_runs.kinds import Number, Tiny, TinyAlone
from tiny_runs.wire import Wire

from ablations.records.trials import Status, Trial
from ablations.runs import attempts, cluster, schedule
from ablations.runs.addresses import Tls
from ablations.runs.cluster import Cluster
from ablations.runs.encoding import decode
from ablations.runs.runner import What, run
from ablations.runs.store import Store
from ablations.specs.protocols import Boards, Train
from hrm import recipes
from hrm.config.learning import Training
from hrm.errors import UserError
from hrm.tasks.sudoku import Sudoku

# Dask leaves sockets to the garbage collector where a connection is lost.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

SOON = 3.0  # seconds in which a scheduler of this machine answers; a lost one is waited for twice


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store", create=True)


@pytest.fixture
def dask(tmp_path):
    folder = tmp_path / "dask"
    folder.mkdir()
    made = Dask(folder)
    yield made
    made.stop()
    gc.collect()


def trial(does="add", *, seed=0, kind=Tiny, **settings):
    protocol = kind(does=does, **settings).to_json()
    return Trial(protocol=protocol, arms=(Number().to_json(),), seed=seed)


def statuses(store):
    """How each attempt ended, by seed, in order of time."""
    found = {}
    for path in sorted(store.folder.glob("runs/*/*.json"), key=lambda path: path.stem):
        result, _ = decode(path.read_bytes())
        found.setdefault(result.trial.seed, []).append(result.status)
    return found


def beside(condition, deed):
    """Do something once a condition holds, while a run goes on; what it raises fails `join`."""
    raised = []

    def call():
        try:
            until = time.monotonic() + 60
            while not condition():
                assert time.monotonic() < until
                time.sleep(0.02)
            deed()
        except Exception as error:  # noqa: BLE001 (it fails the test in its own thread)
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()

    def join():
        thread.join(60)
        assert not raised, raised

    return join


def stored(store, number):
    return lambda: len(list(store.folder.glob("runs/*/*.json"))) >= number


# -- with and without encryption ------------------------------------------------------------------
@pytest.mark.parametrize("encrypted", [False, True])
def test_two_workers_do_what_one_machine_does(store, dask, tmp_path, encrypted):
    tls = None
    if encrypted:
        ca, cert, key = certificates.write(tmp_path)
        dask.tls = ["--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key]
        tls = Tls(ca=ca, cert=cert, key=key)
    dask.start()
    for _ in range(2):
        dask.worker()
    address = json.loads(dask.file.read_text())["address"]
    assert address.startswith("tls://127.0.0.1:" if encrypted else "tcp://127.0.0.1:")
    log = tmp_path / "log"
    trials = [trial(seed=s, path=str(log), seconds=0.3) for s in range(6)]
    trials += [trial(seed=9, after=Tiny()), trial("who_holds", seed=8, kind=TinyAlone)]
    with Cluster(str(dask.file), tls=tls) as engine:  # both are there before the first trial
        until = time.monotonic() + 60
        while engine.slots < 2:
            assert time.monotonic() < until
    run(trials, store, engine)
    assert statuses(store) == {s: [Status.OK] for s in (*range(6), 8)} | {9: [Status.OK] * 2}
    found = {r.trial.seed: r for r in store.results()}
    assert [store.observations(found[s])[0]["losses"][-1] for s in range(6)] == [10.0] * 6
    assert len({line.split()[1] for line in log.read_text().splitlines()}) == 2, "both worked"
    assert found[8].observations[0]["lock"] == "alone", "timings never go through Dask"
    if encrypted:
        with pytest.raises(UserError, match=r"is encrypted, and no certificates are given"):
            Cluster(str(dask.file))


# -- faults ---------------------------------------------------------------------------------------
@pytest.mark.slow
def test_what_a_trial_does_to_its_process_harms_no_worker_and_is_counted_by_us(
    store, dask, tmp_path
):
    dask.start()
    worker = dask.worker("--no-nanny")
    trials = [
        trial("kill_itself", seed=0, path=str(tmp_path / "once"), times=1),
        trial("kill_itself", seed=1, path=str(tmp_path / "poison"), times=99),
        trial("hold_the_interpreter", seed=2),
        trial("run_out_of_memory", seed=3),
        trial("fail", seed=4),
        trial(seed=5),
    ]
    limit = {2: 0.5}
    run(trials, store, Cluster(str(dask.file)), limit=lambda t: limit.get(t.seed))
    assert statuses(store) == {
        0: [Status.DIED, Status.OK],
        1: [Status.DIED] * 2,
        2: [Status.TIMED_OUT],
        3: [Status.DIED] * 2,
        4: [Status.FAILED],
        5: [Status.OK],
    }
    assert worker.poll() is None
    events = []
    run(trials[1:2], store, Cluster(str(dask.file)), on_event=lambda e: events.append(e.what))
    assert events == [What.QUARANTINED]


@pytest.mark.slow
@pytest.mark.parametrize("whose", ["worker", "nanny's worker", "nanny"])
def test_a_killed_worker_or_nanny_costs_no_trial_and_blames_none(store, dask, tmp_path, whose):
    dask.start()
    first = dask.worker(*(["--no-nanny"] if whose == "worker" else []))
    log = tmp_path / "log"
    trials = [trial(seed=s, path=str(log), seconds=1.5) for s in range(2)]

    def kill():
        if whose == "nanny's worker":  # which the nanny starts again
            os.kill(parent(int(log.read_text().split()[1])), signal.SIGKILL)
        else:
            first.kill()
            dask.worker()

    join = beside(log.exists, kill)
    events = Counter()
    engine = Cluster(str(dask.file), patience=60)
    run(trials, store, engine, on_event=lambda e: events.update([e.what]))
    join()
    assert statuses(store) == {0: [Status.OK], 1: [Status.OK]}
    assert events[What.LOST] == 1
    assert [store.deaths(name) for name in store.fingerprints()] == [0, 0]


@pytest.mark.slow
def test_a_trial_that_holds_its_interpreter_longer_than_the_ttl_of_workers_ends_no_worker(
    store, dask
):
    seconds = 9  # Dask allows ten heartbeats, 5 s, where less is asked for; it looks once a second
    dask.settings["DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"] = "1s"
    dask.start()
    worker = dask.worker("--no-nanny")
    events = Counter()
    run(
        [trial("hold_the_interpreter", seed=0, seconds=seconds), trial(seed=1)],
        store,
        Cluster(str(dask.file)),
        on_event=lambda e: events.update([e.what]),
    )
    assert statuses(store) == {0: [Status.OK], 1: [Status.OK]}
    assert events == {What.STARTED: 2, What.STORED: 2}
    assert worker.poll() is None
    assert not timed_out(dask)
    # The same in the worker itself, where a trial must not be run, has it ended.
    with distributed.Client(scheduler_file=str(dask.file), set_as_default=False) as client:
        held = client.submit(doing.hold, 2 * seconds, pure=False)
        until = time.monotonic() + 60
        while not timed_out(dask):
            assert time.monotonic() < until
            time.sleep(0.1)
        held.release()


def timed_out(dask):
    """What the scheduler says of workers from which it has heard nothing."""
    return "Worker failed to heartbeat" in dask.said()


def parent(pid):
    """The process that started one, as the system says."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.slow
def test_a_killed_scheduler_ends_the_run_with_one_line_and_the_same_run_completes(
    store, dask, monkeypatch
):
    dask.start()
    dask.worker()
    trials = [trial(seed=s, seconds=0.3) for s in range(6)]
    join = beside(stored(store, 2), lambda: os.killpg(dask.scheduler.pid, signal.SIGKILL))
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "CONNECT", SOON)
        with pytest.raises(UserError, match=r"connection to scheduler .* is lost") as found:
            run(trials, store, Cluster(str(dask.file)))
    join()
    assert "\n" not in str(found.value)
    kept = {path: path.read_bytes() for path in store.folder.glob("runs/*/*.json")}
    assert len(kept) >= 2
    dask.start()
    dask.worker()
    run(trials, store, Cluster(str(dask.file)))
    assert statuses(store) == {s: [Status.OK] for s in range(6)}
    assert all(path.read_bytes() == data for path, data in kept.items())


@pytest.mark.slow
def test_a_coordinator_that_stops_leaves_no_trial_running(store, dask):
    dask.start()
    worker = dask.worker("--no-nanny")

    def interrupt(event):
        if event.what is What.STARTED and event.trial.seed == 1:
            raise KeyboardInterrupt

    long = trial("hold_the_interpreter", seed=2)
    engine = Cluster(str(dask.file))
    with pytest.raises(KeyboardInterrupt):
        run([trial(seed=0), trial(seed=1)], store, engine, on_event=interrupt)
    join = beside(lambda: bool(engine._flying), lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run([long], store, engine)
    join()
    assert statuses(store) == {0: [Status.OK]}
    started = time.monotonic()
    run([trial(seed=3)], store, engine)
    assert time.monotonic() - started < 30, "the worker gave up what nobody waits for"
    assert statuses(store) == {0: [Status.OK], 3: [Status.OK]}
    assert worker.poll() is None


@pytest.mark.slow
def test_a_killed_coordinator_leaves_its_worker_to_the_next_one(store, dask, tmp_path):
    dask.start()
    dask.worker()
    log, program = tmp_path / "log", Path(__file__).parent / "tiny_runs" / "coordinator.py"
    command = [program, store.folder, log, "1", "300", dask.file]
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    until = time.monotonic() + 60
    while not log.exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    process.kill()
    process.wait()
    started = time.monotonic()
    run([trial(seed=3)], store, Cluster(str(dask.file)))
    assert time.monotonic() - started < 60
    assert statuses(store) == {3: [Status.OK]}


@pytest.mark.slow
def test_a_lost_connection_ends_the_run_with_one_line_and_nothing_is_doubled(
    store, dask, monkeypatch
):
    dask.start()
    dask.worker()
    wire = Wire(int(json.loads(dask.file.read_text())["address"].rpartition(":")[2]))
    trials = [trial(seed=s, seconds=0.3) for s in range(5)]
    join = beside(stored(store, 2), wire.cut)
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "CONNECT", SOON)
        with pytest.raises(UserError, match=r"connection to scheduler .* is lost"):
            run(trials, store, Cluster(wire.address))
    join()
    run(trials, store, Cluster(str(dask.file)))
    assert statuses(store) == {s: [Status.OK] for s in range(5)}


# -- what nobody has ------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_cluster_without_workers_is_refused_after_a_while(store, dask):
    dask.start()
    waits = []
    engine = Cluster(str(dask.file), patience=1.0, on_wait=lambda: waits.append(1))
    with pytest.raises(UserError, match=r"had no worker for 1 s; allowed is one or more"):
        run([trial()], store, engine)
    assert waits == [1]
    assert statuses(store) == {}


@pytest.mark.slow
def test_what_no_worker_has_or_sees_is_refused(store, dask, tmp_path):
    dask.start()
    dask.worker()
    with Cluster(str(dask.file)) as engine:
        assert engine.slots == 1
        with pytest.raises(UserError, match=r"device is 'cuda', which no worker of"):
            engine.submit(attempts.work, "[]", device="cuda")
        job = {"trial": trial().to_json(), "fingerprint": "0" * 64, "folder": str(tmp_path / "no")}
        future = engine.submit(attempts.work, json.dumps([job]))
        with pytest.raises(
            UserError, match=r"doesn't exist on .*, where a worker needs it; allowed is"
        ):
            future.result(60)


# -- what is sent ---------------------------------------------------------------------------------
@pytest.mark.slow
def test_no_more_tasks_are_in_flight_than_there_are_threads(store, dask):
    dask.start()
    dask.worker()
    dask.worker()
    most, engine = [], Cluster(str(dask.file))

    def note(event):
        if event.what is What.STARTED:
            most.append(len(engine._flying))

    trials = [trial(seed=s, seconds=0.05) for s in range(12)]
    run(trials, store, engine, on_event=note)
    assert max(most) <= 1, "one is in flight while the second is started"
    assert engine._flying == {}
    assert statuses(store) == {s: [Status.OK] for s in range(12)}


@pytest.mark.slow
def test_short_trials_of_one_group_are_sent_together_and_a_killer_among_them_is_found(
    store, dask, tmp_path, monkeypatch
):
    dask.start()
    dask.worker()
    sizes = []
    submit = Cluster.submit

    def counted(self, work, text, *rest, **named):
        sizes.append(len(json.loads(text)))
        return submit(self, work, text, *rest, **named)

    monkeypatch.setattr(Cluster, "submit", counted)
    trials = [trial(seed=s) for s in range(12)]
    trials.append(trial("kill_itself", seed=12, path=str(tmp_path / "tries"), times=99))
    monkeypatch.setattr(schedule, "together", lambda trial: "one")
    # half a second's worth of work is sent at once
    run(trials, store, Cluster(str(dask.file)), cost=lambda t: 0.1)
    assert sizes[:3] == [5, 5, 3]
    assert statuses(store) == {s: [Status.OK] for s in range(12)} | {12: [Status.DIED] * 2}


@pytest.mark.slow
def test_seeds_are_trained_in_stacks_on_a_cluster_too(store, dask):
    dask.start()
    dask.worker()
    boards = Boards(task=Sudoku(size=4, clues=(5, 8, 11)), train=16, validation=4, test=4)
    protocol = Train(boards=boards, training=Training(updates=1, batch=8, evaluate_every=1))
    arm = recipes.amulgent(inputs=80, outputs=80, width=8, h_layers=1, l_layers=1, max_steps=1)
    encoded = {"protocol": protocol.to_json(), "arms": (arm.to_json(),), "device": "cpu-stacked"}
    trials = [Trial(**encoded, seed=seed) for seed in range(2)]
    run(trials, store, Cluster(str(dask.file)), stack=2)
    found = list(store.results())
    assert [(one.status, one.error) for one in found] == [(Status.OK, None)] * 2
    assert [one.observations[0]["stack"] for one in found] == [2, 2]


# -- what is refused before anything is sent ------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("localhost:1", "tcp://localhost:1"),
        ("tcp://[::1]:8786", "tcp://[::1]:8786"),
    ],
)
def test_an_address_on_this_machine_is_taken(given, expected):
    assert Cluster(given).address == expected


@pytest.mark.parametrize("given", ["", "nowhere", "ucx://127.0.0.1:1", "127.0.0.1:", ":1", "a/b"])
def test_what_is_no_address_and_no_file_is_refused(given):
    with pytest.raises(UserError, match=r"^--scheduler is .*allowed is HOST:PORT") as found:
        Cluster(given)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"address": "nothing"}'])
def test_a_file_that_is_no_schedulers_is_refused(tmp_path, text):
    path = tmp_path / "scheduler.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"allowed is HOST:PORT"):
        Cluster(str(path))


@pytest.mark.parametrize("given", ["tcp://10.0.0.7:8786", "head-node:8786"])
def test_another_machine_without_encryption_is_refused_unless_it_is_told(given):
    with pytest.raises(UserError, match=r"is on another machine and not encrypted.*--no-tls"):
        Cluster(given)
    assert Cluster(given, unencrypted=True).address.endswith(":8786")


def test_certificates_and_address_have_to_fit(tmp_path):
    files = Tls(ca=str(tmp_path / "ca"), cert="", key="")
    with pytest.raises(UserError, match=r"isn't encrypted"):
        Cluster("tcp://127.0.0.1:1", tls=files)
    with pytest.raises(UserError, match=r"isn't a file"):
        Cluster("127.0.0.1:1", tls=files)


def test_a_scheduler_that_does_not_answer_is_one_line(store, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = Cluster(f"127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(UserError, match=r"doesn't answer .no answer within 2 s") as found:
            run([trial()], store, engine)
    assert "\n" not in str(found.value)


def test_without_the_package_its_extra_is_named(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"\.\[cluster\]"):
        run([trial()], store, Cluster("127.0.0.1:1"))


def test_nothing_but_jobs_is_sent():
    with pytest.raises(AssertionError, match="only known functions are sent"):
        Cluster("127.0.0.1:1").submit(str.upper, "x")
