"""Pilots: what seeds that no verdict reads tell of a claim's spread, validity and cost.

They are measured from a store (`measure`), or were committed in ``claims/pilots.json``, which
`ablations plan --pilot --output FILE` writes: one entry a claim, the fields of `Pilot`. An entry
counts as long as the claim still says what was measured, by the digest of its spec: what is run,
and how a contrast is made of it. Reading, zones and tiers may change, and so may the code: then the
spread is an earlier code's, and called so. Nothing in an entry tells which way a contrast lies.
"""

import functools
import hashlib
import json
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path

import numpy as np

from ablations import calibration, evidence
from ablations.fingerprint import kind, source_digest
from ablations.forms import Contrast
from ablations.judging import metrics_of
from ablations.plain import Record
from ablations.plan import pilot
from ablations.specs import Claim
from ablations.store import Store
from ablations.verdict import fewest_values, most_censored
from hrm.config.parts import canonical
from hrm.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Pilot(Record):
    """What the pilot seeds of a claim gave.

    Args:
        spec: Digest of what was measured, see `spec_digest`. sources: Of the code that measured it.
        device, cpu: Where; the processor's name goes with the costs.
        versions: Of what results depend on.
        metric: What was read of each run. log: Whether a contrast is a log-ratio of it.
        seeds: Those whose runs all ended. pairs: Contrasts that they gave.
        sd: The contrasts' standard deviation; None for too few, and in a file for timings too,
            whose spread is each machine's own.
        faults: Why a verdict on these seeds would be INVALID, or couldn't tell a size.
        cpu_seconds: The median of a run, by its kind (`fingerprint.kind`).
    """

    spec: str
    sources: str
    device: str
    cpu: str
    versions: Mapping[str, str]
    metric: str
    log: bool
    seeds: tuple[int, ...]
    pairs: int
    sd: float | None
    faults: tuple[str, ...]
    cpu_seconds: Mapping[str, float]


def measure(claim: Claim, store: Store | None, device: str = "cpu") -> Pilot | None:
    """Return what a store's pilot seeds gave, None if none is complete."""
    if store is None or claim.statistics is None:
        return None
    planned, form = pilot(claim, device), claim.statistics
    rows = [(row, metrics_of(row)) for row in planned.collect(store)]
    complete = [(row, metrics) for row, metrics in rows if metrics is not None]
    results = [[r for r in row if r is not None] for row, _ in complete]
    if not complete:
        return None
    seeds = [metrics for _, metrics in complete]
    contrasts = [c for metrics in seeds for c in form.contrasts(metrics)]
    finite = [c.theta for c in contrasts if math.isfinite(c.theta)]
    failed = [c.name for c in evidence.trivial(claim, seeds) if c.passed is False]
    first = results[0][0]
    return Pilot(
        spec=spec_digest(claim, device),
        sources=source_digest(first.trial),
        device=first.trial.device,
        cpu=", ".join(sorted({r.machine.cpu for row in results for r in row})),
        versions=dict(first.versions),
        metric=str(getattr(form, "metric", "")),
        log=form.zones.log,
        seeds=tuple(row[0].trial.seed for row in results),
        pairs=len(finite),
        sd=float(np.std(finite, ddof=1)) if len(finite) >= fewest_values else None,
        faults=(
            *(f"control failed: {name}" for name in failed),
            *evidence.extreme(seeds, contrasts),
            *_late(contrasts),
        ),
        cpu_seconds={
            kind(runs[0].trial): round(statistics.median(r.cpu_seconds for r in runs), 2)
            for runs in zip(*results, strict=True)
        },
    )


def known(claim: Claim, store: Store | None, device: str = "cpu") -> tuple[Pilot | None, str]:
    """Return the pilots that plans rest on, and where they are from or why there are none.

    Those in the store come first, then the committed ones, where they are of this spec and device.
    """
    own, kept = measure(claim, store, device), committed().get(claim.id)
    if own is not None and own.sd is not None:
        return own, f"{own.pairs} pilot pairs"
    few = "" if own is None else f"{own.pairs} pilot pairs have a contrast, {fewest_values} are few"
    if kept is None:
        return None, few or "no pilot is stored"
    if kept.spec != spec_digest(claim, kept.device):
        return None, few or "the committed pilots are of another spec"
    if kept.device != pilot(claim, device).flat[0].device:
        return None, few or f"the committed pilots are of another device, {kept.device}"
    if kept.sd is None:
        why = "timings spread as their machine does" if claim.alone else "too few pairs"
        return kept, few or f"{why}, and no pilot is stored here"
    earlier = kept.sources != source_digest(pilot(claim, device).flat[0])
    return kept, f"{kept.pairs} committed pilot pairs{' of earlier code' if earlier else ''}"


def spec_digest(claim: Claim, device: str = "cpu") -> str:
    """Return the SHA-256 over what a claim's pilots measure.

    That is the kinds of a seed's runs, and the form with all its fields but the zones' edges and
    the reason for symmetry.
    """
    form = claim.statistics
    assert form is not None, claim.id
    data = {
        "runs": [kind(trial) for trial in pilot(claim, device).trials[0]],
        "form": form.name,
        "log": form.zones.log,
        **{
            f.name: getattr(form, f.name)
            for f in fields(form)
            if f.name not in ("zones", "symmetry")
        },
    }
    return hashlib.sha256(canonical(data).encode()).hexdigest()


@functools.cache
def committed() -> Mapping[str, Pilot]:
    """Return the committed pilots by claim."""
    return read(Path(str(resources.files("ablations") / "claims" / "pilots.json")))


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
            f"{str(path)!r} can't be read as pilots ({error}); a file that `ablations plan --pilot "
            "--output FILE` wrote is needed; name another one"
        ) from error


def write(path: Path, found: Mapping[str, Pilot], known: Mapping[str, Claim]) -> None:
    """Write pilots into a file, beside those that it has of other known claims.

    Raises:
        UserError: If the file can't be written, or holds something else.
    """
    merged = {**read(path), **found}
    data = {
        name: {**merged[name].to_json(), **({"sd": None} if claim.alone else {})}
        for name, claim in known.items()
        if name in merged
    }
    calibration.write(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def _late(contrasts: list[Contrast]) -> list[str]:
    """Say if too many runs of an arm never arrive for a size to be told."""
    arms = list(zip(*(c.censored for c in contrasts), strict=True))
    share = max((float(np.mean(arm)) for arm in arms), default=0.0)
    return (
        [f"{share:.0%} of an arm's runs never arrive before the cap"]
        if share > most_censored
        else []
    )
