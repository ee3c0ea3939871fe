"""Everything that a report is rendered from; equal stores give equal bytes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ablations.claims.ledger import Entry
from ablations.claims.sets import ClaimSet
from ablations.judging import garden as seen_before
from ablations.judging.controls import controlled
from ablations.judging.row import Desk, machine, row, span, versions
from ablations.records.plans import Planning
from ablations.records.rows import Controlled, Family, Garden, Report, Row
from ablations.records.trials import Result
from ablations.rule import Group, Word
from ablations.runs import trials
from ablations.runs.trials import plan
from ablations.specs.claim import Claim, Statistical
from hrm.codec import Json


def report(
    chosen: Sequence[Claim],
    desk: Desk,
    of: ClaimSet,
    *,
    plans: Mapping[str, Planning] | None = None,
    garden: Sequence[Garden] = (),
    calibration: Mapping[str, Json] | None = None,
) -> Report:
    """Judge claims by their stored runs, and return everything that a report shows.

    Args:
        chosen: Claims in the order in which they are shown.
        desk: Reader, table and options for judging them.
        of: The set of the claims, with ledger, family and controls.
        plans: Plans by claim.
        garden: Versions of specs that were judged before (`garden.add`).
        calibration: Summary of the committed calibration.
    """
    table = desk.table
    plans, judged = plans or {}, seen_before.by_claim(garden)

    def made(
        claim: Claim, entry: Entry, guards: Sequence[Controlled] = (), *, drawn: bool = True
    ) -> Row:
        found = row(claim, entry, desk, guards, drawn=drawn)
        return replace(found, garden=judged.get(claim.id, ()), planning=plans.get(claim.id))

    every = {control.claim.id: control for control in of.controls()}
    guarding = of.controls(chosen)
    guards = [
        controlled(c, made(c.claim, c.entry, drawn=False), chosen)  # they stand in a table
        for c in guarding
    ]
    rows = [
        made(
            claim,
            every[claim.id].entry if claim.id in every else of.ledger[claim.id],
            [c for c in guards if claim.id in c.claims],
        )
        for claim in chosen
    ]
    results = _results([*chosen, *(c.claim for c in guarding)], desk)
    words = [found.verdict.verdict for found in rows]
    first, last = span(results)
    groups = [found.verdict.group for found in rows]
    return Report(
        tier=desk.tier.value,
        looks={str(n): c for n, c in table.exceptions.items()},
        shares={str(n): c for n, c in table.shares.items()},
        tally={word.value: words.count(word) for word in Word if word in words},
        groups={group.value: groups.count(group) for group in Group},
        commits=tuple(sorted({r.commit for r in results if r.commit})),
        dirty=any(r.dirty for r in results),
        machines=tuple(sorted({machine(r) for r in results})),
        versions=versions(results),
        runs=len(results),
        cpu_seconds=sum(r.cpu_seconds for r in results),
        rows=tuple(rows),
        controls=tuple(guards),
        family=fates(of, rows),
        calibration=calibration,
        first=first,
        last=last,
    )


def versions_seen(claims: Sequence[Claim], desk: Desk) -> list[Garden]:
    """Return the specs of these claims with their present words, for `garden.add`."""
    cases = [desk.case(claim) for claim in claims if isinstance(claim, Statistical)]
    return [found for case in cases if (found := seen_before.seen(case)) is not None]


def fates(of: ClaimSet, rows: Sequence[Row]) -> Family:
    """Return the results of the family's members.

    Args:
        of: The set of claims.
        rows: Rows of the report.
    """
    verdicts = {found.verdict.id: found.verdict for found in rows}
    specified = {claim.id for claim in of.specs}
    counts = dict.fromkeys(("holds", "partly", "fails", "open", "not_run", "without_spec"), 0)
    for member in of.family.members:
        found = [verdicts[claim] for claim in member.claims if claim in verdicts]
        judged = [v for v in found if v.verdict is not Word.NOT_RUN]
        if judged:
            decided = [v.group.value for v in judged if v.group is not Group.OPEN]
            fate = decided[0] if decided else Group.OPEN.value
        else:
            fate = "not_run" if specified & set(member.claims) else "without_spec"
        counts[fate] += 1
    return Family(members=len(of.family.members), **counts)


def _results(claims: Sequence[Claim], desk: Desk) -> list[Result]:
    """Return all stored runs of these claims, each once, in order of fingerprint."""
    found: dict[str, Result] = {}
    for claim in claims:
        if isinstance(claim, Statistical):
            results: Iterable[Result | None] = desk.case(claim).gathered.results
        else:
            planned = plan(claim, trials.seeds(claim, desk.tier), desk.device)
            results = map(desk.reader.of, planned.trials)
        found |= {result.fingerprint: result for result in results if result is not None}
    return [found[fingerprint] for fingerprint in sorted(found)]
