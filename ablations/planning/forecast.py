"""Estimates of the wall time of runs: CPU time, overhead, and claims that settle early.

The constants of the overhead were measured on a quick tier of the whole ledger on two cores (2,128
runs): the time between two runs that no run's own clock covers.
"""

from collections.abc import Collection, Mapping

from ablations.planning.costs import Costs
from ablations.records.plans import Planning
from ablations.records.trials import Trial
from ablations.rule import Table, Word
from ablations.runs.fingerprints import Content, content, protocol_class
from ablations.runs.sequence import PAUSE
from ablations.specs.claim import CONTROLS, Tier

BETWEEN = 0.02  # seconds that a worker waits between two runs: for the store, and what is next
BETWEEN_ALONE = 0.2  # the same where a run has the machine alone
START = 4.0  # seconds until workers are there with what they import; once for each stretch
LIKELY = 0.9  # the chance that a control has settled by its first look, where no pilot tells

# What is true of a control, in the words of `chances.prospects`.
_truths = {
    Word.CONFIRMED: "as documented",
    Word.NO_EFFECT: "no effect",
    Word.CONTRADICTED: "the opposite",
}


def wall(
    trials: Collection[Trial],
    costs: Costs,
    jobs: int,
    chances: Mapping[Content, float] | None = None,
) -> float:
    """Return the wall seconds that trials take.

    Args:
        trials: Each once.
        costs: Costs of trials.
        jobs: How many at a time; those that must be alone never share the machine, and are run in
            two stretches with a pause, which others fill.
        chances: That a trial is run at all, by its content; 1 where none is given.
    """
    alone: list[float] = []
    shared: list[float] = []
    most = 0.0
    for trial in trials:
        chance = 1.0 if chances is None else chances.get(content(trial), 1.0)
        cost = costs.of(trial)
        if protocol_class(trial).alone:
            alone.append(chance * (cost + BETWEEN_ALONE))
        else:
            shared.append(chance * (cost + BETWEEN))
            most = max(most, chance * cost)
    together = max(sum(shared) / jobs, most) + (START if shared else 0.0)
    if len(alone) > 1:
        together = max(together, PAUSE)
    stretches = min(len(alone), 2)
    return sum(alone) + stretches * START + together


def reached(
    told: Planning | None, table: Table, seed: int, *, expected: Word | None = None
) -> float:
    """Return the chance that a claim isn't settled before it reads a seed.

    Args:
        told: The plan of the claim; None for a claim without pairs.
        table: Table of its family.
        seed: The seed, from 0.
        expected: The word that a control should have, None for a claim. What is true of a claim
            isn't known: it is taken to be any of what its plan looks at, each as likely.
    """
    before = [look for look in table.looks if look <= seed]
    if told is None:
        return 1.0
    if told.refusal:
        return 0.0
    if not before:
        return 1.0
    truths = [
        prospect
        for prospect in told.prospects
        if expected is None or prospect.truth == _truths[expected]
    ]
    if not truths:
        nearly_all = told.pairs > CONTROLS[Tier.QUICK]  # which no look before the last one tells
        return 1.0 if expected is None or nearly_all else 1 - LIKELY
    settled = [
        next(chance.settled for chance in prospect.chances if chance.look == before[-1])
        for prospect in truths
    ]
    return 1 - min(1.0, sum(settled) / len(settled))
