"""The controller: what the two forms compute, and what they allocate."""

import functools
from collections.abc import Callable, Mapping, Sequence

import torch

from ablations.plain import Json
from ablations.workloads.common import close, equal, far, holds, never_stop, seeded, systems
from hrm import config
from hrm.config import HRMConfig
from hrm.model import HRM, cost
from hrm.model.halting import ConcatenatedController, DirectController, Policy

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

    Nobody wants to stop, so that a pass takes all its cycles. Settings: batches, of the calls;
    passes, of the passes.
    """
    return [_allocated(m.float(), settings, seed) for m in pair(arms, seed)]


def planted_memory(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Count as `memory` does, each arm with weights and inputs of its own, and plant bytes.

    The metrics of `memory` stand beside those of the same calls, the last arm's followed by one
    allocation of a share of what the call takes: `planted_controller_32` of batch 32.

    Settings: as in `memory`; apart, from one arm's seed to the next one's; share.
    """
    decoded, metrics = systems(arms), []
    for i, system in enumerate(decoded):
        own = seed + i * settings["apart"]
        torch.manual_seed(own)
        share = settings["share"] if i == len(decoded) - 1 else 0.0
        metrics.append(_allocated(HRM(system.model).eval(), settings, own, share))
    return metrics


def _allocated(
    model: HRM, settings: Json, seed: int, share: float | None = None
) -> dict[str, Json]:
    """Count bytes by call or pass and batch; where a share is given, calls once more with it."""
    never_stop(model)
    found: dict[str, Json] = {}
    for batch in settings["batches"]:
        states = torch.randn(batch, model.config.high.width, generator=seeded(seed))
        call = functools.partial(controller(model), states, 0.5)
        found[f"controller_{batch}"] = _bytes(call)
        if share is not None:
            size = round(share * _bytes(call))
            more = functools.partial(torch.empty, size, dtype=torch.uint8)
            found[f"planted_controller_{batch}"] = _bytes(call, more)
    for batch in settings["passes"]:
        inputs = torch.randn(batch, _size(model.config), generator=seeded(seed))
        found[f"forward_{batch}"] = _bytes(functools.partial(model, inputs))
    return found


def _bytes(*calls: Callable[[], object]) -> int:
    """Return what calls allocate together."""
    with torch.no_grad():
        return sum(size for call in calls for _, size in cost.allocations(call))


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
