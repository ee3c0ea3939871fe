"""Identities of training: accumulated gradients, scale-free updates, stable probabilities."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.records.checks import Check, Close
from hrm.config.learning import System

Array = NDArray[np.float64]


def accumulation(
    arms: Sequence[System], seed: int, *, batch: int = 16, pieces: int = 4
) -> Iterator[Check]:
    """Gradients added up over equal pieces are those of the whole batch, in float64.

    The losses are act-v1's own and the language loss that the guide prints. Pieces with unequal
    numbers of labels are also shown for both.
    """
    import torch

    from ablations.protocols import rigged
    from hrm.config.learning import Training
    from hrm.model import HRM
    from hrm.model.execution import Batch
    from hrm.training.learner import Learner

    (system,) = arms
    part: Any = system.model.embedding
    noise = rigged.seeded(seed)
    shape = (2, batch, part.positions)
    inputs, labelled = torch.randint(part.vocabulary, shape, generator=noise).unbind()
    some = labelled.clone()
    lengths = torch.arange(batch)[:, None] + 1  # the first sequence has one label, the last many
    some[torch.arange(part.positions) >= lengths] = -100

    def model() -> HRM:
        torch.manual_seed(seed)
        return HRM(system.model).double().train()

    def learned(targets: Any, parts: int) -> list[Any]:
        built = model()
        how = Training(updates=1, batch=batch, pieces=parts)
        Learner(built, system, how, rigged.seeded(seed)).update(Batch(inputs, None, targets))
        return [p.grad for p in built.parameters()]

    def printed(targets: Any, parts: int) -> list[Any]:
        built = model()
        for x, y in zip(inputs.chunk(parts), targets.chunk(parts), strict=True):
            offered = Batch(x)
            drawn = torch.ones(len(x), built.halting.draws, dtype=torch.float64)
            _, logits, _ = built.advance(built.begin(offered), offered, drawn)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
            (loss / parts).backward()
        return [p.grad for p in built.parameters()]

    for kind, targets, primary in (("equal", labelled, True), ("unequal", some, False)):
        for what, gradients in (
            ("act-v1's loss, a mean over sequences", learned),
            ("the guide's language loss, a mean over tokens", printed),
        ):
            both = zip(gradients(targets, 1), gradients(targets, pieces), strict=True)
            pairs = [(a, b) for a, b in both if a is not None]
            yield Close(
                f"gradients of {pieces} pieces and of one batch, {kind} numbers of labels, {what}",
                error=max(rigged.far(a, b) for a, b in pairs),
                tolerance=1e-12,
                primary=primary,
            )


def scale_free(arms: Sequence[System], seed: int, *, updates: int = 5) -> Iterator[Check]:
    """Adam-atan2's updates don't change, to the bit, when the loss is multiplied by a power of two.

    Powers of two scale a gradient without rounding. Also shown: factors that round or let squares
    underflow, the optimiser as coded, and AdamW. Arm: a small model that is trained.
    """
    from ablations.protocols import rigged
    from hrm.config import learning
    from hrm.training.learner import optimisers

    (system,) = arms

    def trained(part: Any, factor: float) -> list[Any]:
        model, loss = _regression(system, seed)
        how = learning.Training(updates=updates, optimiser=part, learning_rate=1e-3)
        chosen = optimisers(model, how)["learning_rate"]
        for _ in range(updates):
            chosen.zero_grad()
            (factor * loss()).backward()
            chosen.step()
        return [p.detach() for p in model.parameters()]

    def moved(part: Any, factor: float) -> float:
        pairs = zip(trained(part, 1.0), trained(part, factor), strict=True)
        return max(rigged.far(a, b) for a, b in pairs)

    atan2 = learning.AdamAtan2()
    for exponent in (-10, 10):
        yield Close(
            f"parameters after {updates} updates, the loss times 2^{exponent}",
            error=moved(atan2, 2.0**exponent),
            tolerance=0.0,
        )
    for what, part, factor, tolerance in (
        ("the loss times 1,000, which rounds", atan2, 1e3, 1e-5),
        ("the loss times 2^-100, whose squares underflow in float32", atan2, 2.0**-100, 1e-5),
        ("Adam-atan2 as coded, the loss times 2^10", learning.AdamAtan2AsCoded(), 2.0**10, 1e-5),
        ("AdamW, the loss times 2^-10", learning.AdamW(), 2.0**-10, 1e-5),
    ):
        yield Close(
            f"parameters after {updates} updates: {what}",
            error=moved(part, factor),
            tolerance=tolerance,
            primary=False,
        )


def stablemax(
    _arms: Sequence[System], seed: int, *, classes: int = 10, samples: int = 64
) -> Iterator[Check]:
    """Stablemax's cross-entropy and gradient are correct to rounding for logits up to ± 10,000.

    The reference is the closed form in float64 numpy. Also shown: softmax, and the function that
    the document's code calls stablemax, the logarithm of a softmax of shifted logits.
    """
    import torch
    from torch.nn import functional as F

    from hrm.training import stablemax as module

    draws = np.random.default_rng(seed)
    sizes = 10.0 ** draws.uniform(-2, 4, size=(samples, classes))
    signs = draws.choice([-1.0, 1.0], size=sizes.shape)
    targets = draws.integers(classes, size=samples)
    sizes[0], targets[0] = 1e4, 0  # the extremes: a right class at −10,000 among others at +10,000
    signs[0] = np.where(np.arange(classes) == 0, -1, 1)

    def as_coded(x: Any, y: Any) -> Any:
        p = module.shifted_softmax(x)
        return -p.gather(-1, y[:, None]).squeeze(-1).log()

    def softmax(x: Any, y: Any) -> Any:
        return F.cross_entropy(x, y, reduction="none")

    for kind, rounding in (("float32", 1e-5), ("bfloat16", 2.0**-8)):
        logits = torch.tensor(sizes * signs, dtype=getattr(torch, kind))
        exact = logits.double().numpy()
        for name, function, reference, primary in (
            ("stablemax", module.stablemax_cross_entropy, _stablemax, True),
            ("softmax, in one function", softmax, _softmax, False),
            ("stablemax as coded, then a logarithm", as_coded, _softmax, False),
        ):
            given, y = logits.clone().requires_grad_(), torch.from_numpy(targets)
            loss = function(given, y)
            loss.sum().backward()
            assert given.grad is not None
            expected_loss, expected = reference(exact, targets)
            for what, found, wanted in (
                ("loss", loss.detach().double().numpy(), expected_loss),
                ("gradient", given.grad.double().numpy(), expected),
            ):
                yield Close(
                    f"{name}, logits in {kind}: largest relative error of the {what}",
                    error=_relative(found, wanted),
                    tolerance=rounding,
                    primary=primary,
                )


def _stablemax(x: Array, y: NDArray[np.int64]) -> tuple[Array, Array]:
    """−log p_y and its gradient, (p_c − 1[c = y]) / (1 + |x_c|) (see `hrm.training.stablemax`)."""
    s = np.where(x >= 0, x + 1, 1 / (1 - np.minimum(x, 0)))
    p = s / s.sum(-1, keepdims=True)
    rows = np.arange(len(y))
    slope = p.copy()
    slope[rows, y] = -(s.sum(-1) - s[rows, y]) / s.sum(-1)  # p − 1 without cancellation
    return -np.log(p[rows, y]), slope / (1 + np.abs(x))


def _softmax(x: Array, y: NDArray[np.int64]) -> tuple[Array, Array]:
    """−log p_y and its gradient, p_c − 1[c = y]."""
    shifted = x - x.max(-1, keepdims=True)
    e = np.exp(shifted)
    rows = np.arange(len(y))
    slope = e / e.sum(-1, keepdims=True)
    others = e.copy()
    others[rows, y] = 0
    slope[rows, y] = -others.sum(-1) / e.sum(-1)
    return np.log(e.sum(-1)) - shifted[rows, y], slope


def _relative(found: Array, wanted: Array) -> float:
    """Return the largest relative error, over values that aren't below float32's range."""
    if not np.isfinite(found).all():
        return float("inf")
    floor = float(np.finfo(np.float32).tiny) / 1e-6
    return float((np.abs(found - wanted) / np.maximum(np.abs(wanted), floor)).max())


def _regression(system: System, seed: int) -> tuple[Any, Any]:
    """Return a model with initial weights, and a function to its answer's loss on fixed data."""
    import torch

    from ablations.protocols import peaks
    from hrm.model import HRM
    from hrm.model.registry import built

    torch.manual_seed(seed)
    model = HRM(system.model).train()
    objective = built(system.objective)
    noise, data = peaks.drawn(model, system, 8, seed)
    return model, lambda: objective.losses(model, data, noise, None)[0]["loss"]
