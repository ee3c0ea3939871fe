"""Pilots: estimates of a claim's spread, validity and cost, from seeds that no verdict reads.

They are measured from a store (`measure`), or were committed in ``claims/pilots.json``, which
`ablations plan --pilot --output FILE` writes: one entry a claim, the fields of `Pilot`. An entry
counts as long as the claim still measures the same: its cells, and how a contrast is made of them.
Zones, readings and tiers may change. Nothing in an entry tells which way a contrast lies.
"""

import hashlib
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from ablations.judging import faults
from ablations.judging.cells import Pair, Reader, gather, parts_of
from ablations.planning.chances import Spread
from ablations.records.trials import Result
from ablations.runs.fingerprints import kind
from ablations.runs.trials import PILOTS, with_parents
from ablations.specs.claim import Claim, Statistical, Tier
from hrm.codec import Record
from hrm.config.parts import canonical
from hrm.errors import UserError
from hrm.system.files import whole

FEWEST = 3  # fewest pairs that give a spread, and fewest seeds that show that a design is hopeless


@dataclass(frozen=True, kw_only=True)
class Pilot(Record):
    """The results of a claim's pilot seeds.

    Args:
        spec: Digest of the measurement, see `digest`.
        device: Device of the runs.
        cpu: The processor, to which the costs apply.
        versions: Versions that results depend on.
        seeds: Seeds at which all runs have finished.
        sds: Standard deviation of the contrasts, for each statement of the claim; None if there are
            too few. In a file it is also None for timings, whose spread depends on the machine.
        lost: Share of pairs without a finite contrast.
        faults: A floor, a ceiling, or an arm that doesn't beat trivial methods although it has to.
        cpu_seconds: Median cost of a run, by its kind (`ablations.runs.fingerprints.kind`).
    """

    spec: str
    device: str
    cpu: str
    versions: Mapping[str, str]
    seeds: tuple[int, ...]
    sds: tuple[float | None, ...]
    lost: float
    faults: tuple[str, ...]
    cpu_seconds: Mapping[str, float]

    @property
    def spreads(self) -> tuple[Spread, ...] | None:
        """The spread of each statement of the claim, None if one is unknown."""
        known = [Spread(sd=sd, lost=self.lost) for sd in self.sds if sd is not None]
        return tuple(known) if known and len(known) == len(self.sds) else None


def measure(claim: Claim, reader: Reader, device: str = "cpu") -> Pilot | None:
    """Return the results of a store's pilot seeds; None if none is complete.

    Args:
        claim: The claim.
        reader: Reader of the store.
        device: Device of trained runs.
    """
    if not isinstance(claim, Statistical):
        return None
    gathered = gather(claim, reader, PILOTS, device)
    pairs, results = gathered.pairs, _results(gathered.pairs, reader)
    if not pairs or not results:
        return None
    contrasts = [[pair.contrasts[i] for pair in pairs] for i, _ in enumerate(parts_of(claim))]
    known = [
        [x.low for x in part if x.low == x.high and math.isfinite(x.low)] for part in contrasts
    ]
    hopeless: Sequence[str] = ()
    if len(pairs) >= FEWEST:
        skill = faults.skills(claim, pairs, reader)
        hopeless = [
            *faults.hopeless(skill, claim.schedule[Tier.FULL]),
            *faults.shared_end(claim, pairs, reader),
        ]
    costs: dict[str, list[float]] = {}
    for result in results:
        costs.setdefault(kind(result.trial), []).append(result.cpu_seconds)
    return Pilot(
        spec=digest(claim),
        device=device,
        cpu=", ".join(sorted({result.machine.cpu for result in results})),
        versions=dict(results[0].versions),
        seeds=tuple(pair.seed for pair in pairs),
        sds=tuple(float(np.std(xs, ddof=1)) if len(xs) >= FEWEST else None for xs in known),
        lost=1 - min(len(xs) for xs in known) / len(pairs),
        faults=tuple(hopeless),
        cpu_seconds={name: round(statistics.median(xs), 2) for name, xs in sorted(costs.items())},
    )


def known(
    claim: Statistical, reader: Reader | None, committed: Mapping[str, Pilot], device: str = "cpu"
) -> tuple[Pilot | None, str]:
    """Return the pilots that plans use, and their source, or why there are none.

    Pilots in the store take precedence over committed ones, which must match this spec and device.

    Args:
        claim: The claim.
        reader: Reader of the store; None without a store.
        committed: By claim.
        device: Device of trained runs.
    """
    own = None if reader is None else measure(claim, reader, device)
    if own is not None and own.spreads is not None:
        return own, f"{len(own.seeds)} pilot seeds"
    few = "" if own is None else f"{len(own.seeds)} pilot seeds are stored, {FEWEST} are needed"
    kept = committed.get(claim.id)
    if kept is None:
        return own, few or "no pilot is stored"
    if kept.spec != digest(claim):
        return own, few or "the committed pilots are of another spec"
    if kept.device != device:
        return own, few or f"the committed pilots are of another device, {kept.device}"
    if kept.spreads is None:
        alone = any(cell.protocol.alone for cell in claim.compared)
        why = "the spread of timings depends on the machine" if alone else "too few pairs"
        return kept, few or f"{why}, and no pilot is stored here"
    return kept, f"{len(kept.seeds)} committed pilot seeds"


def digest(claim: Statistical) -> str:
    """Return the SHA-256 of a claim's measurement: its cells and contrasts.

    It doesn't depend on whether training steps are compiled.
    """
    claim = claim.trained(compiled=False)
    data = {
        "cells": [list(cell.data.values()) for cell in claim.compared],
        "contrasts": [
            [
                type(test).__name__,
                list(reads),
                list(getattr(test, "weights", ())),
                getattr(test, "constant", None),
            ]
            for test, reads in parts_of(claim)
        ],
    }
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def refusal(pilot: Pilot | None) -> str:
    """Return why pilots show that no number of pairs can decide a claim, "" if they don't."""
    if pilot is None or not pilot.faults:
        return ""
    return f"its pilots show that it can't be decided: {'; '.join(pilot.faults)}"


def read(path: Path) -> dict[str, Pilot]:
    """Return the pilots of a file by claim; none if there is no such file.

    Raises:
        UserError: If it holds something else.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
        return {name: Pilot.from_json(entry) for name, entry in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(
            f"pilots {str(path)!r} can't be read ({error}); allowed is a file that `ablations plan "
            "--pilot --output FILE` wrote; name another one"
        ) from error


def committed() -> dict[str, Pilot]:
    """Return the pilots that were committed with the claims."""
    return read(Path(str(resources.files("ablations.claims") / "pilots.json")))


def write(path: Path, found: Mapping[str, Pilot], claims: Sequence[Claim]) -> None:
    """Write pilots into a file, which keeps its pilots of other claims.

    Args:
        path: The file.
        found: By claim.
        claims: All known claims; entries of others are dropped.

    Raises:
        UserError: If the file can't be written, or holds something else.
    """
    merged = {**read(path), **found}
    try:
        with whole(path) as temporary:
            temporary.write_text(text(merged, claims), "utf-8")
    except OSError as error:
        raise UserError(
            f"pilots {str(path)!r} can't be written ({error.strerror}); allowed is a file that you "
            "may write; name another one"
        ) from error


def text(found: Mapping[str, Pilot], claims: Sequence[Claim]) -> str:
    """Return the text of a file of pilots: those of these claims, in their order.

    Spreads of timings are left out, since they depend on the machine.
    """
    data = {}
    for claim in claims:
        if claim.id in found and isinstance(claim, Statistical):
            entry = found[claim.id].to_json()
            if any(cell.protocol.alone for cell in claim.cells):
                entry["sds"] = [None] * len(entry["sds"])
            data[claim.id] = entry
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _results(pairs: Sequence[Pair], reader: Reader) -> list[Result]:
    """Return all runs of pairs and the parents of these runs, each once."""
    found = {}
    for pair in pairs:
        for trial in with_parents(run.trial for run in pair.runs):
            result = reader.of(trial)
            if result is not None and result.status.finished:
                found[result.fingerprint] = result
    return list(found.values())
