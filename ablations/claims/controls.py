"""Controls: measurements with a known truth, derived from the measurements of the claims in use.

A claim measures something by a protocol, a metric and a test. For each such triple there are two
controls, which are planned, run, stored and judged like claims, and which can only take verdicts
away. The negative control measures one small arm twice, independently, so that there is no effect.
In the positive control, an effect is planted in the configuration of the second cell.
`setups.SETUPS` defines small arms and planted effects once for each protocol; nothing is written
per claim. Claims from outside may bring further setups.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ablations.claims.ledger import Entry
from ablations.claims.setups import SETUPS, Plant, Setup
from ablations.metrics.base import Metric
from ablations.rule import Word
from ablations.specs.arms import Arm, changed
from ablations.specs.claim import CONTROLS, Cell, Claim, Reading, Statistical, Tier, product
from ablations.specs.protocols import Protocol
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
from hrm.errors import UserError

PREFIX = "controls/"
_PAIRS_OF_SHARES = 40  # the fewest by which nearly all pairs can be found to be beyond an edge


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Kinds of protocol, metric and test; claims with equal ones share their controls."""

    protocol: type[Protocol]
    metric: type[Metric]
    test: type[Test]

    @property
    def name(self) -> str:
        """The name in ids, formed from the names of the three kinds."""
        return "-".join(_kebab(kind.__name__) for kind in (self.protocol, self.metric, self.test))


@dataclass(frozen=True, kw_only=True)
class Control:
    """A measurement with a known truth, outside of the family, since it gives no verdict.

    Args:
        claim: The measurement as a claim; its id starts with "controls/".
        of: The measurement that it shares with the claims that it guards.
        planted: The planted effect; "" for equal cells.
        expected: The word that it should get: CONFIRMED, NO EFFECT or, for claims about nearly all
            pairs, CONTRADICTED.
    """

    claim: Statistical
    of: Measurement
    planted: str
    expected: Word

    @property
    def entry(self) -> Entry:
        """What a ledger would say of it: the known truth."""
        found = f"{self.planted}: the rule finds it." if self.planted else "Equal is found equal."
        return Entry(
            id=self.claim.id,
            claim=found,
            document="controls",
            documented=self.planted or "no effect",
            section="Planted effect" if self.planted else "A versus A",
        )

    def guards(self, claim: Claim) -> bool:
        """Return whether a claim shares the measurement."""
        return self.of in measurements(claim)


def measurements(claim: Claim) -> frozenset[Measurement]:
    """Return the measurements of a claim; none if it isn't decided by pairs."""
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
    """Return both controls of each protocol, metric and test that claims combine, by name.

    Args:
        claims: The claims to guard.
        own: Set-ups from outside, which come before `SETUPS`.

    Raises:
        UserError: If no set-up plants an effect that a claim's metric can show.
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
    changes = f"{plant.words}." if planted else "Nothing is planted."
    shares = of.test is NotWorse
    test = _test(of.test, plant)
    beside: tuple[Reading, ...] = ()
    if setup.protocol.joint:
        cells, place = _together(setup, metric, plant if planted else None)
        others = [i for i in range(1, len(cells)) if i != place]
        beside = tuple(Reading(cells[i].label, test=test, cells=(0, i)) for i in others)
        test = Both(parts=(test,), reads=((0, place),))
    else:
        cells = _apart(setup, metric, plant if planted else None)
    return Statistical(
        id=f"{PREFIX}{of.name}-{'planted' if planted else 'equal'}",
        reading=(
            "Both cells are one small arm, measured independently by the claims' own code and "
            f"judged by their rule. {changes}"
        ),
        cells=cells,
        test=test,
        schedule=dict.fromkeys(Tier, _PAIRS_OF_SHARES) if shares and not planted else CONTROLS,
        beside=beside,
        unskilled=tuple(cell.label for cell in cells),  # what counts is that scores move
        block=0,
        cost=setup.cost,
    )


def _apart(setup: Setup, metric: Metric, plant: Plant | None) -> tuple[Cell, ...]:
    """Return the two cells of a control, each measured by itself."""
    arm, done = (setup.apart_arm, setup.apart) if plant is None else (plant.arm, plant.protocol)
    first = Arm("first", setup.arm)
    second = Arm("second", changed(setup.arm, arm))
    protocol = changed(setup.protocol, {**setup.apart, **done})
    assert isinstance(protocol, Protocol)
    return (
        Cell("first", first, setup.protocol, metric),
        Cell("second", second, protocol, metric),
    )


def _together(setup: Setup, metric: Metric, plant: Plant | None) -> tuple[tuple[Cell, ...], int]:
    """Return the cells of all controls of a set-up whose arms are measured together, and one place.

    So all of them share their runs. The first two cells are equal, the others have the plants; the
    place is that of the cell which is compared with the first.
    """
    changes = {"first": {}, "second": setup.apart_arm}
    changes |= {f"planted {i}": one.arm for i, one in enumerate(setup.plants, start=1)}
    arms = [Arm(name, changed(setup.arm, change)) for name, change in changes.items()]
    cells = product(arms, setup.protocol, metric)
    return cells, 1 if plant is None else 2 + setup.plants.index(plant)


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
