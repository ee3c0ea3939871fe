"""Progress with an estimate, on stderr: a bar on a terminal, otherwise a line per minute."""

import datetime
import math
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ablations.cli.display import say
from ablations.planning import forecast
from ablations.planning.costs import Costs
from ablations.records.trials import Status, Trial
from ablations.runs import standing
from ablations.runs.sequence import PAUSE
from ablations.runs.store import MOST_DEATHS
from ablations.text import duration
from hrm.system.console import console

if TYPE_CHECKING:  # the runner is loaded by `run` alone
    from ablations.runs.schedule import Event


QUARANTINED = f"was killed {MOST_DEATHS} times; it isn't run again and counts as unknown"
LINE = 60.0  # seconds between two lines if stderr isn't a terminal


class Share:
    """A bar for the completed share of some work; a line every 15 s if stderr isn't a terminal."""

    def __init__(self, name: str) -> None:
        from rich import progress

        self.name, self.began = name, 0.0
        self.started = self.said = time.monotonic()
        self.console = console(stderr=True)
        self.bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
        )
        self.task = self.bar.add_task(name, total=1.0, left="")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar.live.is_started:
            self.bar.stop()

    def __call__(self, share: float) -> None:
        """Update the share; the first call gives what was done before."""
        if self.console.is_terminal and not self.bar.live.is_started:
            self.bar.start()
        self.began = self.began or share or 1e-9
        gone, now = share - self.began, time.monotonic()
        seconds = (now - self.started) * (1 - share) / gone if gone > 0 else math.inf
        left = f"about {duration(seconds)} left" if gone > 0 else ""
        self.bar.update(self.task, completed=share, left=left)
        if not self.console.is_terminal and now - self.said >= 15:
            self.said = now
            say(f"{self.name}, {share:.0%} done, {left}")


class Progress:
    """Progress of a run: live on a terminal, otherwise a line per minute; also a file in the store.

    Args:
        trials: The trials to run.
        costs: Costs of trials.
        jobs: Number of parallel runs.
        engine: Description of the engine.
        folder: Folder of the store.
    """

    def __init__(
        self, trials: Sequence[Trial], costs: Costs, jobs: int, engine: str, folder: Path
    ) -> None:
        from rich import progress

        self.cost = costs.of
        self.todo, self.done, self.failed = len(trials), 0, 0
        self.running: dict[str, standing.Running] = {}
        self.changed: list[str] = []
        self.expected, self.spent = sum(map(self.cost, trials)), 0.0
        self.wall = forecast.wall(trials, costs, jobs)
        self.engine, self.teller = engine, standing.Teller(folder)
        self.began = standing.now()
        self.started, self.said = time.monotonic(), -math.inf
        self.console = console(stderr=True)
        self.bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[runs]}"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
        )
        self.task = self.bar.add_task(
            "starting", total=max(self.expected, 1e-9), runs="", left=self._end()
        )

    def __enter__(self) -> Self:
        if self.todo and self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar.live.is_started:  # otherwise stopping would print an empty line
            self.bar.stop()
        self.teller.end()

    def __call__(self, event: "Event") -> None:
        """Handle an event."""
        name = named(event.trial)
        if event.what == "waiting":
            say("waiting for another process that uses the machine")
        elif event.what == "paused":
            say(
                f"waiting for up to {duration(PAUSE)}: timings are taken in two stretches, so that "
                "they aren't all measured in the same state of the machine"
            )
        elif event.what == "quarantined":
            say(f"{name} {QUARANTINED}")
        elif event.what == "lost":
            self.running.pop(event.fingerprint, None)
            say(f"the connection to the worker of {name} was lost; the trial is repeated")
        elif event.what == "started":
            self.running[event.fingerprint] = standing.Running(name=name, since=standing.now())
            self.bar.update(self.task, description=name)
        elif event.what == "stored":
            assert event.result is not None
            self.running.pop(event.fingerprint, None)
            died = event.result.status is Status.DIED
            if died and event.result.deaths + 1 < MOST_DEATHS:
                say(f"{name} was killed by the machine; the trial is repeated")
            else:
                if died:
                    say(f"{name} {QUARANTINED}")
                self._count(event.trial, failed=not event.result.status.finished)
        elif event.what == "skipped":
            self._count(event.trial)
        self.look()

    def change(self, sentence: str) -> None:
        """Report a claim whose group has changed."""
        self.changed.append(sentence)
        say(sentence)

    def look(self) -> None:
        """Report progress if enough time has passed; called often, even without events."""
        if self.teller.due():
            self.teller.tell(
                standing.Standing(
                    host=platform.node(),
                    pid=os.getpid(),
                    engine=self.engine,
                    started=self.began,
                    updated=standing.now(),
                    trials=self.todo,
                    done=self.done,
                    failed=self.failed,
                    running=tuple(self.running.values()),
                    expected_end=self._when().isoformat(timespec="seconds"),
                    changed=tuple(self.changed),
                )
            )
        if not self.console.is_terminal and time.monotonic() - self.said >= LINE:
            self.said = time.monotonic()
            say(f"{self.done} of {self.todo} runs, {self._state()}, {self._end()}")

    def _count(self, trial: Trial, *, failed: bool = False) -> None:
        self.done += 1
        self.failed += failed
        self.spent += self.cost(trial)
        self.bar.update(
            self.task,
            completed=self.spent,
            runs=f"{self.done}/{self.todo} runs, {self._state()}",
            left=self._end(),
        )

    def _state(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{len(self.running)} running{failed}"

    def _seconds(self) -> float:
        """Return the remaining seconds: the plan's estimate, scaled by the speed so far."""
        share = min(1.0, self.spent / self.expected) if self.expected else 1.0
        elapsed = time.monotonic() - self.started
        planned = self.wall * (1 - share)
        measured = elapsed * (1 - share) / share if share > 0 else planned
        return (1 - share) * planned + share * measured

    def _when(self) -> datetime.datetime:
        left = datetime.timedelta(seconds=self._seconds())
        return datetime.datetime.now(datetime.UTC).astimezone() + left

    def _end(self) -> str:
        return f"about {duration(self._seconds())} left, until {self._when():%H:%M}"


def named(trial: Trial) -> str:
    """Return a readable name of a trial: its protocol and seed."""
    return f"{trial.protocol['kind'].lower()} seed {trial.seed}"
