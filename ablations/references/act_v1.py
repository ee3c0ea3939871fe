"""Straight-line reference of the system `act-v1`; it shares no code with the package.

Source: the section "act-v1" of the systems' description (document `act-v1`, gaps filled from its
public code). B batch, S positions, P prefix tokens, D width, I inner width of SwiGLU, V
vocabulary, N puzzles, n puzzle width, E = D / heads.

Weights (`weights[name]`, every map is `y = x Wᵀ (+ b)`):

    tokens          [V, D]      token embedding, before the factor √D
    positions       [P + S, D]  only with learned positions
    puzzles         [N, n]      puzzle table (buffer), only with a table; P = ceil(n / D), else 0
    low_init        [D]         initial z_L (buffer)
    high_init       [D]         initial z_H (buffer)
    low.<i>.qkv     [3D, D]     rows: queries of all heads, then keys, then values
    low.<i>.out     [D, D]
    low.<i>.gate_up [2I, D]     rows: gate, then up
    low.<i>.down    [D, I]
    high.<i>.…      the same
    lm_head         [V, D]
    q_head.weight   [2, D]      rows: halt, continue
    q_head.bias     [2]

Interpretations of ambiguous text:

- Everything is computed in the dtype of the weights. What the text does "in float32" (RMSNorm, Q)
  is therefore float32 in a float32 run and float64 in a float64 run. The rotary tables are computed
  in `Sizes.rotary_dtype`, float32 as in the text, and then cast.
- Stablemax is always in float64, softmax cross-entropy in the dtype of the logits.
- Exploration: a sequence explores in this call iff u0 < p; then its minimum number of steps is
  2 + floor(u1 · (max − 1)). Steps count from 1 at the decision; the last step always halts.
- A call touches the rows of the puzzle table that belong to the data it works on (for live
  sequences those of the carry). A row whose gradients sum to zero is touched as well: it decays.
- Weight decay acts equally on all trained weights.
- Evaluation with halting applies the rule of training without exploration, from the first step on.
- "Whole sequence right": at every labelled position, the largest logit is that of the label.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORED = -100
BUFFERS = ("puzzles", "low_init", "high_init")  # not trained by the dense optimiser

Weights = dict[str, Tensor]
Batch = dict[str, Tensor]  # inputs [B, S], labels [B, S], identities [B], all integers
Noise = tuple[Tensor, Tensor]  # two uniform draws per sequence, u0 and u1, each [B]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Settings that the shapes of the weights don't determine."""

    heads: int
    low_layers: int
    high_layers: int
    low_cycles: int  # low updates per high update
    high_cycles: int
    max_steps: int
    exploration: float = 0.1
    rotary: bool = True  # otherwise learned positions
    rotary_dtype: torch.dtype = torch.float32


@dataclass(frozen=True, kw_only=True)
class Carry:
    """State between two calls, with one place per sequence."""

    z_low: Tensor  # [B, P + S, D]
    z_high: Tensor  # [B, P + S, D]
    steps: Tensor  # [B]
    halted: Tensor  # [B]
    data: Batch


# ── shapes ────────────────────────────────────────────────────────────────────────────────────────


def inner_width(width: int, expansion: float) -> int:
    """`round(expansion · D · 2/3)`, rounded up to a multiple of 256."""
    return math.ceil(round(expansion * width * 2 / 3) / 256) * 256


def weight_shapes(
    sizes: Sizes, *, width: int, inner: int, vocabulary: int, length: int, puzzles: int, puzzle: int
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights; `puzzle` is n, 0 for no table."""
    prefix = math.ceil(puzzle / width)
    shapes: dict[str, tuple[int, ...]] = {"tokens": (vocabulary, width)}
    if not sizes.rotary:
        shapes["positions"] = (prefix + length, width)
    if puzzle > 0:
        shapes["puzzles"] = (puzzles, puzzle)
    shapes["low_init"] = (width,)
    shapes["high_init"] = (width,)
    for level, layers in (("low", sizes.low_layers), ("high", sizes.high_layers)):
        for i in range(layers):
            shapes[f"{level}.{i}.qkv"] = (3 * width, width)
            shapes[f"{level}.{i}.out"] = (width, width)
            shapes[f"{level}.{i}.gate_up"] = (2 * inner, width)
            shapes[f"{level}.{i}.down"] = (width, inner)
    shapes["lm_head"] = (vocabulary, width)
    shapes["q_head.weight"] = (2, width)
    shapes["q_head.bias"] = (2,)
    return shapes


# ── one block ─────────────────────────────────────────────────────────────────────────────────────


def rms_norm(x: Tensor) -> Tensor:
    """`x / √(mean x² + 1e-5)` over the width, without a weight."""
    return x * torch.rsqrt((x * x).mean(dim=-1, keepdim=True) + 1e-5)


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


def attention(weights: Weights, name: str, sizes: Sizes, x: Tensor) -> Tensor:
    """`softmax(Q Kᵀ / √E) V` per head, not causal, [B, T, D] → [B, T, D]."""
    batch, length, width = x.shape
    head_width = width // sizes.heads
    qkv = x @ weights[f"{name}.qkv"].T
    # [B, T, D] each, then [B, heads, T, E]
    q = qkv[:, :, 0 * width : 1 * width].view(batch, length, sizes.heads, head_width)
    k = qkv[:, :, 1 * width : 2 * width].view(batch, length, sizes.heads, head_width)
    v = qkv[:, :, 2 * width : 3 * width].view(batch, length, sizes.heads, head_width)
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    if sizes.rotary:
        cosine, sine = rotary_tables(length, head_width, sizes.rotary_dtype)
        q = rotate(q, cosine, sine)
        k = rotate(k, cosine, sine)
    scores = q @ k.transpose(2, 3) / math.sqrt(head_width)
    mixed = torch.softmax(scores, dim=-1) @ v
    mixed = mixed.transpose(1, 2).reshape(batch, length, width)
    return mixed @ weights[f"{name}.out"].T


def swiglu(weights: Weights, name: str, x: Tensor) -> Tensor:
    """`down(silu(gate) · up)`."""
    gate_up = x @ weights[f"{name}.gate_up"].T
    inner = gate_up.shape[-1] // 2
    gate = gate_up[..., :inner]
    up = gate_up[..., inner:]
    return (gate * torch.sigmoid(gate) * up) @ weights[f"{name}.down"].T


def network(
    weights: Weights, level: str, layers: int, sizes: Sizes, z: Tensor, injection: Tensor
) -> Tensor:
    """`L(z, injection)` or `H(z, injection)`: add, then the post-norm blocks."""
    z = z + injection
    for i in range(layers):
        z = rms_norm(z + attention(weights, f"{level}.{i}", sizes, z))
        z = rms_norm(z + swiglu(weights, f"{level}.{i}", z))
    return z


# ── one segment ───────────────────────────────────────────────────────────────────────────────────


def puzzle_rows(weights: Weights, identities: Tensor) -> Tensor | None:
    """The local copy of the batch's rows, [B, n], which receives gradients instead of the table."""
    if "puzzles" not in weights:
        return None
    return weights["puzzles"][identities].detach().clone()


def embed(weights: Weights, sizes: Sizes, inputs: Tensor, rows: Tensor | None) -> Tensor:
    """Input x, [B, P + S, D]."""
    width = weights["tokens"].shape[1]
    x = weights["tokens"][inputs]
    if rows is not None:
        batch, puzzle = rows.shape
        prefix = math.ceil(puzzle / width)
        padding = torch.zeros(batch, prefix * width - puzzle, dtype=rows.dtype)
        padded = torch.cat([rows, padding], dim=1)
        x = torch.cat([padded.view(batch, prefix, width), x], dim=1)
    if not sizes.rotary:
        x = (x + weights["positions"]) / math.sqrt(2)
    return math.sqrt(width) * x


def segment(
    weights: Weights,
    sizes: Sizes,
    z_low: Tensor,
    z_high: Tensor,
    inputs: Tensor,
    rows: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Inner pass: only the last L and the last H update have gradients.

    Returns:
        z_L and z_H (detached), logits [B, S, V], Q of halting [B], Q of continuing [B].
    """
    x = embed(weights, sizes, inputs, rows)
    z_low, z_high = z_low.detach(), z_high.detach()
    with torch.no_grad():
        for high in range(1, sizes.high_cycles + 1):
            for low in range(1, sizes.low_cycles + 1):
                if not (high == sizes.high_cycles and low == sizes.low_cycles):
                    z_low = network(weights, "low", sizes.low_layers, sizes, z_low, z_high + x)
            if high != sizes.high_cycles:
                z_high = network(weights, "high", sizes.high_layers, sizes, z_high, z_low)
    z_low = network(weights, "low", sizes.low_layers, sizes, z_low, z_high + x)
    z_high = network(weights, "high", sizes.high_layers, sizes, z_high, z_low)

    prefix = x.shape[1] - inputs.shape[1]
    logits = z_high[:, prefix:] @ weights["lm_head"].T
    q = z_high[:, 0] @ weights["q_head.weight"].T + weights["q_head.bias"]
    return z_low.detach(), z_high.detach(), logits, q[:, 0], q[:, 1]


# ── the carry ─────────────────────────────────────────────────────────────────────────────────────


def initial_carry(weights: Weights, batch: Batch) -> Carry:
    """All halted, so that the first call takes the whole first batch; other fields aren't read."""
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


def call(
    weights: Weights, sizes: Sizes, carry: Carry, batch: Batch, noise: Noise, training: bool
) -> tuple[Carry, dict[str, Tensor | None]]:
    """One segment for every sequence: halted places are refilled, live ones continue.

    Returns:
        The next carry, and: logits [B, S, V], q_halt [B], q_continue [B], target [B] (of
        q_continue; None without), rows [B, n] (the local copy of the puzzle rows; None without).
    """
    # Halted places take the row of their own index, fresh states and step 0.
    refill = carry.halted
    data = {}
    for key in batch:
        mask = refill.view(-1, *[1] * (batch[key].dim() - 1))
        data[key] = torch.where(mask, batch[key], carry.data[key])
    steps = torch.where(refill, torch.zeros_like(carry.steps), carry.steps)
    z_low = torch.where(refill.view(-1, 1, 1), weights["low_init"], carry.z_low)
    z_high = torch.where(refill.view(-1, 1, 1), weights["high_init"], carry.z_high)

    rows = puzzle_rows(weights, data["identities"])
    if rows is not None and training:
        rows.requires_grad_()
    z_low, z_high, logits, q_halt, q_continue = segment(
        weights, sizes, z_low, z_high, data["inputs"], rows
    )

    steps = steps + 1
    last = steps >= sizes.max_steps
    halted = last
    target = None
    if training and sizes.max_steps > 1:
        u0, u1 = noise
        drawn = 2 + torch.floor(u1 * (sizes.max_steps - 1)).long()
        minimum = torch.where(u0 < sizes.exploration, drawn, torch.zeros_like(drawn))
        halted = last | ((q_halt > q_continue) & (steps >= minimum))
        with torch.no_grad():
            _, _, _, next_halt, next_continue = segment(
                weights, sizes, z_low, z_high, data["inputs"], rows
            )
            best = torch.maximum(next_halt, next_continue)
            target = torch.sigmoid(torch.where(last, next_halt, best))

    carry = Carry(z_low=z_low, z_high=z_high, steps=steps, halted=halted.detach(), data=data)
    return carry, {
        "logits": logits,
        "q_halt": q_halt,
        "q_continue": q_continue,
        "target": target,
        "rows": rows,
    }


# ── loss ──────────────────────────────────────────────────────────────────────────────────────────


def log_stablemax(logits: Tensor) -> Tensor:
    """`log(s(x) / Σ s(x))`, `s(x) = x + 1` for x ≥ 0, else `1 / (1 − x)`, in float64."""
    x = logits.double()
    # The clamp keeps the unused branch finite: its gradient would be 0 · ∞ at x = 1.
    s = torch.where(x >= 0, x + 1, 1 / (1 - x.clamp(max=0)))
    return torch.log(s / s.sum(dim=-1, keepdim=True))


def sequence_cross_entropy(logits: Tensor, labels: Tensor, kind: str) -> Tensor:
    """Cross-entropy of each sequence averaged over its labelled tokens, [B]; 0 without labels."""
    logs = log_stablemax(logits) if kind == "stablemax" else torch.log_softmax(logits, dim=-1)
    labelled = labels != IGNORED
    chosen = torch.where(labelled, labels, torch.zeros_like(labels))
    tokens = -logs.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    tokens = torch.where(labelled, tokens, torch.zeros_like(tokens))
    return tokens.sum(dim=-1) / labelled.sum(dim=-1).clamp(min=1)


def sequence_right(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether every labelled token is right, [B]; true without labels."""
    right = logits.argmax(dim=-1) == labels
    return (right | (labels == IGNORED)).all(dim=-1)


def binary_cross_entropy(logit: Tensor, target: Tensor) -> Tensor:
    """`−t log σ(z) − (1 − t) log(1 − σ(z))`, [B]."""
    return -(target * F.logsigmoid(logit) + (1 - target) * F.logsigmoid(-logit))


def loss(
    outputs: dict[str, Tensor | None], labels: Tensor, kind: str, global_batch: int
) -> dict[str, Tensor]:
    """`Σ_B (language + ½ (halt + continue)) / global batch`, and its three sums, not divided."""
    logits, q_halt, q_continue = outputs["logits"], outputs["q_halt"], outputs["q_continue"]
    assert logits is not None and q_halt is not None and q_continue is not None
    right = sequence_right(logits, labels).to(q_halt.dtype)
    language = sequence_cross_entropy(logits, labels, kind).sum()
    halt = binary_cross_entropy(q_halt, right).sum()
    go_on = torch.zeros_like(halt)
    if outputs["target"] is not None:
        go_on = binary_cross_entropy(q_continue, outputs["target"]).sum()
    total = (language + 0.5 * (halt + go_on)) / global_batch
    return {"loss": total, "language": language, "halt": halt, "continue": go_on}


# ── optimisers ────────────────────────────────────────────────────────────────────────────────────


def adam_atan2(
    p: Tensor,
    g: Tensor,
    moments: tuple[Tensor, Tensor],
    t: int,
    *,
    rate: float,
    decay: float,
    betas: tuple[float, float] = (0.9, 0.95),
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """`p (1 − lr wd) − lr/(1 − β1ᵗ) atan2(m, √v/√(1 − β2ᵗ))`, t from 1; also the new moments."""
    beta1, beta2 = betas
    m = beta1 * moments[0] + (1 - beta1) * g
    v = beta2 * moments[1] + (1 - beta2) * g * g
    p = p * (1 - rate * decay)
    scale = torch.sqrt(v) / math.sqrt(1 - beta2**t)
    p = p - rate / (1 - beta1**t) * torch.atan2(m, scale)
    return p, (m, v)


def adamw(
    p: Tensor,
    g: Tensor,
    moments: tuple[Tensor, Tensor],
    t: int,
    *,
    rate: float,
    decay: float,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """`p (1 − lr wd) − lr/(1 − β1ᵗ) m / (√v/√(1 − β2ᵗ) + ε)`, t from 1; also the new moments."""
    beta1, beta2 = betas
    m = beta1 * moments[0] + (1 - beta1) * g
    v = beta2 * moments[1] + (1 - beta2) * g * g
    p = p * (1 - rate * decay)
    scale = torch.sqrt(v) / math.sqrt(1 - beta2**t)
    p = p - rate / (1 - beta1**t) * m / (scale + epsilon)
    return p, (m, v)


def sign_sgd(
    table: Tensor, gathered: list[tuple[Tensor, Tensor]], *, rate: float, decay: float
) -> Tensor:
    """`p (1 − lr wd) − lr sign(Σ g)` on touched rows only.

    Args:
        table: The puzzle table, [N, n].
        gathered: Identities [B] and gradients [B, n] of every process.
        rate: Learning rate lr.
        decay: Weight decay wd.
    """
    sums: dict[int, Tensor] = {}
    for identities, gradients in gathered:
        for identity, gradient in zip(identities.tolist(), gradients, strict=True):
            sums[identity] = sums[identity] + gradient if identity in sums else gradient
    table = table.clone()
    for identity, gradient in sums.items():
        table[identity] = table[identity] * (1 - rate * decay) - rate * torch.sign(gradient)
    return table


# ── training and evaluation ───────────────────────────────────────────────────────────────────────


def gradients_of(total: Tensor, leaves: Weights) -> Weights:
    """Gradient of a scalar with respect to every leaf, by name."""
    return dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True))


def train(
    weights: Weights,
    sizes: Sizes,
    batches: list[Batch],
    noises: list[Noise],
    *,
    rates: list[float],
    decay: float,
    puzzle_rates: list[float],
    puzzle_decay: float,
    kind: str = "stablemax",
    optimiser: str = "adam_atan2",
    betas: tuple[float, float] = (0.9, 0.95),
) -> tuple[Weights, Carry, list[dict[str, object]]]:
    """One call and one optimiser step per offered batch, on one carry; global batch = batch.

    Args:
        weights: Initial weights, which aren't changed.
        sizes: Settings of the system.
        batches: One offered batch per call.
        noises: Uniform draws per call.
        rates: Learning rate per call.
        puzzle_rates: Learning rate of the puzzle table per call.
        decay: Weight decay of the parameters.
        puzzle_decay: Weight decay of the puzzle table.
        kind: "stablemax" or "softmax".
        optimiser: "adam_atan2" or "adamw" (ε 1e-8).
        betas: β1 and β2 of the optimiser.

    Returns:
        The trained weights, the carry, and per call: the losses, the outputs, the gradients by
        name (`rows` for the local puzzle rows), steps and halted after the call.
    """
    weights = {name: value.detach().clone() for name, value in weights.items()}
    names = [name for name in weights if name not in BUFFERS]
    moments = {name: (0 * weights[name], 0 * weights[name]) for name in names}
    carry = initial_carry(weights, batches[0])
    records: list[dict[str, object]] = []
    for t, (batch, noise) in enumerate(zip(batches, noises, strict=True), start=1):
        for name in names:
            weights[name].requires_grad_()
        carry, outputs = call(weights, sizes, carry, batch, noise, training=True)
        losses = loss(outputs, carry.data["labels"], kind, len(batch["inputs"]))
        leaves = {name: weights[name] for name in names}
        if outputs["rows"] is not None:
            leaves["rows"] = outputs["rows"]
        gradients = gradients_of(losses["loss"], leaves)

        for name in names:
            p, g = weights[name].detach(), gradients[name]
            if optimiser == "adam_atan2":
                weights[name], moments[name] = adam_atan2(
                    p, g, moments[name], t, rate=rates[t - 1], decay=decay, betas=betas
                )
            else:
                weights[name], moments[name] = adamw(
                    p, g, moments[name], t, rate=rates[t - 1], decay=decay, betas=betas
                )
        if "rows" in gradients:
            weights["puzzles"] = sign_sgd(
                weights["puzzles"],
                [(carry.data["identities"], gradients["rows"])],
                rate=puzzle_rates[t - 1],
                decay=puzzle_decay,
            )
        records.append(
            {key: value.detach() for key, value in losses.items()}
            | {key: None if value is None else value.detach() for key, value in outputs.items()}
            | {"gradients": gradients, "steps": carry.steps, "halted": carry.halted}
        )
    return weights, carry, records


@torch.no_grad()
def evaluate(weights: Weights, sizes: Sizes, batch: Batch) -> dict[str, Tensor | None]:
    """Run the maximum number of steps for every sequence; return the outputs of the last one."""
    unused = torch.zeros(len(batch["inputs"]))
    carry = initial_carry(weights, batch)
    carry, outputs = call(weights, sizes, carry, batch, (unused, unused), training=False)
    while not carry.halted.all():
        carry, outputs = call(weights, sizes, carry, batch, (unused, unused), training=False)
    return outputs | {"steps": carry.steps}


@torch.no_grad()
def evaluate_halting(weights: Weights, sizes: Sizes, batch: Batch) -> dict[str, Tensor]:
    """Run each sequence until Q_halt > Q_continue or the maximum; its outputs then stay fixed."""
    rows = puzzle_rows(weights, batch["identities"])
    z_low = weights["low_init"].expand(embed(weights, sizes, batch["inputs"], rows).shape)
    z_high = weights["high_init"].expand(z_low.shape)
    z_low, z_high, logits, q_halt, q_continue = segment(
        weights, sizes, z_low, z_high, batch["inputs"], rows
    )
    steps = torch.ones(len(logits), dtype=torch.long)
    halted = q_halt > q_continue
    for step in range(2, sizes.max_steps + 1):
        new_low, new_high, new_logits, new_halt, new_continue = segment(
            weights, sizes, z_low, z_high, batch["inputs"], rows
        )
        frozen = halted.view(-1, 1, 1)
        z_low = torch.where(frozen, z_low, new_low)
        z_high = torch.where(frozen, z_high, new_high)
        logits = torch.where(frozen, logits, new_logits)
        q_halt = torch.where(halted, q_halt, new_halt)
        q_continue = torch.where(halted, q_continue, new_continue)
        steps = torch.where(halted, steps, torch.full_like(steps, step))
        halted = halted | (q_halt > q_continue)
    return {
        "logits": logits,
        "q_halt": q_halt,
        "q_continue": q_continue,
        "steps": steps,
        "z_low": z_low,
        "z_high": z_high,
    }
