"""Protocols that train."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ablations.specs.protocols.base import Boards, Protocol, require_factors, require_one_of
from hrm.config.learning import Training
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class Train(Protocol):
    """Train an arm and score it on the test boards.

    Args:
        boards: Boards for training and scoring.
        training: How the arm is trained.
        rate_factors: Each seed multiplies the learning rates by a factor drawn log-uniformly from
            this range, the same for all arms of the seed; None for no factor.
        wrong_labels: Share of training labels that are replaced by wrong ones, which controls
            plant.
        replica: Index among several independent runs with one seed; the replicas of a seed share
            the factor of the learning rates.
        varies: The draws that are independent in each replica, of "weights", "order" and "boards";
            all others are those of replica 0.
        identities: The puzzle identities that the model gets in training and scoring: those "given"
            by the boards, one "shared" by all, or "random" ones, drawn each time that a board is
            used.
        shadows: Decays of additional averages of the weights, which are scored on the test boards
            at the end and don't affect the training.
        compiled: Whether steps are compiled (`hrm.training.compiled`), with one graph for all
            seeds, which is chosen if it saves time. It is the same for all cells of a claim.
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
    compiled: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of("identities", self.identities, ("given", "shared", "random"))
        for name in self.varies:
            require_one_of("varies", name, ("weights", "order", "boards"))
        for decay in self.shadows:
            require(0 < decay < 1, "shadows", decay, "decays between 0 and 1", "use (0.99,)")
        require(
            0 <= self.wrong_labels <= 1,
            "wrong_labels",
            self.wrong_labels,
            "a share between 0 and 1",
            "use 0.5 for half of the labels",
        )
        require_factors(self.rate_factors)
        require(self.replica >= 0, "replica", self.replica, "0 or more", "raise it")


@dataclass(frozen=True, kw_only=True)
class Ladder(Protocol):
    """Train an arm at each learning rate of a ladder, from equal weights, to find stable rates.

    Args:
        boards: Boards for training; nothing is scored on held-out boards.
        training: How the arm is trained at the lowest rung; all its learning rates rise together.
        rungs: Number of rates.
        step: Factor between two rates.
        rate_factors: As in `Train`: a seed shifts the whole ladder, equally for all arms. Stored
            rates are those before the shift.
        replica: Index among several independent runs with one seed, as in `Train`.
        compiled: Whether steps are compiled, as in `Train`.
    """

    module: ClassVar[str] = "ablations.protocols.ladder"
    boards: Boards
    training: Training
    rungs: int
    step: float = math.sqrt(2)
    rate_factors: tuple[float, float] | None = (0.7, 1.4)
    replica: int = 0
    compiled: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.rungs >= 2, "rungs", self.rungs, "2 or more", "use 8")
        require(self.step > 1, "step", self.step, "more than 1", "use the root of 2")
        require_factors(self.rate_factors)
        require(self.replica >= 0, "replica", self.replica, "0 or more", "raise it")

    @property
    def rates(self) -> tuple[float, ...]:
        """The learning rate of each rung, ascending, before the seed's factor."""
        return tuple(self.training.learning_rate * self.step**k for k in range(self.rungs))


@dataclass(frozen=True, kw_only=True)
class Climb(Ladder):
    """Train an arm at each learning rate of a ladder, to find whether it converges at any.

    Unlike in `Ladder`, `training.halting_rate` stays the same on all rungs, and answers between the
    halting steps may be supervised.
    """

    module: ClassVar[str] = "ablations.protocols.climb"
