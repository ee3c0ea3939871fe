"""What the command lines `hrm` and `ablations` share: errors on one line, and an orderly end."""

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from hrm.errors import UserError

_ours = ("ablations", "bench", "hrm", "reports")
_signalled = 128  # a process that a signal ends has this status and the signal's number


class Parser(argparse.ArgumentParser):
    """argparse with its errors on one line."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where to read more; exit with 2."""
        said = " ".join(message.split())
        sys.stderr.write(f"{self.prog}: {said}; see `{self.prog} --help`\n")
        raise SystemExit(2)


def run(name: str, job: Callable[[], int], stopped: str) -> NoReturn:
    """Do a command's job and exit with its status.

    A mistake, and a file that can't be read or written, end in one line and status 2; Ctrl-C in
    status 130 and SIGTERM in 143, with everything cleaned up in both cases; a reader that has gone
    away, as in ``hrm summary act-v1 | head``, is no failure.

    Args:
        name: Of the program, before its messages.
        job: Does all the work, parsing and slow imports included, and returns the status.
        stopped: What is said after Ctrl-C.
    """
    _streams()
    with _terminable() as ended:
        try:
            status = _status(name, job)
        except KeyboardInterrupt:
            sys.stderr.write(f"{name}: {stopped}\n")
            status = _signalled + signal.SIGINT
        if ended:
            status = _signalled + signal.SIGTERM
    raise SystemExit(status)


def _status(name: str, job: Callable[[], int]) -> int | str | None:
    """Return the status of a job, its mistakes told; Ctrl-C passes."""
    status: int | str | None
    try:
        try:
            status = job()
        except SystemExit as error:  # argparse: help was printed, or a mistake named
            status = error.code
        sys.stdout.flush()
    except UserError as error:
        sys.stderr.write(f"{name}: {' '.join(str(error).split())}\n")
        status = 2
    except BrokenPipeError:
        _forget_output()
        status = 0
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in _ours:  # our mistake
            raise
        sys.stderr.write(
            f"{name}: package {package!r} can't be imported; allowed is an environment with all "
            "that this needs; pip install -c constraints.txt -e .\n"
        )
        status = 2
    except OSError as error:
        sys.stderr.write(f"{name}: {' '.join(_refused(error).split())}\n")
        _forget_output()
        status = 2
    return status


def _refused(error: OSError) -> str:
    where = "a file or the output" if error.filename is None else repr(os.fspath(error.filename))
    return (
        f"{where} can't be used ({error.strerror or error}); allowed is what you may read and "
        f"write, on a disk with room; mend that, or name another, and run the same command again"
    )


def _streams() -> None:
    """Have both streams, if only to nowhere, and have them take any text."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed, as by `>&-`
            setattr(sys, stream, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        with contextlib.suppress(AttributeError):  # whatever a caller has put there
            getattr(sys, stream).reconfigure(errors="replace")


def _forget_output() -> None:
    """Send what is still to be written to nowhere: the end of the process would try again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def _terminable() -> Iterator[list[int]]:
    """Let SIGTERM end the block as Ctrl-C does; yields a list that it puts its number into.

    Under torchrun it ends the process at once, as ever: it comes while others wait for this one,
    or this one for others, where Python isn't asked.
    """
    came: list[int] = []

    def end(number: int, _: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        or "TORCHELASTIC_RUN_ID" in os.environ
    ):
        yield came
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
