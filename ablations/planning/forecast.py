"""Estimates of the wall time of runs: CPU time, overhead, and claims that settle early.

The constants of the overhead, which is the time outside of the clocks of runs, were measured in a
quick tier of the whole ledger on two cores (2,128 runs).
"""

from collections.abc import Collection, Mapping

from ablations.planning.costs import Costs
from ablations.records.plans import Planning
from ablations.records.trials import Trial
from ablations.rule import Table, Word
from ablations.runs.fingerprints import Content, content, protocol_class
from ablations.runs.sequence import PAUSE
from ablations.specs.claim import CONTROLS, Tier

BETWEEN = 0.02  # seconds that a worker waits between two runs, for storing and scheduling
BETWEEN_ALONE = 0.2  # the same for runs that need the machine alone
START = 4.0  # seconds to start workers and import modules; once per stretch
LIKELY = 0.9  # probability that a control settles by its first look, if there are no pilots

# The true effect of a control by its expected word, as `chances.prospects` names effects.
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
        trials: The trials, each once.
        costs: Costs of trials.
        jobs: Number of parallel trials. Timings never share the machine; they are run in two
            stretches with a pause between them, during which other trials are run.
        chances: Probability that a trial is run at all, by its content; 1 for missing ones.
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
    """Return the probability that a claim isn't settled before it reads a seed.

    Args:
        told: The plan of the claim; None for a claim without pairs.
        table: Table of its family.
        seed: The seed, from 0.
        expected: The expected word of a control, None for a claim. The true effect of a claim is
            unknown: all true effects in its plan are taken to be equally likely.
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
        nearly_all = told.pairs > CONTROLS[Tier.QUICK]  # such controls settle at the last look only
        return 1.0 if expected is None or nearly_all else 1 - LIKELY
    settled = [
        next(chance.settled for chance in prospect.chances if chance.look == before[-1])
        for prospect in truths
    ]
    return 1 - min(1.0, sum(settled) / len(settled))
