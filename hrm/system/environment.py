"""The environment of a computation: devices, machine, versions, commit.

torch is imported only when a GPU is asked for.
"""

import contextlib
import functools
import importlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hrm.errors import UserError

root = Path(__file__).resolve().parents[2]


@functools.cache
def cpu_model() -> str:
    """Return the name of the processor, as reported by the system."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


@functools.cache
def gpus() -> tuple[str, ...]:
    """Return the names of the GPUs that torch computes on here, by number.

    They are those that torch reports. A driver may list others, for which this torch isn't built or
    which CUDA_VISIBLE_DEVICES hides.
    """
    cuda = importlib.import_module("torch").cuda
    return tuple(cuda.get_device_name(number) for number in range(cuda.device_count()))


def known(device: str) -> str:
    """Return the name of a device, checked to exist: cpu, cuda or cuda:NUMBER.

    Raises:
        UserError: If there is no device of that name.
    """
    if device == "cpu":
        return device
    here = len(gpus())
    names = ["cpu", *(["cuda"] if here else []), *(f"cuda:{i}" for i in range(here))]
    if device not in names:
        without = "" if here else ", since torch finds no GPU here"
        raise UserError(
            f"device is {device!r}; allowed is {', '.join(names)}{without}; choose one of these"
        )
    return device


@functools.cache
def compiler() -> None:
    """Check torch's compiler on a function of one addition, before anything depends on it.

    Compiled code is cached in `cache_folder()`, unless TORCHINDUCTOR_CACHE_DIR names another
    folder, so that the next process loads it in seconds. Compiling uses only the calling thread.

    Raises:
        UserError: If compiling fails, for example without a C++ compiler.
    """
    with contextlib.suppress(RuntimeError):  # then torch's default folder is used
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "compiled"))
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    torch = importlib.import_module("torch")
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(2))
    except Exception as error:
        why = (" ".join(str(error).split()) or type(error).__name__)[:160]
        raise UserError(
            f"torch can't compile here ({type(error).__name__}: {why}); allowed is a machine with "
            f"a C++ compiler; leave --compile out (or use --mode eager), or install one"
        ) from error


def cache_folder() -> Path:
    """Return ``$XDG_CACHE_HOME/hrm-ablations``, by default in ``~/.cache``.

    Raises:
        RuntimeError: If there is no home directory either.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "hrm-ablations"


def accelerator(device: str = "cuda") -> str | None:
    """Return the name of the GPU of a device; None for the CPU, and if there is no GPU."""
    if not device.startswith("cuda"):
        return None
    number = int(device.partition(":")[2] or 0)
    return gpus()[number] if number < len(gpus()) else None


def machine(*, device: str, threads: int) -> dict[str, Any]:
    """Describe this machine as it is now: cpu, cores, threads, system, accelerator, load.

    The accelerator is named only if `device` is one.
    """
    return {
        "cpu": cpu_model(),
        "cores": _cores(),
        "threads": threads,
        "system": f"{platform.system()} {platform.machine()}",
        "accelerator": accelerator(device),
        "load": round(os.getloadavg()[0], 2),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed versions of packages; "none" for missing ones."""
    return {name: _version(name) for name in packages}


@functools.cache
def commit() -> tuple[str | None, bool | None]:
    """Return the project's commit, and whether its tree has changes; None if git can't tell.

    A repository that merely contains an installed copy of the project doesn't count.
    """
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top) != root:
        return None, None
    changes = _git("--no-optional-locks", "status", "--porcelain")
    return _git("rev-parse", "--verify", "HEAD"), None if changes is None else bool(changes)


def _cores() -> int:
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _git(*arguments: str) -> str | None:
    return _output("git", "-C", str(root), *arguments)


def _output(*command: str) -> str | None:
    """Return the output of a command; None if it can't be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()
