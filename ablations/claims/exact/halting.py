"""Halting and its cost: the end of a batch, the cost of stopped rows, individual decisions."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ablations.claims.exact.stopping import execution, histogram
from ablations.records.checks import Check, Close, Equal, Holds
from hrm import config
from hrm.config.learning import System


def batch_waits(
    arms: Sequence[System],
    seed: int,
    *,
    shapes: Sequence[tuple[int, int]] = ((2, 3), (2, 4), (3, 3), (3, 4)),
) -> Iterator[Check]:
    """A batch runs exactly until the first stop decision of its slowest sample.

    Every possible matrix of stop decisions is run, at each shape [batch, cycles]; the last stop is
    forced.
    """
    import torch

    from ablations.protocols import rigged

    (system,) = arms
    same, longer, total, example = 0, 0, 0, ""
    for batch, cycles in shapes:
        model = rigged.scripted(system.model, cycles, seed)
        inputs = rigged.inputs(system.model, batch, rigged.seeded(seed))
        for bits in itertools.product((0, 1), repeat=batch * (cycles - 1)):
            wants = np.ones((cycles, batch), dtype=bool)
            wants[:-1] = np.array(bits, dtype=bool).reshape(cycles - 1, batch)
            with rigged.counted_rows(model) as rows, torch.no_grad():
                model(inputs, rigged.margins(wants))
            slowest = int(wants.argmax(axis=0).max()) + 1
            total += 1
            same += len(rows) == slowest
            longer += len(rows) >= slowest
            if len(rows) > slowest and not example:
                example = f"; first: {len(rows)} cycles, slowest first stop {slowest}"
    yield Equal(
        "decision matrices for which the batch runs as long as its slowest sample's first stop",
        expected=f"{total} of {total}",
        observed=f"{same} of {total}",
    )
    yield Equal(
        f"matrices for which it runs at least as long{example}",
        expected=f"{total} of {total}",
        observed=f"{longer} of {total}",
        primary=False,
    )


def stopped_idle(
    arms: Sequence[System], seed: int, *, batch: int = 32, batches: int = 20
) -> Iterator[Check]:
    """The high core computes only the rows of samples that haven't stopped.

    Stop times are uniform over the cycles. The first arm is primary.
    """
    import torch

    from ablations.protocols import rigged

    for i, system in enumerate(arms):
        cycles = system.model.halting.max_steps
        model, noise = rigged.scripted(system.model, cycles, seed), np.random.default_rng(seed)
        computed, needed = 0, 0
        for _ in range(batches):
            stops = noise.integers(1, cycles + 1, size=batch)
            inputs = rigged.inputs(system.model, batch, rigged.seeded(seed))
            with rigged.counted_rows(model) as rows, torch.no_grad():
                model(inputs, rigged.stopping(stops, cycles))
            computed += sum(rows)
            needed += int(stops.sum())
        yield Holds(
            f"rows computed by {execution(system)} execution",
            documented=f"{needed} (those of samples that haven't stopped), ratio 1",
            observed=f"{computed}, ratio {computed / needed:.3f}",
            holds=computed == needed,
            rule="equal counts",
            primary=i == 0,
        )


def individual(
    arms: Sequence[System], seed: int, *, batch: int = 32, gain: float = 3.0
) -> Iterator[Check]:
    """A sample in a batch takes the same cycles, and gives the same answer, as alone, in float64.

    Decisions are the model's own: sampled with each sample's own noise, and greedy. A gain on the
    controller's weights, and a bias with which half of the samples stop, make stop times differ,
    because a batch that stops as a whole couldn't show whose state decides. The first arm is
    primary.
    """
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM

    for i, system in enumerate(arms):
        inputs = rigged.inputs(system.model, batch, rigged.seeded(seed)).double()
        torch.manual_seed(seed)
        model = HRM(system.model).double()
        rigged.diversify(model, inputs, gain)
        noise = model.draw(batch, rigged.seeded(seed + 1)).double()
        for mode in ("sampled", "greedy"):
            model.train(mode == "sampled")
            with torch.no_grad():
                whole = model(inputs, noise)
                alone = [model(inputs[b : b + 1], noise[:, b : b + 1]) for b in range(batch)]
            together = whole.run.steps.tolist()
            apart = [int(o.run.steps) for o in alone]
            assert len(set(apart)) > 1, "samples that all stop alike tell nothing"
            what = f"{execution(system)}, {mode} decisions"
            yield Holds(
                f"{what}: cycles in the batch and alone",
                documented=histogram(apart),
                observed=histogram(together),
                holds=together == apart,
                rule="equal cycles, each sample",
                primary=i == 0,
            )
            error = rigged.far(whole.prediction, torch.cat([o.prediction for o in alone]))
            yield Close(f"{what}: answers", error=error, tolerance=1e-12, primary=i == 0)


class _Use(NamedTuple):
    """A case in which the halting rule is checked: an arm, in training or evaluation."""

    arm: int
    training: bool
    primary: bool
    label: str


def rule(arms: Sequence[System], seed: int, *, batch: int = 128) -> Iterator[Check]:
    """A sequence halts at the first step where Q(halt) > Q(continue), or at the last one.

    Arms: as coded without exploration; with exploration; evaluation that halts. The first arm is
    primary, in training and in evaluation.
    """
    from ablations.protocols import rigged

    for use in (
        _Use(0, True, True, "training"),
        _Use(0, False, True, "evaluation as coded"),
        _Use(1, True, False, "training that explores"),
        _Use(2, False, False, "evaluation that halts"),
    ):
        model = rigged.random_q(arms[use.arm].model, batch, seed).train(use.training)
        output = rigged.think(model, batch, seed)
        q = output.run.logits
        wants = q[..., 0] > q[..., 1]
        wants[-1] = True
        first = wants.int().argmax(0) + 1
        agree, different = int((first == output.run.steps).sum()), len(set(first.tolist()))
        yield Holds(
            f"{use.label}: halting at the first Q(halt) > Q(continue), or the last step",
            documented=f"{len(first)} of {len(first)} samples halt there",
            observed=f"{agree} of {len(first)} samples halt there; mean step "
            f"{output.run.steps.float().mean():.2f}, by the rule {first.float().mean():.2f}, "
            f"at {different} different steps",
            holds=agree == len(first),
            rule="equal steps, each sample",
            primary=use.primary,
        )


def maximum(
    arms: Sequence[System], seed: int, *, batch: int = 8, limits: Sequence[int] = (1, 2, 5, 16)
) -> Iterator[Check]:
    """With Q values that never halt, computed and reported steps equal halt_max_steps."""
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM

    for system in arms:
        halting = system.model.halting
        assert isinstance(halting, config.QLearning)
        part = halting.exploration
        probability = part.probability if isinstance(part, config.Minimum) else 0.0
        per_step = system.model.cycles * system.model.segments.count
        for limit in limits:
            stubborn = replace(halting, max_steps=limit, biases=(-5.0, 5.0))
            torch.manual_seed(seed)
            model = HRM(replace(system.model, halting=stubborn))
            for training in (True, False):
                model.train(training)
                with rigged.counted_rows(model) as rows:
                    output = rigged.think(model, batch, seed)
                counted = sorted({len(rows) / per_step, *output.run.steps.tolist()})
                yield Equal(
                    f"halt_max_steps {limit}, {'training' if training else 'evaluation'}, "
                    f"exploration {probability:g}: steps computed and reported",
                    expected=[float(limit)],
                    observed=[float(c) for c in counted],
                )
