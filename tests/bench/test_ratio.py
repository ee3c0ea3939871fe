"""Ratios of timings, on clocks that are made up."""

import json
import os
import subprocess
import sys

import pytest
import torch

from bench import ratio, timed
from hrm.system.processes import python


class Clock:
    """Seconds that pass only where an arm says so, or evenly with each call of an arm."""

    def __init__(self):
        self.now, self.order = 0.0, ""

    def __call__(self):
        return self.now

    def arm(self, name, seconds, drift=0.0):
        def run():
            self.order += name
            self.now += seconds + drift * len(self.order)

        return run


def pair_of(clock, first, second, scale=1.0, drift=0.0):
    return ratio.Pair(
        first=clock.arm("A", first, drift), second=clock.arm("B", second, drift), scale=scale
    )


def test_the_ratio_is_the_first_arms_time_over_the_second_ones_scaled():
    clock = Clock()
    assert ratio.paired(pair_of(clock, 3.0, 2.0), clock, 2) == [1.5, 1.5]
    assert ratio.paired(pair_of(clock, 3.0, 4.0, scale=0.5), clock, 1) == [1.5]


def test_blocks_are_abba_and_baab_by_turns_after_a_warm_up():
    clock = Clock()
    ratio.paired(pair_of(clock, 3.0, 2.0), clock, 3)
    assert clock.order == "ABAB" + "ABBA" + "BAAB" + "ABBA"


def test_both_arms_are_called_as_often_as_fills_the_shorter_leg():
    clock = Clock()
    ratio.paired(pair_of(clock, 0.5, 0.25), clock, 1, leg=0.6)
    assert clock.order == "ABAB" + "AAABBBBBBAAA"


def test_a_steady_drift_cancels():
    clock = Clock()
    (found,) = ratio.paired(pair_of(clock, 1.0, 1.0, drift=0.5), clock, 1)
    assert found == pytest.approx(1.0)


def test_one_thread_computes_and_the_number_before_is_restored():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []
    try:
        arm = lambda: seen.append(torch.get_num_threads())  # noqa: E731
        ratio.paired(ratio.Pair(first=arm, second=arm), iter(range(100)).__next__, 1)
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


class Made(ratio.Ratios):
    """Returns what it is asked for."""

    params = (("a", "b"), (1, None))
    param_names = ("letter", "number")

    def track_sum(self, letter, number):
        return ord(letter) + (number or 0) / 2

    def other(self):
        raise AssertionError


class Bytes:
    """Counts."""

    params = ((3,),)
    param_names = ("n",)
    unit = "bytes"

    def track_size(self, n):
        return n * 1000


def test_every_method_and_parameter_is_a_figure():
    found = ratio.figures((Made, Bytes))
    assert {label: (unit, measure()) for label, (unit, measure) in found.items()} == {
        "Made sum a 1": ("ratio", 97.5),
        "Made sum a None": ("ratio", 97.0),
        "Made sum b 1": ("ratio", 98.5),
        "Made sum b None": ("ratio", 98.0),
        "Bytes size 3": ("bytes", 3000),
    }


def test_a_suite_takes_the_median_of_its_blocks(monkeypatch):
    asked = []

    def paired(pair, clock, blocks, leg):
        asked.append((pair, clock, blocks, leg))
        return [1.0, 9.0, 2.0]

    monkeypatch.setattr(ratio, "paired", paired)
    pair = ratio.Pair(first=int, second=int)
    assert Made().median(pair) == 2.0
    monkeypatch.setattr(Made, "cpu_time", True)
    monkeypatch.setattr(Made, "blocks", 5)
    assert Made().median(pair) == 2.0
    monkeypatch.setenv(timed.QUICK, "1")
    assert Made().median(pair) == 2.0
    times = ratio.time.perf_counter, ratio.time.process_time
    assert asked == [
        (pair, times[0], 3, 0.3),
        (pair, times[1], 5, 0.3),
        (pair, times[1], 1, 0.03),
    ]


def test_the_table_has_the_median_over_processes_and_its_range():
    runs = [{"x": 1.0, "longer": 2e6}, {"x": 1.25, "longer": 2e6}, {"x": 0.5, "longer": 3e6}]
    assert ratio.table(runs, {"x": "ratio", "longer": "bytes"}) == [
        "x       1.000  [0.500, 1.250] ratio\n",
        "longer  2,000,000  [2,000,000, 3,000,000] bytes\n",
    ]
    assert ratio.table([{}], {}) == []


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr(ratio.Ratios, "cpu_time", False)

    def ask(*arguments):
        monkeypatch.setattr("sys.argv", ["made", *arguments])
        ratio.main("made", (Made, Bytes))

    return ask


def test_one_process_prints_a_line_of_json_for_each_figure(asked, capsys):
    asked("--once", "sum b")
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [["Made sum b 1", 98.5], ["Made sum b None", 98]]


def test_fresh_processes_are_measured_and_summed_up(asked, capsys, monkeypatch):
    values = iter([1.0, 3.0, 2.0])
    commands = []

    def measured(command):
        commands.append(command[1:])
        yield "Made sum a 1", next(values)

    monkeypatch.setattr(ratio, "measured", measured)
    monkeypatch.setattr(ratio.time, "monotonic", iter([0.0, 50.0, 80.0, 120.0]).__next__)
    asked("sum a 1", "--cpu-time")
    assert commands == [["-P", "-m", "made", "--once", "sum a 1", "--cpu-time"]] * 3
    out, err = capsys.readouterr()
    assert out == "Made sum a 1  2.000  [1.000, 3.000] ratio\n"
    assert err.splitlines() == [
        "1 of 3  Made sum a 1  1.000 ratio  about 1:40 left",
        "2 of 3  Made sum a 1  3.000 ratio  about 0:40 left",
        "3 of 3  Made sum a 1  2.000 ratio  about 0:00 left",
    ]
    assert Made.cpu_time


def test_a_figure_is_known_before_the_process_that_measures_it_has_ended():
    script = "print('[\"x\", 1.5]', flush=True); input(); print('[\"y\", 2]')"
    stdin, other = os.pipe()
    before = os.dup(0)
    try:
        os.dup2(stdin, 0)  # what the process waits for
        found = ratio.measured([sys.executable, "-c", script])
        assert next(found) == ("x", 1.5)
        os.write(other, b"\n")
        assert list(found) == [("y", 2)]
    finally:
        os.dup2(before, 0)
        for descriptor in (before, stdin, other):
            os.close(descriptor)


def test_a_process_imports_nothing_from_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("random.py", "bench.py"):
        (tmp_path / name).write_text("raise ImportError('from the working folder')")
    monkeypatch.setenv("PYTHONPATH", "")
    command = python("bench.memory", "--once", "nothing of that name")
    assert list(ratio.measured(command)) == []


def test_a_process_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        list(ratio.measured([sys.executable, "-c", "raise SystemExit(3)"]))
