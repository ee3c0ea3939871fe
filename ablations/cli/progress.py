"""Progress with an estimate: a bar on a terminal, elsewhere a line now and then, on stderr."""

import math
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from ablations.cli.display import duration, say
from ablations.costs import Forecast
from ablations.evidence import most_company
from ablations.records import Result, Status, Trial
from hrm.system.console import console

if TYPE_CHECKING:  # the runner is loaded by `run` alone
    from ablations.runner import Event


class Share:
    """A bar over the share of a work that is done; elsewhere a line now and then, on stderr."""

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
        """Take notice of what is done; the first share was there before."""
        if self.console.is_terminal and not self.bar.live.is_started:
            self.bar.start()
        self.began = self.began or share or 1e-9
        gone, now = share - self.began, time.monotonic()
        seconds = (now - self.started) * (1 - share) / gone if gone > 0 else math.inf
        left = f"about {duration(seconds)} left" if gone > 0 else ""
        self.bar.update(self.task, completed=share, left=left)
        if not self.console.is_terminal and now - self.said >= 15:
            self.said = now
            sys.stderr.write(f"ablations: {self.name}, {share:.0%} done, {left}\n")
            sys.stderr.flush()


class Progress:
    """A bar over expected CPU time on a terminal; elsewhere a line now and then, on stderr."""

    def __init__(self, before: Forecast, jobs: int, cost: Callable[[Trial], float]) -> None:
        from rich import progress

        self.cost, self.jobs = cost, jobs
        self.todo, self.done = before.trials - before.stored, 0
        self.expected, self.spent = before.cpu_seconds, 0.0
        self.wall, self.warned = before.wall_seconds, False
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
            "starting", total=max(self.expected, 1e-9), runs="", left=self._left()
        )

    def __enter__(self) -> Self:
        if self.todo and self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar.live.is_started:  # elsewhere it would end with an empty line
            self.bar.stop()

    def __call__(self, event: "Event") -> None:
        """Take notice of an event."""
        name = f"{event.trial.workload} seed {event.trial.seed}"
        if event.what == "waiting":
            sys.stderr.write("ablations: another process uses the machine; waiting for it\n")
        elif event.what == "started":
            self.bar.update(self.task, description=name)
            self._say()
        elif event.what == "stored":
            assert event.result is not None
            if event.result.status is Status.DIED:
                sys.stderr.write(f"ablations: {name} died of the machine; it is tried again\n")
                return
            self._warn(event.result)
            self.done += 1
            self.spent += self.cost(event.trial)
            left = self._left()
            self.bar.update(
                self.task, completed=self.spent, runs=f"{self.done}/{self.todo} runs", left=left
            )
            self._say()

    def _warn(self, result: Result) -> None:
        """Say once if others use the machine while it is timed."""
        taken = [arm.get("others") or 0.0 for arm in result.metrics] if result.trial.alone else []
        if not self.warned and max(taken, default=0.0) > most_company:
            self.warned = True
            say(
                f"other processes take {max(taken):.1f} cores (load average "
                f"{result.machine.load:g}) while the machine is timed, which wants it alone"
            )

    def _left(self) -> str:
        """What is left: the plan's estimate, corrected by how fast it has gone so far."""
        share = self.spent / self.expected if self.expected else 1.0
        elapsed = time.monotonic() - self.started
        planned = self.wall * (1 - share)
        measured = elapsed * (1 - share) / share if share > 0 else planned
        return f"about {duration((1 - share) * planned + share * measured)} left"

    def _say(self) -> None:
        """Where there is no bar, say how far it is, once in a while."""
        if self.console.is_terminal or time.monotonic() - self.said < 15:
            return
        self.said = time.monotonic()
        sys.stderr.write(f"ablations: {self.done} of {self.todo} runs, {self._left()}\n")
        sys.stderr.flush()
