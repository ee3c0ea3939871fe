"""Workloads for the tests: each takes (arms, settings, seed, device), as the real ones do."""

import ctypes
import fcntl
import os
import random
import signal
import sys
import time
from pathlib import Path

from ablations import locks
from hrm.errors import Diverged


def add(arms, settings, seed, device):
    if "log" in settings:
        with Path(settings["log"]).open("a") as log:
            log.write(f"{seed} {os.getpid()}\n")
    time.sleep(settings.get("seconds", 0))
    return [{"sum": arm["value"] + seed, "device": device} for arm in arms]


def threads(arms, settings, seed, device):
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return [{name: os.environ.get(name) for name in names} for _ in arms]


def kill_itself(arms, settings, seed, device):
    """Is killed as often as asked, then adds."""
    tries = Path(settings["tries"])
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    if len(tries.read_text()) <= settings["times"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return add(arms, settings, seed, device)


def die(text):
    """For an engine: is killed whatever it gets."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(arms, settings, seed, device):
    raise ValueError("two\nlines")


def run_out_of_memory(arms, settings, seed, device):
    raise MemoryError


def diverge(arms, settings, seed, device):
    raise Diverged(7, "the loss is nan", [{"losses": [1.0, float("inf"), float("nan")]}])


def return_a_set(arms, settings, seed, device):
    return [{"value": {1, 2}} for _ in arms]


def return_too_much(arms, settings, seed, device):
    return [{}, *({} for _ in arms)]


def interrupt(arms, settings, seed, device):
    raise KeyboardInterrupt


def hold_the_interpreter(arms, settings, seed, device):
    """Sleep so that no other thread of this process gets a turn."""
    ctypes.PyDLL(None).sleep(60)


def allocate(arms, settings, seed, device):
    size = settings["bytes"]
    return [{"filled": len(bytearray(b"x") * size)} for _ in arms]


def burn(arms, settings, seed, device):
    until = time.process_time() + settings["seconds"]
    while time.process_time() < until:
        pass
    return [{} for _ in arms]


def who_holds(arms, settings, seed, device):
    """Tell which process this is, and whether it has the machine alone or shares it."""
    with locks.path().open() as file:
        for kind, held in ((fcntl.LOCK_EX, "nobody"), (fcntl.LOCK_SH, "shared")):
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                held = "alone"
    return [{"pid": os.getpid(), "lock": held, "main": "pytest" in sys.modules} for _ in arms]


def noisy(arms, settings, seed, device):
    """Score each arm: its effect, and noise that the seed draws."""
    noise = random.Random(100 + seed)  # seeds whose contrasts aren't skewed
    return [
        {
            "score": 0.5 + effect + noise.gauss(0, settings["noise"]),
            "margin": 0.1,
            "error": 0.01,
        }
        for _, effect in zip(arms, settings["effects"], strict=True)
    ]


def noisy_and_interrupted(arms, settings, seed, device):
    """Score as `noisy` does, but for one Ctrl-C: at a seed, the first time that it is asked for."""
    once = Path(settings["once"])
    if seed == settings["at"] and not once.exists():
        once.touch()
        signal.raise_signal(signal.SIGINT)
    return noisy(arms, settings, seed, device)
