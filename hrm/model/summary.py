"""Summaries: what the high level reads of the low states of a cycle.

A summary maps (trace, z_H) to [..., D_low]; the trace holds the last `window` low states of the
cycle.
"""

import torch
from torch import Tensor, nn

from hrm import config
from hrm.model import layers
from hrm.model.registry import builds


class Summary(nn.Module):
    """Maps the cycle's last `window` low states and the high state to what the high level reads."""

    window: int


class LastStep(Summary):
    """z_L, or dropout(ReLU(W z_L)).

    Source: documents gru ("z_L_summary") and v2 (its original's default).
    """

    window = 1

    def __init__(self, part: config.LastStep, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, width) if part.project else None
        self.dropout = layers.Dropout(part.dropout)

    def forward(self, trace: tuple[Tensor, ...], high: Tensor) -> Tensor:
        if self.project is None:
            return trace[-1]
        y: Tensor = self.dropout(torch.relu(self.project(trace[-1])))
        return y


class StepAttention(Summary):
    """Attention in which query, key and value are the last low state, a sequence of one.

    The softmax over a single key is one, so the result is W_o (W_v z_L) for every query.

    Source: document v2, "True Sequence-Level Attention Aggregation", original.
    """

    window = 1

    def __init__(self, part: config.StepAttention, width: int) -> None:
        super().__init__()
        self.attention = layers.CrossAttention(width, part.heads)

    def forward(self, trace: tuple[Tensor, ...], high: Tensor) -> Tensor:
        z_B1D = trace[-1].unsqueeze(1)
        y: Tensor = self.attention(z_B1D, z_B1D).squeeze(1)
        return y


class TraceAttention(Summary):
    """Attention from the high state over the T low states of the cycle.

    Source: document v2, "Sequence Attention Mathematics".
    """

    def __init__(self, part: config.TraceAttention, width: int, high: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attention = layers.CrossAttention(width, part.heads, query_width=high)

    def forward(self, trace: tuple[Tensor, ...], high: Tensor) -> Tensor:
        y: Tensor = self.attention(high.unsqueeze(1), torch.stack(trace, dim=1)).squeeze(1)
        return y


# -- builders -------------------------------------------------------------------------------------
@builds(config.LastStep)
def _last_step(part: config.LastStep, c: config.HRMConfig) -> LastStep:
    return LastStep(part, c.low.width)


@builds(config.StepAttention)
def _step_attention(part: config.StepAttention, c: config.HRMConfig) -> StepAttention:
    return StepAttention(part, c.low.width)


@builds(config.TraceAttention)
def _trace_attention(part: config.TraceAttention, c: config.HRMConfig) -> TraceAttention:
    return TraceAttention(part, c.low.width, c.high.width, c.low_steps)
