"""The session of a command: a set of claims, the chosen ones, and a store."""

import argparse
import atexit
import dataclasses
import functools
import gc
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations import claims
from ablations.claims.controls import Control
from ablations.claims.ledger import Entry
from ablations.claims.robustness import beside, headlines, variants
from ablations.claims.sets import ClaimSet
from ablations.evidence.kept import Evidence, is_evidence
from ablations.judging import garden, replication, report
from ablations.judging.cells import Reader
from ablations.judging.pictures import Album
from ablations.judging.robustness import elsewhere
from ablations.judging.row import Desk
from ablations.planning import next as planning
from ablations.planning import pilots
from ablations.planning.costs import Costs
from ablations.planning.pilots import Pilot
from ablations.records.plans import Planning
from ablations.records.rows import Garden, Report
from ablations.rule import Table
from ablations.runs.fingerprints import STACKED
from ablations.runs.store import Store
from ablations.specs.claim import Claim, Tier
from hrm.errors import UserError
from hrm.system import environment, extensions


@dataclass(frozen=True, kw_only=True)
class Session:
    """A command's claims and store.

    Args:
        every: The set of claims.
        chosen: The chosen claims.
        folder: Folder of the store, which need not exist yet.
        tier: The tier, which determines the last look.
        device: Device of trained runs.
        mode: Mode of training: "auto", "eager" or "compiled".
    """

    every: ClaimSet
    chosen: tuple[Claim, ...]
    folder: Path
    tier: Tier
    device: str
    mode: str

    @classmethod
    def of(cls, asked: argparse.Namespace) -> "Session":
        """Return the session that the options of a command line describe.

        Raises:
            UserError: If a claim, a file of claims, an included module or the device doesn't exist.
        """
        for name in getattr(asked, "include", ()):
            extensions.load(name)
        source = getattr(asked, "from_", None)
        every = claims.ours() if source is None else claims.load(source)
        mode = getattr(asked, "mode", "auto")
        named = getattr(asked, "device", "cpu")
        plain = environment.known(named.removesuffix(STACKED))
        stacked = named != plain or getattr(asked, "stack", None) is not None
        if stacked:
            if mode == "compiled":
                raise UserError(
                    "--mode is compiled for seeds in stacks; allowed are auto and eager, since "
                    "stacked steps can't be compiled; leave --mode out"
                )
            mode = "eager"
        folder = Path(getattr(asked, "store", "store"))
        tier = _tier(asked)
        quick = hasattr(asked, "tier") and tier is Tier.QUICK and not is_evidence(folder)
        if mode != "auto" or quick:  # compiling doesn't pay for a single seed
            every = every.trained(compiled=mode == "compiled")
        if getattr(asked, "robustness", False):
            every = beside(every)
        return cls(
            every=every,
            chosen=every.choose(getattr(asked, "claims", ())),
            folder=folder,
            tier=tier,
            device=f"{plain}{STACKED}" if stacked else plain,
            mode=mode,
        )

    @functools.cached_property
    def controls(self) -> tuple[Control, ...]:
        """The controls that guard the chosen claims."""
        return self.every.controls(self.chosen)

    @property
    def run(self) -> tuple[Claim, ...]:
        """The chosen claims, and the controls that guard them."""
        ids = {claim.id for claim in self.chosen}
        return (*self.chosen, *(c.claim for c in self.controls if c.claim.id not in ids))

    @property
    def table(self) -> Table:
        """The rule's table for the family that the claims belong to."""
        return self.every.family.table

    @functools.cached_property
    def committed(self) -> Mapping[str, Pilot]:
        """Pilots that were committed with the claims."""
        return pilots.committed()

    @functools.cached_property
    def entries(self) -> Mapping[str, Entry]:
        """The ledger's entry of each claim, and that of each control."""
        known = {control.claim.id: control.entry for control in self.controls}
        return {**self.every.ledger, **known}

    def store(self, *, create: bool = False) -> Store:
        """Return the store.

        Raises:
            UserError: If it doesn't exist and `create` is false, can't be used, or is evidence.
        """
        if is_evidence(self.folder):
            raise UserError(
                f"store {str(self.folder)!r} is evidence, which is read-only; allowed is a store "
                "of runs; give another folder with --store"
            )
        return Store.open(self.folder, create=create)

    def runs(self) -> Store | Evidence:
        """Return the store or the evidence to read.

        What is read lives until the command ends. Looking through it for garbage, as by default
        also at the exit, takes a fifth of the command's time. Commands that train don't call this:
        what training leaves behind has to be collected.

        Raises:
            UserError: If there is none, or it can't be used.
        """
        gc.set_threshold(1_000_000)
        atexit.register(gc.freeze)
        return Evidence.open(self.folder) if is_evidence(self.folder) else self.store()

    def reader(self) -> Reader | None:
        """Return a reader of the store; None if there is no store yet."""
        return Reader(self.runs()) if self.folder.exists() else None

    def costs(self, reader: Reader | None) -> Costs:
        """Return the expected costs of trials."""
        return Costs(self.run, reader, self.committed, device=self.device)

    def planning(self, claim: Claim, reader: Reader | None) -> Planning | None:
        """Return the plan of a claim; None for a claim without pairs."""
        return planning.planning(
            claim,
            reader,
            self.tier,
            table=self.table,
            committed=self.committed,
            device=self.device,
        )

    def desk(self, reader: Reader, *, pictures: bool = False) -> Desk:
        """Return the desk that judges claims.

        Args:
            reader: Reader of the store.
            pictures: Whether to draw pictures and add other readings.
        """
        return Desk(
            reader=reader,
            tier=self.tier,
            table=self.table,
            device=self.device,
            mode=self.mode,
            album=Album(reader) if pictures else None,
        )

    def shown(self, store: Store | Evidence) -> Report:
        """Return a report with its pictures, and headline claims under other conditions."""
        made, desk = self.report(store, pictures=True), self.desk(Reader(store))
        tried = {claim.id: claim for claim in headlines(self.every)}
        return dataclasses.replace(
            made,
            rows=tuple(
                dataclasses.replace(
                    row, elsewhere=elsewhere(tried[name], variants(tried[name]), desk)
                )
                if (name := row.verdict.id) in tried
                else row
                for row in made.rows
            ),
        )

    def report(
        self, store: Store | Evidence, *, pictures: bool = False, note: bool = True
    ) -> Report:
        """Return the report of the store.

        Evidence is read-only: its judgements were recorded when it was compacted.

        Args:
            store: The store, or the evidence.
            pictures: Whether to draw pictures, and to add other readings and plans.
            note: Whether to record the judged versions of specs in the store.
        """
        from ablations.calibration import artefact  # slow to import, and only needed here

        reader = Reader(store)
        desk = self.desk(reader, pictures=pictures)
        seen = report.versions_seen(self.run, desk)
        told = {c.id: self.planning(c, reader) for c in self.chosen} if pictures else {}
        return report.report(
            self.chosen,
            desk,
            self.every,
            plans={name: plan for name, plan in told.items() if plan is not None},
            garden=self._garden(store, seen if note else None),
            calibration=artefact.committed(),
        )

    def _garden(self, store: Store | Evidence, seen: Sequence[Garden] | None) -> tuple[Garden, ...]:
        """Return the versions of specs that were judged; first record those in `seen`, if given."""
        if isinstance(store, Evidence):
            return store.garden
        return garden.read(store.folder) if seen is None else garden.add(store.folder, seen)

    def replicated(self, evidence: "Session") -> Report:
        """Return a report of the store's runs beside the evidence, if there is any.

        Args:
            evidence: A session of the same claims for the evidence, whose folder may be missing.
        """
        here = self.shown(self.runs())
        if not is_evidence(evidence.folder):
            return dataclasses.replace(here, replication={})
        there = evidence.shown(evidence.runs())
        return replication.joined(
            here,
            there,
            replication.Side(claims=self.chosen, desk=self.desk(Reader(self.runs()))),
            replication.Side(claims=evidence.chosen, desk=evidence.desk(Reader(evidence.runs()))),
            self.every,
        )


def _tier(asked: argparse.Namespace) -> Tier:
    """Return the requested tier; by default the full one for evidence, otherwise the quick one."""
    said = getattr(asked, "tier", None)
    evidence = is_evidence(Path(getattr(asked, "store", "store")))
    return Tier(said) if said is not None else Tier.FULL if evidence else Tier.QUICK


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
        """Return the CPU seconds of `jobs` jobs in the remaining time; None without a bound."""
        return None if math.isinf(self._end) else max(0.0, self.left()) * jobs
