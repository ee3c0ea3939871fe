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
        after: What trained them.
        mode: How the model is run.
        execution: What stopping costs, the arm's own if None.
        segments: Refinement segments of each cycle, as many as were trained if None.
        batch: Boards in each batch; it matters where a batch stops as one.
        split: Which boards: "test", or "train" for those that were learned from.
        count: How many of them, the first ones; None for all.
        identities: Which puzzle identities the model is told: the "given" ones of the boards, the
            "blank" one, one "shared" by all, or "random" ones, of which none is the board's own.
            None for what it was told in training.
        boards: Others than those of the training: their test boards are answered.
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
        after: What trained the weights. None for fresh weights on random inputs, where the seed
            draws each sample's halting step, uniformly (and the last step for each batch's first
            sample): what is saved is then known beforehand.
        mode: How the model is run, where it is trained.
        execution: What stopping costs, the arm's own if None.
        batch: Samples in each batch.
        batches: How many, where nothing was trained.
        replica: Which of several independent runs with one seed, where nothing was trained.
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
        after: What trained the weights.
        objective: Whose gradient, the arm's own if None.
        resamples: Batches. batch: boards in each.
        stop: The policy's logits are shifted so that this is the probability of stopping at its
            mean margin, over steps and boards; None for the policy as it is.
        tails: Degrees of freedom of Student's t, whose draws are added to rewards where V's
            gradient under heavy tails is taken.
        replica: Which of several independent series of batches with one seed.
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
    """Look at the states of a model, and at its gradients, on test boards.

    Every board takes so many halting steps, whatever halting says.

    Args:
        boards: Where the test boards are from, those that the model was trained on if it was.
        after: What trained the weights; None for those that training starts from.
        steps: Halting steps.
        count: How many test boards, the first ones.
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
        after: What trained the weights.
        objective: Whose loss, the arm's own if None.
        resamples: Batches. batch: boards in each.
        replica: Which of several independent series of batches with one seed.
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

    A model is run to each depth on test boards, whatever its halting says, without dropout.

    Args:
        after: What trained the weights.
        depths: So many halting steps, or segments of a single one; ascending.
        over: "steps" or "segments".
        boards: How many test boards, the first ones.
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
        after: What trained the weights.
        separate: Whose loss: two heads', or one map's (see `ReplayHalting`); the arm's own if None.
        batches: Halting steps of all places. batch: places.
        replica: Which of several independent series with one seed.
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
