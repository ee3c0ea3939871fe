"""Benchmarks of commits, each measured by a fresh process in a checkout of its own.

All commits use the packages of the present interpreter, so that nothing is built.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.history import measure
from ablations.history.asv import label
from ablations.runs.workers import thread_variables
from hrm.errors import UserError

QUICK = "BENCH_QUICK"  # environment variable that `bench.timed` reads

Key = tuple[str, str]  # name and parameters of a benchmark


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The measurement of one benchmark by one process.

    Args:
        version: Figures of different versions aren't comparable.
        value: The value; None if there is none, with the reason in `why`.
    """

    version: str
    unit: str
    value: float | None
    why: str = ""


def measured(folder: Path, pattern: str, *, quick: bool) -> dict[Key, Figure]:
    """Return the measurements of the benchmarks in a folder by one fresh process.

    Raises:
        UserError: If the process fails before it measures anything.
    """
    if importlib.util.find_spec("asv_runner") is None:
        raise UserError(
            "package 'asv_runner' isn't installed; allowed is an environment with it, to find "
            "benchmarks; pip install 'hrm-ablations[bench]'"
        )
    script = Path(str(measure.__file__))
    env = {name: value for name, value in os.environ.items() if name != QUICK}
    env |= dict.fromkeys(thread_variables, "1")
    env |= {"PYTHONPATH": str(folder.parent), "PYTHONHASHSEED": "0"}
    env |= {QUICK: "1"} if quick else {}
    command = [sys.executable, "-P", str(script), str(folder), str(int(quick)), pattern]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(
            f"the benchmarks of commit {folder.parent.name} can't be measured ({last}); allowed is "
            f"a commit with {folder.name}/ that runs with the installed packages; choose another"
        )
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith('["'):  # other lines are output of the suites
            name, labels, version, unit, value, why = json.loads(line)
            found[name, label(labels)] = Figure(version=version, unit=unit, value=value, why=why)
    return found


def series(
    commits: Sequence[str], *, root: Path, pattern: str, quick: bool
) -> Iterator[tuple[str, float, Mapping[Key, Figure]]]:
    """Yield each commit with the load of the machine and the measurements of one fresh process.

    The present benchmarks measure every commit, as with asv.

    Raises:
        UserError: If git doesn't know a commit.
    """
    name = suites(root)
    for commit in commits:
        with trees(root, (commit,)) as (folder,):
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(root / name, folder / name)
            load = busy()
            found = measured(folder / name, pattern, quick=quick)
            yield commit, max(load, busy()), found


def suites(root: Path) -> str:
    """Return the folder of a repository's benchmarks."""
    settings = root / "asv.conf.json"
    return str(json.loads(settings.read_text())["benchmark_dir"]) if settings.exists() else "bench"


@contextlib.contextmanager
def trees(root: Path, commits: Sequence[str]) -> Iterator[tuple[Path, ...]]:
    """Check out commits into folders of their own, and remove these at the end.

    Raises:
        UserError: If git doesn't know one of them.
    """
    with tempfile.TemporaryDirectory(prefix="bench-compare-") as temporary:
        folders = []
        try:
            for i, commit in enumerate(commits):
                folder = Path(temporary) / f"{'ab'[i]}"
                _git(root, "worktree", "add", "--detach", "--quiet", str(folder), commit)
                folders.append(folder)
            yield tuple(folders)
        finally:
            for folder in folders:
                _git(root, "worktree", "remove", "--force", str(folder))


def busy() -> float:
    """Return the load of the last minute: running processes per core."""
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)


def _git(root: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(
            f"git {' '.join(arguments[:2])} failed for {arguments[-1]!r} ({said}); allowed are "
            "commits of this repository; name one"
        )
