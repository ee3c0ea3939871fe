"""Protocols as plain data: what a trial does, and after what. `ablations.protocols` does it.

    Train       train an arm, score it on boards held out     leaves weights
    Ladder      train an arm anew at each of several rates
    Evaluate    score those weights in another mode
    Execute     count what an execution computes with them
    Resample    policy gradients at them, over resampled batches
    Probe       how states move, in how many directions, and what one-step gradients miss
    Scatter     gradients of a training loss over batches
    Gradients   how far a loss's gradient reaches back, by depth
    QGradients  how large the gradient of Q values' losses is, over experiences
    Bytes       count what a controller call and a whole pass allocate
    Check       run the function of an exact claim

A protocol may start from the weights that another one left (`after`): an arm is trained once and
measured often. Each kind names the module that runs it; a run's fingerprint covers that module's
imports, the modules of the parts that it is given, and the settings.
"""

import itertools
import math
from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

from hrm.config import Compacted, Lockstep, Masked, Refilled
from hrm.config.learning import PolicyGradient, Supervised, Training
from hrm.config.parts import Part, require

Execution = Lockstep | Masked | Compacted | Refilled


@dataclass(frozen=True, kw_only=True)
class Boards(Part):
    """Boards of a task.

    Args:
        task: A task, `hrm.tasks.sudoku.Sudoku(...)`.
        train, validation, test: How many boards of each split.
        seed: The data seed of all runs; None to draw the boards anew from each run's seed.
    """

    task: Part
    train: int
    validation: int = 256
    test: int = 2048
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Protocol(Part, ABC):
    """What a trial does.

    Class attributes:
        module: The module with the function `run(inputs)` that does it.
        joint: Whether one trial measures all arms together, rather than each its own.
        alone: Whether a trial must have the machine for itself.
        weights: Whether a trial leaves weights that others may start from.
    """

    module: ClassVar[str]
    joint: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    weights: ClassVar[bool] = False

    @property
    def parent(self) -> "Protocol | None":
        """The protocol whose weights this one starts from, None if it starts from nothing."""
        return getattr(self, "after", None)

    @property
    def functions(self) -> tuple[str, ...]:
        """Functions that it calls by name, "module:function"; a run rests on their sources too."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Train(Protocol):
    """Train an arm and score it on the test boards.

    Args:
        boards: What it is trained and scored on.
        training: How.
        rate_factors: Each seed multiplies the learning rates by a factor drawn log-uniformly from
            this range, the same for all arms of the seed; None for no factor.
        wrong_labels: Share of training labels that are exchanged for wrong ones: a control's plant.
        replica: Which of several independent runs with one seed; a seed's replicas share the factor
            of the rate.
        varies: What replicas draw of their own; they share the rest with the first one.
        identities: Which puzzle identities the model is told, in training and where it is scored:
            the "given" ones of the boards, one "shared" by all, or "random" ones, drawn anew each
            time that a board is dealt.
        shadows: Decays of averages of the weights that are kept beside, scored on the test boards
            at the end, and steer nothing.
    """

    module: ClassVar[str] = "ablations.protocols.train"
    weights: ClassVar[bool] = True
    boards: Boards
    training: Training
    rate_factors: tuple[float, float] | None = (0.7, 1.4)
    wrong_labels: float = 0.0
    replica: int = 0
    varies: tuple[str, ...] = ("weights", "order")
    identities: str = "given"
    shadows: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _one_of("identities", self.identities, ("given", "shared", "random"))
        for name in self.varies:
            _one_of("varies", name, ("weights", "order", "boards"))
        for decay in self.shadows:
            require(0 < decay < 1, "shadows", decay, "decays between 0 and 1", "use (0.99,)")
        require(
            0 <= self.wrong_labels <= 1,
            "wrong_labels",
            self.wrong_labels,
            "a share between 0 and 1",
            "use 0.5 for half of the labels",
        )
        _factors(self.rate_factors)
        require(self.replica >= 0, "replica", self.replica, "0 or more", "raise it")


@dataclass(frozen=True, kw_only=True)
class Ladder(Protocol):
    """Train an arm anew at each rate of a ladder, from equal weights, and say where it is stable.

    Args:
        boards: What it is trained on; nothing is scored on boards held out.
        training: How, at the lowest rung; all its learning rates climb together.
        rungs: How many rates, each `step` times the one before.
        rate_factors: As in `Train`: a seed shifts the whole ladder, equally for all arms. Rates are
            named as they are before the shift.
        replica: As in `Train`.
    """

    module: ClassVar[str] = "ablations.protocols.ladder"
    boards: Boards
    training: Training
    rungs: int
    step: float = math.sqrt(2)
    rate_factors: tuple[float, float] | None = (0.7, 1.4)
    replica: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.rungs >= 2, "rungs", self.rungs, "2 or more", "use 8")
        require(self.step > 1, "step", self.step, "more than 1", "use the root of 2")
        _factors(self.rate_factors)
        require(self.replica >= 0, "replica", self.replica, "0 or more", "raise it")

    @property
    def rates(self) -> tuple[float, ...]:
        """The learning rate of each rung, ascending, before the seed's factor."""
        return tuple(self.training.learning_rate * self.step**k for k in range(self.rungs))


# -- after training -------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Mode(Part, ABC):
    """How trained weights are run on the test boards; `protocols.evaluate.answers` does it."""


@dataclass(frozen=True, kw_only=True)
class Greedy(Mode):
    """As in evaluation: no exploration, decisions greedy.

    Args:
        halt: Whether models halt also whose evaluation takes all steps (act-v1, as coded).
    """

    halt: bool = False


@dataclass(frozen=True, kw_only=True)
class Sampled(Mode):
    """Halting decides as in training, with noise from the run's seed; there is no dropout."""


@dataclass(frozen=True, kw_only=True)
class Forced(Mode):
    """Every board takes so many halting steps; answers are scored after each of them.

    Args:
        steps: Halting steps, K.
    """

    steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive("steps", self.steps)


@dataclass(frozen=True, kw_only=True)
class MeanLogits(Mode):
    """Every board takes so many halting steps; the answer is that of the steps' mean logits.

    Args:
        steps: Halting steps, K.
    """

    steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive("steps", self.steps)


@dataclass(frozen=True, kw_only=True)
class Scripted(Mode):
    """Halting steps are given, whatever the model wants: what controls plant.

    They are uniform on 1 … `longest`, drawn by the seed or in the order of the boards' difficulty.

    Args:
        steps: Halting steps that are computed, K.
        longest: The last step at which a board stops, at most K.
        ordered: Whether boards with more unknown cells stop later.
    """

    steps: int
    longest: int
    ordered: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        within = 1 <= self.longest <= self.steps
        require(within, "longest", self.longest, f"1 to steps, {self.steps}", "use fewer")


@dataclass(frozen=True, kw_only=True)
class Trajectories(Mode):
    """Several trajectories a board, with noise in their states; Q(halt) chooses among their ends.

    Args:
        count: Trajectories of each board, K.
        scales: Standard deviations of the noise, of which the best on the validation boards is
            taken. States have entries of about 1.
    """

    count: int = 16
    scales: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.8)

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive("count", self.count)
        require(
            bool(self.scales) and min(self.scales) > 0,
            "scales",
            self.scales,
            "positive numbers",
            "use (0.1, 0.2, 0.4)",
        )


@dataclass(frozen=True, kw_only=True)
class Vote(Mode):
    """The answer is a vote, cell by cell, over copies of a board with its digits exchanged.

    Args:
        copies: How many, all different.
    """

    copies: int = 9

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive("copies", self.copies)


@dataclass(frozen=True, kw_only=True)
class OneUnknown(Mode):
    """As `Greedy`, and also on the test boards' solutions with one of the open cells left open."""


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
        _positive("batch", self.batch)
        _positive("segments", 1 if self.segments is None else self.segments)
        _positive("count", 1 if self.count is None else self.count)
        splits = ("train", "validation", "test")
        require(self.split in splits, "split", self.split, " or ".join(splits), "use test")
        if self.identities is not None:
            _one_of("identities", self.identities, ("given", "blank", "shared", "random"))


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
        _positive("batch", self.batch)
        _positive("batches", self.batches)


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
        _positive("batch", self.batch)


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
        _positive("steps", self.steps)
        _positive("count", self.count)
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
        _positive("batch", self.batch)


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
        _positive("boards", self.boards)


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
        _positive("batches", self.batches)
        _positive("batch", self.batch)


# -- without training -----------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Bytes(Protocol):
    """Count the bytes that controller calls and whole forward passes allocate, in evaluation.

    Nobody wants to stop, so that a pass takes all its cycles. Bytes follow from shapes alone.

    Args:
        calls: Batches of the controller calls. passes: Batches of the forward passes.
    """

    module: ClassVar[str] = "ablations.protocols.bytes"
    calls: tuple[int, ...] = (1, 4, 32, 128)
    passes: tuple[int, ...] = (32,)


@dataclass(frozen=True, kw_only=True)
class Check(Protocol):
    """Run the function of an exact claim, which yields checks.

    Args:
        function: "module:function"; it is called with the arms' systems and the seed, and with
            the figures where there are any.
        figures: What a document prints, from the ledger.
    """

    module: ClassVar[str] = "ablations.protocols.check"
    joint: ClassVar[bool] = True
    function: str
    figures: tuple[str, ...] = ()

    @property
    def functions(self) -> tuple[str, ...]:
        return (self.function,)


@dataclass(frozen=True, kw_only=True)
class Time(Protocol):
    """Time all arms by turns in a fresh process, and with them a twin of the first.

    The twin is the baseline, built a second time. Every target is timed at every batch size, in so
    many rounds, each of which calls all arms and the twin once, in random order.

    Args:
        targets: What is timed, functions "module:function" as `bench.turns` describes them.
        batches: Batch sizes.
        rounds: How many; the median over them is what a process says.
    """

    module: ClassVar[str] = "ablations.protocols.time"
    joint: ClassVar[bool] = True
    alone: ClassVar[bool] = True
    targets: tuple[str, ...]
    batches: tuple[int, ...]
    rounds: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.targets and self.batches, self
        require(self.rounds >= 1, "rounds", self.rounds, "1 or more", "use 40")

    @property
    def functions(self) -> tuple[str, ...]:
        return self.targets


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    require(value in allowed, name, value, " or ".join(allowed), "use one of them")


def _positive(name: str, value: int) -> None:
    require(value >= 1, name, value, "1 or more", "raise it")


def _factors(given: tuple[float, float] | None) -> None:
    low, high = given or (1.0, 1.0)
    require(
        0 < low <= high,
        "rate_factors",
        given,
        "two positive numbers, the smaller first, or None",
        "use (0.7, 1.4)",
    )
