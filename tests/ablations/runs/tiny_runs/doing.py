"""Functions of the tests' protocols; none needs torch."""

import ctypes
import fcntl
import os
import resource
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from ablations.protocols.base import Outcome
from ablations.runs import locks
from hrm.errors import Diverged


def run(inputs):
    return globals()[inputs.protocol.does](inputs)


def each(inputs, **found):
    return Outcome(observations=[dict(found) for _ in inputs.arms])


def add(inputs):
    """Add the seed to each arm; return one more weight than was given."""
    asked = inputs.protocol
    if asked.path:
        with Path(asked.path).open("a") as log:
            log.write(f"{inputs.seed} {os.getpid()}\n")
    time.sleep(asked.seconds)
    before = dict(inputs.weights or {})
    found = [
        {
            "sum": arm.value + inputs.seed,
            "given": sorted(before),
            "losses": np.linspace(0.0, arm.value, 5),
            "nested": {"right": np.array([True, False]), "n": np.int64(3)},
        }
        for arm in inputs.arms
    ]
    return Outcome(
        observations=found,
        weights={**before, f"w{len(before)}": np.full(3, float(inputs.seed))},
    )


def tensors(inputs):
    """Return two views of one tensor as weights, and the given weights as observations."""
    import torch

    found = {name: (type(t).__name__, t.tolist()) for name, t in (inputs.weights or {}).items()}
    both = torch.arange(4.0, requires_grad=True)
    return Outcome(
        observations=[{"given": found} for _ in inputs.arms],
        weights={"all": both, "last": both[2:]},
    )


def no_weights(inputs):
    return each(inputs)


def threads(inputs):
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return each(inputs, **{name: os.environ.get(name) for name in names})


def search_path(inputs):
    return each(inputs, path=sys.path, folder=str(Path.cwd()))


def take_threads(inputs):
    """Pretend that torch computes on several threads."""
    cpu = SimpleNamespace(get_cpu_capability=lambda: "AVX2")
    sys.modules["torch"] = SimpleNamespace(
        get_num_threads=lambda: 4, backends=SimpleNamespace(cpu=cpu)
    )
    return each(inputs)


def kill_itself(inputs):
    """Kill this process a given number of times, then add."""
    tries = Path(inputs.protocol.path)
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    if len(tries.read_text()) <= inputs.protocol.times:
        os.kill(os.getpid(), signal.SIGKILL)
    return each(inputs)


def die(text):
    """Work for an engine that always kills its process."""
    os.kill(os.getpid(), signal.SIGKILL)


def echo(text):
    """Work for an engine that writes to standard output, and returns its argument."""
    os.write(1, b"something else\n")
    return text


def fail(inputs):
    raise ValueError("two\nlines")


def run_out_of_memory(inputs):
    raise MemoryError


def want_memory(inputs):
    """Ask for more than the system gives this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**26, hard))
    try:
        return each(inputs, filled=len(bytearray(2**28)))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def want_tensors(inputs):
    """Ask torch for more than any machine has."""
    import torch

    return each(inputs, filled=torch.empty(2**50).numel())


def leave_much(inputs):
    """Leave arrays of 40 kB."""
    return each(inputs, much=np.zeros(5000))


def diverge(inputs):
    losses = [1.0, float("inf"), float("nan")]
    raise Diverged(7, "the loss is nan", [{"losses": losses, "array": np.array(losses)}])


def return_a_set(inputs):
    return each(inputs, value={1, 2})


def return_words(inputs):
    return each(inputs, value=np.array(["a", "b"]))


def return_too_much(inputs):
    return Outcome(observations=[{}, *({} for _ in inputs.arms)])


def interrupt(inputs):
    raise KeyboardInterrupt


def hold_the_interpreter(inputs):
    """Hold the interpreter for the given seconds; 0 stands for a minute."""
    hold(round(inputs.protocol.seconds) or 60)
    return each(inputs)


def hold(seconds):
    """Sleep without letting another thread of this process run."""
    ctypes.PyDLL(None).sleep(seconds)


def allocate(inputs):
    return each(inputs, filled=len(bytearray(b"x") * inputs.protocol.times))


def burn(inputs):
    until = time.process_time() + inputs.protocol.seconds
    while time.process_time() < until:
        pass
    return each(inputs)


def who_holds(inputs):
    """Return the id of this process, and whether the machine's lock is exclusive or shared."""
    with locks.path().open() as file:
        for kind, held in ((fcntl.LOCK_EX, "nobody"), (fcntl.LOCK_SH, "shared")):
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                held = "alone"
    return each(inputs, pid=os.getpid(), lock=held)
