"""Spending seeds where they change verdicts: the looks of `ablations.sequential`, within a budget.

A claim whose arms are trained is looked at with 12, 16, 20 and 32 pairs. That this is its design is
written into the store before its first run, and whatever reads the store decides it by the looks'
levels from then on, in a report as here, so that nobody looks once more at the full level. A claim
whose standard tier is complete has been decided at the full level, and isn't looked at again.
"""

import datetime
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ablations import decide, judging, sequential
from ablations.costs import Costs
from ablations.fingerprint import fingerprint
from ablations.plan import plan
from ablations.planning import planning
from ablations.records import Design, Tier, Trial
from ablations.specs import Claim
from ablations.store import Store
from hrm.system import environment

unknown_hope = 0.5  # of a claim without pilot seeds, before its first look


def looks_at(claim: Claim) -> bool:
    """Tell whether a claim may be looked at several times: trained, and a pair for each seed."""
    enough = claim.seeds[Tier.FULL] >= sequential.looks[-1]
    return claim.trained and claim.statistics is not None and claim.pairs == 1 and enough


def is_decided(claim: Claim, store: Store, device: str) -> bool:
    """Tell whether a claim was decided at the full level: its standard tier is complete."""
    if store.design(claim.id) is not None:
        return False
    seeds = plan(claim, Tier.STANDARD, device).collect(store)
    return all(result is not None for seed in seeds for result in seed)


def declare(chosen: Sequence[Claim], store: Store) -> None:
    """Write into the store that these claims are looked at several times, where it isn't there."""
    now = datetime.datetime.now(datetime.UTC).isoformat()
    for claim in chosen:
        if store.design(claim.id) is None:
            commit, _ = environment.commit()
            store.declare(
                Design(claim=claim.id, looks=sequential.looks, declared=now, commit=commit)
            )


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The runs from where a claim stands to its next look."""

    claim: Claim
    look: int
    pairs: int
    trials: tuple[Trial, ...]
    seconds: float
    hope: float

    @property
    def worth(self) -> float:
        """The chance to settle the claim, for a CPU second until its next look."""
        return self.hope / max(self.seconds, 1e-9)


def batches(chosen: Sequence[Claim], store: Store, device: str = "cpu") -> Iterator[Batch]:
    """Yield what each claim needs for its next look, unless it has stopped."""
    for claim in chosen:
        planned = decide.looked_at(claim, device)
        seeds = planned.collect(store)
        step = judging.reached(claim, seeds)
        if step.stopped:
            continue
        n = sequential.looks[step.look]
        missing = [
            trial
            for trials in planned.trials[:n]
            for trial in trials
            if not store.is_finished(fingerprint(trial))
        ]
        if step.look:
            hope = judging.hope(claim, seeds, step)
        else:
            told = planning(claim, sequential.looks[-1], store, device)
            hope = unknown_hope if told is None or told.power is None else told.power
        yield Batch(
            claim=claim,
            look=step.look + 1,
            pairs=n,
            trials=tuple(missing),
            seconds=math.fsum(map(Costs([planned], store).of, missing)),
            hope=hope,
        )


def spend(
    chosen: Sequence[Claim],
    store: Store,
    run: Callable[[Batch], None],
    left: Callable[[], float],
    device: str = "cpu",
) -> None:
    """Bring claims to their next looks, the worthiest first, until nothing is open or affordable.

    Args:
        chosen: Claims whose design is in the store.
        store: Where results are.
        run: Runs a batch; it may leave some of it if the budget ends.
        left: Seconds of the budget. A batch isn't begun once they are spent.
        device: Where arms are trained.
    """
    tried: set[tuple[str, int]] = set()
    while left() > 0:
        due = [b for b in batches(chosen, store, device) if (b.claim.id, b.look) not in tried]
        if not due:
            return
        batch = max(due, key=lambda b: b.worth)
        tried.add((batch.claim.id, batch.look))  # a run that fails isn't tried for ever
        run(batch)
