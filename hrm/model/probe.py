"""States update by update, and numbers that say how they move.

Shapes: U records, B batch, S positions, D width of a level; N points.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from hrm.model.coupling import Levels, Thought, Update
    from hrm.model.model import HRM

Floats = NDArray[np.float64]

START = "start"  # the record of a state that no update made


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Both levels' states, after each update.

    Args:
        names: [U], the methods of the model that made the records, such as "update_low"; `START`
            for what a segment starts from, where that isn't what the one before ended with.
        segments: [U], the segment of each record, counted through all halting steps.
        high, low: [U, B, D] or [U, B, S, D].
        answers: What the model would answer after each segment, [segments, B, ...].
    """

    names: tuple[str, ...]
    segments: NDArray[np.int64]
    high: Floats
    low: Floats
    answers: Floats


def record(
    model: "HRM", inputs: "Tensor", identities: "Tensor | None" = None, *, steps: int | None = None
) -> Trace:
    """Think about a batch in evaluation mode, without gradient, and keep every state.

    Args:
        model: Left as it was.
        inputs, identities: As `HRM.forward` takes them. Every update's states are kept: pass few.
        steps: Halting steps that every sample takes; None for as many as halting allows.
    """
    import torch

    from hrm.model.state import State

    training = model.training
    model.eval()
    try:
        with torch.no_grad(), _watched(model) as seen:
            model(inputs, identities=identities, steps=steps or model.halting.max_steps)
            ends = {segment: z for _, segment, z in seen}  # the last of each
            read = [model.read(State(z.high, z.low, z.memory)) for z in ends.values()]
    finally:
        model.train(training)
    names, segments, states = zip(*seen, strict=True)
    return Trace(
        names=names,
        segments=np.array(segments),
        high=_stacked([z.high for z in states]),
        low=_stacked([z.low for z in states]),
        answers=_stacked(read),
    )


@contextmanager
def _watched(model: "HRM") -> Iterator[list[tuple[str, int, "Thought"]]]:
    """Yield a list to which each update of the model adds its name, segment and thought."""
    seen: list[tuple[str, int, Thought]] = []
    schedule = model.schedule
    segment = -1

    def watched(update: "Update") -> "Update":
        def inside(model: "Levels", z: "Thought", x: "Tensor | None") -> "Thought":
            if not seen or not _same(seen[-1][2], z):
                seen.append((START, segment, z))
            new = update(model, z, x)
            seen.append((update.__name__, segment, new))
            return new

        return inside

    def scheduled() -> "list[Update]":
        nonlocal segment
        segment += 1
        return [watched(update) for update in schedule()]

    vars(model)["schedule"] = scheduled  # before the class's own method
    try:
        yield seen
    finally:
        del vars(model)["schedule"]


def _stacked(tensors: Sequence["Tensor"]) -> Floats:
    found: Floats = np.stack([t.detach().double().cpu().numpy() for t in tensors])
    return found


def _same(a: "Thought", b: "Thought") -> bool:
    return bool((a.high == b.high).all() and (a.low == b.low).all())


def residuals(states: Floats) -> Floats:
    """Return how far each sample moved from record to record, per entry, [U - 1, B].

    ‖z_u - z_{u-1}‖ / sqrt(entries of a sample): the root mean square of the change.
    """
    moved = np.diff(states, axis=0)
    found: Floats = np.sqrt(np.square(moved).mean(axis=tuple(range(2, moved.ndim))))
    return found


def participation_ratio(points: Floats) -> Floats:
    """Return in how many directions points vary, [...] from [..., N, D].

    (sum λ)² / sum λ², λ being the eigenvalues of the covariance: 1 on a line, D where all
    directions vary alike, 0 where nothing varies.

    Source: Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement" (2017).
    """
    centred = points - points.mean(axis=-2, keepdims=True)
    # Singular values are as those of the covariance, squared and scaled; a scale cancels.
    variances = np.square(np.linalg.svd(centred, compute_uv=False))
    total = variances.sum(axis=-1)
    varies = total > 0
    ratio = total**2 / np.where(varies, np.square(variances).sum(axis=-1), 1)
    found: Floats = np.where(varies, ratio, 0.0)
    return found


def principal_components(points: Floats, count: int = 2) -> tuple[Floats, Floats]:
    """Return the coordinates of points on their main directions, and the variances' shares.

    A direction's sign is arbitrary; here its largest entry is positive.

    Args:
        points: [N, D].
        count: Directions; those that points don't have are zero.

    Returns:
        Coordinates [N, count]; shares of the whole variance [count], zero where nothing varies.
    """
    centred = points - points.mean(axis=0)
    left, scales, directions = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(directions).argmax(axis=1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    coordinates = (left * scales * signs)[:, :count]
    shares = np.square(scales) / (np.square(scales).sum() or 1.0)
    missing = count - coordinates.shape[1]
    return np.pad(coordinates, ((0, 0), (0, max(0, missing)))), np.pad(
        shares[:count], (0, max(0, missing))
    )
