"""The options of `hrm train` and `hrm sweep` for what is trained, and the plan that they give."""

import argparse
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.cli import axes, options, overlaps
from hrm.cli.options import assigned
from hrm.errors import UserError

if TYPE_CHECKING:
    from hrm.training.runs import Plan

_PLANNED = (  # options that a plan determines
    *("set", "task_set", "training_set", "axis", "updates", "batch", "learning_rate"),
    *("train", "validation", "test", "data"),
)
DOCUMENTS = {"complete": "complete-small"}  # the size of the document's printed example


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for what is trained, and on which device."""
    parser.add_argument(
        "recipe",
        type=lambda name: DOCUMENTS.get(name, name),
        metavar="RECIPE",
        help="such as act-v1; an unknown name lists all recipes; complete is complete-small",
    )
    options.add_task(parser)
    options.add_output(parser, "a new folder, or that of a run to resume")
    options.add_data(parser, "boards of your own instead of generated ones")
    options.add_settings(parser, "--set", "an argument of the recipe")
    options.add_settings(parser, "--task-set", "a field of the task")
    options.add_settings(parser, "--axis", "an axis by its path, such as execution or low.norm")
    options.add_settings(
        parser,
        "--training-set",
        "a field of the training, such as warmup, clip or evaluate_every (updates / 20)",
    )
    options.add_numbers(
        parser,
        ("--updates", 1000, "optimiser steps"),
        ("--batch", 32, "boards per step"),
        ("--seed", 0, "seed of the weights"),
        ("--data-seed", 0, "seed of the boards"),
        ("--train", None, "training boards (1000; with --data, all)"),
        ("--validation", None, "validation boards (200; with --data, a tenth, at most 200)"),
        ("--test", None, "test boards (400; with --data, all)"),
        ("--threads", 1, "number of torch's threads"),
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        default=1e-3,
        metavar="RATE",
        help="peak learning rate (0.001)",
    )
    options.add_device(parser)
    parser.add_argument(
        "--order-seed",
        type=int,
        metavar="N",
        help="seed of the order of boards and of halting noise (default: --seed)",
    )
    parser.set_defaults(seed=None, data_seed=None)  # 0, or the plan's


def plan_of(asked: argparse.Namespace) -> "Plan":
    """Return the plan that arguments ask for.

    Raises:
        UserError: If arguments contradict one another, or name something that doesn't exist.
    """
    if getattr(asked, "extend", None) is not None:
        return _longer(asked)
    if getattr(asked, "plan", None) is not None:
        return _read(asked)

    from hrm import recipes
    from hrm.config.learning import Training
    from hrm.data import imports
    from hrm.recipes import sizing
    from hrm.training import runs

    seed, data_seed = asked.seed or 0, asked.data_seed or 0
    needed = {} if asked.data is None else imports.fields_of(asked.data, asked.task)
    settings = [*options.settings_of(needed), *asked.task_set]
    task: Any = options.task_of(asked.task, settings, "--task-set")
    parameters = inspect.signature(recipes.named[asked.recipe].make).parameters
    shapes = sizing.sizes(sizing.configuration(asked.recipe))
    own = {n: p for n, p in parameters.items() if n not in {*shapes, "classes", "identities"}}
    chosen = assigned("--set", asked.set, asked.recipe, own)
    spoken = {
        "updates": asked.updates,
        "batch": asked.batch,
        "learning_rate": asked.learning_rate,
        "evaluate_every": max(1, asked.updates // 20),
    }
    fields = dict(inspect.signature(Training).parameters)
    for name in ("updates", "batch", "learning_rate"):  # options of their own
        del fields[name]
    every = fields["evaluate_every"]
    fields["evaluate_every"] = every.replace(default=spoken["evaluate_every"])  # for what is said
    more = assigned("--training-set", asked.training_set, "training", fields)
    boards: dict[str, Any]
    if asked.data is None:
        example, identities = task.generate(data_seed, 0, 0, 1).test, None
        usual = {"train": 1000, "validation": 200, "test": 400}
        boards = {
            n: d if getattr(asked, n) is None else getattr(asked, n) for n, d in usual.items()
        }
    else:
        boards = _own_boards(asked, task, data_seed)
        example, identities = boards["data"].test(task, 1), boards["data"].identities
    return runs.Plan(
        recipe=asked.recipe,
        system=axes.changed(
            sizing.sized(asked.recipe, chosen, task, example, identities), asked.axis
        ),
        task=task,
        data_seed=data_seed,
        **boards,
        training=Training.from_json({"kind": "Training", **spoken, **more}),
        seed=seed,
        order_seed=asked.order_seed,
    )


def _own_boards(asked: argparse.Namespace, task: Any, seed: int) -> dict[str, Any]:
    """Return the boards of --data, and the sizes of the splits.

    Raises:
        UserError: If there are too few boards, or `--train` is given.
    """
    from hrm.data import own, public

    if asked.train is not None:
        raise UserError(
            f"--train is {asked.train} with --data, which trains on all boards of the folder; "
            f"allowed is one of both options; leave --train out, or make a smaller folder with "
            f"`hrm data import --train`"
        )
    found = own.opened(asked.data, task, seed)
    there = public.splits(Path(found.folder))
    lacking = [s for s in public.SPLITS if s not in there or not len(found.read(s))]
    if lacking:
        raise UserError(
            f"--data is {str(asked.data)!r}, which has no {lacking[0]} boards; allowed are "
            f"boards to train on and others to test on; add some, or name a folder that has both"
        )
    data = found.read("train")
    held = own.held_out(data, asked.validation, seed)
    test = found.tests(asked.test)
    overlaps.warn(asked.data, found, found)
    return {
        "data": found,
        "train": len(held.rows(data)),
        "validation": len(held.validation),
        "test": test,
    }


def _read(asked: argparse.Namespace) -> "Plan":
    """Return the plan in a file, with the seeds of the arguments.

    Raises:
        UserError: If the file isn't a plan, is for another recipe or task, or other options are
            given.
    """
    from dataclasses import replace

    from hrm.training import runs

    try:
        plan = runs.plan_from(json.loads(asked.plan.read_bytes()))
    except (OSError, ValueError) as error:
        raise UserError(
            f"--plan is {str(asked.plan)!r}, which can't be read ({error}); allowed is a plan in "
            f"JSON, as `hrm sweep` writes it; name another"
        ) from error
    _belongs(asked, plan, f"--plan {asked.plan}")
    _alone(asked, "--plan", "another seed")
    seed = plan.seed if asked.seed is None else asked.seed
    data_seed = plan.data_seed if asked.data_seed is None else asked.data_seed
    order = plan.order_seed if asked.order_seed is None else asked.order_seed
    return replace(plan, seed=seed, data_seed=data_seed, order_seed=order)


def _longer(asked: argparse.Namespace) -> "Plan":
    """Return the plan of the folder's run, extended to more updates.

    Raises:
        UserError: If there is no run, it is of another recipe or task, or other options are given.
    """
    from hrm.training import extension

    plan = extension.longer(asked.output, asked.extend)
    _belongs(asked, plan, f"--extend: {asked.output}")
    _alone(asked, "--extend", "none of them", "plan", "seed", "data_seed", "order_seed")
    return plan


def _belongs(asked: argparse.Namespace, plan: "Plan", what: str) -> None:
    task = type(plan.task).__name__.lower()
    if (plan.recipe, task) != (asked.recipe, asked.task):
        raise UserError(
            f"{what} is for {plan.recipe} {task}; allowed is one for {asked.recipe} {asked.task}, "
            f"as in the command; name that recipe and task, or another file"
        )


def _alone(asked: argparse.Namespace, option: str, allowed: str, *more: str) -> None:
    """Refuse options whose values the plan already determines."""
    for name in (*_PLANNED, *more):
        if getattr(asked, name) != asked.default(name):
            raise UserError(
                f"--{name.replace('_', '-')} is given with {option}, which determines it; "
                f"allowed is {allowed}; leave it out"
            )
