"""Draw all samples of a calibration in several processes, and store them as they complete."""

import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from pathlib import Path

from ablations.calibration.artefact import MEMBERS, Calibration, digest, text
from ablations.calibration.noises import NOISES
from ablations.calibration.questions import TESTS
from ablations.calibration.samples import PLANS, SPREADS, Cell, Power, fill, power
from ablations.rule import table_for
from ablations.runs.workers import Processes, Serial
from hrm.codec import Json
from hrm.errors import UserError
from hrm.system.files import whole

SAMPLES = 10_000  # samples for a power, whose standard error is then at most half a point

Progress = Callable[[float], None]


def calibrate(
    replicates: int, path: Path, *, jobs: int = 1, progress: Progress = lambda _: None
) -> Calibration:
    """Draw and judge samples, count false words, and write the results.

    Equal sources and replicates give equal results.

    Args:
        replicates: Samples at each place.
        path: File of the results. Until they are complete, partial results are kept in a file
            beside it, from which the next call continues.
        jobs: Number of processes, of one thread each; with 1, this process does the work.
        progress: Called with the share that is done, at the start and after each piece of work.

    Raises:
        UserError: If the file can't be written, or a process is killed.
    """
    now = digest()
    tasks = [
        *(
            json.dumps({"test": test, "noise": noise, "replicates": replicates})
            for test in TESTS
            for noise in NOISES
        ),
        *(
            json.dumps({"zones": name, "spread": spread, "samples": min(SAMPLES, 4 * replicates)})
            for name in PLANS
            for spread in SPREADS
        ),
    ]
    part = path.with_name(f"{path.name}.part")
    found = _kept(part, now)
    left = [task for task in tasks if task not in found]
    writable(path)
    for task, answer in _done(left, jobs, progress, len(tasks)):
        found[task] = json.loads(answer)
        with part.open("a", encoding="utf-8") as file:
            line = {"digest": now, "task": task, "found": found[task]}
            file.write(json.dumps(line) + "\n")
    rows = [found[task] for task in tasks]
    made = Calibration(
        digest=now,
        replicates=replicates,
        cells=tuple(Cell.from_json(row) for row in rows if "test" in row),
        powers=tuple(Power.from_json(row) for row in rows if "zones" in row),
    )
    write(path, text(made))
    part.unlink(missing_ok=True)
    return made


def work(task: str) -> str:
    """Do one piece of work; processes exchange only text."""
    table, asked = table_for(MEMBERS), json.loads(task)
    made: Cell | Power
    if "test" in asked:
        made = fill(asked["test"], asked["noise"], asked["replicates"], table)
    else:
        made = power(asked["zones"], asked["spread"], asked["samples"], table)
    return json.dumps(made.to_json())


def write(path: Path, content: str) -> None:
    """Write a file atomically.

    Raises:
        UserError: If it can't be written.
    """
    writable(path)
    try:
        with whole(path) as temporary:
            temporary.write_text(content, "utf-8")
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error


def writable(path: Path) -> None:
    """Refuse a file that can't be written, before the work begins.

    Raises:
        UserError: If it is a folder, or its parent folder can't be created or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if not os.access(path.parent, os.W_OK):
        raise _unwritable(path, "its folder can't be written to")


def _unwritable(path: Path, why: str) -> UserError:
    return UserError(
        f"{str(path)!r} can't be written ({why}); allowed is a file in a folder that you may write "
        "to; name another one"
    )


def _kept(part: Path, now: str) -> dict[str, Mapping[str, Json]]:
    """Return the partial results of an interrupted call with the same sources."""
    found: dict[str, Mapping[str, Json]] = {}
    if not part.is_file():
        return found
    for line in part.read_text("utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row["digest"] == now:
            found[row["task"]] = row["found"]
    return found


def _done(
    tasks: Sequence[str], jobs: int, progress: Progress, total: int
) -> Iterator[tuple[str, str]]:
    """Yield tasks with their results, as they end.

    Raises:
        UserError: If a process is killed.
    """
    waiting, running = deque(tasks), dict[Future[str], str]()
    done = total - len(tasks)
    with Serial() if jobs == 1 else Processes(jobs) as where:
        while waiting or running:
            progress(done / total)
            while waiting and len(running) < where.slots:
                task = waiting.popleft()
                running[where.submit(work, task)] = task
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task, done = running.pop(future), done + 1
                try:
                    yield task, future.result()
                except BrokenExecutor as error:
                    raise UserError(
                        "a process of the calibration was killed (by hand, or by the system, out "
                        "of memory); allowed is that all of them finish; run the same command "
                        "again, which keeps what is done, with fewer --jobs if memory is short"
                    ) from error
    progress(1.0)
