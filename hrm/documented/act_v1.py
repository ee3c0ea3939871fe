"""Document act-v1: ``HRMACTv1`` and the optimiser of its puzzle embeddings.

As coded, evaluation takes all steps; sequences that have halted start again at the next call, on
the batch's row of the same index.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from hrm import recipes
from hrm.config import Transformer
from hrm.config.learning import System
from hrm.config.parts import require
from hrm.documented.common import DocumentOptions, View, described, positive, read, whole
from hrm.model import HRM
from hrm.model.embedding import TokenEmbedding
from hrm.model.execution import Batch, Carry
from hrm.model.puzzles import PuzzleTable
from hrm.training import q_losses, scaling
from hrm.training.optim import SparseSignSGD


@dataclass(frozen=True, kw_only=True)
class ActConfig(DocumentOptions):
    """The document's keys; those with a default may be left out.

    Args:
        batch_size: Accepted because it is printed; batches of any size are allowed.
        seq_len: Number of positions.
        vocab_size: Number of tokens.
        num_puzzle_identifiers: Number of rows of the puzzle table.
        puzzle_emb_ndim: Size of a row; 0 for no puzzle table.
        H_cycles: High updates per halting step.
        L_cycles: Low updates per high update.
        H_layers: Layers of the high level.
        L_layers: Layers of the low level.
        hidden_size: Width of the layers.
        num_heads: Attention heads of a layer.
        expansion: Expansion of the feed-forward networks.
        pos_encodings: "rope" or "learned".
        rope_theta: Base frequency of rotary position embeddings.
        halt_max_steps: Largest number of halting steps.
        halt_exploration_prob: Probability of exploration in training.
        forward_dtype: "bfloat16", "float32", or on a GPU "float16", of the activations; weights and
            Q values are float32. Float16 needs a scaled loss: `HRMACTv1.scaling`.
        gradient_checkpointing: Whether activations are computed again in the backward pass instead
            of kept ("Memory Optimization").
        halt_in_evaluation: Whether sequences halt in evaluation mode, too; as coded, they take all
            steps.

    Raises:
        UserError: If a value is of another type or impossible.

    Source: document act-v1, "Key Parameters".
    """

    batch_size: int
    seq_len: int
    vocab_size: int
    num_puzzle_identifiers: int
    H_cycles: int
    L_cycles: int
    H_layers: int
    L_layers: int
    hidden_size: int
    num_heads: int
    pos_encodings: str
    halt_max_steps: int
    halt_exploration_prob: float
    forward_dtype: str = "bfloat16"
    puzzle_emb_ndim: int = 0
    expansion: float = 4.0
    rope_theta: float = 10_000.0
    gradient_checkpointing: bool = False
    halt_in_evaluation: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "batch_size", "seq_len", "vocab_size", "num_puzzle_identifiers")
        positive(self, "H_cycles", "L_cycles", "H_layers", "L_layers", "halt_max_steps")
        positive(self, "hidden_size", "num_heads", "rope_theta")
        for name, allowed in (
            ("pos_encodings", ("rope", "learned")),
            ("forward_dtype", ("bfloat16", "float32", "float16")),
        ):
            value = getattr(self, name)
            require(value in allowed, name, value, " or ".join(allowed), f"use {allowed[0]!r}")
        even = 2 if self.pos_encodings == "rope" else 1
        require(
            self.hidden_size % (even * self.num_heads) == 0,
            "num_heads",
            self.num_heads,
            f"a divisor of hidden_size, {self.hidden_size}, into heads of an even size with rope",
            "change either",
        )
        require(
            self.puzzle_emb_ndim >= 0,
            "puzzle_emb_ndim",
            self.puzzle_emb_ndim,
            "0 for no puzzle embeddings, or their size",
            "use hidden_size, as the document does",
        )
        require(
            0 <= self.halt_exploration_prob <= 1,
            "halt_exploration_prob",
            self.halt_exploration_prob,
            "a probability, 0 to 1",
            "use 0.1",
        )
        require(self.expansion > 0, "expansion", self.expansion, "a positive number", "use 4.0")

    def system(self) -> System:
        """Return the configured system."""
        learned = self.pos_encodings == "learned"
        system = recipes.act_v1(
            vocabulary=self.vocab_size,
            positions=self.seq_len,
            width=self.hidden_size,
            heads=self.num_heads,
            h_layers=self.H_layers,
            l_layers=self.L_layers,
            h_cycles=self.H_cycles,
            l_cycles=self.L_cycles,
            expansion=self.expansion,
            puzzle_size=self.puzzle_emb_ndim,
            identities=self.num_puzzle_identifiers,
            learned_positions=learned,
            max_steps=self.halt_max_steps,
            exploration=self.halt_exploration_prob,
            halt_in_evaluation=self.halt_in_evaluation,
        )
        low, high = system.model.low, system.model.high
        assert isinstance(low, Transformer) and isinstance(high, Transformer)
        if not learned:
            low, high = (replace(level, rotary=self.rope_theta) for level in (low, high))
        model = replace(
            system.model,
            low=low,
            high=high,
            bfloat16=self.forward_dtype == "bfloat16",
            checkpointing=self.gradient_checkpointing,
        )
        return replace(system, model=model)


def _halved(_embed: nn.Module, _inputs: Any, x: Tensor) -> Tensor:
    """Return the output of an embedding in float16, the precision of everything that reads it."""
    return x.half()


class PuzzleEmbedding:
    """A puzzle table in the form that the document passes to its optimiser.

    The table keeps its own gradients and has no autograd parameters, so `parameters` yields the
    table itself.
    """

    def __init__(self, table: PuzzleTable) -> None:
        self.table = table

    def parameters(self) -> Iterator[PuzzleTable]:
        """Yield the table, which `CastedSparseEmbeddingSignSGD_Distributed` trains."""
        yield self.table


class HRMACTv1(View):
    """``carry, outputs = model(carry, batch)``: one segment for each sequence of a batch.

    Weights and exploration are drawn from torch's default generator.

    Args:
        config: A dictionary with the document's keys; see `ActConfig`.

    Raises:
        UserError: If a key is unknown or missing, or a value refused, float16 without a GPU too.

    Source: document act-v1, "Quick Start".
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = read(ActConfig, config, "document act-v1, Basic Usage")
        self.model = HRM(self.config.system().model)
        if self._half:
            self._scaled_on(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
            self.model.embed.register_forward_hook(_halved)

    @property
    def _half(self) -> bool:
        return self.config.forward_dtype == "float16"

    def _scaled_on(self, device: torch.device) -> None:
        """Refuse float16 where no loss is scaled."""
        require(
            scaling.able(device),
            "forward_dtype",
            self.config.forward_dtype,
            f"bfloat16 or float32 on the device {str(device)!r}: gradients underflow in float16, "
            "and a loss is scaled on a GPU alone",
            "use 'bfloat16', which has the range of float32, or move the model to a GPU",
        )

    def scaling(self, *optimizers: torch.optim.Optimizer) -> scaling.LossScaling:
        """Return what scales the loss, ``backward(loss)`` and ``step()``, in the place of theirs.

        With another ``forward_dtype`` than float16 it scales nothing, so that one training loop
        serves all.

        Args:
            optimizers: All optimisers of the loop, including that of the puzzle embeddings.

        Raises:
            UserError: If the model computes in float16, and isn't on a GPU.

        Source: document act-v1, "Memory Optimization" (a half precision).
        """
        device = self.model.start_low.value.device
        if self._half:
            self._scaled_on(device)
        scaler = torch.amp.GradScaler(device.type, enabled=self._half)
        return scaling.LossScaling(*optimizers, scaler=scaler)

    @property
    def puzzle_emb(self) -> PuzzleEmbedding:
        """The puzzle embeddings.

        Raises:
            UserError: If the model has none.
        """
        embedding = self.model.embed
        table = embedding.puzzles if isinstance(embedding, TokenEmbedding) else None
        require(
            table is not None,
            "puzzle_emb_ndim",
            self.config.puzzle_emb_ndim,
            "a size, for a model with puzzle embeddings",
            "use hidden_size, or train without their optimiser",
        )
        assert table is not None
        return PuzzleEmbedding(table)

    def initial_carry(self, batch: Mapping[str, Tensor]) -> Carry:
        """Return a carry in which every sequence has halted: the next call starts with its batch.

        Raises:
            UserError: If the batch lacks a key, or a tensor isn't as configured.
        """
        return self.model.begin(self._batch(batch))

    def forward(self, carry: Carry, batch: Mapping[str, Tensor]) -> tuple[Carry, dict[str, Tensor]]:
        """Run one segment; where a sequence has halted, on the batch's row from fresh states.

        Returns:
            The carry, with ``halted`` and ``steps``; ``logits`` [B, seq_len, vocab_size],
            ``q_halt_logits`` and ``q_continue_logits`` [B], and in training ``target_q_continue``
            [B], a probability, unless ``halt_max_steps`` is 1.

        Raises:
            UserError: As `initial_carry`.
        """
        offered, noise = self._batch(batch), None
        if self.training:
            drawn = self.model.draw(len(offered.inputs), torch.default_generator, steps=1)
            noise = drawn[0].to(offered.inputs.device)
        carry, logits, decision = self.model.advance(carry, offered, noise)
        halt, keep_on = decision.logits.unbind(-1)
        outputs = {"logits": logits, "q_halt_logits": halt, "q_continue_logits": keep_on}
        if self.training and self.config.halt_max_steps > 1:
            outputs["target_q_continue"] = q_losses.continue_target(self.model, carry)
        return carry, outputs

    def _batch(self, batch: Any) -> Batch:
        if self._half:
            self._scaled_on(self.model.start_low.value.device)
        keys = ("inputs", "puzzle_identifiers")
        found = sorted(map(str, batch)) if isinstance(batch, Mapping) else described(batch)
        held = isinstance(batch, Mapping) and all(key in batch for key in keys)
        require(held, "batch", found, f"one with {', '.join(keys)}", "add what it lacks")
        (tokens, identities), positions = (batch[key] for key in keys), self.config.seq_len
        require(
            whole(tokens)
            and tokens.dim() == 2
            and tokens.shape[1] == positions
            and len(tokens) > 0,
            "inputs",
            described(tokens),
            f"whole numbers of shape [batch, {positions}], one row or more",
            "change them, or seq_len",
        )
        require(
            whole(identities) and identities.shape == tokens.shape[:1],
            "puzzle_identifiers",
            described(identities),
            f"whole numbers of shape [{len(tokens)}], one a row of inputs",
            "pass zeros where there are no identities",
        )
        for name, values, key in (
            ("a token", tokens, "vocab_size"),
            ("a puzzle identifier", identities, "num_puzzle_identifiers"),
        ):
            size = getattr(self.config, key)
            for value in (int(values.min()), int(values.max())):
                allowed = f"0 ... {size - 1}"
                require(0 <= value < size, name, value, allowed, f"change it, or {key}")
        return Batch(tokens.long(), identities.long())


class CastedSparseEmbeddingSignSGD_Distributed(SparseSignSGD):  # noqa: N801 (the document's name)
    """Sparse sign-SGD under the document's name: `hrm.training.optim.SparseSignSGD`.

    Args:
        params: ``model.puzzle_emb.parameters()``.
        world_size: Processes that share a batch, as `torch.distributed` has them.
        lr: Learning rate, as in the document's training loop.
        weight_decay: Weight decay, as in the document's training loop.

    Raises:
        UserError: If anything but puzzle tables is given, the number of processes differs, or a
            rate is out of range.
    """

    def __init__(
        self,
        params: Iterable[PuzzleTable],
        world_size: int,
        lr: float = 1e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        running = dist.is_available() and dist.is_initialized()
        actual = dist.get_world_size() if running else 1
        require(
            world_size == actual,
            "world_size",
            world_size,
            f"{actual}, the processes that torch.distributed has",
            "pass dist.get_world_size(), or initialise the process group first",
        )
        super().__init__(params, lr, weight_decay)
