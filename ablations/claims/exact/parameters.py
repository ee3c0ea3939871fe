"""Sizes: numbers of parameters of documented models, compared with printed figures."""

from collections.abc import Iterator, Sequence
from typing import Any

from ablations.claims.printed import parse, prints_as
from ablations.records.checks import Check, Equal, Holds
from hrm.config import QLearning, Transformer
from hrm.config.learning import System


def printed(arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """Each arm has as many parameters as its figure prints."""
    for system, figure in zip(arms, figures, strict=True):
        yield _figure("parameters of the model", _parameters(_model(system)), figure)


def bounded(arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """As `printed`; also shown is whether other inputs and outputs could give the figure."""
    for system, figure in zip(arms, figures, strict=True):
        model = _model(system)
        yield _figure("parameters of the model", _parameters(model), figure)
        layers = _parameters(model.low) + _parameters(model.high)
        yield Holds(
            "whether other input and output sizes could yield the figure",
            documented=f"yes: the layers alone hold at most {figure}",
            observed=f"{layers:,} in the layers alone",
            holds=layers <= parse(figure)[0],
            rule="a part is no larger than the whole",
            primary=False,
        )


def increase(arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """The second arm is larger than the first by the printed increase.

    Figures: both printed sizes and the increase, which is computed from them and from the models.
    """
    *sizes, grown = figures
    counts = [float(_parameters(_model(system))) for system in arms]
    for source, (a, b) in (
        ("from the printed sizes", [parse(size)[0] for size in sizes]),
        ("of the models", counts),
    ):
        yield _figure(f"increase {source}, in percent", 100 * (b / a - 1), grown)


def heads(arms: Sequence[System], _seed: int) -> Iterator[Check]:
    """Separate Q heads have another number of parameters than one map to both values.

    By the closed form, both have 2 (D + 1). Arms: separate heads, one map.
    """
    models = [_model(system) for system in arms]
    for what, (split, joint) in (
        ("the Q heads", [_parameters(model.halting) for model in models]),
        ("the model", [_parameters(model) for model in models]),
    ):
        yield Holds(
            f"parameters of {what}, separate and as one map",
            documented="different",
            observed=f"{split:,} and {joint:,}",
            holds=split != joint,
            rule="unequal counts",
        )
    for system, model in zip(arms, models, strict=True):
        halting = system.model.halting
        assert isinstance(halting, QLearning)
        yield Equal(
            f"{'two maps' if halting.heads == 2 else 'one map'}: 2 (D + 1)",
            expected=2 * (system.model.high.width + 1),
            observed=_parameters(model.halting),
            primary=False,
        )


def norms(arms: Sequence[System], _seed: int) -> Iterator[Check]:
    """RMSNorm instead of LayerNorm saves the shifts of two norms per layer, with D numbers each.

    Arms: pairs without and with it, at several widths.
    """
    for before, after in zip(arms[::2], arms[1::2], strict=True):
        width, layers = before.model.low.width, _layers(before)
        yield _change("RMSNorm instead of LayerNorm", before, after, -2 * width * layers)


def feed_forwards(arms: Sequence[System], _seed: int) -> Iterator[Check]:
    """SwiGLU instead of the baseline's feed-forward changes each layer by 3DF − (6D² + 5D).

    F is the whole part of 8D/3; the baseline has a fused map D → 4D and one 2D → D, with bias.
    Arms: pairs without and with it, at several widths.
    """
    for before, after in zip(arms[::2], arms[1::2], strict=True):
        width = before.model.low.width
        each = 3 * width * (8 * width // 3) - (6 * width**2 + 5 * width)
        yield _change("SwiGLU instead of the feed-forward", before, after, each * _layers(before))


def standard_mlp(arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """The baseline's feed-forward has two maps and one activation, which gives the printed size.

    Arms: the baseline, and the same with a plain MLP of the usual inner width, 4D. Figures: the
    printed size. The inner width that would give that size is also shown.
    """
    import torch

    plain = arms[1]
    model, other = (_model(system) for system in arms)
    for what, found, primary in (("baseline", model, True), ("plain MLP", other, False)):
        feed_forward = found.low.layers[0].feed_forward
        maps = [m for m in feed_forward.modules() if isinstance(m, torch.nn.Linear)]
        chained = len(maps) == 2 and maps[0].out_features == maps[1].in_features
        yield Holds(
            f"feed-forward of the {what}: maps",
            documented="two, the second reading what the first one makes",
            observed=", ".join(f"{m.in_features} → {m.out_features}" for m in maps),
            holds=chained,
            rule="two maps, and no product of halves between them",
            primary=primary,
        )
    yield _figure("parameters with a plain MLP, inner width 4D", _parameters(other), figures[0])
    yield _figure(
        "parameters of the baseline as coded", _parameters(model), figures[0], primary=False
    )
    width, layers, inner = plain.model.low.width, _layers(plain), 4 * plain.model.low.width
    each = layers * (2 * width + 1)  # parameters that one more inner unit takes
    needed = inner + (parse(figures[0])[0] - _parameters(other)) / each
    yield Holds(
        "inner width at which a plain MLP would give the printed size",
        documented="a whole number",
        observed=f"{needed:.3f}",
        holds=needed == int(needed) > 0,
        rule="whole and positive",
        primary=False,
    )


def _change(what: str, before: System, after: System, closed: int) -> Check:
    counted = _parameters(_model(after)) - _parameters(_model(before))
    return Equal(
        f"{what}, width {before.model.low.width}: parameters more",
        expected=f"{closed:,}",
        observed=f"{counted:,}",
    )


def _layers(system: System) -> int:
    low, high = system.model.low, system.model.high
    assert isinstance(low, Transformer) and isinstance(high, Transformer)
    return low.layers + high.layers


def _model(system: System) -> Any:
    from hrm.model import HRM

    return HRM(system.model)


def _parameters(module: Any) -> int:
    return sum(p.numel() for p in module.parameters())


def _figure(what: str, value: float, figure: str, *, primary: bool = True) -> Check:
    return Holds(
        what,
        documented=figure,
        observed=f"{value:,}" if isinstance(value, int) else f"{value:.3f}",
        holds=prints_as(value, figure),
        rule="rounds or truncates to the printed figure",
        primary=primary,
    )
