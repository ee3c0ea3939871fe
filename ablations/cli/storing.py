"""`ablations store`: merging, checking, clearing and exporting stores of runs."""

import argparse
from pathlib import Path

from ablations.cli import display
from ablations.cli.session import Session
from ablations.runs import upkeep
from ablations.runs.fingerprints import fingerprint
from ablations.runs.store import Store
from ablations.runs.trials import plan, seeds


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
    found = upkeep.check(Store.open(asked.store), repair=asked.repair)
    rows = [{"path": str(f.path), "what": f.what, "repaired": f.repaired} for f in found]
    if asked.json:
        display.data({"store": asked.store, "faults": rows})
    else:
        for fault in found:
            done = "; put aside" if fault.repaired else ""
            display.line(f"{fault.path}: {fault.what}{done}")
        display.line(f"{len(found)} faults in {asked.store}.")
    return int(any(not fault.repaired for fault in found))


def gc(asked: argparse.Namespace) -> int:
    """JSON: {store, freed}; freed is in bytes."""
    session = Session.of(asked)
    needed = {
        fingerprint(parent)
        for claim in session.run
        for trial in plan(claim, seeds(claim, session.tier), session.device).trials
        if (parent := trial.parent) is not None
    }
    freed = upkeep.prune(session.store(), needed)
    if asked.json:
        return display.data({"store": asked.store, "freed": freed})
    display.line(f"{freed / 1e6:.1f} MB of weights that no claim needs any more were removed.")
    return 0


def export(asked: argparse.Namespace) -> int:
    """JSON: {store, output, format, rows}; a row is an arm of an attempt."""
    from ablations.runs.export import export as write

    path = Path(asked.output or f"runs.{asked.format}")
    rows = write(Store.open(asked.store), path, asked.format)
    if asked.json:
        return display.data(
            {"store": asked.store, "output": str(path), "format": asked.format, "rows": rows}
        )
    display.line(f"{rows} rows are in {path}.")
    return 0
