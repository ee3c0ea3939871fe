"""One run in a process of its own: a request on standard input, JSON lines on standard output.

    {"plan": ..., "included": ..., "folder": ..., "threads": ..., "device": ...}    from the parent
    {"point": ...}, ..., then {"summary": ...} or {"error": ...}    from the child

`Children.execute` is the parent's side, ``python -m hrm.sweeps.trial`` the child's.
"""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from hrm.errors import UserError
from hrm.system import extensions, processes
from hrm.training import runs


class Died(Exception):  # noqa: N818 (a finding about the child)
    """Raised if the child ended without a summary; the message has its status."""


class Children:
    """Child processes that run plans, and can be stopped together."""

    def __init__(self) -> None:
        self.stopped = False
        self._running: set[subprocess.Popen[str]] = set()

    def execute(
        self,
        plan: runs.Plan,
        folder: Path,
        report: Callable[[runs.Point], None],
        threads: int = 1,
        device: torch.device | str = "cpu",
    ) -> dict[str, Any]:
        """Call `runs.execute`, without test scores, in a child process.

        Raises:
            Died: If the child ends early.
            UserError: As `runs.execute`.
        """
        # A session of its own, so that only the parent receives Ctrl-C from the terminal.
        child = subprocess.Popen(
            processes.python("hrm.sweeps.trial"),
            env=processes.surroundings(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._running.add(child)
        try:
            if self.stopped:
                raise Died("stopped before it began")
            return _heard(child, plan, folder, report, threads, device)
        finally:
            self._running.discard(child)
            child.terminate()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                assert pipe is not None
                with contextlib.suppress(OSError):
                    pipe.close()

    def stop(self) -> None:
        """Stop all running children, and let no other start."""
        self.stopped = True
        for child in list(self._running):
            child.terminate()


def _heard(
    child: "subprocess.Popen[str]",
    plan: runs.Plan,
    folder: Path,
    report: Callable[[runs.Point], None],
    threads: int,
    device: torch.device | str,
) -> dict[str, Any]:
    assert child.stdin is not None and child.stdout is not None
    where = {"folder": str(folder), "threads": threads, "device": str(device)}
    asked = {"plan": plan.to_json(), "included": extensions.included(), **where}
    with contextlib.suppress(OSError):  # if the child died at once, it is reported below
        child.stdin.write(json.dumps(asked))
        child.stdin.close()
    for line in child.stdout:
        match json.loads(line):
            case {"point": point}:
                report(runs.Point(**point))
            case {"error": error}:
                raise UserError(error)
            case {"summary": summary}:
                return dict(summary)
    raise Died(f"its process ended with status {child.wait()}")


def main() -> None:
    """Run the plan that standard input contains."""
    asked = json.load(sys.stdin)

    def say(what: str, value: Any) -> None:
        sys.stdout.write(json.dumps({what: value}) + "\n")
        sys.stdout.flush()

    try:
        for name in asked["included"]:
            extensions.load(name)
        summary = runs.execute(
            runs.plan_from(asked["plan"]),
            Path(asked["folder"]),
            report=lambda point: say("point", asdict(point)),
            threads=asked["threads"],
            device=asked["device"],
            test=False,
        )
        say("summary", summary)
    except UserError as error:
        say("error", str(error))
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGTERM) from None


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that completed work is kept
    main()
