"""Run asv over a range of commits, or make its site: the command behind `tox -e bench`.

Usage: `tox -e bench -- [RANGE] [--quick] [-b PATTERN] [options of asv run]`, or `-- --publish`.

RANGE is an argument of `git rev-list --first-parent`, such as `A..B` or `HEAD~3^!`, or `NEW` for
the commits of the branch without results here, or `ALL` for all commits of the branch. The default
is `HEAD^!`, the current commit. Values of asv's options are written `--option=value`.

The present benchmarks are run at every commit, as asv does. A commit at which none of their modules
can be imported, because it is older than the code that they time, is skipped with a message.
Failures at older commits are reported. The exit status is 1 if a benchmark fails at the newest
commit, or if nothing was measured. The load of the machine is stored beside the results, in
`load.json`.

Only the standard library is needed here, and asv in the same environment.
"""

import argparse
import ast
import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.timed import QUICK

OURS = ("ablations", "hrm", "reports")
# These suites are left out of quick runs, which may take four minutes in total. `compiled`,
# `engine` and `planning` need half a minute for each value. `blocks` and `controller` build their
# models in asv's warm-up, which a quick run doesn't have; a `setup` would change their sources, and
# stored timings of claims would become stale. `layers` times the same norms and controllers.
NOT_QUICK = r"^(?!(blocks|compiled|controller|engine|planning)\.)"


@dataclass(frozen=True, kw_only=True)
class Project:
    """The settings in asv.conf.json.

    Args:
        root: The folder of that file, which is that of the repository.
        benchmarks: Folder of the suites.
        results: Folder of asv's results.
        html: Folder of asv's site.
        branch: The first of asv's branches.
    """

    root: Path
    benchmarks: Path
    results: Path
    html: Path
    branch: str

    @classmethod
    def read(cls, root: Path) -> "Project":
        """Read the settings in a folder."""
        said = json.loads((root / "asv.conf.json").read_text(encoding="utf-8"))
        return cls(
            root=root,
            benchmarks=root / said["benchmark_dir"],
            results=root / said["results_dir"],
            html=root / said["html_dir"],
            branch=said["branches"][0],
        )

    @property
    def load(self) -> Path:
        """The file with the load of the machine."""
        return self.results.parent / "load.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the requested command and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="tox -e bench --", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("range", nargs="?", default="HEAD^!", help="commits (default: HEAD^!)")
    parser.add_argument("--publish", action="store_true", help="make asv's site from the results")
    parser.add_argument("--quick", action="store_true", help="one sample per benchmark; minutes")
    parser.add_argument(
        "--steps", type=int, metavar="N", help="N commits of the range, evenly spaced"
    )
    parser.add_argument(
        "-b", "--bench", action="append", default=[], help="regular expression for benchmarks"
    )
    asked, more = parser.parse_known_args(arguments)
    project = Project.read(Path.cwd())
    if asked.publish:
        from bench import publish

        return publish.publish(project)
    commits = able(project, asked.range)
    return run(project, evenly(commits, asked.steps), asked.bench, more, quick=asked.quick)


def run(
    project: Project,
    commits: Sequence[str],
    patterns: Sequence[str],
    more: Sequence[str],
    *,
    quick: bool,
) -> int:
    """Run asv at commits, the newest first, and return the exit status."""
    if not commits:
        say("no commit of the range can be benchmarked")
        return 1
    if quick:
        patterns = patterns or [NOT_QUICK]
    listed = project.results.parent / "commits.txt"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text("\n".join(commits) + "\n", encoding="utf-8")
    asv("machine", "--yes")
    began, busy = time.time(), load()
    status = asv(
        "run",
        f"HASHFILE:{listed}",
        "--launch-method=forkserver",
        *(["--quick"] if quick else ["--show-stderr"]),
        *(f"--bench={pattern}" for pattern in patterns),
        *more,
        quick=quick,
    )
    note(project, commits, max(busy, load()), quick=quick)
    counts = {commit: measured(project, commit, began) for commit in commits}
    for commit, (found, failed) in counts.items():
        said = f"; failed: {', '.join(failed)}" if failed else ""
        say(f"{commit[:10]} {found} benchmarks measured{said}")
    if not sum(found for found, _ in counts.values()):
        say("nothing was measured")
        return 1
    newest = counts[commits[0]]
    return int(status == 1 or bool(newest[1]) or not newest[0])


# -- commits --------------------------------------------------------------------------------------
def chosen(project: Project, text: str) -> list[str]:
    """Return the commits of a range, newest first.

    Raises:
        SystemExit: If git doesn't know it.
    """
    if text not in ("ALL", "NEW"):
        return git("rev-list", "--first-parent", text, "--").split()
    branch = project.branch if has_branch(project) else "HEAD"
    done = {path.name.partition("-")[0] for path in files(project)} if text == "NEW" else set()
    every = git("rev-list", "--first-parent", branch).split()
    return [commit for commit in every if commit[:8] not in {name[:8] for name in done}]


def has_branch(project: Project) -> bool:
    """Return whether the repository has asv's branch."""
    command = ["git", "rev-parse", "--verify", "--quiet", project.branch]
    known = subprocess.run(command, cwd=project.root, capture_output=True, check=False)
    return known.returncode == 0


def able(project: Project, text: str) -> list[str]:
    """Return the commits of a range at which benchmarks can run, and report the others."""
    found = []
    for commit in chosen(project, text):
        missing = lacks(project, commit)
        if missing:
            say(f"{commit[:10]} is skipped: it has no {missing}, which every benchmark needs")
        else:
            found.append(commit)
    return found


def evenly(commits: Sequence[str], number: int | None) -> list[str]:
    """Return `number` of some commits, including the first and the last; None for all."""
    if number is None or number >= len(commits):
        return list(commits)
    if number < 2:
        return list(commits[:number])
    return [commits[round(i * (len(commits) - 1) / (number - 1))] for i in range(number)]


def lacks(project: Project, commit: str) -> str:
    """Return a module that every suite imports and a commit lacks, "" if a suite can run."""
    there = set(git("ls-tree", "-r", "--name-only", commit).splitlines())
    if "pyproject.toml" not in there:
        return "pyproject.toml"
    if not any(path.startswith(f"{project.benchmarks.name}/") for path in there):
        return f"{project.benchmarks.name}/"
    first = ""
    for path in sorted(project.benchmarks.glob("*.py")):
        needed = [name for name in imports(path) if name.partition(".")[0] in OURS]
        missing = [name for name in needed if not has(there, name)]
        if needed and not missing:
            return ""
        first = first or ", ".join(missing)
    return first


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports at its top level."""
    for node in ast.parse(path.read_bytes()).body:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module


def has(paths: Collection[str], module: str) -> bool:
    """Return whether a module is among the files of a commit."""
    stem = module.replace(".", "/")
    return f"{stem}.py" in paths or f"{stem}/__init__.py" in paths


def git(*arguments: str) -> str:
    """Return the output of git.

    Raises:
        SystemExit: If git fails, with its error message.
    """
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(arguments)}: {done.stderr.strip().splitlines()[0]}")
    return done.stdout


# -- results --------------------------------------------------------------------------------------
def asv(*arguments: str, quick: bool = False) -> int:
    """Run asv and return its exit status."""
    env = dict(os.environ)
    env.pop(QUICK, None)
    if quick:
        env[QUICK] = "1"
    return subprocess.run(
        [sys.executable, "-P", "-m", "asv", *arguments], env=env, check=False
    ).returncode


def files(project: Project) -> list[Path]:
    """Return asv's files of results: a folder per machine, a file per commit and environment."""
    known = {"machine.json", "benchmarks.json"}
    return [path for path in sorted(project.results.glob("*/*.json")) if path.name not in known]


def measured(project: Project, commit: str, since: float) -> tuple[int, list[str]]:
    """Return the number of measured benchmarks at a commit, and the names of those that failed."""
    found, failed = 0, []
    for path in files(project):
        if not path.name.startswith(commit[:8]) or path.stat().st_mtime < since - 1:
            continue
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        column = said["result_columns"].index("result")
        for name, row in said["results"].items():
            values = row[column] if row else None
            found += values is not None and any(v is not None and v == v for v in values)
            if values is None or any(v is None for v in values):
                failed.append(name)
    return found, failed


def load() -> float:
    """Return the load of the last minute: running processes per core."""
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)


def note(project: Project, commits: Sequence[str], busy: float, *, quick: bool) -> None:
    """Store the load of the machine while commits were benchmarked."""
    known: dict[str, Any] = {}
    if project.load.exists():
        try:
            known = json.loads(project.load.read_text(encoding="utf-8"))
        except ValueError as error:  # cut by a kill; the benchmarks themselves are asv's
            say(f"{project.load} can't be read ({error}); the loads of earlier commits are lost")
    known |= {commit: {"load": busy, "quick": quick} for commit in commits}
    project.load.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def say(text: str) -> None:
    """Print a message."""
    sys.stderr.write(f"bench: {text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
