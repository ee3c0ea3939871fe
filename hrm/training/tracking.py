"""Tracking: destinations for the points of a run, behind one protocol.

The run's folder is always written; our own commands read it:

    run.json       id, configuration, seeds, and an environment for each time the run was started
    curve.jsonl    one line per point, {"step": ..., **metrics}
    summary.json   how the run ended; absent while it is running or if it was killed

TensorBoard and Weights & Biases are extras, which are imported only when they are used.
"""

import importlib
import json
import math
import os
import platform
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from hrm.errors import UserError
from hrm.system import environment as surroundings
from hrm.system.files import damaged, read_json, read_lines, whole

_guard = ("a training run", "name another folder, or remove this one to start anew")
PROJECT = "hrm"  # default project of Weights & Biases
_project = "hrm-ablations"
_packages = (_project, "numpy", "safetensors", "torch")


@dataclass(frozen=True, kw_only=True)
class Run:
    """The description of a run.

    Args:
        id: Identifier, which a resumed run keeps.
        configuration: Everything that its curve depends on, as JSON.
        seeds: Seeds by purpose; they are in the configuration, too.
        environment: The current environment, from `environment`.
    """

    id: str
    configuration: Mapping[str, Any]
    seeds: Mapping[str, int]
    environment: Mapping[str, Any]


class Tracker(Protocol):
    """Receives the points of a run in order; after a resume, some steps may be repeated."""

    def start(self, run: Run) -> None:
        """Begin or resume a run."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record a point, which must not be lost if the process is killed right afterwards."""

    def finish(self, summary: Mapping[str, Any]) -> None:
        """End the run, complete or not, with its summary."""


class JsonLines:
    """Stores a run as JSON in a folder.

    A point is one write of one line. If the process is killed, at most the last line is incomplete;
    `points` ignores it and `start` removes it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._curve = folder / "curve.jsonl"

    def start(self, run: Run) -> None:
        said = asdict(run)
        environment = said.pop("environment")
        before = described(self.folder)
        earlier = [] if before is None else before["environments"]
        self.folder.mkdir(parents=True, exist_ok=True)
        write(self.folder / "run.json", {**said, "environments": [*earlier, environment]})
        (self.folder / "summary.json").unlink(missing_ok=True)
        self._curve.touch()
        with self._curve.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        plain = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
        with self._curve.open("ab", buffering=0) as file:
            file.write(json.dumps({"step": step, **plain}).encode() + b"\n")

    def finish(self, summary: Mapping[str, Any]) -> None:
        write(self.folder / "summary.json", summary)


class TensorBoard:
    """Writes event files to a folder.

    Raises:
        UserError: If TensorBoard isn't installed.
    """

    def __init__(self, folder: Path) -> None:
        self._module, self._folder = _extra("tensorboard", "torch.utils.tensorboard"), folder
        self._writer: Any = None

    def start(self, run: Run) -> None:
        self._writer = self._module.SummaryWriter(str(self._folder))  # creates the folder
        self._writer.add_text("run", f"```\n{json.dumps(asdict(run), indent=1)}\n```")

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def finish(self, summary: Mapping[str, Any]) -> None:
        self._writer.add_text("summary", f"```\n{json.dumps(summary, indent=1)}\n```")
        self._writer.close()


class WeightsAndBiases:
    """Logs a run with Weights & Biases, in a folder and offline.

    Set ``WANDB_MODE=online`` to send it to the service; ``wandb sync`` sends it later.

    Raises:
        UserError: If its package isn't installed.
    """

    def __init__(self, folder: Path, project: str = PROJECT) -> None:
        self._wandb, self._folder, self._project = _extra("wandb", "wandb"), folder, project
        self._run: Any = None

    def start(self, run: Run) -> None:
        mode = os.environ.get("WANDB_MODE", "offline")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._run = self._wandb.init(
            project=self._project,
            id=run.id,
            name=run.id,
            dir=str(self._folder),
            config=asdict(run),
            mode=mode,
            resume=None if mode == "offline" else "allow",  # offline, existing runs can't be listed
        )

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._run.log(dict(metrics), step=step)

    def finish(self, summary: Mapping[str, Any]) -> None:
        self._run.summary.update(dict(summary))
        self._run.finish()


def extras(name: str, folder: Path, project: str = PROJECT) -> list[Tracker]:
    """Return the trackers of a name, beside that of the folder.

    Args:
        name: Name of an extra.
        folder: The folder of the run.
        project: Project name for Weights & Biases.

    Raises:
        UserError: If the package isn't installed.
    """
    match name:
        case "tensorboard":
            return [TensorBoard(folder / "tensorboard")]
        case "wandb":
            return [WeightsAndBiases(folder, project)]
        case _:
            assert name == "jsonl", name
            return []


# -- reading a folder -----------------------------------------------------------------------------
def described(folder: Path) -> dict[str, Any] | None:
    """Return a folder's `run.json`, None where there is none.

    Raises:
        UserError: If it is damaged.
    """
    path = folder / "run.json"
    if not path.exists():
        return None
    found = read_json(path, *_guard)
    if lacking := {"id", "configuration", "seeds", "environments"} - found.keys():
        raise damaged(path, f"it lacks {min(lacking)!r}", *_guard)
    return found


def ended(folder: Path) -> dict[str, Any] | None:
    """Return a folder's `summary.json`, None where there is none.

    Raises:
        UserError: If it is damaged.
    """
    path = folder / "summary.json"
    return read_json(path, *_guard) if path.exists() else None


def points(folder: Path) -> list[dict[str, Any]]:
    """Return a run's curve in order of steps; if a step has two points, the later one counts.

    Raises:
        UserError: If a complete line isn't a point.
    """
    lines = read_lines(folder / "curve.jsonl", *_guard, "step")
    found = {point["step"]: point for point in lines}
    return [found[step] for step in sorted(found)]


def foreign(folder: Path, why: UserError) -> UserError:
    """Return the error for an undamaged `run.json` that this version can't read."""
    said = described(folder)
    assert said is not None
    versions = (said["environments"] or [{}])[-1].get("versions", {})
    theirs, ours = versions.get(_project), surroundings.versions([_project])[_project]
    newer = "a newer" if _parts(theirs) >= _parts(ours) else "an older"
    return UserError(
        f"{str(folder / 'run.json')!r} is a run of {newer} version of this project, {theirs}, "
        f"where this is {ours} ({why}); allowed is one that this version knows; use the other "
        f"version, or name another folder"
    )


def _parts(version: str | None) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version or "")]


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Write one of the folder's JSON files atomically."""
    with whole(path) as temporary:
        temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _extra(name: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"tracker is {name!r}, whose package can't be imported ({error}); allowed is jsonl, "
            f"which needs none; or pip install -c constraints.txt -e '.[{name}]'"
        ) from error


# -- a new run ------------------------------------------------------------------------------------
def identifier() -> str:
    """Return an identifier for a run that begins now."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


def environment(threads: int, device: str = "cpu") -> dict[str, Any]:
    """Return time, versions, machine, and the project's commit.

    The commit, and whether the tree had changes, are None outside the project's own repository.
    """
    commit, dirty = surroundings.commit()
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | surroundings.versions(_packages),
        **surroundings.machine(device=device, threads=threads),
        "commit": commit,
        "dirty": dirty,
    }
