"""Policy gradients: their bias, by enumeration; and a check of the reward."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ablations.records.checks import Check, Close, Holds
from hrm.config.learning import PolicyGradient, StopWhileLive, System


def unbiased(
    arms: Sequence[System], seed: int, *, batches: Sequence[int] = (1, 2, 3)
) -> Iterator[Check]:
    """The plain mean's expected gradient differs from ∇E[R]; that of the masked mean doesn't.

    Every outcome of a small policy is enumerated, in float64, at each batch size. Samples stop on
    their own; V and R are constants. Arms: plain mean, masked mean.
    """
    from ablations.protocols.policies import World

    plain, masked = arms
    for batch in batches:
        world = World(plain.model, batch, seed)
        truth = world.true_gradient()
        for name, system in (("plain", plain), ("masked", masked)):
            objective = system.objective
            assert isinstance(objective, PolicyGradient)
            found = world.expected_gradient(objective)
            coded = world.expected_gradient(replace(objective, score=StopWhileLive()))
            factor = float(found @ truth / truth.square().sum())
            for what, gradient, target, primary in (
                ("relative error of the expected gradient", found, truth, True),
                (f"the same up to a constant factor, {factor:.3g}", found, factor * truth, False),
                ("the same with log π(stop) at every live step", coded, truth, False),
            ):
                error = float((gradient - target).norm() / target.norm())
                biased = name == "plain"
                yield Holds(
                    f"{name} mean, batch of {batch}: {what}",
                    documented="biased: not zero" if biased else "unbiased: zero",
                    observed=f"{error:.3g}",
                    holds=(error > 1e-6) == biased,
                    rule="zero to rounding, 1e-6",
                    primary=primary,
                )


def reward(arms: Sequence[System], seed: int, *, batch: int = 64) -> Iterator[Check]:
    """Each sample's reward in the loss is −(squared error) − λ · (cycles), both recomputed."""
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM
    from hrm.training import losses

    for system in arms:
        objective, limit = system.objective, system.model.halting.max_steps
        assert isinstance(objective, PolicyGradient)
        torch.manual_seed(seed)
        model, noise = HRM(system.model).train(), rigged.seeded(seed)
        inputs = rigged.inputs(system.model, batch, noise)
        targets = torch.randint(2, (batch, system.model.readout.size), generator=noise)
        output = model(inputs, model.draw(batch, noise))
        found = losses.loss(objective, output, targets, limit).reward
        stops = output.run.margins.numpy() > 0
        cycles = np.where(stops.any(0), stops.argmax(0) + 1, limit)
        error = ((output.prediction.detach().numpy() - targets.numpy()) ** 2).mean(1)
        expected = -error - objective.cost * cycles
        yield Close(
            f"R and −task loss − {objective.cost:g} · cycles, {len(set(cycles))} stop times",
            error=float(np.abs(found.detach().numpy() - expected).max()),
            tolerance=1e-6,
        )
