"""Straight-line optimiser steps of public code; they share no code with `hrm`.

Source: the sections "act-v1" and "complete" of the systems' description. Steps t count from 1; each
function returns new values and changes none. Weight decay acts equally on all trained weights.
"""

import math

import torch
from torch import Tensor

Moments = tuple[Tensor, Tensor]  # means of the gradient and of its square


def adam_atan2(
    p: Tensor,
    g: Tensor,
    moments: Moments,
    t: int,
    *,
    rate: float,
    decay: float,
    betas: tuple[float, float] = (0.9, 0.95),
) -> tuple[Tensor, Moments]:
    """`p (1 − lr wd) − lr/(1 − β1ᵗ) atan2(m, √v/√(1 − β2ᵗ))`; also the new moments."""
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
    moments: Moments,
    t: int,
    *,
    rate: float,
    decay: float,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> tuple[Tensor, Moments]:
    """`p (1 − lr wd) − lr/(1 − β1ᵗ) m / (√v/√(1 − β2ᵗ) + ε)`; also the new moments."""
    beta1, beta2 = betas
    m = beta1 * moments[0] + (1 - beta1) * g
    v = beta2 * moments[1] + (1 - beta2) * g * g
    p = p * (1 - rate * decay)
    scale = torch.sqrt(v) / math.sqrt(1 - beta2**t)
    p = p - rate / (1 - beta1**t) * m / (scale + epsilon)
    return p, (m, v)


def sign_sgd(
    table: Tensor, identities: Tensor, gradients: Tensor, *, rate: float, decay: float
) -> Tensor:
    """`p (1 − lr wd) − lr sign(Σ g)` only on the rows of `identities` [B]; gradients [B, n]."""
    sums: dict[int, Tensor] = {}
    for identity, gradient in zip(identities.tolist(), gradients, strict=True):
        sums[identity] = sums[identity] + gradient if identity in sums else gradient
    table = table.clone()
    for identity, gradient in sums.items():
        table[identity] = table[identity] * (1 - rate * decay) - rate * torch.sign(gradient)
    return table
