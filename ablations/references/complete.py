"""Straight-line reference of the system `complete`; it shares no code with the package.

Source: the section "complete" of the systems' description (document `complete`, gaps filled from
its public code), and for the documented arm also its section "act-v1". There are two arms of one
architecture: `coded_…` and `documented_…`. B batch, S positions, X input_dim, C output_dim, D_L and
D_H the widths, I = int(2.67 D) of either level, E the width of a head.

Weights (`weights[name]`, every map is `y = x Wᵀ (+ b)`):

    input.weight, .bias              [D_L, X], [D_L]      W
    low.<i>.{q, k, v, o}             [D_L, D_L]
    low.<i>.{gate, up}, low.<i>.down [I, D_L], [D_L, I]
    low.<i>.{norm1, norm2}           [D_L]                after attention, after the feed-forward
    high.<i>.…                       the same with D_H
    high_to_low.weight, .bias        [D_L, D_H], [D_L]    W_hl
    low_to_high.weight, .bias        [D_H, D_L], [D_H]    W_lh
    output.weight, .bias             [C, D_L], [C]        W_o
    coded:      halt1.weight, .bias  [D_L // 2, D_L], [D_L // 2]
                halt2.weight, .bias  [1, D_L // 2], [1]
    documented: q_head.weight, .bias [2, D_H], [2]        rows: halt, continue

Interpretations of ambiguous text, for both arms:

- Everything is computed in the dtype of the weights, including rotary tables unless
  `Sizes.rotary_dtype` is set (the text of this system names none).
- "N(0, 1/fan_in)" is a variance: the standard deviation is 1/√fan_in. It applies to all linear
  weights; norm scales start at 1. The text doesn't mention the initial Q head, which is like
  others.
- Labels are [B, S]; −100 is ignored.

As coded:

- The accumulator grows at every position and step; "reached" means ≥ threshold, compared after the
  addition; z_L at those positions is set from the new z_H. The end of the loop is tested after
  that. With a threshold above 0 it can't come before `max_steps`, because the positions that
  reached the threshold have just been reset.
- Output and deep supervision read z_L at the end of a step, after resets.
- Cross-entropy averages over all labelled positions of the batch. Loss = main loss of the last
  step + 0.1 · Σ of the same loss of steps 2, 4, … (counted from 1). An even last step counts in
  both terms, unless `supervise_last` is false.
- "Softmax of max-shifted logits" (stablemax) is the output's softmax.
- Clipping: all gradients together, scaled by min(1, 1 / (norm + 1e-6)), before either optimiser.
- A comparison has no gradient, so that the halting MLP gets none; if no position crosses the
  threshold, neither do H and W_lh. Such gradients are None and count as 0 in the norm, and the
  optimisers change neither these weights nor their moments and step counts t.
- Adam-atan2 has no weight decay; AdamW has (0.9, 0.999), ε 1e-8 and weight decay 0.01.

As documented:

- `q_head` at position 0 of z_H replaces the halting MLP and its accumulator, so that z_L isn't
reset
  either. One halting step is H cycles × (L cycles × low, one high) on
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
  optimiser step per halting step on a carry (`documented_train`), or with the losses of all halting
  steps of one batch added before one optimiser step, halted sequences frozen and out of the loss
  (`documented_episode`).
- Halting, exploration and Q targets as in `act-v1`: explores iff u0 < p, minimum
  2 + floor(u1 · (max − 1)), steps counted from 1, no target where the maximum is 1.
- Adam-atan2 in its public form, β (0.9, 0.95), on all weights, Q head included. Clipping as above
  where asked for.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORED = -100

Weights = dict[str, Tensor]
Batch = dict[str, Tensor]  # inputs [B, S, X] real, labels [B, S] integers
Noise = tuple[Tensor, Tensor]  # two uniform draws per sequence, u0 and u1, each [B]
Moments = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Settings that the shapes of the weights don't determine."""

    low_layers: int
    high_layers: int
    low_heads: int
    high_heads: int
    max_steps: int = 10
    threshold: float = 0.5  # as coded
    low_cycles: int = 2  # as documented, from here on
    high_cycles: int = 2
    exploration: float = 0.1
    inject: bool = False
    reset: bool = False
    rotary_dtype: torch.dtype | None = None  # None: the weights' own


@dataclass(frozen=True, kw_only=True)
class Carry:
    """State between two halting steps of the documented arm: one place per sequence."""

    z_low: Tensor  # [B, S, D_L]
    z_high: Tensor  # [B, S, D_H]
    steps: Tensor  # [B]
    halted: Tensor  # [B]
    data: Batch


# ── weights ───────────────────────────────────────────────────────────────────────────────────────


def weight_shapes(
    sizes: Sizes, arm: str, *, low: int, high: int, inputs: int = 1, outputs: int = 10
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights of an arm, "coded" or "documented"."""
    shapes: dict[str, tuple[int, ...]] = {"input.weight": (low, inputs), "input.bias": (low,)}
    for level, layers, width in (("low", sizes.low_layers, low), ("high", sizes.high_layers, high)):
        inner = int(2.67 * width)
        for i in range(layers):
            for name in ("q", "k", "v", "o"):
                shapes[f"{level}.{i}.{name}"] = (width, width)
            shapes[f"{level}.{i}.gate"] = (inner, width)
            shapes[f"{level}.{i}.up"] = (inner, width)
            shapes[f"{level}.{i}.down"] = (width, inner)
            shapes[f"{level}.{i}.norm1"] = (width,)
            shapes[f"{level}.{i}.norm2"] = (width,)
    shapes["high_to_low.weight"], shapes["high_to_low.bias"] = (low, high), (low,)
    shapes["low_to_high.weight"], shapes["low_to_high.bias"] = (high, low), (high,)
    shapes["output.weight"], shapes["output.bias"] = (outputs, low), (outputs,)
    if arm == "coded":
        shapes["halt1.weight"], shapes["halt1.bias"] = (low // 2, low), (low // 2,)
        shapes["halt2.weight"], shapes["halt2.bias"] = (1, low // 2), (1,)
    else:
        shapes["q_head.weight"], shapes["q_head.bias"] = (2, high), (2,)
    return shapes


def linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    """`x Wᵀ + b`."""
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def rms_norm(x: Tensor, scale: Tensor) -> Tensor:
    """`w · x / (rms + 1e-8)`, rms = √(mean x²) over the width."""
    rms = torch.sqrt((x * x).mean(dim=-1, keepdim=True))
    return scale * x / (rms + 1e-8)


def rotary_tables(length: int, head_width: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine of `position · 10000^(−2i/E)`, [length, E], the frequencies twice."""
    exponents = torch.arange(0, head_width, 2, dtype=dtype) / head_width
    frequencies = 1.0 / (10_000.0**exponents)
    angles = torch.outer(torch.arange(length, dtype=dtype), frequencies)
    angles = torch.cat([angles, angles], dim=-1)
    return torch.cos(angles), torch.sin(angles)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Half rotation: (a, b) → (a cos − b sin, b cos + a sin), a and b the halves of a head."""
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * cosine.to(x.dtype) + turned * sine.to(x.dtype)


def attention(weights: Weights, name: str, heads: int, sizes: Sizes, x: Tensor) -> Tensor:
    """`softmax(Q Kᵀ / √E) V` per head, not causal, [B, S, D] → [B, S, D]."""
    batch, length, width = x.shape
    head_width = width // heads
    q = (x @ weights[f"{name}.q"].T).view(batch, length, heads, head_width).transpose(1, 2)
    k = (x @ weights[f"{name}.k"].T).view(batch, length, heads, head_width).transpose(1, 2)
    v = (x @ weights[f"{name}.v"].T).view(batch, length, heads, head_width).transpose(1, 2)
    cosine, sine = rotary_tables(length, head_width, sizes.rotary_dtype or x.dtype)
    q = rotate(q, cosine, sine)
    k = rotate(k, cosine, sine)
    scores = q @ k.transpose(2, 3) / math.sqrt(head_width)
    mixed = torch.softmax(scores, dim=-1) @ v
    mixed = mixed.transpose(1, 2).reshape(batch, length, width)
    return mixed @ weights[f"{name}.o"].T


def swiglu(weights: Weights, name: str, x: Tensor) -> Tensor:
    """`down(silu(gate) · up)`."""
    gate = x @ weights[f"{name}.gate"].T
    up = x @ weights[f"{name}.up"].T
    return (gate * torch.sigmoid(gate) * up) @ weights[f"{name}.down"].T


def low_network(weights: Weights, sizes: Sizes, x: Tensor) -> Tensor:
    """L: the post-norm blocks of the low level."""
    for i in range(sizes.low_layers):
        name = f"low.{i}"
        attended = attention(weights, name, sizes.low_heads, sizes, x)
        x = rms_norm(x + attended, weights[f"{name}.norm1"])
        x = rms_norm(x + swiglu(weights, name, x), weights[f"{name}.norm2"])
    return x


def high_network(weights: Weights, sizes: Sizes, x: Tensor) -> Tensor:
    """H: the post-norm blocks of the high level."""
    for i in range(sizes.high_layers):
        name = f"high.{i}"
        attended = attention(weights, name, sizes.high_heads, sizes, x)
        x = rms_norm(x + attended, weights[f"{name}.norm1"])
        x = rms_norm(x + swiglu(weights, name, x), weights[f"{name}.norm2"])
    return x


# ── as coded ──────────────────────────────────────────────────────────────────────────────────────


def output_softmax(logits: Tensor) -> Tensor:
    """Softmax of the logits less their maximum."""
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    powers = torch.exp(shifted)
    return powers / powers.sum(dim=-1, keepdim=True)


def coded_forward(weights: Weights, sizes: Sizes, inputs: Tensor) -> dict[str, list[Tensor]]:
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
    z_low = linear(weights, "input", inputs)
    z_high = torch.zeros(*z_low.shape[:2], weights["low_to_high.bias"].shape[0], dtype=z_low.dtype)
    accumulator = torch.zeros(z_low.shape[:2], dtype=z_low.dtype)
    for _ in range(sizes.max_steps):
        z_low = low_network(weights, sizes, z_low + linear(weights, "high_to_low", z_high))
        hidden = torch.relu(linear(weights, "halt1", z_low))
        probability = torch.sigmoid(linear(weights, "halt2", hidden))[..., 0]
        accumulator = accumulator + probability
        crossed = accumulator >= sizes.threshold
        if crossed.any():
            z_high = high_network(weights, sizes, z_high + linear(weights, "low_to_high", z_low))
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


def coded_cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """`−log softmax(output)[label]` of the softmax output, averaged over all labelled positions."""
    logs = torch.log_softmax(outputs, dim=-1)
    labelled = labels != IGNORED
    chosen = torch.where(labelled, labels, torch.zeros_like(labels))
    tokens = -logs.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    return torch.where(labelled, tokens, torch.zeros_like(tokens)).sum() / labelled.sum()


def coded_loss(
    outputs: list[Tensor], labels: Tensor, supervise_last: bool = True
) -> dict[str, Tensor]:
    """Main loss of the last step + 0.1 · Σ over steps 2, 4, …; also the main loss and that sum."""
    main = coded_cross_entropy(outputs[-1], labels)
    supervision = torch.zeros_like(main)
    for step in range(2, len(outputs) + 1, 2):
        if step < len(outputs) or supervise_last:
            supervision = supervision + coded_cross_entropy(outputs[step - 1], labels)
    return {"loss": main + 0.1 * supervision, "main": main, "supervision": supervision}


def clip(gradients: dict[str, Tensor | None], limit: float) -> dict[str, Tensor | None]:
    """All gradients times min(1, limit / (their joint norm + 1e-6))."""
    squares = [(g * g).sum() for g in gradients.values() if g is not None]
    norm = torch.sqrt(torch.stack(squares).sum())
    factor = (limit / (norm + 1e-6)).clamp(max=1)
    return {name: None if g is None else g * factor for name, g in gradients.items()}


def coded_adam_atan2(
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


def adamw(
    p: Tensor,
    g: Tensor,
    moments: Moments,
    t: int,
    *,
    rate: float,
    decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> tuple[Tensor, Moments]:
    """`p (1 − lr wd) − lr/(1 − β1ᵗ) m / (√v/√(1 − β2ᵗ) + ε)`, t from 1; also the new moments."""
    beta1, beta2 = betas
    m = beta1 * moments[0] + (1 - beta1) * g
    v = beta2 * moments[1] + (1 - beta2) * g * g
    p = p * (1 - rate * decay)
    scale = torch.sqrt(v) / math.sqrt(1 - beta2**t)
    p = p - rate / (1 - beta1**t) * m / (scale + epsilon)
    return p, (m, v)


def gradients_of(total: Tensor, leaves: Weights) -> dict[str, Tensor | None]:
    """Gradient of a scalar with respect to every leaf, by name; None if it doesn't depend on it."""
    gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return dict(zip(leaves, gradients, strict=True))


def coded_train(
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
        supervise_last: See `coded_loss`.

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
        trace = coded_forward(weights, sizes, batch["inputs"])
        losses = coded_loss(trace["outputs"], batch["labels"], supervise_last)
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
                    weights[name], g, moments[name], t, rate=halting_rate
                )
            else:
                weights[name], moments[name] = coded_adam_atan2(
                    weights[name], g, moments[name], t, rate=rate
                )
        records.append(
            {key: value.detach() for key, value in losses.items()}
            | {"output": trace["outputs"][-1].detach(), "steps": len(trace["outputs"])}
            | {"gradients": gradients}
        )
    return weights, records


# ── as documented ─────────────────────────────────────────────────────────────────────────────────


def fresh_states(weights: Weights, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """z_L = W x, z_H = 0."""
    z_low = linear(weights, "input", inputs)
    z_high = torch.zeros(*z_low.shape[:2], weights["low_to_high.bias"].shape[0], dtype=z_low.dtype)
    return z_low, z_high


def low_update(
    weights: Weights, sizes: Sizes, z_low: Tensor, z_high: Tensor, inputs: Tensor
) -> Tensor:
    """`L(z_L + W_hl z_H)`, with `inject` `L(z_L + W_hl z_H + W x)`."""
    z_low = z_low + linear(weights, "high_to_low", z_high)
    if sizes.inject:
        z_low = z_low + linear(weights, "input", inputs)
    return low_network(weights, sizes, z_low)


def high_update(
    weights: Weights, sizes: Sizes, z_low: Tensor, z_high: Tensor
) -> tuple[Tensor, Tensor]:
    """`H(z_H + W_lh z_L)`, and the z_L that the next low update reads."""
    z_high = high_network(weights, sizes, z_high + linear(weights, "low_to_high", z_low))
    if sizes.reset:
        z_low = linear(weights, "high_to_low", z_high)
    return z_low, z_high


def documented_segment(
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
    _, _, _, q_halt, q_continue = documented_segment(weights, sizes, z_low, z_high, inputs)
    return torch.sigmoid(torch.where(last, q_halt, torch.maximum(q_halt, q_continue)))


def log_stablemax(logits: Tensor) -> Tensor:
    """`log(s(x) / Σ s(x))`, `s(x) = x + 1` for x ≥ 0, else `1 / (1 − x)`, in float64."""
    x = logits.double()
    # The clamp keeps the unused branch finite: its gradient would be 0 · ∞ at x = 1.
    s = torch.where(x >= 0, x + 1, 1 / (1 - x.clamp(max=0)))
    return torch.log(s / s.sum(dim=-1, keepdim=True))


def binary_cross_entropy(logit: Tensor, target: Tensor) -> Tensor:
    """`−t log σ(z) − (1 − t) log(1 − σ(z))`, [B]."""
    return -(target * F.logsigmoid(logit) + (1 - target) * F.logsigmoid(-logit))


def documented_losses(
    logits: Tensor, q_halt: Tensor, q_continue: Tensor, target: Tensor | None, labels: Tensor
) -> Tensor:
    """Loss of each sequence at one halting step, [B]: task + ½ (halt + continue)."""
    labelled = labels != IGNORED
    chosen = torch.where(labelled, labels, torch.zeros_like(labels))
    tokens = -log_stablemax(logits).gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    tokens = torch.where(labelled, tokens, torch.zeros_like(tokens))
    task = tokens.sum(dim=-1) / labelled.sum(dim=-1).clamp(min=1)
    right = ((logits.argmax(dim=-1) == labels) | ~labelled).all(dim=-1).to(q_halt.dtype)
    q_losses = binary_cross_entropy(q_halt, right)
    if target is not None:
        q_losses = q_losses + binary_cross_entropy(q_continue, target)
    return task + 0.5 * q_losses


def documented_carry(weights: Weights, batch: Batch) -> Carry:
    """All halted, so that the first call takes the whole first batch; other fields aren't read."""
    z_low, z_high = fresh_states(weights, batch["inputs"])
    return Carry(
        z_low=torch.zeros_like(z_low),
        z_high=z_high,
        steps=torch.zeros(len(z_low), dtype=torch.long),
        halted=torch.ones(len(z_low), dtype=torch.bool),
        data={key: torch.zeros_like(value) for key, value in batch.items()},
    )


def documented_call(
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

    z_low, z_high, logits, q_halt, q_continue = documented_segment(
        weights, sizes, z_low, z_high, inputs
    )
    steps = steps + 1
    halted = halting(sizes, q_halt, q_continue, steps, noise)
    last = steps >= sizes.max_steps
    target = continue_target(weights, sizes, z_low, z_high, inputs, last)
    losses = documented_losses(logits, q_halt, q_continue, target, labels)
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


def documented_episode(
    weights: Weights, sizes: Sizes, batch: Batch, noises: list[Noise]
) -> dict[str, Tensor]:
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
        new_low, new_high, logits, q_halt, q_continue = documented_segment(
            weights, sizes, z_low, z_high, inputs
        )
        z_low = torch.where(live.view(-1, 1, 1), new_low, z_low.detach())
        z_high = torch.where(live.view(-1, 1, 1), new_high, z_high.detach())
        steps = torch.where(live, steps + 1, steps)
        last = steps >= sizes.max_steps
        target = continue_target(weights, sizes, z_low, z_high, inputs, last)
        losses = documented_losses(logits, q_halt, q_continue, target, labels)
        total = total + torch.where(live, losses, torch.zeros_like(losses)).sum()
        for key, value in (("logits", logits), ("q_halt", q_halt), ("q_continue", q_continue)):
            mask = live.view(-1, *[1] * (value.dim() - 1))
            final[key] = torch.where(mask, value, final[key]) if key in final else value
        halted = halted | (live & halting(sizes, q_halt, q_continue, steps, noise))
        if halted.all():
            break
    return final | {"loss": total / sequences, "steps": steps}


def public_adam_atan2(
    p: Tensor,
    g: Tensor,
    moments: Moments,
    t: int,
    *,
    rate: float,
    decay: float,
    betas: tuple[float, float] = (0.9, 0.95),
) -> tuple[Tensor, Moments]:
    """`p (1 − lr wd) − lr/(1 − β1ᵗ) atan2(m, √v/√(1 − β2ᵗ))`, t from 1; also the new moments."""
    beta1, beta2 = betas
    m = beta1 * moments[0] + (1 - beta1) * g
    v = beta2 * moments[1] + (1 - beta2) * g * g
    p = p * (1 - rate * decay)
    scale = torch.sqrt(v) / math.sqrt(1 - beta2**t)
    p = p - rate / (1 - beta1**t) * torch.atan2(m, scale)
    return p, (m, v)


def documented_train(
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
    carry = documented_carry(weights, batches[0])
    records: list[dict[str, object]] = []
    for batch, noise, rate in zip(batches, noises, rates, strict=True):
        for value in weights.values():
            value.requires_grad_()
        carry, outputs = documented_call(weights, sizes, carry, batch, noise)
        losses = outputs["losses"]
        assert losses is not None
        loss = losses.sum() / len(losses)
        gradients = gradients_of(loss, weights)
        for name, g in (gradients if limit is None else clip(gradients, limit)).items():
            weights[name] = weights[name].detach()
            if g is None:
                continue
            counts[name] += 1
            weights[name], moments[name] = public_adam_atan2(
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
def documented_evaluate(weights: Weights, sizes: Sizes, inputs: Tensor) -> dict[str, Tensor]:
    """Run the maximum number of halting steps for every sequence; return the last outputs."""
    z_low, z_high = fresh_states(weights, inputs)
    outputs: dict[str, Tensor] = {}
    for _ in range(sizes.max_steps):
        z_low, z_high, logits, q_halt, q_continue = documented_segment(
            weights, sizes, z_low, z_high, inputs
        )
        outputs = {"logits": logits, "q_halt": q_halt, "q_continue": q_continue}
    return outputs
