"""What a claim's spec says: fixed from the document's own words before anything is run."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.forms import External, Form, Reading, Statistical
from ablations.records import Difference, Json, Tier, Word
from hrm.config.parts import Part, canonical, type_key

# Units of replication by tier (see the README, "What a tier runs").
TRAINED: Mapping[Tier, int] = {Tier.QUICK: 3, Tier.STANDARD: 20, Tier.FULL: 32}
# For trained claims about effects that are small beside their spread, by their pilots: 20 pairs see
# 2.6 standard deviations where nothing makes contrasts symmetric, 40 see one (`widening`).
PRECISE: Mapping[Tier, int] = {Tier.QUICK: 3, Tier.STANDARD: 40, Tier.FULL: 60}
CHEAP: Mapping[Tier, int] = {Tier.QUICK: 40, Tier.STANDARD: 40, Tier.FULL: 40}
BLOCKS: Mapping[Tier, int] = {Tier.QUICK: 10, Tier.STANDARD: 10, Tier.FULL: 16}  # 2 pairs each
ONCE: Mapping[Tier, int] = {Tier.QUICK: 1, Tier.STANDARD: 1, Tier.FULL: 1}
# Controls are cheap enough to be decided in every tier, with as many pairs as trained claims have.
CONTROLS: Mapping[Tier, int] = {Tier.QUICK: 20, Tier.STANDARD: 20, Tier.FULL: 32}
# Those of timings hold the machine alone, and have the fewest pairs that can be decided.
CONTROL_BLOCKS: Mapping[Tier, int] = {Tier.QUICK: 6, Tier.STANDARD: 6, Tier.FULL: 10}
# Seeds that plans take their spreads from. No tier reaches them, and no verdict reads them.
PILOTS = range(1000, 1005)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One side of a comparison: its name for the reader, and its configuration."""

    label: str
    part: Part


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """A standard deviation of the contrast that plans take until pilot seeds are stored."""

    sd: float
    reason: str


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
        pairs: How many pairs a seed makes.
        assumed: The spread to plan with until pilot seeds are stored, None if nothing is known.
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
    pairs: int = 1
    assumed: Assumed | None = None

    @property
    def statistics(self) -> Statistical | None:
        """The form that gives the contrasts, None for claims without any."""
        form = self.form.inner if isinstance(self.form, External) else self.form
        return form if isinstance(form, Statistical) else None


@dataclass(frozen=True, kw_only=True)
class Control:
    """A measurement whose truth is known, made by the pipeline of the claims that share it.

    A claim shares it if it has the same form and reads the same metric of the same workload. A
    control is planned, run, stored and decided like a claim, at the claims' own level, and is no
    member of the family: it can only take verdicts away.

    Args:
        spec: What is measured; its id starts with "controls/".
        statement: What is known of it, in our words.
        planted: The planted effect, "" for equal arms.
        passes: The verdict that it should have.
        workload: The workload of the claims that share the measurement.
        metric: The metric that they read.
    """

    spec: Claim
    statement: str
    planted: str
    passes: Word
    workload: str
    metric: str

    def guards(self, claim: Claim) -> bool:
        """Tell whether a claim shares the measurement."""
        form, own = claim.statistics, self.spec.statistics
        assert own is not None, self.spec.id
        return (
            form is not None
            and (claim.workload, form.name) == (self.workload, own.name)
            and getattr(form, "metric", None) == self.metric
        )

    def passed(self, word: Word) -> bool | None:
        """Return whether it passed, None if that is open.

        Nothing decided is open, whatever the reason: too few pairs are no fault of a measurement.
        So is the mere direction of a planted effect; that of equal arms is a failure.
        """
        if word is self.passes:
            return True
        undecided = {Word.INCONCLUSIVE, Word.NOT_RUN}
        if self.planted:
            undecided.add(Word.DIRECTION_ONLY)
        return None if word in undecided else False


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
