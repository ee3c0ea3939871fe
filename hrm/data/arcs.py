"""Tasks of ARC's form in JSON files: of ARC itself, re-arc, ConceptARC, 1D-ARC, the challenge.

    NAME.json               a task: {"train": [{"input": grid, "output": grid}], "test": ...}
    NAME.json               examples alone, as in re-arc: [{"input": ..., "output": ...}]; the last
                            tenth of them are the tests
    ..._challenges.json     many tasks by name; tests have no output
    ..._solutions.json      beside it: the outputs of the tests by name, in order

Tasks in a folder or file whose name contains ``training`` are training tasks. All others are
evaluation tasks, whose tests a model has to answer.
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrm.data.forms import refused
from hrm.errors import UserError
from hrm.tasks.arc.data import ArcTask, Grid, Pair, as_grid
from hrm.tasks.arc.task import Arc

_form = 'a task, {"train": [{"input": grid, "output": grid}, ...], "test": [...]}'


@dataclass(frozen=True, kw_only=True)
class ArcFiles(Arc):
    """Boards of ARC from tasks in files.

    Args:
        folder: A folder of task files, or one file.
    """

    folder: str

    @property
    def tasks(self) -> tuple[ArcTask, ...]:
        training, evaluation = _answered(self.folder)
        return training + evaluation

    @property
    def evaluation_tasks(self) -> tuple[ArcTask, ...]:
        return _answered(self.folder)[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """A task in a file.

    Args:
        task: Demonstrations and tests; an unknown output is an empty grid.
        training: Whether it is a training task.
    """

    task: ArcTask
    training: bool


def read(path: Path) -> list[Asked]:
    """Return the tasks of a file, or of a folder and all below it, by name.

    Raises:
        UserError: If a file can't be read or isn't of this form, or a name occurs twice.
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    found: dict[str, Asked] = {}
    for file in files:
        if file.stem.endswith("solutions") or file.name == "dataset.json":
            continue
        inside = (*file.relative_to(path.parent).parts[1:-1], file.stem) if path.is_dir() else ()
        training = "training" in " ".join(inside or (file.stem,))
        for name, said in _tasks(file).items():
            if name in found:
                raise refused(
                    file, f"task {name!r} is there twice", "each name once", "rename one of them"
                )
            found[name] = Asked(task=_task(file, name, said), training=training)
    if not found:
        raise refused(path, "there is no task in it", "JSON files of tasks", "name another folder")
    return [found[name] for name in sorted(found)]


@functools.lru_cache(maxsize=4)
def _answered(folder: str) -> tuple[tuple[ArcTask, ...], tuple[ArcTask, ...]]:
    """Return training and evaluation tasks, tests without an output left out."""
    sets: tuple[list[ArcTask], list[ArcTask]] = ([], [])
    for each in read(Path(folder)):
        task = each.task
        tests = tuple(pair for pair in task.tests if pair.output.size)
        kept = ArcTask(name=task.name, demonstrations=task.demonstrations, tests=tests)
        sets[0 if each.training else 1].append(kept)
    return tuple(sets[0]), tuple(sets[1])


def _tasks(file: Path) -> dict[str, Any]:
    """Return the demonstrations and tests of each task in a file."""
    said = _load(file)
    if isinstance(said, list):
        shown = len(said) - max(min(1, len(said) - 1), len(said) // 10)
        return {file.stem: {"train": said[:shown], "test": said[shown:]}}
    if not isinstance(said, dict) or not said:
        raise refused(file, "it holds no task", _form)
    if "train" in said:
        return {file.stem: said}
    beside = file.with_name(file.name.replace("challenges", "solutions"))
    outputs = _load(beside) if beside != file and beside.is_file() else {}
    for name, task in said.items():
        if not isinstance(task, dict) or "train" not in task:
            raise refused(file, f"entry {name!r} is no task", _form)
        known = outputs.get(name, [])
        for pair, output in zip(task.get("test", []), known, strict=False):
            pair.setdefault("output", output)
    return said


def _task(file: Path, name: str, said: Any) -> ArcTask:
    pairs = {}
    for role in ("train", "test"):
        listed = said.get(role, [])
        if not isinstance(listed, list):
            raise refused(file, f"{role} of task {name!r} is no list", _form)
        pairs[role] = tuple(
            _pair(file, f"{role} pair {i} of task {name!r}", pair, known=role == "train")
            for i, pair in enumerate(listed)
        )
    return ArcTask(name=name, demonstrations=pairs["train"], tests=pairs["test"])


def _pair(file: Path, what: str, said: Any, *, known: bool) -> Pair:
    if not isinstance(said, dict) or "input" not in said or (known and "output" not in said):
        raise refused(file, f"{what} lacks a grid", _form)
    try:
        input_ = as_grid(said["input"], f"the input of {what}")
        output = said.get("output")
        unknown: Grid = np.zeros((0, 0), dtype=np.uint8)
        grid = unknown if output is None else as_grid(output, f"the output of {what}")
    except UserError as error:
        raise UserError(f"{str(file)!r}: {error}") from error
    return Pair(input=input_, output=grid)


def _load(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise refused(file, f"it can't be read ({error.strerror or error})", "a file") from error
    except ValueError as error:
        raise refused(file, f"it isn't JSON ({error})", "JSON in UTF-8") from error


def named(names: Sequence[str], task: str) -> dict[int, str]:
    """Return the identities of a task's versions, each with the suffix of its name."""
    return {
        i: name.removeprefix(task).removeprefix("_")
        for i, name in enumerate(names)
        if name == task or name.startswith(f"{task}_t")
    }
