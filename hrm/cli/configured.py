"""`--config FILE`: the options of a command from a YAML file.

Its keys are the names of options without leading dashes. Options that may be repeated (``set``,
``axis``, ``task-set``, ``training-set``) take a mapping. ``recipe`` and ``task`` are the command's
arguments; ``config`` takes the keys that document act-v1 prints. Options on the command line take
precedence.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hrm.cli.options import did_you_mean
from hrm.errors import UserError
from hrm.system.environment import root

CONFIGS = root / "configs"  # in a checkout of the repository
_settings = ("set", "task-set", "training-set", "axis")
_plain = (
    *("updates", "batch", "learning-rate", "seed", "order-seed", "data-seed"),
    *("data", "train", "validation", "test", "keep-every"),
    *("threads", "device", "tracker", "project", "output"),
)
_allowed = ("recipe", "task", "config", *_settings, *_plain)
_of_task = ("seq_len", "vocab_size", "num_puzzle_identifiers")  # they follow from the task
_precisions = ("bfloat16", "float32")
_ours = {  # document act-v1's keys, as arguments of its recipe
    "H_cycles": "h_cycles",
    "L_cycles": "l_cycles",
    "H_layers": "h_layers",
    "L_layers": "l_layers",
    "hidden_size": "width",
    "num_heads": "heads",
    "expansion": "expansion",
    "puzzle_emb_ndim": "puzzle_size",
    "halt_max_steps": "max_steps",
    "halt_exploration_prob": "exploration",
    "halt_in_evaluation": "halt_in_evaluation",
}
MIXED: Mapping[str, Mapping[str, Any]] = {  # what --tasks takes, as document complete has them
    "sudoku": {},
    "maze": {"size": 15},
    "pattern": {},
    "hanoi": {},
    "logic": {},
    "coloring": {},
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="read options from a YAML file, or one of configs/ by its name, such as small_test; "
        "RECIPE and TASK may be in it",
    )
    parser.add_argument(
        "--tasks",
        metavar="NAME,NAME",
        help="train on several tasks at once instead of TASK, with scores for each",
    )


def expanded(arguments: Sequence[str]) -> list[str]:
    """Return a command line with the options of its file before its own.

    Raises:
        UserError: If the file can't be read, or has a key that isn't an option.
    """
    own = _mixed(list(arguments))
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--config", type=Path)
    try:
        file = finder.parse_known_args(own)[0].config
    except argparse.ArgumentError:  # reported where the whole command line is parsed
        return own
    if file is None or own[0] != "train":  # `hrm convert` has another option of that name
        return own
    command, *rest = own
    said = _read(file := _found(file))
    named = []
    for key in ("recipe", "task"):
        if rest and not rest[0].startswith("-"):
            named.append(rest.pop(0))
        elif key in said:
            named.append(str(said[key]))
    return [command, *named, *_options(said, file), *rest]


def _mixed(own: list[str]) -> list[str]:
    """Return a command line in which ``--tasks maze,pattern`` is a mixture with those tasks.

    Raises:
        UserError: If the command line names another task as well.
    """
    if not own or own[0] != "train" or "--tasks" not in own[:-1]:
        return own
    at = own.index("--tasks")
    named = own[at + 1].split(",")
    for name in named:
        if name not in MIXED:
            mend = did_you_mean(name, MIXED, "name one or more of them")
            raise UserError(
                f"--tasks has {name!r}; allowed are {', '.join(MIXED)}, with commas between; {mend}"
            )
    tasks = [{"kind": name.capitalize(), **MIXED[name]} for name in named]
    rest = own[1:at] + own[at + 2 :]
    first = [rest.pop(0)] if rest and not rest[0].startswith("-") else []
    return ["train", *first, "mixture", "--task-set", f"tasks={json.dumps(tasks)}", *rest]


def _found(file: Path) -> Path:
    """Return a file, or that of the repository's `configs/` with this name, such as small_test."""
    named = CONFIGS / f"{file}.yaml"
    return named if not file.exists() and file.name == str(file) and named.is_file() else file


def _read(file: Path) -> Mapping[str, Any]:
    import yaml

    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(
            f"--config is {str(file)!r}, which can't be read ({error}); allowed is a YAML file of "
            f"options, or one of configs/ by its name; name another"
        ) from error
    if not isinstance(said, Mapping):
        raise UserError(
            f"--config is {str(file)!r}, which holds {type(said).__name__}; allowed is a mapping "
            f"of options; write `updates: 1000`"
        )
    for key in said:
        if key not in _allowed:
            mend = did_you_mean(str(key), _allowed, "leave it out")
            raise UserError(f"{file} has {key!r}; allowed are {', '.join(_allowed)}; {mend}")
    return said


def _options(said: Mapping[str, Any], file: Path) -> Iterator[str]:
    """Yield the options of a file in the form of a command line."""
    for key in ("config", *_settings):
        values = said.get(key, {})
        if not isinstance(values, Mapping):
            raise UserError(f"{file} has {key!r} {values!r}; allowed is a mapping; write name: 3")
        for name, value in values.items():
            if key == "config":
                yield from _documented(str(name), value, file)
            else:
                yield from (f"--{key}", f"{name}={json.dumps(value)}")
    for key in _plain:
        if key in said:
            yield f"--{key}={said[key]}"


def _documented(name: str, value: Any, file: Path) -> Iterator[str]:
    """Yield the options that correspond to a key of document act-v1."""
    match name:
        case "pos_encodings":
            yield from ("--set", f"learned_positions={json.dumps(value == 'learned')}")
        case "rope_theta":
            for level in ("low", "high"):
                yield from ("--axis", f"{level}.rotary={json.dumps(float(value))}")
        case "forward_dtype":
            if value not in _precisions:
                raise UserError(
                    f"{file} has forward_dtype {value!r}; allowed is {' or '.join(_precisions)}: "
                    f"`hrm train` scales no loss, as float16 needs; use bfloat16, or train "
                    f"hrm.models.HRMACTv1 with its `scaling` on a GPU"
                )
            yield from ("--axis", f"bfloat16={json.dumps(value == 'bfloat16')}")
        case "gradient_checkpointing":
            yield from ("--axis", f"checkpointing={json.dumps(value)}")
        case "batch_size":
            yield f"--batch={value}"
        case _ if name in _ours:
            yield from ("--set", f"{_ours[name]}={json.dumps(value)}")
        case _:
            allowed = (*_ours, "pos_encodings", "rope_theta", "forward_dtype", "batch_size")
            mend = did_you_mean(name, allowed, "leave it out")
            if name in _of_task:
                mend = "leave it out: it follows from the task"
            raise UserError(
                f"{file} has the key {name!r} under config; allowed are {', '.join(allowed)}; "
                f"{mend}"
            )
