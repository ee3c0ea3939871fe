"""Counted operations and their closed forms: attention over a sequence, refinement segments."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from ablations.records.checks import Check, Equal, Holds
from hrm.config import Gru, LastStep, StepAttention, TraceAttention
from hrm.config.learning import System


def attention(arms: Sequence[System], seed: int, *, batch: int = 32) -> Iterator[Check]:
    """Attention over the sequence needs more operations than over one step, by the closed forms.

    Multiplications and additions both count. Arms: single step, sequence; further ones are only
    shown. With widths L and H and T low steps, the operations per sample and cycle are

        last step   2 L²
        one step    8 L² + 4 L                       query, key, value and output map; two products
        sequence    2 H L + 4 L² + T (4 L² + 4 L)    the query's two maps and the output's; T keys
    """
    from hrm.model import cost

    found = []
    for i, system in enumerate(arms):
        model, inputs = _model(system, seed, batch)
        steps = model.halting.max_steps
        counted = cost.operations(functools.partial(model, inputs, steps=steps), model)
        found.append(counted.children["summary"])
        name = type(system.model.summary).__name__
        yield Equal(
            f"{name}: operations of the summary in {steps} cycles, batch {batch}",
            expected=f"{_closed(system) * steps * batch:,}",
            observed=f"{found[-1]:,}",
            primary=i < 2,
        )
        share = found[-1] / counted.total
        yield Holds(
            f"{name}: its share of a forward pass",
            documented="not stated",
            observed=f"{100 * share:.1f} %",
            holds=True,
            rule="shown",
            primary=False,
        )
    single, sequence = found[:2]
    yield Holds(
        "operations of attention over the sequence, beside those over one step",
        documented="more",
        observed=f"{sequence:,} to {single:,}, {sequence / single:.2f} times",
        holds=sequence > single,
        rule="a larger count",
    )


def segments(arms: Sequence[System], seed: int, *, batch: int = 32) -> Iterator[Check]:
    """N segments take N times the operations of one, and a map of the answer between two of them.

    Counted is one halting step, with a readout per segment. The first arm has one segment.
    """
    from hrm.model import cost

    single = 0
    for system in arms:
        model, inputs = _model(system, seed, batch)
        n = system.model.segments.count
        counted = cost.operations(functools.partial(model, inputs, steps=1, drafts=False), model)
        once = sum(counted.children.get(name, 0) for name in ("embed", "halting"))
        if system is arms[0]:
            assert n == 1, n
            single = counted.total - once
        answer, width = system.model.readout.size, system.model.low.width
        fed_back = 2 * batch * answer * width * (n - 1) if answer != width else 0
        yield Equal(
            f"{n} segment{'s' * (n > 1)}: operations of a halting step, batch {batch}",
            expected=f"{once + n * single + fed_back:,}",
            observed=f"{counted.total:,}",
        )
        yield Holds(
            f"{n} segment{'s' * (n > 1)}: cost, in steps of one segment",
            documented="more than one" if n > 1 else "one",
            observed=f"{counted.total / (once + single):.3f}",
            holds=counted.total > once + single if n > 1 else True,
            rule="a larger count",
            primary=n > 1,
        )


def _closed(system: System) -> int:
    """Return the operations of a summary per sample and cycle."""
    c = system.model
    assert isinstance(c.low, Gru), c.low
    low, high, steps = c.low.width, c.high.width, c.low_steps
    match c.summary:
        case LastStep(project=True):
            return 2 * low**2
        case StepAttention():
            return 8 * low**2 + 4 * low
        case TraceAttention():
            return 2 * high * low + 4 * low**2 + steps * (4 * low**2 + 4 * low)
    raise AssertionError(c.summary)


def _model(system: System, seed: int, batch: int) -> tuple[Any, Any]:
    """Return a model in evaluation, and inputs."""
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM

    torch.manual_seed(seed)
    inputs = rigged.inputs(system.model, batch, rigged.seeded(seed))
    return HRM(system.model).eval().requires_grad_(False), inputs
