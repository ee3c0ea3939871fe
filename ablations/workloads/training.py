"""Trained arms: scores on boards held out, curves, and what the trained model computes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import torch
from torch import Tensor

from ablations.plain import Json
from ablations.workloads.common import boards, counted_rows, skill, systems
from hrm import cost, train
from hrm.learning import System, Training
from hrm.model import HRM
from hrm.tasks import Splits, Task


def scores(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Train each arm and score it on the test boards.

    Settings: task, data_seed, train, validation, test, training. The curve holds, per point,
    the update and the accuracy on unknown cells of the validation boards.
    """
    task, splits = boards(settings)
    metrics = []
    for system in systems(arms):
        model, curve = _trained(system, task, splits, settings, seed, device)
        found = skill(
            task, splits, train.predict(model, system, _test(system, task, splits, device))
        )
        metrics.append(
            {
                **asdict(found),
                "extreme": "ceiling: every unknown cell is right" if found.score == 1 else "",
                "curve": [[moment.update, moment.score] for moment in curve],
                "losses": [[moment.update, moment.loss] for moment in curve],
            }
        )
    return metrics


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
        **asdict(skill(task, splits, train.predict(model, system, data, batch)))
    }
    steps: list[Tensor] = []
    with train.evaluating(model), counted_rows(model) as rows:
        counted = cost.operations(
            lambda: steps.extend(model(inputs).run.steps.cpu() for inputs in batches)
        )
    each = torch.cat(steps)
    found |= {
        "operations": sum(rows),
        "flops": counted.total,
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


def _trained(
    system: System, task: Task, splits: Splits, settings: Json, seed: int, device: str
) -> tuple[HRM, list[train.Moment]]:
    seeds = train.Seeds(weights=seed, order=seed)
    model = train.build(system, seeds, device)
    data = train.encode(system, task, splits.train, device)

    def watch(model: HRM) -> float:
        return float(train.evaluate(model, system, task, splits.validation).unknown.mean())

    training = Training.from_json(settings["training"])
    return model, train.fit(model, system, training, data, seeds, watch)


def _test(system: System, task: Task, splits: Splits, device: str) -> train.Encoded:
    return train.encode(system, task, splits.test, device)


def _without_dropout(model: HRM) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
