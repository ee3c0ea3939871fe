"""What one command works on: a set of claims, those that were asked for, and a store."""

import argparse
import functools
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ablations import claims
from ablations.claims.controls import Control
from ablations.claims.ledger import Entry
from ablations.claims.sets import ClaimSet
from ablations.judging import garden, report
from ablations.judging.cells import Reader
from ablations.judging.pictures import Album
from ablations.judging.row import Desk
from ablations.planning import next as planning
from ablations.planning import pilots
from ablations.planning.costs import Costs
from ablations.planning.pilots import Pilot
from ablations.records.plans import Planning
from ablations.records.rows import Report
from ablations.rule import Table
from ablations.runs.store import Store
from ablations.specs.claim import Claim, Tier
from hrm.system import environment, extensions


@dataclass(frozen=True, kw_only=True)
class Session:
    """A command's claims and store.

    Args:
        every: The set that claims are chosen from.
        chosen: Those that were asked for.
        folder: Of the store; it needn't be there yet.
        tier: Up to which look.
        device: Where what is trained runs.
        mode: What was asked for: "auto", "eager" or "compiled".
    """

    every: ClaimSet
    chosen: tuple[Claim, ...]
    folder: Path
    tier: Tier
    device: str
    mode: str

    @classmethod
    def of(cls, asked: argparse.Namespace) -> "Session":
        """Return what the options of a command line name.

        Raises:
            UserError: If a claim, a file of claims or an included module can't be had, or the
                device isn't here.
        """
        for name in getattr(asked, "include", ()):
            extensions.load(name)
        source = getattr(asked, "from_", None)
        every = claims.ours() if source is None else claims.load(source)
        mode = getattr(asked, "mode", "auto")
        quick = getattr(asked, "tier", None) == Tier.QUICK.value
        if mode != "auto" or quick:  # one seed isn't worth the compiling
            every = every.trained(compiled=mode == "compiled")
        return cls(
            every=every,
            chosen=every.choose(getattr(asked, "claims", ())),
            folder=Path(getattr(asked, "store", "store")),
            tier=Tier(getattr(asked, "tier", Tier.QUICK.value)),
            device=environment.known(getattr(asked, "device", "cpu")),
            mode=mode,
        )

    @functools.cached_property
    def controls(self) -> tuple[Control, ...]:
        """The controls that guard the chosen claims."""
        return self.every.controls(self.chosen)

    @property
    def run(self) -> tuple[Claim, ...]:
        """The chosen claims and, beside them, the controls that weren't chosen themselves."""
        ids = {claim.id for claim in self.chosen}
        return (*self.chosen, *(c.claim for c in self.controls if c.claim.id not in ids))

    @property
    def table(self) -> Table:
        """The rule's table for the family that the claims belong to."""
        return self.every.family.table

    @functools.cached_property
    def committed(self) -> Mapping[str, Pilot]:
        """Pilots that were committed with the claims."""
        return pilots.read(Path(str(resources.files("ablations.claims") / "pilots.json")))

    @functools.cached_property
    def entries(self) -> Mapping[str, Entry]:
        """What the ledger says of each claim, and what is known of each control."""
        known = {
            control.claim.id: Entry(
                id=control.claim.id,
                claim=control.statement,
                document="controls",
                documented=control.planted or "no effect",
            )
            for control in self.controls
        }
        return {**self.every.ledger, **known}

    def store(self, *, create: bool = False) -> Store:
        """Return the store.

        Raises:
            UserError: If there is none and it isn't to be made, or it can't be used.
        """
        return Store.open(self.folder, create=create)

    def reader(self) -> Reader | None:
        """Return a reader of the store, None if there is no store yet."""
        return Reader(self.store()) if self.folder.exists() else None

    def costs(self, reader: Reader | None) -> Costs:
        """Return what trials cost."""
        return Costs(self.run, reader, self.committed, device=self.device)

    def planning(self, claim: Claim, reader: Reader | None) -> Planning | None:
        """Return what a plan for a claim can tell."""
        return planning.planning(
            claim,
            reader,
            self.tier,
            table=self.table,
            committed=self.committed,
            device=self.device,
        )

    def desk(self, reader: Reader, *, pictures: bool = False) -> Desk:
        """Return what claims are judged with.

        Args:
            reader: Of the store.
            pictures: Whether runs' arrays are read for pictures too.
        """
        return Desk(
            reader=reader,
            tier=self.tier,
            table=self.table,
            device=self.device,
            mode=self.mode,
            album=Album(reader) if pictures else None,
        )

    def report(self, store: Store, *, pictures: bool = False, note: bool = True) -> Report:
        """Return everything that follows from the store.

        Args:
            store: The store.
            pictures: Whether runs' arrays are read for pictures too.
            note: Whether what was judged is noted in the store.
        """
        from ablations.calibration import artefact  # only a report shows it, and it takes long

        reader = Reader(store)
        desk = self.desk(reader, pictures=pictures)
        seen = report.versions_seen(self.run, desk) if note else []
        told = {claim.id: self.planning(claim, reader) for claim in self.chosen}
        return report.report(
            self.chosen,
            desk,
            self.every,
            plans={name: plan for name, plan in told.items() if plan is not None},
            garden=garden.add(store.folder, seen) if note else garden.read(store.folder),
            calibration=artefact.committed(),
        )


class Budget:
    """Wall time that a command may take.

    Args:
        seconds: None for no bound.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, infinite without a bound."""
        return self._end - time.monotonic()

    def cpu_seconds(self, jobs: int) -> float | None:
        """Return the CPU seconds that so many jobs have in the time left, None without a bound."""
        return None if math.isinf(self._end) else max(0.0, self.left()) * jobs
