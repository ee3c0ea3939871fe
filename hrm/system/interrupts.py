"""Interruptions that wait until the work is in a consistent state."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # from a person or the system, to stop


@contextlib.contextmanager
def postponed() -> Iterator[Callable[[], bool]]:
    """Delay the first Ctrl-C, SIGTERM or SIGHUP to the end of the block, but not a second one.

    Yields a function that returns whether a signal has arrived. Signals that are ignored, or that
    end the process without Python's handler, are left unchanged, and so are all signals if this
    isn't the main thread.

    Raises:
        KeyboardInterrupt: At the end of the block, if a signal has arrived.
    """
    came: list[tuple[int, FrameType | None]] = []
    before = {number: signal.getsignal(number) for number in ENDING}

    def wait(number: int, frame: FrameType | None) -> None:
        came.append((number, frame))
        if len(came) > 1:
            _as_before(number, frame)

    def _as_before(number: int, frame: FrameType | None) -> None:
        handler = before[signal.Signals(number)]
        assert callable(handler), handler
        handler(number, frame)

    ours = [number for number, handler in before.items() if callable(handler)]
    if threading.current_thread() is not threading.main_thread():
        ours = []
    for number in ours:
        signal.signal(number, wait)
    try:
        yield lambda: bool(came)
    finally:
        for number in ours:
            signal.signal(number, before[number])
    if came:
        _as_before(*came[0])
        raise KeyboardInterrupt
