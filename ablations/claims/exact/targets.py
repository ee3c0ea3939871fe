"""Targets of Q-learning."""

from collections.abc import Iterator, Sequence

from ablations.records.checks import Check, Close, Holds
from hrm.config.learning import System


def terminal(arms: Sequence[System], seed: int, *, batch: int = 256) -> Iterator[Check]:
    """The target of Q(halt) in a terminal state is the reward; that of Q(continue) is also shown.

    Next Q values are the model's own; they have no effect in terminal states, but in all others.
    Before the enhancements, a single loss compared the larger Q value with the reward.
    """
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM
    from hrm.training import q_losses

    (system,) = arms
    torch.manual_seed(seed)
    model, noise = HRM(system.model).eval(), rigged.seeded(seed)
    with torch.no_grad():
        states = rigged.inputs(system.model, batch, noise)
        next_q = model(states, steps=1).run.logits[0]
    rewards = torch.randn(batch, generator=noise)
    ended = torch.rand(batch, generator=noise) < 0.5
    halt, keep_on = q_losses.replay_targets(rewards, next_q, ended).unbind(-1)
    yield Close(
        f"target of Q(halt) and the reward, in {int(ended.sum())} terminal states",
        error=rigged.far(halt[ended], rewards[ended]),
        tolerance=0.0,
    )
    yield Holds(
        "targets of Q(continue) in the same states",
        documented="the reward",
        observed=f"{float(keep_on[ended].min()):g} to {float(keep_on[ended].max()):g}",
        holds=torch.equal(keep_on[ended], rewards[ended]),
        rule="equal",
        primary=False,
    )
    apart = rigged.far(halt[~ended], rewards[~ended])
    yield Holds(
        "targets in states that aren't terminal",
        documented="the reward and what the next state is worth",
        observed=f"up to {apart:.2g} from the reward",
        holds=apart > 0,
        rule="another number",
        primary=False,
    )
    q = torch.stack([rewards[ended], rewards[ended] - 1], -1)
    before = q_losses.single_head_loss(q, rewards[ended], next_q[ended], ended[ended])
    yield Close(
        "before the enhancements: loss of a larger Q value that is the reward",
        error=float(before),
        tolerance=0.0,
        primary=False,
    )
