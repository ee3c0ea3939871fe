"""What a claim's spec says: fixed from the document's own words before anything is run."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.forms import Form, Reading
from ablations.records import Difference, Json, Tier
from hrm.parts import Part, canonical, type_key

# Units of replication by tier (see the README, "What a tier runs").
TRAINED: Mapping[Tier, int] = {Tier.QUICK: 3, Tier.STANDARD: 20, Tier.FULL: 32}
CHEAP: Mapping[Tier, int] = {Tier.QUICK: 40, Tier.STANDARD: 40, Tier.FULL: 40}
BLOCKS: Mapping[Tier, int] = {Tier.QUICK: 10, Tier.STANDARD: 10, Tier.FULL: 16}  # 2 pairs each
ONCE: Mapping[Tier, int] = {Tier.QUICK: 1, Tier.STANDARD: 1, Tier.FULL: 1}


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One side of a comparison: its name for the reader, and its configuration."""

    label: str
    part: Part


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A documented claim as an ablation.

    Args:
        id: As in the ledger, which holds the claim's words and documented figure.
        section: Where the document makes the claim.
        reading: How the document's words are read, and why; what is left open and how it is fixed.
        form: How it is decided.
        workload: "module:function" in `ablations.workloads`.
        arms: Baseline first; empty where nothing is configured.
        settings: The workload's settings. modules: Sources beside the workload's own.
        seeds: Seeds (blocks, for timings) per tier.
        joint: Whether one run measures all arms together, rather than each its own.
        alone: Whether runs must have the machine for themselves.
        trained: Whether arms are trained: the quick tier then shows an estimate and decides
            nothing, and an arm that doesn't beat the trivial baselines makes the claim INVALID.
        beside: Other readings of the same runs.
        control: A metric whose contrasts between equal code must lie within a quarter of the band.
        cost: CPU seconds of one run, until one is stored.
    """

    id: str
    section: str
    reading: str
    form: Form
    workload: str
    arms: tuple[Arm, ...]
    settings: Mapping[str, Json]
    seeds: Mapping[Tier, int]
    cost: float
    modules: tuple[str, ...] = ()
    joint: bool = False
    alone: bool = False
    trained: bool = False
    beside: tuple[Reading, ...] = ()
    control: str | None = None


def differences(claim: Claim) -> tuple[Difference, ...]:
    """Return every value in which the arms' configurations differ, one value an arm."""
    if len(claim.arms) < 2:
        return ()
    parts = [arm.part for arm in claim.arms]
    paths = {path: None for part in parts[1:] for path, _, _ in parts[0].differences(part)}
    return tuple(
        Difference(path=path, values=tuple(_shown(_at(part.to_json(), path)) for part in parts))
        for path in paths
    )


def _at(data: Json, path: str) -> Json:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _shown(value: Json) -> str:
    if isinstance(value, dict) and type_key in value:
        fields = ", ".join(f"{k}={_shown(v)}" for k, v in value.items() if k != type_key)
        return f"{value[type_key]}({fields})"
    return value if isinstance(value, str) else canonical(value)
