"""Small policies with all their outcomes: probabilities, rewards, and exact gradients."""

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from ablations.protocols import rigged
from ablations.protocols.resample import flat
from hrm.config import HRMConfig
from hrm.config.learning import PolicyGradient
from hrm.model import HRM
from hrm.model.execution import Run
from hrm.training import losses


class World:
    """A batch with all its stop times: log-probabilities, rewards and values for each cycle.

    Since the controller reads z_H without gradient, states don't depend on actions, and one run
    through all cycles gives all of them.
    """

    def __init__(self, c: HRMConfig, batch: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.model = HRM(c).double().eval()
        self.cycles = c.halting.max_steps
        noise = rigged.seeded(seed)
        x = torch.randn(batch, rigged.size(c), generator=noise, dtype=torch.float64)
        y = torch.randn(batch, c.readout.size, generator=noise, dtype=torch.float64)
        embedded = self.model.embed(x)
        state = self.model.start(embedded)
        logits, values, errors = [], [], []
        for cycle in range(self.cycles):
            state, _ = self.model.refine(state, embedded)
            decision = self.model.halting(state, cycle, None)
            logits.append(decision.logits)
            values.append(decision.value)
            errors.append((self.model.read(state) - y).square().mean(-1).detach())
        self.state = state.detach()
        self.logits, self.values = torch.stack(logits), torch.stack(values)  # [C, B, 2], [C, B]
        steps = torch.arange(1, self.cycles + 1)[:, None]
        self.rewards = losses.reward(torch.stack(errors), steps, 0.01)  # [C, B], if it stops there
        self.parameters = list(rigged.controller(self.model).parameters())

    def stop_log_probabilities(self) -> Tensor:
        """Log P(sample b stops after cycle c), [C, B]; the last stop is forced."""
        go, stop = self.logits.log_softmax(-1).unbind(-1)
        before = torch.cat([torch.zeros_like(go[:1]), go[:-1].cumsum(0)])
        stop = torch.cat([stop[:-1], torch.zeros_like(stop[:1])])
        return before + stop

    def true_gradient(self) -> Tensor:
        """∇ of −mean_B E[R], by the exact distribution of stop times."""
        expected = (self.stop_log_probabilities().exp() * self.rewards).sum(0).mean()
        return flat(-expected, self.parameters)

    def expected_gradient(self, objective: PolicyGradient) -> Tensor:
        """Σ over all outcomes of P(outcome) · the gradient that the loss gives there."""
        probability = self.stop_log_probabilities().detach()
        total = torch.zeros(())
        for outcome, weight in self.outcomes(probability):
            rewards = self.rewards.gather(0, outcome[None]).squeeze(0)
            loss = losses.policy_loss(objective, self._run(outcome), rewards, self.cycles)
            total = total + weight * flat(loss, self.parameters)
        return total

    def outcomes(self, log_probability: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield every outcome, the cycle [B] after which each sample stops, and its probability."""
        batch = log_probability.shape[1]
        for stops in itertools.product(range(self.cycles), repeat=batch):
            outcome = torch.tensor(stops)
            yield outcome, log_probability.gather(0, outcome[None]).sum().exp()

    def _run(self, outcome: Tensor) -> Run:
        steps = outcome + 1
        taken = int(steps.max())
        live = torch.arange(taken)[:, None] < steps
        return Run(
            state=self.state,
            steps=steps,
            rows=tuple(int(n) for n in live.sum(1)),
            margins=torch.where(torch.arange(taken)[:, None] == outcome, 1.0, -1.0),
            logits=self.logits[:taken] * live[..., None],
            values=self.values[:taken] * live,
            drafts=None,
        )
