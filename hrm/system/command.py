"""Shared parts of the command lines `hrm` and `ablations`: errors, exit status and signals."""

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from hrm.errors import UserError
from hrm.system.interrupts import ENDING

_ours = ("ablations", "bench", "hrm", "reports")
_signalled = 128  # the exit status after a signal is this plus the signal's number


class Parser(argparse.ArgumentParser):
    """argparse with errors on one line, and without abbreviated options.

    An abbreviation such as ``--data`` for ``--data-seed`` would become ambiguous when an option is
    added.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **named})

    def error(self, message: str) -> NoReturn:
        """Print the error and where to find help; exit with status 2."""
        said = " ".join(message.split())
        sys.stderr.write(f"{self.prog}: {said}; see `{self.prog} --help`\n")
        raise SystemExit(2)


def run(name: str, job: Callable[[], int], stopped: str) -> NoReturn:
    """Do a command's job and exit with its status.

    A mistake of the user, and a file that can't be read or written, print one line and give status
    2. Ctrl-C gives status 130, SIGTERM 143, and SIGHUP (a closed terminal) 129; everything is
    cleaned up first. A closed pipe, as in ``hrm summary act-v1 | head``, isn't a failure.

    Args:
        name: Name of the program, which precedes its messages.
        job: Does all the work, including parsing and slow imports, and returns the status.
        stopped: The message after Ctrl-C.
    """
    _streams()
    with _terminable() as ended:
        try:
            status = _status(name, job)
        except KeyboardInterrupt:
            _say(f"{name}: {stopped}\n")
            status = _signalled + signal.SIGINT
        if ended:
            status = _signalled + ended[0]
    raise SystemExit(status)


def _status(name: str, job: Callable[[], int]) -> int | str | None:
    """Return the status of a job, after printing mistakes; Ctrl-C is passed on."""
    status: int | str | None
    try:
        try:
            status = job()
        except SystemExit as error:  # from argparse, which has printed help or an error
            status = error.code
        sys.stdout.flush()
    except UserError as error:
        _say(f"{name}: {' '.join(str(error).split())}\n")
        status = 2
    except BrokenPipeError:
        _forget_output()
        status = 0
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in _ours:  # a bug of ours, to be raised
            raise
        _say(
            f"{name}: package {package!r} can't be imported; allowed is an environment with all "
            "required packages; pip install -c constraints.txt -e .\n"
        )
        status = 2
    except OSError as error:
        _say(f"{name}: {' '.join(_refused(error).split())}\n")
        _forget_output()
        status = 2
    return status


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # if the terminal was closed
        sys.stderr.write(text)


def _refused(error: OSError) -> str:
    where = "a file or the output" if error.filename is None else repr(os.fspath(error.filename))
    return (
        f"{where} can't be used ({error.strerror or error}); allowed is one that you may read and "
        f"write, on a disk with room; mend that, or name another, and run the same command again"
    )


def _streams() -> None:
    """Make sure that both streams exist and accept any text."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed, as by `>&-`
            setattr(sys, stream, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        with contextlib.suppress(AttributeError):  # a caller may have replaced the stream
            getattr(sys, stream).reconfigure(errors="replace")


def _forget_output() -> None:
    """Discard buffered output, which the interpreter would otherwise try to write at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def _terminable() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does; yields a list for their numbers.

    Under torchrun they end the process at once, as by default, because they arrive while processes
    wait for each other outside of Python. A signal that is ignored, as after nohup, stays ignored.
    """
    came: list[int] = []

    def end(number: int, _: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    ours = [n for n in ENDING[1:] if signal.getsignal(n) is signal.SIG_DFL]
    if (
        threading.current_thread() is not threading.main_thread()
        or "TORCHELASTIC_RUN_ID" in os.environ
    ):
        ours = []
    for number in ours:
        signal.signal(number, end)
    try:
        yield came
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
