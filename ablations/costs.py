"""What trials cost: CPU time and wall time, from runs where there are any."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ablations import pilots
from ablations.fingerprint import fingerprint, kind
from ablations.plan import Planned
from ablations.records import Trial
from ablations.specs import PILOTS
from ablations.store import Store, finished


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What running a set of claims would take.

    Args:
        trials, stored: Different trials in all, and how many have a result.
        cpu_seconds: Of those that have none, each run alone.
        wall_seconds: With so many jobs; timings never share the machine.
    """

    trials: int
    stored: int
    cpu_seconds: float
    wall_seconds: float


def forecast(plans: Sequence[Planned], store: Store | None, jobs: int) -> Forecast:
    """Estimate what plans would take; see `Costs`."""
    costs = Costs(plans, store)
    unique = {fingerprint(trial): trial for planned in plans for trial in planned.flat}
    missing = [t for f, t in unique.items() if store is None or not store.is_finished(f)]
    alone = sum(costs.of(trial) for trial in missing if trial.alone)
    shared = [costs.of(trial) for trial in missing if not trial.alone]
    wall = alone + max(sum(shared) / jobs, max(shared, default=0.0))
    return Forecast(
        trials=len(unique),
        stored=len(unique) - len(missing),
        cpu_seconds=alone + sum(shared),
        wall_seconds=wall,
    )


class Source(StrEnum):
    """Where an expected cost comes from, the best first."""

    STORED = "stored runs"
    PROBE = "a probe"  # pilot seeds alone are stored
    COMMITTED = "committed pilots"
    DECLARED = "the spec"


class Costs:
    """Expected CPU seconds of a trial.

    They are the median of stored runs of its kind, else of pilot runs there, else of the committed
    pilots, else what its spec says.
    """

    def __init__(self, plans: Sequence[Planned], store: Store | None) -> None:
        self._known: dict[Source, dict[str, float]] = {source: {} for source in Source}
        self._known[Source.DECLARED] = {kind(t): p.claim.cost for p in plans for t in p.flat}
        self._cpus: dict[str, str] = {}
        for entry in pilots.committed().values():
            self._known[Source.COMMITTED] |= entry.cpu_seconds
            self._cpus |= dict.fromkeys(entry.cpu_seconds, entry.cpu)
        seen: dict[tuple[Source, str], list[float]] = {}
        for result in store.results() if store is not None else ():
            if result.status not in finished:  # it says little about a whole run
                continue
            source = Source.PROBE if result.trial.seed in PILOTS else Source.STORED
            seen.setdefault((source, kind(result.trial)), []).append(result.cpu_seconds)
        for (source, name), values in seen.items():
            self._known[source][name] = statistics.median(values)

    def of(self, trial: Trial) -> float:
        """Return the expected CPU seconds of one trial."""
        return self._known[self._source(trial)].get(kind(trial), 1.0)

    def source(self, trials: Iterable[Trial]) -> Source:
        """Return where the expected cost of trials comes from: the weakest of their sources."""
        found = {self._source(trial) for trial in trials}
        return max(found, key=list(Source).index, default=Source.DECLARED)

    def cpus(self, trials: Iterable[Trial]) -> tuple[str, ...]:
        """Return the processors of those committed pilots that the costs of trials come from."""
        from_pilots = (t for t in trials if self._source(t) is Source.COMMITTED)
        return tuple(sorted({self._cpus[kind(trial)] for trial in from_pilots}))

    def _source(self, trial: Trial) -> Source:
        name = kind(trial)
        return next((s for s in Source if name in self._known[s]), Source.DECLARED)
