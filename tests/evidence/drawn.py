"""Claims with seven kinds of tests over synthetic runs: skewed, censored, diverged."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.claims.setups import Plant, Setup
from ablations.metrics.base import Metric
from ablations.metrics.value import UNKNOWN, Value, beyond, number
from ablations.protocols.base import Outcome
from ablations.specs.arms import vary
from ablations.specs.claim import Statistical, Tier
from ablations.specs.contrasts import interaction
from ablations.specs.protocols import Protocol
from ablations.specs.tests import (
    Difference,
    Factorial,
    NotWorse,
    OneRatio,
    Ratio,
    TimeToTarget,
    Trend,
)
from hrm.config.parts import Part
from hrm.errors import Diverged

SCHEDULE = {Tier.QUICK: 1, Tier.STANDARD: 26, Tier.FULL: 40}
BECAUSE = "made up"


@dataclass(frozen=True, kw_only=True)
class Source(Part):
    middle: float = 1.0
    spread: float = 0.2
    breaks: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Draw(Protocol):
    module: ClassVar[str] = "drawn"
    replica: int = 0


@dataclass(frozen=True, kw_only=True)
class Drawn(Metric):
    @property
    def quantity(self):
        return "made-up units"

    def read(self, found):
        return number(found["value"])


@dataclass(frozen=True, kw_only=True)
class Arrived(Drawn):
    higher_is_better: ClassVar[bool] = False
    cap: float = 1.6

    def read(self, found):
        if found["value"] > 2.2:
            return UNKNOWN
        if found["value"] < 0.6:
            return Value(low=0.0, high=0.6, mean=0.6)
        return number(found["value"]) if found["value"] <= self.cap else beyond(self.cap)


def run(inputs):
    (arm,) = inputs.arms
    drawn_from = (inputs.seed, inputs.protocol.replica, arm.middle * 1000, arm.breaks * 1000)
    rng = np.random.default_rng([round(x) for x in drawn_from])
    if rng.random() < arm.breaks:
        raise Diverged(3, "it broke")
    return Outcome(observations=[{"value": float(arm.middle * rng.lognormal(sigma=arm.spread))}])


def claim(name, test, arms, metric=None):
    return Statistical(
        id=name,
        reading="As drawn.",
        arms=vary(Source(), arms),
        protocol=Draw(),
        metric=metric or Drawn(),
        test=test,
        schedule=SCHEDULE,
        cost=0.001,
    )


TWO = {"base": {}, "new": {"middle": 1.6, "breaks": 0.05}}
FOUR = {"a": {}, "b": {"middle": 1.3}, "c": {"middle": 1.5}, "d": {"middle": 2.6, "breaks": 0.04}}
CLAIMS = [
    claim("difference", Difference(null=0.1, because=BECAUSE), TWO),
    claim(
        "ratio",
        Ratio(null=0.1, because=BECAUSE, about=(1.2, 1.5), band_because=BECAUSE),
        TWO,
    ),
    claim(
        "arrival",
        TimeToTarget(null=0.05, because=BECAUSE, fewer=True),
        {"base": {"middle": 1.5}, "new": {"middle": 0.9, "breaks": 0.1}},
        Arrived(),
    ),
    claim("one", OneRatio(null=0.1, because=BECAUSE, constant=1.2), {"it": {"middle": 1.6}}),
    claim("trend", Trend(null=0.1, because=BECAUSE, levels=(1.0, 2.0, 4.0, 8.0)), FOUR),
    claim(
        "factors",
        Factorial(
            null=0.1,
            because=BECAUSE,
            factors=interaction((0.0, 1.0), (0.0, 1.0)),
            either_side=True,
        ),
        FOUR,
    ),
    claim("nearly", NotWorse(margin=0.4, because=BECAUSE), TWO),
]
LEDGER = {one.id: {"claim": f"It is so: {one.id}.", "document": "draws"} for one in CLAIMS}
SETUPS = [
    Setup(
        arm=Source(),
        protocol=Draw(),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second source is half as large again",
                arm={"middle": 1.5},
                metrics=(Drawn(), Arrived()),
                rises=True,
                null=0.1,
            ),
        ),
        cost=0.001,
    )
]
