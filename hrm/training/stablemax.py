"""Stablemax: probabilities from logits by a map that grows linearly, not exponentially.

    s(x) = x + 1 for x ≥ 0,  1 / (1 − x) for x < 0
    p_c = s(x_c) / Σ_j s(x_j)

so that log s(x) = ± log(1 + |x|) with the sign of x. The cross-entropy with target y has the
gradient

    ∂(−log p_y) / ∂x_c = (p_c − 1[c = y]) / (1 + |x_c|)

Everything is computed in float64, whatever the type of the logits, because s spans 77 decades over
the range of float32. Results are float64; gradients have the type of the logits.

Shapes: logits [..., C] with C classes, targets [...].

Source: Prieto et al., "Grokking at the Edge of Numerical Stability" (2025); document act-v1.
Document complete uses the name for `shifted_softmax`.
"""

import torch
from torch import Tensor

IGNORED = -100  # label of positions without a loss


def stablemax(logits: Tensor) -> Tensor:
    """Return p_c = s(x_c) / Σ_j s(x_j), [..., C] in float64."""
    above, below = _halves(logits)
    s = (1 + above) / (1 + below)
    return s / s.sum(-1, keepdim=True)


def log_stablemax(logits: Tensor) -> Tensor:
    """Return log p_c = log s(x_c) − log Σ_j s(x_j), [..., C] in float64."""
    above, below = _halves(logits)
    return (above.log1p() - below.log1p()).log_softmax(-1)


def stablemax_cross_entropy(logits: Tensor, target: Tensor, ignored: int = IGNORED) -> Tensor:
    """Return −log p_y per element, [...] in float64; zero, without gradient, where y is `ignored`.

    Args:
        target: Classes y [...], each in 0 ... C − 1, or `ignored`.
    """
    labelled = target != ignored
    y = torch.where(labelled, target, 0).long()
    loss = -log_stablemax(logits).gather(-1, y.unsqueeze(-1)).squeeze(-1)
    return torch.where(labelled, loss, 0.0)


def shifted_softmax(logits: Tensor) -> Tensor:
    """Return softmax(x − max x), [..., C] in the type of the logits, which equals softmax(x).

    Source: document complete, whose code calls it stablemax.
    """
    return (logits - logits.amax(-1, keepdim=True).detach()).softmax(-1)  # no shift, no gradient


def _halves(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return (max(x, 0), max(−x, 0)) in float64; exactly one of them has slope 1, also at x = 0.

    NaN stays NaN. `clamp` or `abs` would give a slope of 2 or 0 at x = 0, where Q heads and padding
    start.
    """
    x = logits.double()
    negative = x < 0
    return torch.where(negative, 0.0, x), torch.where(negative, -x, 0.0)
