"""Straight-line reference of the variants of the one tiny network; it shares no code with `hrm`.

Source: the section "One tiny network" of the systems' description, "Variants of the same public
code". Embedding, prefix, losses, carry, halting and its noise are as in the reference
`tiny_network`, whose symbols are used. S' = P + S positions with the prefix.

Weights in addition to those of `tiny_network`:

    net.<i>.mix_gate_up   [2J, S']   with `mixing`, in place of net.<i>.qkv: gate, then up
    net.<i>.mix_down      [S', J]    with `mixing`, in place of net.<i>.out
    low_init.<j>          [D]        with seven latents, in place of low_init: initial z_L[j], j < 6

With one latent there is no high_init.

Mixing. In each block, with h [B, S', D]: u = hᵀ; u ← rms(u + swiglu(u)), with the mean over the S'
positions; h = uᵀ; then h ← rms(h + swiglu(h)) over D as usual. Positions are encoded neither by
rotation nor by learned vectors.

One latent. In a cycle: n times z ← net(z + x), once z ← net(z). Answer and Q read z.

Seven latents. In a cycle, for i = 0 ... 5: z_L[i] ← net(Σⱼ z_L[j] + z_H + x), where the sum is over
the current values of all six; once z_H ← net(z_H + Σⱼ z_L[j]). n is the number of low states.

In all variants, only the last cycle has gradients.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ablations.references.tiny_network import (
    Batch,
    Noise,
    Sizes,
    Weights,
    attention,
    embed,
    puzzle_rows,
    rms_norm,
    swiglu,
)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The variant.

    Args:
        mixing: Whether a feed-forward over positions replaces attention.
        latents: 1; 2, z_H and z_L; or one more than `Sizes.low_cycles`, z_H and that many z_L.
    """

    mixing: bool = False
    latents: int = 2


@dataclass(frozen=True, kw_only=True)
class Carry:
    """State between two calls; z has z_H (or the only latent) first, then every z_L."""

    z: list[Tensor]  # [B, S', D] each
    steps: Tensor  # [B]
    halted: Tensor  # [B]
    data: Batch


def network(weights: Weights, sizes: Sizes, variant: Variant, z: Tensor) -> Tensor:
    """The post-norm blocks, [B, S', D] → [B, S', D]."""
    for i in range(sizes.layers):
        if variant.mixing:
            u = z.transpose(1, 2)
            gate_up = u @ weights[f"net.{i}.mix_gate_up"].T
            inner = gate_up.shape[-1] // 2
            gate, up = gate_up[..., :inner], gate_up[..., inner:]
            u = rms_norm(u + (gate * torch.sigmoid(gate) * up) @ weights[f"net.{i}.mix_down"].T)
            z = u.transpose(1, 2)
        else:
            z = rms_norm(z + attention(weights, f"net.{i}", sizes, z))
        z = rms_norm(z + swiglu(weights, f"net.{i}", z))
    return z


def cycle(
    weights: Weights, sizes: Sizes, variant: Variant, z: list[Tensor], x: Tensor
) -> list[Tensor]:
    """All low updates and the high one."""
    z = list(z)
    for i in range(sizes.low_cycles):
        if variant.latents == 1:
            z[0] = network(weights, sizes, variant, z[0] + x)
        elif variant.latents == 2:
            z[1] = network(weights, sizes, variant, z[1] + (z[0] + x))
        else:
            total = torch.stack(z[1:]).sum(dim=0)
            z[1 + i] = network(weights, sizes, variant, total + (z[0] + x))
    if variant.latents == 1:
        z[0] = network(weights, sizes, variant, z[0])
    else:
        z[0] = network(weights, sizes, variant, z[0] + torch.stack(z[1:]).sum(dim=0))
    return z


def starts(weights: Weights, variant: Variant) -> list[Tensor]:
    """Initial values, [D] each, z_H first."""
    if variant.latents == 1:
        return [weights["low_init"]]
    if variant.latents == 2:
        return [weights["high_init"], weights["low_init"]]
    low = [weights[f"low_init.{j}"] for j in range(variant.latents - 1)]
    return [weights["high_init"], *low]


def initial_carry(weights: Weights, sizes: Sizes, variant: Variant, batch: Batch) -> Carry:
    """All halted, so that the first call takes the whole first batch; other fields aren't read."""
    sequences, length = batch["inputs"].shape
    width = weights["tokens"].shape[1]
    empty = torch.zeros(sequences, sizes.prefix + length, width, dtype=weights["tokens"].dtype)
    return Carry(
        z=[empty] * variant.latents,
        steps=torch.zeros(sequences, dtype=torch.long),
        halted=torch.ones(sequences, dtype=torch.bool),
        data={key: torch.zeros_like(value) for key, value in batch.items()},
    )


def call(
    weights: Weights,
    sizes: Sizes,
    variant: Variant,
    carry: Carry,
    batch: Batch,
    noise: Noise | None,
    training: bool,
) -> tuple[Carry, dict[str, Tensor | None]]:
    """One segment for every sequence: halted places are refilled, live ones continue.

    Returns:
        The next carry, and: logits [B, S, V], q_halt [B], rows [B, n] (the local copy of the
        puzzle rows; None without).
    """
    refill = carry.halted
    data = {}
    for key in batch:
        mask = refill.view(-1, *[1] * (batch[key].dim() - 1))
        data[key] = torch.where(mask, batch[key], carry.data[key])
    steps = torch.where(refill, torch.zeros_like(carry.steps), carry.steps)
    z = [
        torch.where(refill.view(-1, 1, 1), start, state).detach()
        for start, state in zip(starts(weights, variant), carry.z, strict=True)
    ]

    rows = puzzle_rows(weights, data["identities"])
    if rows is not None and training:
        rows.requires_grad_()
    x = embed(weights, sizes, data["inputs"], rows)
    with torch.no_grad():
        for _ in range(sizes.high_cycles - 1):
            z = cycle(weights, sizes, variant, z, x)
    z = cycle(weights, sizes, variant, z, x)
    logits = z[0][:, sizes.prefix :] @ weights["lm_head"].T
    q = z[0][:, 0] @ weights["q_head.weight"].T + weights["q_head.bias"]
    q_halt = q[:, 0]

    steps = steps + 1
    halted = steps >= sizes.max_steps
    if training:
        assert noise is not None
        u0, u1 = noise
        drawn = 2 + torch.floor(u1 * (sizes.max_steps - 1)).long()
        minimum = torch.where(u0 < sizes.exploration, drawn, torch.zeros_like(drawn))
        halted = halted | ((q_halt > 0) & (steps >= minimum))
    state = [t.detach() for t in z]
    carry = Carry(z=state, steps=steps, halted=halted.detach(), data=data)
    return carry, {"logits": logits, "q_halt": q_halt, "rows": rows}
