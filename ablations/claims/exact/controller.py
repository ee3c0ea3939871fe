"""The controller: outputs and memory of its two forms."""

import functools
from collections.abc import Iterator, Sequence

from ablations.claims.printed import parse
from ablations.records.checks import Check, Close, Equal, Holds
from hrm.config.learning import System

_REDUNDANT = ("aten.eye", "aten.ones")


def equivalent(arms: Sequence[System], seed: int, *, states: int = 256) -> Iterator[Check]:
    """The direct controller with converted weights computes the same as the concatenated one.

    Compared are the logits at every cycle, and the whole model with sampled decisions (greedy ones
    of initial weights all stop at the first cycle). In float64, without dropout. Arms:
    concatenated, direct.
    """
    import torch

    from ablations.protocols import rigged

    original, direct = rigged.controller_pair(arms[0].model, arms[1].model, seed)
    c, noise, error = original.config, rigged.seeded(seed), 0.0
    for cycle in range(original.halting.max_steps):
        some = torch.randn(states, c.high.width, generator=noise, dtype=torch.float64)
        progress = cycle / original.halting.max_steps
        logits = [rigged.controller(m)(some, progress) for m in (original, direct)]
        error = max(error, rigged.far(*logits))
    inputs = torch.randn(32, rigged.size(c), generator=noise, dtype=torch.float64)
    drawn, outputs = original.draw(32, noise).double(), []
    for model in (original, direct):
        with rigged.sampling(model):
            outputs.append(model(inputs, drawn))
    first, second = outputs
    yield Close("logits, the direct first layer being [W | W·1]", error=error, tolerance=1e-10)
    for what, a, b in (
        ("answers", first.prediction, second.prediction),
        (f"logits of {len(first.run.logits)} cycles", first.run.logits, second.run.logits),
    ):
        yield Close(f"{what} of the whole model", error=rigged.far(a, b), tolerance=1e-10)
    yield Equal(
        "cycles of the whole model",
        expected=first.run.steps.tolist(),
        observed=second.run.steps.tolist(),
    )
    free = [sum(p.numel() for p in m.halting.parameters()) for m in (original, direct)]
    yield Holds(
        "whether the mapping goes both ways",
        documented=f"{free[0]:,} parameters",
        observed=f"{free[1]:,} parameters",
        holds=free[0] == free[1],
        rule="equal counts: the direct form's last column is free",
        primary=False,
    )


def tensors(
    arms: Sequence[System], seed: int, *, batch: int = 32, calls: int = 5
) -> Iterator[Check]:
    """Each call of the original form builds `eye` and `ones`; no call of the direct form does."""
    import torch

    from ablations.protocols import rigged
    from hrm.model import cost

    listed: list[list[list[str]]] = []
    for model in rigged.controller_pair(arms[0].model, arms[1].model, seed):
        states = torch.randn(batch, model.config.high.width, generator=rigged.seeded(seed))
        call = functools.partial(rigged.controller(model.float()), states, 0.5)
        with torch.no_grad():
            listed.append([[name for name, _ in cost.allocations(call)] for _ in range(calls)])
    original, direct = listed
    yield Equal(
        "original: calls that build eye and ones",
        expected=f"{calls} of {calls}",
        observed=f"{sum(all(op in made for op in _REDUNDANT) for made in original)} of {calls}",
    )
    yield Equal(
        "direct: calls that build eye or ones",
        expected=0,
        observed=sum(any(op in made for op in _REDUNDANT) for made in direct),
    )
    yield Holds(
        "allocating operations per call, original and direct",
        documented="fewer in the direct form",
        observed=f"{len(original[0])} ({', '.join(original[0])}) and {len(direct[0])} "
        f"({', '.join(direct[0])})",
        holds=len(direct[0]) < len(original[0]),
        rule="counted",
        primary=False,
    )


def memory(
    arms: Sequence[System],
    seed: int,
    *,
    figures: Sequence[str],
    batches: Sequence[int] = (32, 1, 4, 128),
    tolerance: float = 1.25,
) -> Iterator[Check]:
    """The direct form allocates at most the printed share of bytes per call, × a tolerance.

    The first batch size is primary. Also shown: whether the share is at least the printed one ÷ the
    tolerance, other batch sizes, and a whole forward pass. Arms: concatenated, direct. Figures:
    megabytes before and after.
    """
    from ablations.protocols import bytes as counting
    from ablations.protocols.base import Inputs
    from ablations.specs.protocols import Bytes

    before, after = (parse(figure)[0] for figure in figures)
    claimed = after / before
    protocol = Bytes(calls=tuple(batches), passes=(batches[0],))
    original, direct = (
        counting.run(Inputs(protocol=protocol, arms=[arm], seed=seed)).observations[0]
        for arm in arms
    )
    for what in ("call", "pass"):
        for i, batch in enumerate(original[f"{what}_batches"]):
            old, new = (int(found[f"{what}_bytes"][i]) for found in (original, direct))
            said = f"bytes that a {what} of batch {batch} allocates, direct over original"
            observed = f"{new / old:.3f} ({old:,} to {new:,})"
            primary = what == "call" and i == 0
            yield Holds(
                said,
                documented=f"{claimed:.3f} ({figures[0]} to {figures[1]})",
                observed=observed,
                holds=new / old <= claimed * tolerance,
                rule=f"at most the documented ratio × {tolerance:g}",
                primary=primary,
            )
            if primary:
                yield Holds(
                    f"{said}: not even less",
                    documented=f"{claimed:.3f}",
                    observed=observed,
                    holds=new / old >= claimed / tolerance,
                    rule=f"at least the documented ratio ÷ {tolerance:g}",
                    primary=False,
                )
