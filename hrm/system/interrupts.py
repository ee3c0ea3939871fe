"""Interruptions that wait until work can be put down."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # from a person or the system, to stop


@contextlib.contextmanager
def postponed() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C, SIGTERM or SIGHUP wait for the end of the block; a second doesn't.

    Yields what tells whether one came. Signals that are ignored, or end the process without asking
    Python, stay as they are, and so do all in threads other than the main one.

    Raises:
        KeyboardInterrupt: At the end of the block, if one came.
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
