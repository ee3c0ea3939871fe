"""Shards: a plan divided into independent parts, for arrays of batch jobs.

Every shard computes the same division by itself, from the claims and the committed costs only.
Trials that share boards stay together, and so do the arms of a pair, and trials with their parents.
Timings are in no shard, since all timings of a claim are taken on one machine.
"""

import heapq
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ablations.records.trials import Trial
from ablations.runs.fingerprints import protocol_class
from ablations.runs.trials import boards
from hrm.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Part I of N, counted from 1."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> "Shard":
        """Return the shard that I/N names.

        Raises:
            UserError: If it names none.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise UserError(
                f"--shard is {text!r}; allowed is I/N with I from 1 to N; in an array of batch "
                "jobs with indices 1 to N, give the job's index as I"
            )
        return cls(number=int(found[1]), of=int(found[2]))


def cut(trials: Iterable[Trial], shard: Shard, cost: Callable[[Trial], float]) -> set[str]:
    """Return a shard's groups of boards.

    Groups are assigned in order of cost, the costliest first, each to the shard with least work.

    Args:
        trials: All trials of a plan with their parents, in any order.
        shard: The shard.
        cost: Expected cost of a trial, which must be the same in every shard.
    """
    costs: dict[str, float] = {}
    for trial in trials:
        if not protocol_class(trial).alone:
            name = boards(trial)
            costs[name] = costs.get(name, 0.0) + cost(trial)
    loads = [(0.0, number) for number in range(1, shard.of + 1)]
    found = set[str]()
    for name in sorted(costs, key=lambda name: (-round(costs[name], 6), name)):
        load, number = heapq.heappop(loads)
        heapq.heappush(loads, (load + costs[name], number))
        if number == shard.number:
            found.add(name)
    return found


def within(trial: Trial, groups: set[str]) -> bool:
    """Return whether a trial belongs to a shard."""
    return not protocol_class(trial).alone and boards(trial) in groups
