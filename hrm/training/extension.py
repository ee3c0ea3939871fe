"""Extending a run: more updates than its plan had, from where it stands.

Learning rates follow the longer plan from there on. With a constant rate the extended run is the
one that had all updates from the beginning, but for a point of its curve at the former end. With a
schedule that ends in a low rate it isn't: the rate rises again to what the longer plan has there.
"""

from dataclasses import replace
from pathlib import Path

from hrm.config.parts import require
from hrm.errors import UserError
from hrm.training import checkpoint, tracking
from hrm.training.learner import share
from hrm.training.plans import Plan, planned


def longer(folder: Path, updates: int) -> Plan:
    """Return the plan of a folder's run with so many updates in all.

    Raises:
        UserError: If there is no run, or it has more updates already.
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
    """Have a folder's run and its last checkpoint belong to a plan with more updates.

    Raises:
        UserError: If there is no run, or it differs in more than that.
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
            for group in state["param_groups"]:  # of the next update
                group["lr"] = group["initial_lr"] * share(plan.training, epoch)
        checkpoint.save(last, tree)
    tracking.write(path, {**said, "configuration": plan.to_json()})
