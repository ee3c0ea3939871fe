"""Synthetic claims, and a store in memory with the methods of the real one; nothing is trained."""

import hashlib
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from ablations.claims.ledger import Entry
from ablations.judging import cells
from ablations.judging.cells import Reader
from ablations.judging.report import report
from ablations.judging.row import Desk
from ablations.metrics import Metric, Value, number
from ablations.records.trials import Machine, Result, Status
from ablations.rule import table_for
from ablations.runs.trials import plan
from ablations.runs.trials import seeds as seeds_of
from ablations.specs.arms import Arm
from ablations.specs.claim import TRAINED, Cell, Exact, Statistical, Tier
from ablations.specs.protocols import Boards, Check, Execute, Train
from ablations.specs.tests import Difference
from hrm.config.learning import Training
from hrm.config.parts import canonical

TABLE = table_for(89)
BOARDS = Boards(task=Training(updates=1), train=8)
TRAIN = Train(boards=BOARDS, training=Training(updates=1))
COUNT = Execute(after=None)
MACHINE = Machine(cpu="a processor", cores=2, threads=1, system="Linux", accelerator=None, load=0.0)


@dataclass(frozen=True, kw_only=True)
class Number(Metric):
    """The number that a synthetic run has under a name."""

    name: str = "value"

    @property
    def quantity(self):
        return "made-up units"

    def read(self, found):
        return number(float(found[self.name]))

    def extreme(self, found):
        return str(found.get("extreme", ""))


@dataclass(frozen=True, kw_only=True)
class Share(Number):
    bounds = (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Less(Number):
    higher_is_better = False


@dataclass(frozen=True, kw_only=True)
class Turned(Number):
    def read(self, found):
        return Value(low=2.0, high=1.0, mean=1.5)


class Memory:
    """A store in a dictionary, with the methods that judging uses."""

    def __init__(self):
        self.results, self.gone, self.read = {}, set(), 0

    def get(self, fingerprint):
        self.read += 1
        return self.results.get(fingerprint)

    def observations(self, result):
        return result.observations

    def unknown(self, fingerprint):
        return fingerprint in self.gone

    def put(self, trial, status=Status.OK, observed=(), *, cpu=1.0, error=None, deaths=0):
        key = fingerprint(trial)
        self.results[key] = Result(
            fingerprint=key,
            attempt="20260101T000000.000000Z-00000000",
            trial=trial,
            status=status,
            observations=tuple(observed),
            error=error,
            deaths=deaths,
            wall_seconds=cpu,
            cpu_seconds=cpu,
            peak_memory_bytes=1,
            machine=MACHINE,
            versions={"python": "3.11"},
            sources="0",
            commit="abc",
            dirty=False,
            started=f"2026-01-01T00:00:{trial.seed % 60:02d}Z",
        )

    def fill(self, claim, rows, *, seeds=None, **how):
        """Store synthetic runs, one row per seed.

        A cell is a number, a mapping of observations, a status, None (not run) or "gone".
        """
        planned = plan(claim, seeds_of(claim, len(rows)) if seeds is None else seeds)
        for slots, row in zip(planned.rows, rows, strict=True):
            for slot, found in zip(slots, row, strict=True):
                match found:
                    case None:
                        continue
                    case "gone":
                        self.gone.add(fingerprint(slot.trial))
                    case Status():
                        error = None if found is Status.DIVERGED else f"it {found.value}"
                        self.put(slot.trial, found, error=error, **how)
                    case dict():
                        self.put(slot.trial, observed=[found], **how)
                    case _:
                        self.put(slot.trial, observed=[{"value": found}], **how)
        return self


def fingerprint(trial):
    return hashlib.sha256(canonical(trial.to_json()).encode()).hexdigest()


def arms(*labels):
    return tuple(Arm(label=name, part=Training(updates=i + 1)) for i, name in enumerate(labels))


def statistical(
    test=None, *, name="claim", labels=("base", "new"), metric=None, protocol=COUNT, **more
):
    found = metric or Number()
    return Statistical(
        id=name,
        section="1",
        reading="as it is printed",
        test=test or Difference(null=0.1, because="made up"),
        cells=tuple(
            Cell(label=arm.label, arm=arm, protocol=protocol, metric=found) for arm in arms(*labels)
        ),
        schedule=more.pop("schedule", TRAINED),
        **more,
    )


def exact(name="equality", arms=()):
    check = Check(function="a.module:function")
    return Exact(id=name, section="2", reading="equal or not", check=check, arms=arms)


def scored(value, margin):
    """Return observations of a run on 100 test boards, with a margin over the trivial method."""
    wobble = np.linspace(-0.01, 0.01, 100)
    return {
        "value": value,
        "right": (0.5 + margin + wobble) * 10,
        "unknown": np.full(100, 10.0),
        "trivial_right": np.full(100, 5.0),
        "trivial_method": "the commonest answer",
    }


def pairs(contrasts, base=10.0):
    """Return rows of two cells that differ by these contrasts."""
    return [(base, base + x) for x in contrasts]


def spread(low, high, n=26):
    """Return n contrasts from low to high, in a fixed mixed order."""
    return np.random.default_rng(0).permutation(np.linspace(low, high, n))


def claim_set(claims, *, controls=(), members=None):
    """Return a set of claims with the attributes that a report uses."""
    found = {claim.id: (claim.id,) for claim in claims} if members is None else members
    return SimpleNamespace(
        specs=tuple(claims),
        ledger={
            claim.id: Entry(
                id=claim.id, document="doc", claim=f"{claim.id}, in words", documented="40 %"
            )
            for claim in claims
        },
        family=SimpleNamespace(
            table=TABLE,
            members=[SimpleNamespace(name=name, claims=ids) for name, ids in found.items()],
        ),
        controls=lambda chosen=None: tuple(controls),
    )


def made(claims, memory, tier=Tier.STANDARD, *, controls=(), members=None, **more):
    of = claim_set(claims, controls=controls, members=members)
    return report(claims, desk(memory, tier), of, **more)


def desk(memory, tier=Tier.STANDARD):
    return Desk(reader=Reader(memory), tier=tier, table=TABLE)


@pytest.fixture
def lab(monkeypatch):
    """Helpers to build synthetic claims and runs; fingerprints ignore sources."""
    monkeypatch.setattr(cells, "fingerprint", fingerprint)
    return SimpleNamespace(
        Memory=Memory,
        Number=Number,
        Share=Share,
        Less=Less,
        Reader=Reader,
        Status=Status,
        Turned=Turned,
        TABLE=TABLE,
        TRAIN=TRAIN,
        COUNT=COUNT,
        arms=arms,
        claim_set=claim_set,
        desk=desk,
        exact=exact,
        fingerprint=fingerprint,
        made=made,
        pairs=pairs,
        replace=replace,
        scored=scored,
        spread=spread,
        statistical=statistical,
        row=lambda claim, memory, tier=Tier.STANDARD, **more: made(
            [claim], memory, tier, **more
        ).rows[0],
    )
