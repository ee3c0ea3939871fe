"""Straight-line reference of the `v2` system: the `gru` cores and four switches.

Source: the document `v2` ("HierarchicalReasoningModel v2 Enhancements") and the project's notes on
the systems. It is written only from the equations, and shares no code with `hrm`.

Symbols: B batch, I input width (1024), L low width (256), H high width (512), O outputs (1), T low
steps per cycle (3), C cycles at most (8). A linear map is `weight [out, in]`, `bias [out]`.

Weights, one `dict[str, Tensor]`, all of one dtype (float32 or float64); `shapes` lists them:

    input, down, low, high, output, baseline    as in the `gru` reference; high reads the summary
    policy.0.weight [H/2, H]    policy.0.bias [H/2]     with the original controller
    policy.0.weight [H/2, H+1]  policy.0.bias [H/2]     with the optimised controller
    policy.1.weight [H/4, H/2]  policy.1.bias [H/4]
    policy.2.weight [2, H/4]    policy.2.bias [2]       logits (continue, stop)
    summary.weight [L, L]       summary.bias [L]        aggregation "map"
    attention.query, .key, .value, .output: .weight [L, L], .bias [L]     "single" and "sequence"
    query.weight [L, H]         query.bias [L]          "sequence"

Random numbers are arguments: `noise[cycle, sample]`, uniform in [0, 1); a sampled decision is
"stop" iff softmax(logits)[stop] > u. Without noise (evaluation) decisions are greedy. The system's
dropout (0.1, in the policy network and the aggregation) is left out: compare with it off.

Choices where the sources are ambiguous:

1. A greedy stop needs logits[stop] > logits[continue]; a tie continues. Cycle i counts from 0 in
   i / C and in m_i; `cycles` is the number of cycles run. In lockstep it is the batch's for all.
2. "We keep the `gru` cores" includes its two detach flags: z_L is cut (by default) before it is
   aggregated, so that the aggregation itself is trained; z_H is cut (not by default) only before
   W_c, not before the query.
3. The query reads z_H as it is before the high update; the key and value states are the T low
   states of the running cycle. Head h takes the h-th block of L/8 channels; scale 1/sqrt(L/8).
4. `ReLU(W z_L)` keeps the low width, like the attentions.
5. The baseline stays `gru`'s linear map, of z_H without the cycle. Its factor in the loss is 1.
6. The reward is a constant: no gradient flows through R. Its squared error is the mean over a
   sample's outputs, as in the task loss.
7. If samples halt on their own, a row that has stopped isn't computed: its log pi, value and
entropy
   are zero. Thus `MSE(V_i, R m_i)` is the batch mean of (V_i m_i - R m_i)^2. In lockstep m_i is
   always 1.
8. Entropy and baseline count every cycle in which a row is alive, including the last one, although
   its stop is forced. The same applies to `log pi_i(stop)` in the original policy loss.
9. `score="action"` is the variant that scores the drawn action, log pi_i(a_i). There the stop that
   is forced at i = C - 1 isn't a decision and contributes nothing to the policy loss, but counts as
   live in the corrected mean. In lockstep, a row that drew a stop without being able to stop is
   scored by its drawn action in each cycle.
10. `use_corrected_meta_rl` replaces only the mean in the policy loss, which is the only one in the
    document; `corrected_everywhere=True` is a wider interpretation, also for baseline and entropy.
    The small epsilon is 1e-8.
11. The learning rate isn't given; it is 1e-3, as in `gru`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

CONTINUE, STOP = 0, 1


class Flags(NamedTuple):
    """The document's four switches; with all off, the system is the original."""

    use_per_sample_act: bool = False
    use_corrected_meta_rl: bool = False
    use_sequence_attention: bool = False
    use_optimized_controller: bool = False


ORIGINAL = Flags()


class Trace(NamedTuple):
    """A forward pass: prediction [B, O] and cycles [B]; all others have one entry per cycle.

    They are `logits` [B, 2], `values` [B] and `actions` [B] (True: stop, as drawn, before forcing).
    """

    prediction: Tensor
    cycles: Tensor
    logits: list[Tensor]
    values: list[Tensor]
    actions: list[Tensor]


class Step(NamedTuple):
    """Results of a training step.

    loss = task_loss + policy_loss + baseline_loss + entropy_loss + cycle_loss; the last two include
    their factors, -0.01 and +0.01.
    """

    prediction: Tensor
    cycles: Tensor
    loss: Tensor
    task_loss: Tensor
    policy_loss: Tensor
    baseline_loss: Tensor
    entropy_loss: Tensor
    cycle_loss: Tensor
    cycles_mean: Tensor


def shapes(
    inputs: int,
    low: int,
    high: int,
    outputs: int = 1,
    flags: Flags = ORIGINAL,
    original_aggregation: str = "map",
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights."""
    maps = {
        "input": (low, inputs),
        "down": (low, high),
        "output": (outputs, high),
        "baseline": (1, high),
        "policy.0": (high // 2, high + 1 if flags.use_optimized_controller else high),
        "policy.1": (high // 4, high // 2),
        "policy.2": (2, high // 4),
    }
    if flags.use_sequence_attention:
        maps["query"] = (low, high)
    if flags.use_sequence_attention or original_aggregation == "single":
        for name in ("query", "key", "value", "output"):
            maps[f"attention.{name}"] = (low, low)
    else:
        maps["summary"] = (low, low)
    found: dict[str, tuple[int, ...]] = {}
    for name, (out_width, in_width) in maps.items():
        found[f"{name}.weight"] = (out_width, in_width)
        found[f"{name}.bias"] = (out_width,)
    for name, width in (("low", low), ("high", high)):
        found[f"{name}.weight_ih"] = (3 * width, low)
        found[f"{name}.weight_hh"] = (3 * width, width)
        found[f"{name}.bias_ih"] = (3 * width,)
        found[f"{name}.bias_hh"] = (3 * width,)
    return found


# ── The cores ────────────────────────────────────────────────────────────────────────────────────


def affine(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """W x + b."""
    return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def gru_cell(weights: dict[str, Tensor], name: str, x: Tensor, h: Tensor) -> Tensor:
    """Return the next hidden state of a GRU cell."""
    return gru_update(weights, name, gru_inputs(weights, name, x), h)


def gru_inputs(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """The mapped input of a cell: W_i x + b_i for reset, update, new."""
    return linear(x, weights[f"{name}.weight_ih"], weights[f"{name}.bias_ih"])


def gru_update(weights: dict[str, Tensor], name: str, from_x: Tensor, h: Tensor) -> Tensor:
    """Return the next hidden state of a GRU cell whose input is mapped.

    r = sigma(W_ir x + b_ir + W_hr h + b_hr), u = sigma(W_iu x + b_iu + W_hu h + b_hu),
    n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - u) n + u h = n + u (h - n).
    """
    from_h = linear(h, weights[f"{name}.weight_hh"], weights[f"{name}.bias_hh"])
    x_reset, x_update, x_new = from_x.chunk(3, dim=1)
    h_reset, h_update, h_new = from_h.chunk(3, dim=1)
    reset = torch.sigmoid(h_reset + x_reset)
    update = torch.sigmoid(h_update + x_update)
    new = torch.tanh(x_new + h_new * reset)
    return (h - new) * update + new


# ── The replaced parts: aggregation, controller ──────────────────────────────────────────────────


def aggregate(
    weights: dict[str, Tensor], trace: list[Tensor], z_high: Tensor, aggregation: str, heads: int
) -> Tensor:
    """Compute the high update's input [B, L] from the cycle's low states (T of [B, L])."""
    last = trace[-1]
    if aggregation == "map":
        return torch.relu(affine(weights, "summary", last))
    if aggregation == "single":
        return attention(weights, last, last[:, None], heads)
    assert aggregation == "sequence", aggregation
    return attention(weights, affine(weights, "query", z_high), torch.stack(trace, dim=1), heads)


def attention(weights: dict[str, Tensor], query: Tensor, memory: Tensor, heads: int) -> Tensor:
    """Multi-head attention of one query [B, L] over a memory [B, N, L]; result [B, L]."""
    q = affine(weights, "attention.query", query)
    k = affine(weights, "attention.key", memory)
    v = affine(weights, "attention.value", memory)
    width = q.shape[1] // heads
    assert width * heads == q.shape[1], "heads must divide the low width"
    results = []
    for head in range(heads):
        channels = slice(head * width, (head + 1) * width)
        scores = (q[:, None, channels] * k[:, :, channels]).sum(dim=2) / math.sqrt(width)
        probabilities = torch.softmax(scores, dim=1)
        results.append((probabilities[:, :, None] * v[:, :, channels]).sum(dim=1))
    return affine(weights, "attention.output", torch.cat(results, dim=1))


def controller(
    weights: dict[str, Tensor], z_high: Tensor, index: int, max_cycles: int, optimized: bool
) -> Tensor:
    """Logits [B, 2] from the state [z_H ; c / C], `z_high` [B, H] being detached already."""
    batch, width = z_high.shape
    state = torch.cat([z_high, z_high.new_full((batch, 1), index / max_cycles)], dim=1)
    if not optimized:
        identity = torch.eye(width, dtype=state.dtype)
        ones = torch.ones(width, 1, dtype=state.dtype)
        matrix = torch.cat([identity, ones], dim=1)
        state = linear(state, matrix)
    hidden = torch.relu(affine(weights, "policy.0", state))
    hidden = torch.relu(affine(weights, "policy.1", hidden))
    return affine(weights, "policy.2", hidden)


# ── The forward pass ─────────────────────────────────────────────────────────────────────────────


def forward(
    weights: dict[str, Tensor],
    x: Tensor,
    noise: Tensor | None = None,
    flags: Flags = ORIGINAL,
    *,
    original_aggregation: str = "map",
    max_cycles: int = 8,
    low_steps: int = 3,
    heads: int = 8,
    detach_low_to_high: bool = True,
    detach_high_to_low: bool = False,
    mapped_once: bool = False,
) -> Trace:
    """Run all cycles, according to the flags.

    Args:
        weights: Weights as described in the module's docstring.
        x: Inputs [B, I].
        noise: Uniform draws [C, B]: decisions are sampled (training); None: greedy (evaluation).
        flags: `use_corrected_meta_rl` has no effect here.
        original_aggregation: "map" or "single": what `use_sequence_attention` replaces.
        max_cycles: C.
        low_steps: T.
        heads: Number of attention heads.
        detach_low_to_high: Cut the low states before the aggregation.
        detach_high_to_low: Cut z_H before the low updates.
        mapped_once: Map a cycle's input and z_H before its low updates instead of in each: the same
            numbers, but gradients are then summed over updates before they are multiplied.
    """
    aggregation = "sequence" if flags.use_sequence_attention else original_aggregation
    batch = len(x)
    low, high = weights["down.weight"].shape
    z_low, z_high = x.new_zeros(batch, low), x.new_zeros(batch, high)
    embedded = affine(weights, "input", x)
    alive = torch.ones(batch, dtype=torch.bool)
    cycles = torch.zeros(batch, dtype=torch.long)
    logits_of, values_of, actions_of = [], [], []

    for i in range(max_cycles):
        # One cycle: T low updates, the aggregation, one high update.
        top = z_high.detach() if detach_high_to_low else z_high
        new_low = z_low
        trace = []
        from_x, from_top = gru_inputs(weights, "low", embedded), affine(weights, "down", top)
        for step in range(low_steps):
            if step > 0 and not mapped_once:
                from_x = gru_inputs(weights, "low", embedded)
                from_top = affine(weights, "down", top)
            new_low = gru_update(weights, "low", from_x, new_low + from_top)
            trace.append(new_low.detach() if detach_low_to_high else new_low)
        summary = aggregate(weights, trace, z_high, aggregation, heads)
        new_high = gru_cell(weights, "high", summary, z_high)

        # Rows that have stopped keep their states (in lockstep none has before the end).
        z_low = torch.where(alive[:, None], new_low, z_low)
        z_high = torch.where(alive[:, None], new_high, z_high)
        cycles = cycles + alive.long()

        # Controller and baseline read the state without gradient.
        state = z_high.detach()
        logits = controller(weights, state, i, max_cycles, flags.use_optimized_controller)
        if noise is None:
            action = logits[:, STOP] > logits[:, CONTINUE]
        else:
            action = torch.softmax(logits, dim=1)[:, STOP] > noise[i]
        logits_of.append(logits)
        values_of.append(affine(weights, "baseline", state).squeeze(1))
        actions_of.append(action)

        forced = i == max_cycles - 1
        if flags.use_per_sample_act:
            alive = alive & ~(action | forced)
            if not bool(alive.any()):
                break
        elif bool(action.all()) or forced:
            break

    prediction = affine(weights, "output", z_high)
    return Trace(prediction, cycles, logits_of, values_of, actions_of)


# ── The losses ───────────────────────────────────────────────────────────────────────────────────


def mean_over(terms: Tensor, mask: Tensor, corrected: bool, epsilon: float) -> Tensor:
    """Average `terms` [B], zeros where `mask` [B] is 0: over B, or over the live if corrected."""
    if corrected:
        return (terms * mask).sum() / (mask.sum() + epsilon)
    return (terms * mask).mean()


def training_step(
    weights: dict[str, Tensor],
    x: Tensor,
    y: Tensor,
    noise: Tensor | None,
    flags: Flags = ORIGINAL,
    *,
    score: str = "stop",
    corrected_everywhere: bool = False,
    cost: float = 0.01,
    entropy_weight: float = 0.01,
    cycle_weight: float = 0.01,
    epsilon: float = 1e-8,
    original_aggregation: str = "map",
    max_cycles: int = 8,
    low_steps: int = 3,
    heads: int = 8,
    detach_low_to_high: bool = True,
    detach_high_to_low: bool = False,
    mapped_once: bool = False,
) -> Step:
    """Predict and take the losses; `y` [B, O], `noise` [C, B], the rest as for `forward`.

    `score` is "stop" (log pi_i(stop) in every live cycle) or "action" (log pi_i(a_i)).
    """
    run = forward(
        weights,
        x,
        noise,
        flags,
        original_aggregation=original_aggregation,
        max_cycles=max_cycles,
        low_steps=low_steps,
        heads=heads,
        detach_low_to_high=detach_low_to_high,
        detach_high_to_low=detach_high_to_low,
        mapped_once=mapped_once,
    )
    assert run.prediction.shape == y.shape, (run.prediction.shape, y.shape)
    cycles = run.cycles.to(x.dtype)
    error = ((run.prediction - y) ** 2).mean(dim=1)
    task_loss = error.mean()
    reward = -error.detach() - cost * cycles

    corrected = flags.use_corrected_meta_rl
    policy_loss = torch.zeros_like(task_loss)
    baseline_loss = torch.zeros_like(task_loss)
    entropy = torch.zeros_like(task_loss)
    for i in range(len(run.logits)):
        mask = (run.cycles > i).to(x.dtype)
        log_pi = torch.log_softmax(run.logits[i], dim=1)
        if score == "stop":
            scored = log_pi[:, STOP]
        elif i < max_cycles - 1:
            scored = torch.where(run.actions[i], log_pi[:, STOP], log_pi[:, CONTINUE])
        else:
            scored = torch.zeros_like(error)
        value = run.values[i]
        advantage = reward - value.detach()
        policy_loss = policy_loss - mean_over(scored * advantage, mask, corrected, epsilon)

        wide = corrected and corrected_everywhere
        baseline_loss = baseline_loss + mean_over((value - reward) ** 2, mask, wide, epsilon)
        entropy_i = -(log_pi.exp() * log_pi).sum(dim=1)
        entropy = entropy + mean_over(entropy_i, mask, wide, epsilon)

    entropy_loss = -entropy_weight * entropy
    cycle_loss = cycle_weight * cycles.mean()
    return Step(
        prediction=run.prediction,
        cycles=run.cycles,
        loss=task_loss + policy_loss + baseline_loss + entropy_loss + cycle_loss,
        task_loss=task_loss,
        policy_loss=policy_loss,
        baseline_loss=baseline_loss,
        entropy_loss=entropy_loss,
        cycle_loss=cycle_loss,
        cycles_mean=cycles.mean(),
    )


# ── Several steps ────────────────────────────────────────────────────────────────────────────────


def gradients(loss: Tensor, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The gradient of every weight; zeros where the loss doesn't depend on it."""
    found = torch.autograd.grad(
        loss, list(weights.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(weights, found, strict=True))


def train(
    weights: dict[str, Tensor],
    batches: Sequence[tuple[Tensor, Tensor]],
    noise: Tensor,
    updates: int = 5,
    flags: Flags = ORIGINAL,
    *,
    lr: float = 1e-3,
    score: str = "stop",
    corrected_everywhere: bool = False,
    cost: float = 0.01,
    entropy_weight: float = 0.01,
    cycle_weight: float = 0.01,
    epsilon: float = 1e-8,
    original_aggregation: str = "map",
    max_cycles: int = 8,
    low_steps: int = 3,
    heads: int = 8,
    detach_low_to_high: bool = True,
    detach_high_to_low: bool = False,
) -> tuple[list[float], dict[str, Tensor]]:
    """Train with Adam on batch 0, 1, ... (over again from the first when they run out).

    `noise` [updates, C, B]. Adam: beta = (0.9, 0.999), epsilon 1e-8, no weight decay.

    Returns:
        The loss before each update, and the weights after the last one (without gradient).
    """
    weights = {name: weight.detach().clone() for name, weight in weights.items()}
    first = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    second = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    history = []
    for t in range(1, updates + 1):
        x, y = batches[(t - 1) % len(batches)]
        leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
        step = training_step(
            leaves,
            x,
            y,
            noise[t - 1],
            flags,
            score=score,
            corrected_everywhere=corrected_everywhere,
            cost=cost,
            entropy_weight=entropy_weight,
            cycle_weight=cycle_weight,
            epsilon=epsilon,
            original_aggregation=original_aggregation,
            max_cycles=max_cycles,
            low_steps=low_steps,
            heads=heads,
            detach_low_to_high=detach_low_to_high,
            detach_high_to_low=detach_high_to_low,
        )
        history.append(step.loss.item())
        for name, g in gradients(step.loss, leaves).items():
            first[name] = 0.9 * first[name] + (1 - 0.9) * g
            second[name] = 0.999 * second[name] + (1 - 0.999) * g**2
            unbiased_first = first[name] / (1 - 0.9**t)
            unbiased_second = second[name] / (1 - 0.999**t)
            weights[name] = weights[name] - lr * unbiased_first / (unbiased_second.sqrt() + 1e-8)
    return history, weights
