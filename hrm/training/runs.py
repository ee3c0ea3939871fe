"""Runs: a plan trained in a folder of its own, and scored.

    run.json, curve.jsonl, summary.json    see `hrm.training.tracking`
    last.safetensors, best.safetensors     see `hrm.training.loop.fit`

Equal plans give equal curves, and a folder belongs to one plan. An interrupted run goes on where it
was interrupted, and one that was killed goes on from its last evaluation.
"""

import contextlib
import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hrm.config.learning import System, Training
from hrm.config.parts import Part, require
from hrm.data import cache
from hrm.errors import Diverged, UserError
from hrm.model import HRM
from hrm.recipes.sizing import sizes, wanted
from hrm.system import distributed, extensions
from hrm.system import environment as surroundings
from hrm.system.files import LOCK, alone
from hrm.tasks import Splits, Task
from hrm.training import checkpoint, loop, tracking
from hrm.training.loop import Seeds
from hrm.training.scoring import baselines, halting, readable, score
from hrm.training.tracking import JsonLines, Run, Tracker
from hrm.training.transfer import transfer

_log = logging.getLogger(__name__)
most_threads = 1024  # with far more, torch takes the process down


# -- a run ----------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Plan(Part):
    """All that a run's curve depends on, but for the machine.

    Args:
        recipe: What the system came from, for people.
        task: Also a `Task`.
        data_seed: Of the boards. train, validation, test: how many.
        seed: Of the weights, and of dropout.
        order_seed: Of the boards' order and the halting noise; None for the same number.
        start: SHA-256 of the checkpoint whose weights it starts from; None for drawn ones.
    """

    recipe: str
    system: System
    task: Part
    data_seed: int = 0
    train: int = 1000
    validation: int = 200
    test: int = 400
    training: Training
    seed: int = 0
    order_seed: int | None = None
    start: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for seed in (self.seed, self.order_seed or 0):
            require(seed >= 0, "seed", seed, "0 or more", "choose another seed")
        for name in ("validation", "test"):
            value = getattr(self, name)
            require(value >= 1, f"{name} boards", value, "1 or more", "ask for some")
        require(
            self.train >= self.training.batch,
            "train boards",
            self.train,
            f"a batch or more, {self.training.batch}",
            "ask for more boards, or a smaller batch",
        )

    @property
    def seeds(self) -> Seeds:
        """The seeds of what training draws."""
        order = self.seed if self.order_seed is None else self.order_seed
        return Seeds(weights=self.seed, order=order)

    def splits(self) -> Splits:
        """Return the boards, from the cache where they are there."""
        task: Any = self.task
        return cache.load(task, self.data_seed, self.train, self.validation, self.test)


@dataclass(frozen=True, kw_only=True)
class Point:
    """What is known at an evaluation.

    Args:
        update, updates: How far the run is, of how many.
        metrics: ``loss``, its parts, and ``steps`` of training, ``samples_per_second`` without
            evaluation, all since the last point; learning rates; scores on the validation boards,
            and the halting steps there.
        seconds: Left, at that pace.
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
) -> dict[str, Any]:
    """Run a plan in a folder, or the rest of it, and return its summary.

    It says ``status``: finished, diverged (with step and reason), or stopped, which ends in the
    exception that stopped it. A finished run has the test scores of its best and last checkpoints
    and of the task's trivial methods.

    Of several processes that train together, all call this; the first alone has the folder and the
    trackers, reports, and knows the scores.

    Args:
        trackers: Beside the folder's own. report: called at each evaluation.
        threads: Of torch, from here on. device: where it is computed.
        test: Whether the finished run is scored on the test boards. A finished run can be scored
            later by executing it again.
        compiled: Whether training steps are compiled: faster, and the same to rounding.
        start: The weights of the plan's `start`; those that fit the model are taken over.

    Raises:
        UserError: If the folder is in use, or another run's.
    """
    require(1 <= threads <= most_threads, "threads", threads, f"1 to {most_threads}", "use 1")
    torch.set_num_threads(threads)
    task: Any = plan.task
    first = distributed.rank() == 0
    with alone(folder) if first else contextlib.nullcontext():
        everyone: list[Tracker] = [JsonLines(folder), *trackers] if first else []
        run = _begun(folder, plan, threads, device, compiled) if first else None
        splits = plan.splits()
        for tracker in everyone:
            assert run is not None
            tracker.start(run)
        summary: dict[str, Any] = {"status": "stopped"}
        try:
            _train(plan, splits, folder, everyone, report, device, compiled, start)
            ask = first and test
            found = evaluated(stored(folder), task, splits, device=device) if ask else {}
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
) -> None:
    task: Any = plan.task
    assert (start is None) == (plan.start is None)
    model = loop.build(plan.system, plan.seeds, device)
    if start is not None:
        transfer(model, start)
    data = loop.encode(plan.system, task, splits.train, device)
    scores: dict[str, float] = {}
    since = trained = time.perf_counter()
    training = plan.training

    def watch(shown: HRM) -> float:
        nonlocal trained
        trained = time.perf_counter()
        scores.update(score(shown, plan.system, task, splits.validation))
        scores["evaluation_steps"] = scores.pop("steps")
        return scores["unknown"]

    def seen(moment: loop.Moment, updates: int) -> None:
        nonlocal since
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


def _begun(
    folder: Path, plan: Plan, threads: int, device: torch.device | str, compiled: bool
) -> Run:
    """Return the run that a folder holds, or a new one."""
    before = tracking.described(folder)
    if before is None:
        others = [path.name for path in folder.iterdir() if path.name != LOCK]
        require(not others, "output", str(folder), "a run's folder or a new one", "name another")
        identity = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
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
        },
    )


# -- checkpoints ----------------------------------------------------------------------------------
def weights(path: Path) -> tuple[int, dict[str, Tensor]]:
    """Return a checkpoint's update, and its weights, averaged ones if it has them.

    Raises:
        UserError: If there is none, or not all of its weights are finite.
    """
    tree = checkpoint.load(path)
    if isinstance(tree, dict) and "moment" in tree:
        update, state = tree["moment"]["update"], tree["model"]
    else:
        tree = checkpoint.load(path, "update", "average", "learner")
        update, state = tree["update"], tree["learner"]["model"]
        if tree["average"] is not None:
            state = {
                name.removeprefix("module."): value
                for name, value in tree["average"].items()
                if name.startswith("module.")
            }
    for name in (name for name, value in state.items() if not value.isfinite().all()):
        raise UserError(
            f"checkpoint is {str(path)!r}, whose {name} has numbers that are NaN or infinite; "
            f"allowed are weights that give answers; name another"
        )
    return update, state


def digest(path: Path) -> str:
    """Return the SHA-256 of a checkpoint's file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def reached(folder: Path) -> int:
    """Return the update from which a run goes on, 0 from the beginning."""
    last = folder / "last.safetensors"
    return int(checkpoint.load(last, "update")["update"]) if last.is_file() else 0


def restored(path: Path, model: HRM) -> dict[str, int]:
    """Load a checkpoint's weights, averaged ones if it has them, and return its ``update``.

    Raises:
        UserError: If there is none, or it is of another model.
    """
    update, state = weights(path)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(
            f"checkpoint is {str(path)!r}; allowed is one of the run in its folder's run.json, and "
            f"its weights are of another model; name another"
        ) from error
    return {"update": update}


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A run's plan, and those of its checkpoints that are asked for, by name."""

    plan: Plan
    checkpoints: Mapping[str, Path]


def stored(path: Path) -> Stored:
    """Return the run of a folder, with its best and last checkpoint, or of one checkpoint's file.

    A converted checkpoint is its run's best one, and there is no last.

    Raises:
        UserError: If there is none.
    """
    folder = path if path.is_dir() else path.parent
    plan = planned(folder)
    both = (
        [folder / f"{name}.safetensors" for name in ("best", "last")] if path == folder else [path]
    )
    paths = [each for each in both if each.is_file()]
    if plan is None or not paths:
        raise UserError(
            f"checkpoint is {str(path)!r}; allowed is a run's folder with its run.json and "
            f"checkpoints, or a checkpoint in one; give what `hrm train` had as --output"
        )
    return Stored(plan=plan, checkpoints={each.stem: each for each in paths})


def planned(folder: Path) -> Plan | None:
    """Return the plan of a run's folder, None where there is no run.

    Raises:
        UserError: If it is damaged, or of another version of this project.
    """
    said = tracking.described(folder)
    if said is None:
        return None
    try:
        return plan_from(said["configuration"])
    except UserError as error:
        needed = [name for each in said["environments"] for name in each.get("included", [])]
        lacking = dict.fromkeys(name for name in needed if name not in extensions.included())
        if not lacking:
            raise tracking.foreign(folder, error) from error
        raise UserError(
            f"{folder / 'run.json'} has parts of a module that isn't included ({error}); it was "
            f"trained with {' '.join(f'--include {name}' for name in lacking)}; give that here, too"
        ) from error


def evaluated(
    found: Stored,
    task: Task,
    splits: Splits,
    *,
    halt: bool = False,
    device: torch.device | str = "cpu",
) -> dict[str, Any]:
    """Return the scores of stored checkpoints on a task's test boards, beside its trivial methods.

    One of several that can't be read is left out, with a warning.

    Raises:
        UserError: If the task's shapes aren't the model's, no checkpoint can be read, or as
            `halting`.
    """
    plan, system = found.plan, halting(found.plan.system) if halt else found.plan.system
    has = sizes(system.model)
    seen, test = readable(system, task, splits.test)
    needs = wanted(plan.recipe, system.model, seen, test)
    for name, size in needs.items():
        require(
            has[name] == size,
            f"{type(task).__name__}'s {name}",
            size,
            f"{has[name]}, what the checkpoint was trained for ({plan.recipe} on {plan.task})",
            "give it a task of that shape, or train one for this",
        )
    model = HRM(system.model).to(device)
    scores, lost = {}, []
    for name, path in found.checkpoints.items():
        try:
            scores[name] = restored(path, model) | score(model, system, seen, test)
        except FloatingPointError as error:
            why = f"{error}; allowed are weights that give numbers; name another"
            lost.append(UserError(f"checkpoint is {str(path)!r}, and {why}"))
        except UserError as error:
            lost.append(error)
    if not scores:
        raise lost[0]
    for each in lost:
        _log.warning("%s", each)
    return {"checkpoints": scores, "baselines": baselines(task, splits.train, splits.test)}


def plan_from(data: Any) -> Plan:
    """Return a plan from its JSON, importing its task.

    Raises:
        UserError: If it isn't one.
    """
    task = data.get("task") if isinstance(data, dict) else None
    extensions.known(task)
    return Plan.from_json(data)
