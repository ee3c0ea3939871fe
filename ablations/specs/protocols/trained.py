"""Protocols that start from trained weights."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

from ablations.specs.protocols.base import (
    Boards,
    Execution,
    Protocol,
    require_one_of,
    require_positive,
)
from ablations.specs.protocols.modes import Greedy, Mode, Sampled
from ablations.specs.protocols.training import Train
from hrm.config.learning import PolicyGradient, Supervised
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class Evaluate(Protocol):
    """Score trained weights on boards, as `Train` does on the test boards, in some mode.

    Args:
        after: The protocol that trains the weights.
        mode: How the model is run.
        execution: How a batch is executed; None for the arm's own execution.
        segments: Number of refinement segments; None for as many as in training.
        batch: Boards per batch, which matters if a batch stops as one.
        split: The boards: "test", or "train" for the training boards.
        count: Number of boards, the first ones; None for all.
        identities: The puzzle identities that the model gets: those "given" by the boards, the
            "blank" one, one "shared" by all, or "random" ones other than the board's own. None for
            those of the training.
        boards: Other boards than those of the training, whose test boards are answered; None for
            theirs.
    """

    module: ClassVar[str] = "ablations.protocols.evaluate"
    after: Train
    mode: Mode = Greedy()
    execution: Execution | None = None
    segments: int | None = None
    batch: int = 256
    split: str = "test"
    count: int | None = None
    identities: str | None = None
    boards: Boards | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("batch", self.batch)
        require_positive("segments", 1 if self.segments is None else self.segments)
        require_positive("count", 1 if self.count is None else self.count)
        splits = ("train", "validation", "test")
        require(self.split in splits, "split", self.split, " or ".join(splits), "use test")
        if self.identities is not None:
            require_one_of("identities", self.identities, ("given", "blank", "shared", "random"))


@dataclass(frozen=True, kw_only=True)
class Execute(Protocol):
    """Count what an execution computes on the test boards: rows of the high core, and FLOPs.

    Args:
        after: The protocol that trains the weights. None for initial weights on random inputs,
            where halting steps are drawn uniformly from the seed (and are the last step for the
            first sample of each batch), so that the savings are known beforehand.
        mode: How a trained model is run.
        execution: How a batch is executed; None for the arm's own execution.
        batch: Samples per batch.
        batches: Number of batches, if nothing was trained.
        replica: Index among several independent runs with one seed, if nothing was trained.
    """

    module: ClassVar[str] = "ablations.protocols.execute"
    after: Train | None
    mode: Greedy | Sampled = Greedy()
    execution: Execution | None = None
    batch: int = 32
    batches: int = 4
    replica: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("batch", self.batch)
        require_positive("batches", self.batches)


@dataclass(frozen=True, kw_only=True)
class Resample(Protocol):
    """Policy gradients over resampled training batches, at trained weights.

    Equal seeds and replicas give equal batches with equal sampled actions, so that objectives are
    compared on the same ones.

    Args:
        after: The protocol that trains the weights.
        objective: The objective whose gradient is taken; None for the arm's own.
        resamples: Number of batches.
        batch: Boards per batch.
        stop: The policy's logits are shifted so that this is the probability of stopping at the
            mean margin over steps and boards; None for the policy as it is.
        tails: Degrees of freedom of Student's t, whose draws are added to the rewards for V's
            gradient with heavy tails.
        replica: Index among several independent series of batches with one seed.
    """

    module: ClassVar[str] = "ablations.protocols.resample"
    after: Train
    objective: PolicyGradient | None = None
    resamples: int = 32
    batch: int = 32
    stop: float | None = None
    tails: float = 2.0
    replica: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.resamples >= 2, "resamples", self.resamples, "2 or more", "a variance needs two"
        )
        require(
            self.stop is None or 0 < self.stop < 1,
            "stop",
            self.stop,
            "a probability between 0 and 1, or None",
            "use 0.2",
        )
        require(self.tails > 0, "tails", self.tails, "a positive number", "use 2")
        require_positive("batch", self.batch)


@dataclass(frozen=True, kw_only=True)
class Probe(Protocol):
    """Record the states of a model, and compare its gradients, on test boards.

    Every board takes `steps` halting steps; halting decisions are ignored.

    Args:
        boards: The boards whose test boards are used; for a trained model, those of its training.
        after: The protocol that trains the weights; None for initial weights.
        steps: Number of halting steps.
        count: Number of test boards, the first ones.
    """

    module: ClassVar[str] = "ablations.protocols.probe"
    boards: Boards
    after: Train | None
    steps: int
    count: int = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("steps", self.steps)
        require_positive("count", self.count)
        own = self.boards if self.after is None else self.after.boards
        require(
            self.boards == own,
            "boards",
            self.boards,
            "those of the training",
            "give both the same",
        )


@dataclass(frozen=True, kw_only=True)
class Scatter(Protocol):
    """Gradients of a training loss over training batches, at trained weights.

    Equal seeds and replicas give equal batches.

    Args:
        after: The protocol that trains the weights.
        objective: The objective whose loss is taken; None for the arm's own.
        resamples: Number of batches.
        batch: Boards per batch.
        replica: Index among several independent series of batches with one seed.
    """

    module: ClassVar[str] = "ablations.protocols.scatter"
    after: Train
    objective: Supervised | None = None
    resamples: int = 32
    batch: int = 64
    replica: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.resamples >= 2, "resamples", self.resamples, "2 or more", "a variance needs two"
        )
        require_positive("batch", self.batch)


@dataclass(frozen=True, kw_only=True)
class Gradients(Protocol):
    """Norms of the last answer's gradient, at trained weights, by the depth of the recursion.

    A model is run to each depth on test boards, without dropout; halting decisions are ignored.

    Args:
        after: The protocol that trains the weights.
        depths: Numbers of halting steps, or of segments of a single step; ascending.
        over: "steps" or "segments".
        boards: Number of test boards, the first ones.
    """

    module: ClassVar[str] = "ablations.protocols.gradients"
    after: Train
    depths: tuple[int, ...]
    over: str = "steps"
    boards: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        ascending = all(a < b for a, b in itertools.pairwise((0, *self.depths)))
        require(
            bool(self.depths) and ascending,
            "depths",
            self.depths,
            "ascending numbers of 1 or more",
            "use (2, 4, 8, 16)",
        )
        kinds = ("steps", "segments")
        require(self.over in kinds, "over", self.over, " or ".join(kinds), "use one")
        require_positive("boards", self.boards)


@dataclass(frozen=True, kw_only=True)
class QGradients(Protocol):
    """Gradients of the Q values' losses over experiences, at trained weights.

    An experience is one halting step of a place, as in training by `ReplayHalting`. Equal seeds and
    replicas give equal experiences, so that losses are compared on the same ones.

    Args:
        after: The protocol that trains the weights.
        separate: Whether the loss is that of separate heads or of one map (see `ReplayHalting`);
            None for the arm's own.
        batches: Number of halting steps of all places.
        batch: Number of places.
        replica: Index among several independent series with one seed.
    """

    module: ClassVar[str] = "ablations.protocols.q_gradients"
    after: Train
    separate: bool | None = None
    batches: int = 16
    batch: int = 64
    replica: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("batches", self.batches)
        require_positive("batch", self.batch)
