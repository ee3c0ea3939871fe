"""Stop times: reported and computed cycles, the end of the loop, and samples of one batch."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ablations.records.checks import Check, Equal, Holds
from hrm.config.learning import System

if TYPE_CHECKING:
    from torch import Tensor

Bools = NDArray[np.bool_]


def accounting(
    arms: Sequence[System], seed: int, *, batch: int = 32, batches: int = 20
) -> Iterator[Check]:
    """The reported cycles of a sample are the cycles in which its row was computed.

    Each row has its sample's number, so that rows are counted per sample. Decisions are random: a
    sample may decide to stop, and later not. The first arm is primary.
    """
    import torch

    from ablations.protocols import rigged

    numbers = torch.arange(batch, dtype=torch.float32)
    for i, system in enumerate(arms):
        cycles = system.model.halting.max_steps
        model, noise = rigged.scripted(system.model, cycles, seed), np.random.default_rng(seed)
        called: list[Tensor] = []
        model.halting.register_forward_pre_hook(
            lambda _m, given, called=called: called.append(given[2][:, 1])
        )
        agree, reported, total = 0, 0, 0
        for _ in range(batches):
            called.clear()
            wants = rigged.margins(noise.random((cycles, batch)) < noise.random())
            drawn = torch.cat([wants, numbers.expand(cycles, batch)[..., None]], -1)
            with torch.no_grad():
                output = model(rigged.inputs(system.model, batch, rigged.seeded(seed)), drawn)
            steps = output.run.steps.numpy()
            computed = np.bincount(torch.cat(called).int().numpy(), minlength=batch)
            agree += int((steps == computed).sum())
            reported, total = reported + int(steps.sum()), total + int(computed.sum())
        yield Holds(
            f"{execution(system)} execution: samples whose reported cycles were computed for them",
            documented=f"{batch * batches} of {batch * batches}",
            observed=f"{agree} of {batch * batches}; {reported} cycles reported, {total} computed",
            holds=agree == batch * batches,
            rule="equal counts, each sample",
            primary=i == 0,
        )


def ends(
    arms: Sequence[System], seed: int, *, batch: int = 8, batches: int = 60
) -> Iterator[Check]:
    """The loop takes as many cycles as its slowest sample, and no cycle without a live sample.

    Decisions are random. They include batches in which all samples stop at once, and batches in
    which none decides to stop: the last stop is forced. The first arm is primary.
    """
    import torch

    from ablations.protocols import rigged

    for i, system in enumerate(arms):
        cycles = system.model.halting.max_steps
        model, noise = rigged.scripted(system.model, cycles, seed), np.random.default_rng(seed)
        inputs = rigged.inputs(system.model, batch, rigged.seeded(seed))
        ended, idle = 0, 0
        for k in range(batches):
            wants = noise.random((cycles, batch)) < (1, 0, *noise.random(batches))[k]
            slowest = int(first_stops(wants).max())
            with rigged.counted_rows(model) as rows, torch.no_grad():
                model(inputs, rigged.margins(wants))
            ended += len(rows) == slowest
            idle += max(0, len(rows) - slowest)
        yield Equal(
            f"{execution(system)} execution: batches that end with their slowest sample",
            expected=f"{batches} of {batches}",
            observed=f"{ended} of {batches}",
            primary=i == 0,
        )
        yield Equal(
            f"{execution(system)} execution: cycles computed with nobody left",
            expected=0,
            observed=idle,
            primary=i == 0,
        )


def apart(
    arms: Sequence[System], seed: int, *, batch: int = 64, gain: float = 10.0
) -> Iterator[Check]:
    """Samples of one batch stop at different cycles, in training and in inference.

    Decisions are the model's own; a gain on the controller's weights makes the decisions of samples
    differ. The cycles of their first stop decisions are also shown.
    """
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM

    (system,) = arms
    torch.manual_seed(seed)
    model = HRM(system.model)
    inputs = rigged.inputs(system.model, batch, rigged.seeded(seed))
    rigged.diversify(model, inputs, gain)
    noise = model.draw(batch, rigged.seeded(seed + 1))
    for mode in ("training", "inference"):
        model.train(mode == "training")
        with torch.no_grad():
            run = model(inputs, noise).run
        stops = run.steps.tolist()
        yield Holds(
            f"cycles at which the {batch} samples of a batch stop, in {mode}",
            documented="different cycles",
            observed=histogram(stops),
            holds=len(set(stops)) > 1,
            rule="at least two different ones",
        )
        wanted = np.concatenate([(run.margins > 0).numpy(), np.ones((1, batch), dtype=bool)])
        never = len(wanted)
        found = first_stops(wanted)
        yield Holds(
            f"cycles at which they first want to stop, in {mode}",
            documented="different cycles",
            observed=histogram(found[found < never]) + f"; {int((found == never).sum())} never",
            holds=len(set(found)) > 1,
            rule="at least two different ones",
            primary=False,
        )


def first_stops(wants: Bools) -> NDArray[np.int64]:
    """Return the cycle, from 1, at which each sample of [K, B] stops; the last stop is forced."""
    forced = wants.copy()
    forced[-1] = True
    found: NDArray[np.int64] = forced.argmax(axis=0) + 1
    return found


def execution(system: System) -> str:
    """Return the name of a system's execution of batches."""
    return type(system.model.execution).__name__.lower()


def histogram(steps: Sequence[int] | NDArray[np.int64]) -> str:
    """Return the number of samples at each step."""
    counts = np.bincount(np.asarray(steps, dtype=int))
    return ", ".join(f"{n} at {k}" for k, n in enumerate(counts) if n)
