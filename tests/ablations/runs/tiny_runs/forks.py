"""Start processes by forking one with all imports done, so that 1,000 of them take a minute.

It reads JSON lines: {"cli": arguments} or {"write": store} is answered with a process id, and
{"wait": process id} with the exit status of that process. With {"cli": arguments, "output": path},
what the command prints is written to a file.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import replace

import numpy as np

from ablations.cli import main as cli
from ablations.cli import results, running  # noqa: F401 (imported before forking)
from ablations.runs import cluster, runner, sidecars, weights  # noqa: F401 (likewise)
from ablations.runs.store import Store
from tiny_runs import stored


def write(folder):
    """Add records with arrays and weights until killed."""
    store = Store.open(folder, create=True)
    with store.coordinate():
        number = len(store.fingerprints())
        while True:
            number += 1
            fingerprint = f"{number:064x}"
            path = store.path((fingerprint, stored.attempt(number)), ".safetensors")
            sidecar = sidecars.save(path, {"0/losses": np.full(50, float(number))})
            left = weights.save(store.folder, b"weights %d" % (number % 7))
            found = stored.a_result(
                fingerprint, number, observations=({"losses": {"array": "0/losses"}},)
            )
            store.add(replace(found, sidecar=sidecar, weights=left))


def serve():
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
        else:
            answer = os.fork()
            if not answer:
                child(asked)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def child(asked):
    """Do the requested work, and end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    output = os.open(asked.get("output", os.devnull), os.O_WRONLY | os.O_CREAT, 0o600)
    for handle, file in ((0, nowhere), (1, output)):
        os.dup2(file, handle)
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if "write" in asked:
            write(asked["write"])
        cli(asked["cli"])
    except SystemExit as error:
        status = error.code
    except BaseException:  # noqa: BLE001 (said, and the process ends)
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(status)


class Forks:
    """The client of this process."""

    def __init__(self):
        self.server = subprocess.Popen(
            [sys.executable, "-P", "-m", "tiny_runs.forks"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.server.stdout.readline() == "ready\n"

    def start(self, **asked):
        """Start a process and return its id."""
        return self._ask(asked)

    def wait(self, pid):
        """Return the exit status of a process, or minus the signal that killed it."""
        return self._ask({"wait": pid})

    def stop(self):
        self.server.stdin.close()
        self.server.stdout.close()
        self.server.wait()

    def _ask(self, asked):
        self.server.stdin.write(json.dumps(asked) + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())


if __name__ == "__main__":
    serve()
