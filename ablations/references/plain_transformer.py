"""Straight-line reference of the public plain transformer; it shares no code with `hrm`.

Source: the section "One tiny network" of the systems' description, "Plain transformer"
(`transformers_baseline`). It has one level of act-v1's blocks and one state z. A call computes z ←
H(z + x) with gradient, but z is carried without gradient; answer and Q values read z. Halting,
exploration, the target of Q_continue and losses are those of the reference `act_v1`, whose symbols
and names of weights are used. There are `high.<i>.…` and `high_init`, but no weights of a low
level.
"""

import math

import torch
from torch import Tensor

from ablations.references.act_v1 import (
    Batch,
    Carry,
    Noise,
    Sizes,
    Weights,
    embed,
    network,
    puzzle_rows,
)


def initial_carry(weights: Weights, batch: Batch) -> Carry:
    """All halted, so that the first call takes the whole first batch; `z_low` isn't read."""
    sequences, length = batch["inputs"].shape
    width = weights["tokens"].shape[1]
    prefix = math.ceil(weights["puzzles"].shape[1] / width) if "puzzles" in weights else 0
    empty = torch.zeros(sequences, prefix + length, width, dtype=weights["tokens"].dtype)
    return Carry(
        z_low=empty,
        z_high=empty,
        steps=torch.zeros(sequences, dtype=torch.long),
        halted=torch.ones(sequences, dtype=torch.bool),
        data={key: torch.zeros_like(value) for key, value in batch.items()},
    )


def one(
    weights: Weights, sizes: Sizes, z: Tensor, inputs: Tensor, rows: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One pass: z (detached), logits [B, S, V], Q of halting [B], Q of continuing [B]."""
    x = embed(weights, sizes, inputs, rows)
    z = network(weights, "high", sizes.high_layers, sizes, z.detach(), x)
    prefix = x.shape[1] - inputs.shape[1]
    logits = z[:, prefix:] @ weights["lm_head"].T
    q = z[:, 0] @ weights["q_head.weight"].T + weights["q_head.bias"]
    return z.detach(), logits, q[:, 0], q[:, 1]


def call(
    weights: Weights, sizes: Sizes, carry: Carry, batch: Batch, noise: Noise | None, training: bool
) -> tuple[Carry, dict[str, Tensor | None]]:
    """One pass for every sequence, as `act_v1.call`."""
    refill = carry.halted
    data = {}
    for key in batch:
        mask = refill.view(-1, *[1] * (batch[key].dim() - 1))
        data[key] = torch.where(mask, batch[key], carry.data[key])
    steps = torch.where(refill, torch.zeros_like(carry.steps), carry.steps)
    z = torch.where(refill.view(-1, 1, 1), weights["high_init"], carry.z_high)
    rows = puzzle_rows(weights, data["identities"])
    if rows is not None and training:
        rows.requires_grad_()
    z, logits, q_halt, q_continue = one(weights, sizes, z, data["inputs"], rows)

    steps = steps + 1
    last = steps >= sizes.max_steps
    halted = last
    target = None
    if training and sizes.max_steps > 1:
        assert noise is not None
        u0, u1 = noise
        drawn = 2 + torch.floor(u1 * (sizes.max_steps - 1)).long()
        minimum = torch.where(u0 < sizes.exploration, drawn, torch.zeros_like(drawn))
        halted = last | ((q_halt > q_continue) & (steps >= minimum))
        with torch.no_grad():
            _, _, next_halt, next_continue = one(weights, sizes, z, data["inputs"], rows)
            best = torch.maximum(next_halt, next_continue)
            target = torch.sigmoid(torch.where(last, next_halt, best))
    carry = Carry(z_low=carry.z_low, z_high=z, steps=steps, halted=halted.detach(), data=data)
    return carry, {
        "logits": logits,
        "q_halt": q_halt,
        "q_continue": q_continue,
        "target": target,
        "rows": rows,
    }
