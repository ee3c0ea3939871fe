"""Claims about coins, for tests of the command line: quick to run, and decided by pairs."""

import os
import signal
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.claims.setups import Plant, Setup
from ablations.metrics.base import Metric
from ablations.metrics.value import number
from ablations.protocols.base import Outcome
from ablations.records.checks import Equal
from ablations.specs.arms import vary
from ablations.specs.claim import External, Statistical, Tier, exact
from ablations.specs.protocols import Protocol
from ablations.specs.tests import Difference
from hrm.config.parts import Part


@dataclass(frozen=True, kw_only=True)
class Coin(Part):
    bias: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Mint(Protocol):
    module: ClassVar[str] = "tossed"
    weights: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Toss(Protocol):
    module: ClassVar[str] = "tossed"
    after: Mint | None = None
    replica: int = 0


@dataclass(frozen=True, kw_only=True)
class Heads(Metric):
    @property
    def quantity(self):
        return "share of heads"

    def read(self, found):
        return number(found["heads"])


def run(inputs):
    time.sleep(float(os.environ.get("SECONDS_A_TOSS", "0")))
    if os.environ.get("COINS") == "lost":
        raise ValueError("the coin is lost")
    if os.environ.get("COINS") == f"poisoned {type(inputs.protocol).__name__} {inputs.seed}":
        os.kill(os.getpid(), signal.SIGKILL)
    if isinstance(inputs.protocol, Mint):
        return Outcome(observations=[{}], weights={"coin": np.ones(1000, dtype=np.float32)})
    chance = np.random.default_rng([inputs.seed, inputs.protocol.replica])
    return Outcome(
        observations=[
            {"heads": float(chance.binomial(10_000, arm.bias) / 10_000)} for arm in inputs.arms
        ]
    )


def two_sides(arms, seed):
    time.sleep(float(os.environ.get("SECONDS_A_TOSS", "0")))
    yield Equal("sides of a coin", expected=2, observed=2)


def compared(name, second, after=None):
    return Statistical(
        id=name,
        reading="A coin lands on its head oftener if its share of heads is larger.",
        arms=vary(Coin(), {"fair": {}, "other": {"bias": second}}),
        protocol=Toss(after=after),
        metric=Heads(),
        test=Difference(null=0.1, because="nobody would notice less"),
        unskilled=("fair", "other"),
        schedule={Tier.QUICK: 16, Tier.STANDARD: 26, Tier.FULL: 60},
        cost=0.01,
    )


LEDGER = {
    "bent-coin": {"claim": "A bent coin lands on its head oftener.", "document": "coins"},
    "new-coin": {"claim": "A new coin lands on its head oftener.", "document": "coins"},
    "two-sides": {"claim": "A coin has two sides.", "document": "coins"},
    "in-the-mint": {"claim": "The mint's coins are fair.", "document": "visits"},
    "some-day": {"claim": "A coin will land on its edge.", "document": "visits"},
}
CLAIMS = [
    compared("bent-coin", 0.8, after=Mint()),
    compared("new-coin", 0.5),
    exact("two-sides", "tossed:two_sides", reading="Sides are counted."),
    External(id="in-the-mint", reading="There.", needs="the mint", command="toss"),
]
SETUPS = [
    Setup(
        arm=Coin(),
        protocol=Toss(),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second coin is bent",
                arm={"bias": 0.9},
                metrics=(Heads(),),
                rises=True,
                null=0.15,
            ),
        ),
        cost=0.01,
    )
]
