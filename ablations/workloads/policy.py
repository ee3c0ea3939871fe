"""Policy gradients: bias by enumeration, variance by resampling; the reward recomputed."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ablations.plain import Json
from ablations.workloads.common import boards, close, holds, seeded, systems
from hrm.config import HRMConfig, Vector
from hrm.config.learning import PolicyGradient, StopWhileLive, System, Training
from hrm.model import HRM
from hrm.model.execution import Run
from hrm.training import loop, losses


# -- bias -----------------------------------------------------------------------------------------
def unbiased(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Enumerate every outcome of a small policy; compare each estimator's expectation with ∇E[R].

    All samples of a batch stop for themselves; V and R are constants. Settings: batches, sizes to
    enumerate. Arms: plain mean, masked mean.
    """
    plain, masked = systems(arms)
    checks: list[Json] = []
    for batch in settings["batches"]:
        world = _World(plain.model, batch, seed)
        truth = world.true_gradient()
        for name, system in (("plain", plain), ("masked", masked)):
            objective = system.objective
            assert isinstance(objective, PolicyGradient)
            found = world.expected_gradient(objective)
            coded = world.expected_gradient(replace(objective, score=StopWhileLive()))
            factor = float(found @ truth / truth.square().sum())
            for what, gradient, target in (
                ("relative error of the expected gradient", found, truth),
                (f"the same up to a constant factor, {factor:.3g}", found, factor * truth),
                ("the same with log π(stop) at every live step", coded, truth),
            ):
                error = float((gradient - target).norm() / target.norm())
                biased = name == "plain"
                checks.append(
                    holds(
                        f"{name} mean, batch of {batch}: {what}",
                        "biased: not zero" if biased else "unbiased: zero",
                        f"{error:.3g}",
                        (error > 1e-6) == biased,
                        "zero to rounding, 1e-6",
                        primary=gradient is found and target is truth,
                    )
                )
    return [{"checks": checks}, {}]


class _World:
    """A batch with all its stop times: log-probabilities, rewards and values for each cycle.

    The controller sees z_H without gradient, so a sample's states don't depend on its actions, and
    one run through all cycles gives them all.
    """

    def __init__(self, c: HRMConfig, batch: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.model = HRM(c).double().eval()
        self.cycles = c.halting.max_steps
        noise = seeded(seed)
        x = torch.randn(batch, _size(c), generator=noise, dtype=torch.float64)
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
        self.parameters = list(self.model.halting.controller.parameters())  # type: ignore[union-attr]

    def stop_log_probabilities(self) -> Tensor:
        """Log P(sample b stops after cycle c), [C, B]; the last stop is forced."""
        go, stop = self.logits.log_softmax(-1).unbind(-1)
        before = torch.cat([torch.zeros_like(go[:1]), go[:-1].cumsum(0)])
        stop = torch.cat([stop[:-1], torch.zeros_like(stop[:1])])
        return before + stop

    def true_gradient(self) -> Tensor:
        """∇ of −mean_B E[R], by the exact distribution of stop times."""
        expected = (self.stop_log_probabilities().exp() * self.rewards).sum(0).mean()
        return self._gradient(-expected)

    def expected_gradient(self, objective: PolicyGradient) -> Tensor:
        """Σ over all outcomes of P(outcome) · the gradient that the loss gives there."""
        probability = self.stop_log_probabilities().detach()
        total = torch.zeros(())
        for outcome, weight in self._outcomes(probability):
            run = self._run(outcome)
            rewards = self.rewards.gather(0, outcome[None]).squeeze(0)
            loss = losses.policy_loss(objective, run, rewards, self.cycles)
            total = total + weight * self._gradient(loss)
        return total

    def _outcomes(self, log_probability: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
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

    def _gradient(self, loss: Tensor) -> Tensor:
        if not loss.requires_grad:  # every stop was forced: nothing was chosen
            return torch.zeros(sum(p.numel() for p in self.parameters), dtype=torch.float64)
        return _flat(torch.autograd.grad(loss, self.parameters, retain_graph=True))


# -- variance -------------------------------------------------------------------------------------
def gradient_variance(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Total variance of the policy gradient over resampled batches, at weights fixed before.

    The weights come from a short training with the first arm's loss; each batch, with its actions,
    serves every arm. Settings: task and data, training, resamples, batch.
    """
    decoded = systems(arms)
    model, data, noise = _fixed(decoded[0], settings, seed)
    gradients: list[list[Tensor]] = [[] for _ in decoded]
    live = []
    for _ in range(settings["resamples"]):
        run, rewards = _sample(model, decoded[0], data, settings["batch"], noise)
        live.append(float(run.live.float().mean()))
        for collected, system in zip(gradients, decoded, strict=True):
            collected.append(_policy_gradient(model, system, run, rewards))
    return [{**_variance(collected), "live": float(np.mean(live))} for collected in gradients]


def planted_variance(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Measure as `gradient_variance` does, but each arm over batches of its own.

    `planted_variance` is that of the same gradients, the last arm's times √factor. Settings: as in
    `gradient_variance`, and factor.
    """
    decoded, metrics = systems(arms), []
    model, data, noise = _fixed(decoded[0], settings, seed)
    for i, system in enumerate(decoded):
        drawn = (
            _sample(model, decoded[0], data, settings["batch"], noise)
            for _ in range(settings["resamples"])
        )
        collected = [_policy_gradient(model, system, *batch) for batch in drawn]
        size = settings["factor"] ** 0.5 if i == len(decoded) - 1 else 1.0
        spoilt = _variance([size * gradient for gradient in collected])["variance"]
        metrics.append({**_variance(collected), "planted_variance": spoilt})
    return metrics


def _fixed(system: System, settings: Json, seed: int) -> tuple[HRM, loop.Encoded, torch.Generator]:
    """Return a model after a short training, what it was trained on, and what batches come from."""
    task, splits = boards(settings)
    training = Training.from_json(settings["training"])
    seeds = loop.Seeds(weights=seed, order=seed)
    model = loop.build(system, seeds)
    data = loop.encode(system, task, splits.train)
    loop.fit(model, system, training, data, seeds, watch=lambda _: 0.0)
    model.train().requires_grad_(False)
    model.halting.controller.requires_grad_(True)
    return model, data, seeded(loop.stream(seed, "resamples"))


def _variance(gradients: Sequence[Tensor]) -> dict[str, float]:
    stacked = torch.stack(list(gradients)).double()
    variance, mean = float(stacked.var(0).sum()), float(stacked.mean(0).norm())
    return {"variance": variance, "relative": variance / mean**2, "mean_norm": mean}


def _sample(
    model: HRM, system: System, data: loop.Encoded, batch: int, noise: torch.Generator
) -> tuple[Run, Tensor]:
    """One batch with sampled actions; only the controller keeps its graph."""
    rows = torch.randint(len(data), (batch,), generator=noise)
    objective = system.objective
    assert isinstance(objective, PolicyGradient)
    output = model(data.inputs[rows], model.draw(len(rows), noise))
    error = losses.squared_error(output.prediction, data.targets[rows]).detach()
    return output.run, losses.reward(error, output.run.steps, objective.cost)


def _policy_gradient(model: HRM, system: System, run: Run, rewards: Tensor) -> Tensor:
    assert isinstance(system.objective, PolicyGradient)
    loss = losses.policy_loss(system.objective, run, rewards, model.halting.max_steps)
    parameters = list(model.halting.controller.parameters())  # type: ignore[union-attr]
    if not loss.requires_grad:
        return torch.zeros(sum(p.numel() for p in parameters))
    return _flat(torch.autograd.grad(loss, parameters, retain_graph=True))


# -- reward ---------------------------------------------------------------------------------------
def reward(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Recompute each sample's reward from its answer and its decisions. Settings: batch."""
    metrics = []
    for system in systems(arms):
        assert isinstance(system.objective, PolicyGradient)
        torch.manual_seed(seed)
        model = HRM(system.model).train()
        batch, noise = settings["batch"], seeded(seed)
        inputs = torch.randn(batch, _size(system.model), generator=noise)
        targets = torch.randint(2, (batch, system.model.readout.size), generator=noise)
        output = model(inputs, model.draw(batch, noise))
        found = losses.loss(system.objective, output, targets, model.halting.max_steps).reward
        margins = output.run.margins.numpy()
        cycles = [
            next((k + 1 for k in range(len(margins)) if margins[k, b] > 0), model.halting.max_steps)
            for b in range(batch)
        ]
        error = ((output.prediction.detach().numpy() - targets.numpy()) ** 2).mean(1)
        expected = -error - system.objective.cost * np.array(cycles)
        worst = float(np.abs(found.detach().numpy() - expected).max())
        what = (
            f"R and −task loss − {system.objective.cost:g} · cycles, {len(set(cycles))} stop times"
        )
        metrics.append({"checks": [close(what, worst, 1e-6)]})
    return metrics


def _flat(gradients: Sequence[Tensor]) -> Tensor:
    return torch.cat([g.flatten() for g in gradients])


def _size(c: HRMConfig) -> int:
    assert isinstance(c.embedding, Vector)
    return c.embedding.size
