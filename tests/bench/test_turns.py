"""Callables take turns: every round calls each once, in an order of its own."""

import gc
import io
import json
import os

import pytest

from bench import turns
from hrm.config import Segments

ARMS = [Segments(count=1), Segments(count=3)]
REQUEST = {
    "targets": [f"{__name__}:target"],
    "batches": [2, 4],
    "arms": [arm.to_json() for arm in ARMS],
    "rounds": 20,
    "seed": 0,
}


class Clock:
    """Nanoseconds that pass only while something is called; notes who was called."""

    def __init__(self):
        self.now, self.called, self.built = 0, [], []

    def perf_counter_ns(self):
        return self.now

    def target(self, parts, batch):
        self.built.append([part.count for part in parts])

        def timed(place, milliseconds):
            def call():
                self.called.append((batch, place))
                self.now += round(milliseconds * 1e6)

            return call

        return [timed(i, part.count * batch) for i, part in enumerate(parts)]


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(turns.time, "perf_counter_ns", made.perf_counter_ns)
    monkeypatch.setattr(turns.pkgutil, "resolve_name", lambda _: made.target)
    return made


def test_times_are_seconds_a_call_of_each_arm_and_last_of_the_twin(clock):
    found = turns.measure(**REQUEST)
    (target,) = found["times"]
    assert len(target) == 2
    for batch, rounds in zip((2, 4), target, strict=True):
        assert len(rounds) == 20
        for times in rounds:
            assert times == pytest.approx([1e-3 * batch * n for n in (1, 3, 1)])


def test_each_round_calls_each_callable_in_an_order_of_its_own(clock):
    found = turns.measure(**REQUEST)
    (orders, others) = found["order"][0]
    assert all(sorted(order) == [0, 1, 2] for order in orders)
    assert len({tuple(order) for order in orders}) > 3
    assert orders != others


def test_the_order_that_is_told_is_the_order_of_the_calls():
    called = []
    timed = [lambda i=i: called.append(i) for i in range(4)]
    _, orders = turns.by_turns(timed, [1] * 4, 10, turns.random.Random(0))
    assert called == [i for order in orders for i in order]


def test_equal_seeds_draw_equal_orders(clock):
    first, second, third = (turns.measure(**{**REQUEST, "seed": s}) for s in (1, 1, 2))
    assert first["order"] == second["order"] != third["order"]


def test_the_twin_is_the_baseline_built_a_second_time_in_an_order_that_is_drawn(clock):
    for seed in range(20):
        turns.measure(**{**REQUEST, "seed": seed, "rounds": 1})
    assert all(sorted(parts) == [1, 1, 3] for parts in clock.built)
    assert len({tuple(parts) for parts in clock.built}) == 3, "the treatment anywhere"


def test_as_many_calls_are_a_sample_as_fill_it(clock):
    found = turns.measure(**{**REQUEST, "rounds": 2})
    assert found["calls"] == [[[2, 1, 2], [1, 1, 1]]], "4 ms, of calls of 2, 6, 4 and 12 ms"
    at_two = [place for batch, place in clock.called if batch == 2]
    assert len(at_two) == 3 * turns.WARM_UP + 2 * (2 + 1 + 2)


def test_garbage_is_not_collected_meanwhile(clock, monkeypatch):
    seen = []
    monkeypatch.setattr(turns, "by_turns", lambda *_: seen.append(gc.isenabled()) or ([], []))
    assert gc.isenabled()
    turns.measure(**REQUEST)
    assert seen == [False, False]
    assert gc.isenabled()


def test_what_others_take_is_the_machines_time_less_our_own():
    before = turns.Clocks(wall=0.0, own=0.0, core=50.0, machine=100.0)
    after = turns.Clocks(wall=10.0, own=9.0, core=59.5, machine=124.0)
    assert before.foreign(after) == {"core": 0.05, "machine": 1.5}
    coarse = turns.Clocks(wall=10.0, own=9.0, core=58.9, machine=108.9)
    assert before.foreign(coarse) == {"core": 0.0, "machine": 0.0}, "clocks of the machine tick"
    nothing = turns.Clocks(wall=10.0, own=9.0, core=None, machine=None)
    assert before.foreign(nothing) == nothing.foreign(after) == {"core": None, "machine": None}


def test_a_core_is_busy_but_for_idling_and_waiting(monkeypatch):
    monkeypatch.setattr(os, "sysconf", lambda _: 100)
    lines = [
        "cpu  100 20 3 9999 888 4 5 6 7 0",
        "cpu0 0 0 0 0 0 0 0 0",
        "cpu10 100 0 0 5 5 0 0 1 0 0",
    ]
    assert turns.busy(lines, "cpu") == 1.38
    assert turns.busy(lines, "cpu10") == 1.01
    assert turns.busy(lines, "cpu1") is None
    assert turns.busy([], "cpu") is None


def test_clocks_are_none_without_the_file(monkeypatch):
    def missing(_):
        raise FileNotFoundError

    monkeypatch.setattr(turns.Path, "read_text", missing)
    clocks = turns.Clocks.read(0)
    assert (clocks.core, clocks.machine) == (None, None)
    assert clocks.wall > 0


@pytest.mark.parametrize(("usable", "core"), [({3}, 3), ({0, 3}, None)])
def test_a_process_has_a_core_if_it_may_use_one_alone(usable, core, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: usable, raising=False)
    assert turns.only_core() == core


def test_the_process_prints_one_json_object(clock, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(REQUEST)))
    monkeypatch.setattr(turns, "end_with_parent", lambda: None)
    kept = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cores: kept.append(cores), raising=False)
    monkeypatch.setattr(os, "environ", {})
    turns.main()
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"times", "order", "calls", "foreign", "core", "pid"}
    assert set(os.environ.items()) == {(name, "1") for name in turns.THREADS}
    assert [len(cores) for cores in kept] == [1]
