"""From claims to trials: what a tier would run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ablations.fingerprint import fingerprint
from ablations.records import Result, Tier, Trial
from ablations.specs import PILOTS, Claim
from ablations.store import Store


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
