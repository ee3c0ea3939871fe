"""Which losses of document complete train its halting."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ablations.records.checks import Check, Holds
from hrm.config.learning import QHalting, Supervised, System


def trained(arms: Sequence[System], seed: int, *, batch: int = 4) -> Iterator[Check]:
    """Each parameter of the halting network gets a gradient from the loss.

    The whole loss of the first arm is primary. Also shown: each term, and the other arm. Q heads
    that start at zero get random weights.
    """
    import torch

    from ablations.protocols import peaks, rigged
    from hrm.model import HRM
    from hrm.training import losses, q_losses

    for i, system in enumerate(arms):
        torch.manual_seed(seed)
        model = HRM(system.model).train()
        noise, offered = peaks.drawn(model, system, batch, seed)
        objective, targets = system.objective, offered.targets
        assert targets is not None
        terms: dict[str, Any] = {}
        if isinstance(objective, QHalting):
            with torch.no_grad():
                for head in model.halting.heads:  # type: ignore[union-attr]
                    head.weight.normal_(std=0.1, generator=rigged.seeded(seed))
            carry, answer, decision = model.advance(model.begin(offered), offered, noise[0])
            ahead = q_losses.continue_target(model, carry)
            found = q_losses.segment_loss(objective, answer, decision.logits, targets, ahead)
            terms = {"whole loss": found.total, "answer's loss": found.task}
            terms |= {"Q(halt)'s loss": found.halt, "Q(continue)'s loss": found.keep_on}
        else:
            assert isinstance(objective, Supervised)
            output = model(offered.inputs, noise)
            whole, last = (
                losses.supervised_loss(replace(objective, between=weight), output, targets)
                for weight in (objective.between, 0.0)
            )
            terms = {"whole loss": whole, "last answer's loss": last}
            if whole.item() != last.item():
                terms["deep supervision's loss"] = whole - last
        named = dict(model.halting.named_parameters())
        kind = "as documented" if isinstance(objective, QHalting) else "as coded"
        for term, value in terms.items():
            sizes = _gradients(value, list(named.values()))
            reached = [name for name, size in zip(named, sizes, strict=True) if size > 0]
            yield Holds(
                f"{kind}, {term}: halting parameters with a gradient",
                documented=f"all {len(named)}",
                observed=f"{len(reached)} of {len(named)}"
                + (f" ({', '.join(reached)})" if reached else ""),
                holds=len(reached) == len(named),
                rule="a largest gradient above 0",
                primary=i == 0 and term == "whole loss",
            )


def _gradients(loss: Any, parameters: Sequence[Any]) -> list[float]:
    """Return the largest gradient of a loss in each parameter, 0 if it has none."""
    import torch

    found: Any = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return [0.0 if g is None else float(g.abs().max()) for g in found]
