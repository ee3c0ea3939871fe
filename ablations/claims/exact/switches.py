"""Switches: with all of them off, compared with straight-line references; and in combinations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablations.records.checks import Check, Close, Equal, Holds
from ablations.specs.arms import changed
from hrm.config import LastStep, QLearning, StepAttention, Transformer
from hrm.config.learning import PolicyGradient, System, Training

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ablations.references import amulgent as reference
    from hrm.model import HRM

_ROUNDING = 1e-10  # relative to a tensor's largest number, in float64
_UPDATES, _RATE = 5, 1e-3

# Our names of v2's parameters, and its reference's.
_V2 = {
    "embed.map": "input",
    "low.control": "down",
    "low.cell": "low",
    "high.cell": "high",
    "readout": "output",
    "halting.baseline": "baseline",
    "halting.controller.policy.0": "policy.0",
    "halting.controller.policy.3": "policy.1",
    "halting.controller.policy.5": "policy.2",
    "summary.project": "summary",
    "summary.attention.query": "attention.query",
    "summary.attention.key": "attention.key",
    "summary.attention.value": "attention.value",
    "summary.attention.out": "attention.output",
}
# The same of amulgent's blocks, and of what is around them.
_AMULGENT = {
    "embed.map": "input",
    "readout": "output",
    "halting.heads.0": "q_halt",
    "halting.heads.1": "q_continue",
    "attention.out": "attention_output",
    "attention.qkv": "qkv",
    "feed_forward.gate_up": "gate_up",
    "feed_forward.down": "down",
}


def v2_off(arms: Sequence[System], seed: int, *, batch: int = 16) -> Iterator[Check]:
    """With all flags off a model is the original: outputs, losses, gradients, five updates.

    The original is a straight-line reference, written only from the equations, with the same
    weights, inputs and noise. It has no dropout, so that dropout is off in training. Predictions
    are compared bit for bit in float32; values whose sums have another order are compared to
    rounding in float64. The first arm is primary.
    """
    import torch

    for i, system in enumerate(arms):
        label = type(system.model.summary).__name__
        for dtype in (torch.float32, torch.float64):
            for check in _evaluated(system, seed, batch, dtype):
                yield _said(check, label, primary=i == 0)
        for check in _trained(_undropped(system), seed, batch):
            yield _said(check, label, primary=i == 0)


def independent(arms: Sequence[System], seed: int, *, batch: int = 16) -> Iterator[Check]:
    """Each combination of flags can be trained and evaluated, and has the features of its flags.

    After three updates all losses are finite, at least one parameter of each module has changed,
    and the model gives answers in evaluation. The first arm has no flag on.
    """
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM
    from hrm.model.execution import Batch
    from hrm.training.learner import Learner

    for system in arms:
        torch.manual_seed(seed)
        model, noise = HRM(system.model), rigged.seeded(seed)
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        x = rigged.inputs(system.model, batch, noise)
        y = torch.randn(batch, system.model.readout.size, generator=noise)
        learner = Learner(model.train(), system, Training(updates=3), noise)
        finite = all(torch.tensor(learner.update(Batch(x, None, y))[0]).isfinite() for _ in "123")
        parts = {name.partition(".")[0] for name in before}
        moved = {n.partition(".")[0] for n, p in model.named_parameters() if (p != before[n]).any()}
        with torch.no_grad():
            answers = model.eval()(x).prediction
        paths = [path for path, _, _ in arms[0].differences(system)]
        yield Holds(
            f"on: {', '.join(paths) or 'nothing'}",
            documented=f"it learns ({', '.join(sorted(parts))}) and answers",
            observed=f"losses {'are' if finite else 'aren’t'} finite, answers "
            f"{'are' if answers.isfinite().all() else 'aren’t'}, "
            f"learning are {', '.join(sorted(moved)) or 'none'}",
            holds=finite and bool(answers.isfinite().all()) and moved == parts,
            rule="three finite losses, every module has changed, finite answers",
        )
    found = {tuple(path for path, _, _ in arms[0].differences(system)) for system in arms}
    yield Equal(
        "combinations that are configured differently", expected=len(arms), observed=len(found)
    )


def amulgent_off(arms: Sequence[System], seed: int, *, batch: int = 8) -> Iterator[Check]:
    """With the listed switches off, a model has the original norms, feed-forwards and segments.

    The default model is compared with a straight-line reference whose listed parts are the original
    ones: one step, Q values, five updates of the Q loss, in float64. The same weights in the whole
    original system are also shown. Arms: default, the original.
    """
    from ablations.references import amulgent as reference

    default, original = arms
    counts = _counts(default)
    listed = reference.System(weak_injections=True, two_heads=True, **counts)
    for check in _stepped(default, listed, seed, batch):
        yield _said(check, "listed switches off", primary=True)
    before = reference.System(**counts)
    for what, system in (("the default", default), ("our original", original)):
        for check in _stepped(system, before, seed, batch):
            yield _said(check, f"{what} and the whole system before", primary=False)


def _evaluated(system: System, seed: int, batch: int, dtype: "torch.dtype") -> Iterator[Check]:
    import torch

    from ablations.references import v2 as reference

    model, x, _ = _v2(system, seed, batch, dtype)
    model.eval()
    weights, options, pairs = _named(model), _options(system), x.split(2)
    with torch.no_grad():
        found = [model(pair) for pair in pairs]
        expected = [reference.forward(weights, pair, None, **options) for pair in pairs]
    exact = dtype == torch.float32
    word = "float32, bit for bit" if exact else "float64"
    yield Equal(
        f"cycles of {len(pairs)} pairs of samples in evaluation, {word}",
        expected=[int(trace.cycles[0]) for trace in expected],
        observed=[int(output.run.steps[0]) for output in found],
    )
    yield Close(
        f"answers in evaluation, {word}",
        error=max(
            _relative(output.prediction, trace.prediction)
            for output, trace in zip(found, expected, strict=True)
        ),
        tolerance=0.0 if exact else _ROUNDING,
    )


def _trained(system: System, seed: int, batch: int) -> Iterator[Check]:
    import torch

    from ablations.protocols import rigged
    from ablations.references import v2 as reference
    from hrm.model.execution import Batch
    from hrm.training import losses
    from hrm.training.learner import Learner

    model, x, y = _v2(system, seed, batch, torch.float64)
    objective, limit = system.objective, system.model.halting.max_steps
    assert isinstance(objective, PolicyGradient)
    model.train()
    weights = _named(model)
    drawn = [torch.rand(limit, batch, generator=g) for g in [rigged.seeded(seed)] for _ in range(5)]
    options = {**_options(system), "score": "action"}
    expected = reference.training_step(weights, x, y, drawn[0], **options)
    output = model(x, drawn[0][..., None])
    found = losses.loss(objective, output, y, limit)
    yield Close(
        "answers in training, float64",
        error=_relative(output.prediction, expected.prediction),
        tolerance=_ROUNDING,
    )
    pairs = {
        "task": (found.task, expected.task_loss),
        "policy": (found.policy, expected.policy_loss),
        "baseline": (found.baseline, expected.baseline_loss),
        "entropy": (found.entropy, expected.entropy_loss),
        "total": (found.total, expected.loss),
    }
    yield Close(
        f"losses ({', '.join(pairs)}), float64",
        error=max(_relative(a, b) for a, b in pairs.values()),
        tolerance=_ROUNDING,
    )
    gradients = reference.gradients(expected.loss, weights)
    found.total.backward()
    names = _names(model)
    errors = [
        _relative(p.grad, gradients[names[name]], floor=1e-6)
        for name, p in model.named_parameters()
        if p.grad is not None
    ]
    yield Close(
        f"gradients of {len(errors)} tensors, float64", error=max(errors), tolerance=_ROUNDING
    )

    history, after = reference.train(
        weights, [(x, y)], torch.stack(drawn), _UPDATES, lr=_RATE, **options
    )
    learner = Learner(
        model, system, Training(updates=_UPDATES, learning_rate=_RATE), rigged.seeded(seed)
    )
    error = max(
        abs(learner.update(Batch(x, None, y))[0] - expected) / abs(expected) for expected in history
    )
    yield Close(f"losses of {_UPDATES} updates, float64", error=error, tolerance=_ROUNDING)
    now = _named(model)
    quiet = {name for name, g in gradients.items() if float(g.abs().max()) < 1e-12}
    yield Close(
        f"weights after {_UPDATES} updates, float64",
        error=max(_relative(now[name], after[name]) for name in now if name not in quiet),
        tolerance=_ROUNDING,
    )


def _v2(
    system: System, seed: int, batch: int, dtype: "torch.dtype"
) -> "tuple[HRM, Tensor, Tensor]":
    """Return a model whose samples stop at different cycles, inputs and targets."""
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM

    torch.manual_seed(seed)
    model, noise = HRM(system.model).to(dtype), rigged.seeded(seed)
    x = rigged.inputs(system.model, batch, noise).to(dtype)
    y = torch.randn(batch, system.model.readout.size, generator=noise).to(dtype)
    rigged.diversify(model, x, gain=3.0)
    return model, x, y


def _options(system: System) -> dict[str, Any]:
    c = system.model
    return {
        "original_aggregation": "single" if isinstance(c.summary, StepAttention) else "map",
        "max_cycles": c.halting.max_steps,
        "low_steps": c.low_steps,
        "detach_low_to_high": False,
        "detach_high_to_low": False,
    }


def _undropped(system: System) -> System:
    values = {"model.halting.controller.dropout": 0.0}
    if isinstance(system.model.summary, LastStep):
        values["model.summary.dropout"] = 0.0
    found = changed(system, values)
    assert isinstance(found, System)
    return found


def _names(model: "HRM") -> Mapping[str, str]:
    """Return the names in v2's reference by ours."""
    found = {}
    for name, _ in model.named_parameters():
        outer, _, kind = name.rpartition(".")
        found[name] = f"{_V2[outer]}.{kind}"
    return found


def _named(model: "HRM") -> "dict[str, Tensor]":
    """Return copies of v2's weights under the reference's names."""
    names = _names(model)
    return {names[n]: p.detach().clone().requires_grad_() for n, p in model.named_parameters()}


def _stepped(system: System, shape: "reference.System", seed: int, batch: int) -> Iterator[Check]:
    """Compare a step, and five updates of the Q loss, with amulgent's reference."""
    import torch

    from ablations.protocols import rigged
    from ablations.references import amulgent as reference
    from hrm.model import HRM
    from hrm.training import q_losses

    halting = system.model.halting
    assert isinstance(halting, QLearning)
    torch.manual_seed(seed)
    model, noise = HRM(system.model).double(), rigged.seeded(seed)
    x = rigged.inputs(system.model, batch, noise).double()
    weights = _amulgent(model, shape)
    expected = reference.think(weights, shape, x)
    output = model(x, steps=1)
    yield Close(
        "answers of a step",
        error=_relative(output.prediction, expected.output),
        tolerance=_ROUNDING,
    )
    q = torch.stack([expected.q_halt, expected.q_continue], -1)
    yield Close("Q values of a step", error=_relative(output.run.logits[0], q), tolerance=_ROUNDING)
    ended = torch.rand(batch, generator=noise) < 0.5
    rewards = torch.where(ended, torch.ones((), dtype=x.dtype), 0.1)
    theirs = [
        reference.experience(weights, shape, state, halted=bool(halted))
        for state, halted in zip(x, ended, strict=True)
    ]
    history, _ = reference.train(weights, shape, theirs, _UPDATES, lr=_RATE)
    following, error = output.prediction.detach(), 0.0
    optimiser = torch.optim.Adam(model.parameters(), lr=_RATE)
    for loss in history:
        q = model(x, steps=1).run.logits[0]
        with torch.no_grad():
            next_q = model(following, steps=1).run.logits[0]
        if halting.heads == 1:
            total = q_losses.single_head_loss(q, rewards, next_q, ended)
        else:
            total = q_losses.replay_loss(q, q_losses.replay_targets(rewards, next_q, ended))
        error = max(error, abs(float(total.detach()) - loss) / abs(loss))
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
    yield Close(f"Q losses of {_UPDATES} updates", error=error, tolerance=_ROUNDING)


def _counts(system: System) -> dict[str, Any]:
    c = system.model
    assert isinstance(c.low, Transformer)
    assert isinstance(c.high, Transformer)
    return {
        "high_layers": c.high.layers,
        "low_layers": c.low.layers,
        "high_cycles": c.cycles,
        "low_cycles": c.low_steps,
        "heads": c.low.heads,
        "max_steps": c.halting.max_steps,
    }


def _amulgent(model: "HRM", shape: "reference.System") -> "dict[str, Tensor]":
    """Return copies of amulgent's weights under the reference's names, with its form of heads."""
    import torch

    found: dict[str, Tensor] = {}
    for name, p in model.named_parameters():
        outer, _, kind = name.rpartition(".")
        if name.startswith("start_"):
            outer, kind = f"initial_{outer.removeprefix('start_')}", ""
        elif outer.startswith(("low.", "high.")):
            level, _, i, part = outer.split(".", 3)
            if part.startswith("norm"):
                kind = {"weight": "scale", "bias": "shift"}[kind]
            outer = f"{level}.{i}.{_AMULGENT.get(part, part)}"
        else:
            outer = _AMULGENT[outer]
        found[f"{outer}.{kind}".rstrip(".")] = p.detach().clone()
    if not shape.two_heads:
        for kind in ("weight", "bias"):
            heads = [found.pop(f"q_{head}.{kind}", None) for head in ("halt", "continue")]
            found[f"q.{kind}"] = torch.cat([head for head in heads if head is not None])
    return found


def _said(check: Check, label: str, *, primary: bool) -> Check:
    """Return a check under a label."""
    return Check(
        what=f"{label}: {check.what}",
        documented=check.documented,
        observed=check.observed,
        holds=check.holds,
        rule=check.rule,
        primary=primary,
    )


def _relative(found: "Tensor", expected: "Tensor", floor: float = 0.0) -> float:
    """Return the largest difference, relative to the largest expected number (or to a floor)."""
    error = float((found.detach() - expected.detach()).abs().max())
    return error / max(float(expected.detach().abs().max()), floor) if error else 0.0
