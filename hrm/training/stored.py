"""Stored runs: load and score their checkpoints."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hrm.config import HRMConfig
from hrm.config.parts import require
from hrm.errors import UserError
from hrm.model import HRM
from hrm.recipes.sizing import sizes, wanted
from hrm.tasks import Splits, Task
from hrm.training import checkpoint
from hrm.training.plans import Plan, planned
from hrm.training.scoring import baselines, by_step, halting, readable, score

_log = logging.getLogger(__name__)


def weights(path: Path) -> tuple[int, dict[str, Tensor]]:
    """Return a checkpoint's update and its weights, the averaged ones if it has any.

    Raises:
        UserError: If there is no checkpoint, or its weights aren't all finite.
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
    """Return the update from which a run would continue; 0 for the beginning."""
    last = folder / "last.safetensors"
    return int(checkpoint.load(last, "update")["update"]) if last.is_file() else 0


def restored(path: Path, model: HRM) -> dict[str, int]:
    """Load a checkpoint's weights, the averaged ones if it has any, and return its ``update``.

    Raises:
        UserError: If there is no checkpoint, or it belongs to another model.
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
    """The plan of a run, and the selected checkpoints by name."""

    plan: Plan
    checkpoints: Mapping[str, Path]

    @property
    def first(self) -> Path:
        """The first checkpoint, which of a run's folder is the best one."""
        return next(iter(self.checkpoints.values()))

    def model(self, c: HRMConfig, device: torch.device | str) -> HRM:
        """Return a model of a configuration with the weights of the first checkpoint.

        Raises:
            UserError: As `restored`.
        """
        model = HRM(c).to(device)
        restored(self.first, model)
        return model


def stored(path: Path) -> Stored:
    """Return the run of a folder, with its best and last checkpoint, or of one checkpoint.

    A run that was converted from a public checkpoint has a best one only.

    Raises:
        UserError: If there is no run or no checkpoint.
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


def evaluated(
    found: Stored,
    task: Task,
    splits: Splits,
    *,
    halt: bool = False,
    device: torch.device | str = "cpu",
    identities: int | None = None,
    steps: int | None = None,
    curve: int | None = None,
) -> dict[str, Any]:
    """Return the scores of stored checkpoints on test boards, and those of trivial methods.

    If one of several checkpoints can't be read, it is left out with a warning.

    Args:
        found: From `stored`.
        task: The task of the boards.
        splits: The boards.
        halt: Whether samples halt on their own, see `scoring.halting`; otherwise as the system is
            configured.
        device: Device of the computation.
        identities: Number of puzzle identities of these boards; None for that of the task.
        steps: Halting steps that every board takes; None to let halting decide.
        curve: Number of halting steps after each of which the checkpoints are scored too, as
            ``curve``; None for no curve.

    Raises:
        UserError: If the task's shapes aren't the model's, no checkpoint can be read, or as
            `halting`.
    """
    plan, system = found.plan, halting(found.plan.system) if halt else found.plan.system
    has, readout = sizes(system.model), system.model.readout
    seen, test = readable(system, task, splits.test)
    needs = wanted(plan.recipe, system.model, seen, test, identities)
    for name, size in needs.items():
        require(
            has[name] == size,
            f"{type(task).__name__}'s {name}",
            size,
            f"{has[name]}, what the checkpoint was trained for ({plan.recipe} on {plan.task})",
            "give it a task of that shape, or train one for this",
        )
    model = HRM(system.model).to(device)
    scores, curves, lost = {}, {}, []
    for name, path in found.checkpoints.items():
        try:
            scores[name] = restored(path, model) | score(model, system, seen, test, steps)
            if curve is not None:
                kept = HRM(replace(system.model, readout=replace(readout, each_step=True)))
                kept.load_state_dict(model.state_dict())
                curves[name] = by_step(kept.to(device), system, seen, test, curve)
        except FloatingPointError as error:
            why = f"{error}; allowed are weights that give numbers; name another"
            lost.append(UserError(f"checkpoint is {str(path)!r}, and {why}"))
        except UserError as error:
            lost.append(error)
    if not scores:
        raise lost[0]
    for each in lost:
        _log.warning("%s", each)
    result = {"checkpoints": scores, "baselines": baselines(task, splits.train, splits.test)}
    return result if curve is None else {**result, "curve": curves}


def resized(found: Stored, positions: int) -> Stored:
    """Return a stored run for boards with another number of cells, if its weights allow that.

    They do if no weight belongs to a position, that is, if inputs are read cell by cell and there
    are no learned positions. Rotary positions extend beyond the trained length.

    Raises:
        UserError: If some weights belong to positions.
    """
    system = found.plan.system
    embedding: Any = system.model.embedding
    if embedding.answered in (None, positions):
        return found
    model = replace(system.model, embedding=replace(embedding, positions=positions))
    with torch.device("meta"):
        before, after = (HRM(c).state_dict() for c in (system.model, model))
    for name in before:
        if name not in after or before[name].shape != after[name].shape:
            raise UserError(
                f"the boards have {positions} cells, and {name} belongs to the positions of "
                f"{embedding.answered}; allowed is another size where no positions are learned; "
                f"give boards of {embedding.answered} cells, or train without learned_positions"
            )
    return replace(found, plan=replace(found.plan, system=replace(system, model=model)))
