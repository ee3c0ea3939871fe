"""Memory of a training update as counted by allocators, which is exact."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ablations.records.checks import Check, Close, Holds
from hrm.config import QLearning, Series, Tokens
from hrm.config.learning import System


def cycles(
    arms: Sequence[System],
    seed: int,
    *,
    batch: int = 4,
    high: Sequence[int] = (1, 2, 4),
    low: Sequence[int] = (1, 2, 4),
    steps: Sequence[int] = (2, 4, 8),
) -> Iterator[Check]:
    """Each further H cycle, L cycle and halting step takes more memory.

    The first arm is primary. Also shown: other arms, and the printed loop that averages over all
    halting steps and keeps the graph of each.
    """
    from ablations.protocols import guide, peaks

    for i, system in enumerate(arms):
        c = system.model
        assert isinstance(c.halting, QLearning)
        kept = "one-step gradient" if c.horizon == 2 else "full gradient"
        for name, values, models in (
            ("H_cycles", high, [replace(c, cycles=n) for n in high]),
            ("L_cycles", low, [replace(c, low_steps=n) for n in low]),
            (
                "halt_max_steps",
                steps,
                [replace(c, halting=replace(c.halting, max_steps=n)) for n in steps],
            ),
        ):
            sizes = _peaks([replace(system, model=model) for model in models], seed, batch)
            yield _rising(f"peak of an update by {name}, {kept}", values, sizes, primary=i == 0)
    first = arms[0].model
    assert isinstance(first.halting, QLearning)
    averaged = []
    for n in steps:
        halting = replace(first.halting, max_steps=n, exploration=None)
        system = replace(arms[0], model=replace(first, halting=halting))
        data = next(guide.batches(system, seed, batch=batch))
        averaged.append(peaks.second(guide.averaging(guide.view(system, seed), *data)))
    what = "peak of an update by halt_max_steps, answers averaged over all steps as printed,"
    yield _rising(what, steps, averaged, primary=False)


def batch_sequence(
    arms: Sequence[System],
    seed: int,
    *,
    batches: Sequence[int] = (4, 8, 16, 32),
    positions: Sequence[int] = (16, 32, 64, 128),
) -> Iterator[Check]:
    """A larger batch takes more memory, and so does a longer sequence."""
    from ablations.protocols import peaks

    (system,) = arms
    part = system.model.embedding
    assert isinstance(part, Tokens)
    sizes = [peaks.bytes_of_update(system, seed, batch) for batch in batches]
    yield _rising("peak of an update by batch_size", batches, sizes)
    longer = [
        replace(system, model=replace(system.model, embedding=replace(part, positions=n)))
        for n in positions
    ]
    yield _rising("peak of an update by seq_len", positions, _peaks(longer, seed, batches[0]))


def checkpointing(arms: Sequence[System], seed: int, *, batch: int = 8) -> Iterator[Check]:
    """With gradient checkpointing an update takes less memory, and gradients have the same bits.

    Arms: without and with it.
    """
    from ablations.protocols import peaks, rigged

    for gone in (2, None):
        plain, saving = (replace(a, model=replace(a.model, horizon=gone)) for a in arms)
        before, after = _peaks([plain, saving], seed, batch)
        kept = "one-step gradient" if gone else "full gradient"
        yield Holds(
            f"peak of an update without and with checkpointing, {kept}",
            documented="less with it",
            observed=f"{before:,} and {after:,} bytes, ratio {after / before:.3f}",
            holds=after < before,
            rule="strictly less",
            primary=gone is not None,
        )
        pairs = zip(*(peaks.gradients(a, seed, batch) for a in (plain, saving)), strict=True)
        yield Close(
            f"largest difference of a gradient, {kept}",
            error=max(rigged.far(a, b) for a, b in pairs),
            tolerance=0.0,
            primary=gone is not None,
        )


def one_step(
    arms: Sequence[System],
    seed: int,
    *,
    batch: int = 4,
    counts: Sequence[int] = (2, 4, 8, 16),
) -> Iterator[Check]:
    """One-step gradients take less memory than full ones, whatever the number of cycles.

    The growth of both with the number of cycles is also shown. Arms: full, one-step.
    """
    assert all(isinstance(a.model.embedding, Series) for a in arms)
    full, short = (
        _peaks([replace(a, model=replace(a.model, cycles=n)) for n in counts], seed, batch)
        for a in arms
    )
    for n, all_, one in zip(counts, full, short, strict=True):
        yield Holds(
            f"peak of an update of {n} cycles, full and one-step gradient",
            documented="less with the one-step gradient",
            observed=f"{all_:,} and {one:,} bytes, ratio {one / all_:.3f}",
            holds=one < all_,
            rule="strictly less",
        )
    for name, sizes, constant in (("full", full, False), ("one-step", short, True)):
        slopes = [
            (b - a) / (n - m)
            for a, b, m, n in zip(sizes, sizes[1:], counts, counts[1:], strict=False)
        ]
        yield Holds(
            f"bytes that a cycle adds with the {name} gradient",
            documented="none" if constant else "the same number each, above none",
            observed=", ".join(f"{slope:,.0f}" for slope in slopes),
            holds=max(map(abs, slopes)) <= 0.01 * sizes[0]
            if constant
            else min(slopes) > 0 and max(slopes) <= 1.01 * min(slopes),
            rule="to a hundredth",
            primary=False,
        )


def _peaks(systems: Sequence[System], seed: int, batch: int) -> list[int]:
    from ablations.protocols import peaks

    return [peaks.bytes_of_update(system, seed, batch) for system in systems]


def _rising(
    what: str, values: Sequence[int], sizes: Sequence[int], *, primary: bool = True
) -> Check:
    """Return the check that bytes increase strictly with a value."""
    return Holds(
        f"{what} {', '.join(map(str, values))}",
        documented="each takes more than the one before",
        observed=", ".join(f"{size:,}" for size in sizes) + " bytes",
        holds=all(a < b for a, b in itertools.pairwise(sizes)),
        rule="strictly rising",
        primary=primary,
    )
