"""`ablations history add`: record measurements and verdicts by commit, for reports."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from ablations.cli import display
from ablations.history import asv, files, processes
from ablations.records.history import Commit, Conditions, Measured
from hrm.errors import UserError
from hrm.system import environment


def add(asked: argparse.Namespace) -> int:
    """JSON: {folder, added [names of files], commits, benchmarks, steps}.

    commits, benchmarks and steps are numbers in the whole history; steps are changes of level.
    """
    folder, config = Path(asked.folder), Path(asked.asv)
    root = config.parent
    known = files.read(folder)
    kept = {c.commit: c for c in known.commits} if known is not None else {}
    fresh: dict[str, Commit] = {}

    def put(record: Commit) -> None:
        fresh[record.commit] = files.merged(
            fresh.get(record.commit, kept.get(record.commit)), record
        )

    if asked.report is not None:
        put(_judged(Path(asked.report), asked.commit, root))
    else:
        taken = asv.taken(config).items() if asked.range is None else _measured(asked, root)
        for commit, (conditions, benchmarks) in taken:
            said = dataclasses.replace(conditions, note=asked.note)
            found = files.described(commit, root)
            put(dataclasses.replace(found, conditions=said, benchmarks=benchmarks))
            if asked.range is not None:  # written one by one, since measuring may be interrupted
                files.write(folder, [fresh[commit]])
    every = sorted((kept | fresh).values(), key=lambda c: c.order)
    steps = asv.steps(every)
    files.write(folder, list(fresh.values()), steps)
    data = {
        "folder": str(folder),
        "added": sorted(record.name for record in fresh.values()),
        "commits": len(every),
        "benchmarks": len(steps.found),
        "steps": sum(len(s) - 1 for one in steps.found.values() for s in one.values()),
    }
    if asked.json:
        return display.data(data)
    sys.stdout.write(
        f"{len(fresh)} commits were written to {folder}, which has {len(every)} commits, "
        f"{data['benchmarks']} benchmarks and {data['steps']} changes of level. `ablations report` "
        "shows them.\n"
    )
    return 0


def _measured(
    asked: argparse.Namespace, root: Path
) -> Iterator[tuple[str, tuple[Conditions, dict[str, Measured]]]]:
    """Measure a range of commits here, and yield their results in the form of asv's."""
    chosen = files.commits(asked.range, root, asked.steps)
    here = environment.machine(device="cpu", threads=1)
    machine = f"{here['cpu']}, {here['cores']} cores, {here['system']}"
    measured = processes.series(chosen, root=root, pattern=asked.bench, quick=asked.quick)
    for done, (commit, load, figures) in enumerate(measured, start=1):
        benchmarks: dict[str, dict[str, float | None]] = {}
        of = {name: figure for (name, _), figure in figures.items()}
        for (name, label), figure in figures.items():
            benchmarks.setdefault(name, {})[label] = figure.value
        sys.stderr.write(f"{done} of {len(chosen)}  {commit[:10]}  {len(figures)} figures\n")
        yield (
            commit,
            (
                Conditions(machine=machine, load=load, quick=asked.quick),
                {
                    name: Measured(unit=of[name].unit, version=of[name].version, values=values)
                    for name, values in benchmarks.items()
                    if any(value is not None for value in values.values())
                },
            ),
        )


def _judged(path: Path, commit: str | None, root: Path) -> Commit:
    """Return the verdicts of a report, as the record of a commit.

    Raises:
        UserError: If it isn't a report, or its runs are of several commits or none.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        claims = {row["verdict"]["id"]: row["verdict"]["group"] for row in said["rows"]}
        tier, commits = str(said["tier"]), list(said["commits"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{str(path)!r} isn't a report ({error}); allowed is a report.json that `ablations "
            "report` wrote; name one"
        ) from error
    if commit is None and len(commits) != 1:
        raise UserError(
            f"{str(path)!r} has runs of {len(commits)} commits; allowed is one commit; give the "
            "one whose code judged them with --commit"
        )
    found = files.described(commit or commits[0], root)
    return dataclasses.replace(found, tier=tier, claims=claims)
