"""A worker process: reads pieces of work from standard input, one JSON line each, and answers.

It ends when its standard input closes, so that it never outlives its coordinator, even if that is
killed.
"""

import importlib
import json
import os
import queue
import sys
import threading
from typing import BinaryIO

from ablations.runs import attempts
from ablations.runs.workers import reply
from hrm.errors import UserError


def main() -> None:
    """Serve until the input ends. Output that the work prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    attempts.may_be_killed = True
    lines = queue.Queue[bytes]()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, lines), daemon=True).start()
    while True:
        replies.write(json.dumps(_answer(lines.get())).encode() + b"\n")
        replies.flush()


def _listen(source: BinaryIO, lines: "queue.Queue[bytes]") -> None:
    """Read lines in the background; when the input ends, the process ends at once."""
    for line in source:
        lines.put(line)
    os._exit(1)


def _answer(line: bytes) -> dict[str, str]:
    asked = json.loads(line)
    module, _, name = asked["work"].partition(":")
    try:
        return reply(getattr(importlib.import_module(module), name)(asked["text"]))
    except UserError as error:
        return reply(error)
    except Exception as error:  # noqa: BLE001 (the coordinator raises it again)
        return reply(RuntimeError(attempts.line(error)))


if __name__ == "__main__":
    main()
