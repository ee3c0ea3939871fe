"""Runs: a plan trained in a folder of its own, and scored.

    run.json, curve.jsonl, summary.json    see `hrm.training.tracking`
    last.safetensors, best.safetensors     see `hrm.training.loop.fit`
    update-000100.safetensors, ...         the model at some evaluations, if they are kept

Equal plans give equal curves, and a folder belongs to one plan. A run that was interrupted
continues where it was interrupted; one that was killed continues from its last evaluation. A run
can be extended to more updates than its plan had.
"""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hrm.config.parts import require
from hrm.data import own
from hrm.errors import Diverged, UserError
from hrm.model import HRM
from hrm.system import distributed, extensions
from hrm.system import environment as surroundings
from hrm.system.files import LOCK, alone
from hrm.tasks import Splits
from hrm.training import checkpoint, extension, loop, tracking
from hrm.training.mapped import Mapped
from hrm.training.plans import Plan, plan_from, planned
from hrm.training.scoring import score
from hrm.training.stored import Stored, digest, evaluated, reached, restored, stored, weights
from hrm.training.tracking import JsonLines, Run, Tracker
from hrm.training.transfer import transfer

__all__ = [
    "Plan",
    "Point",
    "Stored",
    "digest",
    "evaluated",
    "execute",
    "plan_from",
    "planned",
    "reached",
    "restored",
    "stored",
    "weights",
]

most_threads = 1024  # with far more threads, torch crashes the process


@dataclass(frozen=True, kw_only=True)
class Point:
    """The measurements at an evaluation.

    Args:
        update: Updates taken so far.
        updates: Updates of the whole run.
        metrics: Means since the last point: ``loss``, its parts, halting ``steps``, and
            ``samples_per_second`` (evaluation excluded); learning rates; scores and halting steps
            on the validation boards.
        seconds: Estimate of the remaining time.
    """

    update: int
    updates: int
    metrics: Mapping[str, float]
    seconds: float


def execute(
    plan: Plan,
    folder: Path,
    trackers: Sequence[Tracker] = (),
    report: Callable[[Point], None] | None = None,
    threads: int = 1,
    device: torch.device | str = "cpu",
    *,
    test: bool = True,
    compiled: bool = False,
    start: Mapping[str, Tensor] | None = None,
    keep_every: int | None = None,
    extended: bool = False,
) -> dict[str, Any]:
    """Run a plan in a folder, or continue it there, and return its summary.

    The summary's ``status`` is finished, diverged (with step and reason), or stopped; a stopped run
    raises the exception that stopped it. A finished run has the test scores of its best and last
    checkpoints and of the task's trivial methods.

    If several processes train together, all of them call this. Only the first one writes to the
    folder and the trackers, reports, and returns the scores.

    Args:
        plan: The plan of the run.
        folder: The folder of the run, new or with the same plan.
        trackers: Further trackers, beside that of the folder.
        report: Called at each evaluation.
        threads: Number of torch's threads from here on.
        device: Device of the computation.
        test: Whether the finished run is scored on the test boards. It can be scored later by
            executing the finished run again.
        compiled: Whether training steps are compiled, which is faster and equal to rounding.
        start: Weights of the checkpoint that the plan's `start` names; those that fit the model are
            loaded. None if the plan has no `start`, or if the folder's run continues.
        keep_every: Keep the model of every `keep_every`-th evaluation; None to keep only the best
            and the last one.
        extended: Whether the folder's run may have been planned with fewer updates.

    Raises:
        UserError: If the folder is in use, or another run's, or `start` is missing in a new one.
    """
    require(keep_every is None or keep_every >= 1, "keep_every", keep_every, "1 or more", "use 1")
    require(1 <= threads <= most_threads, "threads", threads, f"1 to {most_threads}", "use 1")
    torch.set_num_threads(threads)
    first = distributed.rank() == 0
    with alone(folder) if first else contextlib.nullcontext():
        if extended and first:
            extension.extend(folder, plan)
        everyone: list[Tracker] = [JsonLines(folder), *trackers] if first else []
        run = _begun(folder, plan, threads, device, compiled) if first else None
        splits = plan.splits()
        for tracker in everyone:
            assert run is not None
            tracker.start(run)
        summary: dict[str, Any] = {"status": "stopped"}
        try:
            _train(plan, splits, folder, everyone, report, device, compiled, start, keep_every)
            ask = first and test
            found = _scored(plan, folder, splits, device) if ask else {}
            summary = {"status": "finished", **found}
        except Diverged as error:
            summary = {"status": "diverged", "step": error.step, "reason": error.reason}
        finally:
            for tracker in everyone:
                tracker.finish(summary)
    return summary


def _train(
    plan: Plan,
    splits: Splits,
    folder: Path,
    trackers: Sequence[Tracker],
    report: Callable[[Point], None] | None,
    device: torch.device | str,
    compiled: bool,
    start: Mapping[str, Tensor] | None,
    keep_every: int | None,
) -> None:
    task: Any = plan.task
    model = loop.build(plan.system, plan.seeds, device)
    if start is not None:
        assert plan.start is not None
        transfer(model, start)
    elif plan.start is not None and not (folder / "last.safetensors").is_file():
        raise UserError(
            f"output is {str(folder)!r}, whose run starts from the weights of another and has no "
            f"checkpoint yet; allowed is to start it again; give that other run, --from RUN"
        )
    data: loop.Samples
    if plan.data is None:
        data = loop.encode(plan.system, task, splits.train, device)
    else:
        mapped = plan.data.read("train")
        held = own.held_out(mapped, plan.validation, plan.data_seed)
        data = Mapped(plan.system, task, mapped, held, device)
    scores: dict[str, float] = {}
    current: list[HRM] = []  # the model at this evaluation
    since = trained = time.perf_counter()
    training = plan.training

    def watch(shown: HRM) -> float:
        nonlocal trained
        trained = time.perf_counter()
        current[:] = [shown]
        scores.update(score(shown, plan.system, task, splits.validation))
        scores["evaluation_steps"] = scores.pop("steps")
        return scores["unknown"]

    def seen(moment: loop.Moment, updates: int) -> None:
        nonlocal since
        if keep_every and moment.update % (keep_every * training.evaluate_every) == 0:
            kept = {"moment": asdict(moment), "model": current[0].state_dict()}
            checkpoint.save(folder / f"update-{moment.update:06}.safetensors", kept)
        seconds = (time.perf_counter() - since) / updates
        pace = {"samples_per_second": training.batch * updates / (trained - since)}
        trained_for = {"loss": moment.loss, **moment.parts, "steps": moment.steps}
        metrics = {**scores, **trained_for, **moment.rates, **pace}
        for tracker in trackers:
            tracker.log(moment.update, metrics)
        if report is not None:
            left = training.updates - moment.update
            shown = {"update": moment.update, "updates": training.updates}
            report(Point(**shown, metrics=metrics, seconds=left * seconds))
        since = time.perf_counter()

    system, seeds = plan.system, plan.seeds
    loop.fit(model, system, training, data, seeds, watch, folder, seen, compiled=compiled)


def _scored(plan: Plan, folder: Path, splits: Splits, device: torch.device | str) -> dict[str, Any]:
    task: Any = plan.task
    return evaluated(stored(folder), task, splits, device=device, identities=plan.identities)


def _begun(
    folder: Path, plan: Plan, threads: int, device: torch.device | str, compiled: bool
) -> Run:
    """Return the run that a folder holds, or a new one."""
    before = tracking.described(folder)
    if before is None:
        others = [path.name for path in folder.iterdir() if path.name != LOCK]
        require(not others, "output", str(folder), "a run's folder or a new one", "name another")
        identity = tracking.identifier()
    else:
        identity = before["id"]
        checkpoint.same(folder / "run.json", planned(folder) or plan, plan)
    return Run(
        id=identity,
        configuration=plan.to_json(),
        seeds={"data": plan.data_seed, **asdict(plan.seeds)},
        environment={
            **tracking.environment(threads, str(device)),
            "device": surroundings.accelerator(str(device)) or str(device),
            "processes": distributed.world(),
            "included": extensions.included(),
            "compiled": compiled,
            "updates": plan.training.updates,
        },
    )
