"""A timing block: four fresh processes, one after the other, and nobody left behind."""

import random
import subprocess
import sys

import pytest

from ablations.workloads import timing

SERIES = {"suite": "controller.Controller", "first": ["concatenated", "direct"]}


def test_a_block_is_four_fresh_processes_in_an_order_that_the_seed_draws(monkeypatch):
    called = []

    def measured(suite, firsts):
        called.extend(firsts)
        return [
            {
                "pid": i,
                "core": 1,
                "load": 0.5,
                "others": i / 100,
                "suite": suite,
                "first": first,
                "call_1": i / 8,
            }
            for i, first in enumerate(firsts, start=1)
        ]

    monkeypatch.setattr(timing, "_measure", measured)
    orders = set()
    for seed in range(8):
        called.clear()
        first, second = timing.block([{}, {}], SERIES, seed, "cpu")
        order = tuple(called)
        orders.add(order)
        places = [i + 1 for i, name in enumerate(order) if name == "concatenated"]
        assert first["pids"] == places
        assert first["call_1"] == [place / 8 for place in places]
        assert sorted(first["pids"] + second["pids"]) == [1, 2, 3, 4]
        assert first["order"] == second["order"]
        assert set(first) == {"pids", "cores", "loads", "others", "order", "call_1"}
        assert first["others"] == max(places) / 100, "the most that others took"
    a, b = SERIES["first"]
    assert orders == {(a, b, b, a), (b, a, a, b)}


PROGRAM = """
import os, sys
print("ready", flush=True)
if sys.stdin.readline():
    print('{"pid": %d, "call_1": 1}' % os.getpid())
"""


def processes(monkeypatch, *programs):
    """Run these instead, and return what is started, with its options."""
    started, popen = [], subprocess.Popen
    left = iter(programs)

    def start(command, **options):
        process = popen([sys.executable, "-c", next(left)], **options)
        started.append((command, options, process))
        return process

    monkeypatch.setattr(subprocess, "Popen", start)
    return started


def test_a_process_is_on_one_thread_and_knows_only_what_it_needs(monkeypatch):
    started = processes(monkeypatch, PROGRAM)
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    (found,) = timing._measure("controller.Controller", ["direct"])
    ((command, options, process),) = started
    assert found == {"pid": process.pid, "call_1": 1}
    suite = ["-m", "bench.process", "controller.Controller", "direct"]
    assert command[1:] == [*suite, "--wait", "--parent", str(options["pass_fds"][0])]
    assert "SECRET" not in options["env"]
    assert {v for k, v in options["env"].items() if k.endswith("NUM_THREADS")} == {"1"}
    assert set(options["env"]) <= {
        *timing.forwarded,
        *(k for k in options["env"] if "THREADS" in k),
    }


def test_no_process_begins_before_all_are_ready_nor_while_another_measures(monkeypatch, tmp_path):
    diary = tmp_path / "diary"

    def noted(i):
        return f"""
import sys, time
def note(what): open({str(diary)!r}, "a").write(f"{{what}} ")
note("ready"), print("ready", flush=True), sys.stdin.readline()
note("begin{i}"), time.sleep(0.05), note("end{i}"), print("{{}}")
"""

    processes(monkeypatch, *map(noted, range(3)))
    assert timing._measure("controller.Controller", ["direct"] * 3) == [{}] * 3
    assert diary.read_text().split() == ["ready"] * 3 + [
        f"{what}{i}" for i in range(3) for what in ("begin", "end")
    ]


FAILS = "raise ValueError('boom')"


@pytest.mark.parametrize(
    "programs",
    [(FAILS,), (PROGRAM, FAILS), ("print('ready', flush=True); input(); " + FAILS, PROGRAM)],
)
def test_a_process_that_fails_is_told_with_its_last_line_and_nobody_is_left(programs, monkeypatch):
    started = processes(monkeypatch, *programs)
    with pytest.raises(RuntimeError, match=r"bench\.process ended with 1: ValueError: boom"):
        timing._measure("controller.Controller", ["direct"] * len(programs))
    assert all(process.returncode is not None for _, _, process in started)


def test_workloads_leave_the_global_randomness_of_others_alone():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            timing,
            "_measure",
            lambda *_: [{**dict.fromkeys(("pid", "core", "load", "others"), 0), "call_1": 1.0}] * 4,
        )
        timing.block([{}, {}], SERIES, 0, "cpu")
    assert random.random() == expected
