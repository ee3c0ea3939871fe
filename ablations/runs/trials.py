"""From claims to trials."""

from collections.abc import Iterable
from dataclasses import dataclass

from ablations.records.trials import Trial
from ablations.runs.fingerprints import STACKED, sha256
from ablations.specs.claim import OFFSET, PILOT_BLOCK, Claim, Exact, Statistical, Tier
from ablations.specs.protocols import Protocol, Train
from hrm.codec import Json
from hrm.config.parts import canonical, type_key

MOST_LAYOUTS = 1024  # largest number of cached layouts
# Seeds from which plans estimate spreads; no claim is judged by them.
PILOTS = range(PILOT_BLOCK * OFFSET, PILOT_BLOCK * OFFSET + 5)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The place of a cell's observations: a trial, and the index of the arm in it."""

    trial: Trial
    arm: int


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A claim's trials at some seeds.

    Args:
        claim: The claim.
        seeds: The seeds, one per pair.
        rows: One row per seed, with one slot per cell in the claim's order (an exact claim has
            one).
    """

    claim: Claim
    seeds: tuple[int, ...]
    rows: tuple[tuple[Slot, ...], ...]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials in order, each once even if cells share it; without their parents."""
        found = {id(slot.trial): slot.trial for row in self.rows for slot in row}
        return tuple(found.values())


def plan(claim: Claim, seeds: Iterable[int], device: str = "cpu") -> Planned:
    """Return a claim's trials at these seeds; none for a claim that can't be run here.

    Cells with equal trials share one. A joint protocol has one trial for the arms of all its cells.

    Args:
        claim: The claim.
        seeds: Any seeds.
        device: Device of protocols that train or can start from trained weights. All others run on
            the CPU, as in the documents.
    """
    seeds = tuple(seeds)
    match claim:
        case Statistical():
            layout = _layout(claim)
        case Exact():
            arms = tuple(arm.part.to_json() for arm in claim.arms)
            layout = [(claim.check, claim.check.to_json(), arms, 0)]
        case _:
            layout = []
    rows = tuple(_row(layout, seed, device) for seed in seeds) if layout else ()
    return Planned(claim=claim, seeds=seeds, rows=rows)


def seeds(claim: Claim, upto: Tier | int) -> range:
    """Return a claim's seeds, one per pair, in the order in which they are read.

    They are the first ones of its block; an exact claim has seed 0.

    Args:
        claim: The claim.
        upto: The tier, or the number of pairs.
    """
    match claim:
        case Statistical():
            first = claim.block * OFFSET
            return range(first, first + (upto if isinstance(upto, int) else claim.schedule[upto]))
        case Exact():
            return range(1)
        case _:
            return range(0)


def pilots(claim: Claim, device: str = "cpu") -> Planned:
    """Return the pilot trials of a claim; none for a claim without a spread."""
    return plan(claim, PILOTS if isinstance(claim, Statistical) else (), device)


def with_parents(trials: Iterable[Trial]) -> list[Trial]:
    """Return trials with all their parents, each after its parent; equal ones may recur."""
    found: list[Trial] = []
    for trial in trials:
        chain = [trial]
        while (parent := chain[-1].parent) is not None:
            chain.append(parent)
        found.extend(reversed(chain))
    return found


def boards(trial: Trial) -> str:
    """Return the key of trials that use the same boards: their seed, task and sizes."""
    return sha256([trial.seed, _first(trial).get("boards")])[:16]


def together(trial: Trial) -> str:
    """Return the key of trials that should run one after the other on one worker.

    Trials of an arm with compiled training steps share their graph, for all seeds; trials in stacks
    share one training; all others share their boards.
    """
    if stacks(trial):
        return sha256([trial.protocol, list(trial.arms), trial.device])[:16]
    if _first(trial).get("compiled"):
        return sha256(list(trial.arms))[:16]
    return boards(trial)


def stacks(trial: Trial) -> bool:
    """Return whether a trial's seeds are trained in stacks."""
    return trial.device.endswith(STACKED) and trial.protocol[type_key] == Train.__name__


def _first(trial: Trial) -> Json:
    """Return the protocol with which a trial's chain of parents begins."""
    protocol = trial.protocol
    while protocol.get("after") is not None:
        protocol = protocol["after"]
    return protocol


Layout = list[tuple[Protocol, Json, tuple[Json, ...], int]]


def _layout(claim: Statistical) -> Layout:
    """Return each cell's protocol, its JSON, the arms of its trial and the cell's place in it.

    Equal protocols and arms are the same object in the result, also if a claim is planned again, so
    that their canonical JSON is computed only once.
    """
    known = _layouts.get(id(claim))
    if known is None:
        if len(_layouts) >= MOST_LAYOUTS:
            _layouts.clear()
        known = _layouts[id(claim)] = claim, _laid_out(claim)  # keeping it prevents reuse of its id
    return known[1]


_layouts: dict[int, tuple[Statistical, Layout]] = {}


def _laid_out(claim: Statistical) -> Layout:
    shared: dict[str, Json] = {}

    def once(data: Json) -> Json:
        return shared.setdefault(canonical(data), data)

    encoded = [(once(c.data["protocol"]), once(c.data["arm"])) for c in claim.cells]
    found: Layout = []
    together: dict[int, tuple[Json, ...]] = {}
    for cell, (protocol, arm) in zip(claim.cells, encoded, strict=True):
        if cell.protocol.joint:
            arms = together.setdefault(
                id(protocol), tuple({id(a): a for p, a in encoded if p is protocol}.values())
            )
        else:
            arms = together.setdefault(id(arm), (arm,))
        place = next(i for i, a in enumerate(arms) if a is arm)
        found.append((cell.protocol, protocol, arms, place))
    return found


def _row(layout: Layout, seed: int, device: str) -> tuple[Slot, ...]:
    trials: dict[tuple[int, int], Trial] = {}
    row = []
    for protocol, encoded, arms, place in layout:
        key = id(encoded), id(arms)
        if key not in trials:
            trials[key] = Trial(
                protocol=encoded,
                arms=arms,
                seed=seed,
                device=device if _trains(protocol) else "cpu",
            )
        row.append(Slot(trial=trials[key], arm=place))
    return tuple(row)


def _trains(protocol: Protocol) -> bool:
    """Return whether a protocol trains, or can start from trained weights.

    It counts if it can, even if it doesn't here: thus an untrained control runs on the device of
    the claims that it guards.
    """
    return protocol.weights or hasattr(protocol, "after")
