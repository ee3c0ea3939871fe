"""What tests of systems of tokens share: names of weights, batches, and what a model draws."""

import torch

from ablations.references.act_v1 import Batch, Noise
from ablations.references.losses import IGNORED
from hrm.model import execution

batch, length, vocabulary, identities = 6, 5, 7, 4

OUTER = {
    "embed.table.weight": "tokens",
    "embed.positions.weight": "positions",
    "embed.puzzles.weights": "puzzles",
    "start_low.value": "low_init",
    "start_high.value": "high_init",
    "readout.weight": "lm_head",
    "halting.heads.0.weight": "q_head.weight",
    "halting.heads.0.bias": "q_head.bias",
}
BLOCK = {
    "attention.qkv.weight": "qkv",
    "attention.out.weight": "out",
    "mixing.gate_up.weight": "mix_gate_up",
    "mixing.down.weight": "mix_down",
    "feed_forward.gate_up.weight": "gate_up",
    "feed_forward.down.weight": "down",
}


def batches_of(count: int) -> list[Batch]:
    """Batches with repeated identities, unlabelled cells, and a sequence without any label."""
    g = torch.Generator().manual_seed(1)
    found = []
    for _ in range(count):
        labels = torch.randint(vocabulary, (batch, length), generator=g)
        labels[torch.rand(batch, length, generator=g) < 0.3] = IGNORED
        labels[2] = IGNORED
        inputs = torch.randint(vocabulary, (batch, length), generator=g)
        ids = torch.randint(identities, (batch,), generator=g)
        found.append({"inputs": inputs, "labels": labels, "identities": ids})
    return found


def batch_of(data: Batch) -> execution.Batch:
    return execution.Batch(data["inputs"], data["identities"], data["labels"])


def noises_of(generator: torch.Generator, count: int) -> list[Noise]:
    """What a model draws from an equal generator, step by step."""
    return [torch.rand(batch, 2, generator=generator).unbind(-1) for _ in range(count)]
