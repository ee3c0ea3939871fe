"""From claims to trials: what a tier would run."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ablations.fingerprint import fingerprint
from ablations.records import Result, Tier, Trial
from ablations.specs import PILOTS, Claim
from ablations.store import Store, finished


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A claim's trials at a tier.

    Args:
        claim: The claim.
        trials: One row a seed; in it one trial for each arm, or a single one for all of them.
    """

    claim: Claim
    trials: tuple[tuple[Trial, ...], ...]

    @property
    def flat(self) -> list[Trial]:
        """All trials, in order."""
        return [trial for row in self.trials for trial in row]

    def collect(self, store: Store) -> list[list[Result | None]]:
        """Return the stored result of each trial, None where there is none."""
        return [[store.get(fingerprint(trial)) for trial in row] for row in self.trials]


def plan(claim: Claim, tier: Tier, device: str = "cpu") -> Planned:
    """Return what a tier runs for a claim."""
    return over(claim, range(claim.seeds[tier]), device)


def pilot(claim: Claim, device: str = "cpu", seeds: Sequence[int] = PILOTS) -> Planned:
    """Return the runs that plans take a claim's spread from; none where it has no spread."""
    return over(claim, seeds if claim.statistics is not None else (), device)


def over(claim: Claim, seeds: Iterable[int], device: str = "cpu") -> Planned:
    """Return a claim's trials at these seeds."""
    arms = tuple(arm.part.to_json() for arm in claim.arms)
    groups = (arms,) if claim.joint or not arms else tuple((arm,) for arm in arms)
    rows = tuple(
        tuple(
            Trial(
                workload=claim.workload,
                arms=group,
                settings=claim.settings,
                seed=seed,
                # exact checks and timings are made where the documents make them: on the CPU
                device=device if claim.trained else "cpu",
                alone=claim.alone,
                modules=claim.modules,
            )
            for group in groups
        )
        for seed in seeds
    )
    return Planned(claim=claim, trials=rows)


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
    """Estimate from stored runs of the same arms and settings, else from the specs."""
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
    DECLARED = "the spec"


class Costs:
    """Expected CPU seconds of a trial.

    They are the median of stored runs of its kind, else of pilot runs, else what its spec says.
    """

    def __init__(self, plans: Sequence[Planned], store: Store | None) -> None:
        self._specs = {_kind(t): p.claim.cost for p in plans for t in p.flat}
        seen: dict[tuple[str, bool], list[float]] = {}
        for result in store.results() if store is not None else ():
            if result.status not in finished:  # it says little about a whole run
                continue
            key = _kind(result.trial), result.trial.seed in PILOTS
            seen.setdefault(key, []).append(result.cpu_seconds)
        self._stored = {key: statistics.median(values) for key, values in seen.items()}

    def of(self, trial: Trial) -> float:
        """Return the expected CPU seconds of one trial."""
        return self._found(trial)[0]

    def source(self, trials: Iterable[Trial]) -> Source:
        """Return where the expected cost of trials comes from: the weakest of their sources."""
        found = {self._found(trial)[1] for trial in trials}
        return max(found, key=list(Source).index, default=Source.DECLARED)

    def _found(self, trial: Trial) -> tuple[float, Source]:
        kind = _kind(trial)
        for piloted, source in ((False, Source.STORED), (True, Source.PROBE)):
            if (kind, piloted) in self._stored:
                return self._stored[kind, piloted], source
        return self._specs.get(kind, 1.0), Source.DECLARED


def _kind(trial: Trial) -> str:
    """What trials that cost the same share: all but the seed."""
    return repr((trial.workload, trial.arms, dict(trial.settings), trial.device))
