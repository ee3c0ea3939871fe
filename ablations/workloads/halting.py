"""Halting and its cost: when a batch ends, what stopped rows still cost, whose state decides."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ablations.plain import Json
from ablations.workloads.common import (
    Scripted,
    close,
    counted_rows,
    equal,
    far,
    holds,
    seeded,
    systems,
)
from hrm import config
from hrm.model import HRM, Output


def batch_waits(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Run every matrix of stop decisions through the batch-wise loop.

    Settings: shapes, [batch, cycles] of each set of matrices; the last cycle's stop is forced.
    """
    system = systems(arms)[0]
    same, longer, total = 0, 0, 0
    example = ""
    for batch, cycles in settings["shapes"]:
        model = _scripted(system.model, cycles, seed)
        inputs = torch.randn(batch, _size(system.model), generator=seeded(seed))
        for bits in itertools.product((0, 1), repeat=batch * (cycles - 1)):
            wants = np.ones((cycles, batch), dtype=bool)
            wants[:-1] = np.array(bits, dtype=bool).reshape(cycles - 1, batch)
            with counted_rows(model) as rows, torch.no_grad():
                model(inputs, _margins(wants))
            slowest = int(wants.argmax(axis=0).max()) + 1
            total += 1
            same += len(rows) == slowest
            longer += len(rows) >= slowest
            if len(rows) > slowest and not example:
                example = f"; first: {len(rows)} cycles, slowest first stop {slowest}"
    checks = [
        equal(
            "decision matrices for which the batch runs as long as its slowest sample's first stop",
            f"{total} of {total}",
            f"{same} of {total}",
        ),
        equal(
            f"matrices for which it runs at least as long{example}",
            f"{total} of {total}",
            f"{longer} of {total}",
            primary=False,
        ),
    ]
    return [{"checks": checks}]


def stopped_idle(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Count rows at the high core, per execution, for stop times uniform over the cycles.

    Settings: batch, batches. Arms: the document's masked update first, others beside.
    """
    metrics = []
    for i, system in enumerate(systems(arms)):
        cycles = system.model.halting.max_steps
        model, noise = _scripted(system.model, cycles, seed), np.random.default_rng(seed)
        computed, needed = 0, 0
        for _ in range(settings["batches"]):
            stops = noise.integers(1, cycles + 1, size=settings["batch"])
            inputs = torch.randn(settings["batch"], _size(system.model), generator=seeded(seed))
            with counted_rows(model) as rows, torch.no_grad():
                model(inputs, _margins(np.arange(1, cycles + 1)[:, None] >= stops))
            computed += sum(rows)
            needed += int(stops.sum())
        name = type(system.model.execution).__name__.lower()
        check = holds(
            f"rows computed by {name} execution",
            f"{needed} (those of samples that haven't stopped), ratio 1",
            f"{computed}, ratio {computed / needed:.3f}",
            computed == needed,
            "equal counts",
            primary=i == 0,
        )
        metrics.append({"rows": computed, "needed": needed, "checks": [check]})
    return metrics


def individual(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Compare each sample in a batch with the same sample alone, in float64.

    Decisions are the model's own: sampled with each sample's own noise, and greedy. Settings:
    batch; gain, the factor on the controller's weights that makes stop times differ.
    """
    metrics = []
    for i, system in enumerate(systems(arms)):
        torch.manual_seed(seed)
        model = HRM(system.model).double()
        _diversify(model, settings["gain"])
        batch = settings["batch"]
        inputs = torch.randn(batch, _size(system.model), generator=seeded(seed)).double()
        noise = model.draw(batch, seeded(seed + 1)).double()
        name = type(system.model.execution).__name__.lower()
        checks = []
        for mode in ("sampled", "greedy"):
            model.train(mode == "sampled")
            with torch.no_grad():
                whole = model(inputs, noise)
                alone = [model(inputs[b : b + 1], noise[:, b : b + 1]) for b in range(batch)]
            together = whole.run.steps.tolist()
            apart = [int(o.run.steps) for o in alone]
            error = far(whole.prediction, torch.cat([o.prediction for o in alone]))
            checks += [
                holds(
                    f"{name}, {mode} decisions: cycles in the batch and alone",
                    _histogram(apart),
                    _histogram(together),
                    together == apart,
                    "equal cycles, each sample",
                    primary=i == 0,
                ),
                close(f"{name}, {mode} decisions: answers", error, 1e-12, primary=i == 0),
            ]
        metrics.append({"checks": checks})
    return metrics


def rule(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Compare where samples halt with the first step at which Q(halt) > Q(continue), or the last.

    Arms: as coded; then others, beside. Settings: batch; modes, "training" or "evaluation" of each
    arm and what that shows.
    """
    metrics: list[dict[str, Json]] = [{"checks": []} for _ in arms]
    decoded = systems(arms)
    for mode in settings["modes"]:
        i, training = mode["arm"], mode["training"]
        model = _random_q(decoded[i].model, settings["batch"], seed).train(training)
        output = _think(model, settings["batch"], seed)
        q = output.run.logits
        wants = q[..., 0] > q[..., 1]
        wants[-1] = True
        first = wants.int().argmax(0) + 1
        agree = int((first == output.run.steps).sum())
        halts = f"{agree} of {len(first)} samples halt there"
        different = len(set(first.tolist()))
        metrics[i]["checks"].append(
            holds(
                f"{mode['label']}: halting at the first Q(halt) > Q(continue), or the last step",
                f"{len(first)} of {len(first)} samples halt there",
                f"{halts}; mean step {output.run.steps.float().mean():.2f}, by the rule "
                f"{first.float().mean():.2f}, at {different} different steps",
                agree == len(first),
                "equal steps, each sample",
                primary=mode["primary"],
            )
        )
    return metrics


def maximum(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Rig Q never to halt, and count the steps that are computed.

    Settings: batch; limits, values of halt_max_steps.
    """
    metrics = []
    for system in systems(arms):
        checks = []
        assert isinstance(system.model.halting, config.QLearning)
        for limit in settings["limits"]:
            rigged = replace(system.model.halting, max_steps=limit, biases=(-5.0, 5.0))
            torch.manual_seed(seed)
            model = HRM(replace(system.model, halting=rigged))
            per_step = system.model.cycles * system.model.segments.count
            for training in (True, False):
                model.train(training)
                with counted_rows(model) as rows:
                    output = _think(model, settings["batch"], seed)
                counted = sorted({len(rows) / per_step, *output.run.steps.tolist()})
                part = system.model.halting.exploration
                probability = part.probability if isinstance(part, config.Minimum) else 0.0
                explores = f"exploration {probability:g}"
                checks.append(
                    equal(
                        f"halt_max_steps {limit}, {'training' if training else 'evaluation'}, "
                        f"{explores}: steps computed and reported",
                        [float(limit)],
                        [float(c) for c in counted],
                    )
                )
        metrics.append({"checks": checks})
    return metrics


def _random_q(c: config.HRMConfig, batch: int, seed: int) -> HRM:
    """A model that makes its samples halt at different steps.

    Q(halt) gets random weights, without the directions in which the batch's mean state moves from
    step to step (along them all samples would halt together), and a bias at which one decision in
    eight is to halt. Q(continue) is zero.
    """
    torch.manual_seed(seed)
    model = HRM(c).train()
    (head,) = model.halting.heads  # type: ignore[misc]
    assert isinstance(head, torch.nn.Linear)
    states: list[Tensor] = []
    hook = model.halting.register_forward_pre_hook(
        lambda _, given: states.append(given[0].high[:, 0])
    )
    _think(model, batch, seed)  # as initialised, nobody halts before the last step
    hook.remove()
    seen = torch.stack(states)
    means, _ = torch.linalg.qr(seen.mean(1).T)
    weight = torch.randn(seen.shape[-1], generator=seeded(seed))
    weight = weight - means @ (means.T @ weight)
    with torch.no_grad():
        head.weight.copy_(torch.stack([weight, torch.zeros_like(weight)]))
        head.bias.copy_(torch.stack([-(seen @ weight).quantile(7 / 8), torch.zeros(())]))
    return model


def _diversify(model: HRM, gain: float) -> None:
    """Scale the controller's weights and clear its biases, so that states decide."""
    with torch.no_grad():
        for parameter in model.halting.controller.parameters():  # type: ignore[union-attr]
            if parameter.dim() == 2:
                parameter.mul_(gain)
            else:
                parameter.zero_()


def _think(model: HRM, batch: int, seed: int) -> Output:
    part = model.config.embedding
    assert isinstance(part, config.Tokens)
    shape = (batch, part.positions)
    tokens = torch.randint(part.vocabulary, shape, generator=seeded(seed))
    with torch.no_grad():
        output: Output = model(tokens, model.draw(batch, seeded(seed + 1)))
    return output


def _scripted(c: config.HRMConfig, cycles: int, seed: int) -> HRM:
    torch.manual_seed(seed)
    model = HRM(c)
    model.halting = Scripted(cycles)
    return model.train()


def _margins(wants: np.ndarray) -> Tensor:
    """[K, B] booleans as noise for `Scripted`."""
    return torch.from_numpy(np.where(wants, 1.0, -1.0)).float()[..., None]


def _size(c: config.HRMConfig) -> int:
    assert isinstance(c.embedding, config.Vector)
    return c.embedding.size


def _histogram(steps: Sequence[int]) -> str:
    counts = np.bincount(steps)
    return ", ".join(f"{n} at {k}" for k, n in enumerate(counts) if n)
