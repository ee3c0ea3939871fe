"""Means and norms of policy gradients: zeros in the mean, and normalised advantages."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ablations.records.checks import AtMost, Check, Close, Holds
from hrm.config.learning import PolicyGradient, System

if TYPE_CHECKING:
    from torch import Tensor

    from hrm.model import HRM
    from hrm.model.execution import Run

_EPSILON = 1e-8  # the masked mean's, added to the number of live samples


def zeros(arms: Sequence[System], seed: int, *, batch: int = 64) -> Iterator[Check]:
    """At each cycle the plain mean's gradient is live/B times the masked mean's.

    Thus it is smaller at every cycle with an inactive sample, and equal at all others. Rewards and
    values are constants. The first arm is primary. Computed in float64.
    """
    for i, system in enumerate(arms):
        model, run, rewards = _episode(system, seed, batch)
        plain, masked = (
            _by_cycle(model, run, rewards, replace(_objective(system), masked_mean=on))
            for on in (False, True)
        )
        live = run.live.sum(1).tolist()
        errors, smaller, inactive = [0.0], 0, 0
        for n, a, b in zip(live, plain, masked, strict=True):
            if float(b.norm()) == 0:  # the last stop is forced: it has no gradient
                continue
            errors.append(float((a - b * (n + _EPSILON) / batch).norm() / b.norm()))
            inactive += n < batch
            smaller += n < batch and bool(a.norm() < b.norm())
        name = type(system.model.execution).__name__.lower()
        yield Holds(
            f"{name} execution: cycles with inactive samples at which the plain mean's gradient "
            "is smaller",
            documented="all of them, and there are some",
            observed=f"{smaller} of {inactive}; {', '.join(map(str, live))} of {batch} live",
            holds=smaller == inactive > 0,
            rule="norms of the controller's gradient, each cycle",
            primary=i == 0,
        )
        yield Close(
            f"{name} execution: plain mean's gradient and live/B times the masked mean's",
            error=max(errors),
            tolerance=1e-10,
            primary=i == 0,
        )


def normalised(
    arms: Sequence[System],
    seed: int,
    *,
    batch: int = 32,
    scales: Sequence[float] = (1.0, 10.0, 100.0, 1e3, 1e4),
) -> Iterator[Check]:
    """With normalised advantages the policy gradient doesn't grow with the rewards.

    Advantages are scaled together with the rewards, as with a trained baseline. No normalised
    advantage exceeds (B − 1)/√B; without normalisation the gradient grows like the rewards. A batch
    of one is computed as coded, by the straight-line reference, whose standard deviation divides by
    n − 1. Computed in float64.
    """
    (system,) = arms
    model, run, rewards = _episode(system, seed, batch)
    objective = _objective(system)
    norms, largest = [], 0.0
    for scale in scales:
        scaled = replace(run, values=run.values * scale)
        norms.append(_norm(model, scaled, rewards * scale, objective))
        for values in (scaled.values, run.values):  # a baseline that follows, and one that doesn't
            advantages = _advantages(model, replace(run, values=values), rewards * scale, objective)
            largest = max(largest, float(advantages.abs().max()))
    what = f"with rewards scaled by up to {scales[-1]:g}"
    yield Close(
        f"norm of the policy gradient {what}, relative to that at scale 1",
        error=max(abs(norm / norms[0] - 1) for norm in norms),
        tolerance=1e-6,
    )
    yield AtMost(
        f"largest advantage {what}, the limit being (B − 1)/√B",
        limit=(batch - 1) / batch**0.5 + 1e-9,
        observed=largest,
    )
    raw = replace(objective, normalise=False)
    first, last = (
        _norm(model, replace(run, values=run.values * s), rewards * s, raw)
        for s in (scales[0], scales[-1])
    )
    yield Close(
        f"without it: growth of the norm {what}, relative to the scale",
        error=abs(last / first / (scales[-1] / scales[0]) - 1),
        tolerance=1e-6,
    )
    yield _alone(system, seed)


def _alone(system: System, seed: int) -> Check:
    """The reference's policy loss for a batch of one, as coded."""
    import torch

    from ablations.protocols import rigged
    from ablations.references import gru

    noise = rigged.seeded(seed)
    weights = {"output": (1, 4), "baseline": (1, 4)}
    drawn = {
        f"{name}.{kind}": torch.randn(
            shape if kind == "weight" else shape[:1], generator=noise, dtype=torch.float64
        )
        for name, shape in weights.items()
        for kind in ("weight", "bias")
    }
    state = torch.randn(1, 4, generator=noise, dtype=torch.float64)
    log_pi = torch.full((1,), -0.7, dtype=torch.float64, requires_grad=True)
    with warnings.catch_warnings(
        action="ignore", category=UserWarning
    ):  # of n − 1 = 0, torch's own
        step = gru.losses(
            drawn, torch.zeros(1, 1).double(), state, torch.ones(1), log_pi, _objective(system).cost
        )
    (gradient,) = torch.autograd.grad(step.policy_loss, log_pi)
    return Holds(
        "gradient of the policy loss in a batch of one, as coded (deviation with n − 1)",
        documented="bounded, as in any batch",
        observed=f"{float(gradient):g}",
        holds=bool(gradient.isfinite().all()),
        rule="a finite number",
    )


def _episode(system: System, seed: int, batch: int) -> "tuple[HRM, Run, Tensor]":
    """Run a model on random boards, in float64; samples stop on their own. Also return rewards."""
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM
    from hrm.training import losses

    torch.manual_seed(seed)
    model, noise = HRM(system.model).double(), rigged.seeded(seed)
    inputs = rigged.inputs(system.model, batch, noise).double()
    rigged.diversify(model, inputs, gain=3.0)
    output = model.train()(inputs, model.draw(batch, noise))
    targets = torch.randn(batch, system.model.readout.size, generator=noise, dtype=torch.float64)
    error = losses.squared_error(output.prediction, targets).detach()
    return model, output.run, losses.reward(error, output.run.steps, _objective(system).cost)


def _objective(system: System) -> PolicyGradient:
    assert isinstance(system.objective, PolicyGradient)
    return system.objective


def _at_logits(model: "HRM", run: "Run", rewards: "Tensor", objective: PolicyGradient) -> "Tensor":
    """The policy loss's gradient at the logits, [K, B, 2]."""
    import torch

    from hrm.training import losses

    logits = run.logits.detach().requires_grad_()
    scored = replace(run, logits=logits)
    loss = losses.policy_loss(objective, scored, rewards, model.halting.max_steps)
    return torch.autograd.grad(loss, logits)[0]


def _by_cycle(
    model: "HRM", run: "Run", rewards: "Tensor", objective: PolicyGradient
) -> "list[Tensor]":
    """The policy loss's gradient at the controller's parameters, for the term of each cycle."""
    import torch

    from ablations.protocols import rigged

    at = _at_logits(model, run, rewards, objective)
    parameters = list(rigged.controller(model).parameters())
    found = []
    for k in range(len(at)):
        part = torch.zeros_like(at)
        part[k] = at[k]
        parts = torch.autograd.grad(run.logits, parameters, part, retain_graph=True)
        found.append(torch.cat([p.flatten() for p in parts]))
    return found


def _norm(model: "HRM", run: "Run", rewards: "Tensor", objective: PolicyGradient) -> float:
    """The norm of the policy loss's gradient at the controller's parameters."""
    return float(sum(_by_cycle(model, run, rewards, objective)).norm())  # type: ignore[union-attr]


def _advantages(model: "HRM", run: "Run", rewards: "Tensor", objective: PolicyGradient) -> "Tensor":
    """The advantages by which the policy loss multiplies each sample's first score, [B].

    −Â/B · (1[a] − π) is the gradient at the logits of the action a.
    """
    import torch

    at = _at_logits(model, run, rewards, objective)[0]
    pi = run.logits[0].detach().softmax(-1)
    taken = torch.nn.functional.one_hot((run.margins[0] > 0).long(), 2).to(pi.dtype)
    found: Tensor = at.norm(dim=-1) / (taken - pi).norm(dim=-1) * len(at)
    return found
