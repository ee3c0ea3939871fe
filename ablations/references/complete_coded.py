"""Straight-line reference of `complete` as coded; it shares no code with the package.

Source: the section "complete" of the systems' description. Symbols, names of weights and
interpretations are those of the module `complete`.

Interpretations of ambiguous text:

- The accumulator grows at every position and step; "reached" means ≥ threshold, compared after the
  addition; z_L at those positions is set from the new z_H. The end of the loop is tested after
  that. With a threshold above 0 it can't come before `max_steps`, because the positions that
  reached the threshold have just been reset.
- Output and deep supervision read z_L at the end of a step, after resets.
- Cross-entropy averages over all labelled positions of the batch. Loss = main loss of the last
  step + 0.1 · Σ of the same loss of steps 2, 4, … (counted from 1). An even last step counts in
  both terms, unless `supervise_last` is false.
- "Softmax of max-shifted logits" (stablemax) is the output's softmax.
- A comparison has no gradient, so that the halting MLP gets none; if no position crosses the
  threshold, neither do H and W_lh. Such gradients are None and count as 0 in the norm, and the
  optimisers change neither these weights nor their moments and step counts t.
- Adam-atan2 has no weight decay; AdamW has (0.9, 0.999), ε 1e-8 and weight decay 0.01.
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
from ablations.references.losses import IGNORED
from ablations.references.optimisers import Moments, adamw


@dataclass(frozen=True, kw_only=True)
class Sizes(complete.Sizes):
    """Settings that the shapes of the weights don't determine."""

    threshold: float = 0.5


def output_softmax(logits: Tensor) -> Tensor:
    """Softmax of the logits less their maximum."""
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    powers = torch.exp(shifted)
    return powers / powers.sum(dim=-1, keepdim=True)


def forward(weights: Weights, sizes: Sizes, inputs: Tensor) -> dict[str, list[Tensor]]:
    """All steps, fully unrolled.

    Returns:
        One entry per step: outputs [B, S, C] (the last is the model's), z_low [B, S, D_L], z_high
        [B, S, D_H], probabilities and accumulators [B, S] (these after the reset), crossed [B, S].
    """
    trace: dict[str, list[Tensor]] = {
        "outputs": [],
        "z_low": [],
        "z_high": [],
        "probabilities": [],
        "accumulators": [],
        "crossed": [],
    }
    z_low, z_high = fresh_states(weights, inputs)
    accumulator = torch.zeros(z_low.shape[:2], dtype=z_low.dtype)
    for _ in range(sizes.max_steps):
        z_low = network(weights, "low", sizes, z_low + linear(weights, "high_to_low", z_high))
        hidden = torch.relu(linear(weights, "halt1", z_low))
        probability = torch.sigmoid(linear(weights, "halt2", hidden))[..., 0]
        accumulator = accumulator + probability
        crossed = accumulator >= sizes.threshold
        if crossed.any():
            z_high = z_high + linear(weights, "low_to_high", z_low)
            z_high = network(weights, "high", sizes, z_high)
            reset = linear(weights, "high_to_low", z_high)
            z_low = torch.where(crossed.unsqueeze(-1), reset, z_low)
            accumulator = torch.where(crossed, torch.zeros_like(accumulator), accumulator)
        trace["outputs"].append(output_softmax(linear(weights, "output", z_low)))
        trace["z_low"].append(z_low)
        trace["z_high"].append(z_high)
        trace["probabilities"].append(probability)
        trace["accumulators"].append(accumulator)
        trace["crossed"].append(crossed)
        if (accumulator >= sizes.threshold).all():
            break
    return trace


def cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """`−log softmax(output)[label]` of the softmax output, averaged over all labelled positions."""
    logs = torch.log_softmax(outputs, dim=-1)
    labelled = labels != IGNORED
    chosen = torch.where(labelled, labels, torch.zeros_like(labels))
    tokens = -logs.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    return torch.where(labelled, tokens, torch.zeros_like(tokens)).sum() / labelled.sum()


def loss(outputs: list[Tensor], labels: Tensor, supervise_last: bool = True) -> dict[str, Tensor]:
    """Main loss of the last step + 0.1 · Σ over steps 2, 4, …; also the main loss and that sum."""
    main = cross_entropy(outputs[-1], labels)
    supervision = torch.zeros_like(main)
    for step in range(2, len(outputs) + 1, 2):
        if step < len(outputs) or supervise_last:
            supervision = supervision + cross_entropy(outputs[step - 1], labels)
    return {"loss": main + 0.1 * supervision, "main": main, "supervision": supervision}


def adam_atan2(
    p: Tensor,
    g: Tensor,
    moments: Moments,
    t: int,
    *,
    rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> tuple[Tensor, Moments]:
    """`p − lr/(1 − β1ᵗ) sin(atan2(m, √v + ε)) / (√v̂ + ε)`, v̂ = v/(1 − β2ᵗ), t from 1."""
    beta1, beta2 = betas
    m = beta1 * moments[0] + (1 - beta1) * g
    v = beta2 * moments[1] + (1 - beta2) * g * g
    corrected = v / (1 - beta2**t)
    angle = torch.atan2(m, torch.sqrt(v) + epsilon)
    p = p - rate / (1 - beta1**t) * torch.sin(angle) / (torch.sqrt(corrected) + epsilon)
    return p, (m, v)


def train(
    weights: Weights,
    sizes: Sizes,
    batches: list[Batch],
    *,
    rates: list[float],
    halting_rate: float = 1e-4,
    limit: float = 1.0,
    supervise_last: bool = True,
) -> tuple[Weights, list[dict[str, object]]]:
    """One optimiser step per batch.

    Args:
        weights: Initial weights, which aren't changed.
        sizes: Settings of the system.
        batches: One batch per step.
        rates: Learning rate per step.
        halting_rate: Learning rate of AdamW on `halt1` and `halt2`.
        limit: Limit of the joint gradient norm.
        supervise_last: See `loss`.

    Returns:
        The trained weights, and per step: the losses, output, steps, gradients by name (before
        clipping).
    """
    weights = {name: value.detach().clone() for name, value in weights.items()}
    moments = {name: (torch.zeros_like(p), torch.zeros_like(p)) for name, p in weights.items()}
    counts = dict.fromkeys(weights, 0)
    records: list[dict[str, object]] = []
    for batch, rate in zip(batches, rates, strict=True):
        for value in weights.values():
            value.requires_grad_()
        trace = forward(weights, sizes, batch["inputs"])
        losses = loss(trace["outputs"], batch["labels"], supervise_last)
        gradients = gradients_of(losses["loss"], weights)
        clipped = clip(gradients, limit)
        for name, g in clipped.items():
            weights[name] = weights[name].detach()
            if g is None:
                continue
            counts[name] += 1
            t = counts[name]
            if name.startswith("halt"):
                weights[name], moments[name] = adamw(
                    weights[name], g, moments[name], t, rate=halting_rate, decay=0.01
                )
            else:
                weights[name], moments[name] = adam_atan2(
                    weights[name], g, moments[name], t, rate=rate
                )
        records.append(
            {key: value.detach() for key, value in losses.items()}
            | {"output": trace["outputs"][-1].detach(), "steps": len(trace["outputs"])}
            | {"gradients": gradients}
        )
    return weights, records
