"""Straight-line reference of the `gru` system, with which the configurable model is compared.

Source: the document `gru` (README of "Hierarchical Reasoning Model": GRU cells, policy ACT,
meta-RL) and the project's notes on the systems. It is written only from the equations, and shares
no code with `hrm`.

Symbols: B batch, I input width (1024), L low width (256), H high width (512), O outputs (1), T low
steps per cycle (3), C cycles at most (5). A linear map is `weight [out, in]`, `bias [out]`.

Weights, one `dict[str, Tensor]`, all of one dtype (float32 or float64); `shapes` lists them:

    input.weight [L, I]     input.bias [L]        x~ = W x
    down.weight [L, H]      down.bias [L]         W_c, the high state seen by the low module
    low.weight_ih [3L, L]   low.bias_ih [3L]      GRU cell; rows in the order reset, update, new
    low.weight_hh [3L, L]   low.bias_hh [3L]
    high.weight_ih [3H, L]  high.bias_ih [3H]
    high.weight_hh [3H, H]  high.bias_hh [3H]
    output.weight [O, H]    output.bias [O]       W_o
    policy.weight [2, H]    policy.bias [2]       W_q, the logits (continue, stop)
    baseline.weight [1, H]  baseline.bias [1]     W_b, the value V

Random numbers are arguments: `noise[cycle, sample]`, uniform in [0, 1); a sampled decision is
"stop" iff softmax(logits)[stop] > u. There is no dropout.

Choices where the sources are ambiguous:

1. A greedy stop needs logits[stop] > logits[continue]; a tie continues.
2. The decision of a cycle reads z_H after that cycle's high update; cycles count from 1.
3. `detach_high_to_low` cuts z_H before W_c, so that W_c itself is still trained.
4. The reward is a constant: no gradient flows through R, in the advantage or in SmoothL1(V, R). The
   sources say this only of V in the advantage.
5. As coded, "log pi(a) at the stop" is log pi(stop) at a sample's last cycle, even if the stop was
   forced. State and logits are copies without gradient. Therefore the task loss trains only W_o and
   the baseline loss only W_b, and the policy loss has no gradient.
6. As documented, "all decisions" are the actions at every cycle in which a sample is alive:
   continue, ..., continue, stop. The stop that is forced at cycle C isn't a decision and
   contributes nothing (the text doesn't mention it). With C = 1 the policy loss is therefore 0.
7. As documented, one advantage per sample, with V at the state where it stopped, is used for all
its
   decisions (the text has A(s, a) = R - V(s) and doesn't say which s). It is normalised as in the
   code. The gradient of V reaches the state, like that of the prediction.
8. With ACT off every sample runs C cycles, and both kinds of training step are equal. The reward
   still counts the cycles, and the baseline is still trained, with a gradient that reaches z_H.
9. The task loss is the mean square over a sample's outputs, then the mean over the batch. SmoothL1
   changes its form at 1 and is averaged over the batch. B >= 2, because of the standard deviation.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

CONTINUE, STOP = 0, 1


class Step(NamedTuple):
    """Results of a training step: `prediction` [B, O], `cycles` [B] (integers), and scalars."""

    prediction: Tensor
    cycles: Tensor
    loss: Tensor
    task_loss: Tensor
    policy_loss: Tensor
    baseline_loss: Tensor
    cycles_mean: Tensor


def shapes(inputs: int, low: int, high: int, outputs: int = 1) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights."""
    return {
        "input.weight": (low, inputs),
        "input.bias": (low,),
        "down.weight": (low, high),
        "down.bias": (low,),
        "low.weight_ih": (3 * low, low),
        "low.weight_hh": (3 * low, low),
        "low.bias_ih": (3 * low,),
        "low.bias_hh": (3 * low,),
        "high.weight_ih": (3 * high, low),
        "high.weight_hh": (3 * high, high),
        "high.bias_ih": (3 * high,),
        "high.bias_hh": (3 * high,),
        "output.weight": (outputs, high),
        "output.bias": (outputs,),
        "policy.weight": (2, high),
        "policy.bias": (2,),
        "baseline.weight": (1, high),
        "baseline.bias": (1,),
    }


# ── The recursion ────────────────────────────────────────────────────────────────────────────────


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


def cycle(
    weights: dict[str, Tensor],
    embedded: Tensor,
    z_low: Tensor,
    z_high: Tensor,
    *,
    low_steps: int,
    detach_low_to_high: bool,
    detach_high_to_low: bool,
    mapped_once: bool = False,
) -> tuple[Tensor, Tensor]:
    """T low updates, then one high update; `embedded` is x~ [B, L].

    `mapped_once` maps the cycle's input and z_H once before the T low updates. The values are the
    same, but gradients are summed over updates before they are multiplied.
    """
    top = z_high.detach() if detach_high_to_low else z_high
    from_x, from_top = gru_inputs(weights, "low", embedded), affine(weights, "down", top)
    for step in range(low_steps):
        if step > 0 and not mapped_once:
            from_x, from_top = gru_inputs(weights, "low", embedded), affine(weights, "down", top)
        z_low = gru_update(weights, "low", from_x, z_low + from_top)
    bottom = z_low.detach() if detach_low_to_high else z_low
    z_high = gru_cell(weights, "high", bottom, z_high)
    return z_low, z_high


def initial_states(weights: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Zeros [B, L] and [B, H]."""
    low, high = weights["down.weight"].shape
    return x.new_zeros(len(x), low), x.new_zeros(len(x), high)


# ── Inference ────────────────────────────────────────────────────────────────────────────────────


def forward(
    weights: dict[str, Tensor],
    x: Tensor,
    *,
    max_cycles: int = 5,
    num_cycles: int | None = None,
    act: bool = True,
    low_steps: int = 3,
    detach_low_to_high: bool = True,
    detach_high_to_low: bool = False,
) -> tuple[Tensor, Tensor]:
    """Batch-wise inference of `x` [B, I]: prediction [B, O], cycles [B].

    It ends when all samples decide to stop in the same cycle, or after `max_cycles`. A given
    `num_cycles` runs that many cycles; with ACT off, `max_cycles` are run.
    """
    z_low, z_high = initial_states(weights, x)
    embedded = affine(weights, "input", x)
    most = max_cycles if num_cycles is None else num_cycles
    used = 0
    for _ in range(most):
        z_low, z_high = cycle(
            weights,
            embedded,
            z_low,
            z_high,
            low_steps=low_steps,
            detach_low_to_high=detach_low_to_high,
            detach_high_to_low=detach_high_to_low,
        )
        used += 1
        logits = affine(weights, "policy", z_high)
        wants_stop = logits[:, STOP] > logits[:, CONTINUE]
        if act and num_cycles is None and bool(wants_stop.all()):
            break
    return affine(weights, "output", z_high), torch.full((len(x),), used)


# ── The training step ────────────────────────────────────────────────────────────────────────────


def training_step(
    weights: dict[str, Tensor],
    x: Tensor,
    y: Tensor,
    noise: Tensor | None = None,
    *,
    documented: bool = False,
    act: bool = True,
    max_cycles: int = 5,
    low_steps: int = 3,
    cost: float = 0.0,
    detach_low_to_high: bool = True,
    detach_high_to_low: bool = False,
    mapped_once: bool = False,
) -> Step:
    """Predict and compute the losses; every sample stops on its own.

    Args:
        weights: Weights as described in the module's docstring.
        x: Inputs [B, I].
        y: Targets [B, O].
        noise: Uniform draws [C, B]; needed as documented with ACT on, otherwise unused.
        documented: Whether the step follows the text; otherwise it follows the public code.
        act: Whether samples may stop early.
        max_cycles: C.
        low_steps: T.
        cost: lambda in R = -l - lambda cycles.
        detach_low_to_high: Cut z_L before the high update.
        detach_high_to_low: Cut z_H before the low updates.
        mapped_once: See `cycle`.
    """
    batch = len(x)
    z_low, z_high = initial_states(weights, x)
    embedded = affine(weights, "input", x)
    alive = torch.ones(batch, dtype=torch.bool)
    cycles = torch.zeros(batch, dtype=torch.long)
    stop_state = torch.zeros_like(z_high)
    log_pi = x.new_zeros(batch)

    for c in range(1, max_cycles + 1):
        # All rows are computed, but rows that have stopped keep their states.
        new_low, new_high = cycle(
            weights,
            embedded,
            z_low,
            z_high,
            low_steps=low_steps,
            detach_low_to_high=detach_low_to_high,
            detach_high_to_low=detach_high_to_low,
            mapped_once=mapped_once,
        )
        z_low = torch.where(alive[:, None], new_low, z_low)
        z_high = torch.where(alive[:, None], new_high, z_high)
        cycles = cycles + alive.long()

        if not act:
            continue
        logits = affine(weights, "policy", z_high)
        last = c == max_cycles
        if documented:
            stop = decide_by_noise(logits, noise, c - 1)
        else:
            stop = logits[:, STOP] > logits[:, CONTINUE]
        stops_now = alive & (stop | last)

        if documented:
            log_probabilities = torch.log_softmax(logits, dim=1)
            taken = torch.where(stop, log_probabilities[:, STOP], log_probabilities[:, CONTINUE])
            if not last:
                log_pi = log_pi + torch.where(alive, taken, torch.zeros_like(taken))
            stop_state = torch.where(stops_now[:, None], z_high, stop_state)
        else:
            log_probabilities = torch.log_softmax(logits.detach(), dim=1)
            log_pi = torch.where(stops_now, log_probabilities[:, STOP], log_pi)
            stop_state = torch.where(stops_now[:, None], z_high.detach(), stop_state)

        alive = alive & ~stops_now
        if not bool(alive.any()):
            break

    if not act:
        stop_state = z_high
    return losses(weights, y, stop_state, cycles, log_pi if act else None, cost)


def decide_by_noise(logits: Tensor, noise: Tensor | None, index: int) -> Tensor:
    """A sample stops iff pi(stop) > u; `logits` [B, 2], booleans [B]."""
    assert noise is not None, "sampled decisions need noise[cycle, sample]"
    return torch.softmax(logits, dim=1)[:, STOP] > noise[index]


def losses(
    weights: dict[str, Tensor],
    y: Tensor,
    stop_state: Tensor,
    cycles: Tensor,
    log_pi: Tensor | None,
    cost: float,
) -> Step:
    """All losses from the stop-time states [B, H]; `log_pi` [B], or None with ACT off."""
    prediction = affine(weights, "output", stop_state)
    assert prediction.shape == y.shape, (prediction.shape, y.shape)
    per_sample = ((prediction - y) ** 2).mean(dim=1)
    task_loss = per_sample.mean()

    reward = -per_sample.detach() - cost * cycles.to(per_sample.dtype)
    value = affine(weights, "baseline", stop_state).squeeze(1)
    baseline_loss = smooth_l1(value - reward).mean()

    if log_pi is None:
        policy_loss = torch.zeros_like(task_loss)
    else:
        advantage = reward - value.detach()
        normalised = (advantage - advantage.mean()) / (advantage.std(correction=1) + 1e-8)
        policy_loss = -(log_pi * normalised).mean()

    return Step(
        prediction=prediction,
        cycles=cycles,
        loss=task_loss + policy_loss + baseline_loss,
        task_loss=task_loss,
        policy_loss=policy_loss,
        baseline_loss=baseline_loss,
        cycles_mean=cycles.to(per_sample.dtype).mean(),
    )


def smooth_l1(difference: Tensor) -> Tensor:
    """d^2 / 2 where |d| < 1, |d| - 1/2 elsewhere."""
    size = difference.abs()
    return torch.where(size < 1, 0.5 * difference**2, size - 0.5)


# ── Several steps ────────────────────────────────────────────────────────────────────────────────


def gradients(loss: Tensor, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The gradient of every weight; zeros if the loss doesn't depend on it."""
    found = torch.autograd.grad(
        loss, list(weights.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(weights, found, strict=True))


def train(
    weights: dict[str, Tensor],
    batches: Sequence[tuple[Tensor, Tensor]],
    noise: Tensor | None = None,
    updates: int = 5,
    *,
    lr: float = 1e-3,
    documented: bool = False,
    act: bool = True,
    max_cycles: int = 5,
    low_steps: int = 3,
    cost: float = 0.0,
    detach_low_to_high: bool = True,
    detach_high_to_low: bool = False,
) -> tuple[list[float], dict[str, Tensor]]:
    """Train with Adam on batch 0, 1, ..., which repeat if there are more updates than batches.

    `noise` has shape [updates, C, B]. Adam: beta = (0.9, 0.999), epsilon 1e-8, no weight decay.

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
            None if noise is None else noise[t - 1],
            documented=documented,
            act=act,
            max_cycles=max_cycles,
            low_steps=low_steps,
            cost=cost,
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
