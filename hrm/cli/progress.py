"""Progress bars with estimates, on stderr of a terminal. Rich is loaded only when needed."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

Step = Callable[[float], None]
Line = Callable[[float, str], None]


def watched() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr.isatty()


@contextlib.contextmanager
def share(what: str) -> Iterator[Step]:
    """Show progress; yields a function that takes the share done, in 0 ... 1."""
    if not watched():
        yield lambda _: None
        return
    with _bars("{task.percentage:3.0f} %") as bars:
        task = bars.add_task(what, total=1.0)
        yield lambda done: bars.update(task, completed=done)


@contextlib.contextmanager
def clock(what: str, seconds: float) -> Iterator[None]:
    """Show how much of an estimated time has passed, for work that reports no progress."""
    if not watched():
        yield
        return
    started, ended = time.monotonic(), threading.Event()
    with _bars("of about {task.total:.0f} s") as bars:
        task = bars.add_task(what, total=seconds)

        def tick() -> None:
            while not ended.wait(0.2):
                bars.update(task, completed=min(time.monotonic() - started, seconds))

        threading.Thread(target=tick, daemon=True).start()
        try:
            yield
        finally:
            ended.set()


@contextlib.contextmanager
def lines() -> Iterator[Line]:
    """Show progress with text; yields a function that takes the share done, in 0 ... 1, and a line.

    If stderr isn't a terminal, the lines are printed one after another.
    """
    if not watched():
        yield _printed
        return
    with _bars("{task.percentage:3.0f} %") as bars:
        task = bars.add_task("training", total=1.0)
        yield lambda done, line: bars.update(task, completed=done, description=line)


def _printed(_: float, line: str) -> None:
    with contextlib.suppress(OSError):  # training goes on if the terminal was closed
        print(line, file=sys.stderr, flush=True)  # noqa: T201


def _bars(amount: str) -> "Progress":
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from hrm.system.console import console

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(amount),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    )
