"""The guide of document act-v1: the effects of its printed training loop, and of its model."""

from collections.abc import Iterator, Sequence
from typing import Any

from ablations.records.checks import Check, Differ, Equal, Holds
from hrm.config.learning import System


def init_continue(arms: Sequence[System], seed: int, *, batch: int = 128) -> Iterator[Check]:
    """With initial weights, every sequence of a training batch continues after its first step."""
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM

    for system in arms:
        torch.manual_seed(seed)
        output = rigged.think(HRM(system.model).train(), batch, seed)
        q, most = output.run.logits, system.model.halting.max_steps
        part = getattr(system.model.halting, "exploration", None)
        where = "exploring" if part is not None else "without exploration"
        yield Equal(
            f"sequences that go on after the first step, {where}",
            expected=f"{batch} of {batch}",
            observed=f"{int((output.run.steps > 1).sum())} of {batch}",
        )
        yield Equal(
            f"sequences that go on to the last of {most} steps, {where}",
            expected=f"{batch} of {batch}",
            observed=f"{int((output.run.steps == most).sum())} of {batch}",
            primary=False,
        )
        margin = float((q[0, :, 1] - q[0, :, 0]).min())
        yield Holds(
            f"smallest Q(continue) − Q(halt) at the first step, {where}",
            documented="above zero: biased towards continuing",
            observed=f"{margin:g}: {'a tie' if margin == 0 else 'no tie'}",
            holds=margin > 0,
            rule="more than 0",
            primary=False,
        )


def learns_halting(arms: Sequence[System], seed: int) -> Iterator[Check]:
    """The loss of the printed training step has a gradient in the row of Q(halt).

    Q heads get random weights, so that gradients don't vanish because of an initial zero. Also
    shown: the gradient in Q(continue), and those of act-v1's own losses.
    """
    import torch

    from ablations.protocols import guide, rigged
    from hrm.training import q_losses

    for system in arms:
        model = guide.view(system, seed)
        (head,) = model.model.halting.heads  # type: ignore[misc]
        with torch.no_grad():
            noise = torch.randn(head.weight.shape, generator=rigged.seeded(seed))
            head.weight.copy_(noise / head.weight.shape[1] ** 0.5)
        batch, targets = next(guide.batches(system, seed))
        found = guide.step(model, batch, targets)
        gradient = _rows(head, found.loss)
        kind = "bfloat16" if system.model.bfloat16 else "float32"
        yield Holds(
            f"gradient of Q(halt)'s weights and bias, {kind}",
            documented="not zero",
            observed=f"largest {gradient[0]:.3g}",
            holds=gradient[0] > 0,
            rule="more than 0",
        )
        halts, keeps = (found.outputs[f"q_{name}_logits"] for name in ("halt", "continue"))
        own = q_losses.segment_loss(
            system.objective,  # type: ignore[arg-type]
            found.outputs["logits"],
            torch.stack([halts, keeps], dim=-1),
            targets,
            found.outputs["target_q_continue"],
        )
        for what, row in (
            ("gradient of Q(continue)'s, printed loss", gradient[1]),
            ("gradient of Q(halt)'s from both binary cross-entropies", _rows(head, own.total)[0]),
        ):
            yield Holds(
                f"{what}, {kind}",
                documented="not zero",
                observed=f"largest {row:.3g}",
                holds=row > 0,
                rule="more than 0",
                primary=False,
            )


def maximum_matters(arms: Sequence[System], seed: int, *, updates: int = 5) -> Iterator[Check]:
    """The printed loop with another halt_max_steps ends with other parameters.

    Initial weights, batches and random draws are equal. The first arm is compared with the others;
    an arm with one step, which has no target of Q(continue), is only shown.
    """
    from ablations.protocols import guide, rigged

    first, *others = ((a.model.halting.max_steps, guide.trained(a, seed, updates)) for a in arms)
    for most, model in others:
        pairs = zip(first[1].parameters(), model.parameters(), strict=True)
        yield Differ(
            f"largest difference of a parameter after {updates} printed updates, halt_max_steps "
            f"{first[0]} and {most}",
            error=max(rigged.far(a, b) for a, b in pairs),
            tolerance=0.0,
            primary=most > 1,
        )


def zero_table(arms: Sequence[System], seed: int) -> Iterator[Check]:
    """Every entry of the puzzle table is zero in a new model."""
    from ablations.protocols import guide

    for system in arms:
        (table,) = guide.view(system, seed).puzzle_emb.parameters()
        yield Equal(
            f"entries of the table that aren't zero, of {table.weights.numel():,}",
            expected=0,
            observed=int(table.weights.count_nonzero()),
        )


def own_optimiser(arms: Sequence[System], seed: int, *, updates: int = 3) -> Iterator[Check]:
    """AdamW over all parameters doesn't change the puzzle table; its own optimiser trains it.

    The table starts with random rows, which weight decay would shrink.
    """
    import torch

    from ablations.protocols import guide, rigged

    (system,) = arms
    for sparse in (False, True):
        model = guide.view(system, seed)
        (table,) = model.puzzle_emb.parameters()
        table.weights.copy_(torch.randn(table.weights.shape, generator=rigged.seeded(seed)))
        before = table.weights.clone()
        optimisers: list[Any] = [torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.01)]
        if sparse:
            optimisers.append(guide.sparse_optimiser(model))
        used: set[int] = set()
        for (batch, targets), _ in zip(guide.batches(system, seed), range(updates), strict=False):
            guide.step(model, batch, targets).loss.backward()
            used |= set(batch["puzzle_identifiers"].tolist())
            for each in optimisers:
                each.step()
                each.zero_grad()
        changed = set((table.weights != before).any(1).nonzero().flatten().tolist())
        if not sparse:
            yield Equal(
                "parameters of the table that AdamW over model.parameters() sees",
                expected=0,
                observed=sum(p.numel() for p in table.parameters()),
            )
            yield Equal(
                f"rows of the table that {updates} updates of AdamW alone change, of {len(used)} "
                "in use",
                expected=0,
                observed=len(changed),
            )
        else:
            yield Equal(
                "rows that change with the table's own optimiser beside: those in use",
                expected=sorted(used),
                observed=sorted(changed),
                primary=False,
            )


def wide_q(arms: Sequence[System], seed: int) -> Iterator[Check]:
    """Q values, and the target of Q(continue), are float32 where activations are bfloat16.

    Whether they have more than bfloat16's eight bits of precision is also shown.
    """
    import torch

    from ablations.protocols import guide, rigged

    for system in arms:
        assert system.model.bfloat16
        model = guide.view(system, seed)
        for head in model.model.halting.heads:  # type: ignore[union-attr]
            noise = torch.randn(head.weight.shape, generator=rigged.seeded(seed))
            with torch.no_grad():
                head.weight.copy_(noise)
        batch, targets = next(guide.batches(system, seed, batch=64))
        outputs = guide.step(model, batch, targets).outputs
        for name in ("q_halt_logits", "q_continue_logits", "target_q_continue"):
            yield Equal(
                f"type of {name}", expected="torch.float32", observed=str(outputs[name].dtype)
            )
        yield Equal(
            "type of the answer's logits, for comparison",
            expected="torch.bfloat16",
            observed=str(outputs["logits"].dtype),
            primary=False,
        )
        q = outputs["q_halt_logits"]
        narrow = int((q == q.bfloat16().float()).sum())
        yield Holds(
            "whether Q values carry more than bfloat16 does",
            documented="computed in float32 as well",
            observed=f"{narrow} of {len(q)} are bfloat16 numbers",
            holds=narrow < len(q),
            rule="some value isn't a bfloat16 number",
            primary=False,
        )


def _rows(head: Any, loss: Any) -> tuple[float, float]:
    """Return the largest gradient of either row of a Q head, (halt, continue)."""
    import torch

    weight, bias = torch.autograd.grad(loss, (head.weight, head.bias), retain_graph=True)
    halt, keep_on = torch.cat([weight, bias[:, None]], dim=1).abs().amax(1).tolist()
    return halt, keep_on
