"""A training step of act-v1, compared with a plain stack of the same blocks.

The step is the forward and backward pass of one segment: from tokens, with gradients through the
last low and the last high update, to answer, Q values and their loss. Both arms have the same
weights and the same loss; the target is a ratio of at most 1. The optimiser and the look-ahead,
which would be the same in both arms, are left out.

Shapes: B batch, S positions, D width, H heads, E = D / H.

`python -m bench.training` prints a table.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import ratio
from hrm import recipes
from hrm.config.learning import QHalting, System
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.training import q_losses

layers, width, heads, positions, cycles, eps = 2, 128, 8, 81, 2, 1e-5


class ActV1(ratio.Ratios):
    """The model over the plain stack; width 128, 2 + 2 layers, 81 positions, float32."""

    params = ((32,),)
    param_names = ("batch",)
    blocks = 9

    def track_step(self, batch: int) -> float:
        """Return the ratio; the target is at most 1."""
        first, second = (step(model, *data(batch)) for model in models())
        return self.median(ratio.Pair(first=first, second=second))


class Answer(NamedTuple):
    """Logits [B, S, classes], Q values [B, 2], the loss."""

    prediction: Tensor
    q: Tensor
    loss: Tensor


class Block(nn.Module):
    """x ← norm(x + attention(x)); x ← norm(x + SwiGLU(x))."""

    def __init__(self, inner: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        b, s, d = x.shape
        qkv = self.qkv(x).view(b, s, 3, heads, d // heads)
        q, k, v = (t.transpose(1, 2) for t in qkv.unbind(2))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, s, d)
        x = F.rms_norm(x + self.out(y), (d,), eps=eps)
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return F.rms_norm(x + self.down(F.silu(gate) * up), (d,), eps=eps)


class Plain(nn.Module):
    """Low and high stack, with act-v1's schedule written out."""

    low_start: Tensor
    high_start: Tensor
    cos: Tensor
    sin: Tensor

    def __init__(self, vocabulary: int, inner: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary, width)
        self.low = nn.ModuleList(Block(inner) for _ in range(layers))
        self.high = nn.ModuleList(Block(inner) for _ in range(layers))
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.q = nn.Linear(width, 2)
        for name in ("low_start", "high_start"):
            self.register_buffer(name, torch.zeros(width))
        e = width // heads
        frequencies = 1 / 10_000.0 ** (torch.arange(0, e, 2) / e)
        angles = torch.outer(torch.arange(float(positions)), frequencies)
        for name, table in (("cos", angles.cos()), ("sin", angles.sin())):
            self.register_buffer(name, torch.cat([table, table], -1), persistent=False)

    def forward(self, tokens_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and Q values of the first segment."""
        x = math.sqrt(width) * self.table(tokens_BS)
        low, high = self.low_start.expand_as(x), self.high_start.expand_as(x)
        with torch.no_grad():
            for _ in range(cycles - 1):
                for _ in range(cycles):
                    low = self.run(self.low, low + (x + high))
                high = self.run(self.high, high + low)
            for _ in range(cycles - 1):
                low = self.run(self.low, low + (x + high))
        low = self.run(self.low, low + (x + high))
        high = self.run(self.high, high + low)
        return self.head(high), self.q(high[:, 0])

    def run(self, blocks: nn.ModuleList, x: Tensor) -> Tensor:
        """Run a level."""
        for block in blocks:
            x = block(x, self.cos, self.sin)
        return x


def rotate(x_BHSE: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate pairs (x_i, x_{i + E/2})."""
    first, second = x_BHSE.chunk(2, dim=-1)
    return x_BHSE * cos + torch.cat([-second, first], dim=-1) * sin


def system() -> System:
    """Return the timed system, without exploration and look-ahead."""
    made = recipes.act_v1(
        width=width,
        heads=heads,
        h_layers=layers,
        l_layers=layers,
        h_cycles=cycles,
        l_cycles=cycles,
        positions=positions,
        exploration=0.0,
    )
    return System(model=made.model, objective=QHalting(continue_loss=False))


@functools.cache
def models() -> tuple[HRM, Plain]:
    """Return the model and the plain stack with its weights."""
    torch.manual_seed(0)
    ours = HRM(system().model).train()
    weights = ours.state_dict()
    plain = Plain(
        ours.readout.out_features, weights["low.layers.0.feed_forward.down.weight"].shape[1]
    )
    plain.load_state_dict({k: weights[v] for k, v in names(plain).items()})
    return ours, plain


def names(plain: Plain) -> dict[str, str]:
    """Return the name in the model of each weight of the stack."""
    parts = {
        "table": "embed.table",
        "head": "readout",
        "q": "halting.heads.0",
        "low_start": "start_low.value",
        "high_start": "start_high.value",
        "qkv": "attention.qkv",
        "out": "attention.out",
        "gate_up": "feed_forward.gate_up",
        "down": "feed_forward.down",
    }
    found = {}
    for name in plain.state_dict():
        head, *rest = name.split(".")
        if head in ("low", "high"):
            layer, part, kind = rest
            found[name] = f"{head}.layers.{layer}.{parts[part]}.{kind}"
        else:
            found[name] = ".".join([parts[head], *rest])
    return found


def step(model: HRM | Plain, tokens: Tensor, targets: Tensor) -> Callable[[], Answer]:
    """Return a function that does the forward and backward pass, with new gradients each time."""
    objective = system().objective
    assert isinstance(objective, QHalting)
    if isinstance(model, HRM):
        offered = Batch(tokens, targets=targets)
        carry = model.begin(offered)

        def answer() -> tuple[Tensor, Tensor]:
            _, prediction, decision = model.advance(carry, offered)
            return prediction, decision.logits

    else:

        def answer() -> tuple[Tensor, Tensor]:
            prediction, q = model(tokens)
            return prediction, q

    def forward_backward() -> Answer:
        model.zero_grad(set_to_none=True)
        prediction, q = answer()
        loss = q_losses.segment_loss(objective, prediction, q, targets, None).total
        loss.backward()
        return Answer(prediction, q, loss)

    return forward_backward


def data(size: int, positions: int = positions) -> tuple[Tensor, Tensor]:
    """Return random tokens and targets, [B, S] each."""
    noise = torch.Generator().manual_seed(1)
    tokens, targets = torch.randint(0, 11, (2, size, positions), generator=noise).unbind()
    return tokens, targets


if __name__ == "__main__":
    ratio.main("bench.training", (ActV1,))
