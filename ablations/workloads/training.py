"""Trained arms: scores on boards held out, curves, and what the trained model computes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from torch import Tensor

from ablations.plain import Json
from ablations.workloads.common import Scripted, boards, counted_rows, skill, systems
from hrm.config import Lockstep, Vector
from hrm.config.learning import System, Training
from hrm.model import HRM, cost
from hrm.tasks import Splits, Task
from hrm.training import loop


def scores(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Train each arm and score it on the test boards.

    Settings: task, data_seed, train, validation, test, training. The curve holds, per point,
    the update and the accuracy on unknown cells of the validation boards.
    """
    return [_scored(system, settings, seed, device) for system in systems(arms)]


def planted(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Train and score as `scores` does, but each arm with a seed of its own, and plant effects.

    Beside the metrics of `scores` stand those of the same models with an effect of known size in
    the last arm: `planted_score` after a share of its answers was exchanged for wrong ones, and
    `planted_curve` where a share of its updates are idle: the curve comes so much later.

    Settings: as in `scores`; apart, from one arm's seed to the next one's; spoilt and idle, the two
    shares.
    """
    decoded, metrics = systems(arms), []
    for i, system in enumerate(decoded):
        last = i == len(decoded) - 1
        spoilt, idle = (settings[name] if last else 0.0 for name in ("spoilt", "idle"))
        found = _scored(system, settings, seed + i * settings["apart"], device, spoilt)
        slower = [[update / (1 - idle), score] for update, score in found["curve"]]
        metrics.append({**found, "planted_curve": slower})
    return metrics


def _scored(
    system: System, settings: Json, seed: int, device: str, spoilt: float | None = None
) -> dict[str, Json]:
    """Train and score one arm; where a share is given, once more with so many answers spoilt."""
    task, splits = boards(settings)
    model, curve = _trained(system, task, splits, settings, seed, device)
    answers = loop.predict(model, system, _test(system, task, splits, device))
    found = skill(task, splits, answers)
    metrics: dict[str, Json] = {
        **asdict(found),
        "extreme": "ceiling: every unknown cell is right" if found.score == 1 else "",
        "curve": [[moment.update, moment.score] for moment in curve],
        "losses": [[moment.update, moment.loss] for moment in curve],
    }
    if spoilt is not None:
        metrics["planted_score"] = skill(task, splits, _spoilt(answers, splits, spoilt, seed)).score
    return metrics


def _spoilt(answers: np.ndarray, splits: Splits, share: float, seed: int) -> np.ndarray:
    """Exchange a share of the answers, drawn by the seed, for ones that are wrong."""
    drawn = np.random.default_rng(seed).random(answers.shape) < share
    return np.where(drawn, np.where(splits.test.targets == 0, 1, 0), answers)


def savings(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Train the last arm; count what each arm's execution computes with those weights.

    Operations are rows through the high core, one a sample and cycle, as the document counts them;
    FLOPs are those of the whole forward pass. Settings: as in `scores`, and batch, of evaluation.
    """
    task, splits = boards(settings)
    decoded = systems(arms)
    model, curve = _trained(decoded[-1], task, splits, settings, seed, device)
    metrics = [
        _measured(model, system, task, splits, settings["batch"], seed) for system in decoded
    ]
    metrics[-1]["curve"] = [[moment.update, moment.score] for moment in curve]
    metrics[-1]["training_steps"] = [[moment.update, moment.steps] for moment in curve]
    return metrics


def _measured(
    trained: HRM, system: System, task: Task, splits: Splits, batch: int, seed: int
) -> dict[str, Json]:
    """What one execution computes on the test boards, greedy and with sampled decisions."""
    device = next(trained.parameters()).device.type
    model = HRM(system.model).to(device)
    model.load_state_dict(trained.state_dict())
    data = _test(system, task, splits, device)
    batches = data.inputs.split(batch)
    found: dict[str, Json] = {
        **asdict(skill(task, splits, loop.predict(model, system, data, batch)))
    }
    with loop.evaluating(model):
        operations, flops, steps = _computed(model, [(inputs, None) for inputs in batches])
    each = torch.cat(steps)
    found |= {
        "operations": operations,
        "flops": flops,
        "cycles": torch.bincount(each, minlength=model.halting.max_steps + 1).tolist(),
        "slowest": int(sum(s.max() * len(s) for s in steps)),
    }
    ends = {1: "floor: every sample stops at its first cycle", model.halting.max_steps: "ceiling"}
    found["extreme"] = ends.get(int(each[0]), "") if bool((each == each[0]).all()) else ""
    noise = torch.Generator().manual_seed(seed)
    model.train()
    _without_dropout(model)
    with torch.no_grad(), counted_rows(model) as sampled:
        for inputs in batches:
            model(inputs, model.draw(len(inputs), noise).to(device))
    found["sampled_operations"] = sum(sampled)
    return found


def planted_savings(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Count what executions compute, as `savings` does, where it is known who stops when.

    Each sample's cycle is drawn from all, for every arm apart; one sample a batch takes them all.
    `operations` are those of each arm's own execution. `planted_operations` are those of the
    batch-wise loop in the first arm: it waits for the last sample, and the others save what is
    known. Settings: batch, of samples; batches, how many; apart, as in `planted`.
    """
    decoded, metrics = systems(arms), []
    for i, system in enumerate(decoded):
        own = seed + i * settings["apart"]
        operations = planted = _scripted(system, settings, own)
        if i == 0:
            waiting = replace(system, model=replace(system.model, execution=Lockstep()))
            planted = _scripted(waiting, settings, own)
        metrics.append({"operations": operations, "planted_operations": planted})
    return metrics


def _scripted(system: System, settings: Json, seed: int) -> int:
    """Count the operations of batches whose samples stop at cycles drawn by the seed."""
    torch.manual_seed(seed)
    model, cycles = HRM(system.model).train(), system.model.halting.max_steps
    model.halting = Scripted(cycles)
    drawn, batches = torch.Generator().manual_seed(seed), []
    part = system.model.embedding
    assert isinstance(part, Vector)
    for _ in range(settings["batches"]):
        stops = torch.randint(1, cycles + 1, (settings["batch"],), generator=drawn)
        stops[0] = cycles
        margins = torch.where(torch.arange(1, cycles + 1)[:, None] >= stops, 1.0, -1.0)
        inputs = torch.randn(len(stops), part.size, generator=drawn)
        batches.append((inputs, margins[..., None]))
    with torch.no_grad():
        return _computed(model, batches)[0]


def _computed(
    model: HRM, batches: Sequence[tuple[Tensor, Tensor | None]]
) -> tuple[int, int, list[Tensor]]:
    """Run batches; return rows through the high core, FLOPs, and each batch's cycles."""
    steps: list[Tensor] = []
    with counted_rows(model) as rows:
        counted = cost.operations(
            lambda: steps.extend(model(x, noise).run.steps.cpu() for x, noise in batches)
        )
    return sum(rows), counted.total, steps


def _trained(
    system: System, task: Task, splits: Splits, settings: Json, seed: int, device: str
) -> tuple[HRM, list[loop.Moment]]:
    seeds = loop.Seeds(weights=seed, order=seed)
    model = loop.build(system, seeds, device)
    data = loop.encode(system, task, splits.train, device)

    def watch(model: HRM) -> float:
        return float(loop.evaluate(model, system, task, splits.validation).unknown.mean())

    training = Training.from_json(settings["training"])
    return model, loop.fit(model, system, training, data, seeds, watch)


def _test(system: System, task: Task, splits: Splits, device: str) -> loop.Encoded:
    return loop.encode(system, task, splits.test, device)


def _without_dropout(model: HRM) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
