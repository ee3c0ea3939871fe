"""Straight-line reference of `complete` as documented; it shares no code with the package.

Source: the sections "complete" and "act-v1" of the systems' description. Symbols, names of weights
and interpretations are those of the module `complete`.

Interpretations of ambiguous text:

- `q_head` at position 0 of z_H replaces the halting MLP and its accumulator, so that z_L isn't
  reset either. One halting step is H cycles × (L cycles × low, one high) on
  `z_L ← L(z_L + W_hl z_H)` and `z_H ← H(z_H + W_lh z_L)`; the document prints no cycle counts.
  Initial states are z_L = W x and z_H = 0.
- One-step gradient: all updates except the last L and the last H are computed without gradient, and
  states are detached between halting steps. Taken literally, with the output W_o z_L, H is trained
  only through Q; and W, because x enters once, is trained only if the last L is the first update of
  a sequence (1 × 1 cycles, first halting step). `Sizes.inject` adds W x at every low update;
  `Sizes.reset` sets z_L ← W_hl z_H after every high update, as the coded step does at positions
  that cross the threshold.
- Deep supervision: each halting step has the loss of `act-v1` (stablemax per sequence averaged over
  its labelled positions, + ½ (BCE + BCE), sum over B, divided by the batch), either with one
  optimiser step per halting step on a carry (`train`), or with the losses of all halting steps of
  one batch added before one optimiser step, halted sequences frozen and out of the loss
  (`episode`).
- Halting, exploration and Q targets as in `act-v1`: explores iff u0 < p, minimum
  2 + floor(u1 · (max − 1)), steps counted from 1, no target where the maximum is 1.
- Adam-atan2 in its public form, β (0.9, 0.95), on all weights, Q head included. Clipping only where
  asked for.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ablations.references import complete
from ablations.references.blocks import Weights
from ablations.references.complete import (
    Batch,
    clip,
    fresh_states,
    gradients_of,
    linear,
    network,
)
from ablations.references.losses import (
    binary_cross_entropy,
    sequence_cross_entropy,
    sequence_right,
)
from ablations.references.optimisers import adam_atan2

Noise = tuple[Tensor, Tensor]  # two uniform draws per sequence, u0 and u1, each [B]


@dataclass(frozen=True, kw_only=True)
class Sizes(complete.Sizes):
    """Settings that the shapes of the weights don't determine."""

    low_cycles: int = 2
    high_cycles: int = 2
    exploration: float = 0.1
    inject: bool = False
    reset: bool = False


@dataclass(frozen=True, kw_only=True)
class Carry:
    """State between two halting steps: one place per sequence."""

    z_low: Tensor  # [B, S, D_L]
    z_high: Tensor  # [B, S, D_H]
    steps: Tensor  # [B]
    halted: Tensor  # [B]
    data: Batch


# ── one halting step ──────────────────────────────────────────────────────────────────────────────


def low_update(
    weights: Weights, sizes: Sizes, z_low: Tensor, z_high: Tensor, inputs: Tensor
) -> Tensor:
    """`L(z_L + W_hl z_H)`, with `inject` `L(z_L + W_hl z_H + W x)`."""
    z_low = z_low + linear(weights, "high_to_low", z_high)
    if sizes.inject:
        z_low = z_low + linear(weights, "input", inputs)
    return network(weights, "low", sizes, z_low)


def high_update(
    weights: Weights, sizes: Sizes, z_low: Tensor, z_high: Tensor
) -> tuple[Tensor, Tensor]:
    """`H(z_H + W_lh z_L)`, and the z_L that the next low update reads."""
    z_high = z_high + linear(weights, "low_to_high", z_low)
    z_high = network(weights, "high", sizes, z_high)
    if sizes.reset:
        z_low = linear(weights, "high_to_low", z_high)
    return z_low, z_high


def segment(
    weights: Weights, sizes: Sizes, z_low: Tensor, z_high: Tensor, inputs: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """One halting step: only the last L and the last H update have gradients.

    Returns:
        z_L and z_H (detached), logits [B, S, C], Q of halting [B], Q of continuing [B].
    """
    for high in range(1, sizes.high_cycles + 1):
        for low in range(1, sizes.low_cycles + 1):
            if high == sizes.high_cycles and low == sizes.low_cycles:
                z_low = low_update(weights, sizes, z_low, z_high, inputs)
            else:
                with torch.no_grad():
                    z_low = low_update(weights, sizes, z_low, z_high, inputs)
        if high == sizes.high_cycles:
            z_low, z_high = high_update(weights, sizes, z_low, z_high)
        else:
            with torch.no_grad():
                z_low, z_high = high_update(weights, sizes, z_low, z_high)
    logits = linear(weights, "output", z_low)
    q = linear(weights, "q_head", z_high[:, 0])
    return z_low.detach(), z_high.detach(), logits, q[:, 0], q[:, 1]


def halting(
    sizes: Sizes, q_halt: Tensor, q_continue: Tensor, steps: Tensor, noise: Noise
) -> Tensor:
    """Which sequences halt in training after `steps` steps, [B]; all with a maximum of 1."""
    last = steps >= sizes.max_steps
    u0, u1 = noise
    drawn = 2 + torch.floor(u1 * (sizes.max_steps - 1)).long()
    minimum = torch.where(u0 < sizes.exploration, drawn, torch.zeros_like(drawn))
    return last | ((q_halt > q_continue) & (steps >= minimum)).detach()


@torch.no_grad()
def continue_target(
    weights: Weights, sizes: Sizes, z_low: Tensor, z_high: Tensor, inputs: Tensor, last: Tensor
) -> Tensor | None:
    """Sigmoid of the next step's Q_halt at the last step, else of the larger; None at maximum 1."""
    if sizes.max_steps == 1:
        return None
    _, _, _, q_halt, q_continue = segment(weights, sizes, z_low, z_high, inputs)
    return torch.sigmoid(torch.where(last, q_halt, torch.maximum(q_halt, q_continue)))


def sequence_losses(
    logits: Tensor, q_halt: Tensor, q_continue: Tensor, target: Tensor | None, labels: Tensor
) -> Tensor:
    """Loss of each sequence at one halting step, [B]: task + ½ (halt + continue)."""
    task = sequence_cross_entropy(logits, labels, "stablemax")
    right = sequence_right(logits, labels).to(q_halt.dtype)
    q_losses = binary_cross_entropy(q_halt, right)
    if target is not None:
        q_losses = q_losses + binary_cross_entropy(q_continue, target)
    return task + 0.5 * q_losses


def initial_carry(weights: Weights, batch: Batch) -> Carry:
    """All halted, so that the first call takes the whole first batch; other fields aren't read."""
    z_low, z_high = fresh_states(weights, batch["inputs"])
    return Carry(
        z_low=torch.zeros_like(z_low),
        z_high=z_high,
        steps=torch.zeros(len(z_low), dtype=torch.long),
        halted=torch.ones(len(z_low), dtype=torch.bool),
        data={key: torch.zeros_like(value) for key, value in batch.items()},
    )


def call(
    weights: Weights, sizes: Sizes, carry: Carry, batch: Batch, noise: Noise
) -> tuple[Carry, dict[str, Tensor | None]]:
    """One halting step of training: halted places are refilled by index, live ones continue.

    Returns:
        The next carry, and: logits [B, S, C], q_halt [B], q_continue [B], target [B] or None,
        losses [B].
    """
    refill = carry.halted
    inputs = torch.where(refill.view(-1, 1, 1), batch["inputs"], carry.data["inputs"])
    labels = torch.where(refill.view(-1, 1), batch["labels"], carry.data["labels"])
    steps = torch.where(refill, torch.zeros_like(carry.steps), carry.steps)
    fresh_low, fresh_high = fresh_states(weights, inputs)
    z_low = torch.where(refill.view(-1, 1, 1), fresh_low, carry.z_low)
    z_high = torch.where(refill.view(-1, 1, 1), fresh_high, carry.z_high)

    z_low, z_high, logits, q_halt, q_continue = segment(weights, sizes, z_low, z_high, inputs)
    steps = steps + 1
    halted = halting(sizes, q_halt, q_continue, steps, noise)
    last = steps >= sizes.max_steps
    target = continue_target(weights, sizes, z_low, z_high, inputs, last)
    losses = sequence_losses(logits, q_halt, q_continue, target, labels)
    carry = Carry(
        z_low=z_low,
        z_high=z_high,
        steps=steps,
        halted=halted,
        data={"inputs": inputs, "labels": labels},
    )
    return carry, {
        "logits": logits,
        "q_halt": q_halt,
        "q_continue": q_continue,
        "target": target,
        "losses": losses,
    }


def episode(weights: Weights, sizes: Sizes, batch: Batch, noises: list[Noise]) -> dict[str, Tensor]:
    """All halting steps of one batch (one noise each, `max_steps` in all), losses added.

    Returns:
        loss, the sum over halting steps and their live sequences, divided by the batch; logits
        [B, S, C], q_halt, q_continue and steps [B] of each sequence's last step.
    """
    inputs, labels = batch["inputs"], batch["labels"]
    z_low, z_high = fresh_states(weights, inputs)
    sequences = len(inputs)
    steps = torch.zeros(sequences, dtype=torch.long)
    halted = torch.zeros(sequences, dtype=torch.bool)
    final: dict[str, Tensor] = {}
    total = torch.zeros((), dtype=torch.float64)
    for noise in noises:
        live = ~halted
        new_low, new_high, logits, q_halt, q_continue = segment(
            weights, sizes, z_low, z_high, inputs
        )
        z_low = torch.where(live.view(-1, 1, 1), new_low, z_low.detach())
        z_high = torch.where(live.view(-1, 1, 1), new_high, z_high.detach())
        steps = torch.where(live, steps + 1, steps)
        last = steps >= sizes.max_steps
        target = continue_target(weights, sizes, z_low, z_high, inputs, last)
        losses = sequence_losses(logits, q_halt, q_continue, target, labels)
        total = total + torch.where(live, losses, torch.zeros_like(losses)).sum()
        for key, value in (("logits", logits), ("q_halt", q_halt), ("q_continue", q_continue)):
            mask = live.view(-1, *[1] * (value.dim() - 1))
            final[key] = torch.where(mask, value, final[key]) if key in final else value
        halted = halted | (live & halting(sizes, q_halt, q_continue, steps, noise))
        if halted.all():
            break
    return final | {"loss": total / sequences, "steps": steps}


# ── training and evaluation ───────────────────────────────────────────────────────────────────────


def train(
    weights: Weights,
    sizes: Sizes,
    batches: list[Batch],
    noises: list[Noise],
    *,
    rates: list[float],
    decay: float,
    limit: float | None,
    betas: tuple[float, float] = (0.9, 0.95),
) -> tuple[Weights, Carry, list[dict[str, object]]]:
    """One halting step and one optimiser step per offered batch, on one carry.

    Args:
        weights: Initial weights, which aren't changed.
        sizes: Settings of the system.
        batches: One offered batch per call.
        noises: Uniform draws per call.
        rates: Learning rate per call.
        decay: Weight decay.
        limit: Limit of the joint gradient norm; None for no clipping.
        betas: β1 and β2 of Adam-atan2.

    Returns:
        The trained weights, the carry, and per call: loss, the outputs, the gradients by name
        (before clipping), steps and halted after the call.
    """
    weights = {name: value.detach().clone() for name, value in weights.items()}
    moments = {name: (torch.zeros_like(p), torch.zeros_like(p)) for name, p in weights.items()}
    counts = dict.fromkeys(weights, 0)
    carry = initial_carry(weights, batches[0])
    records: list[dict[str, object]] = []
    for batch, noise, rate in zip(batches, noises, rates, strict=True):
        for value in weights.values():
            value.requires_grad_()
        carry, outputs = call(weights, sizes, carry, batch, noise)
        losses = outputs["losses"]
        assert losses is not None
        loss = losses.sum() / len(losses)
        gradients = gradients_of(loss, weights)
        for name, g in (gradients if limit is None else clip(gradients, limit)).items():
            weights[name] = weights[name].detach()
            if g is None:
                continue
            counts[name] += 1
            weights[name], moments[name] = adam_atan2(
                weights[name],
                g,
                moments[name],
                counts[name],
                rate=rate,
                decay=decay,
                betas=betas,
            )
        records.append(
            {key: None if value is None else value.detach() for key, value in outputs.items()}
            | {"loss": loss.detach(), "gradients": gradients}
            | {"steps": carry.steps, "halted": carry.halted}
        )
    return weights, carry, records


@torch.no_grad()
def evaluate(weights: Weights, sizes: Sizes, inputs: Tensor) -> dict[str, Tensor]:
    """Run the maximum number of halting steps for every sequence; return the last outputs."""
    z_low, z_high = fresh_states(weights, inputs)
    outputs: dict[str, Tensor] = {}
    for _ in range(sizes.max_steps):
        z_low, z_high, logits, q_halt, q_continue = segment(weights, sizes, z_low, z_high, inputs)
        outputs = {"logits": logits, "q_halt": q_halt, "q_continue": q_continue}
    return outputs
