"""What something was computed on and with: machine, versions, commit; torch isn't imported."""

import functools
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

root = Path(__file__).resolve().parents[2]


@functools.cache
def cpu_model() -> str:
    """Return the processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


@functools.cache
def accelerator() -> str | None:
    """Return the name of the first NVIDIA accelerator, None without one."""
    found = _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    return found.splitlines()[0].strip() if found else None


def machine(*, device: str, threads: int) -> dict[str, Any]:
    """Return this machine as it is now: cpu, cores, threads, system, accelerator, load.

    The accelerator is named only where `device` uses it.
    """
    return {
        "cpu": cpu_model(),
        "cores": _cores(),
        "threads": threads,
        "system": f"{platform.system()} {platform.machine()}",
        "accelerator": accelerator() if device == "cuda" else None,
        "load": round(os.getloadavg()[0], 2),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed versions of packages, "none" for those that aren't."""
    return {name: _version(name) for name in packages}


@functools.cache
def commit() -> tuple[str | None, bool | None]:
    """Return the project's commit and whether its tree has changes; None for what git can't tell.

    A repository that merely surrounds an installed copy of the project doesn't count.
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
    """Return what a command prints, None if it can't be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()
