"""`hrm sweep RECIPE TASK`: search for the configuration that scores best on validation boards."""

import argparse
import copy
import json
import re
import shlex
import sys
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.cli import options, plans, progress, scores, train
from hrm.errors import Lost, UserError

if TYPE_CHECKING:
    from hrm.sweeps.search import Progress
    from hrm.sweeps.sweep import Configure
    from hrm.training.runs import Plan

LINE = "search for a recipe's best configuration on a task"
TEXT = """\
Train a recipe in many configurations and choose the one that scores best on the validation boards;
only that one is scored on the test boards, once. Options are those of `hrm train`, for all trials.
Needs an extra: pip install -c constraints.txt -e '.[sweeps]'.

The space is a file in TOML or JSON that names fields (recipe.FIELD, an argument of the recipe;
training.FIELD; model.FIELD and objective.FIELD, of the system that the recipe makes):

  [training.learning_rate]
  low = 1e-4
  high = 1e-2
  log = true

  [recipe.hidden_low]
  choices = [16, 32, 64]

With --arms, the recipe is compared with other recipes, or with itself with some fields changed: one
space, equal budgets, the same boards and seeds. After Ctrl-C the same command resumes.

With more --trials, a finished sweep is extended: the further trials are run, and the best of all is
chosen and scored on the test boards; the results keep the earlier choices.

  hrm sweep gru maze --task-set size=5 --space space.toml --trials 20 --output sweeps/gru
  hrm sweep gru maze --task-set size=5 --space s.toml --arms 'gru recipe.use_act=false' --output x
  hrm sweep act-v1 sudoku --space space.json --trials 50 --prune --jobs 2 --output sweeps/act
"""
_columns = ("trial", "state", "validation", "updates")


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm sweep`."""
    parser = options.command(subparsers, "sweep", LINE, TEXT)
    plans.add_options(parser)
    parser.add_argument(
        "--space", type=Path, required=True, metavar="FILE", help="fields and their values"
    )
    options.add_numbers(
        parser, ("--trials", 20, "trials of each arm"), ("--jobs", 1, "trials to run at once")
    )
    parser.add_argument(
        "--arms",
        nargs="+",
        default=[],
        metavar="ARM",
        help="recipes to compare with, each with FIELD=VALUE for its changes",
    )
    parser.add_argument("--prune", action="store_true", help="stop trials below the median early")
    parser.add_argument(
        "--storage",
        type=Path,
        metavar="FILE",
        help="Optuna's journal (default: study.jsonl in the folder)",
    )
    options.add_json(parser, "the results")
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Search, and print the table of trials and the chosen configurations' scores."""
    options.recipe(asked.recipe)

    from hrm.sweeps import search, space
    from hrm.sweeps.sweep import Sweep
    from hrm.system import distributed

    device = distributed.on(asked.device)
    wanted = Sweep(
        arms=arms(asked), space=space.read(asked.space), trials=asked.trials, prune=asked.prune
    )
    sys.stderr.write(_heading(wanted.budget()))
    beside = cache(lambda: _beside(asked))
    try:
        with progress.lines() as say:
            found = search.execute(
                wanted,
                asked.output,
                storage=asked.storage,
                jobs=asked.jobs,
                threads=asked.threads,
                device=device,
                report=lambda told: _say(say, told, beside()),
            )
    except KeyboardInterrupt:
        sys.stderr.write(
            f"hrm: stopped; {asked.output} has the ended trials and the checkpoints of the others; "
            f"the same command resumes: {asked.line}\n"
        )
        return 130
    except Lost as error:
        sys.stderr.write(
            f"hrm: the process of a trial died ({error}); the choice waits for that trial; "
            f"the same command repeats it: {asked.line}\n"
        )
        return 1
    if asked.json:
        sys.stdout.write(json.dumps({"folder": str(asked.output), **found}, indent=2) + "\n")
    else:
        for arm, results in found["arms"].items():
            _show(arm, results, beside())
            if results["chosen"] is not None:
                again = shlex.join(_again(asked, arm))
                sys.stdout.write(f"\nthe same with another seed: {again}\n\n")
    lost = [arm for arm, results in found["arms"].items() if results["chosen"] is None]
    if lost:
        sys.stderr.write(f"hrm: no trial of {', '.join(lost)} has finished, so none was chosen\n")
    return 1 if lost else 0


def arms(asked: argparse.Namespace) -> "dict[str, Configure]":
    """Return the arms of the comparison by name.

    Raises:
        UserError: If an arm isn't a recipe with FIELD=VALUE changes, or a name occurs twice.
    """
    found: dict[str, Configure] = {asked.recipe: partial(configured, asked, asked.recipe, {})}
    for text in asked.arms:
        recipe, *changes = shlex.split(text) or [""]
        options.recipe(recipe)
        fields = {}
        for change in changes:
            name, equals, value = change.partition("=")
            if not equals:
                raise UserError(
                    f"--arms {text!r} has {change!r}; allowed is FIELD=VALUE after a recipe, with "
                    f"the value in JSON; write it so"
                )
            try:
                fields[name] = json.loads(value)
            except ValueError as error:
                raise UserError(
                    f"--arms {text!r} has {change!r}, without JSON after the =; allowed is "
                    f"FIELD=VALUE; write numbers as 3, truth as true or false, nothing as null"
                ) from error
        arm = re.sub(r"[^\w.=-]+", "-", text.strip())
        if arm in found:
            raise UserError(f"--arms {text!r} is given twice; allowed is each arm once; drop one")
        found[arm] = partial(configured, asked, recipe, fields)
    return found


def configured(
    asked: argparse.Namespace, recipe: str, own: Mapping[str, Any], fields: Mapping[str, Any]
) -> "Plan":
    """Return the plan of a recipe with some fields set.

    Args:
        asked: The parsed arguments.
        recipe: Name of the recipe.
        own: The fields that define the arm.
        fields: The fields that a trial sets.

    Raises:
        UserError: If there is no such field, it can't have that value, or both set it.
    """
    both = sorted(own.keys() & fields.keys())
    if both:
        raise UserError(
            f"{both[0]} is in the search space, but --arms sets it; allowed are other fields; "
            "leave it out of one of them"
        )
    fields = {**own, **fields}
    asked = copy.copy(asked)
    asked.recipe = recipe
    chosen = {name: value for name, value in fields.items() if name.startswith("recipe.")}
    asked.set = [*asked.set, *(s.removeprefix("recipe.") for s in options.settings_of(chosen))]
    plan = plans.plan_of(asked)
    data = plan.to_json()
    roots = {**data["system"], "training": data["training"]}
    for name, value in fields.items():
        if not name.startswith("recipe."):
            _set(roots, name, value)
    return type(plan).from_json(data)


def _set(roots: dict[str, Any], path: str, value: Any) -> None:
    """Set a field by its path, among parts in the form of dictionaries with a kind."""
    *way, last = path.split(".")
    inside: Any = {name: roots[name] for name in ("training", "model", "objective")}
    for i, name in enumerate([*way, last]):
        if not isinstance(inside, dict) or name not in inside or name == "kind":
            fields = [n for n in inside if n != "kind"] if isinstance(inside, dict) else []
            where = ".".join(way[:i]) or "a path"
            allowed = f"one of {', '.join(fields)}" if fields else f"{where} itself, {inside!r}"
            raise UserError(f"{path!r} names no field; allowed in {where} is {allowed}; rename it")
        if i < len(way):
            inside = inside[name]
    inside[last] = value


def _heading(budget: Mapping[str, int]) -> str:
    trials = f"{budget['arms']} arm{'s' * (budget['arms'] > 1)} x {budget['trials']} trials"
    return (
        f"{trials} x {budget['updates']:,} updates of {budget['batch']} boards: at most "
        f"{budget['total_updates']:,} updates, {budget['total_boards']:,} boards\n"
    )


def _beside(asked: argparse.Namespace) -> str:
    """Return the score of the best trivial method on the validation boards, which trials share.

    They aren't scored if the recipe can't be built without a field that is searched.
    """
    try:
        plan = configured(asked, asked.recipe, {}, {})
    except UserError:
        return "trivial methods not scored"
    return train.beside(plan)


def _say(say: progress.Line, told: "Progress", trivial: str) -> None:
    """Show the end of a trial and, on a terminal, its evaluations too."""
    name = f"{told.arm} trial {told.number}"
    if told.ended is None:
        if progress.watched():
            say(told.share, f"{name}  update {told.update}  unknown {told.score:6.1%}, {trivial}")
        return
    row = told.ended
    score = row["reason"] if told.score is None else f"unknown {told.score:.1%}, {trivial}"
    fields = "  ".join(f"{field}={_short(value)}" for field, value in row["fields"].items())
    say(told.share, f"{name}  {row['state']}  {score}  {fields}")


def _show(arm: str, results: Mapping[str, Any], trivial: str) -> None:
    """Print the trials of an arm, best first, and the scores of the chosen one."""
    counts = ", ".join(f"{count} {state}" for state, count in results["counts"].items())
    sys.stdout.write(f"{arm}: {counts}; {results['spent_updates']:,} updates\n\n")
    trials = sorted(results["trials"], key=lambda row: (-(row["validation"] or 0), row["number"]))
    fields = list(dict.fromkeys(field for row in trials for field in row["fields"]))
    rows = [
        (
            str(row["number"]),
            row["state"],
            "" if row["validation"] is None else f"{row['validation']:.1%}",
            f"{row['updates']:,}",
            *(_short(row["fields"].get(field, "")) for field in fields),
            row["reason"],
        )
        for row in trials
    ]
    table = [(*_columns, *fields, ""), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stdout.write(f"validation: unknown cells that are right; {trivial}\n")
    if results["chosen"] is not None:
        sys.stdout.write(f"\nchosen: trial {results['chosen']['number']}\n")
        scores.show(results["test"])


def _again(asked: argparse.Namespace, arm: str) -> list[str]:
    from hrm.system.files import read_json

    plan = asked.output / arm / "best.json"
    recipe = read_json(plan, "a sweep", "name another folder")["recipe"]
    given = ("--plan", str(plan), "--seed", "1", "--output", "DIR")
    return ["hrm", "train", recipe, asked.task, *given]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value).strip('"')
