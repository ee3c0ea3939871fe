"""Recorded states, update by update, and statistics of how they change.

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

START = "start"  # name of the record of an initial state


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Both levels' states, after each update.

    Args:
        names: [U], the method of the model that produced each record, such as "update_low"; `START`
            for the initial state of a segment, if it isn't the final state of the previous one.
        segments: [U], the segment of each record, counted over all halting steps.
        high: High states, [U, B, D] or [U, B, S, D].
        low: Low states, [U, B, D] or [U, B, S, D].
        answers: The model's answers after each segment, [segments, B, ...].
    """

    names: tuple[str, ...]
    segments: NDArray[np.int64]
    high: Floats
    low: Floats
    answers: Floats


def record(
    model: "HRM", inputs: "Tensor", identities: "Tensor | None" = None, *, steps: int | None = None
) -> Trace:
    """Run a model on a batch in evaluation mode, without gradient, and record every state.

    Args:
        model: The model; its mode is restored afterwards.
        inputs: As `HRM.forward` takes them. The states of every update are kept, so pass few
            samples.
        identities: As `HRM.forward` takes them.
        steps: Halting steps that every sample takes; None for the largest number.
    """
    import torch

    from hrm.model.state import State

    training = model.training
    model.eval()
    try:
        with torch.no_grad(), _watched(model) as seen:
            model(inputs, identities=identities, steps=steps or model.halting.max_steps)
            ends = {segment: z for _, segment, z in seen}  # the last state of each segment
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

    vars(model)["schedule"] = scheduled  # hides the method of the class
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
    """Return the root mean square change of each sample between records, [U - 1, B].

    It is ‖z_u - z_{u-1}‖ / sqrt(number of entries of a sample's state).
    """
    moved = np.diff(states, axis=0)
    found: Floats = np.sqrt(np.square(moved).mean(axis=tuple(range(2, moved.ndim))))
    return found


def participation_ratio(points: Floats) -> Floats:
    """Return the participation ratio of points [..., N, D], an effective dimension, [...].

    It is (sum λ)² / sum λ², where λ are the eigenvalues of the covariance: 1 for points on a line,
    D if the variance is equal in all directions, 0 if nothing varies.

    Source: Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement" (2017).
    """
    centred = points - points.mean(axis=-2, keepdims=True)
    # The squared singular values are N − 1 times the eigenvalues; the factor cancels.
    variances = np.square(np.linalg.svd(centred, compute_uv=False))
    total = variances.sum(axis=-1)
    varies = total > 0
    ratio = total**2 / np.where(varies, np.square(variances).sum(axis=-1), 1)
    found: Floats = np.where(varies, ratio, 0.0)
    return found


def principal_components(points: Floats, count: int = 2) -> tuple[Floats, Floats]:
    """Return the coordinates of points on their principal components, and shares of the variance.

    The sign of a component is arbitrary; here its largest entry is positive.

    Args:
        points: [N, D].
        count: Number of components; beyond the rank of the points, coordinates are zero.

    Returns:
        Coordinates [N, count], and shares of the total variance [count], zero if nothing varies.
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
