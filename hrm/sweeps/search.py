"""Sweeps: a search for the configuration that scores best on the validation boards.

    sweep.json            the sweep; a folder belongs to one sweep
    study.jsonl           Optuna's journal of the trials: JSON lines, nothing pickled
    ARM/0000, ...         a run's folder for each trial, see `hrm.training.runs`
    ARM/best.json         the plan of the chosen trial
    results.json          table of trials, chosen ones with their test scores

A trial is a run; its value is its best validation score. All trials of all arms have equal budgets,
boards and seeds. Pruning makes budgets unequal and is therefore allowed only for a single arm. A
trial that diverges counts as failed, with its reason. When all trials are done, the best one of
each arm is chosen, and only that one is scored on the test boards, once. A sweep that is executed
again with more trials is extended, and the choice is made again; the earlier choice is kept under
``earlier``.

An interrupted sweep continues its running trials from their checkpoints. The fields that a trial
tries depend on the seed, its number and the trials before it. With one trial at a time, an
interrupted sweep gives the same result as an uninterrupted one; with several at once, results may
differ.
"""

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hrm.config.parts import canonical, differences, require
from hrm.errors import Lost, UserError
from hrm.sweeps.study import Outcome, Study, Trial, journal
from hrm.sweeps.sweep import Sweep
from hrm.sweeps.trial import Children, Died
from hrm.system.files import LOCK, alone, read_json
from hrm.training import runs, tracking

_guard = ("a sweep", "name another folder")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress of a sweep.

    Args:
        share: Share of the whole budget that is done, 0 ... 1.
        ended: The row of a trial that has just ended; None during a trial.
    """

    share: float
    arm: str
    number: int
    update: int
    score: float | None
    ended: Mapping[str, Any] | None


class _Pruned(Exception):  # noqa: N818 (no error)
    """Raised to end a trial early."""


def execute(
    sweep: Sweep,
    folder: Path,
    *,
    storage: Path | None = None,
    jobs: int = 1,
    threads: int = 1,
    device: torch.device | str = "cpu",
    report: Callable[[Progress], None] = lambda _: None,
) -> dict[str, Any]:
    """Run a sweep in a folder, or continue it there, and return its results.

    Args:
        sweep: The sweep.
        folder: The folder of the sweep.
        storage: File of Optuna's journal; None for one in the folder.
        jobs: Number of trials at once; if it is more than one, each has a process of its own.
        threads: Number of torch's threads in each trial.
        device: Device of all trials.
        report: Called at each evaluation and at the end of each trial, by one thread at a time.

    Raises:
        Lost: If the process of a trial died. The trial is repeated when the sweep is executed
            again, and counts as failed after the third time.
        UserError: If the folder or the storage is in use or belongs to another sweep, or Optuna is
            missing.
    """
    require(jobs >= 1, "jobs", jobs, "1 or more", "use 1")
    most = runs.most_threads
    require(1 <= threads <= most, "threads", threads, f"1 to {most}", "use 1")
    with alone(folder):
        asked = json.loads(canonical(sweep.to_json()))
        _begun(folder, asked)
        results = folder / "results.json"
        before = read_json(results, *_guard) if results.exists() else None
        if before is not None and before["budget"]["trials"] == sweep.trials:
            return before  # test boards are used only once
        with journal(storage or folder / "study.jsonl") as path:
            studies = {
                arm: Study(arm, path, asked, space=sweep.space, seed=plan.seed, prune=sweep.prune)
                for arm, plan in sweep.plans.items()
            }
            search = _Search(sweep, folder, studies, report, jobs, threads, device)
            search.run()
            if search.died:
                raise Lost("; ".join(search.died))
            arms = {arm: search.chosen(arm) for arm in sweep.arms}
        found = {"budget": sweep.budget(), "arms": arms}
        if before is not None:
            found["earlier"] = [*before.get("earlier", []), _choice(before)]
        tracking.write(results, found)
        return found


def _begun(folder: Path, asked: dict[str, Any]) -> None:
    """Write the definition of the sweep to a new folder, or compare it with the folder's."""
    path = folder / "sweep.json"
    if not path.exists():
        others = [each.name for each in folder.iterdir() if each.name != LOCK]
        require(not others, "output", str(folder), "a sweep's folder or a new one", "name another")
        tracking.write(path, asked)
        return
    before = read_json(path, *_guard)
    if before.get("trials", 0) < asked["trials"]:  # extended
        before["trials"] = asked["trials"]
    differing = next(differences("", before, asked), None)
    if differing is not None:
        where, there, here = differing
        raise UserError(
            f"sweep {str(path)!r} has {where} = {there!r}, and the command asks for {here!r}; "
            f"allowed is the sweep of the folder; ask for that value, or name another folder"
        )
    tracking.write(path, asked)


def _choice(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the choice of a sweep before it was extended, and its scores."""
    arms = results["arms"].items()
    kept = {arm: {name: found[name] for name in ("chosen", "test")} for arm, found in arms}
    return {"trials": results["budget"]["trials"], "arms": kept}


class _Search:
    """The trials of a sweep, run one after another or several at once."""

    def __init__(
        self,
        sweep: Sweep,
        folder: Path,
        studies: Mapping[str, Study],
        report: Callable[[Progress], None],
        jobs: int,
        threads: int,
        device: torch.device | str,
    ) -> None:
        self.sweep, self.folder, self.studies, self.report = sweep, folder, studies, report
        self.budget, self.threads, self.device = sweep.budget(), threads, device
        self.jobs, self.children = jobs, Children() if jobs > 1 else None
        self.lock = threading.RLock()
        self.died: list[str] = []  # trials whose process died, and that will be repeated
        every = [(arm, number) for number in range(sweep.trials) for arm in sweep.arms]
        self.queue = deque(each for each in every if not studies[each[0]].ended(each[1]))
        done = dict.fromkeys(every, self.budget["updates"])
        self.updates = Counter({each: done[each] for each in every if each not in self.queue})

    def run(self) -> None:
        """Run the remaining trials; Ctrl-C ends the running ones and keeps what is done."""
        if self.children is None:
            self._work()
            return
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                for future in [pool.submit(self._work) for _ in range(self.jobs)]:
                    future.result()
            except BaseException:
                self.queue.clear()
                self.children.stop()
                raise

    def chosen(self, arm: str) -> dict[str, Any]:
        """Choose an arm's best trial, score it on the test boards, return the arm's results."""
        rows = [self._row(arm, number) for number in range(self.sweep.trials)]
        found: dict[str, Any] = {
            "counts": dict(Counter(row["state"] for row in rows)),
            "spent_updates": sum(row["updates"] for row in rows),
            "chosen": None,
            "test": None,
            "trials": rows,
        }
        finished = [row for row in rows if row["state"] == "finished"]
        if finished:
            best = max(finished, key=lambda row: row["validation"])  # the first one among equals
            plan = self.sweep.arms[arm](best["fields"])
            tracking.write(self.folder / arm / "best.json", plan.to_json())
            folder = self._folder(arm, best["number"])
            # It is trained already, and only scored here.
            scores = runs.execute(plan, folder, threads=self.threads, device=self.device)
            found["chosen"] = {**best, "folder": str(folder)}
            found["test"] = {name: scores[name] for name in ("checkpoints", "baselines")}
        return found

    def _work(self) -> None:
        while True:
            with self.lock:
                if not self.queue:
                    return
                arm, number = self.queue.popleft()
                trial = self.studies[arm].begin(number)
            outcome: Outcome | Died
            try:
                outcome = self._outcome(arm, number, trial)
            except Died as died:
                outcome = died
            if self.children is not None and self.children.stopped:
                return  # the trial resumes together with the sweep
            with self.lock:
                if isinstance(outcome, Outcome):
                    self.studies[arm].end(trial, outcome)
                elif self.studies[arm].died(trial, str(outcome)):
                    self.died.append(f"{arm} trial {number}: {outcome}")
                    continue
                ended = self._row(arm, number)
                self._tell(arm, number, self.budget["updates"], ended["validation"], ended)

    def _outcome(self, arm: str, number: int, trial: Trial) -> Outcome:
        """Run a trial to its end.

        Raises:
            Died: If its process dies first.
        """
        folder, where = self._folder(arm, number), (self.threads, self.device)

        def watch(point: runs.Point) -> None:
            score = point.metrics["unknown"]
            with self.lock:
                self._tell(arm, number, point.update, score)
                if trial.hopeless(point.update, score):
                    raise _Pruned

        try:
            plan = self.sweep.arms[arm](trial.fields)
        except UserError as error:
            return Outcome(state="failed", reason=f"refused: {error}")
        try:
            if self.children is None:
                summary = runs.execute(plan, folder, (), watch, *where, test=False)
            else:
                summary = self.children.execute(plan, folder, watch, *where)
        except _Pruned:
            return Outcome(state="pruned", reason="below the median")
        if summary["status"] == "diverged":
            reason = f"diverged at update {summary['step']}: {summary['reason']}"
            return Outcome(state="failed", reason=reason)
        best = max(point["unknown"] for point in tracking.points(folder))
        return Outcome(state="finished", value=best)

    def _row(self, arm: str, number: int) -> dict[str, Any]:
        """Return the row of a trial in the table."""
        folder, outcome = self._folder(arm, number), self.studies[arm].outcome(number)
        points = tracking.points(folder) if (folder / "curve.jsonl").exists() else []
        diverged = (tracking.ended(folder) or {}).get("step", 0)
        return {
            "number": number,
            "state": outcome.state,
            "validation": outcome.value,
            "updates": max([*(point["step"] for point in points), diverged], default=0),
            "fields": self.studies[arm].fields(number),
            "reason": outcome.reason,
        }

    def _folder(self, arm: str, number: int) -> Path:
        return self.folder / arm / f"{number:04}"

    def _tell(
        self,
        arm: str,
        number: int,
        update: int,
        score: float | None,
        ended: Mapping[str, Any] | None = None,
    ) -> None:
        self.updates[arm, number] = update
        self.report(
            Progress(
                share=self.updates.total() / self.budget["total_updates"],
                arm=arm,
                number=number,
                update=update,
                score=score,
                ended=ended,
            )
        )
