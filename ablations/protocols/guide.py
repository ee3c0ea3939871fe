"""The training loop that document act-v1 prints, on the names that it imports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hrm.config import Minimum, QLearning, SwiGlu, Tokens, Transformer
from hrm.config.learning import System
from hrm.models import CastedSparseEmbeddingSignSGD_Distributed, HRMACTv1

Tensors = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Found:
    """The results of one printed training step.

    Args:
        outputs: Outputs of the forward pass.
        language: The language loss.
        q: The loss of the Q values; zero without a target.
    """

    outputs: Tensors
    language: Tensor
    q: Tensor

    @property
    def loss(self) -> Tensor:
        """The printed sum, with the printed weight of the Q loss."""
        return self.language + 0.1 * self.q


def view(system: System, seed: int) -> HRMACTv1:
    """Return a system of `recipes.act_v1` as the document's model, in training mode."""
    c = system.model
    assert isinstance(c.embedding, Tokens) and isinstance(c.halting, QLearning)
    assert isinstance(c.low, Transformer) and isinstance(c.high, Transformer)
    assert isinstance(c.low.feed_forward, SwiGlu)
    puzzles, part = c.embedding.puzzles, c.halting.exploration
    torch.manual_seed(seed)
    model = HRMACTv1(
        {
            "batch_size": 8,
            "seq_len": c.embedding.positions,
            "vocab_size": c.embedding.vocabulary,
            "puzzle_emb_ndim": puzzles.size if puzzles else 0,
            "num_puzzle_identifiers": puzzles.identities if puzzles else 1,
            "H_cycles": c.cycles,
            "L_cycles": c.low_steps,
            "H_layers": c.high.layers,
            "L_layers": c.low.layers,
            "hidden_size": c.low.width,
            "num_heads": c.low.heads,
            "pos_encodings": "learned" if c.embedding.learned_positions else "rope",
            "halt_max_steps": c.halting.max_steps,
            "halt_exploration_prob": part.probability if isinstance(part, Minimum) else 0.0,
            "forward_dtype": "bfloat16" if c.bfloat16 else "float32",
        }
    )
    assert model.config.system() == system, "the arm is none that the document's keys describe"
    return model.train()


def batches(system: System, seed: int, *, batch: int = 8) -> Iterator[tuple[Tensors, Tensor]]:
    """Yield random batches and targets [B, S], without end."""
    part = system.model.embedding
    assert isinstance(part, Tokens)
    generator = torch.Generator().manual_seed(seed)
    identities = part.puzzles.identities if part.puzzles else 1
    while True:
        inputs, targets = torch.randint(
            part.vocabulary, (2, batch, part.positions), generator=generator
        ).unbind()
        rows = torch.randint(identities, (batch,), generator=generator, dtype=torch.int32)
        yield {"inputs": inputs, "puzzle_identifiers": rows}, targets


def step(model: HRMACTv1, batch: Tensors, targets: Tensor) -> Found:
    """Return the results of the printed training step from a new carry, up to its losses."""
    carry = model.initial_carry(batch)
    carry, outputs = model(carry, batch)
    logits = outputs["logits"]
    language = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))
    q = language.new_zeros(())
    if "target_q_continue" in outputs:
        q = F.mse_loss(outputs["q_continue_logits"].sigmoid(), outputs["target_q_continue"])
    return Found(outputs=outputs, language=language, q=q)


def averaging(model: HRMACTv1, batch: Tensors, targets: Tensor) -> Callable[[], None]:
    """Return the printed custom logic as an update: the mean of all steps' logits is learned."""

    def update() -> None:
        model.zero_grad(set_to_none=True)
        carry, kept = model.initial_carry(batch), []
        for _ in range(model.config.halt_max_steps):
            carry, outputs = model(carry, batch)
            kept.append(outputs["logits"])
            if carry.halted.all():
                break
        mean = torch.stack(kept).mean(dim=0)
        F.cross_entropy(mean.reshape(-1, mean.shape[-1]), targets.reshape(-1)).backward()

    return update


def optimiser(model: HRMACTv1, *, decay: float = 0.01) -> torch.optim.Optimizer:
    """Return the printed optimiser of all parameters but the puzzle table's, which has none."""
    parameters = [p for name, p in model.named_parameters() if "puzzle_emb" not in name]
    return torch.optim.AdamW(parameters, lr=3e-4, weight_decay=decay)


def sparse_optimiser(model: HRMACTv1) -> torch.optim.Optimizer:
    """Return the printed optimiser of the puzzle table, for one process."""
    return CastedSparseEmbeddingSignSGD_Distributed(
        model.puzzle_emb.parameters(), world_size=1, lr=1e-3, weight_decay=1e-2
    )


def trained(system: System, seed: int, updates: int) -> HRMACTv1:
    """Return the document's model after a number of printed training steps on random batches."""
    model = view(system, seed)
    adam, source = optimiser(model), batches(system, seed)
    torch.manual_seed(seed)  # exploration draws from here
    for _ in range(updates):
        step(model, *next(source)).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        adam.zero_grad()
    return model
