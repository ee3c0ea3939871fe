"""Replication: compare a quick run on this machine with the evidence.

The criterion of agreement was fixed before any replication was made:

- Runs with equal fingerprints (trial, sources, versions, mode of execution) on machines with the
  same CPU capability and number of threads must be equal to the last digit.
- Other runs must be within the range of the evidence's seeds, widened on both sides by its width.

A new seed is outside the plain range of n seeds with probability 2 / (n + 1), that is, about two of
seventy arms at n = 60; the plain range would raise an alarm nearly every time. Arms outside the
widened range are listed first, and their claims are marked. The alarm is raised by so many of these
arms that a sound replication raises it less than once in three hundred times (`alarm`), or by a
single digit that should be equal.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ablations.claims.sets import ClaimSet
from ablations.judging.cells import Pair, Run, trained, value_of
from ablations.judging.report import fates
from ablations.judging.row import Desk
from ablations.judging.statements import finite
from ablations.metrics.value import Value
from ablations.records.replications import Agreement, Replicated, Replication
from ablations.records.rows import Report, Row
from ablations.rule import Group, Word
from ablations.runs import trials
from ablations.runs.trials import plan
from ablations.specs.claim import Cell, Claim, Statistical, Tier

CHANCE = 4e-3  # bound of the probability that a sound arm leaves the widened range, as for t₃ noise
RARELY = 1 / 300  # largest probability that a sound replication raises the alarm
FEWEST = 26  # fewest seeds of the evidence that give a range
LEAST = 0.01  # smallest widening of a range, as a share of its largest absolute value


def alarm(arms: int) -> int:
    """Return how many arms beyond their widened range raise the alarm.

    It is the smallest k with P(X ≥ k) ≤ 1/300, where X is binomial (`arms`, `CHANCE`).

    Args:
        arms: Number of arms that are compared by range.
    """
    from scipy.special import bdtrik  # slow to import, and rarely needed

    return 1 + math.ceil(bdtrik(1 - RARELY, arms, CHANCE)) if arms else 1


def widened(values: Sequence[Value]) -> tuple[float, float]:
    """Return the range of the evidence's values, widened on both sides by its own width.

    A side on which a run diverged, or has an unknown value, is open.
    """
    ends = [end for value in values for end in (value.low, value.high)]
    finite = [end for end in ends if math.isfinite(end)]
    if not finite:
        return min(ends), max(ends)
    low, high = min(finite), max(finite)
    width = max(high - low, LEAST * max(abs(low), abs(high)))
    return (
        -math.inf if -math.inf in ends else low - width,
        math.inf if math.inf in ends else high + width,
    )


def compare(here: Value, there: Sequence[Value]) -> Agreement:
    """Return whether a value agrees with those of the evidence's seeds, by their range."""
    known = [value for value in there if not _unknown(value)]
    if _unknown(here) or len(known) < FEWEST:
        return Agreement.OPEN
    low, high = widened(known)
    return Agreement.WITHIN if here.high >= low and here.low <= high else Agreement.OUTSIDE


@dataclass(frozen=True, kw_only=True)
class Side:
    """The runs on this machine, or the evidence: claims in the requested mode, and a desk."""

    claims: Sequence[Claim]
    desk: Desk


def replicated(
    row: Row, said: Row, own: tuple[Claim, Desk], other: tuple[Claim, Desk]
) -> Replication:
    """Return how a claim's runs here agree with its evidence.

    Args:
        row: The row of the runs on this machine.
        said: The row of the evidence.
        own: The claim in the mode that was requested here, and the desk of the runs here.
        other: The claim in the mode of the evidence, and the desk of the evidence.
    """
    arms: tuple[Replicated, ...] = ()
    (claim, here), (theirs, there) = own, other
    if isinstance(claim, Statistical) and isinstance(theirs, Statistical):
        arms = tuple(_arms(claim, here, there.case(theirs).gathered.pairs))
    elif row.checks and said.checks:
        arms = (Replicated(label="its checks", seed=0, agreement=of_checks(row, said)),)
    missing = said.verdict.verdict is Word.NOT_RUN
    return Replication(
        word=row.verdict.verdict,
        evidence=None if missing else said.verdict.verdict,
        pairs=said.verdict.n,
        arms=arms,
    )


def joined(here: Report, there: Report, own: Side, other: Side, of: ClaimSet) -> Report:
    """Return a report of runs here in which trained claims have the evidence's verdict.

    Args:
        here: The report of the runs on this machine.
        there: The report of the evidence.
        own: The runs on this machine, with claims in the order of the rows.
        other: The evidence, with claims in the order of the rows.
        of: The set of claims.
    """
    rows = []
    for claim, theirs, row, said in zip(
        own.claims, other.claims, here.rows, there.rows, strict=True
    ):
        found = replicated(row, said, (claim, own.desk), (theirs, other.desk))
        shown = said if rests_on_training(claim) and said.verdict.look else row
        rows.append(replace(shown, replication=found))
    controls = tuple(
        said if said.row.verdict.look > found.row.verdict.look else found
        for found, said in zip(here.controls, there.controls, strict=True)
    )
    words = [row.verdict.verdict for row in rows]
    groups = [row.verdict.group for row in rows]
    return replace(
        here,
        rows=tuple(rows),
        controls=controls,
        tally={word.value: words.count(word) for word in Word if word in words},
        groups={group.value: groups.count(group) for group in Group},
        family=fates(of, rows),
        commits=_union(here.commits, there.commits),
        machines=_union(here.machines, there.machines),
        runs=here.runs + there.runs,
        cpu_seconds=here.cpu_seconds + there.cpu_seconds,
        replication=summary(rows),
    )


def summary(rows: Iterable[Row]) -> Mapping[str, object]:
    """Return a summary of a replication.

    Its keys are alarm (true or false), disagreeing (sentences about arms that don't agree), and the
    numbers of arms by agreement.
    """
    found = [(row, arm) for row in rows if row.replication for arm in row.replication.arms]
    counts = {a.value: sum(arm.agreement is a for _, arm in found) for a in Agreement}
    ranged = counts[Agreement.WITHIN.value] + counts[Agreement.OUTSIDE.value]
    wrong = [
        (row, arm)
        for kind in (Agreement.DIFFERS, Agreement.OUTSIDE)
        for row, arm in found
        if arm.agreement is kind
    ]
    return {
        "alarm": counts[Agreement.DIFFERS.value] > 0
        or counts[Agreement.OUTSIDE.value] >= alarm(ranged),
        "disagreeing": [f"{row.verdict.id}: {_said(arm)}" for row, arm in wrong],
        **counts,
    }


def of_checks(here: Row, there: Row) -> Agreement:
    """Return how the checks of an exact claim agree with the evidence's.

    Each must come out alike. On equal versions and machines the values must be equal too, except
    what two programs differ by in rounding: it depends on where a process has its tensors.
    """
    if [(c.what, c.holds) for c in here.checks] != [(c.what, c.holds) for c in there.checks]:
        return Agreement.DIFFERS
    pairs = list(zip(here.checks, there.checks, strict=True))
    if all(a.observed == b.observed for a, b in pairs):
        return Agreement.EQUAL
    if _environment(here) != _environment(there):
        return Agreement.WITHIN
    alike = all(a.observed == b.observed or "to rounding" in a.rule for a, b in pairs)
    return Agreement.WITHIN if alike else Agreement.DIFFERS


def _environment(row: Row) -> object:
    return row.origin and (row.origin.versions, row.origin.machines)


def rests_on_training(claim: Claim) -> bool:
    """Return whether a claim compares trained arms, of which a quick run has only one seed.

    The arms of a ladder of rates are trained, too, though no weights are kept of them.
    """
    if not isinstance(claim, Statistical):
        return False
    return claim.schedule[Tier.QUICK] == 1 or any(map(trained, claim.compared))


def _arms(claim: Statistical, here: Desk, evidence: Sequence[Pair]) -> Iterable[Replicated]:
    """Yield the agreement of each cell's values here, one per trained arm and seed."""
    seeds = trials.seeds(claim, Tier.QUICK if rests_on_training(claim) else here.tier)
    rows = plan(claim, seeds, here.device).rows
    for seed, row in zip(seeds, rows, strict=True):
        for place, (cell, slot) in enumerate(zip(claim.compared, row, strict=False)):
            run = here.reader.run(slot)
            if not run.over or run.lost or run.result is None:
                continue
            value = value_of(run, cell.metric, here.reader, cell.label)[0]
            yield _arm(cell, seed, place, (run, value), evidence)
        if not rests_on_training(claim):
            return  # further pairs are judged on their own


def _arm(
    cell: Cell, seed: int, place: int, own: tuple[Run, Value], evidence: Sequence[Pair]
) -> Replicated:
    run, value = own
    values = [pair.values[place] for pair in evidence]
    low, high = widened(values) if values else (-math.inf, math.inf)
    agreement = compare(value, values)
    if cell.protocol.alone and not _one_processor(run, [pair.runs[place] for pair in evidence]):
        agreement = Agreement.OPEN  # times of different machines aren't comparable
    twins = [pair for pair in evidence if pair.seed == seed and _same(pair.runs[place], run)]
    if twins and not cell.protocol.alone:
        same = _ends(twins[0].values[place]) == _ends(value)
        agreement = Agreement.EQUAL if same else Agreement.DIFFERS
    return Replicated(
        label=cell.label,
        seed=seed,
        agreement=agreement,
        value=finite(value.low) if value.low == value.high else None,
        low=finite(low),
        high=finite(high),
    )


def _same(one: Run, other: Run) -> bool:
    """Return whether two runs must be equal to the last digit."""
    if one.result is None or other.result is None:
        return False
    a, b = one.result, other.result
    return (
        a.fingerprint == b.fingerprint
        and a.machine.capability == b.machine.capability
        and a.machine.threads == b.machine.threads
    )


def _one_processor(run: Run, others: Sequence[Run]) -> bool:
    found = {one.result.machine.cpu for one in (run, *others) if one.result is not None}
    return len(found) == 1


def _said(arm: Replicated) -> str:
    """Return a sentence about an arm that doesn't agree."""
    if arm.agreement is Agreement.DIFFERS:
        return f"{arm.label}, seed {arm.seed}, should equal the evidence to the last digit"
    value = "diverged" if arm.value is None else f"is {arm.value:.4g}"
    ends = [f"{end:.4g}" if end is not None else "∞" for end in (arm.low, arm.high)]
    return f"{arm.label}, seed {arm.seed}, {value}, beyond {ends[0]} to {ends[1]}"


def _unknown(value: Value) -> bool:
    return value.low == -math.inf and value.high == math.inf


def _ends(value: Value) -> tuple[float, float, bool]:
    return value.low, value.high, value.failed


def _union(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other}))
