"""The controller: what the two forms compute, and what they allocate."""

import functools
from collections.abc import Mapping, Sequence

import torch

from ablations.plain import Json
from ablations.workloads.common import close, equal, far, holds, never_stop, seeded, systems
from hrm import config, cost
from hrm.config import HRMConfig
from hrm.halting import ConcatenatedController, DirectController, Policy
from hrm.model import HRM

redundant = ("aten.eye", "aten.ones")


def equivalent(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Map the concatenated controller's weights to the direct one and compare, in float64.

    Settings: states, how many. Arms: concatenated, direct.
    """
    original, direct = pair(arms, seed)
    width, noise = original.config.high.width, seeded(seed)
    error = 0.0
    for cycle in range(original.halting.max_steps):
        states = torch.randn(settings["states"], width, generator=noise, dtype=torch.float64)
        progress = cycle / original.halting.max_steps
        logits = [controller(m)(states, progress) for m in (original, direct)]
        error = max(error, far(*logits))
    inputs = torch.randn(32, _size(original.config), generator=noise, dtype=torch.float64)
    with torch.no_grad():
        answers = [m(inputs) for m in (original, direct)]
    free = [sum(p.numel() for p in m.halting.parameters()) for m in (original, direct)]
    checks = [
        close("logits, the direct first layer being [W | W·1]", error, 1e-10),
        close("answers of the whole model", far(*(a.prediction for a in answers)), 1e-10),
        equal(
            "cycles of the whole model",
            answers[0].run.steps.tolist(),
            answers[1].run.steps.tolist(),
        ),
        holds(
            "whether the mapping goes both ways",
            f"{free[0]:,} parameters",
            f"{free[1]:,} parameters",
            free[0] == free[1],
            "equal counts: the direct form's last column is free",
            primary=False,
        ),
    ]
    return [{"checks": checks}, {}]


def memory(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Count the bytes that one controller call and one whole forward pass allocate, in evaluation.

    Nobody wants to stop, so that a pass takes all its cycles. Settings: batches.
    """
    metrics: list[dict[str, Json]] = []
    for model in (m.float() for m in pair(arms, seed)):
        never_stop(model)
        found: dict[str, Json] = {}
        for batch in settings["batches"]:
            states = torch.randn(batch, model.config.high.width, generator=seeded(seed))
            inputs = torch.randn(batch, _size(model.config), generator=seeded(seed))
            with torch.no_grad():
                call = cost.allocations(functools.partial(controller(model), states, 0.5))
                forward = cost.allocations(functools.partial(model, inputs))
            found[f"controller_{batch}"] = sum(size for _, size in call)
            found[f"forward_{batch}"] = sum(size for _, size in forward)
        metrics.append(found)
    return metrics


def tensors(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """List what each of several controller calls allocates. Settings: batch, calls."""
    listed: list[list[list[str]]] = []
    for model in (m.float() for m in pair(arms, seed)):
        states = torch.randn(settings["batch"], model.config.high.width, generator=seeded(seed))
        calls = []
        for _ in range(settings["calls"]):
            with torch.no_grad():
                found = cost.allocations(functools.partial(controller(model), states, 0.5))
            calls.append([name for name, _ in found])
        listed.append(calls)
    original, direct = listed
    each = [sum(all(op in call for op in redundant) for call in calls) for calls in listed]
    total = settings["calls"]
    checks = [
        equal(
            "original: calls that build eye and ones",
            f"{total} of {total}",
            f"{each[0]} of {total}",
        ),
        equal(
            "direct: calls that build eye or ones",
            0,
            sum(any(op in call for op in redundant) for call in direct),
        ),
        holds(
            "allocating operations per call, original and direct",
            "fewer in the direct form",
            f"{len(original[0])} ({', '.join(original[0])}) and {len(direct[0])} "
            f"({', '.join(direct[0])})",
            len(direct[0]) < len(original[0]),
            "counted",
            primary=False,
        ),
    ]
    return [{"checks": checks}, {}]


def pair(arms: Sequence[Json], seed: int) -> tuple[HRM, HRM]:
    """Build both models, computing the same, in evaluation mode and float64."""
    original_config, direct_config = (system.model for system in systems(arms))
    torch.manual_seed(seed)
    original, direct = HRM(original_config).double().eval(), HRM(direct_config).double().eval()
    same = {k: v for k, v in original.state_dict().items() if "controller" not in k}
    direct.load_state_dict(same, strict=False)
    theirs, mine = controller(original), controller(direct)
    assert isinstance(theirs, ConcatenatedController) and isinstance(mine, DirectController)
    mine.load_concatenated(theirs)
    return original, direct


def controller(model: HRM) -> torch.nn.Module:
    """Return a model's controller."""
    assert isinstance(model.halting, Policy)
    return model.halting.controller


def _size(c: HRMConfig) -> int:
    assert isinstance(c.embedding, config.Vector)
    return c.embedding.size
