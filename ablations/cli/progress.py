"""Progress with an estimate: a bar on a terminal, elsewhere a line now and then, on stderr."""

import math
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from ablations.cli.display import say
from ablations.planning import forecast
from ablations.planning.costs import Costs
from ablations.records.trials import Status, Trial
from ablations.runs.sequence import PAUSE
from ablations.text import duration
from hrm.system.console import console

if TYPE_CHECKING:  # the runner is loaded by `run` alone
    from ablations.runs.runner import Event


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
    """A bar over expected CPU time on a terminal; elsewhere a line now and then, on stderr.

    Args:
        trials: What is run.
        costs: Of trials.
        jobs: How many at a time.
    """

    def __init__(self, trials: Sequence[Trial], costs: Costs, jobs: int) -> None:
        from rich import progress

        self.cost = costs.of
        self.todo, self.done = len(trials), 0
        self.expected, self.spent = sum(map(self.cost, trials)), 0.0
        self.wall = forecast.wall(trials, costs, jobs)
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
        name = named(event.trial)
        if event.what == "waiting":
            say("another process uses the machine; waiting for it")
        elif event.what == "paused":
            say(
                f"waiting for up to {duration(PAUSE)}: timings are taken in two stretches, so that "
                "they don't all share one mood of the machine"
            )
        elif event.what == "quarantined":
            say(f"{name} ended its process twice before; it isn't run again and counts as unknown")
        elif event.what == "started":
            self.bar.update(self.task, description=name)
            self._say()
        elif event.what == "stored":
            assert event.result is not None
            if event.result.status is Status.DIED:
                say(f"{name} died of the machine; it is tried again")
                return
            self.done += 1
            self.spent += self.cost(event.trial)
            self.bar.update(
                self.task,
                completed=self.spent,
                runs=f"{self.done}/{self.todo} runs",
                left=self._left(),
            )
            self._say()

    def _left(self) -> str:
        """What is left: the plan's estimate, corrected by how fast it has gone so far."""
        share = min(1.0, self.spent / self.expected) if self.expected else 1.0
        elapsed = time.monotonic() - self.started
        planned = self.wall * (1 - share)
        measured = elapsed * (1 - share) / share if share > 0 else planned
        return f"about {duration((1 - share) * planned + share * measured)} left"

    def _say(self) -> None:
        """Where there is no bar, say how far it is, once in a while."""
        if self.console.is_terminal or time.monotonic() - self.said < 15:
            return
        self.said = time.monotonic()
        say(f"{self.done} of {self.todo} runs, {self._left()}")


def named(trial: Trial) -> str:
    """Return a trial's name for a person: what is done, and the seed."""
    return f"{trial.protocol['kind'].lower()} seed {trial.seed}"
