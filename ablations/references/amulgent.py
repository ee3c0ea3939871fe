"""Straight-line reference of the `amulgent` system, before and after its enhancements.

Source: the document `amulgent` ("HRM Enhancements - External Research Integration") and the
project's notes on the systems. It is written only from the equations, and shares no code with
`hrm`.

Symbols: B batch, I input width, D model width, O output width, F inner width of SwiGLU,
`int(8 D / 3)`. A biased map is `weight [out, in]`, `bias [out]`. The documented sizes have D 128,
I = O = 64, 2 H and 3 L layers.

Weights, one `dict[str, Tensor]`, all of one dtype (float32 or float64); `shapes` lists them. Layers
are `high.0`, `high.1`, ..., `low.0`, `low.1`, ...:

    input.weight [D, I]              input.bias [D]       only where I differs from D
    initial_high [D]                 initial_low [D]      the states that every run starts from
    <layer>.qkv.weight [3D, D]       <layer>.qkv.bias [3D]     rows in the order q, k, v
    <layer>.attention_output.weight [D, D]   .bias [D]
    <layer>.norm_attention.scale [D] .shift [D]           no shift with RMSNorm
    <layer>.norm_feed_forward.scale [D] .shift [D]        no shift with RMSNorm
    <layer>.gate_up.weight [4D, D]   .bias [4D]           without SwiGLU; gate rows first
    <layer>.down.weight [D, 2D]      .bias [D]            without SwiGLU
    <layer>.gate.weight, .up.weight [F, D], .down.weight [D, F]     with SwiGLU
    output.weight [O, D]             output.bias [O]
    q_halt.weight, q_continue.weight [1, D], .bias [1]    two heads
    q.weight [2, D]                  q.bias [2]           one map; rows (halt, continue)
    connection.weight [D, O]         with refinement, only where O differs from D

Random numbers are arguments. There is no dropout.

Choices where the sources are ambiguous:

1. Each layer has two norms of its own (the documented sizes need them); scale and shift act per
   channel. In `gate_up` the gate comes first. Attention splits D into 8 blocks of D/8 channels,
   with scale 1/sqrt(D/8). Over the only position all its probabilities are 1; it is written out
   anyway.
2. The number of L cycles isn't given, and is an argument. In an H cycle the H layers act only on
   z_H, with nothing added.
3. `x` in `z_L + x` is the mapped input, or the input itself where the widths agree.
4. With one map, the rows are (halt, continue); both batch means are taken as for two heads.
5. Steps count from 1. Exploration is decided once per step for the batch: it explores where
   `explore[step - 1] < 0.1`, and `extra[step - 1]` in {1, 2, 3} is the drawn number. The rule, as
   it stands, never lets an exploring step halt before `max_steps`, since step + extra > step
   (counting from 0 would change nothing in that). Q_halt must be strictly above Q_continue.
6. A step is the recursion, or with refinement all its segments, from the initial states. It has no
   random part, so that all steps of an input are the same computation, which is repeated literally.
7. Refinement: the second and later segments start from the detached states of the segment before;
   thus the initial states learn only from the first segment. Q reads the last segment's z_H; the
   result is the last segment's output. The connection is added last, to each L layer's input, and
   doesn't depend on whether the other injections have the weight 0.1.
8. Learning: Q and Q' are those of one step (6); targets have no gradient; both heads learn from
   every experience, whichever action was taken; "the latest 32" is the whole batch of an update,
   which is smaller while the buffer has fewer. Terminal and reward are stored with the experience.
9. The connection map is created after the optimiser, so that Adam doesn't train it and it keeps its
   initial value; with `learn_connection=True` it is trained.
10. Output and connection get a gradient from the Q loss only with two or more segments.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

HALT, GO_ON = 0, 1


class System(NamedTuple):
    """Switches, and sizes that aren't shapes of weights; the defaults are before the enhancements.

    `weak_injections`: z_H enters z_L with weight 0.1, and z_L enters z_H with weight 0.1. Before
    the enhancements, z_H doesn't enter z_L at all, and z_L enters z_H with weight 1. `segments`: 1
    means no refinement.
    """

    use_rmsnorm: bool = False
    use_swiglu: bool = False
    weak_injections: bool = False
    two_heads: bool = False
    segments: int = 1
    high_layers: int = 2
    low_layers: int = 3
    high_cycles: int = 2
    low_cycles: int = 2
    heads: int = 8
    max_steps: int = 10


ENHANCED = System(
    use_rmsnorm=True, use_swiglu=True, weak_injections=True, two_heads=True, segments=2
)


class Thought(NamedTuple):
    """Results of one step: output [B, O], q_halt [B], q_continue [B]."""

    output: Tensor
    q_halt: Tensor
    q_continue: Tensor


class Experience(NamedTuple):
    """One entry of the replay buffer: state [I], next state [O] (= [I]), reward, terminal."""

    state: Tensor
    next_state: Tensor
    reward: float
    terminal: bool


def shapes(system: System, inputs: int, width: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights."""
    found: dict[str, tuple[int, ...]] = {}
    if inputs != width:
        found["input.weight"] = (width, inputs)
        found["input.bias"] = (width,)
    found["initial_high"] = (width,)
    found["initial_low"] = (width,)
    layers = [f"high.{i}" for i in range(system.high_layers)]
    layers += [f"low.{i}" for i in range(system.low_layers)]
    for layer in layers:
        found[f"{layer}.qkv.weight"] = (3 * width, width)
        found[f"{layer}.qkv.bias"] = (3 * width,)
        found[f"{layer}.attention_output.weight"] = (width, width)
        found[f"{layer}.attention_output.bias"] = (width,)
        for norm in ("norm_attention", "norm_feed_forward"):
            found[f"{layer}.{norm}.scale"] = (width,)
            if not system.use_rmsnorm:
                found[f"{layer}.{norm}.shift"] = (width,)
        if system.use_swiglu:
            inner = int(8 * width / 3)
            found[f"{layer}.gate.weight"] = (inner, width)
            found[f"{layer}.up.weight"] = (inner, width)
            found[f"{layer}.down.weight"] = (width, inner)
        else:
            found[f"{layer}.gate_up.weight"] = (4 * width, width)
            found[f"{layer}.gate_up.bias"] = (4 * width,)
            found[f"{layer}.down.weight"] = (width, 2 * width)
            found[f"{layer}.down.bias"] = (width,)
    found["output.weight"] = (outputs, width)
    found["output.bias"] = (outputs,)
    if system.two_heads:
        for head in ("q_halt", "q_continue"):
            found[f"{head}.weight"] = (1, width)
            found[f"{head}.bias"] = (1,)
    else:
        found["q.weight"] = (2, width)
        found["q.bias"] = (2,)
    if system.segments > 1 and outputs != width:
        found["connection.weight"] = (width, outputs)
    return found


def initial_state(normal: Tensor, enhanced: bool) -> Tensor:
    """Make an initial state from standard normal draws [D].

    Enhanced: standard deviation 1/sqrt(D), clipped at +- 2 standard deviations.
    """
    if not enhanced:
        return normal
    deviation = 1 / math.sqrt(len(normal))
    return (normal * deviation).clamp(-2 * deviation, 2 * deviation)


# ── The layers ───────────────────────────────────────────────────────────────────────────────────


def affine(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """W x + b."""
    return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def layer_norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """(x - mean) / sqrt(variance + 1e-5) * scale + shift, over the channels."""
    mean = x.mean(dim=-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=-1, keepdim=True)
    normalised = (x - mean) / torch.sqrt(variance + 1e-5)
    return normalised * weights[f"{name}.scale"] + weights[f"{name}.shift"]


def rms_norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """X / sqrt(mean(x^2) + 1e-6) * scale, over the channels."""
    mean_square = (x**2).mean(dim=-1, keepdim=True)
    return x / torch.sqrt(mean_square + 1e-6) * weights[f"{name}.scale"]


def silu(x: Tensor) -> Tensor:
    """X sigma(x)."""
    return x * torch.sigmoid(x)


def gated_mlp(weights: dict[str, Tensor], layer: str, x: Tensor) -> Tensor:
    """Gate and up from one map, D -> 2 (2D), then down, 2D -> D; all with bias."""
    gate, up = affine(weights, f"{layer}.gate_up", x).chunk(2, dim=-1)
    return affine(weights, f"{layer}.down", silu(gate) * up)


def swiglu(weights: dict[str, Tensor], layer: str, x: Tensor) -> Tensor:
    """Three maps without bias, inner width int(8 D / 3)."""
    gate = linear(x, weights[f"{layer}.gate.weight"])
    up = linear(x, weights[f"{layer}.up.weight"])
    return linear(silu(gate) * up, weights[f"{layer}.down.weight"])


def attention(weights: dict[str, Tensor], layer: str, x: Tensor, heads: int) -> Tensor:
    """Multi-head self-attention of a sequence [B, 1, D]."""
    q, k, v = affine(weights, f"{layer}.qkv", x).chunk(3, dim=-1)
    width = q.shape[-1] // heads
    assert width * heads == q.shape[-1], "heads must divide the width"
    results = []
    for head in range(heads):
        channels = slice(head * width, (head + 1) * width)
        scores = q[..., channels] @ k[..., channels].transpose(1, 2) / math.sqrt(width)
        results.append(torch.softmax(scores, dim=-1) @ v[..., channels])
    return affine(weights, f"{layer}.attention_output", torch.cat(results, dim=-1))


def transform(weights: dict[str, Tensor], system: System, layer: str, x: Tensor) -> Tensor:
    """One layer, post-norm: x <- norm(x + attention(x)), x <- norm(x + feed_forward(x))."""
    norm = rms_norm if system.use_rmsnorm else layer_norm
    feed_forward = swiglu if system.use_swiglu else gated_mlp
    x = norm(weights, f"{layer}.norm_attention", x + attention(weights, layer, x, system.heads))
    return norm(weights, f"{layer}.norm_feed_forward", x + feed_forward(weights, layer, x))


# ── The recursion ────────────────────────────────────────────────────────────────────────────────


def recursion(
    weights: dict[str, Tensor],
    system: System,
    x: Tensor,
    z_high: Tensor,
    z_low: Tensor,
    connection: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """H cycles of (H layers, L cycles); all tensors [B, 1, D]. Returns z_H, z_L."""
    for _ in range(system.high_cycles):
        for i in range(system.high_layers):
            z_high = transform(weights, system, f"high.{i}", z_high)
        for _ in range(system.low_cycles):
            for i in range(system.low_layers):
                entering = z_low + x
                if system.weak_injections:
                    entering = entering + 0.1 * z_high
                if connection is not None:
                    entering = entering + 0.05 * connection
                z_low = transform(weights, system, f"low.{i}", entering)
            z_high = z_high + (0.1 * z_low if system.weak_injections else z_low)
    return z_high, z_low


def think(weights: dict[str, Tensor], system: System, inputs: Tensor) -> Thought:
    """One step: every segment, from the initial states; `inputs` [B, I]."""
    batch = len(inputs)
    width = len(weights["initial_high"])
    x = affine(weights, "input", inputs) if "input.weight" in weights else inputs
    x = x[:, None, :]
    z_high = weights["initial_high"].expand(batch, 1, width)
    z_low = weights["initial_low"].expand(batch, 1, width)

    z_high, z_low = recursion(weights, system, x, z_high, z_low)
    output = affine(weights, "output", z_high[:, 0])
    for _ in range(1, system.segments):
        if "connection.weight" in weights:
            connection = linear(output, weights["connection.weight"])
        else:
            connection = output
        z_high, z_low = z_high.detach(), z_low.detach()
        z_high, z_low = recursion(weights, system, x, z_high, z_low, connection[:, None, :])
        output = affine(weights, "output", z_high[:, 0])

    if system.two_heads:
        q_halt = affine(weights, "q_halt", z_high[:, 0]).squeeze(1)
        q_continue = affine(weights, "q_continue", z_high[:, 0]).squeeze(1)
    else:
        q = affine(weights, "q", z_high[:, 0])
        q_halt, q_continue = q[:, HALT], q[:, GO_ON]
    return Thought(output, q_halt, q_continue)


def forward(
    weights: dict[str, Tensor],
    system: System,
    inputs: Tensor,
    explore: Tensor | None = None,
    extra: Tensor | None = None,
    *,
    exploration: float = 0.1,
) -> tuple[Thought, int]:
    """Steps until the batch halts; the last step's result and the number of steps.

    Args:
        weights: Weights as described in the module's docstring.
        system: Switches and sizes.
        inputs: Inputs, [B, I].
        explore: Uniform draws [max_steps], in training; None: no exploration.
        extra: Draws from {1, 2, 3} [max_steps], in training.
        exploration: The probability.
    """
    step = 0
    while True:
        step += 1
        thought = think(weights, system, inputs)
        if explore is not None and bool(explore[step - 1] < exploration):
            assert extra is not None, "exploration needs both draws"
            minimum = max(2, min(system.max_steps, step + int(extra[step - 1])))
            halts = step >= minimum
        else:
            halts = bool(thought.q_halt.mean() > thought.q_continue.mean())
        if halts or step >= system.max_steps:
            return thought, step


# ── Learning ─────────────────────────────────────────────────────────────────────────────────────


def experience(
    weights: dict[str, Tensor], system: System, state: Tensor, *, halted: bool
) -> Experience:
    """Make the entry for one state [I]: next state = output; reward 1 for halting, else 0.1."""
    with torch.no_grad():
        output = think(weights, system, state[None]).output[0]
    return Experience(state, output, 1.0 if halted else 0.1, halted)


def two_head_loss(
    q_halt: Tensor,
    q_continue: Tensor,
    next_halt: Tensor,
    next_continue: Tensor,
    reward: Tensor,
    terminal: Tensor,
) -> Tensor:
    """MSE_halt + 1.1 MSE_continue; all arguments [B].

    Targets: (r, 0) where terminal, else (r + 0.99 * 0.8 max Q', r + 0.99 max Q').
    """
    best = torch.maximum(next_halt, next_continue).detach()
    target_halt = torch.where(terminal, reward, reward + 0.99 * 0.8 * best)
    target_continue = torch.where(terminal, torch.zeros_like(reward), reward + 0.99 * best)
    mse_halt = ((q_halt - target_halt) ** 2).mean()
    mse_continue = ((q_continue - target_continue) ** 2).mean()
    return mse_halt + 1.1 * mse_continue


def one_map_loss(
    q_halt: Tensor,
    q_continue: Tensor,
    next_halt: Tensor,
    next_continue: Tensor,
    reward: Tensor,
    terminal: Tensor,
) -> Tensor:
    """MSE(max Q, r + 0.99 max Q'), the target being r where terminal; all arguments [B]."""
    best = torch.maximum(next_halt, next_continue).detach()
    target = torch.where(terminal, reward, reward + 0.99 * best)
    return ((torch.maximum(q_halt, q_continue) - target) ** 2).mean()


def replay_loss(
    weights: dict[str, Tensor], system: System, experiences: Sequence[Experience]
) -> Tensor:
    """The loss on the latest 32 of `experiences`, which are in order of time."""
    latest = experiences[-32:]
    states = torch.stack([entry.state for entry in latest])
    next_states = torch.stack([entry.next_state for entry in latest])
    reward = torch.tensor([entry.reward for entry in latest], dtype=states.dtype)
    terminal = torch.tensor([entry.terminal for entry in latest])
    now = think(weights, system, states)
    with torch.no_grad():
        later = think(weights, system, next_states)
    loss = two_head_loss if system.two_heads else one_map_loss
    return loss(now.q_halt, now.q_continue, later.q_halt, later.q_continue, reward, terminal)


def gradients(loss: Tensor, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The gradient of every weight; zeros if the loss doesn't depend on it."""
    found = torch.autograd.grad(
        loss, list(weights.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(weights, found, strict=True))


def train(
    weights: dict[str, Tensor],
    system: System,
    experiences: Sequence[Experience],
    updates: int = 5,
    *,
    lr: float = 1e-4,
    learn_connection: bool = False,
) -> tuple[list[float], dict[str, Tensor]]:
    """Train with Adam, each update on the latest 32 of the (at most 1,000) experiences.

    Adam: beta = (0.9, 0.999), epsilon 1e-8, no weight decay.

    Returns:
        The loss before each update, and the weights after the last one (without gradient).
    """
    buffer = experiences[-1000:]
    weights = {name: weight.detach().clone() for name, weight in weights.items()}
    first = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    second = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    history = []
    for t in range(1, updates + 1):
        leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
        loss = replay_loss(leaves, system, buffer)
        history.append(loss.item())
        for name, g in gradients(loss, leaves).items():
            if name == "connection.weight" and not learn_connection:
                continue
            first[name] = 0.9 * first[name] + (1 - 0.9) * g
            second[name] = 0.999 * second[name] + (1 - 0.999) * g**2
            unbiased_first = first[name] / (1 - 0.9**t)
            unbiased_second = second[name] / (1 - 0.999**t)
            weights[name] = weights[name] - lr * unbiased_first / (unbiased_second.sqrt() + 1e-8)
    return history, weights
