"""Folders: a public checkpoint as a run's folder, and a run's checkpoint as a public one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml

from hrm.config.parts import Part, require
from hrm.errors import UserError
from hrm.interop import files, names, settings
from hrm.interop.arch import Arch
from hrm.interop.inference import Inferred, fitting, inferred
from hrm.system.files import whole
from hrm.tasks import Task
from hrm.tasks.arc import Arc
from hrm.tasks.maze import Maze
from hrm.tasks.sudoku import Sudoku
from hrm.training import checkpoint, runs, tracking

_boards = 200  # of a converted run's training and test sets, to score it by
# The public data, by vocabulary and positions.
_data: Mapping[tuple[int, int], Any] = {
    (11, 81): Sudoku(size=9),
    (6, 900): Maze(size=30),
    (12, 900): Arc(),
}


def to_ours(
    source: Path,
    folder: Path,
    *,
    given: Mapping[str, Any] | None = None,
    configurations: Sequence[Path] = (),
    recipe: str | None = None,
    task: Task | None = None,
) -> Inferred:
    """Convert a public checkpoint to a run's folder; tensors stay equal bit for bit.

    Args:
        source: The checkpoint.
        folder: The folder to write, which must be new or empty.
        given: Public keys that override all other sources.
        configurations: Configuration files of the public code; empty for the one beside the
            checkpoint.
        recipe: Name of a recipe for keys that are missing, see `inferred`.
        task: The task of the model; None for the public data set with its sizes.

    Raises:
        UserError: If the checkpoint can't be read, doesn't fit its configuration, or must be for
            another task; the folder isn't changed then.
    """
    require(
        not folder.exists() or (folder.is_dir() and not any(folder.iterdir())),
        "output",
        str(folder),
        "a new folder, or an empty one",
        "name another",
    )
    if source.is_dir():
        steps = sorted((p.name for p in source.glob("step_*")), key=lambda n: (len(n), n))
        raise UserError(
            f"checkpoint is {str(source)!r}, a folder; allowed is a file; name "
            + (f"one in it: {', '.join(steps)}" if steps else "one: there is no step_* in it")
        )
    weights = files.read(source)
    beside = source.with_name(settings.FILE)
    found = settings.read(configurations or ([beside] if beside.is_file() else []))
    said = settings.of_model(found) | dict(given or {})
    if task is not None:
        said.setdefault("seq_len", task.cells)
    known = inferred(weights, said, recipe)
    system = known.arch.system()
    update = int(step[1]) if (step := re.search(r"step_(\d{1,12})", source.name)) else 0
    training = settings.training(found, update)
    plan = runs.Plan(
        recipe=recipe or known.recipe,
        system=system,
        task=_task(known.arch, task),
        train=max(_boards, training.batch),
        validation=1,
        test=_boards,
        training=training,
    )
    tree = {
        "moment": {"update": update},
        "model": weights.ours(),
        "public": {"source": source.name, "prefix": weights.prefix},
    }
    checkpoint.save(folder / "best.safetensors", tree)
    ours = tracking.JsonLines(folder)
    ours.start(
        tracking.Run(
            id=tracking.identifier(),
            configuration=plan.to_json(),
            seeds={"data": plan.data_seed, "weights": plan.seed, "order": plan.seed},
            environment=tracking.environment(1),
        )
    )
    ours.finish({"status": "converted", "from": source.name})
    return known


def to_public(
    source: Path, out: Path, *, given: Mapping[str, Any] | None = None, prefix: str | None = None
) -> Arch:
    """Convert a run's checkpoint to a public one, with a configuration beside it.

    An existing configuration isn't changed.

    Args:
        source: A run's folder, for its best checkpoint, or one checkpoint in it.
        out: A new file: safetensors if its name says so, otherwise as `torch.save` writes it.
        given: Public keys to override, such as `forward_dtype`.
        prefix: Prefix of each name; None for the one it had when it was converted, or
            `names.PREFIX`.

    Raises:
        UserError: If there is no such checkpoint, or the public code has no such model.
    """
    require(not out.exists(), "output", str(out), "a file that isn't there", "name another")
    stored = runs.stored(source)
    path = stored.first
    _, state = runs.weights(path)
    had = checkpoint.load(path).get("public", {})
    values = Arch.of(stored.plan.system).to_json() | dict(given or {})
    wide = values.pop("expansion", None)
    require(wide is None, "expansion", wide, "the run's own", "leave it out")
    arch = Arch.from_json(values)
    weights = names.renamed(state, str(path), one_level=arch.one_level)
    weights = replace(weights, prefix=had.get("prefix", names.PREFIX))
    fitting(weights, arch)
    half = arch.forward_dtype == "bfloat16"  # the public code's initial states have this type
    tensors = dict(weights.tensors)
    for name in (n for n in weights.tensors if n.endswith("_init")):
        if (tensors[name].dtype == torch.bfloat16) != half:
            tensors[name] = tensors[name].to(torch.bfloat16 if half else torch.float32)
    described = settings.public(arch, stored.plan.training, stored.plan.train)
    files.write(out, names.wrapped(replace(weights, tensors=tensors), prefix))
    beside = out.with_name(settings.FILE)
    if not beside.exists():
        with whole(beside) as temporary:
            temporary.write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
    return arch


def is_ours(path: Path) -> bool:
    """Return whether a path is a run's folder, or a file in one."""
    return ((path if path.is_dir() else path.parent) / "run.json").is_file()


def _task(arch: Arch, task: Task | None) -> Part:
    """Return the task of a model, checked against its sizes."""
    found = _data.get((arch.vocab_size, arch.seq_len)) if task is None else task
    if found is None:
        raise UserError(
            f"--task is missing, and no public data set has {arch.vocab_size} tokens and "
            f"{arch.seq_len} positions; allowed without it are models of the public data sets; "
            "give --task"
        )
    sizes = (found.cells, found.vocabulary)
    public = (found.cells, found.public_vocabulary)
    require(
        (arch.seq_len, arch.vocab_size) in (sizes, public),
        "task",
        f"{type(found).__name__} with {found.cells} cells",
        f"one of {arch.seq_len} cells and {arch.vocab_size} tokens",
        "give the fields that the checkpoint was trained with",
    )
    assert isinstance(found, Part)
    return found
