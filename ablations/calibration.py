"""How often the engine's own rule is wrong where the truth is known.

For every form, noise and number of pairs, samples are drawn at every place of the truth and judged
by `verdict.settle`: the rule itself, for many samples at once. A false verdict may come 1.25 times
as often as the claim's level says, 1 − level, by the upper Clopper-Pearson bound of 97.5 %; where
it may come more often, or too few samples were drawn to tell, verdicts are withheld (`flag`).

Which cell is a claim's? No sample shows the noise that it comes from: a long tail harms just where
it hasn't been seen (`statistics.skewed`). So a claim is held to all noises of the table. What sets
the cell apart is known beforehand: the form, the pairs (the most that the table has and the claim
reaches), and whether the contrasts are symmetric by construction (noise in all arms alike) or not
(noise in one arm).

The table is stored with the digest of the engine's sources, and shown in each report.
"""

import functools
import hashlib
import itertools
import json
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path

from ablations import sequential, sources
from ablations.engine import Processes, Serial
from ablations.noise import ALL, ONE, shapes, worlds
from ablations.simulation import Filled, Open, PowerTask, Task, WholeTask
from ablations.statistics import clopper_pearson
from ablations.tables import Bounded, Calibrated, Calibration, Cell, Power, Whole
from hrm.errors import UserError
from hrm.system.files import whole

limit = 1.25  # times the nominal rate that a false verdict's upper bound may reach
enough = 10_000  # samples for a power
most_wrong = 0.05  # of whole reports that may have a false CONFIRMED
sizes = (12, 16, 20, 32, 40)
never_looked_at = ("timing",)  # a series' pairs come in blocks, and are cheap
sharp = 0.95  # level of the sharper check, without the family
sharp_replicates = {12: 4000, 16: 4000, 20: 4000, 32: 1000}  # plenty at that level
reports_per_replicate, fewest_reports = 0.1, 1000
engine = (
    "flips",
    "forms",
    "noise",
    "places",
    "power",
    "sequential",
    "simulation",
    "statistics",
    "verdict",
)

Progress = Callable[[float], None]
Key = tuple[object, ...]


def calibrate(
    replicates: int,
    members: int,
    *,
    jobs: int = 1,
    path: Path | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Fill the table; what is done is kept every second, and what is kept isn't drawn again.

    Args:
        replicates: Samples at each place, at the family's level; a tenth as many whole reports.
        members: Of the family.
        jobs: Processes. progress: Told the share of the work that is done, first and after each
            cell, if any is left to fill.
        path: Where the whole table goes; until then it grows in a file beside it.

    Raises:
        UserError: If the file can't be written or holds something else, or a process is killed.
    """
    if path is not None:
        writable(path)
    level = 1 - 0.05 / members
    made = Calibration(
        digest=digest(), level=level, replicates=replicates, cells=(), wholes=(), powers=()
    )
    growing = path and path.with_name(f"{path.name}.part")
    stored: list[Filled] = []
    for file in (path, growing):
        before = load(file) if file and file.exists() else made
        if (before.digest, before.level, before.replicates) == (made.digest, level, replicates):
            stored += [*before.cells, *before.wholes, *before.powers]
    tasks: list[Open] = [*_tasks(replicates, level), *_powers(replicates, level)]
    tasks += _wholes(replicates, members, level)
    found = {_key(row): row for row in stored}
    left = [task for task in tasks if _key(task) not in found]
    total = sum(task.work for task in tasks)
    done = total - sum(task.work for task in left)
    if progress is not None and left:
        progress(done / total)
    kept = -math.inf
    try:
        for task, fresh in _run(left, jobs):
            found[_key(fresh)] = fresh
            if growing is not None and time.monotonic() > kept + 1:
                save(_table(made, tasks, found), growing)
                kept = time.monotonic()
            done += task.work
            if progress is not None:
                progress(done / total)
    finally:
        if growing is not None and left:
            save(_table(made, tasks, found), growing)
    made = _table(made, tasks, found)
    if path is not None and growing is not None:
        save(made, path)
        growing.unlink(missing_ok=True)
    return made


def _table(made: Calibration, tasks: Sequence[Open], found: Mapping[Key, Filled]) -> Calibration:
    rows = [found[_key(task)] for task in tasks if _key(task) in found]
    return replace(
        made,
        cells=tuple(row for row in rows if isinstance(row, Cell)),
        wholes=tuple(row for row in rows if isinstance(row, Whole)),
        powers=tuple(row for row in rows if isinstance(row, Power)),
    )


def digest() -> str:
    """Return the SHA-256 over what the engine's sources compute."""
    modules = {
        name: sha
        for name, sha in sources.closure([f"ablations.{name}" for name in engine]).items()
        if name.split(".")[1:2] and name.split(".")[1] in engine
    }
    text = "".join(f"{name} {sha}\n" for name, sha in sorted(modules.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def load(path: Path) -> Calibration:
    """Return a stored table.

    Raises:
        UserError: If the file isn't one.
    """
    try:
        return Calibration.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{str(path)!r} holds no calibration ({' '.join(str(error).split())}); a file made by "
            "`ablations calibrate` is needed; remove it, and it is made anew"
        ) from error


def save(made: Calibration, path: Path) -> None:
    """Write a table, a line a cell; as `write` does."""
    data = made.to_json()
    lists = {name: data.pop(name) for name in ("cells", "wholes", "powers")}
    head = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in data.items())
    body = ",\n".join(
        f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]"
        for name, rows in lists.items()
    )
    write(path, f"{{\n{head},\n{body}\n}}\n")


def write(path: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Raises:
        UserError: If it can't be written.
    """
    writable(path)
    try:
        with whole(path) as temporary:
            temporary.write_text(text, "utf-8")
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error


def writable(path: Path) -> None:
    """Refuse a file that can't be written, before the work that it is to hold.

    Raises:
        UserError: If it is a folder, or its own folder can't be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if not os.access(path.parent, os.W_OK):
        raise _unwritable(path, "its folder may not be written to")


def _unwritable(path: Path, why: str) -> UserError:
    return UserError(
        f"{str(path)!r} can't be written ({why}); a file in a folder that may be written to is "
        "needed; name another one"
    )


@functools.cache
def committed() -> Calibration | None:
    """Return the table that was committed with the engine, None if there is none."""
    path = resources.files("ablations").joinpath("calibration.json")
    return Calibration.from_json(json.loads(path.read_text("utf-8"))) if path.is_file() else None


def flag(
    made: Calibration | None,
    form: str,
    n: int,
    symmetric: bool,
    *,
    level: float,
    looks: bool = False,
) -> str:
    """Return why verdicts of such claims are withheld, "" if they aren't.

    Args:
        made: The table.
        form: The form's name. n: Pairs. symmetric: Whether by construction.
        level: The family's, of today's members; a table is of use at its own alone.
        looks: Whether the sample was looked at several times: the form's cells with looks must be
            within their bound as well.
    """
    if made is None:
        return "nothing is calibrated yet"
    if made.level != level:
        return f"the calibration was made for another level ({made.level:.6f}, not {level:.6f})"
    varies = ALL if symmetric else ONE
    cells = [c for c in made.cells if (c.form, c.varies, c.level) == (form, varies, made.level)]
    once = [c for c in cells if not c.looks and c.n <= n]
    most = max((cell.n for cell in once), default=n)
    parts = {f"at {most} pairs": [c for c in once if c.n == most]}
    if looks:
        parts["after several looks"] = [c for c in cells if c.looks]
    for where, here in parts.items():
        if {cell.noise for cell in here} != set(shapes):
            return f"{form} claims with noise in {varies} aren't calibrated {where}"
        beyond = " and ".join(c.noise for c in here if not bounded(c).within)
        if beyond:
            return f"{where} with {beyond} noise in {varies}, false verdicts aren't in their bound"
    return ""


def bounded(cell: Cell) -> Bounded:
    """Return a cell's worst false verdict as multiples of what its level allows."""
    nominal = 1 - cell.level
    hits = max(cell.wrong.values())
    bound = clopper_pearson(hits, cell.replicates)[1] / nominal
    return Bounded(
        form=cell.form,
        noise=cell.noise,
        varies=cell.varies,
        n=cell.n,
        looks=cell.looks,
        rate=hits / cell.replicates / nominal,
        bound=bound,
        plain=None if cell.plain is None else cell.plain / cell.replicates / nominal,
        within=bound <= limit,
    )


def shown(made: Calibration | None, members: int) -> Calibrated | None:
    """Return what a report shows of a table."""
    if made is None:
        return None
    cells = [bounded(cell) for cell in made.cells if cell.level == made.level]
    worst = max(made.wholes, key=lambda w: w.confirmed / w.reports)
    level = 1 - 0.05 / members
    return Calibrated(
        current=made.digest == digest() and made.level == level,
        replicates=made.replicates,
        level=made.level,
        limit=limit,
        cells=tuple(cells),
        whole=worst.confirmed / worst.reports,
        whole_bound=clopper_pearson(worst.confirmed, worst.reports)[1],
    )


def _tasks(replicates: int, level: float) -> Iterator[Task]:
    many = dict.fromkeys(sizes, replicates)
    few = {n: min(replicates, most) for n, most in sharp_replicates.items()}
    for at, number, arms in ((level, many, (ONE, ALL)), (sharp, few, (ALL,))):
        for name, world in worlds.items():
            for varies in (v for v in arms if v == ONE or world.arms > 1):
                for shape, (n, draws) in itertools.product(shapes, number.items()):
                    yield Task(
                        form=name, noise=shape, varies=varies, n=n, level=at, replicates=draws
                    )
    for name, varies, shape in itertools.product(worlds, (ONE, ALL), shapes):
        if name not in never_looked_at and (varies == ONE or worlds[name].arms > 1):
            yield Task(
                form=name,
                noise=shape,
                varies=varies,
                n=sequential.looks[-1],
                level=level,
                replicates=replicates,
                looks=True,
            )


def _powers(replicates: int, level: float) -> Iterator[PowerTask]:
    for symmetric, n in itertools.product((False, True), sizes):
        yield PowerTask(symmetric=symmetric, n=n, level=level, samples=min(replicates, enough))


def _wholes(replicates: int, members: int, level: float) -> Iterator[WholeTask]:
    number = max(fewest_reports, int(replicates * reports_per_replicate))
    for looks in (False, True):
        yield WholeTask(looks=looks, members=members, reports=number, level=level)


def _key(row: Open | Filled) -> Key:
    """Return what a task and what came of it share."""
    if isinstance(row, Task | Cell):
        return (row.form, row.noise, row.varies, row.n, row.looks, row.level, row.replicates)
    if isinstance(row, PowerTask | Power):
        return (row.symmetric, row.n, row.level, row.samples)
    return (row.looks, row.members, row.reports)


def _run(tasks: Sequence[Open], jobs: int) -> Iterator[tuple[Open, Filled]]:
    """Yield tasks with what came of them, as they are done.

    Raises:
        UserError: If a process is killed.
    """
    waiting, running = deque(tasks), dict[Future[str], Open]()
    with Serial() if jobs == 1 or len(tasks) < 2 else Processes(min(jobs, len(tasks))) as where:
        while waiting or running:
            while waiting and len(running) < where.slots:
                task = waiting.popleft()
                text = json.dumps({"kind": type(task).__name__, **asdict(task)})
                running[where.submit(_work, text)] = task
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                try:
                    yield task, _filled[type(task)].from_json(json.loads(future.result()))
                except BrokenExecutor as error:
                    raise UserError(
                        "a process of the calibration was killed (by hand, or by the system for "
                        "want of memory); cells that are done are kept; run the same command "
                        "again, with fewer --jobs if memory is short"
                    ) from error


_filled: Mapping[type[Open], type[Filled]] = {Task: Cell, WholeTask: Whole, PowerTask: Power}


def _work(text: str) -> str:
    """Run one encoded task, for an engine."""
    data = json.loads(text)
    kinds = {kind.__name__: kind for kind in _filled}
    return json.dumps(kinds[data.pop("kind")](**data).run().to_json())
