import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_runs.doing import die, echo
from tiny_runs.kinds import Edited, Number, Tiny, TinyAlone, TinyJoint

from ablations.records.trials import Result, Status, Trial
from ablations.runs import locks, runner, sequence, sources, upkeep, weights, workers
from ablations.runs.attempts import execute, job, work
from ablations.runs.encoding import decode
from ablations.runs.fingerprints import fingerprint, versions
from ablations.runs.runner import What, run
from ablations.runs.store import MOST_DEATHS, Store
from ablations.runs.trials import together
from ablations.runs.workers import Processes, Serial, allocator
from hrm.errors import UserError
from hrm.system import environment
from hrm.system.include import load

here = Path(__file__).parent


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store", create=True)


def trial(does="add", *, seed=0, kind=Tiny, arms=(10, 20), **settings):
    protocol = kind(does=does, **settings)
    encoded = tuple(Number(value=value).to_json() for value in arms)
    return Trial(protocol=protocol.to_json(), arms=encoded, seed=seed)


def attempted(trial, store, **options):
    """Run one trial here, without storing its result."""
    asked = job(trial, options.pop("fingerprint", fingerprint(trial)), store.folder, **options)
    return execute(asked)


def attempts(store):
    """All attempts, by seed, in order of time."""
    paths = sorted(store.folder.glob("runs/*/*.json"), key=lambda path: path.stem)
    found: dict[int, list[Result]] = {}
    for path in paths:
        result, _ = decode(path.read_bytes())
        found.setdefault(result.trial.seed, []).append(result)
    return found


# -- one trial ------------------------------------------------------------------------------------
def test_a_result_holds_what_is_needed_to_judge_it(store):
    result = attempted(trial(seed=3), store, deaths=1)
    assert result.status is Status.OK
    assert result.error is None
    assert [found["sum"] for found in result.observations] == [13, 23]
    assert result.fingerprint == fingerprint(trial(seed=3))
    assert result.deaths == 1
    assert result.versions["torch"] == versions()["torch"]
    assert result.machine.threads == 1
    assert len(result.sources) == len(result.sidecar) == len(result.weights) == 64
    assert Result.from_json(result.to_json()) == result
    store.add(result)
    ten, twenty = store.observations(result)
    assert ten["losses"].tolist() == [0.0, 2.5, 5.0, 7.5, 10.0]
    assert twenty["losses"].tolist() == [0.0, 5.0, 10.0, 15.0, 20.0]
    assert ten["nested"]["right"].tolist() == [True, False]


def test_a_failure_is_one_line_that_says_where(store):
    result = attempted(trial("fail"), store)
    assert (result.status, result.observations) == (Status.FAILED, ())
    assert result.error.startswith("ValueError: two lines (doing.py:")


def test_a_protocol_that_is_not_there_is_a_failure(store):
    result = attempted(trial("absent"), store)
    assert result.status is Status.FAILED
    assert "absent" in result.error


def test_a_divergence_keeps_its_observations(store):
    result = attempted(trial("diverge"), store)
    assert result.status is Status.DIVERGED
    assert result.error == "diverged at step 7: the loss is nan"
    losses = result.observations[0]["losses"]
    assert losses[:2] == [1.0, float("inf")]
    assert losses[2] != losses[2]
    store.add(result)
    (found,) = store.observations(result)
    assert np.array_equal(found["array"], losses, equal_nan=True)


@pytest.mark.parametrize("does", ["return_a_set", "return_words", "return_too_much"])
def test_observations_that_cannot_be_stored_are_a_failure(does, store):
    assert attempted(trial(does), store).status is Status.FAILED
    assert not list(store.folder.rglob("*.safetensors"))


@pytest.mark.parametrize("does", ["run_out_of_memory", "want_tensors"])
def test_want_of_memory_is_the_machines_doing(does, store):
    assert attempted(trial(does), store).status is Status.DIED


def test_want_of_memory_is_tried_again_and_its_worker_goes_on(store):
    log = store.folder / "log"
    trials = [
        trial("want_memory", seed=0),
        trial(seed=1, path=str(log)),
        trial("who_holds", seed=2),
    ]
    run(trials, store, Processes(1))
    found = attempts(store)
    assert {seed: [r.status for r in rs] for seed, rs in found.items()} == {
        0: [Status.DIED] * MOST_DEATHS,
        1: [Status.OK],
        2: [Status.OK],
    }
    assert found[0][0].error.startswith("MemoryError")
    assert found[2][0].observations[0]["pid"] == int(log.read_text().split()[1])


def test_cpu_time_is_that_of_the_attempt(store):
    result = attempted(trial("burn", seconds=0.2), store)
    assert result.cpu_seconds >= 0.19
    assert result.wall_seconds >= 0.19
    assert attempted(trial("no_weights"), store).cpu_seconds < result.cpu_seconds


def test_peak_memory_is_that_of_the_attempt(store):
    large, small = (attempted(trial("allocate", times=size), store) for size in (100_000_000, 0))
    assert large.peak_memory_bytes > 100_000_000
    if Path("/proc/self/clear_refs").exists():
        assert small.peak_memory_bytes < large.peak_memory_bytes - 50_000_000


def test_a_trial_whose_sources_have_changed_since_it_was_planned_fails(store):
    result = attempted(trial(), store, fingerprint="0" * 64)
    assert result.status is Status.FAILED
    assert "sources have changed" in result.error


@pytest.mark.parametrize(("field", "value"), [("fingerprint", "../" * 21 + "x"), ("start", "../x")])
def test_a_job_that_names_a_file_outside_its_store_is_refused(field, value, store):
    asked = job(trial(), fingerprint(trial()), store.folder)
    text = json.dumps([{**asked.to_json(), field: value}])
    with Processes(1) as engine, pytest.raises(UserError, match="file outside the store"):
        engine.submit(work, text).result(60)


def test_a_trial_that_computed_on_several_threads_fails(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    result = attempted(trial("take_threads"), store)
    assert result.status is Status.FAILED
    assert "computed on 4 threads; allowed is 1" in result.error


def test_what_the_first_trial_of_a_process_loads_computes_on_one_thread():
    """In a process whose user said nothing about threads, as in a plain terminal."""
    script = (
        "from ablations.runs import attempts, workers\n"
        "workers.Serial()\n"
        "with attempts.one_thread():\n"
        "    import torch\n"
    )
    plain = {
        name: value for name, value in os.environ.items() if name not in workers.thread_variables
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# -- many trials ----------------------------------------------------------------------------------
def test_both_engines_find_the_same(tmp_path):
    found = []
    for name, engine in (("serial", Serial()), ("processes", Processes(2))):
        store = Store.open(tmp_path / name, create=True)
        run([trial(seed=seed) for seed in range(4)], store, engine)
        results = list(store.results())
        found.append([(r.fingerprint, r.status, r.sidecar, r.weights) for r in results])
        assert [store.observations(r)[0]["sum"] for r in results] == [
            10 + r.trial.seed for r in results
        ]
    assert found[0] == found[1]
    assert len(found[0]) == 4


def test_equal_trials_run_once_and_finished_ones_not_again(store, tmp_path):
    events: list[str] = []

    def note(event):
        events.append(f"{event.what} {event.trial.seed}")

    asked = [trial(seed=seed, path=str(tmp_path / "log")) for seed in (0, 1, 0)]
    run(asked, store, Serial(), on_event=note)
    run(asked, store, Serial(), on_event=note)
    assert events == ["started 0", "stored 0", "started 1", "stored 1", "skipped 0", "skipped 1"]
    assert [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()] == ["0", "1"]


def test_what_is_planned_is_in_the_journal_before_it_is_run(store):
    asked = [trial(seed=seed) for seed in range(2)]
    run(asked, store, Serial())
    run(asked, store, Serial())
    lines = list(store.journal.entries())
    assert [line["what"] for line in lines] == ["planned", "stored", "stored"]
    assert lines[0]["fingerprints"] == [fingerprint(t) for t in asked]


def started(trials, store, **options):
    """The seeds of a serial run in the order in which they start."""
    order: list[int] = []
    run(
        trials,
        store,
        Serial(),
        on_event=lambda e: order.append(e.trial.seed) if e.what is What.STARTED else None,
        **options,
    )
    return order


def test_the_costliest_trials_start_first_and_equal_costs_keep_their_order(store):
    cost = {1: 5.0, 3: 9.0}
    trials = [trial(seed=seed) for seed in range(5)]
    assert started(trials, store, cost=lambda t: cost.get(t.seed, 1.0)) == [3, 1, 0, 2, 4]


def test_trials_of_equal_boards_run_one_after_the_other(store):
    trials = [trial(seed=seed, times=n) for n in range(2) for seed in range(3)]
    assert [together(t) for t in trials[:3]] == [together(t) for t in trials[3:]]
    cost = {(1, 1): 9.0}
    order = started(trials, store, cost=lambda t: cost.get((t.seed, t.protocol["times"]), 1.0))
    assert order == [1, 1, 0, 0, 2, 2]


def test_each_worker_has_boards_of_its_own(store, tmp_path):
    log = str(tmp_path / "log")
    trials = [
        trial(seed=seed, times=n, path=log, seconds=0.05) for seed in range(2) for n in range(4)
    ]
    run(trials, store, Processes(2))
    workers = {tuple(line.split()) for line in Path(log).read_text().splitlines()}
    assert len({pid for _, pid in workers}) == 2
    assert len(workers) <= 3, "who has done all of its own may help the other"


def test_boards_are_those_of_what_was_trained():
    before = trial(seed=1, boards=5)
    after = trial(seed=1, after=Tiny(boards=5, after=None))
    assert together(before) == together(after)
    assert len({together(t) for t in (before, trial(seed=2, boards=5), trial(seed=1))}) == 3


# -- chains ---------------------------------------------------------------------------------------
def chain(seed=0, *, ends=("add", "add", "add"), **last):
    first, second, third = ends
    return trial(third, seed=seed, after=Tiny(does=second, after=Tiny(does=first)), **last)


def test_what_a_trial_starts_from_is_run_first_with_its_weights_handed_on(store):
    asked = [chain(seed) for seed in range(3)]
    run(asked, store, Processes(2))
    for last in asked:
        result = store.get(fingerprint(last))
        assert store.observations(result)[0]["given"] == ["w0", "w1"]
        parent = store.get(fingerprint(last.parent))
        assert store.observations(parent)[0]["given"] == ["w0"]
        assert result.start == parent.weights == store.weights(parent.fingerprint)
        assert parent.start == store.get(fingerprint(last.parent.parent)).weights
    assert len(list(store.results())) == 9


def test_tensors_are_handed_on_as_tensors_even_where_they_share_memory(store):
    asked = trial("tensors", after=Tiny(does="tensors"))
    run([asked], store, Processes(1))
    result = store.get(fingerprint(asked))
    assert result.observations[0]["given"] == {
        "all": ["Tensor", [0.0, 1.0, 2.0, 3.0]],
        "last": ["Tensor", [2.0, 3.0]],
    }
    assert result.weights == result.start, "equal weights are kept once"


def test_a_trained_arm_that_two_trials_start_from_is_trained_once(store, tmp_path):
    log = tmp_path / "log"
    parent = Tiny(path=str(log))
    run([trial("add", after=parent, times=n) for n in range(3)], store, Processes(2))
    assert len(log.read_text().splitlines()) == 1
    assert len(list(store.results())) == 4


def test_weights_that_were_removed_are_made_again_when_a_trial_needs_them(store):
    run([chain()], store, Serial())
    digests = {result.fingerprint: result.weights for result in store.results()}
    assert upkeep.prune(store, []) > 0
    assert not list(store.folder.glob("weights/*"))
    run([chain()], store, Serial())
    assert len(attempts(store)[0]) == 3, "what is finished needs no weights"
    run([chain(times=1)], store, Serial())
    assert len(attempts(store)[0]) == 3 + 2 + 1
    found = {result.fingerprint: result.weights for result in store.results()}
    assert found.items() >= digests.items(), "the first attempts stand"
    assert all((store.folder / "weights" / f"{d}.safetensors").exists() for d in digests.values())


def test_damaged_weights_fail_what_starts_from_them_and_a_check_names_them(store):
    run([trial()], store, Serial())
    path = weights.path(store.folder, store.weights(fingerprint(trial())))
    path.write_bytes(path.read_bytes()[:-1])
    run([trial(after=Tiny())], store, Serial())
    failed = store.get(fingerprint(trial(after=Tiny())))
    assert (failed.status, path.name in failed.error) == (Status.FAILED, True)
    (fault,) = upkeep.check(store, repair=True)
    assert fault.path == path
    run([trial(after=Tiny())], store, Serial())
    assert store.get(failed.fingerprint).status is Status.OK


@pytest.mark.parametrize(
    ("first", "statuses"),
    [
        ("diverge", [Status.DIVERGED] * 3),
        ("fail", [Status.FAILED] * 3),
        ("no_weights", [Status.OK, Status.FAILED, Status.FAILED]),
    ],
)
def test_what_starts_from_nothing_ends_as_its_parent_did(store, first, statuses):
    asked = chain(ends=(first, "add", "add"))
    run([asked], store, Serial())
    grandparent, parent, last = (
        store.get(fingerprint(t)) for t in (asked.parent.parent, asked.parent, asked)
    )
    assert [r.status for r in (grandparent, parent, last)] == statuses
    assert last.error.startswith("the run that it starts from")
    events = []
    run([asked], store, Serial(), on_event=lambda e: events.append(e.what))
    assert (events == [What.SKIPPED]) is (first == "diverge")


def test_a_trial_whose_parent_is_quarantined_is_too(store, tmp_path):
    killed = Tiny(does="kill_itself", path=str(tmp_path / "tries"), times=9)
    run([trial(after=killed)], store, Processes(1))
    parent, child = (fingerprint(t) for t in (trial(after=killed).parent, trial(after=killed)))
    assert store.quarantined(parent)
    assert store.get(child).status is Status.FAILED
    events = []
    run([trial(after=killed)], store, Processes(1), on_event=events.append)
    assert [(e.what, e.fingerprint) for e in events] == [
        (What.QUARANTINED, parent),
        (What.QUARANTINED, child),
    ]


def test_a_trial_starts_from_a_parent_whose_record_is_lost(store):
    run([trial()], store, Serial())
    for path in store.folder.glob("runs/*/*.json"):
        path.unlink()
    run([trial(after=Tiny())], store, Serial())
    assert store.get(fingerprint(trial(after=Tiny()))).status is Status.OK
    assert store.unknown(fingerprint(trial())), "a second attempt doesn't stand for the first"


# -- time limits ----------------------------------------------------------------------------------
def test_a_trial_over_its_time_limit_is_an_outcome_and_stops_no_other(store):
    trials = [trial("hold_the_interpreter", seed=0), trial(seed=1), trial(seed=2)]
    limit = {0: 0.3}
    run(trials, store, Processes(1), limit=lambda t: limit.get(t.seed))
    found = {seed: [r.status for r in rs] for seed, rs in attempts(store).items()}
    assert found == {0: [Status.TIMED_OUT], 1: [Status.OK], 2: [Status.OK]}
    assert attempts(store)[0][0].error == "it exceeded its time limit of 0.3 s"
    run(trials, store, Processes(1))
    assert len(attempts(store)[0]) == 1, "it stands"


def test_a_limit_is_over_with_its_trial(store):
    run(
        [trial(seed=0), trial(seed=1, seconds=0.6)],
        store,
        Processes(1),
        limit=lambda t: 0.3 if t.seed == 0 else None,
    )
    assert {r.status for r in store.results()} == {Status.OK}


# -- deaths and failures --------------------------------------------------------------------------
def test_a_killed_worker_costs_only_its_trial_which_is_made_again(store, tmp_path):
    killed = trial("kill_itself", seed=0, path=str(tmp_path / "tries"), times=1)
    run([killed, *(trial(seed=seed, seconds=0.1) for seed in range(1, 5))], store, Processes(2))
    found = attempts(store)
    assert [(r.status, r.deaths) for r in found[0]] == [(Status.DIED, 0), (Status.OK, 1)]
    assert "killed" in found[0][0].error
    assert [[r.status for r in found[seed]] for seed in range(1, 5)] == [[Status.OK]] * 4
    assert store.get(fingerprint(killed)).status is Status.OK


def test_a_trial_that_dies_twice_is_not_run_any_more(store, tmp_path):
    killed = trial("kill_itself", path=str(tmp_path / "tries"), times=4)
    run([killed], store, Processes(1))
    died = [(Status.DIED, n) for n in range(MOST_DEATHS)]
    assert [(r.status, r.deaths) for r in attempts(store)[0]] == died
    events = []
    run([killed], store, Processes(1), on_event=lambda e: events.append(e.what))
    assert events == [What.QUARANTINED]
    assert len(attempts(store)[0]) == MOST_DEATHS


def test_a_failed_trial_is_tried_again_by_the_next_run_alone(store):
    run([trial("fail")], store, Serial())
    assert len(attempts(store)[0]) == 1
    run([trial("fail")], store, Serial())
    assert [r.status for r in attempts(store)[0]] == [Status.FAILED] * 2


def test_a_divergence_is_a_result_and_never_made_again(store):
    run([trial("diverge")], store, Serial())
    run([trial("diverge")], store, Serial())
    assert [r.status for r in attempts(store)[0]] == [Status.DIVERGED]


def test_a_run_whose_record_is_lost_is_not_made_again(store):
    run([trial()], store, Serial())
    for path in store.folder.glob("runs/*/*.json"):
        path.unlink()
    events = []
    run([trial()], store, Serial(), on_event=lambda e: events.append(e.what))
    assert events == [What.SKIPPED]
    assert store.unknown(fingerprint(trial()))


# -- the disk beside the workers ------------------------------------------------------------------
def told(trials, store, engine, **options):
    events: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequence, "PAUSE", 0.0)
        run(
            trials,
            store,
            engine,
            on_event=lambda e: events.append(f"{e.what} {e.trial.protocol['does']} {e.trial.seed}"),
            **options,
        )
    return events


def test_a_worker_has_its_next_trial_before_the_result_of_its_last_one_is_stored(store):
    events = told([trial(seed=seed) for seed in range(3)], store, Processes(1))
    assert [event.replace("add ", "") for event in events] == [
        "started 0", "started 1", "stored 0", "started 2", "stored 1", "stored 2",
    ]  # fmt: skip


@pytest.mark.parametrize(("engine", "kind"), [(Serial(), Tiny), (Processes(1), TinyAlone)])
def test_nothing_is_stored_while_the_same_process_works_or_something_is_timed(store, engine, kind):
    events = told([trial(seed=seed, kind=kind) for seed in range(3)], store, engine)
    happened = [event.split()[0] for event in events if "paused" not in event]
    assert happened == ["started", "stored"] * 3


def test_what_a_trial_starts_from_is_stored_first_and_its_worker_goes_on_with_it(store):
    asked = [trial("no_weights", after=Tiny()), trial("no_weights", seed=1)]
    events = told(asked, store, Processes(1))
    assert events == [
        "started add 0", "stored add 0", "started no_weights 0",
        "started no_weights 1", "stored no_weights 0", "stored no_weights 1",
    ]  # fmt: skip


def test_a_result_is_stored_even_if_its_worker_cannot_have_another_trial(store, monkeypatch):
    submit = Processes.submit

    def gone(self, work, text, *rest, **named):
        if store.folder.joinpath("gone").exists():
            raise UserError("the cluster is gone")
        store.folder.joinpath("gone").touch()
        return submit(self, work, text, *rest, **named)

    monkeypatch.setattr(Processes, "submit", gone)
    with pytest.raises(UserError, match="the cluster is gone"):
        run([trial(seed=seed) for seed in range(3)], store, Processes(1))
    assert {seed: [r.status for r in rs] for seed, rs in attempts(store).items()} == {
        0: [Status.OK]
    }


# -- workers --------------------------------------------------------------------------------------
def test_workers_have_one_thread(store):
    run([trial("threads")], store, Processes(1))
    assert set(attempts(store)[0][0].observations[0].values()) == {"1"}


def test_workers_import_nothing_from_the_working_folder(store, tmp_path, monkeypatch):
    for name in ("random", "numpy", "json", "tiny_runs"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('from the working folder')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    run([trial("search_path")], store, Processes(1))
    (result,) = attempts(store)[0]
    assert result.status is Status.OK, result.error
    assert result.observations[0]["folder"] == str(tmp_path)
    assert not {"", str(tmp_path)} & set(result.observations[0]["path"])


def test_a_protocol_from_a_file_outside_every_package_runs_in_a_worker(
    store, tmp_path, monkeypatch
):
    path = tmp_path / "elsewhere" / "own_claims.py"
    path.parent.mkdir()
    path.write_text(
        "from dataclasses import dataclass\n"
        "from ablations.protocols.base import Outcome\n"
        "from ablations.specs.protocols import Protocol\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Own(Protocol):\n"
        "    module = __name__\n"
        "def run(inputs):\n"
        "    return Outcome(observations=[{'value': arm.value} for arm in inputs.arms])\n"
    )
    monkeypatch.delitem(sys.modules, "own_claims", raising=False)
    load("own_claims", path)
    asked = Trial(protocol={"kind": "Own"}, arms=(Number(value=3).to_json(),), seed=0)
    run([asked], store, Processes(1))
    (result,) = attempts(store)[0]
    assert (result.error, result.observations) == (None, ({"value": 3},))


def test_an_engine_says_that_a_worker_died_and_goes_on_with_another():
    with Processes(1) as engine:
        with pytest.raises(BrokenExecutor, match="exit status -9"):
            engine.submit(die, "x").result(30)
        assert engine.submit(echo, "x").result(30) == "x"
        for worker in engine._workers:
            worker.kill()
            worker.wait()
        assert engine.submit(echo, "y").result(30) == "y", "an idle one that was killed harms none"
    with engine:
        assert engine.submit(echo, "z").result(30) == "z"


def test_what_a_worker_cannot_write_stops_the_run_with_one_line(store):
    (store.folder / "weights").write_text("in the way")
    with pytest.raises(UserError, match=r"^arrays of .* can't be written .*[^\n]$"):
        run([trial()], store, Processes(1))
    assert not attempts(store)


def test_tcmalloc_serves_workers_where_the_system_has_it(store):
    run([trial()], store, Processes(1))
    (result,) = attempts(store)[0]
    assert (result.machine.allocator is None) is (allocator() is None)


@pytest.mark.parametrize("there", [True, False])
def test_a_preloaded_allocator_is_recorded_and_one_that_is_missing_does_no_harm(
    store, tmp_path, monkeypatch, there
):
    library = tmp_path / "libtcmalloc_stand_in.so.4"
    if there:
        loaded = Path("/proc/self/maps").read_text().split()
        shutil.copy(
            next(path for path in loaded if "/libm.so" in path or "/libm-" in path), library
        )
    monkeypatch.setattr(workers, "allocator", lambda: str(library))
    run([trial()], store, Processes(1))
    (result,) = attempts(store)[0]
    assert result.status is Status.OK
    assert result.machine.allocator == (library.name if there else None)


# -- the machine ----------------------------------------------------------------------------------
def test_trials_that_must_be_alone_run_last_and_hold_the_machine(store):
    order = []
    run(
        [trial("who_holds", seed=0, kind=TinyAlone), trial("who_holds", seed=1)],
        store,
        Processes(2),
        on_event=lambda e: order.append(e.trial.seed) if e.what is What.STORED else None,
    )
    assert order == [1, 0]
    found = {seed: rs[0].observations[0] for seed, rs in attempts(store).items()}
    assert found[0]["lock"] == "alone"
    assert found[1]["lock"] == "shared"
    assert os.getpid() not in (found[0]["pid"], found[1]["pid"])


def timed(store, *, shared=1, lasts=0.0, monkeypatch, **options):
    """What happens in a run of six timings of two claims and some other work, and the waits."""
    now, events, waits = [0.0], [], []

    def sleep(seconds):
        waits.append(seconds)
        now[0] += seconds

    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(runner, "time", clock)

    def note(event):
        if event.what in (What.STARTED, What.PAUSED):
            name = "timing" if event.trial.protocol["kind"] == "TinyAlone" else "other"
            events.append("pause" if event.what is What.PAUSED else name)
            now[0] += lasts if name == "other" else 0

    timings = [trial(seed=s, times=n, kind=TinyAlone) for n in range(2) for s in range(3)]
    work = [trial(seed=seed) for seed in range(shared)]
    run([*work, *timings], store, Serial(), on_event=note, **options)
    return events, waits


def test_timings_are_taken_in_two_stretches_with_other_work_between_them(store, monkeypatch):
    events, waits = timed(store, shared=2, lasts=sequence.PAUSE / 2, monkeypatch=monkeypatch)
    assert events == ["timing"] * 3 + ["other"] * 2 + ["timing"] * 3
    assert waits == []


def test_the_rest_of_a_pause_that_other_work_does_not_fill_is_waited_for(store, monkeypatch):
    events, waits = timed(store, shared=1, lasts=sequence.PAUSE / 3, monkeypatch=monkeypatch)
    assert events == ["timing"] * 3 + ["other", "pause"] + ["timing"] * 3
    assert waits == [pytest.approx(sequence.PAUSE * 2 / 3)]


def test_without_other_work_the_whole_pause_is_waited_for(store, monkeypatch):
    events, waits = timed(store, shared=0, monkeypatch=monkeypatch)
    assert events == ["timing"] * 3 + ["pause"] + ["timing"] * 3
    assert waits == [sequence.PAUSE]


def test_a_budget_that_ends_within_the_pause_is_not_waited_for(store, monkeypatch):
    left = sequence.PAUSE / 2
    events, waits = timed(store, shared=0, monkeypatch=monkeypatch, left=lambda: left)
    assert (events, waits) == (["timing"] * 3, [])


def test_timings_run_in_the_shuffled_sequence_whatever_they_cost(store, monkeypatch):
    monkeypatch.setattr(sequence, "PAUSE", 0.0)
    asked = [trial(seed=s, times=n, kind=TinyAlone) for n in range(2) for s in range(4)]
    order: list[str] = []
    run(
        asked,
        store,
        Serial(),
        on_event=lambda e: order.append(e.fingerprint) if e.what is What.STORED else None,
        cost=lambda t: float(t.seed),
    )
    first, last = sequence.stretches([fingerprint(t) for t in asked], key=str)
    assert order == [*first, *last]


def test_what_must_be_alone_waits_for_what_it_starts_from(store):
    asked = trial(kind=TinyAlone, after=Tiny())
    order = []
    run(
        [asked, trial(seed=1)],
        store,
        Processes(2),
        on_event=lambda e: order.append(e.fingerprint) if e.what is What.STORED else None,
    )
    assert order[-1] == fingerprint(asked)
    assert store.get(fingerprint(asked)).start == store.weights(fingerprint(asked.parent))


def test_a_joint_trial_measures_all_arms_in_one_run(store):
    run([trial(kind=TinyJoint, arms=(1, 2, 3))], store, Serial())
    (result,) = attempts(store)[0]
    assert [found["sum"] for found in store.observations(result)] == [1, 2, 3]


def test_an_edit_during_a_run_fails_what_must_be_alone(store, tmp_path, monkeypatch):
    package = tmp_path / "path" / "edited_runs"
    package.mkdir(parents=True)
    source = package / "doing.py"
    source.write_text(
        "from ablations.protocols.base import Outcome\n"
        "def run(inputs):\n"
        "    return Outcome(observations=[{}])\n"
    )
    monkeypatch.syspath_prepend(str(package.parent))
    arms = (Number().to_json(),)
    changing = Trial(protocol=Edited().to_json(), arms=arms, seed=1)

    def edit(event):
        if event.trial.seed == 0 and event.what is What.STORED:
            source.write_text(source.read_text() + "other = 1\n")

    run([trial(seed=0), changing], store, Serial(), on_event=edit)
    (result,) = attempts(store)[1]
    assert result.status is Status.FAILED
    assert "sources have changed" in result.error
    sources.forget()
    run([changing], store, Serial())
    assert [r.status for r in attempts(store)[1]] == [Status.FAILED, Status.OK]


# -- Ctrl-C and full disks ------------------------------------------------------------------------
def test_an_interrupt_keeps_what_is_finished(store):
    with pytest.raises(KeyboardInterrupt):
        run([trial(seed=0), trial("interrupt", seed=1), trial(seed=2)], store, Serial())
    assert {seed: len(rs) for seed, rs in attempts(store).items()} == {0: 1}


def test_an_interrupt_stops_workers_at_once(store):
    def interrupt(event):
        if event.what is What.STORED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(
            [trial("hold_the_interpreter"), trial(seed=1, seconds=0.3)],
            store,
            Processes(2),
            on_event=interrupt,
        )
    assert list(attempts(store)) == [1]
    with store.coordinate(), locks.exclusive(lambda: pytest.fail("a worker is left")):
        pass


def test_a_full_disk_stops_the_run_with_one_line_and_nothing_half_written(store, monkeypatch):
    real, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(store.attempts(fingerprint(trial("no_weights", seed=1)))) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"^record .* can't be written \(No space left.*[^\n]$"):
        run([trial("no_weights", seed=seed) for seed in range(4)], store, Serial())
    assert calls
    assert sorted(attempts(store)) == [0, 1]
    assert not list(store.folder.rglob("*.tmp"))
    monkeypatch.undo()
    assert not Store.open(store.folder).faults


# -- a coordinator in a process of its own --------------------------------------------------------
def coordinator(tmp_path, count=6, seconds=0.2):
    command = [sys.executable, str(here / "tiny_runs" / "coordinator.py")]
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


def test_two_runs_into_one_store_share_the_trials_and_nobody_tidies_up_meanwhile(tmp_path):
    both = [coordinator(tmp_path, count=8)]
    wait_for_records(tmp_path, both[0], 1)
    both.append(coordinator(tmp_path, count=8))
    store = Store.open(tmp_path / "store")
    with pytest.raises(UserError, match=r"process id \d+; allowed is no other process") as caught:
        upkeep.prune(store, [])
    assert "\n" not in str(caught.value)
    for process in both:
        _, said = process.communicate(timeout=120)
        assert (process.returncode, said) == (0, b"")
    store.refresh()
    assert {seed: [r.status for r in rs] for seed, rs in attempts(store).items()} == {
        seed: [Status.OK] for seed in range(8)
    }
    assert store.journal.verify() is None
    runs = Counter(line.split()[0] for line in (tmp_path / "log").read_text().splitlines())
    assert runs == Counter(map(str, range(8))), "each trial was run once"


def test_what_a_killed_coordinator_was_at_is_run_by_the_other_one(tmp_path):
    killed = coordinator(tmp_path, count=8)
    wait_for_records(tmp_path, killed, 1)
    other = coordinator(tmp_path, count=8)
    wait_for_records(tmp_path, other, 3)
    killed.kill()
    killed.communicate()
    _, said = other.communicate(timeout=120)
    assert (other.returncode, said) == (0, b"")
    found = attempts(Store.open(tmp_path / "store"))
    assert {seed: [r.status for r in rs] for seed, rs in found.items()} == {
        seed: [Status.OK] for seed in range(8)
    }


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


def test_seeds_of_an_arm_run_one_after_the_other_where_its_steps_are_compiled(store):
    trials = [
        replace(one, protocol={**one.protocol, "compiled": True}, arms=one.arms)
        for one in (trial(seed=seed, boards=boards) for seed in range(3) for boards in range(2))
    ]
    assert len({together(t) for t in trials}) == 1
    eager = [replace(t, protocol={**t.protocol, "compiled": False}) for t in trials]
    assert len({together(t) for t in eager}) == 6


def test_compiled_steps_are_refused_before_anything_runs_where_there_is_no_compiler(
    store, monkeypatch
):
    def without() -> None:
        raise UserError("torch can't compile here; leave it out")

    monkeypatch.setattr(environment, "compiler", without)
    run([trial(seed=0)], store, Serial())
    asked = trial(seed=1, compiled=True)
    with pytest.raises(UserError, match="can't compile here"):
        run([asked], store, Serial())
    assert store.get(fingerprint(asked)) is None
