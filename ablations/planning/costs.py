"""Costs of trials in CPU seconds, from stored runs if there are any."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from ablations.judging.cells import Reader
from ablations.planning.pilots import Pilot
from ablations.records.trials import Trial
from ablations.runs.fingerprints import content, kind
from ablations.runs.trials import pilots, plan, seeds, with_parents
from ablations.specs.claim import Claim

ENOUGH = 9  # number of stored runs over which the median of a kind is taken
STARTED = 0.25  # share of a spec's cost for runs that start from trained weights


class Source(StrEnum):
    """The source of an expected cost, the best one first."""

    STORED = "stored runs"
    PROBE = "a probe"  # only pilot seeds are stored
    COMMITTED = "committed pilots"
    DECLARED = "the spec"


NOTHING = (Source.DECLARED, 1.0)  # the cost of a trial that no claim declares


class Costs:
    """Expected CPU seconds of a trial, by its kind: all but its seed.

    They are the median of stored runs, or else of pilot runs in the store, or else of the committed
    pilots, or else the cost in the spec (a quarter of it for a run that starts from trained
    weights). For each kind of trial a few runs are read, once.

    Args:
        claims: The claims of the trials.
        reader: Reader of the store; None without a store.
        committed: Committed pilots by claim.
        runs: Number of pairs to search for stored runs.
        device: Device of trained runs.
    """

    def __init__(
        self,
        claims: Sequence[Claim],
        reader: Reader | None,
        committed: Mapping[str, Pilot],
        *,
        runs: int = ENOUGH,
        device: str = "cpu",
    ) -> None:
        self._kinds: dict[tuple[str, str, str], str] = {}
        self._known: dict[Source, dict[str, float]] = {source: {} for source in Source}
        for pilot in committed.values():
            self._known[Source.COMMITTED] |= pilot.cpu_seconds
        for claim in claims:
            planned = plan(claim, seeds(claim, runs), device).trials
            first = with_parents(plan(claim, seeds(claim, 1), device).trials)
            for trial in first:
                share = 1.0 if trial.parent is None else STARTED
                self._known[Source.DECLARED].setdefault(self.kind(trial), share * claim.cost)
            if reader is not None:
                self._read(Source.STORED, planned, reader)
                self._read(Source.PROBE, pilots(claim, device).trials, reader)
        self._best = {
            name: (source, seconds)
            for source in reversed(Source)
            for name, seconds in self._known[source].items()
        }

    def of(self, trial: Trial) -> float:
        """Return the expected CPU seconds of one trial."""
        return self._best.get(self.kind(trial), NOTHING)[1]

    def total(self, trials: Iterable[Trial]) -> float:
        """Return the expected CPU seconds of several trials, each once."""
        return sum(self.of(trial) for trial in {id(trial): trial for trial in trials}.values())

    def source(self, trial: Trial) -> Source:
        """Return where the expected cost of a trial comes from."""
        return self._best.get(self.kind(trial), NOTHING)[0]

    def weakest(self, trials: Iterable[Trial]) -> Source:
        """Return the weakest source among those of several trials."""
        found = {self.source(trial) for trial in trials}
        return max(found, key=list(Source).index, default=Source.DECLARED)

    def kind(self, trial: Trial) -> str:
        """Return the kind of a trial (cached), which is the same for all its seeds."""
        protocol, arms, _, device = content(trial)
        if (protocol, arms, device) not in self._kinds:
            self._kinds[protocol, arms, device] = kind(trial)
        return self._kinds[protocol, arms, device]

    def _read(self, source: Source, trials: Iterable[Trial], reader: Reader) -> None:
        seen: dict[str, list[float]] = {}
        for trial in with_parents(trials):
            name = self.kind(trial)
            if name in self._known[source]:
                continue
            result = reader.of(trial)
            if result is not None and result.status.finished:
                seen.setdefault(name, []).append(result.cpu_seconds)
        for name, values in seen.items():
            self._known[source][name] = statistics.median(values)
