"""Extending a run: continue it to more updates than its plan had.

From there on, learning rates follow the longer plan. With a constant rate, the extended run equals
one that was planned with all updates from the beginning, except for an additional point of its
curve at the former end. With a schedule that ends at a low rate it doesn't, because the rate rises
again to that of the longer plan.
"""

from dataclasses import replace
from pathlib import Path

from hrm.config.parts import require
from hrm.errors import UserError
from hrm.training import checkpoint, tracking
from hrm.training.learner import share
from hrm.training.plans import Plan, planned


def longer(folder: Path, updates: int) -> Plan:
    """Return the plan of a folder's run, with `updates` updates in total.

    Raises:
        UserError: If there is no run, or it already has more updates.
    """
    plan = planned(folder)
    if plan is None:
        raise UserError(
            f"output is {str(folder)!r}, which has no run to extend; allowed is a run's folder; "
            f"name that, or train without --extend"
        )
    before = plan.training.updates
    require(
        updates >= before,
        "extend",
        updates,
        f"{before} or more, the updates that the run has in all",
        "give the whole number of updates",
    )
    return replace(plan, training=replace(plan.training, updates=updates))


def extend(folder: Path, plan: Plan) -> None:
    """Rewrite a folder's run and its last checkpoint for a plan with more updates.

    Raises:
        UserError: If there is no run, or the plans differ in anything else.
    """
    path = folder / "run.json"
    before = planned(folder)
    said = tracking.described(folder)
    assert before is not None and said is not None, "from `longer`"
    same = replace(before, training=replace(before.training, updates=plan.training.updates))
    checkpoint.same(path, same, plan)
    last = folder / "last.safetensors"
    if last.is_file():
        tree = checkpoint.load(last, "recipe", "learner")
        tree["recipe"]["training"]["updates"] = plan.training.updates
        optimisers = tree["learner"]["optimisers"].values()
        for state, epoch in zip(optimisers, tree["learner"]["schedules"], strict=True):
            for group in state["param_groups"]:  # index of the next update
                group["lr"] = group["initial_lr"] * share(plan.training, epoch)
        checkpoint.save(last, tree)
    tracking.write(path, {**said, "configuration": plan.to_json()})
