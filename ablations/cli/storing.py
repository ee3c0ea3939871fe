"""`ablations store`: merging, checking, clearing and exporting stores of runs."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ablations.claims import robustness
from ablations.cli import display
from ablations.cli.session import Session
from ablations.evidence.kept import Evidence, is_evidence
from ablations.judging.cells import Reader
from ablations.judging.report import versions_seen
from ablations.judging.row import Desk
from ablations.records.rows import Garden
from ablations.runs import upkeep
from ablations.runs.fingerprints import fingerprint
from ablations.runs.store import Store
from ablations.runs.trials import plan, seeds
from ablations.specs.claim import Tier


def merge(asked: argparse.Namespace) -> int:
    """JSON: {store, merged: [folder], new}; new is the number of records that were copied."""
    store = Store.open(asked.store, create=True)
    new = upkeep.merge(store, [Store.open(folder) for folder in asked.folders])
    if asked.json:
        return display.data({"store": asked.store, "merged": asked.folders, "new": new})
    display.line(f"{new} records are new in {asked.store}.")
    return 0


def check(asked: argparse.Namespace) -> int:
    """JSON: {store, faults: [{path, what, repaired}]}; the status is 1 if a fault is left."""
    if is_evidence(Path(asked.store)):
        evidence = Evidence.open(Path(asked.store))
        found: Sequence[upkeep.Fault] = tuple(evidence.faults())
    else:
        found = upkeep.check(Store.open(asked.store), repair=asked.repair)
    rows = [{"path": str(f.path), "what": f.what, "repaired": f.repaired} for f in found]
    if asked.json:
        display.data({"store": asked.store, "faults": rows})
    else:
        for fault in found:
            done = "; moved to quarantine/" if fault.repaired else ""
            display.line(f"{fault.path}: {fault.what}{done}")
        display.line(f"{len(found)} faults in {asked.store}.")
    return int(any(not fault.repaired for fault in found))


def compact(asked: argparse.Namespace) -> int:
    """JSON: {evidence, stores, new, reread, repeated, unread, unfinished, lost, bytes, runs, head}.

    The fields from new on are those of `ablations.evidence.compact.Summary`.
    """
    from ablations.evidence import compact as compaction

    session = Session.of(asked)

    def seen(evidence: Evidence) -> list[Garden]:
        desk = Desk(reader=Reader(evidence), tier=Tier.FULL, table=session.table)
        return versions_seen(session.run, desk)

    sets = [session.every.trained(compiled=compiled) for compiled in (False, True)]
    sets += [robustness.beside(each) for each in (session.every, *sets)]
    others = [[*each.specs, *(c.claim for c in each.controls())] for each in sets]

    stores = [Store.open(folder) for folder in asked.folders]
    found = dataclasses.asdict(
        compaction.compact(Path(asked.output), stores, [session.run, *others], seen)
    )
    if asked.json:
        return display.data({"evidence": asked.output, "stores": asked.folders, **found})
    display.line(
        f"{found['new']} runs were added to {asked.output}, which has {found['runs']} runs in "
        f"{found['bytes'] / 1e6:.1f} MB; {found['reread']} got further readings, "
        f"{found['repeated']} were there from another attempt, {found['unread']} belong to no "
        f"claim, {found['unfinished']} didn't finish, {found['lost']} are lost. Head: "
        f"{found['head']}"
    )
    return 0


def gc(asked: argparse.Namespace) -> int:
    """JSON: {store, freed}; freed is in bytes."""
    session = Session.of(asked)
    needed = {
        fingerprint(parent)
        for claim in [both for c in session.run for both in (c, c.trained(compiled=False))]
        for trial in plan(claim, seeds(claim, session.tier), session.device).trials
        if (parent := trial.parent) is not None
    }
    freed = upkeep.prune(session.store(), needed)
    if asked.json:
        return display.data({"store": asked.store, "freed": freed})
    display.line(f"{freed / 1e6:.1f} MB of weights that no claim needs were removed.")
    return 0


def export(asked: argparse.Namespace) -> int:
    """JSON: {store, output, format, rows}; each row is an arm of an attempt."""
    from ablations.runs.export import export as write

    path = Path(asked.output or f"runs.{asked.format}")
    rows = write(Store.open(asked.store), path, asked.format)
    if asked.json:
        return display.data(
            {"store": asked.store, "output": str(path), "format": asked.format, "rows": rows}
        )
    display.line(f"{rows} rows were written to {path}.")
    return 0
