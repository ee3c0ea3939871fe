"""What to run next: the trials up to the next look of each open claim, in the most useful order.

Tiers are looks. A claim isn't due if it is settled, that is, if its group can't change any more, or
if its pilots show that no number of pairs can decide it.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ablations.claims.controls import Control
from ablations.judging.case import Case, judged, of_part
from ablations.judging.cells import Reader, parts_of
from ablations.planning import pilots
from ablations.planning.chances import ahead, needed, prospects
from ablations.planning.costs import Costs
from ablations.planning.pilots import Pilot
from ablations.records.plans import Planning, Prospect
from ablations.records.trials import Trial
from ablations.rule import Table
from ablations.runs import trials
from ablations.runs.fingerprints import Content, content
from ablations.runs.trials import plan, with_parents
from ablations.specs.claim import Claim, Exact, Statistical, Tier

UNKNOWN = 0.5  # probability to settle by the last look of a tier if there are no pilots


@dataclass(frozen=True, kw_only=True)
class Due:
    """The trials that a claim needs next.

    Args:
        claim: The claim.
        look: Number of pairs that it will have afterwards; 1 for an exact claim.
        trials: The trials to run, each after its parent.
        chance: Probability that the claim is settled afterwards.
        refusal: Why nothing is run; "" if something is.
    """

    claim: Claim
    look: int
    trials: tuple[Trial, ...]
    chance: float
    refusal: str = ""


@dataclass(frozen=True, kw_only=True)
class Order:
    """The claims that a budget pays for.

    Args:
        chosen: Claims in the order in which they are run, without trials of earlier ones.
        left: Claims that it doesn't pay for.
        cpu_seconds: Cost of the chosen ones.
    """

    chosen: tuple[Due, ...]
    left: tuple[Due, ...]
    cpu_seconds: float


def due(
    claims: Iterable[Claim],
    reader: Reader,
    tier: Tier,
    *,
    table: Table,
    committed: Mapping[str, Pilot] | None = None,
    tried: Iterable[Trial] = (),
    all_: bool = False,
    device: str = "cpu",
) -> tuple[Due, ...]:
    """Return the trials that each claim needs up to its next look within a tier.

    Claims that are settled, or have all runs of the tier, are left out; refused claims have a
    reason and no trials.

    Args:
        claims: Claims, and the controls that guard them.
        reader: Reader of the store.
        tier: The tier, which determines the last look.
        table: Table of the family.
        committed: Pilots by claim.
        tried: Trials that this command has run already; the next command repeats failed ones.
        all_: Whether settled claims, and refused ones, go on to the end of the tier too.
        device: Device of trained runs.
    """
    found = []
    before = {content(trial) for trial in tried}
    for claim in claims:
        match claim:
            case Statistical():
                one = _statistical(
                    claim, reader, tier, table, committed or {}, all_=all_, device=device
                )
            case Exact():
                one = Due(
                    claim=claim,
                    look=1,
                    trials=_missing(claim, reader, trials.seeds(claim, tier), device),
                    chance=1.0,
                )
            case _:
                continue
        if one is None:
            continue
        left = tuple(trial for trial in one.trials if content(trial) not in before)
        if left or one.refusal:
            found.append(dataclasses.replace(one, trials=left))
    return tuple(found)


def order(
    found: Sequence[Due],
    costs: Costs,
    *,
    budget: float | None = None,
    values: Mapping[str, float] | None = None,
) -> Order:
    """Choose claims by the expected number of settled claims per CPU second, within a budget.

    Trials that a chosen claim shares with others cost the others nothing. A claim that the rest of
    the budget doesn't pay for is skipped in favour of cheaper ones.

    Args:
        found: The due trials.
        costs: Costs of trials.
        budget: CPU seconds, None for no bound.
        values: Value of reaching a claim's look, by id; otherwise its probability to settle.
    """
    waiting = [one for one in found if one.trials]
    worth = {one.claim.id: (values or {}).get(one.claim.id, one.chance) for one in waiting}
    keyed = {id(one): {content(trial): trial for trial in one.trials} for one in waiting}
    cost = {key: costs.of(t) for each in keyed.values() for key, t in each.items()}
    chosen: list[Due] = []
    paid: set[Content] = set()
    spent = 0.0

    def price(one: Due) -> float:
        return sum(cost[key] for key in keyed[id(one)] if key not in paid)

    while waiting:
        prices = {id(one): price(one) for one in waiting}
        within = [o for o in waiting if budget is None or spent + prices[id(o)] <= budget]
        if not within:
            break
        best = max(within, key=lambda o: worth[o.claim.id] / max(prices[id(o)], 1e-9))
        fresh = tuple(trial for key, trial in keyed[id(best)].items() if key not in paid)
        chosen.append(dataclasses.replace(best, trials=fresh))
        spent += prices[id(best)]
        paid |= set(keyed[id(best)])
        waiting.remove(best)
    return Order(chosen=tuple(chosen), left=tuple(waiting), cpu_seconds=spent)


def values(controls: Iterable[Control], claims: Sequence[Claim]) -> Mapping[str, float]:
    """Return the value of each control, which is the number of claims that it guards, by id."""
    return {c.claim.id: float(sum(map(c.guards, claims))) for c in controls}


def planning(
    claim: Claim,
    reader: Reader | None,
    tier: Tier,
    *,
    table: Table,
    committed: Mapping[str, Pilot],
    device: str = "cpu",
) -> Planning | None:
    """Return the plan of a claim; None for a claim without pairs.

    Args:
        claim: The claim.
        reader: Reader of the store; None without a store.
        tier: Up to which look.
        table: Table of the family.
        committed: Pilots by claim.
        device: Device of trained runs.
    """
    if not isinstance(claim, Statistical):
        return None
    pilot, source = pilots.known(claim, reader, committed, device)
    spreads = None if pilot is None else pilot.spreads
    found = _prospects(claim, pilot, table)
    told = found[0].chances if found else ()
    return Planning(
        sd=max(spread.sd for spread in spreads) if spreads else None,
        source=source if spreads else f"unknown: {source}",
        pairs=claim.schedule[tier],
        prospects=found,
        pairs_80=needed(told, 0.8),
        pairs_90=needed(told, 0.9),
        refusal=pilots.refusal(pilot),
    )


def _statistical(
    claim: Statistical,
    reader: Reader,
    tier: Tier,
    table: Table,
    committed: Mapping[str, Pilot],
    *,
    all_: bool,
    device: str,
) -> Due | None:
    end = claim.schedule[tier]
    case = judged(claim, reader, trials.seeds(claim, end), table, device)
    if case.settled and not all_:
        return None
    pilot, _ = pilots.known(claim, reader, committed, device)
    refused = pilots.refusal(pilot)
    if refused and not all_:
        return Due(claim=claim, look=case.n, trials=(), chance=0.0, refusal=refused)
    looks = [n for n in table.looks if case.n < n <= end]
    look = end if case.settled or not looks else looks[0]
    return Due(
        claim=claim,
        look=look,
        trials=_missing(claim, reader, trials.seeds(claim, look), device),
        chance=_chance(case, pilot, table, look),
    )


def _missing(claim: Claim, reader: Reader, seeds: range, device: str) -> tuple[Trial, ...]:
    """Return the trials at these seeds that must be run, each after its parent."""
    asked = [t for t in plan(claim, seeds, device).trials if not reader.over(t)]
    needed = {content(t): t for t in with_parents(asked) if not reader.over(t)}
    return tuple(needed.values())


def _chance(case: Case, pilot: Pilot | None, table: Table, look: int) -> float:
    """Return the probability that a claim has settled by a look."""
    if case.settled or look < table.looks[0]:
        return 0.0
    if case.look:
        pairs = case.gathered.pairs
        chances = [
            ahead(of_part(pairs, i, test, zones), zones, table, look)
            for i, ((test, _), zones) in enumerate(
                zip(parts_of(case.claim), case.zones, strict=True)
            )
        ]
        return min(chances)
    found = _prospects(case.claim, pilot, table)
    if not found:
        return UNKNOWN * look / table.looks[-1]
    by_look = [next(c for c in p.chances if c.look == look).settled for p in found]
    return sum(by_look) / len(by_look)


def _prospects(claim: Statistical, pilot: Pilot | None, table: Table) -> tuple[Prospect, ...]:
    spreads = None if pilot is None else pilot.spreads
    if spreads is None:
        return ()
    return prospects([test.zones for test, _ in parts_of(claim)], spreads, table)
