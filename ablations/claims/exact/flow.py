"""The flow between both levels: the order of updates, and the reach of states and gradients."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ablations.records.checks import Check, Equal, Holds
from hrm.config import Alternating, Policy
from hrm.config.learning import PolicyGradient, System

if TYPE_CHECKING:
    from torch import Tensor

    from hrm.model import HRM

_LEVELS = ("low", "high")
_BLOCKS = tuple(f"{a} to {b}" for a, b in itertools.product(_LEVELS, _LEVELS))


def timescales(arms: Sequence[System], seed: int, *, batch: int = 16) -> Iterator[Check]:
    """Between two updates of the high level the low one is updated T times.

    This is checked in training and in evaluation mode.
    """
    for system in arms:
        steps = system.model.low_steps
        for mode in ("training", "inference"):
            order = "".join(
                name[0] for name, _ in _updates(system, seed, batch, mode == "training")
            )
            cycles = order.count("h")
            yield Equal(
                f"T = {steps}, {mode}: low updates before each of {cycles} high ones",
                expected=[steps] * cycles,
                observed=[len(lows) for lows in order.removesuffix("h").split("h")],
            )


def detached(arms: Sequence[System], seed: int, *, batch: int = 16) -> Iterator[Check]:
    """A detach flag cuts the gradient between levels in the direction that it names, and no other.

    Checked are blocks of the Jacobian between successive updates of a training pass, from each
    level's state to each level's next one.
    """
    for system in arms:
        model = system.model
        assert isinstance(model.coupling, Alternating) and isinstance(model.halting, Policy)
        flags = {
            "low to high": model.coupling.detach_low_to_high,
            "high to low": model.coupling.detach_high_to_low,
        }
        found = _gradient_blocks(system, seed, batch)
        on = " and ".join(f"detach_{name.replace(' ', '_')}" for name, on in flags.items() if on)
        yield Equal(
            f"{on or 'no flag'}, ACT {'on' if model.halting.obeyed else 'off'}: "
            "blocks without gradient",
            expected=[name for name, on in flags.items() if on],
            observed=[name for name in _BLOCKS if found[name] == 0],
        )


def both_ways(arms: Sequence[System], seed: int, *, shift: float = 1e-4) -> Iterator[Check]:
    """A change of either level's state changes the next state of the other.

    Gradients are also shown.
    """
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM

    (system,) = arms
    torch.manual_seed(seed)
    model, noise = HRM(replace(system.model, cycles=1)).double().eval(), rigged.seeded(seed)
    x = model.perceive(rigged.inputs(system.model, 16, noise).double())
    state = model.start(x)
    state = state._replace(
        **{
            name: torch.randn(getattr(state, name).shape, generator=noise, dtype=torch.float64)
            for name in _LEVELS
        }
    )
    gradients = _gradient_blocks(system, seed, 16)
    for source, target in (("high", "low"), ("low", "high")):
        moved = state._replace(**{source: getattr(state, source) + shift})
        with torch.no_grad():
            near, far = (getattr(model.think(z, x), target) for z in (state, moved))
        change = rigged.far(near, far) / shift
        yield Holds(
            f"change of the {target} state after a cycle, by one of the {source} state before",
            documented="a change",
            observed=f"{change:.2g} of the shift",
            holds=change > 1e-9,
            rule="more than 1e-9, by finite differences",
        )
        name = f"{source} to {target}"
        yield Holds(
            f"gradient from {name}, as the document sets its flags",
            documented="not zero",
            observed=f"{gradients[name]:.2g} at most",
            holds=gradients[name] > 0,
            rule="not exactly zero",
            primary=False,
        )


def reach(arms: Sequence[System], seed: int, *, batch: int = 64) -> Iterator[Check]:
    """Every parameter receives a gradient from the total loss.

    The terms that reach it are also shown. The first arm is primary.
    """
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM
    from hrm.training import losses

    for i, system in enumerate(arms):
        objective = system.objective
        assert isinstance(objective, PolicyGradient)
        torch.manual_seed(seed)
        model, noise = HRM(system.model).double().train(), rigged.seeded(seed)
        inputs = rigged.inputs(system.model, batch, noise).double()
        size = (batch, system.model.readout.size)
        targets = torch.randn(size, generator=noise, dtype=torch.float64)
        output = model(inputs, model.draw(batch, noise).double())
        found = losses.loss(objective, output, targets, model.halting.max_steps)
        terms = {name: getattr(found, name) for name in ("total", "task", "policy", "baseline")}
        reached = {name: _reached(model, term) for name, term in terms.items()}
        every = [name for name, _ in model.named_parameters()]
        missing = [name for name in every if name not in reached["total"]]
        label = _training(system)
        yield Holds(
            f"{label}: parameters with a gradient from the total loss",
            documented=f"{len(every)} of {len(every)}",
            observed=f"{len(every) - len(missing)} of {len(every)}"
            + (f"; none for {', '.join(missing)}" if missing else ""),
            holds=not missing,
            rule="not exactly zero",
            primary=i == 0,
        )
        for part in dict.fromkeys(name.partition(".")[0] for name in every):
            by = [
                t
                for t in terms
                if t != "total" and any(name.partition(".")[0] == part for name in reached[t])
            ]
            yield Holds(
                f"{label}: loss terms that reach `{part}`",
                documented="at least one",
                observed=", ".join(by) or "none",
                holds=bool(by),
                rule="some parameter with a gradient that isn't exactly zero",
                primary=False,
            )


def _training(system: System) -> str:
    coupling, halting = system.model.coupling, system.model.halting
    assert isinstance(coupling, Alternating) and isinstance(halting, Policy)
    return (
        f"training {'as coded' if halting.detach_at_stop else 'as documented'}, "
        f"low to high {'cut' if coupling.detach_low_to_high else 'not cut'}"
    )


def _reached(model: "HRM", term: "Tensor") -> set[str]:
    """The names of the parameters whose gradient of a loss isn't exactly zero."""
    import torch

    if not term.requires_grad:
        return set()
    names, parameters = zip(*model.named_parameters(), strict=True)
    found = torch.autograd.grad(
        term, parameters, allow_unused=True, retain_graph=True, materialize_grads=True
    )
    return {name for name, g in zip(names, found, strict=True) if bool(g.any())}


def _updates(system: System, seed: int, batch: int, training: bool) -> "list[tuple[str, Tensor]]":
    """The new states of both levels in the order of a pass, with their autograd graph."""
    import torch

    from ablations.protocols import rigged
    from hrm.model import HRM

    torch.manual_seed(seed)
    model, noise = HRM(system.model).double().train(training), rigged.seeded(seed)
    made: list[tuple[str, Tensor]] = []
    for name in _LEVELS:
        getattr(model, name).register_forward_hook(
            lambda _m, _a, out, name=name: made.append((name, out))
        )
    inputs = rigged.inputs(system.model, batch, noise).double()
    model(inputs, model.draw(batch, noise).double())
    return made


def _gradient_blocks(system: System, seed: int, batch: int) -> Mapping[str, float]:
    """The largest gradient from each level's state to each level's next one, in training."""
    import torch

    made = _updates(system, seed, batch, training=True)
    largest = dict.fromkeys(_BLOCKS, 0.0)
    for i, (source, state) in enumerate(made):
        for target in _LEVELS:
            new = next((new for name, new in made[i + 1 :] if name == target), None)
            if new is None:  # the pass ends
                continue
            (g,) = torch.autograd.grad(
                new.sum(), state, allow_unused=True, retain_graph=True, materialize_grads=True
            )
            block = f"{source} to {target}"
            largest[block] = max(largest[block], float(g.abs().max()))
    return largest
