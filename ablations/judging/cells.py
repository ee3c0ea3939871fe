"""The values of each cell at each seed, their contrasts, and what is missing or unreadable.

Nothing here raises because of stored data: a value that can't be computed is unknown, and an error
of our own code becomes a named fault of the claim that reads the value.
"""

import dataclasses
import math
import typing
from collections.abc import Sequence
from dataclasses import dataclass

from ablations.judging import readings
from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value
from ablations.records.trials import Result, Status, Trial
from ablations.runs.fingerprints import Content, content, fingerprint
from ablations.runs.trials import Slot, plan
from ablations.specs.claim import Cell, Statistical
from ablations.specs.tests import Both, Contrast, Test
from hrm.errors import UserError

MOST_OBSERVED = 2048  # runs whose arrays stay in memory for other metrics: some 50 MB
LARGEST = 1e100  # largest value that can still be computed with
_unreadable = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
_fatal = (Status.DIVERGED, Status.TIMED_OUT)
Found = tuple[Result | None, Status | None, bool]


class Runs(typing.Protocol):
    """The interface to stored runs, which `ablations.runs.store.Store` implements."""

    def get(self, fingerprint: str) -> Result | None:
        """Return the attempt that counts: the first one that finished, or else the last one."""

    def observations(self, result: Result) -> tuple[Observations, ...]:
        """Return the observations of an attempt, one mapping per arm."""

    def unknown(self, fingerprint: str) -> bool:
        """Return whether a run has no known result, which further attempts don't change."""


@typing.runtime_checkable
class Evidence(Runs, typing.Protocol):
    """Stored runs that are found by their trial, on any machine and with any release.

    `ablations.evidence.kept.Evidence` answers it.
    """

    def key(self, trial: Trial) -> str:
        """Return the fingerprint that a trial's run had when it was made."""

    def marks(self, results: Sequence[Result]) -> tuple[str, ...]:
        """Return remarks on runs of earlier commits whose sources have changed since."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One cell's run at one seed.

    Args:
        trial: The trial.
        arm: Index of the cell's arm in the trial.
        result: The attempt that counts; None if there is none.
        status: How it ended, or its parent, if that diverged or died; None if it wasn't run.
        lost: Whether it has no result, and none can be expected: its record is lost, or the machine
            killed every attempt at it or at what it starts from.
    """

    trial: Trial
    arm: int
    result: Result | None
    status: Status | None
    lost: bool

    @property
    def over(self) -> bool:
        """Whether the run finished, with a known result or not."""
        return self.lost or (self.status is not None and self.status.finished)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One seed at which every run has finished.

    Args:
        runs: One run per cell.
        values: Values of the metrics of the compared cells.
        contrasts: One contrast for each statement of the claim.
        notes: What is unknown, and why.
        faults: Errors of our own code.
    """

    seed: int
    runs: tuple[Run, ...]
    values: tuple[Value, ...]
    contrasts: tuple[Contrast, ...]
    notes: tuple[str, ...]
    faults: tuple[str, ...]


class Reader:
    """Reads stored runs, each once.

    Args:
        runs: The stored runs.
    """

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self._evidence = runs if isinstance(runs, Evidence) else None
        self._found: dict[Content, Found] = {}
        self._observed: dict[str, tuple[Observations, ...]] = {}
        self._margins: dict[tuple[str, int], tuple[float, float]] = {}

    def run(self, slot: Slot) -> Run:
        """Return a cell's run."""
        result, status, lost = self._find(slot.trial)
        return Run(trial=slot.trial, arm=slot.arm, result=result, status=status, lost=lost)

    def parent(self, run: Run) -> Run | None:
        """Return the run whose weights this one started from, None if it started from nothing."""
        parent = run.trial.parent
        return None if parent is None else self.run(Slot(trial=parent, arm=run.arm))

    def of(self, trial: Trial) -> Result | None:
        """Return the attempt at a trial that counts; None if there is none."""
        return self._find(trial)[0]

    def over(self, trial: Trial) -> bool:
        """Return whether a trial needn't be run, because it finished or can't start."""
        _, status, lost = self._find(trial)
        return lost or (status is not None and status.finished)

    def observed(self, run: Run) -> Observations:
        """Return the observations of a run's arm.

        Raises:
            UserError: If they can't be read.
            LookupError: If there are none.
        """
        assert run.result is not None
        key = run.result.fingerprint
        if key not in self._observed:
            if len(self._observed) >= MOST_OBSERVED:
                self._observed.clear()
            self._observed[key] = self.runs.observations(run.result)
        return self._observed[key][run.arm]

    def margin(self, run: Run) -> tuple[float, float]:
        """Return a run's margin over the best trivial method, and its error over boards.

        Raises:
            UserError, LookupError: As `observed`; or if the run wasn't scored.
        """
        assert run.result is not None
        key = run.result.fingerprint, run.arm
        if key not in self._margins:
            self._margins[key] = readings.margin(self.observed(run))
        return self._margins[key]

    def marks(self, results: Sequence[Result]) -> tuple[str, ...]:
        """Return remarks on the origin of runs, for readers."""
        return () if self._evidence is None else self._evidence.marks(results)

    def _find(self, trial: Trial) -> Found:
        """Return the result of a trial, its status and whether it is lost, as in `Run`."""
        place = content(trial)
        if place not in self._found:
            key = fingerprint(trial) if self._evidence is None else self._evidence.key(trial)
            try:
                result = self.runs.get(key)
                if result is not None and self._evidence is None:  # all seeds share a trial's JSON
                    result = dataclasses.replace(result, trial=trial)
                lost = result is None or not result.status.finished
                lost = lost and (self.runs.unknown(key) or self._cut_off(trial))
            except UserError:
                result, lost = None, True
            status = self._of_parent(trial) if result is None else result.status
            self._found[place] = result, status, lost
        return self._found[place]

    def _cut_off(self, trial: Trial) -> bool:
        """Return whether the machine killed every attempt at a parent of a trial."""
        parent = trial.parent
        if parent is None:
            return False
        result, _, lost = self._find(parent)
        killed = result is not None and result.status is Status.DIED
        return (lost and killed) or self._cut_off(parent)

    def _of_parent(self, trial: Trial) -> Status | None:
        """Return the status of a trial that can't begin since its parent failed; None if it can."""
        parent = trial.parent
        if parent is None:
            return None
        _, status, _ = self._find(parent)
        if status in _fatal:
            return status
        return Status.DIED if self._cut_off(trial) else None


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The stored runs of a claim.

    Args:
        rows: Runs of all requested seeds, one row per seed.
        pairs: Pairs of the seeds before the first one that lacks a run.
        faults: Errors of our own code, in any run.
    """

    rows: tuple[tuple[Run, ...], ...]
    pairs: tuple[Pair, ...]
    faults: tuple[str, ...]

    def trials(self, seeds: int) -> list[Trial]:
        """Return the trials of the first seeds, each once."""
        found = {id(run.trial): run.trial for row in self.rows[:seeds] for run in row}
        return list(found.values())

    def stored(self, seeds: int) -> int:
        """Return how many trials of the first seeds have finished."""
        return len({id(run.trial) for row in self.rows[:seeds] for run in row if run.over})

    @property
    def results(self) -> list[Result]:
        """All stored results of the claim, each run once."""
        found = [run.result for row in self.rows for run in row if run.result is not None]
        return list({result.fingerprint: result for result in found}.values())


def gather(
    claim: Statistical, reader: Reader, seeds: Sequence[int], device: str = "cpu"
) -> Gathered:
    """Return the stored runs of a claim at these seeds.

    Args:
        claim: The claim.
        reader: Reader of the store.
        seeds: In the order in which pairs are read.
        device: Device of trained runs.
    """
    planned = plan(claim, seeds, device)
    rows = tuple(tuple(reader.run(slot) for slot in row) for row in planned.rows)
    pairs = []
    for seed, row in zip(planned.seeds, rows, strict=True):
        if not all(run.over for run in row):
            break
        pairs.append(_pair(claim, reader, seed, row))
    faults = [*_failed(rows), *(fault for pair in pairs for fault in pair.faults)]
    return Gathered(rows=rows, pairs=tuple(pairs), faults=tuple(_once(faults)))


def parts_of(claim: Statistical) -> tuple[tuple[Test, tuple[int, ...]], ...]:
    """Return the test of each statement of a claim, with the indices of the cells that it reads."""
    test = claim.test
    if isinstance(test, Both):
        return tuple(zip(test.parts, test.reads, strict=True))
    return ((test, tuple(range(test.cells))),)


def value_of(run: Run, metric: Metric, reader: Reader, label: str) -> tuple[Value, str, str]:
    """Return the value of a metric, why it is unknown (or ""), and an error of our code (or "").

    Args:
        run: A finished run.
        metric: The metric.
        reader: Reader of the store.
        label: Label of the cell, for sentences.
    """
    if run.lost:
        return UNKNOWN, loss(run, f"{label!r}"), ""
    if run.status in _fatal:
        return metric.of_diverged(), "", ""
    try:
        value = readings.value(metric, reader.observed(run))
        low, high = float(value.low), float(value.high)
    except (UserError, OSError) as error:
        return UNKNOWN, f"the record of {label!r} can't be read ({error})", ""
    except readings.Fault as fault:
        return UNKNOWN, "", fault.of(label)
    except KeyError as error:
        return UNKNOWN, "", f"{_kind(metric)} finds no {error} in a run of {label!r}"
    except _unreadable as error:
        said = f"{type(error).__name__}: {error}"
        return UNKNOWN, "", f"{_kind(metric)} can't read a run of {label!r} ({said})"
    absurd = [end for end in (low, high) if math.isfinite(end) and abs(end) > LARGEST]
    if not low <= high or absurd:
        said = f"{absurd[0]:.3g}" if absurd else f"{low:g} to {high:g}"
        return UNKNOWN, "", f"{_kind(metric)} reads {said} of a run of {label!r}"
    if math.isinf(low) and math.isinf(high) and low < high:
        return value, f"{label!r} has no value", ""
    return value, "", ""


def loss(run: Run, name: str) -> str:
    """Say why a run has no result and none can be expected."""
    if run.status not in (Status.DIED, Status.FAILED):
        return f"the record of {name} is lost"
    itself = run.result is not None and run.status is Status.DIED
    return f"{name if itself else f'what {name} starts from'} was killed in every attempt"


def contrasts_of(
    claim: Statistical, values: Sequence[Value]
) -> tuple[tuple[Contrast, ...], tuple[str, ...]]:
    """Return the contrasts of one pair, one per statement, and the errors that occurred."""
    found, faults = [], []
    for test, reads in parts_of(claim):
        read = tuple(values[i] for i in reads)
        try:
            found.append(test.contrast(read))
        except _unreadable as error:
            found.append(Contrast(values=read, low=-math.inf, high=math.inf, mean=math.nan))
            faults.append(f"no contrast can be formed ({type(error).__name__}: {error})")
    return tuple(found), tuple(faults)


def _pair(claim: Statistical, reader: Reader, seed: int, row: tuple[Run, ...]) -> Pair:
    read = [
        value_of(run, cell.metric, reader, cell.label)
        for run, cell in zip(row, claim.compared, strict=False)
    ]
    values = tuple(value for value, _, _ in read)
    contrasts, wrong = contrasts_of(claim, values)
    faults = (*(fault for _, _, fault in read if fault), *wrong)
    return Pair(
        seed=seed,
        runs=row,
        values=values,
        contrasts=contrasts,
        notes=tuple(note for _, note, _ in read if note),
        faults=tuple(f"{fault}, seed {seed}" for fault in faults),
    )


def _failed(rows: Sequence[Sequence[Run]]) -> list[str]:
    found = {
        id(run.result): run.result
        for row in rows
        for run in row
        if run.result is not None and run.status is Status.FAILED and not run.lost
    }
    runs = "1 run failed" if len(found) == 1 else f"{len(found)} runs failed"
    return [f"{runs}: {next(iter(found.values())).error}"] if found else []


def _once(faults: Sequence[str]) -> list[str]:
    """Return the first of equal faults at several seeds."""
    found: dict[str, str] = {}
    for fault in faults:
        found.setdefault(fault.rpartition(", seed ")[0] or fault, fault)
    return list(found.values())


def _kind(metric: Metric) -> str:
    return type(metric).__name__


def trained(cell: Cell) -> bool:
    """Return whether a cell's protocol trains, or starts from trained weights."""
    step = cell.protocol
    while not step.weights:
        if step.parent is None:
            return False
        step = step.parent
    return True
