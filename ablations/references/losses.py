"""Straight-line losses of the section "act-v1"; they share no code with `hrm`.

B sequences, S positions, V classes; labels are [B, S], and −100 is ignored. Stablemax is always in
float64, softmax cross-entropy in the dtype of the logits.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORED = -100


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
    """Whether the largest logit is the label's at every labelled position, [B]; true without."""
    right = logits.argmax(dim=-1) == labels
    return (right | (labels == IGNORED)).all(dim=-1)


def binary_cross_entropy(logit: Tensor, target: Tensor) -> Tensor:
    """`−t log σ(z) − (1 − t) log(1 − σ(z))`, [B]."""
    return -(target * F.logsigmoid(logit) + (1 - target) * F.logsigmoid(-logit))
