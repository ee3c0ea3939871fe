"""Controls: measurements whose truth is known, derived from what the claims in use measure.

A claim measures something by a protocol, a metric and a test. Each such triple has two controls,
which are planned, run, stored and judged like claims and can only take verdicts away: one small arm
measured twice, independently, where nothing is to be found; and the same with an effect planted in
the configuration of the second cell, which is to be found. `SETUPS` has what is small and what is
planted, once for each protocol; nothing is written per claim. Claims from outside may bring more.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablations.metrics.base import Metric
from ablations.metrics.costs import BytesOf, Cycles, Flops, Rows
from ablations.metrics.curves import Arrival, TrainingLoss, ValidationScore
from ablations.metrics.gradients import GradientVariance
from ablations.metrics.scores import Accuracy, Margin
from ablations.metrics.shares import Saved
from ablations.metrics.timing import Milliseconds, TimeRatio
from ablations.rule import Word
from ablations.specs.arms import Arm, changed
from ablations.specs.claim import CONTROLS, Cell, Claim, Statistical, Tier
from ablations.specs.protocols import (
    Boards,
    Bytes,
    Evaluate,
    Execute,
    Protocol,
    Resample,
    Time,
    Train,
)
from ablations.specs.tests import (
    Both,
    Difference,
    Factorial,
    NotWorse,
    OneRatio,
    OneSample,
    Ratio,
    Reliable,
    Spread,
    Test,
    TimeToTarget,
    Timing,
    Trend,
)
from hrm import recipes
from hrm.config import Fixed, Lockstep, Readout, Segments, Vector
from hrm.config.learning import Supervised, Training
from hrm.config.parts import Part
from hrm.errors import UserError
from hrm.tasks.sudoku import Sudoku

PREFIX = "controls/"
_PAIRS_OF_SHARES = 40  # the fewest by which nearly all pairs can be found to be beyond an edge


# -- what is known, by protocol -------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Plant:
    """An effect that is planted in the configuration of the second cell.

    Args:
        words: What is changed, for the reader.
        arm, protocol: New values by dotted path, of the arm and of what is done with it.
        metrics: What is moved: one metric of each kind, as the controls read it.
        rises: Whether those metrics rise by it.
        null: Half of what it moves them by or less, and more than what runs scatter by: of
            differences, and as a share of ratios.
    """

    words: str
    metrics: tuple[Metric, ...]
    rises: bool
    null: float
    arm: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A protocol at a size at which 26 pairs cost little.

    Args:
        arm: What is measured.
        protocol: How.
        apart: New values of the protocol with which a second measurement is independent.
        apart_arm: New values of the arm that change nothing that the protocol looks at, where it
            measures arms together and would take equal ones for one.
        plants: What can be planted.
        cost: CPU seconds of a run.
    """

    arm: Part
    protocol: Protocol
    plants: tuple[Plant, ...]
    apart: Mapping[str, Any] = field(default_factory=dict)
    apart_arm: Mapping[str, Any] = field(default_factory=dict)
    cost: float = 1.0


_SUDOKU = Boards(task=Sudoku(size=4, clues=11), train=4096, validation=512, test=256)
_SIZE = 16 * 5  # cells times tokens
_UPDATES = 80
_LEVELS = changed(
    recipes.act_v1(width=32, heads=4, h_layers=1, l_layers=1),
    {
        "model.embedding": Vector(size=_SIZE),
        "model.readout": Readout(size=_SIZE, bias=False),
        "model.low.rotary": None,  # one position
        "model.high.rotary": None,
        "model.halting": Fixed(),
        "model.segments": Segments(count=1, detached=True),
        "objective": Supervised(every_segment=False),
    },
)
_TRAIN = Train(
    boards=_SUDOKU,
    training=Training(
        updates=_UPDATES, batch=64, learning_rate=1e-2, warmup=10, clip=1.0, evaluate_every=5
    ),
    rate_factors=(0.85, 1.2),
)
_WRONG = {"wrong_labels": 0.75}
_SCORES = (Accuracy(), Margin(), ValidationScore())
_POLICY = recipes.v2(
    inputs=_SIZE,
    outputs=_SIZE,
    hidden_low=32,
    hidden_high=64,
    max_cycles=8,
    use_per_sample_act=True,
)
_TEN = Train(
    boards=Boards(task=Sudoku(size=4, clues=11), train=1024, validation=64, test=64),
    training=Training(updates=10),
)
_CALL, _PASS = "bench.controller:controller_call", "bench.controller:forward"

SETUPS: tuple[Setup, ...] = (
    Setup(
        arm=_LEVELS,
        protocol=_TRAIN,
        apart={"replica": 1},
        plants=(
            Plant(
                words="Three quarters of the second cell's training labels are wrong",
                protocol=_WRONG,
                metrics=_SCORES,
                rises=False,
                null=0.1,
            ),
            Plant(
                words="Three quarters of the second cell's training labels are wrong",
                protocol=_WRONG,
                metrics=(TrainingLoss(last=10),),
                rises=True,
                null=0.1,
            ),
            Plant(
                words="The second cell learns at a twentieth of the rate",
                protocol={"training.learning_rate": 5e-4},
                metrics=(Arrival(threshold=0.4, cap=float(_UPDATES)),),
                rises=True,
                null=0.6,
            ),
        ),
        cost=1.5,
    ),
    Setup(
        arm=_LEVELS,
        protocol=Evaluate(after=_TRAIN),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="Three quarters of the labels that the second cell was trained on are wrong",
                protocol={"after.wrong_labels": 0.75},
                metrics=_SCORES,
                rises=False,
                null=0.1,
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=_POLICY,
        protocol=Execute(after=None),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell's batches run as long as their slowest sample",
                protocol={"execution": Lockstep()},
                metrics=(Rows(), Flops(), Cycles()),
                rises=True,
                null=0.2,
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=_POLICY,
        protocol=Resample(after=_TEN, resamples=32),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell's batches have an eighth of the samples",
                protocol={"batch": 4},
                metrics=(GradientVariance(),),
                rises=True,
                null=1.0,
            ),
        ),
    ),
    Setup(
        arm=_POLICY,
        protocol=Bytes(calls=(32,), passes=()),
        plants=(
            Plant(
                words="The second cell's high level is twice as wide",
                arm={"model.high.width": 128},
                metrics=(BytesOf(),),
                rises=True,
                null=0.05,
            ),
        ),
        cost=0.1,
    ),
    Setup(
        arm=recipes.v2(use_per_sample_act=True),
        protocol=Time(targets=(_CALL, _PASS), batches=(32,)),
        apart_arm={"objective.masked_mean": True},
        plants=(
            Plant(
                words="The second cell's high level is twice as wide",
                arm={"model.high.width": 1024},
                metrics=(TimeRatio(target=_CALL, batch=32), Milliseconds(target=_CALL, batch=32)),
                rises=True,
                null=0.1,
            ),
            Plant(
                words="The second cell's low level takes four times as many steps",
                arm={"model.low_steps": 12},
                metrics=(Saved(target=_CALL, whole=_PASS, batch=32, calls=8, speedup=5.0),),
                rises=False,
                null=0.1,
            ),
        ),
        cost=14.0,
    ),
)


# -- derived --------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A kind of protocol, of metric and of test: what controls are shared by."""

    protocol: type[Protocol]
    metric: type[Metric]
    test: type[Test]

    @property
    def name(self) -> str:
        """For ids: it depends on the three names alone."""
        return "-".join(_kebab(kind.__name__) for kind in (self.protocol, self.metric, self.test))


@dataclass(frozen=True, kw_only=True)
class Control:
    """A measurement whose truth is known; no member of the family, since it can only take away.

    Args:
        claim: What is measured; its id starts with "controls/".
        of: What it shares with the claims that it guards.
        planted: The planted effect, "" for equal cells.
        expected: CONFIRMED, NO EFFECT, or (of nearly all pairs) CONTRADICTED: the word it should
            get.
    """

    claim: Statistical
    of: Measurement
    planted: str
    expected: Word

    @property
    def statement(self) -> str:
        """What is known, in words."""
        return f"{self.planted}: the rule finds it." if self.planted else "Equal is found equal."

    def guards(self, claim: Claim) -> bool:
        """Return whether a claim shares the measurement."""
        return self.of in measurements(claim)


def measurements(claim: Claim) -> frozenset[Measurement]:
    """Return what a claim's verdict rests on, empty if it isn't decided by pairs."""
    if not isinstance(claim, Statistical):
        return frozenset()
    test = claim.test
    whole = ((test, tuple(range(test.cells))),)
    parts = zip(test.parts, test.reads, strict=True) if isinstance(test, Both) else whole
    return frozenset(
        Measurement(
            protocol=type(claim.cells[place].protocol),
            metric=type(claim.cells[place].metric),
            test=_two_cells[type(part)],
        )
        for part, places in parts
        for place in places
    )


def derived(claims: Iterable[Claim], own: Sequence[Setup] = ()) -> tuple[Control, ...]:
    """Return both controls of everything that claims measure, in the order of their names.

    Args:
        claims: What is to be guarded.
        own: Set-ups from outside, which come before `SETUPS`.

    Raises:
        UserError: If no set-up plants something that a claim's metric reads.
    """
    found = {m for claim in claims for m in measurements(claim)}
    setups = (*own, *SETUPS)
    return tuple(
        control for m in sorted(found, key=lambda m: m.name) for control in _pair(m, setups)
    )


_two_cells: Mapping[type[Test], type[Test]] = {
    # a test that compares one cell, or several, with what is known beforehand is guarded by one
    # that compares two: nothing is known beforehand of the small arms but that they are equal
    **{kind: kind for kind in (Difference, Ratio, TimeToTarget, Timing, Trend, NotWorse)},
    Factorial: Difference,
    OneSample: Difference,
    OneRatio: Ratio,
    Spread: Ratio,
    Reliable: NotWorse,
}


def _pair(of: Measurement, setups: Sequence[Setup]) -> tuple[Control, Control]:
    found = [
        (setup, plant, metric)
        for setup in setups
        if type(setup.protocol) is of.protocol
        for plant in setup.plants
        for metric in plant.metrics
        if type(metric) is of.metric
    ]
    if not found:
        raise UserError(
            f"no effect is planted where {of.metric.__name__} is read of {of.protocol.__name__}; "
            "allowed are protocols and metrics with a Setup; add one to SETUPS beside the claims"
        )
    setup, plant, metric = found[0]
    shares = of.test is NotWorse
    equal = Control(
        claim=_spec(of, setup, metric, plant, planted=False),
        of=of,
        planted="",
        expected=Word.CONFIRMED if shares else Word.NO_EFFECT,
    )
    planted = Control(
        claim=_spec(of, setup, metric, plant, planted=True),
        of=of,
        planted=plant.words,
        expected=Word.CONTRADICTED if shares else Word.CONFIRMED,
    )
    return equal, planted


def _spec(
    of: Measurement, setup: Setup, metric: Metric, plant: Plant, *, planted: bool
) -> Statistical:
    arm, done = (plant.arm, plant.protocol) if planted else (setup.apart_arm, setup.apart)
    first = Arm(label="first", part=setup.arm)
    second = Arm(label="second", part=changed(setup.arm, arm))
    protocol = changed(setup.protocol, {**(setup.apart if planted else {}), **done})
    assert isinstance(protocol, Protocol)
    changes = f"{plant.words}." if planted else "Nothing is planted."
    shares = of.test is NotWorse
    return Statistical(
        id=f"{PREFIX}{of.name}-{'planted' if planted else 'equal'}",
        section="Planted effect" if planted else "A versus A",
        reading=(
            "Both cells are one small arm, measured independently by the claims' own code and "
            f"judged by their rule. {changes}"
        ),
        cells=(
            Cell(label="first", arm=first, protocol=setup.protocol, metric=metric),
            Cell(label="second", arm=second, protocol=protocol, metric=metric),
        ),
        test=_test(of.test, plant),
        schedule=dict.fromkeys(Tier, _PAIRS_OF_SHARES) if shares and not planted else CONTROLS,
        unskilled=("first", "second"),  # what counts is that scores move
        cost=setup.cost,
    )


def _test(kind: type[Test], plant: Plant) -> Test:
    because = "it lies between what the control's runs scatter by and what is planted"
    fewer = not plant.rises
    if kind is NotWorse:
        return NotWorse(margin=plant.null, because=because, fewer=plant.rises)
    if kind is Trend:
        return Trend(levels=(0.0, 1.0), null=plant.null, because=because, fewer=fewer)
    assert issubclass(kind, Difference | Ratio), kind
    return kind(null=plant.null, because=because, fewer=fewer)


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
