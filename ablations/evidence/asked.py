"""The readings that claims need of each kind of trial."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ablations.judging import garden
from ablations.judging.cells import parts_of, trained
from ablations.metrics.base import Metric
from ablations.metrics.timing import TimeRatio
from ablations.records.trials import Trial
from ablations.runs import sources, trials
from ablations.runs.fingerprints import kind
from ablations.runs.trials import plan
from ablations.specs.claim import Claim, Exact, Statistical, Tier
from hrm.codec import Json
from hrm.config.parts import Part, canonical
from hrm.errors import UserError

DEVICES = ("cpu", "cuda")


@dataclass(kw_only=True)
class Asked:
    """The readings of the runs of one kind.

    Args:
        trial: One of these trials.
        metrics: Metrics by arm and canonical JSON.
        skilled: Arms whose margin over trivial methods is read.
    """

    trial: Trial
    metrics: dict[tuple[int, str], Metric] = field(default_factory=dict)
    skilled: set[int] = field(default_factory=set)

    def add(self, arm: int, metric: Metric) -> None:
        """Add a metric of an arm."""
        self.metrics[arm, canonical(metric.to_json())] = metric
        if isinstance(metric, TimeRatio):
            self.add(arm, metric.twin)


def asked(claims: Iterable[Claim]) -> dict[str, Asked]:
    """Return the readings of claims, by the kind of trial."""
    found: dict[str, Asked] = {}

    def of(trial: Trial) -> Asked:
        return found.setdefault(kind(trial), Asked(trial=trial))

    for claim in claims:
        for device in DEVICES:
            for row in plan(claim, range(1), device).rows:
                if not isinstance(claim, Statistical):
                    of(row[0].trial)
                    continue
                for place, (slot, cell) in enumerate(zip(row, claim.cells, strict=True)):
                    one = of(slot.trial)
                    for metric in _metrics(claim, place):
                        one.add(slot.arm, metric)
                    step: Trial | None = slot.trial if trained(cell) else None
                    while step is not None:
                        of(step).skilled.add(slot.arm)
                        step = step.parent
    return found


def _metrics(claim: Statistical, place: int) -> Iterable[Metric]:
    own = claim.cells[place].metric
    yield own
    for reading in claim.beside:
        places = range(claim.test.cells) if reading.cells is None else reading.cells
        if place in places and reading.metric is not None:
            yield reading.metric


def described(claim: Claim, files: Mapping[str, str]) -> dict[str, Json] | None:
    """Return the inputs of a claim's verdict: its tests, and where its readings are.

    Args:
        claim: The claim.
        files: Names of files of runs, by the kind of trial.

    Returns:
        The inputs as JSON; None for a claim with a cell that has no run.
    """
    rows = plan(claim, range(1)).rows
    if not rows or not all(kind(slot.trial) in files for slot in rows[0]):
        return None
    seeds = trials.seeds(claim, Tier.FULL)
    where = [{"runs": files[kind(slot.trial)], "arm": slot.arm} for slot in rows[0]]
    head: dict[str, Json] = {
        "claim": claim.id, "form": claim.form, "seeds": [seeds.start, len(seeds)],
    }  # fmt: skip
    if isinstance(claim, Exact):
        return {**head, "spec": claim.check.functions[0], "cells": where}
    assert isinstance(claim, Statistical), claim
    return {
        **head,
        "spec": garden.digest(claim),
        "tests": [
            {**garden.described(test), "reads": list(reads)} for test, reads in parts_of(claim)
        ],
        "cells": [
            {"label": cell.label, **found, "metric": cell.metric.to_json()}
            for cell, found in zip(claim.cells, where, strict=True)
        ],
    }


def digest_of(metric: Metric) -> str:
    """Return the digest of a metric's code."""
    return _of_module(type(metric).__module__)


_of_module = functools.cache(sources.of_reader)  # what this process has imported


def normal(trial: Trial) -> Trial:
    """Return a trial as this release encodes it; parts that it doesn't know stay unchanged.

    A field that was added since is filled in with its default.
    """
    try:
        return replace(
            trial,
            protocol=Part.from_json(trial.protocol).to_json(),
            arms=tuple(Part.from_json(arm).to_json() for arm in trial.arms),
        )
    except UserError:
        return trial
